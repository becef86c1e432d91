"""The guard: who gets in, who does not, and what every answer carries. Numbers name rows of the attack table."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from illustrious_studio.interfaces.http.guard import GRADIO_PAGES, Guard

PORT = 8000
KEY = "a-key-of-some-length"
BASIC = b64encode(f"anybody:{KEY}".encode()).decode()


class Inside:
    """An app behind the guard: reads the body, says what it got, and remembers that it was reached."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"text/plain"),)) -> None:
        self.reached: list[str] = []
        self.bodies: list[int] = []
        self.headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.bodies.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": b"inside"})


def client(app: Any, base: str = f"http://127.0.0.1:{PORT}") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)


async def ask(guard: Guard, method: str = "GET", path: str = "/status", **headers: str) -> httpx.Response:
    async with client(guard) as http:
        return await http.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


async def by_hand(
    guard: Guard,
    headers: Sequence[tuple[bytes, bytes]],
    *,
    kind: str = "http",
    method: str = "GET",
    path: str = "/status",
    body: Sequence[bytes] = (b"",),
    own_address: str = "127.0.0.1",
    extensions: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """One exchange as the server would make it, for what no HTTP client would send."""
    pieces = [
        {"type": "http.request", "body": piece, "more_body": number < len(body) - 1}
        for number, piece in enumerate(body)
    ]
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            return pieces.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        said.append(dict(message))

    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
        "server": (own_address, PORT),
        "client": ("127.0.0.1", 50_000),
        "extensions": {name: {} for name in extensions},
    }
    if kind == "websocket":
        del scope["method"]
    await guard(scope, receive, send)
    return said


HOST = (b"host", b"127.0.0.1:8000")


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "localhost", "127.0.0.1",
        "studio.home:8000", "studio.home", "other.home:9000",
    ],
)  # fmt: skip
async def test_the_names_of_the_studio_are_let_in(host: str) -> None:
    guard = Guard(Inside(), port=PORT, hosts=("studio.home", "other.home:9000"))
    assert (await ask(guard, host=host)).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("evil.example", id="1-rebinding"),
        pytest.param("evil.example:8000", id="2-rebinding-with-port"),
        pytest.param("a/?x=", id="4-path-in-host"),
        pytest.param("example.com/abc?bar=", id="4-path-and-query-in-host"),
        pytest.param("127.0.0.1:8000@evil.example", id="4-userinfo"),
        pytest.param("localhost.evil.example:8000", id="longer-name"),
        pytest.param("evil-localhost:8000", id="longer-front"),
        pytest.param("localhost:8001", id="other-port"),
        pytest.param("localhost:99999", id="no-port"),
        pytest.param("localhost:", id="empty-port"),
        pytest.param("localhost:٨٠٠٠".encode().decode("latin-1"), id="digits-of-another-script"),
        pytest.param("studio.home.:8000", id="trailing-dot"),
        pytest.param("other.home:8000", id="configured-with-another-port"),
        pytest.param("", id="empty"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_hosts_are_misdirected(host: str, method: str) -> None:
    inside = Inside()
    guard = Guard(inside, port=PORT, hosts=("studio.home", "other.home:9000"))
    said = await by_hand(guard, [(b"host", host.encode("latin-1"))], method=method)
    assert said[0]["status"] == 421
    assert inside.reached == []
    assert b'"code": "unknown_host"' in said[1]["body"]


@pytest.mark.parametrize("headers", [[], [HOST, HOST], [HOST, (b"host", b"evil.example")]])
async def test_exactly_one_host_is_needed(headers: list[tuple[bytes, bytes]]) -> None:
    said = await by_hand(Guard(Inside(), port=PORT), headers)
    assert said[0]["status"] == 421


async def test_the_address_that_a_connection_came_in_on_is_a_name_of_the_studio() -> None:
    guard = Guard(Inside(), port=PORT)
    own = [(b"host", b"192.168.1.5:8000")]
    assert (await by_hand(guard, own, own_address="192.168.1.5"))[0]["status"] == 200
    assert (await by_hand(guard, own, own_address="127.0.0.1"))[0]["status"] == 421
    rebound = [(b"host", b"evil.example:8000")]
    assert (await by_hand(guard, rebound, own_address="evil.example"))[0]["status"] == 421


async def test_a_bare_ipv6_bind_address_is_a_name_of_the_studio() -> None:
    assert (await ask(Guard(Inside(), port=PORT, hosts=("fd00::5",)), host="[fd00::5]:8000")).status_code == 200


async def test_a_request_that_names_no_path_is_refused() -> None:
    said = await by_hand(Guard(Inside(), port=PORT), [HOST], path="@google.com")  # row 5
    assert said[0]["status"] == 400


async def test_forwarding_headers_name_no_host() -> None:
    guard = Guard(Inside(), port=PORT)  # row 15
    forged = {
        "x_forwarded_host": "localhost:8000",
        "forwarded": "host=localhost:8000",
        "x_original_url": "/health/live",
    }
    assert (await ask(guard, host="evil.example", **forged)).status_code == 421


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://evil.com", id="8-foreign"),
        pytest.param("null", id="9-null"),
        pytest.param("http://127.0.0.1:99999", id="10-bad-port"),
        pytest.param("http://[::1", id="10-open-bracket"),
        pytest.param("http://localhost.evil.com", id="10-longer-name"),
        pytest.param("http://localhost:7860.evil.com", id="10-port-then-name"),
        pytest.param("http://127.0.0.1:3000", id="another-program-on-this-machine"),
        pytest.param("http://localhost:8000", id="another-name-of-the-studio"),
        pytest.param("http://127.0.0.1", id="default-port"),
        pytest.param("file://", id="9-file"),
        pytest.param("chrome-extension://abcdef", id="extension"),
        pytest.param("", id="empty"),
        pytest.param("http://127.0.0.1:8000/", id="with-path"),
        pytest.param("http://127.0.0.1:8000, https://evil.com", id="list"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_pages_of_other_sites_are_refused(origin: str, method: str) -> None:
    inside = Inside(headers=((b"access-control-allow-origin", b"*"),))
    answer = await ask(Guard(inside, port=PORT), method, origin=origin, access_control_request_private_network="true")
    assert answer.status_code == 403
    assert inside.reached == []
    assert not [name for name in answer.headers if name.startswith("access-control-")]  # row 11


async def test_its_own_page_is_let_in() -> None:
    guard = Guard(Inside(), port=PORT, hosts=("studio.home",))
    assert (await ask(guard, "POST", origin="http://127.0.0.1:8000")).status_code == 200
    assert (await ask(guard, "POST", host="studio.home", origin="https://studio.home")).status_code == 200
    assert (await ask(guard, "POST", host="[::1]:8000", origin="http://[::1]:8000")).status_code == 200


FETCH = {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}
LINK = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
FRAME = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
IMAGE = {"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}


@pytest.mark.parametrize(
    ("status", "site", "method", "path", "how"),
    [
        pytest.param(200, "same-origin", "POST", "/chat", FETCH, id="own-page"),
        pytest.param(200, "none", "GET", "/gallery", LINK, id="typed-address"),
        pytest.param(200, "cross-site", "GET", "/", LINK, id="link-to-the-front-door"),
        pytest.param(200, "cross-site", "GET", "/docs", LINK, id="link-to-the-docs"),
        pytest.param(403, "cross-site", "GET", "/gallery", LINK, id="link-elsewhere"),
        pytest.param(200, "same-site", "GET", "/gallery", LINK, id="link-from-the-other-port"),
        pytest.param(403, "same-site", "POST", "/chat", LINK, id="13-form-of-another-port"),
        pytest.param(403, "cross-site", "POST", "/jobs", LINK, id="13-form"),
        pytest.param(403, "cross-site", "GET", "/", FRAME, id="16-frame"),
        pytest.param(403, "cross-site", "GET", "/gallery", FETCH, id="fetch"),
        pytest.param(403, "cross-site", "GET", "/gallery", IMAGE, id="image-tag"),
        pytest.param(403, "cross-site", "GET", "/", FETCH, id="fetch-of-the-front-door"),
        pytest.param(403, "nonsense", "GET", "/gallery", FETCH, id="unknown-value"),
    ],
)
async def test_fetch_metadata_tells_links_from_attacks(
    status: int, site: str, method: str, path: str, how: dict[str, str]
) -> None:
    assert (await ask(Guard(Inside(), port=PORT), method, path, sec_fetch_site=site, **how)).status_code == status


@pytest.mark.parametrize("agent", ["", "curl/8", "Mozilla/5.0"])
async def test_the_user_agent_opens_and_closes_nothing(agent: str) -> None:
    guard = Guard(Inside(), port=PORT)  # row 17
    assert (await ask(guard, "POST", origin="https://evil.com", user_agent=agent)).status_code == 403
    assert (await ask(guard, "POST", user_agent=agent)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": f"Bearer  {KEY}"},
        {"authorization": KEY},
        {"authorization": "Basic Og=="},
        {"authorization": "Basic !!!"},
        {"authorization": f"Basic {b64encode(KEY.encode()).decode()}"},
        {"x_api_key": ""},
        {"x_api_key": KEY.upper()},
        {"x_api_key": b64encode(KEY.encode()).decode()},
    ],
)
async def test_without_the_key_nothing_is_reached(headers: dict[str, str]) -> None:
    inside = Inside()
    guard = Guard(inside, port=PORT, key=KEY)  # row 20
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        answer = await ask(guard, method, f"/status?key={KEY}&api_key={KEY}", **headers)
        assert answer.status_code == 401
        assert answer.headers.get_list("www-authenticate") == ["Bearer", 'Basic realm="Illustrious AI Studio"']
    assert inside.reached == []


@pytest.mark.parametrize("tail", [b"\n", b" ", b"\0"])
async def test_a_key_with_something_behind_it_is_another_key(tail: bytes) -> None:
    guard = Guard(Inside(), port=PORT, key=KEY)
    said = await by_hand(guard, [HOST, (b"authorization", b"Bearer " + KEY.encode() + tail)])
    assert said[0]["status"] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"authorization": f"Basic {BASIC}"},
        {"x_api_key": KEY},
    ],
)
async def test_the_key_opens(headers: dict[str, str]) -> None:
    assert (await ask(Guard(Inside(), port=PORT, key=KEY), **headers)).status_code == 200


async def test_only_the_probe_of_life_needs_no_key() -> None:
    guard = Guard(Inside(), port=PORT, key=KEY)
    assert (await ask(guard, path="/health/live")).status_code == 200
    assert (await ask(guard, path="/health/live", host="evil.example")).status_code == 421
    for path in ("/health/live/", "/health/ready", "/health/live%2f..", "//health/live"):
        assert (await ask(guard, path=path)).status_code == 401


async def test_a_declared_length_over_the_cap_is_refused_before_reading() -> None:
    inside = Inside()
    guard = Guard(inside, port=PORT, max_body=100, larger={"/pictures": 1000})  # row 37
    said = await by_hand(guard, [HOST, (b"content-length", b"101")], method="POST")
    assert said[0]["status"] == 413
    assert inside.reached == []
    assert (b"connection", b"close") in said[0]["headers"]
    assert (await by_hand(guard, [HOST, (b"content-length", b"101")], path="/pictures"))[0]["status"] == 200
    assert (await by_hand(guard, [HOST, (b"content-length", b"1001")], path="/pictures"))[0]["status"] == 413


@pytest.mark.parametrize("length", [b"-1", b"ten", b"1e3", b"9" * 400, "٢".encode()])
async def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    said = await by_hand(Guard(Inside(), port=PORT), [HOST, (b"content-length", length)])
    assert said[0]["status"] == 400


@pytest.mark.parametrize("declared", [[], [(b"content-length", b"10")]])
async def test_a_body_is_counted_while_it_comes(declared: list[tuple[bytes, bytes]]) -> None:
    inside = Inside()
    guard = Guard(inside, port=PORT, max_body=100)
    said = await by_hand(guard, [HOST, *declared], method="POST", body=[b"x" * 40] * 3)
    assert [message.get("status") for message in said] == [413, None]
    assert b"too_large" in said[1]["body"]
    said = await by_hand(guard, [HOST], method="POST", body=[b"x" * 50] * 2)
    assert said[0]["status"] == 200
    assert inside.bodies[-1] == 100


async def test_a_body_that_never_ends_is_given_up() -> None:
    guard = Guard(Inside(), port=PORT, body_seconds=0.05)

    class Slow(list[bytes]):
        """One piece that says more will come; then nothing comes."""

        def __len__(self) -> int:
            return 99

    said = await by_hand(guard, [HOST], method="POST", body=Slow([b"x"]))
    assert said[0]["status"] == 408


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        (b"text/html; charset=utf-8", "frame-ancestors 'none'"),
        (b"application/json", "sandbox"),
        (b"image/svg+xml", "sandbox"),
        (b"image/png", "sandbox"),
        (b"text/javascript", None),
    ],
)
async def test_every_answer_carries_the_security_headers(kind: bytes, policy: str | None) -> None:
    foreign = (
        (b"content-type", kind),
        (b"Access-Control-Allow-Origin", b"https://evil.com"),
        (b"access-control-allow-credentials", b"true"),
        (b"referrer-policy", b"unsafe-url"),
    )
    answer = await ask(Guard(Inside(foreign), port=PORT, page_policy=GRADIO_PAGES))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert len(answer.headers["x-request-id"]) == 32
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if policy is None:
        assert "content-security-policy" not in answer.headers
    else:
        assert policy in answer.headers["content-security-policy"]


async def test_a_websocket_of_the_own_page_passes() -> None:
    guard = Guard(Inside(), port=PORT, key=KEY)
    key = (b"authorization", f"Basic {BASIC}".encode())
    said = await by_hand(guard, [HOST, key, (b"origin", b"http://127.0.0.1:8000")], kind="websocket")
    assert said == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (421, [(b"host", b"evil.example")]),
        (403, [HOST, (b"origin", b"https://evil.com")]),
        (403, [HOST, (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"websocket")]),
        (401, [HOST]),
    ],
)
async def test_a_foreign_websocket_never_opens(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    inside = Inside()
    guard = Guard(inside, port=PORT, key=KEY)
    assert await by_hand(guard, headers, kind="websocket") == [{"type": "websocket.close", "code": 1008}]
    said = await by_hand(guard, headers, kind="websocket", extensions=["websocket.http.response"])
    assert (said[0]["type"], said[0]["status"]) == ("websocket.http.response.start", status)
    assert inside.reached == []


async def test_a_stream_passes_piece_by_piece() -> None:
    may_go_on = asyncio.Event()

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await may_go_on.wait()
        await send({"type": "http.response.body", "body": b"second"})

    said: asyncio.Queue[Any] = asyncio.Queue()

    async def nothing() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [HOST]}
    task = asyncio.create_task(Guard(streaming, port=PORT)(scope, nothing, said.put))
    assert (await said.get())["status"] == 200
    assert (await said.get())["body"] == b"first"
    may_go_on.set()
    assert (await said.get())["body"] == b"second"
    await task


async def test_a_fault_inside_is_answered_with_an_id_and_logged_with_its_trace() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("secret of /home/somebody")

    refused: list[tuple[object, ...]] = []
    with capture_logs() as logs:
        answer = await ask(Guard(broken, port=PORT, on_refusal=lambda *said: refused.append(said)))
    assert answer.status_code == 500
    assert answer.json()["id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    (line,) = [line for line in logs if line["event"] == "request failed"]
    assert line["exc_info"]
    ((_, _, path, status, detail),) = refused  # the list of what was refused says it, too
    assert (path, status) == ("/status", 500)
    assert str(detail).endswith(f"Its log says more under {answer.json()['id']}.")


async def test_one_line_is_logged_a_request_and_no_query() -> None:
    with capture_logs() as logs:
        await ask(Guard(Inside(), port=PORT), "POST", "/gallery/%1b%5b31m?q=secret+wish")
    (line,) = logs
    assert (line["event"], line["method"], line["status"]) == ("request", "POST", 200)
    assert "\x1b" not in line["path"]
    assert "secret" not in str(line)
    assert line["milliseconds"] >= 0


async def test_refusals_are_logged_once_a_minute() -> None:
    guard = Guard(Inside(), port=PORT)
    with capture_logs() as logs:
        for _ in range(20):
            await ask(guard, host="evil.example")
        await ask(guard, origin="https://evil.com")
    assert [line["status"] for line in logs] == [421, 403]


async def test_the_lifespan_of_the_app_inside_passes() -> None:
    seen: list[str] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def nothing() -> Any:
        return {}

    async def unheard(message: Any) -> None:
        pass

    await Guard(inside, port=PORT)({"type": "lifespan"}, nothing, unheard)
    assert seen == ["lifespan"]
