"""Work that lasts, for every interface: it stops when the caller leaves, or is told when the studio does, and streams
stay alive while nothing happens.

Written on asyncio alone. A cancelled anyio scope cancels every further `await`, and so would cut off what a service
does last, such as keeping the half of an answer that was given.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from illustrious_studio.domain.errors import StudioError, Unavailable

logger = structlog.get_logger(__name__)
T = TypeVar("T")

STOPPING: ContextVar[asyncio.Event | None] = ContextVar("stopping", default=None)
"""Set around each request by who serves it: the event that the studio is about to stop."""
KEEP_ALIVE_SECONDS = 10.0
_MOST_WAITING = 256
EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/event-stream": {
                "itemSchema": {
                    "type": "object",
                    "properties": {
                        "event": {"type": "string"},
                        "data": {"type": "string", "contentMediaType": "application/json"},
                    },
                    "required": ["event", "data"],
                }
            }
        }
    }
}
"""Of a route that answers so; `itemSchema`, which is one event, is what FastAPI writes for its own streams."""


class CallerLeft(Exception):
    """Nobody waits for this answer any more; the work was stopped."""


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled as soon as the caller closes the connection. Raises CallerLeft then, and
    Unavailable when the studio stops."""
    gone = asyncio.create_task(_gone(request.receive))
    try:
        return await until_stopped(work, gone)
    finally:
        await _stop(gone)


async def until_stopped(work: Coroutine[Any, Any, T], gone: "asyncio.Task[None] | None" = None) -> T:
    """The result of `work`, which is cancelled, and waited for, with its caller, or when `gone` is done. Raises
    CallerLeft then, and Unavailable when the studio stops."""
    task = asyncio.create_task(work)
    stopping = asyncio.create_task(_stopping())
    try:
        await asyncio.wait({task, stopping, *filter(None, [gone])}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone is not None and gone.done():
            raise CallerLeft
        _leave(task)
        raise _stopped()
    finally:
        if task not in _LEFT:
            await _stop(task)
        await _stop(stopping)


async def caller_left(request: Request, error: Exception) -> Response:
    """An answer nobody reads; 499 is what the log of other servers says."""
    return Response(status_code=499)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stopping() -> None:
    event = STOPPING.get()
    await (asyncio.Event() if event is None else event).wait()


def _stopped() -> StudioError:
    return Unavailable("The studio is being stopped. Send this again when it runs.", retry_after=5)


_LEFT: set[asyncio.Task[Any]] = set()
"""What was cancelled and is not waited for: there is no time for that when the studio stops."""


def _leave(task: asyncio.Task[Any]) -> None:
    _LEFT.add(task)
    task.add_done_callback(_LEFT.discard)
    task.cancel()


async def _stop(task: asyncio.Task[Any]) -> None:
    """Cancel and wait until it has tidied up; how it ended no longer matters to anybody."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


class Sent(Protocol):
    """A piece of a stream, in the words of whoever made it."""

    def encode(self) -> bytes: ...


@dataclass(frozen=True)
class Frame:
    """A server-sent event: its name, and its data as JSON."""

    event: str
    data: Mapping[str, object]

    def encode(self) -> bytes:
        # JSON without line breaks, so one `data:` line holds it.
        return f"event: {self.event}\ndata: {json.dumps(self.data, separators=(',', ':'))}\n\n".encode()


class EventStream(Response):
    """Server-sent events. Closing the connection stops what makes them; silence is filled with comments.

    Build it with `open`: a failure before the first event still becomes an ordinary error answer, a later one becomes
    the last event: by default `error`, else what `failed` makes of it.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        pump: "asyncio.Task[None]",
        waiting: "asyncio.Queue[Sent | None]",
        keep_alive: float,
        failed: Callable[[StudioError], Sent],
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pump, self._waiting, self._keep_alive, self._failed = pump, waiting, keep_alive, failed

    @classmethod
    async def open(
        cls,
        frames: AsyncGenerator[Sent, None],
        keep_alive: float = KEEP_ALIVE_SECONDS,
        failed: Callable[[StudioError], Sent] = lambda error: error_frame(error.detail, error.code),
    ) -> "EventStream":
        """Raises the error that came before the first event. A slow first event is waited for in the stream instead."""
        waiting: asyncio.Queue[Sent | None] = asyncio.Queue(_MOST_WAITING)
        opened = asyncio.Event()
        pump = asyncio.create_task(_fill(frames, waiting, opened, failed))
        first, stopping = asyncio.create_task(opened.wait()), asyncio.create_task(_stopping())
        try:
            await asyncio.wait({first, stopping}, timeout=keep_alive, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _stop(pump)
            raise
        finally:
            await _stop(first)
            await _stop(stopping)
        if pump.done():
            pump.result()
        opened.set()
        return cls(pump, waiting, keep_alive, failed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive))
        gone.add_done_callback(lambda _: self._pump.cancel())
        stopping = asyncio.create_task(_stopping())
        stopping.add_done_callback(lambda _: self._wake())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for body in self._bodies(stopping):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if not gone.done():
                cut_off = stopping.done() and not self._pump.done()
                last = self._failed(_stopped()).encode() if cut_off else b""
                await send({"type": "http.response.body", "body": last, "more_body": False})
        finally:
            await _stop(self._pump)
            await _stop(gone)
            await _stop(stopping)

    def _wake(self) -> None:
        if self._waiting.empty():
            self._waiting.put_nowait(None)

    async def _bodies(self, stopping: "asyncio.Task[None]") -> AsyncGenerator[bytes, None]:
        """What waits, joined: many small tokens leave in one write when the reader is slower than the model."""
        while not (self._waiting.empty() and (self._pump.done() or stopping.done())):
            try:
                frames = [await asyncio.wait_for(self._waiting.get(), self._keep_alive)]
            except TimeoutError:
                yield b": still at it\n\n"
                continue
            while not self._waiting.empty():
                frames.append(self._waiting.get_nowait())
            body = b"".join(frame.encode() for frame in frames if frame)
            if body:
                yield body


async def _fill(
    frames: AsyncGenerator[Sent, None],
    waiting: "asyncio.Queue[Sent | None]",
    opened: asyncio.Event,
    failed: Callable[[StudioError], Sent],
) -> None:
    """Move frames into the queue, which holds the model back when the reader is slow. None wakes it at the end."""
    try:
        async with contextlib.aclosing(frames):
            async for frame in frames:
                await waiting.put(frame)
                opened.set()
    except StudioError as error:
        if not opened.is_set():
            raise
        await waiting.put(failed(error))
    except Exception:  # the top of this task; before the first frame, who opens the stream gets it
        if not opened.is_set():
            raise
        logger.exception("stream failed")
        await waiting.put(failed(StudioError("Something went wrong inside the studio. Its log says more.")))
    finally:
        opened.set()
        if waiting.empty():
            waiting.put_nowait(None)


def error_frame(detail: str, code: str) -> Frame:
    return Frame("error", {"detail": detail, "code": code})
