"""The web UI that comes later than its port: a small page first, the studio's own once Gradio is there."""

import asyncio
import concurrent.futures
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.interfaces.web.starting import broken_page, starting_page
from illustrious_studio.services.studio import Studio

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger(__name__)

T = TypeVar("T")


class LoadingPage:
    """What 7860 shows: a small page first, the studio as soon as Gradio is imported and its pages are built."""

    def __init__(self, studio: Studio, access: Access, done: asyncio.Event) -> None:
        self._studio = studio
        self._access = access
        self._done = done
        self._app: ASGIApp = starting_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._load())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _load(self) -> None:
        try:
            app = await _in_own_thread(lambda: _create_web_app(self._studio, self._access))
            async with app.router.lifespan_context(app):
                self._app = app
                self._everything_is_imported()
                log.info("web UI ready")
                await asyncio.Event().wait()  # the lifespan ends with the task
        except Exception:
            log.exception("the web UI could not be built")
            self._app = broken_page
            self._everything_is_imported()

    def _everything_is_imported(self) -> None:
        gc.freeze()  # modules stay for ever: no need to search them for what can be freed
        gc.enable()
        self._done.set()


async def _in_own_thread(work: Callable[[], T]) -> T:
    """Its result. Not `to_thread`, whose threads are waited for at the end: an import of seconds cannot be stopped."""
    result: concurrent.futures.Future[T] = concurrent.futures.Future()
    result.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result.set_result(work())
        except Exception as error:  # noqa: BLE001  it is raised where the result is awaited
            result.set_exception(error)

    threading.Thread(target=run, name="pages", daemon=True).start()
    return await asyncio.wrap_future(result)


def _create_web_app(studio: Studio, access: Access) -> "FastAPI":
    from illustrious_studio.interfaces.web.app import create_web_app

    return create_web_app(studio, access)
