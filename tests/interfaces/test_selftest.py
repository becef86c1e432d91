"""The self-test of the Connect page: against studios that work, and against some that do not."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from fakes import FakeEngine
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.interfaces.selftest.runner import CLIENTS, TIDYING_UP, Outcome, replay_all
from illustrious_studio.interfaces.shared.overview import ModelList
from running_api import running_api
from serving import serving

KEY = "a-key-of-some-length"
EVERYONE = [*(client.name for client in CLIENTS), TIDYING_UP]


async def outcomes(url: str, key: str | None = None) -> dict[str, Outcome]:
    return {one.name: one async for one in replay_all(Access(url=url, key=SecretStr(key) if key else None))}


async def test_every_client_passes_and_nothing_is_left_in_the_gallery(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        assert [(one.name, one.failure) for one in (await outcomes(api.url, KEY)).values()] == [
            (name, "") for name in EVERYONE
        ]
        assert (await api.studio.gallery.page()).items == []
        assert api.engine.plans


async def test_a_wrong_key_is_told_for_every_client(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        found = await outcomes(api.url, "another-key-of-some-length")
    assert list(found) == EVERYONE
    for one in found.values():
        assert "expected 200, came 401: This studio asks for a key." in one.failure, one


async def test_a_studio_that_is_not_there_is_told_for_every_client() -> None:
    found = await outcomes("http://127.0.0.1:9")
    assert list(found) == EVERYONE
    for one in found.values():
        assert "no answer (" in one.failure, one


async def test_a_checkpoint_that_cannot_draw_fails_just_those_who_draw(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.faults = [OutOfMemory("Too large. Choose a smaller size.") for _ in range(20)]
    async with running_api(tmp_path, engine=engine) as api:
        found = await outcomes(api.url)
    assert [name for name, one in found.items() if one.passed] == ["MCP hosts", TIDYING_UP]
    assert found["curl"].failure == "POST /generate-image: expected 200, came 507: Too large. Choose a smaller size."
    assert found["OpenAI SDK"].failure.startswith("POST /v1/images/generations: expected 200, came 507: Too large.")
    assert found["SillyTavern"].failure.startswith("POST /sdapi/v1/txt2img: expected 200, came 507: Too large.")


PARSE_ERRORS = [
    *("{}", "[]", "null", "[1]", "hello", '{"data": null}', '{"data": [null]}', '{"items": null}', '{"images": [1]}'),
    *('{"data": [{"id": "talks"}]}', '{"sd_model_checkpoint": "draws", "data": [{"id": "talks"}], "txt2img": []}'),
]
STREAMS = [
    "",
    "data: 1",
    "data: {",
    'data: {"choices": 1}',
    'data: {"choices": [{}]}',
    'data: {"choices": [{"delta": 1}]}',
]
IN_USE = ModelList(checkpoint="draws", language_model="talks", checkpoints=[], language_models=[], vaes=[], refused=[])


@pytest.mark.parametrize(
    ("said", "streamed"), [*((said, "data: 1") for said in PARSE_ERRORS), *((PARSE_ERRORS[-2], s) for s in STREAMS)]
)
async def test_what_a_client_cannot_read_is_told_in_a_sentence(said: str, streamed: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/models":
            answer, kind = IN_USE.model_dump_json(), b"application/json"
        elif path == "/v1/chat/completions":
            answer, kind = f"{streamed}\n\ndata: [DONE]\n\n", b"text/event-stream"
        else:
            answer, kind = said, b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": answer.encode()})

    async with serving(lambda _: app) as url:
        found = await outcomes(url)
    assert list(found) == EVERYONE
    for one in found.values():
        assert re.match(r"(GET|POST) /\w+", one.failure), one
