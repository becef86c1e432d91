"""Server-sent events: their shapes, that they arrive as they happen, and that leaving stops the work."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import FakeChat
from illustrious_studio.domain.errors import OutOfMemory, UpstreamFailed
from illustrious_studio.interfaces.http.sse import EventStream, Frame
from running_api import Api, running_api
from waiting import turns, until


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of a stream, as a browser's EventSource reads them."""
    event = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield event, json.loads(line.removeprefix("data: "))


async def all_events(api: Api, message: str, **more: object) -> list[tuple[str, dict[str, Any]]]:
    async with api.http.stream("POST", "/chat", json={"message": message, "stream": True, **more}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        return [event async for event in events_of(answer)]


async def test_an_answer_streams_as_tokens_and_ends_with_done(api: Api) -> None:
    events = await all_events(api, "hello", session_id="mine")
    assert [name for name, _ in events] == ["token", "token", "token", "done"]
    assert "".join(data["text"] for name, data in events if name == "token") == "Hello there."
    done = events[-1][1]
    assert (done["response"], done["session_id"], done["model"]) == ("Hello there.", "mine", "fake-chat")
    kept = (await api.http.get("/sessions/mine")).json()["messages"]
    assert kept[-1]["id"] == done["message_id"]


async def test_accept_asks_for_a_stream_too(api: Api) -> None:
    answer = await api.http.post("/chat", json={"message": "hello"}, headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\n")


async def test_thoughts_are_events_of_their_own(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["<thi", "nk>Hm\nhm.</think>", "Yes\n\n", "indeed."])) as api:
        events = await all_events(api, "hello")
        assert "".join(data["text"] for name, data in events if name == "thinking").strip() == "Hm\nhm."
        assert "".join(data["text"] for name, data in events if name == "token").strip() == "Yes\n\nindeed."
        whole = (await api.http.post("/chat", json={"message": "hello"})).json()
        assert whole["response"] == "Yes\n\nindeed."


async def test_tokens_arrive_while_the_model_still_answers(api: Api) -> None:
    api.chat.go_on.clear()
    async with api.http.stream("POST", "/chat", json={"message": "hello", "stream": True}) as answer:
        events = events_of(answer)
        assert [(await anext(events))[1]["text"] for _ in range(2)] == ["Hello", " there"]
        assert not api.chat.closed.is_set()
        api.chat.go_on.set()
        assert [name async for name, _ in events] == ["token", "done"]


async def test_leaving_stops_the_model_and_keeps_what_was_said(api: Api) -> None:
    api.chat.go_on.clear()
    async with api.http.stream("POST", "/chat", json={"message": "hello", "stream": True}) as answer:
        await anext(events_of(answer))
        await asyncio.wait_for(api.chat.speaking.wait(), 30)
    await asyncio.wait_for(api.chat.closed.wait(), 30)
    answer = (await until(lambda: api.studio.chat.messages("default"), lambda told: len(told) == 2))[-1]
    assert (answer.content, answer.state) == ("Hello there", "interrupted")
    api.chat.go_on.set()
    assert (await all_events(api, "again"))[-1][0] == "done"


async def test_leaving_a_whole_answer_stops_the_model_too(api: Api) -> None:
    api.chat.go_on.clear()
    caller = asyncio.create_task(api.http.post("/chat", json={"message": "hello"}))
    await asyncio.wait_for(api.chat.speaking.wait(), 30)
    caller.cancel()
    await asyncio.wait_for(api.chat.closed.wait(), 30)


async def test_a_failure_before_the_first_word_is_an_ordinary_error(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat([UpstreamFailed("Garbage. Look at Ollama's log.")])) as api:
        answer = await api.http.post("/chat", json={"message": "hello", "stream": True})
        assert answer.status_code == 502
        assert answer.json() == {"detail": "Garbage. Look at Ollama's log.", "code": "upstream_failed"}


async def test_a_failure_after_words_is_the_last_event(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["Hel", "lo", UpstreamFailed("It broke off. Ask again.")])) as api:
        events = await all_events(api, "hello")
        assert [name for name, _ in events] == ["token", "token", "error"]
        assert events[-1][1] == {"detail": "It broke off. Ask again.", "code": "upstream_failed"}


async def test_a_drawing_in_chat_shows_its_steps_and_its_picture(api: Api) -> None:
    events = await all_events(api, "#generate a red fox")
    names = [name for name, _ in events]
    assert names.index("drawing") < names.index("step") < names.index("image") < names.index("done")
    found = dict(events)
    assert found["step"]["job_id"] == found["drawing"]["job_id"]
    assert found["image"]["prompt"] == found["drawing"]["prompt"]
    assert (await api.http.get(found["image"]["url"])).status_code == 200
    assert (await api.http.get(f"/gallery/{found['image']['image_id']}")).status_code == 200


async def test_a_drawing_that_fails_says_so_in_the_stream(api: Api) -> None:
    api.engine.faults = [OutOfMemory("Too large. Choose a smaller size.")]
    events = await all_events(api, "#generate a red fox")
    assert events[-1] == ("error", {"detail": "Too large. Choose a smaller size.", "code": "out_of_memory"})


async def test_a_job_is_followed_to_its_end_by_any_number_of_readers(api: Api) -> None:
    api.engine.go_on.clear()
    job_id = (await api.http.post("/jobs", json={"prompt": "a cat", "steps": 5})).json()["id"]

    async def follow() -> list[tuple[str, dict[str, Any]]]:
        async with api.http.stream("GET", f"/jobs/{job_id}/events") as answer:
            return [event async for event in events_of(answer)]

    readers = [asyncio.create_task(follow()) for _ in range(3)]
    await asyncio.wait_for(api.engine.drawing.wait(), 30)
    api.engine.go_on.set()
    for events in await asyncio.gather(*readers):
        assert {name for name, _ in events[:-1]} == {"progress"}
        name, data = events[-1]
        assert name == "done"
        assert (await api.http.get(data["url"])).status_code == 200
    afterwards = await follow()
    assert [name for name, _ in afterwards] == ["progress", "done"]
    assert afterwards[0][1]["state"] == "done"


async def test_a_reader_that_leaves_does_not_disturb_the_job(api: Api) -> None:
    api.engine.go_on.clear()
    job_id = (await api.http.post("/jobs", json={"prompt": "a cat", "steps": 5})).json()["id"]
    async with api.http.stream("GET", f"/jobs/{job_id}/events") as answer:
        await anext(events_of(answer))
    api.engine.go_on.set()
    assert (await api.studio.jobs.wait(job_id)).metadata.request.prompt == "a cat"


async def test_a_cancelled_job_ends_its_stream_with_an_error(api: Api) -> None:
    api.engine.go_on.clear()
    job_id = (await api.http.post("/jobs", json={"prompt": "a cat", "steps": 5})).json()["id"]
    async with api.http.stream("GET", f"/jobs/{job_id}/events") as answer:
        events = events_of(answer)
        await anext(events)
        await api.http.delete(f"/jobs/{job_id}")
        rest = [event async for event in events]
    assert (rest[-1][0], rest[-1][1]["code"]) == ("error", "cancelled")


class Wire:
    """The server's side of one answer, to see every piece of it."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self.pieces.put(message["body"])


async def test_silence_is_filled_with_comments() -> None:
    speak = asyncio.Event()

    async def frames() -> AsyncGenerator[Frame, None]:
        await speak.wait()
        yield Frame("token", {"text": "at last"})

    wire = Wire()
    stream = await EventStream.open(frames(), keep_alive=0.01)
    task = asyncio.create_task(stream({"type": "http"}, wire.receive, wire.send))
    for _ in range(3):
        assert (await wire.pieces.get()).startswith(b":")
    speak.set()
    await task
    said = b"".join(wire.pieces.get_nowait() for _ in range(wire.pieces.qsize()))
    assert said.endswith(b'event: token\ndata: {"text":"at last"}\n\n')


@pytest.mark.parametrize("error", [UpstreamFailed("It broke."), RuntimeError("a secret")])
async def test_a_failure_after_a_silent_start_is_an_event(error: Exception) -> None:
    fail = asyncio.Event()

    async def frames() -> AsyncGenerator[Frame, None]:
        await fail.wait()
        raise error
        yield Frame("token", {})

    wire = Wire()
    stream = await EventStream.open(frames(), keep_alive=0.01)
    task = asyncio.create_task(stream({"type": "http"}, wire.receive, wire.send))
    await wire.pieces.get()
    fail.set()
    await task
    said = b"".join(wire.pieces.get_nowait() for _ in range(wire.pieces.qsize()))
    assert b"event: error" in said
    assert b"secret" not in said


async def test_a_slow_reader_holds_the_model_back() -> None:
    made = 0

    async def frames() -> AsyncGenerator[Frame, None]:
        nonlocal made
        while True:
            made += 1
            yield Frame("token", {"text": "x"})

    reading = asyncio.Event()

    async def slow(message: Any) -> None:
        await reading.wait()

    wire = Wire()
    stream = await EventStream.open(frames())
    task = asyncio.create_task(stream({"type": "http"}, wire.receive, slow))
    await turns(1000)
    assert made < 1000
    wire.gone.set()
    reading.set()
    await asyncio.wait_for(task, 30)


async def test_what_makes_the_events_may_tidy_up_after_the_reader_left() -> None:
    kept: list[str] = []

    async def frames() -> AsyncGenerator[Frame, None]:
        try:
            yield Frame("token", {"text": "half"})
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(kept.append, "half")

    wire = Wire()
    stream = await EventStream.open(frames())
    task = asyncio.create_task(stream({"type": "http"}, wire.receive, wire.send))
    await wire.pieces.get()
    wire.gone.set()
    await task
    assert kept == ["half"]
