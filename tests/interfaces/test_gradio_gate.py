"""Gradio's own addresses on the page's port: what the page does not need is not there, and nothing is a 5xx."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from running_web import serving_web
from studio_for_tests import studio_for_tests

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder: Path = tmp_path_factory.mktemp("studio")
    async with (
        studio_for_tests(folder) as made,
        serving_web(made.studio) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/openapi.json",
            "/gradio_api/openapi.json",
            "/docs",
            "/monitoring",
            "/monitoring/summary",
            "/login",
            "/logout",
        ),
        *(
            "/gradio_api/call/x/y",
            "/gradio_api/proxy=http://evil.example/",
            "/gradio_api/deep_link",
            "/gradio_api/runs",
        ),
        *(
            "/gradio_api/queue/status",
            "/gradio_api/custom_component/x/y/z/w",
            "/gradio_api/token",
            "/gradio_api/mcp/sse",
        ),
        *(
            "/gradio_api/stream/x/y/z/playlist.m3u8",
            "/gradio_api/file/etc/passwd",
            "/gradio_api/vibe-code/",
            "/fragments",
        ),
    ],
)
async def test_what_the_page_does_not_need_is_not_there(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404
    assert (await http.post(path, json={"data": []})).status_code in (404, 405)


@pytest.mark.parametrize(
    "path", ["/gradio_api/call/0", "/gradio_api/call/v2/x", "/gradio_api/run/x", "/gradio_api/api/x"]
)
async def test_functions_cannot_be_called_by_a_name(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.post(path, json={"data": [], "session_hash": "x"})).status_code == 404


@pytest.mark.parametrize("function", [99_999, -1, "x", None, 1.5, True, 10**30, [0], {}])
async def test_a_function_that_the_page_has_not_is_404(http: httpx.AsyncClient, function: Any) -> None:
    answer = await http.post("/gradio_api/queue/join", json={"fn_index": function, "data": [], "session_hash": "x"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "The page has no such function. Load it again."})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"fn_index": 0, "data": "x", "session_hash": "x"}', 422),
        (b'{"fn_index": 0, "data": []}', 422),
        (b"{", 400),
        (b"[]", 404),
        (b"", 400),
    ],
)
async def test_a_call_that_makes_no_sense_is_refused(http: httpx.AsyncClient, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    assert (await http.post("/gradio_api/queue/join", content=body, headers=headers)).status_code == status


async def test_a_call_brings_a_value_of_its_kind_for_each_input(http: httpx.AsyncClient) -> None:
    functions = (await http.get("/config")).json()["dependencies"]
    with_text = next(one for one in functions if len(one["inputs"]) == 1 and one["backend_fn"])
    for data in ([], ["x", "x"], [{"a": 1}], [["x"]], [True]):
        call = {"fn_index": with_text["id"], "data": data, "session_hash": "x"}
        assert (await http.post("/gradio_api/queue/join", json=call)).status_code == 422


async def test_a_session_that_has_asked_for_nothing_is_404(http: httpx.AsyncClient) -> None:
    for query in ("?session_hash=nosuch", ""):
        assert (await http.get(f"/gradio_api/queue/data{query}")).status_code == 404


@pytest.mark.parametrize("boundary", ["; boundary=" + "b" * 5000, "; boundary=", ""])
async def test_a_form_without_a_boundary_that_can_be_is_refused(http: httpx.AsyncClient, boundary: str) -> None:
    headers = {"content-type": f"multipart/form-data{boundary}"}
    assert (await http.post("/gradio_api/upload", content=b"x", headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/gradio_api/cancel", {"event_id": "x", "session_hash": "y", "fn_index": 1}),
        ("/gradio_api/cancel", []),
        ("/gradio_api/reset", {"event_id": "x"}),
        ("/gradio_api/upload", {}),
    ],
)
async def test_nothing_else_is_a_fault(http: httpx.AsyncClient, path: str, body: Any) -> None:
    assert (await http.post(path, json=body)).status_code < 500


async def test_what_proxies_say_is_not_believed(http: httpx.AsyncClient) -> None:  # row 15
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"}
    for path in ("/", "/config"):
        plain, other = await http.get(path), await http.get(path, headers=forged)
        assert other.status_code == 200
        assert "evil.example" not in other.text
        assert ('"root":"http://' in other.text) == ('"root":"http://' in plain.text)
