"""The outermost layer of both ports: who may speak to the studio at all, before anything inside looks at the request.

Pure ASGI, so that streams, uploads and websockets pass untouched. It decides on `scope` alone (never on a URL built
from headers): Host (421), Origin and fetch metadata (403), key (401), size and slowness of the body (413, 408). It adds
the security headers, takes out every `Access-Control-*` that an app inside set, gives each request an id, and logs one
line about it. It knows nothing of the studio's services, and rates are not limited here yet.
"""

import asyncio
import binascii
import contextlib
import hashlib
import hmac
import ipaddress
import re
import time
import uuid
from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.requests import ClientDisconnect

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.interfaces.error_codes import error_body, unexpected_body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = structlog.get_logger(__name__)

MIB = 1024 * 1024
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
ALWAYS_OPEN = frozenset({"/health/live"})
ASKED_OFTEN = frozenset({"/live"})
"""The page asks for the state every few seconds: not worth a line in the log."""

_PAGE = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
)
API_PAGES = _PAGE + "script-src 'self'; style-src 'self' 'unsafe-inline'"
"""For the API's own pages: no inline script."""
GRADIO_PAGES = (
    _PAGE + "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)
"""For Gradio, whose page starts with inline scripts and whose components compile code. It reaches no other host."""
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
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TELL_AGAIN = 60.0
_DRAIN_SECONDS = 5.0
_MOST_DRAINED = 64 * MIB


class Refused(Exception):
    """The request goes no further. Never leaves this module."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Guard:
    """Wraps an ASGI app that listens on `port`.

    `hosts` are the names, beside the loopback ones and the address a connection came in on, by which the studio may be
    called: `name` on that port or a default one, or `name:port`. `larger` gives single paths another body cap than
    `max_body`. A page of another site may link to the `doors`, and to nothing else.
    """

    def __init__(
        self,
        app: App,
        *,
        port: int,
        hosts: Collection[str] = (),
        key: str | None = None,
        max_body: int = MIB,
        larger: Mapping[str, int] | None = None,
        body_seconds: float = 120.0,
        page_policy: str = API_PAGES,
        doors: Collection[str] = ("/", "/docs"),
    ) -> None:
        self._app = app
        self._ports = {port, *_DEFAULT_PORTS.values()}
        self._hosts = {_known(host) for host in (*LOOPBACK_NAMES, *hosts)}
        self._key = _digest(key) if key else b""
        self._max_body = max_body
        self._larger = dict(larger or {})
        self._body_seconds = body_seconds
        self._page_policy = page_policy.encode("ascii")
        self._doors = frozenset(doors)
        self._told: dict[int, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            exchange = _Exchange(scope, receive, send, request_id, self._page_policy)
            try:
                self._check(scope)
                exchange.limit_body(self._larger.get(scope["path"], self._max_body), self._body_seconds)
            except Refused as refusal:
                self._tell(refusal)
                await exchange.answer(refusal)
                return
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except ClientDisconnect:
                pass  # The caller left in the middle of a body; the line below says so.
            except Exception:
                logger.exception("request failed", **exchange.line())
                await exchange.answer_unexpected()
                return
            # A probe that asks every second must not fill the log.
            log = logger.debug if scope["path"] in ALWAYS_OPEN | ASKED_OFTEN else logger.info
            log("request", **exchange.line())

    def _check(self, scope: Scope) -> None:
        if not scope["path"].startswith("/"):
            raise Refused(400, "invalid_request", "The request does not name a path.")
        host = self._check_host(scope)
        self._check_origin(scope, host)
        if self._key and scope["path"] not in ALWAYS_OPEN:
            self._check_key(scope)

    def _check_host(self, scope: Scope) -> tuple[str, int | None]:
        values = _values(scope, b"host")
        try:
            (value,) = values
            name, port = _authority(value.decode("ascii"))
        except ValueError:
            raise _misdirected() from None
        if (name, port) in self._hosts:
            return name, port
        # The address that the connection came in on cannot be a rebound name: it is a number.
        own_address = str((scope.get("server") or ("",))[0])
        known = (name, None) in self._hosts or (_is_address(name) and name.strip("[]") == own_address.strip("[]"))
        if known and (port is None or port in self._ports):
            return name, port
        raise _misdirected()

    def _check_origin(self, scope: Scope, host: tuple[str, int | None]) -> None:
        foreign = Refused(
            403,
            "foreign_origin",
            "A page of another site asked for this. Open the studio itself, or use a program that sends no Origin.",
        )
        for value in _values(scope, b"origin"):
            try:
                scheme, _, rest = value.decode("ascii").lower().partition("://")
                name, port = _authority(rest)
                default = _DEFAULT_PORTS[scheme]
            except (ValueError, KeyError):
                raise foreign from None
            if (name, port or default) != (host[0], host[1] or default):
                raise foreign
        site = _only(scope, b"sec-fetch-site")
        if site in (b"", b"same-origin", b"none"):
            return
        opens_a_page = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and _only(scope, b"sec-fetch-mode") == b"navigate"
            and _only(scope, b"sec-fetch-dest") == b"document"
        )
        # A link is harmless: no GET changes anything, and the other page cannot read the answer.
        if not (opens_a_page and (site == b"same-site" or scope["path"] in self._doors)):
            raise foreign

    def _check_key(self, scope: Scope) -> None:
        for offered in (*_values(scope, b"x-api-key"), *map(_from_authorization, _values(scope, b"authorization"))):
            if hmac.compare_digest(hashlib.sha256(offered).digest(), self._key):
                return
        raise Refused(
            401,
            "key_needed",
            "This studio asks for a key. Send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`; "
            "in a browser, as the password, with any user name.",
        )

    def _tell(self, refusal: Refused) -> None:
        """Log a refusal, each kind at most once a minute: a hostile page must not fill the log either."""
        now = time.monotonic()
        if now - self._told.get(refusal.status, -_TELL_AGAIN) >= _TELL_AGAIN:
            self._told[refusal.status] = now
            logger.warning("request refused", status=refusal.status, reason=refusal.detail)


class _Exchange:
    """One request and its answer, as they pass the guard."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, page_policy: bytes) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._request_id, self._page_policy = request_id, page_policy
        self._started_at = time.perf_counter()
        self._status = 0
        self._refused = False
        self._gone = False
        self._body_ended = scope["type"] != "http"
        self._left = 0
        self._deadline: float | None = None
        self._seconds = 0.0

    def limit_body(self, most: int, seconds: float) -> None:
        """Raises Refused when the declared length is over the cap, before a byte of the body is read."""
        self._left, self._seconds = most, seconds
        declared = _only(self._scope, b"content-length")
        if declared and (not declared.isdigit() or len(declared) > 15):
            raise Refused(400, "invalid_request", "The Content-Length is not a number.")
        if declared and int(declared) > most:
            raise _too_large(most)

    async def receive(self) -> Message:
        if self._body_ended:
            message = await self._receive()
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

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif message["type"] == "websocket.accept":
            self._status = HTTPStatus.SWITCHING_PROTOCOLS
        await self._send(message)

    async def answer(self, refusal: Refused) -> None:
        headers = list(_CHALLENGES) if refusal.status == 401 else []
        if not self._body_ended:
            headers.append((b"connection", b"close"))
        body = error_body(refusal.detail, refusal.code)
        await self._answer(refusal.status, body, headers, None if refusal.status == 408 else self._drain)

    async def answer_unexpected(self) -> None:
        if not self._status:
            await self._answer(500, unexpected_body(self._request_id), [])

    def line(self) -> dict[str, object]:
        """What the log says about it: where and how, never the query or the body (they hold people's words)."""
        path = self._scope.get("raw_path") or self._scope["path"].encode("utf-8", "backslashreplace")
        return {
            "method": self._scope.get("method", "WEBSOCKET"),
            "path": path.partition(b"?")[0][:200].decode("ascii", "backslashreplace"),
            # 499 is what other servers write down when the caller left before the answer.
            "status": 499 if self._gone and not self._status else int(self._status),
            "milliseconds": round((time.perf_counter() - self._started_at) * 1000, 1),
        }

    async def _cut_off(self, refusal: Refused) -> Message:
        """Answer in the app's place; the app is told that the caller left, and what it still says is dropped."""
        if not self._status:
            await self.answer(refusal)
        self._refused = self._body_ended = True
        return {"type": "http.disconnect"}

    async def _drain(self) -> None:
        """Read on for a while and throw away: a connection closed on a sender would take the answer with it."""
        left, waits = _MOST_DRAINED, _only(self._scope, b"expect") != b""
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


def _authority(text: str) -> tuple[str, int | None]:
    """`name`, `name:port`, `[v6]:port` as (name in lower case, port). Raises ValueError for anything else."""
    found = _AUTHORITY.fullmatch(text.lower())
    if not found:
        raise ValueError("not a host")
    port = int(found[2]) if found[2] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError("not a port")
    return found[1], port


def _known(host: str) -> tuple[str, int | None]:
    """A host that the settings name. Raises InvalidRequest."""
    try:
        return _authority(_bracketed(host))
    except ValueError:
        raise InvalidRequest(
            f"{host!r} is no name by which the studio can be called. Write `name` or `name:port` in allowed_hosts, "
            "without http:// and without *."
        ) from None


def _bracketed(host: str) -> str:
    """A bare IPv6 address as it stands in a Host header."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _only(scope: Scope, wanted: bytes) -> bytes:
    """The header's value; b"" when it is missing. Repeated values stay together, and so match nothing."""
    return b",".join(_values(scope, wanted))


def _from_authorization(value: bytes) -> bytes:
    """The key in `Bearer <key>`, or the password of `Basic ...`; b"" when there is neither."""
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest
    if scheme.lower() == b"basic":
        try:
            return b64decode(rest, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8")).digest()


def _misdirected() -> Refused:
    return Refused(
        421,
        "unknown_host",
        "The studio is not known by this host name. Use http://127.0.0.1 with its port, or add the name to its hosts.",
    )


def _too_large(most: int | None) -> Refused:
    allowed = f" At most {most:,} bytes are taken here." if most is not None else ""
    return Refused(413, "too_large", f"The body of the request is too large.{allowed} Send less.")
