"""How a failure reaches the person: as a sentence. Every handler of the page runs inside one of these."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from html import escape
from typing import Any

import structlog
from pydantic import ValidationError

from illustrious_studio.domain.errors import StudioError

log = structlog.get_logger(__name__)

FIELDS = {"prompt": "The prompt", "message": "The message", "q": "The search", "seed": "The seed"}


def error_message(error: Exception) -> str:
    """The sentence that a person sees for an error."""
    if isinstance(error, StudioError):
        return error.detail
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        field = str(first["loc"][0]).replace("_", " ") if first["loc"] else ""
        name = FIELDS.get(field, field.capitalize() or "This")
        message = first["msg"].removeprefix("Value error, ")
        return f"{name} {message}." if message.startswith("must") else f"{name}: {message}."
    log.error("the page could not do what was asked", exc_info=error)
    return "The studio made a mistake. Its log says more."


def show_errors(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The handler, with its errors shown as a message while the page stays as it is."""

    @functools.wraps(handler)
    async def wrapper(*args: Any) -> Any:
        import gradio as gr

        try:
            return await handler(*args)
        except Exception as error:
            log.debug("a handler failed", exc_info=error)
            gr.Warning(escape(error_message(error)), title="That did not work")
            return gr.skip()

    return wrapper


def show_errors_stream(handler: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    """The same for a handler that answers piece by piece. It gives at least one: Gradio empties the page for none."""

    @functools.wraps(handler)
    async def wrapper(*args: Any) -> AsyncIterator[Any]:
        import gradio as gr

        try:
            async for piece in handler(*args):
                yield piece
        except Exception as error:
            log.debug("a handler failed", exc_info=error)
            gr.Warning(escape(error_message(error)), title="That did not work")
        yield gr.skip()

    return wrapper
