"""Idempotency-Key: however often a request that draws is sent, it is carried out once."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from illustrious_studio.domain.errors import OutOfMemory
from running_api import Api, running_api
from waiting import until

SMALL: dict[str, Any] = {"width": 64, "height": 64, "steps": 2}
SEEDS: dict[str, tuple[dict[str, Any], Callable[[httpx.Response], object]]] = {
    "/generate-image": ({"prompt": "a cat", **SMALL}, lambda answer: answer.json()["image_id"]),
    "/jobs": ({"prompt": "a cat", "n": 2, **SMALL}, lambda answer: (answer.json()["id"], len(answer.json()["others"]))),
    "/v1/images/generations": (
        {"prompt": "a cat", "size": "64x64", "steps": 2},
        lambda answer: answer.json()["data"][0]["seed"],
    ),
    "/sdapi/v1/txt2img": ({"prompt": "a cat", **SMALL}, lambda answer: answer.json()["info"]),
}


@pytest.mark.parametrize("path", SEEDS)
async def test_the_same_key_and_request_is_the_same_picture(api: Api, path: str) -> None:
    body, told = SEEDS[path]
    before = len(api.engine.plans)
    headers = {"Idempotency-Key": f"of {path}"}
    first, again = await asyncio.gather(*(api.http.post(path, json=body, headers=headers) for _ in range(2)))
    later = await api.http.post(path, json=body, headers=headers)
    assert {answer.status_code for answer in (first, again, later)} <= {200, 202}
    assert told(first) == told(again) == told(later)
    await until(lambda: not api.studio.jobs.active())
    assert len(api.engine.plans) - before == body.get("n", 1)
    other = await api.http.post(path, json=body | {"prompt": "a dog"}, headers=headers)
    assert other.status_code == 409
    assert "this key came with another request" in other.text
    fresh = await api.http.post(path, json=body, headers={"Idempotency-Key": f"another of {path}"})
    assert told(fresh) != told(first)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_drawing_in_the_chat_is_drawn_and_stands_there_once(api: Api, stream: bool) -> None:
    before = len(api.engine.plans)
    headers = {"Idempotency-Key": f"in the chat, {stream}"}
    body = {"message": "#generate a cat", "session_id": f"once-{stream}", "stream": stream}
    at_once = await asyncio.gather(*(api.http.post("/chat", json=body, headers=headers) for _ in range(2)))
    answers = [*at_once, await api.http.post("/chat", json=body, headers=headers)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({re.findall(r'"image_id": ?"(\w+)"', answer.text)[0] for answer in answers}) == 1
    assert len(api.engine.plans) - before == 1
    other = await api.http.post("/chat", json=body | {"message": "#generate a dog"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    talk = await api.http.get(f"/sessions/once-{stream}")
    said = [(message["role"], message["content"]) for message in talk.json()["messages"]]
    assert said == [("user", "#generate a cat"), ("assistant", "Here is your picture: a cat")]


async def test_a_stream_that_is_asked_for_again_ends_with_the_same_picture(api: Api) -> None:
    body = {"prompt": "a cat", "size": "64x64", "steps": 2, "stream": True}
    ends = []
    for _ in range(2):
        answer = await api.http.post("/v1/images/generations", json=body, headers={"Idempotency-Key": "streamed"})
        ends.append(next(line for line in answer.text.splitlines() if '"image_generation.completed"' in line))
    pictures = [end.partition('"b64_json":"')[2].partition('"')[0] for end in ends]
    assert pictures[0] and pictures[0] == pictures[1]


async def test_who_loses_the_connection_comes_back_to_the_same_drawing(api: Api) -> None:
    api.engine.go_on.clear()
    headers, body = {"Idempotency-Key": "lost"}, {"prompt": "a cat", "steps": 4, "width": 64, "height": 64}
    before = len(api.engine.plans)
    lost = asyncio.create_task(api.http.post("/generate-image", json=body, headers=headers))
    await api.engine.midway.wait()
    lost.cancel()
    await asyncio.wait([lost])
    back = asyncio.create_task(api.http.post("/generate-image", json=body, headers=headers))
    api.engine.go_on.set()
    assert (await back).status_code == 200
    assert len(api.engine.plans) == before + 1


async def test_a_failure_stays_one_and_holds_after_a_restart(tmp_path: Path) -> None:
    headers, body = {"Idempotency-Key": "kept"}, {"prompt": "a cat", **SMALL}
    async with running_api(tmp_path) as api:
        api.engine.faults.append(OutOfMemory("Too large. Make it smaller."))
        for _ in range(2):
            failed = await api.http.post("/generate-image", json=body, headers=headers)
            assert (failed.status_code, failed.json()["detail"]) == (507, "Too large. Make it smaller.")
        drawn = await api.http.post("/generate-image", json=body, headers={"Idempotency-Key": "drawn"})
    async with running_api(tmp_path) as api:
        again = await api.http.post("/generate-image", json=body, headers={"Idempotency-Key": "drawn"})
        assert again.json()["image_id"] == drawn.json()["image_id"]
        assert (await api.http.post("/generate-image", json=body, headers=headers)).status_code == 507
        assert api.engine.plans == []


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = await api.http.post("/jobs", json={"prompt": "a cat"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["detail"]) == (422, "Idempotency-Key: must have 1 to 255 characters")
