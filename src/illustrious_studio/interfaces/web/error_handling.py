"""How a failure reaches the person: as a sentence. Every handler of the page runs inside one of these."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from html import escape
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.interfaces.http.errors import sentences

log = structlog.get_logger(__name__)

NOT_SETTINGS = {"": "The form", "message": "The message", "x": "X axis", "y": "Y axis", "z": "Z axis"}
"""What people call the fields that are no settings of a picture."""


def error_message(error: Exception) -> str:
    """The sentence that a person sees for an error."""
    if isinstance(error, StudioError):
        return error.detail
    if isinstance(error, ValidationError | RequestValidationError):
        return f"{sentences(error.errors(), _called)}."
    log.error("the page could not do what was asked", exc_info=error)
    return "The studio made a mistake. Its log says more."


def _called(name: str) -> str:
    first, *within = name.split(".")
    label = SETTINGS[first].label if first in SETTINGS else NOT_SETTINGS.get(first, first)
    if within and within[0].isdigit():  # people count from 1
        label, within = f"{label} {int(within[0]) + 1}", within[1:]
    return ", ".join([label, *within])


def show_errors(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The handler, with its errors shown as a message while the page stays as it is."""

    @functools.wraps(handler)
    async def wrapper(*args: Any) -> Any:
        import gradio as gr

        try:
            return await handler(*args)
        except Exception as error:  # the top of an event; `error_message` logs what is a bug
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
        except Exception as error:  # the top of an event; `error_message` logs what is a bug
            log.debug("a handler failed", exc_info=error)
            gr.Warning(escape(error_message(error)), title="That did not work")
        yield gr.skip()

    return wrapper
