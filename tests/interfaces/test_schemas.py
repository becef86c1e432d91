"""Every door by what its OpenAPI says of it: generated requests, right ones and wrong ones, to every operation.

None of them may be a fault of the studio, every refusal has the door's own shape, and what is answered is what the
schema promises. The requests are the same in each run.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from anyio.from_thread import start_blocking_portal
from schemathesis import Case, CheckContext, CheckFunction, Config, GenerationMode, Response
from schemathesis.checks import not_a_server_error, positive_data_acceptance, status_code_conformance
from schemathesis.openapi import from_dict

from illustrious_studio.interfaces.openai.app import create_openai_api
from illustrious_studio.interfaces.rest.app import create_api
from running_api import running_api
from samples import a_picture, metadata
from studio_for_tests import with_own_checkpoint

pytest_plugins = ["schemathesis.pytest.plugin"]

CONFIG = Config.from_dict(
    {
        "generation": {"deterministic": True, "max-examples": 20, "database": "none"},
        "phases": {
            "coverage": {"extra-data-sources": {"responses": False}},
            "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
        },
    }
)
LARGEST, MOST = 128, 2
NOT_CHECKED = [not_a_server_error, positive_data_acceptance]
"""Statuses are checked below; and a schema cannot say all that makes a request right: what goes together, what a cursor
is."""


@dataclass(frozen=True)
class Running:
    """The API, and something that is there for each name that stands in an address."""

    url: str
    there: dict[str, str]


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Running]:
    async with running_api(with_own_checkpoint(folder), chat=FakeChat(["No."])) as api:
        item = await api.studio.gallery.add(a_picture(), metadata())
        session = await api.studio.chat.create_session()
        job = await api.studio.images.start_image(api.studio.images.suggested("a cat"))
        await api.studio.jobs.wait(job.id)
        yield Running(api.url, {"item_id": item.id, "session_id": session.id, "job_id": job.id, "name": "own"})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """In a thread with a loop of its own: the generated requests are sent without one."""
    folder = tmp_path_factory.mktemp("schemas") / "data"
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_opened(folder)) as running:
        yield running


NOBODY = SimpleNamespace(version="0", jobs=None)
"""What an app takes needs no studio to be described."""
A1111 = create_a1111_apis(NOBODY)
OWN = from_dict(create_api(NOBODY).openapi(), config=CONFIG)
OPENAI = from_dict(create_openai_api(NOBODY).openapi(), config=CONFIG)
SDAPI = from_dict(A1111["/sdapi/v1"].openapi(), config=CONFIG)
INTERNAL = from_dict(A1111["/internal"].openapi(), config=CONFIG)


@OWN.parametrize()
def test_the_studios_own_api_does_what_it_says(case: Case, api: Running) -> None:
    answer = _fitted(case, api).call(base_url=api.url)
    documented = case.operation.definition.raw["responses"]
    assert answer.status_code < 500 or str(answer.status_code) in documented
    assert answer.status_code < 400 or _keys(answer) in ({"detail", "code"}, {"status", "models"})
    case.validate_response(answer, excluded_checks=NOT_CHECKED)


@OPENAI.parametrize()
def test_nothing_that_an_openai_client_sends_is_a_fault_of_the_studio(case: Case, api: Running) -> None:
    answer = _fitted(case, api).call(base_url=f"{api.url}/v1")
    if answer.status_code >= 400:
        assert answer.status_code < 500
        assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
    case.validate_response(answer, excluded_checks=[*NOT_CHECKED, *UNSAID])


@SDAPI.parametrize()
def test_nothing_that_an_a1111_client_sends_is_a_fault_of_the_studio(case: Case, api: Running) -> None:
    _a1111(case, api, "/sdapi/v1")


@INTERNAL.parametrize()
def test_nor_is_anything_that_follows_a_task(case: Case, api: Running) -> None:
    _a1111(case, api, "/internal")
