"""One request and its answer as they pass the guard: the body counted while it streams, headers added and taken out, a
refusal sent in the app's place, and the line about it in the log. Whether it may pass is not decided here.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http import HTTPStatus
from typing import Any

from illustrious_studio.interfaces.http.errors import ErrorShape, unexpected_body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_FILES = "default-src 'none'; sandbox; frame-ancestors 'none'"
_NEEDS_NO_FILE_POLICY = ("javascript", "text/css", "wasm")

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), usb=()"),
]
_CHALLENGES = [(b"www-authenticate", b"Bearer"), (b"www-authenticate", b'Basic realm="Illustrious AI Studio"')]
_DRAIN_SECONDS = 5.0
_MOST_DRAINED = 64 * 1024 * 1024


class Refused(Exception):
    """The request goes no further. Never leaves the guard."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class RequestCycle:
    """One request and its answer, as they pass the guard."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
        page_policy: bytes,
        shape: ErrorShape,
        over: asyncio.Event,
    ) -> None:
        self._scope, self._receive, self._send, self._over = scope, receive, send, over
        self._request_id, self._page_policy, self._shape = request_id, page_policy, shape
        self._started_at = time.perf_counter()
        self.status = 0
        self._refused = False
        self._gone = False
        self._body_ended = scope["type"] != "http"
        self._left = 0
        self._deadline: float | None = None
        self._seconds = 0.0

    def limit_body(self, most: int, seconds: float) -> None:
        """Raises Refused when the declared length is over the cap, before a byte of the body is read."""
        self._left, self._seconds = most, seconds
        declared = value_of(self._scope, b"content-length")
        if declared and (not declared.isdigit() or len(declared) > 15):
            raise Refused(400, "invalid_request", "The Content-Length is not a number.")
        if declared and int(declared) > most:
            raise _too_large(most)

    async def receive(self) -> Message:
        if self._body_ended:
            message = await self._until_over()
        else:
            loop = asyncio.get_running_loop()
            self._deadline = self._deadline or loop.time() + self._seconds
            try:
                async with asyncio.timeout_at(self._deadline):
                    message = await self._receive()
            except TimeoutError:
                return await self._cut_off(
                    Refused(408, "too_slow", "The body of the request came too slowly. Send it again, in one go.")
                )
            if message["type"] == "http.request":
                self._body_ended = not message.get("more_body", False)
                size = len(message.get("body", b""))
                if size > self._left:
                    return await self._cut_off(_too_large(None))
                self._left -= size
        self._gone = self._gone or message["type"] == "http.disconnect"
        return message

    async def _until_over(self) -> Message:
        """What comes after the body: that the caller left; or, as the studio stops, as if."""
        message, over = asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({message, over}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "http.disconnect"}
        finally:
            message.cancel()
            over.cancel()

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif message["type"] == "websocket.accept":
            self.status = HTTPStatus.SWITCHING_PROTOCOLS
        await self._send(message)

    async def answer(self, refusal: Refused) -> None:
        headers = list(_CHALLENGES) if refusal.status == 401 else []
        if not self._body_ended:
            headers.append((b"connection", b"close"))
        body = self._shape(refusal.status, refusal.detail, refusal.code, "")
        await self._answer(refusal.status, body, headers, None if refusal.status == 408 else self._drain)

    async def answer_unexpected(self) -> None:
        if not self.status:
            await self._answer(500, unexpected_body(self._request_id, self._shape), [])

    def line(self) -> dict[str, object]:
        """What the log says about it: where and how, never the query or the body (they hold people's words)."""
        path = self._scope.get("raw_path") or self._scope["path"].encode("utf-8", "backslashreplace")
        return {
            "method": self._scope.get("method", "WEBSOCKET"),
            "path": path.partition(b"?")[0][:200].decode("ascii", "backslashreplace"),
            # 499 is what other servers write down when the caller left before the answer.
            "status": 499 if self._gone and not self.status else int(self.status),
            "milliseconds": round((time.perf_counter() - self._started_at) * 1000, 1),
        }

    async def _cut_off(self, refusal: Refused) -> Message:
        """Answer in the app's place; the app learns that the caller left, and what it still sends is dropped."""
        if not self.status:
            await self.answer(refusal)
        self._refused = self._body_ended = True
        return {"type": "http.disconnect"}

    async def _drain(self) -> None:
        """Read on for a while and throw away: a connection closed on a sender would take the answer with it."""
        left, waits = _MOST_DRAINED, value_of(self._scope, b"expect") != b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self._body_ended and not waits and left > 0:
                    message = await self._receive()
                    self._body_ended = not message.get("more_body", False)
                    left -= len(message.get("body", b""))

    async def _answer(
        self,
        status: int,
        body: bytes,
        headers: list[tuple[bytes, bytes]],
        before_the_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        prefix = ""
        if self._scope["type"] == "websocket":
            if "websocket.http.response" not in self._scope.get("extensions", {}):
                await self._send({"type": "websocket.close", "code": 1008})
                return
            prefix = "websocket."
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))]
        await self.send({"type": f"{prefix}http.response.start", "status": status, "headers": headers})
        if before_the_end is not None and not self._body_ended:
            await self._send({"type": f"{prefix}http.response.body", "body": body, "more_body": True})
            await before_the_end()
            body = b""
        await self._send({"type": f"{prefix}http.response.body", "body": body})

    def _headers(self, given: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in given if not name.lower().startswith(b"access-control-")]
        kind = next((value for name, value in kept if name.lower() == b"content-type"), b"").decode("latin-1")
        added = [*_HEADERS, (b"x-request-id", self._request_id.encode("ascii"))]
        if kind.startswith("text/html"):
            added.append((b"content-security-policy", self._page_policy))
        elif not any(word in kind for word in _NEEDS_NO_FILE_POLICY):
            added.append((b"content-security-policy", _FILES.encode("ascii")))
        ours = {name for name, _ in added}
        return [(name, value) for name, value in kept if name.lower() not in ours] + added


def values_of(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def value_of(scope: Scope, wanted: bytes) -> bytes:
    """The header's value; b"" when it is missing. Repeated values stay together, and so match nothing."""
    return b",".join(values_of(scope, wanted))


def _too_large(most: int | None) -> Refused:
    allowed = f" At most {most:,} bytes are taken here." if most is not None else ""
    return Refused(413, "too_large", f"The body of the request is too large.{allowed} Send less.")
