"""Serving: the API on 8000 and the web UI on 7860 over one Studio, in one event loop, started and stopped together.

Both ports are open before anything slow happens. Gradio takes seconds to import, so 7860 answers with a small page
until the whole UI is there; the API never waits for it.
"""

import asyncio
import concurrent.futures
import contextlib
import gc
import ipaddress
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import structlog
import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.interfaces.a1111.app import WITH_PICTURES as A1111_WITH_PICTURES
from illustrious_studio.interfaces.a1111.app import create_a1111_apis
from illustrious_studio.interfaces.a1111.errors import error_body as a1111_error
from illustrious_studio.interfaces.http.guard import GRADIO_PAGES, MIB, Guard
from illustrious_studio.interfaces.mcp.endpoint import LARGEST_BODY, McpEndpoint
from illustrious_studio.interfaces.openai.app import create_openai_api
from illustrious_studio.interfaces.openai.errors import error_body as openai_error
from illustrious_studio.interfaces.rest.app import WITH_PICTURES, create_api
from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.interfaces.web.starting import broken_page, starting_page
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings, default_data_dir
from illustrious_studio.wiring import open_studio

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger(__name__)

T = TypeVar("T")

GRACE_SECONDS = 2


@dataclass(frozen=True)
class Addresses:
    """Where the studio answers."""

    web: str
    api: str


async def serve(settings: Settings, *, on_ready: Callable[[Addresses], None] = lambda _: None) -> None:
    """Run the studio until it is told to stop (Ctrl-C, SIGTERM).

    Raises InvalidRequest (off loopback without a key) and Unavailable (a port is taken) before anything is started.
    """
    refuse_to_be_open(settings)
    servers: list[_Server] = []
    with (
        _told_to_stop(servers),
        listen(settings.host, settings.web_port, "web") as web_socket,
        listen(settings.host, settings.api_port, "api") as api_socket,
    ):
        addresses = Addresses(
            web=address(settings.host, _port(web_socket)), api=address(settings.host, _port(api_socket))
        )
        # Starting the language model takes processor time from the pages, which are waited for more.
        pages_done = asyncio.Event()
        async with open_studio(settings, api_url=addresses.api, web_url=addresses.web, look_after=pages_done) as studio:
            page = _Page(studio, access_to(settings, addresses.api), pages_done)
            async with page.loading(), McpEndpoint(studio) as mcp:
                web = _server(guarded_web(settings, page, _port(web_socket)))
                api = _server(guarded_api(settings, studio, mcp, _port(api_socket)), mcp.stop)
                servers += [web, api]
                serving = [
                    asyncio.create_task(server.serve(sockets=[s]))
                    for server, s in ((web, web_socket), (api, api_socket))
                ]
                await asyncio.gather(web.answers.wait(), api.answers.wait())
                on_ready(addresses)
                if settings.open:
                    threading.Thread(target=webbrowser.open, args=(addresses.web,), daemon=True).start()
                await asyncio.gather(*serving)
        log.info("stopped")


@contextlib.asynccontextmanager
async def serving_api(settings: Settings) -> AsyncIterator[str]:
    """The API alone, on a free loopback port, while the context is open; its address. For the command line."""
    with listen("127.0.0.1", 0, "api") as api_socket:
        url = address("127.0.0.1", _port(api_socket))
        async with open_studio(settings, api_url=url) as studio, answering(settings, studio, api_socket):
            yield url


@contextlib.asynccontextmanager
async def answering(settings: Settings, studio: Studio, api_socket: socket.socket) -> AsyncIterator[None]:
    """The API over a studio that is open, on that socket, while the context is open."""
    async with McpEndpoint(studio) as mcp:
        server = _server(guarded_api(settings, studio, mcp, _port(api_socket)), mcp.stop)
        task = asyncio.create_task(server.serve(sockets=[api_socket]))
        await server.answers.wait()
        try:
            yield
        finally:
            server.should_exit = True
            await task


def refuse_to_be_open(settings: Settings) -> None:
    """Off loopback a key is a must: everybody on the network could use the studio and read the gallery."""
    if settings.key is not None or _is_loopback(settings.host):
        return
    raise InvalidRequest(
        f"--host {settings.host} opens the studio to the network, and no key is set. "
        "Set ILLUSTRIOUS_KEY to a secret of at least 16 characters, or leave --host out."
    )


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise InvalidRequest(f"--host {host} is no address of this machine ({error}).") from error
    return all(ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in found)


@contextlib.contextmanager
def listen(host: str, port: int, what: str) -> Iterator[socket.socket]:
    """A listening socket. Raises Unavailable with what to do when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle on: 40 ms more for every answer on a kept connection.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError as error:
            raise Unavailable(
                f"Port {port} cannot be used ({error.strerror}). Is a studio running already? "
                f"Otherwise choose another with --{what}-port."
            ) from error
        listener.setblocking(False)
        yield listener


def guarded_api(settings: Settings, studio: Studio, mcp: McpEndpoint, port: int) -> Guard:
    return guard_api(whole_api(studio, mcp), port, hosts=_hosts(settings), key=_key(settings))


def whole_api(studio: Studio, mcp: McpEndpoint) -> "FastAPI":
    """What 8000 answers: the studio's own API, and the doors for other people's clients."""
    app = create_api(studio)
    app.mount("/v1", create_openai_api(studio))
    for path, door in create_a1111_apis(studio).items():
        app.mount(path, door)
    app.router.routes.append(Route("/mcp", mcp))
    return app


def guard_api(app: ASGIApp, port: int, *, hosts: Collection[str] = (), key: str | None = None) -> Guard:
    """The guard around it. Only pictures may be larger than the rest; each door has its own shape of errors."""
    with_pictures = (*WITH_PICTURES, *A1111_WITH_PICTURES, "/v1/chat/completions", "/v1/images/edits")
    larger = dict.fromkeys(with_pictures, 36 * MIB) | {"/mcp": LARGEST_BODY}
    shapes = {"/v1/": openai_error, "/sdapi/": a1111_error, "/internal/": a1111_error}
    return Guard(app, port=port, hosts=hosts, key=key, larger=larger, shapes=shapes)


def guarded_web(settings: Settings, page: ASGIApp, port: int) -> Guard:
    """The web UI behind the guard."""
    return Guard(
        page,
        port=port,
        hosts=_hosts(settings),
        key=_key(settings),
        larger=dict.fromkeys(("/gradio_api/upload", "/inputs", "/masks"), 26 * MIB),
        page_policy=GRADIO_PAGES,
    )


def access_to(settings: Settings, api_url: str) -> Access:
    """How other programs reach the studio; hosts that start one need its data folder, to find the running studio."""
    script = Path(__file__).resolve().parents[2] / "app.py"
    start = (sys.executable, str(script)) if script.is_file() else (str(Path(sys.executable).with_name("illustrious")),)
    folder = ("--data-dir", str(settings.data_dir)) if settings.data_dir != default_data_dir() else ()
    return Access(url=api_url, key=settings.key, program=(*start, "mcp", *folder))


def _hosts(settings: Settings) -> tuple[str, ...]:
    return (settings.host, *settings.allowed_hosts) if ":" not in settings.host else settings.allowed_hosts


def _key(settings: Settings) -> str:
    return settings.key.get_secret_value() if settings.key else ""


class _Page:
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


class _Server(uvicorn.Server):
    """Leaves the signals to `_told_to_stop`: there are two servers, and one Ctrl-C. Says when it answers."""

    def __init__(self, config: uvicorn.Config, before_stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()
        self._before_stopping = before_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: ASGIApp, before_stopping: Callable[[], None] = lambda: None) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=30,
            limit_concurrency=1000,
            h11_max_incomplete_event_size=65_536,
        ),
        before_stopping,
    )


@contextlib.contextmanager
def _told_to_stop(servers: Sequence[uvicorn.Server]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM stops gently, the second at once. Further ones do not disturb the tidying up."""

    def stop(_: int, __: FrameType | None) -> None:
        if not servers:
            raise KeyboardInterrupt  # nothing answers yet
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    signals = [signal.SIGINT, signal.SIGTERM]
    before = {one: signal.signal(one, stop) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def address(host: str, port: int) -> str:
    """What to call from this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
