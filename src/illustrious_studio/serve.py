"""Serving: the API on 8000 and the web UI on 7860 over one Studio, in one event loop, started and stopped together.

Both ports are open before anything slow happens. Gradio takes seconds to import, so 7860 answers with a small page
until the whole UI is there; the API never waits for it.
"""

import asyncio
import contextlib
import ctypes
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.routing import Route
from starlette.types import ASGIApp

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.interfaces.a1111.app import WITH_PICTURES as A1111_WITH_PICTURES
from illustrious_studio.interfaces.a1111.app import create_a1111_apis
from illustrious_studio.interfaces.a1111.errors import error_body as a1111_error
from illustrious_studio.interfaces.http.guard import GRADIO_PAGES, MIB, Guard, OnRefusal
from illustrious_studio.interfaces.mcp.endpoint import LARGEST_BODY, McpEndpoint, studio_endpoint
from illustrious_studio.interfaces.openai.app import WITH_PICTURES as OPENAI_WITH_PICTURES
from illustrious_studio.interfaces.openai.app import create_openai_api
from illustrious_studio.interfaces.openai.errors import error_body as openai_error
from illustrious_studio.interfaces.rest.app import WITH_PICTURES, create_api
from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.page_loader import LoadingPage
from illustrious_studio.servers import Server, address, is_loopback, listen, port_of, server_of, stopped_by_signals
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings, default_data_dir
from illustrious_studio.wiring import open_studio

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger(__name__)

M_MMAP_THRESHOLD = -3
"""glibc's number for it (malloc.h)."""


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
    give_memory_back()
    servers: list[Server] = []
    with (
        stopped_by_signals(servers),
        listen(settings.host, settings.web_port, "web") as web_socket,
        listen(settings.host, settings.api_port, "api") as api_socket,
    ):
        addresses = Addresses(
            web=address(settings.host, port_of(web_socket)), api=address(settings.host, port_of(api_socket))
        )
        # Starting the language model takes processor time from the pages, which are waited for more.
        pages_done = asyncio.Event()
        async with open_studio(settings, api_url=addresses.api, web_url=addresses.web, look_after=pages_done) as studio:
            page = LoadingPage(studio, access_to(settings, addresses.api), pages_done)
            async with page.loading(), studio_endpoint(studio) as mcp:
                pages = guarded_web(settings, page, port_of(web_socket))
                apis = guarded_api(settings, studio, mcp, port_of(api_socket))
                web, api = server_of(pages, pages.stop), server_of(apis, apis.stop)
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
        url = address("127.0.0.1", port_of(api_socket))
        async with open_studio(settings, api_url=url) as studio, answering(settings, studio, api_socket):
            yield url


@contextlib.asynccontextmanager
async def answering(settings: Settings, studio: Studio, api_socket: socket.socket) -> AsyncIterator[None]:
    """The API over a studio that is open, on that socket, while the context is open."""
    async with studio_endpoint(studio) as mcp:
        apis = guarded_api(settings, studio, mcp, port_of(api_socket))
        server = server_of(apis, apis.stop)
        task = asyncio.create_task(server.serve(sockets=[api_socket]))
        await server.answers.wait()
        try:
            yield
        finally:
            server.stop()
            await task


def give_memory_back() -> None:
    """Have glibc return a picture's memory to the system as soon as it is free. By itself it learns from the first
    large piece to keep the next ones, and one upload of 25 megapixels would leave 200 MB with the studio for ever."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):  # musl has none, and needs none
        libc.mallopt(M_MMAP_THRESHOLD, MIB)


def refuse_to_be_open(settings: Settings) -> None:
    """Off loopback a key is a must: everybody on the network could use the studio and read the gallery."""
    if settings.key is not None or is_loopback(settings.host):
        return
    raise InvalidRequest(
        f"--host {settings.host} opens the studio to the network, and no key is set. "
        "Set ILLUSTRIOUS_KEY to a secret of at least 16 characters, or leave --host out."
    )


def guarded_api(settings: Settings, studio: Studio, mcp: McpEndpoint, port: int) -> Guard:
    return guard_api(
        whole_api(studio, mcp), port, hosts=_hosts(settings), key=_key(settings), on_refusal=studio.refused.add
    )


def whole_api(studio: Studio, mcp: McpEndpoint) -> "FastAPI":
    """What 8000 answers: the studio's own API, and the APIs for other people's clients."""
    app = create_api(studio)
    app.mount("/v1", create_openai_api(studio))
    for path, app_there in create_a1111_apis(studio).items():
        app.mount(path, app_there)
    app.router.routes.append(Route("/mcp", mcp))
    return app


def guard_api(
    app: ASGIApp,
    port: int,
    *,
    hosts: Collection[str] = (),
    key: str | None = None,
    on_refusal: OnRefusal | None = None,
) -> Guard:
    """The guard around it. Only pictures may be larger than the rest; each API has its own shape of errors."""
    with_pictures = (*WITH_PICTURES, *A1111_WITH_PICTURES, *OPENAI_WITH_PICTURES)
    larger = dict.fromkeys(with_pictures, 36 * MIB) | {"/mcp": LARGEST_BODY}
    of_a1111 = "/sdapi/", "/internal/", "/controlnet/", "/adetailer/"
    shapes = {"/v1/": openai_error} | dict.fromkeys(of_a1111, a1111_error)
    return Guard(app, port=port, hosts=hosts, key=key, larger=larger, shapes=shapes, on_refusal=on_refusal)


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
