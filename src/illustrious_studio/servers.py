"""Sockets, uvicorn and signals: what it takes to answer on two ports from one event loop, and to stop both at once."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from illustrious_studio.domain.errors import InvalidRequest, Unavailable

GRACE_SECONDS = 2


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address. Raises InvalidRequest for a name without an address."""
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


class Server(uvicorn.Server):
    """Leaves the signals to `stopped_by_signals`: there are two servers, and one Ctrl-C. Says when it answers, and is
    told when to stop: uvicorn's own looks ten times a second, which is most of what an idle studio would do."""

    def __init__(self, config: uvicorn.Config, before_stopping: Sequence[Callable[[], None]]) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()
        self._before_stopping = before_stopping
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Gently the first time, at once the second; also from a signal's handler, and from another thread."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.answers.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which also sets the time that answers are dated with
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for tell in self._before_stopping:
            tell()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: ASGIApp, *before_stopping: Callable[[], None]) -> Server:
    return Server(
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
def stopped_by_signals(servers: Sequence[Server]) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM stops gently, the second at once. Further ones do not disturb the tidying up."""

    def stop(_: int, __: FrameType | None) -> None:
        if not servers:
            raise KeyboardInterrupt  # nothing answers yet
        for server in servers:
            server.stop()

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


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
