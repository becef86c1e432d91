"""MCP over streamable HTTP, as an ASGI app for `/mcp`. Whoever serves it puts the guard around it."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from starlette.types import Receive, Scope, Send

from illustrious_studio.interfaces.http.bodies import answer_json, body_again, whole_body
from illustrious_studio.interfaces.mcp.request_ids import REFUSED, has_impossible_id
from illustrious_studio.services.studio import Studio

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

LARGEST_BODY = 36 * 1024 * 1024
"""A picture to analyze may be in it, as in the API."""


class McpEndpoint:
    """An async context manager: sessions live while it is open. The SDK, whose import takes half a second, is left to
    the first request, in which `make_server` is called, in a thread."""

    def __init__(self, make_server: "Callable[[], Server[Any]]") -> None:
        self._make_server = make_server
        self._wanted = asyncio.Event()
        self._started: asyncio.Future[StreamableHTTPSessionManager] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.cancel()
        await asyncio.wait([self._running])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._wanted.set()
        first: set[asyncio.Future[Any]] = {self._running, self._started}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not self._started.done():
            self._running.result()  # raises what kept it from starting
        if scope["method"] == "POST":
            if (body := await whole_body(receive)) is None:
                return
            if await has_impossible_id(body):
                await answer_json(send, 400, REFUSED)
                return
            receive = body_again(body, receive)
        await self._started.result().handle_request(scope, receive, send)

    async def _run(self) -> None:
        await self._wanted.wait()
        manager = await asyncio.to_thread(_session_manager, self._make_server)
        async with manager.run():
            self._started.set_result(manager)
            await asyncio.Event().wait()


def studio_endpoint(studio: Studio) -> McpEndpoint:
    def make_server() -> "Server[Any]":
        from illustrious_studio.interfaces.mcp.server import create_mcp_server

        return create_mcp_server(studio)

    return McpEndpoint(make_server)


def _session_manager(make_server: "Callable[[], Server[Any]]") -> "StreamableHTTPSessionManager":
    # The package before what is in it: Gradio imports it in another thread, and the two must not cross in its middle.
    import mcp  # noqa: F401
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    # Host and origin are checked by the guard, for every address alike.
    return StreamableHTTPSessionManager(make_server(), max_request_body_size=LARGEST_BODY)
