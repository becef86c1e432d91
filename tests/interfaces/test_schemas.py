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
from schemathesis.checks import positive_data_acceptance, status_code_conformance
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


@dataclass(frozen=True)
class Running:
    """The API, and an id of something that is there for each name that stands in an address."""

    url: str
    there: dict[str, str]


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Running]:
    async with running_api(with_own_checkpoint(folder)) as api:
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


def _fitted(case: Case, running: Running) -> Case:
    """The case, every second of the right ones about something that is there; small pictures, and few."""
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
        for name, there in running.there.items():
            if len(str(case.path_parameters.get(name, ""))) % 2:
                case.path_parameters[name] = there
    if isinstance(case.body, dict):
        for name, most in (("width", LARGEST), ("height", LARGEST), ("n", MOST)):
            given = case.body.get(name)
            if type(given) is int and most < given <= 2048 and given % 8 == 0:
                case.body[name] = most
    return case


def _said(names: set[str]) -> CheckFunction:
    def refused_in_the_shape_of_the_door(ctx: CheckContext, response: Response, case: Case) -> None:
        if response.status_code >= 400:
            found = response.json()
            assert set(found if "error" not in found else found["error"]) == names, found

    return refused_in_the_shape_of_the_door


STUDIO = SimpleNamespace(version="0")
"""An app's description needs no studio."""
OWN = from_dict(create_api(STUDIO).openapi(), config=CONFIG)
OPENAI = from_dict(create_openai_api(STUDIO).openapi(), config=CONFIG)
NOT_CHECKED = [positive_data_acceptance]
"""A schema cannot say everything that makes a request right: which fields go together, what a cursor is."""

COUNT = {}

@OWN.parametrize()
def test_the_studios_own_api(case: Case, api: Running) -> None:
    import time
    b=time.perf_counter()
    answer = _fitted(case, api).call(base_url=api.url)
    k=(case.operation.label, answer.status_code)
    COUNT.setdefault(k, [0,0]); COUNT[k][0]+=1; COUNT[k][1]+=time.perf_counter()-b
    case.validate_response(answer, excluded_checks=NOT_CHECKED, additional_checks=[_said({"detail", "code"})])

@OPENAI.parametrize()
def test_the_door_for_openai_clients(case: Case, api: Running) -> None:
    import time
    b=time.perf_counter()
    answer = _fitted(case, api).call(base_url=f"{api.url}/v1")
    k=("v1"+case.operation.label, answer.status_code)
    COUNT.setdefault(k, [0,0]); COUNT[k][0]+=1; COUNT[k][1]+=time.perf_counter()-b
    case.validate_response(answer, excluded_checks=[*NOT_CHECKED, status_code_conformance], additional_checks=[_said({"message", "type", "param", "code"})])

def test_zz():
    print()
    for k,v in sorted(COUNT.items()): print(k, v[0], round(v[1],2))
