"""Every API by what its OpenAPI says of it: generated requests, right ones and wrong ones, to every operation.

None of them may be a fault of the studio, every refusal has the API's own shape, and what is answered is what the
schema promises. The requests are the same in each run.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from schemathesis import Case, Config, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    positive_data_acceptance,
    status_code_conformance,
)
from schemathesis.openapi import from_dict
from schemathesis.schemas import BaseSchema
from structlog.testing import capture_logs

from fakes import FakeChat
from illustrious_studio.interfaces.a1111.app import create_a1111_apis
from illustrious_studio.interfaces.openai.app import create_openai_api
from illustrious_studio.interfaces.rest.app import create_api
from running_api import running_api
from samples import a_picture, metadata
from studio_for_tests import with_own_checkpoint

pytest_plugins = ["schemathesis.pytest.plugin"]  # pyproject.toml keeps it out of all other runs

CONFIG = Config.from_dict(
    {
        "generation": {"deterministic": True, "max-examples": 10, "database": "none"},
        "phases": {
            "coverage": {"extra-data-sources": {"responses": False}},
            "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
        },
    }
)
MOST = {"width": 128, "height": 128, "n": 2, "batch_size": 2, "n_iter": 1}
NOT_CHECKED = [not_a_server_error, positive_data_acceptance]
"""Statuses are checked below; and a schema cannot say all that makes a request right: what goes together, what a cursor
is."""

NOT_SAID = [status_code_conformance, content_type_conformance]
"""Nor in those of other people's APIs, which nobody is shown, what else than a right answer there is."""


@dataclass(frozen=True)
class Running:
    """The API, and something that is there for each name that stands in an address."""

    url: str
    there: dict[str, str]


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Running]:
    async with running_api(with_own_checkpoint(folder), chat=FakeChat(["No."])) as api:
        item = await api.studio.gallery.add(a_picture().image(), metadata())
        session = await api.studio.chat.create_session()
        job = await api.studio.images.start_image(api.studio.images.suggested("a cat"))
        await api.studio.jobs.wait(job.id)
        yield Running(api.url, {"item_id": item.id, "session_id": session.id, "job_id": job.id, "name": "own"})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """In a thread with a loop of its own: the generated requests are sent without one."""
    folder = tmp_path_factory.mktemp("schemas") / "data"
    with (
        capture_logs(),
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_opened(folder)) as running,
    ):
        yield running


def _described(app: FastAPI) -> BaseSchema:
    return from_dict(app.openapi(), config=CONFIG)


def _described_to_nobody(app: FastAPI) -> BaseSchema:
    """An API for other people's clients: without FastAPI's own 422, whose shape is not the API's."""
    description = app.openapi()
    for operations in description["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return from_dict(description, config=CONFIG)


NOBODY = SimpleNamespace(version="0", jobs=None)
"""What an app takes needs no studio to be described."""
A1111 = create_a1111_apis(NOBODY)
OWN = _described(create_api(NOBODY))
OPENAI = _described_to_nobody(create_openai_api(NOBODY))
SDAPI = _described_to_nobody(A1111["/sdapi/v1"])
INTERNAL = _described_to_nobody(A1111["/internal"])
CONTROLNET = _described_to_nobody(A1111["/controlnet"])


@OWN.parametrize()
def test_the_studios_own_api_does_what_it_says(case: Case, api: Running) -> None:
    answer = _fitted(case, api).call(base_url=api.url)
    assert answer.status_code < 500 or str(answer.status_code) in case.operation.definition.raw["responses"]
    assert answer.status_code < 400 or answer.json().keys() in ({"detail", "code"}, {"status", "models"})
    case.validate_response(answer, excluded_checks=NOT_CHECKED)


@OPENAI.parametrize()
def test_nothing_that_an_openai_client_sends_is_a_fault_of_the_studio(case: Case, api: Running) -> None:
    answer = _fitted(case, api).call(base_url=f"{api.url}/v1")
    assert answer.status_code < 500
    assert answer.status_code < 400 or answer.json()["error"].keys() == {"message", "type", "param", "code"}
    case.validate_response(answer, excluded_checks=[*NOT_CHECKED, *NOT_SAID])


@SDAPI.parametrize()
def test_nothing_that_an_a1111_client_sends_is_a_fault_of_the_studio(case: Case, api: Running) -> None:
    _check_a1111(_fitted(case, api), f"{api.url}/sdapi/v1")


@INTERNAL.parametrize()
def test_nor_is_what_follows_a_task(case: Case, api: Running) -> None:
    _check_a1111(case, f"{api.url}/internal")


@CONTROLNET.parametrize()
def test_nor_is_what_a_client_of_its_extension_sends(case: Case, api: Running) -> None:
    _check_a1111(case, f"{api.url}/controlnet")


def _check_a1111(case: Case, url: str) -> None:
    answer = case.call(base_url=url)
    assert answer.status_code < 500
    assert answer.status_code < 400 or answer.json().keys() == {"error", "detail", "body", "errors"}
    # As in A1111, "1" is a number and 0 is false: what is wrong by the schema may be right.
    case.validate_response(answer, excluded_checks=[*NOT_CHECKED, *NOT_SAID, negative_data_rejection])


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/images/generations", "/v1/embeddings", "/sdapi/v1/txt2img"]
)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "a cat",
        '{"prompt": "a c',
        "[" * 100_000,
        b'{"prompt": "\xff"}',
        '{"prompt": "\\ud800", "input": "\\ud800"}',
        '{"prompt": "a cat", "seed": NaN, "model": "m", "input": "a cat", "dimensions": NaN}',
        '{"prompt": "a cat", "seed": 1e400, "model": "m", "input": "a cat", "dimensions": Infinity}',
    ],
)
def test_what_no_schema_can_generate_is_refused_by_every_door_for_others(
    path: str, body: str | bytes, api: Running
) -> None:
    answer = requests.post(api.url + path, data=body, headers={"content-type": "application/json"}, timeout=60)
    assert 400 <= answer.status_code < 500
    assert "error" in answer.json()


def _fitted(case: Case, running: Running) -> Case:
    """The case, every second of the right ones about something that is there; small pictures, and few."""
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
        for name, there in running.there.items():
            if len(str(case.path_parameters.get(name, ""))) % 2:
                case.path_parameters[name] = there
    if isinstance(case.body, dict):
        for name, most in MOST.items():
            given = case.body.get(name)
            if type(given) is int and most < given <= 2048:
                case.body[name] = most
    return case
