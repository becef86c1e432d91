"""What a hostile or careless client sends, and what it gets. Numbers name rows of the attack table."""

import asyncio
import io
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from struct import pack
from urllib.parse import quote
from zlib import compress, crc32

import httpx
import pytest
import pytest_asyncio
from _pytest.mark import ParameterSet
from PIL import Image

from running_api import Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("attacks") / "data") as running:
        yield running


JSON = {"content-type": "application/json"}


async def refused(api: Api, answer: httpx.Response, *statuses: int) -> str:
    """The detail of a refusal: in the one shape, with nothing of a traceback, from a server that still lives."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    body = answer.json()
    assert set(body) == {"detail", "code"}
    assert "Traceback" not in answer.text
    assert len(answer.text) < 2000
    assert (await api.http.get("/health/live")).status_code == 200
    return str(body["detail"])


def fields(**values: object) -> str:
    return json.dumps({"prompt": "a cat", **values})


def raw(name: str, literal: str) -> str:
    return f'{{"prompt": "a cat", "{name}": {literal}}}'


def bad(row: str, name: str, *values: object) -> list[ParameterSet]:
    return [pytest.param(fields(**{name: value}), (422,), id=f"{row}-{value}") for value in values]


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        pytest.param(raw("guidance", "NaN"), (422,), id="29-nan"),
        pytest.param(raw("guidance", "Infinity"), (422,), id="29-infinity"),
        pytest.param(raw("guidance", "-Infinity"), (422,), id="29-minus-infinity"),
        pytest.param(raw("guidance", "1e400"), (422,), id="29-1e400"),
        pytest.param(raw("steps", "NaN"), (422,), id="30-nan-for-int"),
        pytest.param(raw("steps", '"\\ud800"'), (422,), id="30-surrogate-for-int"),
        pytest.param('{"prompt": "\\ud800"}', (422,), id="30-surrogate"),
        pytest.param(raw("\\ud800", "1"), (422,), id="30-surrogate-key"),
        pytest.param("[" * 100_000 + "]" * 100_000, (400,), id="31-deep-arrays"),
        pytest.param('{"prompt":' * 100_000 + "1" + "}" * 100_000, (400, 413), id="31-deep-objects"),
        pytest.param(raw("seed", "9" * 5000), (400,), id="32-5000-digits"),
        pytest.param(raw("seed", "9" * 4000), (422,), id="32-4000-digits"),
        pytest.param('{"prompt": "a c', (400,), id="33-truncated"),
        pytest.param("", (400, 422), id="33-empty"),
        pytest.param("null", (422,), id="33-null"),
        pytest.param("[]", (422,), id="33-list"),
        pytest.param('"x"', (422,), id="33-text"),
        pytest.param(b'{"prompt": "\xff\xfe"}', (400,), id="33-bad-utf-8"),
        pytest.param('{"prompt": "a"} {"prompt": "b"}', (400,), id="33-two-documents"),
        pytest.param(fields(steps=True), (422,), id="35-true"),
        pytest.param(fields(steps="1_000"), (422,), id="35-underscore"),
        pytest.param(fields(steps="٢"), (422,), id="35-other-digits"),
        pytest.param(fields(steps=" 20 "), (422,), id="35-spaces"),
        pytest.param(fields(stepz=3), (422,), id="36-unknown-field"),
        pytest.param(fields(__proto__={}), (422,), id="36-proto"),
        pytest.param(fields(__class__="x"), (422,), id="36-class"),
        pytest.param(fields(**{f"k{n}": n for n in range(10_000)}), (422,), id="36-many-keys"),
        *bad("49-width", "width", 0, -8, 7, 65, 2056, 10**9, 1024.5, "1024x"),
        pytest.param(fields(width=2048, height=2056), (422,), id="49-pixels"),
        pytest.param(fields(width=8 * 10**9, height=8 * 10**9), (422,), id="49-huge"),
        *bad("50-steps", "steps", 0, -1, 151, 10**9),
        *bad("50-guidance", "guidance", -1, 31, 10**6),
        *bad("51-seed", "seed", -2, 2**32, 2**53 + 1, 2**63, 2**64, "random", 1.5),
        pytest.param(fields(prompt=""), (422,), id="52-empty"),
        pytest.param(fields(prompt=" \t\n"), (422,), id="52-blank"),
        pytest.param(fields(prompt="a\0b"), (422,), id="52-nul"),
        pytest.param(fields(negative_prompt="a\0b"), (422,), id="52-nul-in-negative"),
        pytest.param(fields(prompt="a" * 10_001), (422,), id="52-long"),
        pytest.param(fields(prompt="a" * 10_000_000), (422,), id="52-10-mb"),
        pytest.param(fields(prompt="\U0001f431" * 1_000_000), (422,), id="52-million-emoji"),
        *(
            pytest.param(fields(**{name: "x"}), (422,), id=f"59-{name}")
            for name in ("callback", "webhook", "save_path", "filename", "format")
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/generate-image", "/jobs"])
async def test_a_request_that_makes_no_sense_is_refused_with_a_sentence(
    api: Api, path: str, body: str | bytes, statuses: tuple[int, ...]
) -> None:
    detail = await refused(api, await api.http.post(path, content=body, headers=JSON), *statuses)
    assert detail[-1] != ":"
    assert api.engine.plans == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (fields(steps=151), "steps: must be at most 150"),
        (fields(steps=0), "steps: must be at least 1"),
        (fields(width=100), "width: must be a multiple of 8"),
        (fields(guidance="high"), "guidance: must be a finite number"),
        (fields(stepz=3), "stepz: is not known here; check its spelling"),
        ("{}", "prompt: is required"),
        (fields(prompt=" "), "prompt: must not be empty"),
        (fields(prompt="x" * 10_001), "prompt: must have at most 10,000 characters"),
        (fields(seed=1.5, steps="x"), "steps: must be a whole number; seed: must be a whole number"),
        (
            fields(width=2048, height=2056),
            "the body: width x height: at most 2048 pixels to a side and 4.2 megapixels are drawn; "
            "with a tile up to 4096 and 8.4 megapixels",
        ),
        (fields(**{"<script>": 1}), "(a field): is not known here; check its spelling"),
    ],
)
async def test_the_sentence_names_the_field_and_what_it_must_be(api: Api, body: str, sentence: str) -> None:
    assert await refused(api, await api.http.post("/generate-image", content=body, headers=JSON), 422) == sentence


async def test_what_was_sent_is_never_sent_back(api: Api) -> None:
    secret = "my-private-wish"
    for body in (
        fields(steps=secret),
        fields(width=[secret]),
        f'{{"prompt": ["{secret}"]',
        fields(guidance={secret: 1}),
    ):
        answer = await api.http.post("/generate-image", content=body, headers=JSON)
        assert secret not in await refused(api, answer, 400, 422)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_only_json_is_read(api: Api, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    await refused(api, await api.http.post("/generate-image", content=fields(), headers=headers), 415)


@pytest.mark.parametrize("path", ["/gallery/reindex", "/jobs", "/sessions", f"/gallery/{'0' * 32}/restore"])
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/plain", ""]
)
async def test_what_a_form_can_send_is_refused_also_where_no_body_is_needed(api: Api, path: str, kind: str) -> None:
    answer = await api.http.post(path, content=b"a=b", headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_content_type")


@pytest.mark.parametrize(
    "body",
    [
        {"message": ""},
        {"message": "hi", "temperature": 2.1},
        {"message": "hi", "max_tokens": 0},
        {"message": "hi", "max_tokens": 10**9},
        {"message": "hi", "session_id": "../../etc/passwd"},
        {"message": "hi", "session_id": ""},
        {"message": "hi", "session_id": "x" * 101},
        {"message": "hi\0"},
        {"message": "hi", "stream": "yes"},
        {"message": "x" * 10_001},
        {"message": "hi", "model": "x"},
    ],
)
async def test_a_chat_message_has_limits_too(api: Api, body: dict[str, object]) -> None:
    await refused(api, await api.http.post("/chat", json=body), 422)


async def test_a_body_over_the_cap_is_refused_however_it_is_declared(api: Api) -> None:
    host, port = api.url.removeprefix("http://").split(":")  # row 37

    def sent(head: bytes, *pieces: bytes) -> bytes:
        with socket.create_connection((host, int(port)), timeout=30) as line:
            line.sendall(b"POST /chat HTTP/1.1\r\nHost: 127.0.0.1:" + port.encode() + b"\r\n" + head)
            try:
                for piece in pieces:
                    line.sendall(piece)
            except OSError:
                pass  # It hung up on us in the middle, as it may.
            try:
                return line.recv(4096)
            except ConnectionResetError:
                return b""

    declared = await asyncio.to_thread(sent, b"Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n")
    assert declared.startswith(b"HTTP/1.1 413")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = await asyncio.to_thread(
        sent, b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 17
    )
    assert chunked.startswith(b"HTTP/1.1 413")
    assert (await api.http.get("/health/live")).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "C:\\Windows\\win.ini", "\\\\host\\share", "a\0.png", "a.png::$DATA", "CON",
        "a.", "a.png/", "x" * 300, ".", "..", "0" * 31, "0" * 32, "0" * 33, "A" * 32, "0" * 32 + "\n",
    ],
)  # fmt: skip
async def test_pictures_have_ids_and_nothing_else_is_a_name(api: Api, name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"  # rows 61 and 62
    canary.write_text("alive")
    sent = quote(name, safe="")
    for method, path in [
        ("GET", f"/gallery/{sent}"),
        ("GET", f"/gallery/{sent}/image"),
        ("GET", f"/gallery/{sent}/thumbnail"),
        ("DELETE", f"/gallery/{sent}"),
        ("DELETE", f"/gallery/{quote(str(canary), safe='')}"),
        ("POST", f"/gallery/{sent}/restore"),
        ("GET", f"/jobs/{sent}"),
        ("GET", f"/jobs/{sent}/events"),
        ("DELETE", f"/jobs/{sent}"),
    ]:
        answer = await api.http.request(method, path)
        assert (
            answer.status_code in (404, 405, 307, 200) if name in (".", "..", "a.png/") else answer.status_code == 404
        )
        assert "root:" not in answer.text
    assert canary.read_text() == "alive"


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "(",
        "'",
        "*",
        "cat AND",
        "OPS-306",
        "",
        "%" * 500,
        "a\0b",
        "NEAR(",
        "{",
        "^",
        "-",
        "col:x",
        "\ud7ff",
        "'; DROP TABLE",
    ],
)
async def test_any_search_is_only_a_search(api: Api, q: str) -> None:
    assert (await api.http.get("/gallery", params={"q": q})).status_code == 200  # row 72
    assert (await api.http.get("/sessions", params={"q": q})).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=1000000000", "limit=0", "limit=-1", "limit=ten", "cursor=garbage", "cursor=%00", "cursor=" + "A" * 400,
        "since=yesterday", "since=2026", "favourites=perhaps", "q=" + "x" * 501,
    ],
)  # fmt: skip
async def test_pages_have_bounds(api: Api, query: str) -> None:
    await refused(api, await api.http.get(f"/gallery?{query}"), 422)  # row 73


@pytest.mark.parametrize(
    "since", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1969-12-31", "2026-01-01T00:00"]
)
async def test_any_moment_is_only_a_moment(api: Api, since: str) -> None:
    assert (await api.http.get("/gallery", params={"since": since})).status_code == 200


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG file that says it is so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", crc32(kind + content))

    head = chunk(b"IHDR", pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", compress(data)) + chunk(b"IEND", b"")


def saved(format: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(png(13_000, 13_000, b"\0" * 1000), 422, id="77-bomb"),
        pytest.param(png(2**31 - 1, 2**31 - 1), 422, id="78-largest"),
        pytest.param(png(10**8, 1), 422, id="78-long"),
        pytest.param(png(0, 0), 400, id="78-empty"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 400, id="80-eps"),
        pytest.param(saved("GIF", "P"), 400, id="80-gif"),
        pytest.param(saved("TIFF"), 400, id="80-tiff"),
        pytest.param(saved("BMP"), 400, id="80-bmp"),
        pytest.param(saved("ICO"), 400, id="80-ico"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, id="81-svg"),
        pytest.param(b"<html><script>alert(1)</script></html>", 400, id="81-html"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"junk" * 50, 400, id="81-magic-then-junk"),
        pytest.param(b"\xff\xd8\xff\xe0" + b"junk" * 50, 400, id="81-jpeg-then-junk"),
        pytest.param(saved("PNG")[:-30], 400, id="82-truncated"),
        pytest.param(saved("JPEG")[:200], 400, id="82-truncated-jpeg"),
        pytest.param(saved("PNG").replace(b"IDAT", b"IDAU"), 400, id="82-damaged"),
        pytest.param(b"", 400, id="82-nothing"),
    ],
)
async def test_what_is_no_picture_is_said_to_be_none(api: Api, data: bytes, status: int) -> None:
    body = {"image_base64": b64encode(data).decode()}
    await refused(api, await api.http.post("/analyze-image", json=body), status)
    assert api.vision.shown == []


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc/passwd", "http://127.0.0.1:1/x.png", "/etc/passwd", "data:", "data:image/png;base64,", "data:,%00",
        "not base64 at all!", "AAAA=AAA", "\u00e9" * 40,
    ],
)  # fmt: skip
async def test_only_base64_is_a_picture(api: Api, text: str) -> None:
    await refused(api, await api.http.post("/analyze-image", json={"image_base64": text}), 400)  # row 84


@pytest.mark.parametrize(
    "path",
    ["/generate-image", "/chat", "/analyze-image", "/models/switch", "/prompts/enhance", "/layout"],
)
async def test_nothing_is_changed_by_get(api: Api, path: str) -> None:
    for method in ("GET", "HEAD"):  # row 14
        assert (await api.http.request(method, path)).status_code == 405
    await refused(api, await api.http.get(path), 405)


@pytest.mark.parametrize(
    "path",
    [
        "/settings", "//evil.example/x", "/docs/files/../app.py", "/docs/files/%2e%2e/app.py",
        "/docs/files/..%2fapp.py", "/docs/files/..%5capp.py", "/docs/files/%252e%252e/app.py",
        "/docs/files//etc/passwd",
        "/docs/files/", "/docs/files/swagger-ui", "/gallery/..%2f..%2fstudio.db", "/.env", "/studio.db",
    ],
)  # fmt: skip
async def test_there_is_nothing_at_other_addresses(api: Api, path: str) -> None:
    for method in ("GET", "POST"):  # rows 26 and 45
        answer = await api.http.request(method, httpx.URL(api.url).copy_with(raw_path=path.encode()))
        assert answer.status_code in (404, 405), path
        assert set(answer.json()) == {"detail", "code"}


@pytest.mark.parametrize("name", ["/etc/x", "http://127.0.0.1/x", "attacker/repo", "~/.ssh", "file:x", "../x", "a\0b"])
async def test_models_are_chosen_from_what_is_listed(api: Api, name: str) -> None:
    for field in ("checkpoint", "language_model"):  # row 100
        await refused(api, await api.http.post("/models/switch", json={field: name}), 404, 422)


async def test_redirects_lead_to_the_studio_itself(api: Api) -> None:
    answer = await api.http.get("/gallery/")
    assert answer.status_code in (307, 404)
    assert answer.headers.get("location", api.url).startswith(api.url)
