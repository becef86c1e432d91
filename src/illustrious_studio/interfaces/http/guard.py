"""The outermost layer of both ports: who may reach the studio at all, before anything inside sees the request.

Pure ASGI, so that streams, uploads and websockets pass untouched. It decides on `scope` alone (never on a URL built
from headers): Host (421), Origin and fetch metadata (403), key (401), size and slowness of the body (413, 408). It adds
the security headers, takes out every `Access-Control-*` that an app inside set, gives each request an id, and logs one
line about it. It knows nothing of the studio's services, and rates are not limited here yet.
"""

import asyncio
import binascii
import hashlib
import hmac
import ipaddress
import re
import time
import uuid
from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog
from starlette.requests import ClientDisconnect

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.interfaces.http.errors import REFUSAL, UNEXPECTED, ErrorShape, error_body
from illustrious_studio.interfaces.http.programs import program_named
from illustrious_studio.interfaces.http.request_cycle import (
    Receive,
    Refused,
    RequestCycle,
    Scope,
    Send,
    value_of,
    values_of,
)
from illustrious_studio.interfaces.http.sse import STOPPING

App = Callable[[Scope, Receive, Send], Awaitable[None]]
OnRefusal = Callable[[str, str, str, int, str], None]
"""Is told the program, the method, the path, the status and the sentence."""

logger = structlog.get_logger(__name__)

MIB = 1024 * 1024
TIME_TO_ANSWER = 1.0
"""Seconds that a request has to say that the studio stops."""
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

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOG_AGAIN = 60.0
_FORWARDED = re.compile(rb"forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-url")
"""What proxies say of a request, and anybody else may: Gradio would build its addresses from it."""


class Guard:
    """Wraps an ASGI app that listens on `port`.

    `hosts` are the names, beside the loopback ones and the address a connection came in on, by which the studio may be
    called: `name` on that port or a default one, or `name:port`. `larger` gives single paths another body cap than
    `max_body`. A page of another site may link to the `entry_pages`, and to nothing else. Below the prefixes in
    `shapes`, errors have that shape. `on_refusal` is told of what is refused, here or inside.
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
        entry_pages: Collection[str] = ("/", "/docs"),
        shapes: Mapping[str, ErrorShape] | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> None:
        self._app = app
        self._ports = {port, *_DEFAULT_PORTS.values()}
        self._hosts = {_known(host) for host in (*LOOPBACK_NAMES, *hosts)}
        self._key = _digest(key) if key else b""
        self._max_body = max_body
        self._larger = dict(larger or {})
        self._body_seconds = body_seconds
        self._page_policy = page_policy.encode("ascii")
        self._entry_pages = frozenset(entry_pages)
        self._shapes = dict(shapes or {})
        self._on_refusal = on_refusal
        self._logged: dict[int, float] = {}
        self._stopping = asyncio.Event()
        self._over = asyncio.Event()

    def stop(self) -> None:
        """The studio is about to stop: who waits for an answer, or reads a stream, is told. What still goes on a moment
        later is handled as if its caller had left: streams of libraries would be waited for in vain."""
        self._stopping.set()
        asyncio.get_running_loop().call_later(TIME_TO_ANSWER, self._over.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        STOPPING.set(self._stopping)
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            cycle = RequestCycle(
                scope, receive, send, request_id, self._page_policy, self._shape(scope["path"]), self._over
            )
            scope["headers"] = [one for one in scope["headers"] if not _FORWARDED.fullmatch(one[0])]
            try:
                self._check(scope)
                cycle.limit_body(self._larger.get(scope["path"], self._max_body), self._body_seconds)
            except Refused as refusal:
                self._log_refusal(refusal)
                self._tell(scope, cycle, refusal.status, refusal.detail)
                await cycle.answer(refusal)
                return
            try:
                await self._app(scope, cycle.receive, cycle.send)
            except ClientDisconnect:
                pass  # The caller left in the middle of a body; the line below says so.
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
                # The server's patience at the end is over: no fault, for which it would log a trace.
            except Exception:  # the top of a request
                logger.exception("request failed", **cycle.line())
                await cycle.answer_unexpected()
                self._tell(scope, cycle, 500, f"{UNEXPECTED} Its log says more under {request_id}.")
                return
            if detail := scope["state"].get(REFUSAL):
                self._tell(scope, cycle, cycle.status, detail)
            # A probe that asks every second must not fill the log.
            log = logger.debug if scope["path"] in ALWAYS_OPEN | ASKED_OFTEN else logger.info
            log("request", **cycle.line())

    def _shape(self, path: str) -> ErrorShape:
        return next((shape for prefix, shape in self._shapes.items() if path.startswith(prefix)), error_body)

    def _check(self, scope: Scope) -> None:
        if not scope["path"].startswith("/"):
            raise Refused(400, "invalid_request", "The request does not name a path.")
        host = self._check_host(scope)
        self._check_origin(scope, host)
        if self._key and scope["path"] not in ALWAYS_OPEN:
            self._check_key(scope)
        if "\n" in scope["path"]:  # no API matches one below its prefix, and another would answer in its own shape
            raise Refused(404, "not_found", "There is nothing at this address.")

    def _check_host(self, scope: Scope) -> tuple[str, int | None]:
        values = values_of(scope, b"host")
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
        for value in values_of(scope, b"origin"):
            try:
                scheme, _, rest = value.decode("ascii").lower().partition("://")
                name, port = _authority(rest)
                default = _DEFAULT_PORTS[scheme]
            except (ValueError, KeyError):
                raise foreign from None
            if (name, port or default) != (host[0], host[1] or default):
                raise foreign
        site = value_of(scope, b"sec-fetch-site")
        if site in (b"", b"same-origin", b"none"):
            return
        opens_a_page = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and value_of(scope, b"sec-fetch-mode") == b"navigate"
            and value_of(scope, b"sec-fetch-dest") == b"document"
        )
        # A link is harmless: no GET changes anything, and the other page cannot read the answer.
        if not (opens_a_page and (site == b"same-site" or scope["path"] in self._entry_pages)):
            raise foreign

    def _check_key(self, scope: Scope) -> None:
        for offered in (*values_of(scope, b"x-api-key"), *map(_from_authorization, values_of(scope, b"authorization"))):
            if hmac.compare_digest(hashlib.sha256(offered).digest(), self._key):
                return
        raise Refused(
            401,
            "key_needed",
            "This studio asks for a key. Send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`; "
            "in a browser, as the password, with any user name.",
        )

    def _tell(self, scope: Scope, cycle: RequestCycle, status: int, detail: str) -> None:
        if self._on_refusal is not None:
            line = cycle.line()
            program = program_named(value_of(scope, b"user-agent").decode("latin-1"))
            self._on_refusal(program, str(line["method"]), str(line["path"]), status, detail)

    def _log_refusal(self, refusal: Refused) -> None:
        """Log a refusal, each kind at most once a minute: a hostile page must not fill the log either."""
        now = time.monotonic()
        if now - self._logged.get(refusal.status, -_LOG_AGAIN) >= _LOG_AGAIN:
            self._logged[refusal.status] = now
            logger.warning("request refused", status=refusal.status, reason=refusal.detail)


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
