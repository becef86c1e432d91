"""OpenAI's API, by the official client: models, chat and embeddings."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from fakes import FakeChat, gradient
from illustrious_studio.adapters.chat.llama_cpp import EmbeddedChat, packaged_gguf
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.domain.chat import ChatChunk, Ending
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    OutOfMemory,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from illustrious_studio.interfaces.openai.app import create_openai_api
from ollama_server import Model, OllamaServer, line, stream, vector_of
from openai_client import client
from running_api import Api, running_api

HI = [{"role": "user", "content": "Hi"}]
KEY = "a-key-of-some-length"
TOOL = {
    "type": "function",
    "function": {
        "name": "draw",
        "description": "Draws a picture.",
        "parameters": {
            "type": "object",
            "properties": {
                "scene": {"type": "object", "properties": {"words": {"type": "string"}}},
                "size": {"anyOf": [{"type": "integer", "minimum": 64}, {"type": "null"}], "default": None},
            },
            "required": ["scene"],
        },
    },
}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("openai") / "data") as running:
        yield running


@asynccontextmanager
async def over_ollama(folder: Path, *models: Model) -> AsyncIterator[tuple[AsyncOpenAI, OllamaServer]]:
    """The studio over an Ollama server that knows these models; the first is the one in use."""
    async with OllamaServer(models) as server:
        chat = OllamaChat(server.url, models[0].name)
        try:
            async with running_api(folder, chat=chat) as api:
                yield client(api), server
        finally:
            await chat.aclose()


async def test_models_are_those_of_the_studio(api: Api) -> None:
    names = [model.id async for model in client(api).models.list()]
    assert {"fake-chat", "other-chat", "illustrious-mini"} <= set(names)
    assert (await client(api).models.retrieve("illustrious-mini")).owned_by == "sdxl"
    with pytest.raises(openai.NotFoundError, match="There are: fake-chat, other-chat"):
        await client(api).models.retrieve("gpt-4o")


async def test_the_documentation_lists_what_there_is(api: Api) -> None:
    written = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    for route in iter_route_contexts(create_openai_api(api.studio).routes):
        for method in route.methods or ():
            assert f"`{method} /v1{route.path}`".replace(":path", "") in written


async def test_the_figures_tell_this_door_from_the_studios_own(api: Api) -> None:
    for path in ("/v1/models", "/models", "/v1/nothing"):
        await api.http.get(path)
    figures = (await api.http.get("/metrics")).text
    for route in ("/v1/models", "/models", "none"):
        assert f'_count{{method="GET",route="{route}"' in figures


async def test_a_model_whose_name_has_a_slash_is_found(tmp_path: Path) -> None:
    async with over_ollama(tmp_path, Model("hf.co/maker/model:Q4_K_M")) as (gpt, _):
        assert (await gpt.models.retrieve("hf.co/maker/model:Q4_K_M")).owned_by == "ollama"


async def test_an_answer_comes_whole(api: Api) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "#generate is only a word here"},
    ]
    answer = await client(api).chat.completions.create(model="fake-chat", messages=messages)
    assert answer.choices[0].message.content == "Hello there."
    assert (answer.choices[0].finish_reason, answer.object, answer.model) == ("stop", "chat.completion", "fake-chat")
    told = [(turn.role, turn.content) for turn in api.chat.asked[-1]]
    assert told == [
        ("system", "Be brief."),
        ("user", "One.\nTwo."),
        ("assistant", "Yes."),
        ("user", "#generate is only a word here"),
    ]
    assert await api.studio.chat.sessions() == []


async def test_an_answer_streams_with_its_usage_last(tmp_path: Path) -> None:
    script = ["Hel", "lo", ChatChunk(ending=Ending("length", 12, 2))]
    async with running_api(tmp_path, chat=FakeChat(script)) as api:
        asked = await client(api).chat.completions.create(
            model="fake-chat", messages=HI, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in asked]
        assert [chunk.choices[0].delta.content for chunk in chunks[:-1]] == ["Hel", "lo", None]
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None, None, "length"]
        assert [chunk.usage for chunk in chunks[:-1]] == [None, None, None]
        assert chunks[-1].choices == []
        assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 14
        assert len({chunk.id for chunk in chunks}) == 1
        without = await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=True)
        assert all(chunk.choices and chunk.usage is None for chunk in [chunk async for chunk in without])
        whole = await client(api).chat.completions.create(model="fake-chat", messages=HI)
        assert whole.usage is not None
        assert (whole.choices[0].finish_reason, whole.usage.completion_tokens) == ("length", 2)


async def test_the_synchronous_client_works_too(api: Api) -> None:
    def ask() -> tuple[str | None, str]:
        with OpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as gpt:
            whole = gpt.chat.completions.create(model="fake-chat", messages=HI)
            parts = gpt.chat.completions.create(model="fake-chat", messages=HI, stream=True)
            return whole.choices[0].message.content, "".join(part.choices[0].delta.content or "" for part in parts)

    assert await asyncio.to_thread(ask) == ("Hello there.", "Hello there.")


async def test_thoughts_are_not_in_the_content(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["<thi", "nk>Hm, ", "hm.</think>", "Yes", "."])) as api:
        whole = await client(api).chat.completions.create(model="fake-chat", messages=HI)
        assert whole.choices[0].message.content == "Yes."
        assert whole.choices[0].message.model_extra == {"reasoning_content": "Hm, hm."}
        asked = await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=True)
        deltas = [chunk.choices[0].delta async for chunk in asked]
        assert "".join(delta.content or "" for delta in deltas) == "Yes."
        assert "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas) == "Hm, hm."


async def test_a_thought_that_was_never_opened_is_not_in_the_content_either(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["Hm.", "</think>", "Yes."])) as api:
        for _ in range(2):
            whole = await client(api).chat.completions.create(model="fake-chat", messages=HI)
            assert whole.choices[0].message.content == "Yes."
        asked = await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in asked]) == "Yes."


async def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(api: Api) -> None:
    for streamed in (False, True):
        with pytest.raises(openai.NotFoundError, match="There are: fake-chat, other-chat") as caught:
            await client(api).chat.completions.create(model="gpt-4o", messages=HI, stream=streamed)
        assert caught.value.body["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        (InvalidRequest("Too long. Shorten it."), openai.BadRequestError, 400),
        (Conflict("Not now."), openai.ConflictError, 409),
        (Busy("Busy. Wait.", retry_after=7), openai.RateLimitError, 429),
        (Unavailable("Nobody is there."), openai.InternalServerError, 503),
        (UpstreamFailed("It broke."), openai.InternalServerError, 502),
        (UpstreamTimeout("It was silent."), openai.InternalServerError, 504),
        (OutOfMemory("Too large."), openai.InternalServerError, 507),
    ],
)
async def test_errors_are_the_classes_of_the_client(
    api: Api, error: StudioError, raised: type[openai.APIStatusError], status: int
) -> None:
    for streamed in (False, True):
        api.chat.scripts.insert(0, [error])
        with pytest.raises(raised) as caught:
            await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=streamed)
        assert caught.value.status_code == status
        assert caught.value.code == error.code
        assert error.detail in caught.value.message
        body = caught.value.response.json()
        assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}
        assert caught.value.response.headers.get("retry-after") == ("7" if error.retry_after else None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"messages": []}, "messages: must have at least 1 entry"),
        ({"stop": ["x"] * 17}, "stop: must have at most 16 entries"),
    ],
)
async def test_what_a_list_is_short_of_or_too_long_by_is_counted_in_entries(
    api: Api, more: dict[str, object], said: str
) -> None:
    answer = await api.http.post("/v1/chat/completions", json={"model": "fake-chat", "messages": HI, **more})
    assert answer.json()["error"]["message"] == said


async def test_what_cannot_work_is_not_tried_again_by_the_client(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat([OutOfMemory("Too large.")])) as api:
        with pytest.raises(openai.InternalServerError):
            await client(api).with_options(max_retries=3).chat.completions.create(model="fake-chat", messages=HI)
        assert len(api.chat.asked) == 1


async def test_a_failure_after_words_ends_the_stream_with_an_error(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["Hel", "lo", UpstreamFailed("It broke off.")])) as api:
        asked = await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=True)
        said = [(await anext(aiter(asked))).choices[0].delta.content for _ in range(2)]
        with pytest.raises(openai.APIError, match="It broke off"):
            await anext(aiter(asked))
        assert said == ["Hel", "lo"]


async def test_a_studio_with_a_key_wants_it_as_bearer(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        with pytest.raises(openai.AuthenticationError, match="asks for a key") as caught:
            await client(api, "another").models.list()
        assert caught.value.body["code"] == "key_needed"
        answer = await client(api, KEY).chat.completions.create(model="fake-chat", messages=HI)
        assert answer.choices[0].message.content == "Hello there."


async def test_an_address_that_is_not_there_is_said_in_the_same_shape(api: Api) -> None:
    with pytest.raises(openai.NotFoundError, match="nothing at this address"):
        await client(api).moderations.create(input="x")
    answer = await api.http.get("/v1/chat/completions")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    broken = await api.http.get("/v1/images/0.%0Apng")
    assert (broken.status_code, broken.json()["error"]["code"]) == (404, "not_found")
    large = await api.http.post("/v1/images/generations", content=b"x" * (2 << 20))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    foreign = await api.http.get("/v1/models", headers={"origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logprobs", True),
        ("top_logprobs", 3),
        ("n", 9),
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("web_search_options", {"search_context_size": "low"}),
        ("max_tokens", -2),
        ("temperature", 3),
        ("messages", []),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_schema"}),
    ],
)
async def test_what_would_change_the_answer_is_refused_by_name(api: Api, name: str, value: object) -> None:
    before = len(api.chat.asked)
    with pytest.raises(openai.BadRequestError, match=name):
        await client(api).chat.completions.create(
            model="fake-chat", messages=HI if name != "messages" else [], extra_body={name: value}
        )
    assert len(api.chat.asked) == before + (name == "logprobs")  # only its answer shows that this model has none


async def test_what_changes_nothing_is_let_pass(api: Api) -> None:
    answer = await client(api).chat.completions.create(
        model="fake-chat", messages=HI, user="me", metadata={"a": "b"}, store=True, service_tier="auto",
        prompt_cache_key="k", safety_identifier="s", n=1, logprobs=False, logit_bias={}, parallel_tool_calls=True,
        modalities=["text"], seed=None, stop=None, extra_body={"trace_id": "x", "functions": []},
    )  # fmt: skip
    assert answer.choices[0].message.content == "Hello there."


@pytest.mark.parametrize(
    "sent",
    [
        {"logit_bias": {"50256": -100}},  # SillyTavern, of OpenAI's tokens
        {"verbosity": "low"},
        {"parallel_tool_calls": False},  # LangChain's with_structured_output, with or without tools
        {"chat_template_kwargs": {"some_other_model": True}},
        {"max_tokens": 0},
        {"max_tokens": -1, "max_completion_tokens": -1},
    ],
)
async def test_what_programs_send_though_it_means_nothing_here_is_let_pass(api: Api, sent: dict[str, object]) -> None:
    answer = await client(api).chat.completions.create(model="fake-chat", messages=HI, extra_body=sent)
    assert answer.choices[0].message.content == "Hello there."
    assert api.chat.options[-1].max_tokens is None


async def test_not_to_think_can_be_said_as_to_llama_cpp_and_vllm(api: Api) -> None:
    for wanted in (False, True):
        more = {"chat_template_kwargs": {"enable_thinking": wanted}}
        await client(api).chat.completions.create(model="fake-chat", messages=HI, extra_body=more)
        assert api.chat.options[-1].think is wanted


async def test_several_answers_come_with_their_indexes_and_one_usage(tmp_path: Path) -> None:
    """SillyTavern's "swipes per generation"."""
    scripts = [[text, ChatChunk(ending=Ending("stop", 12, 2))] for text in ("One.", "Two.", "Three.")]
    async with running_api(tmp_path, chat=FakeChat(*scripts, *scripts)) as api:
        whole = await client(api).chat.completions.create(model="fake-chat", messages=HI, n=3, seed=7)
        assert [(one.index, one.message.content) for one in whole.choices] == [(0, "One."), (1, "Two."), (2, "Three.")]
        assert whole.usage is not None
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (12, 6)
        assert [one.sampling.seed for one in api.chat.options] == [7, 8, 9]
        asked = await client(api).chat.completions.create(
            model="fake-chat", messages=HI, n=3, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = [chunk async for chunk in asked]
        said = [(one.choices[0].index, one.choices[0].delta.content, one.choices[0].delta.role) for one in chunks]
        assert said[::2] == [(0, "One.", "assistant"), (1, "Two.", "assistant"), (2, "Three.", "assistant")]
        assert [one.choices[0].finish_reason for one in chunks] == [None, "stop"] * 3
        assert last.usage is not None and last.usage.completion_tokens == 6


async def test_log_probabilities_come_from_ollama_and_streams_have_them_too(tmp_path: Path) -> None:
    async with over_ollama(tmp_path, Model("plain")) as (gpt, server):
        likely = [{"token": "Hé", "logprob": -0.1}, {"token": "Ho", "logprob": -2.5}]
        told = stream([line("Hé", logprobs=[{**likely[0], "top_logprobs": likely}]), line(done=True)])
        server.next("/api/chat", told, told)
        whole = await gpt.chat.completions.create(model="plain", messages=HI, logprobs=True, top_logprobs=2)
        assert (server.asked("/api/chat")[-1]["logprobs"], server.asked("/api/chat")[-1]["top_logprobs"]) == (True, 2)
        (one,) = whole.choices[0].logprobs.content  # type: ignore[union-attr, misc]
        assert (one.token, one.logprob, bytes(one.bytes or ()).decode()) == ("Hé", -0.1, "Hé")
        assert [(other.token, other.logprob) for other in one.top_logprobs] == [("Hé", -0.1), ("Ho", -2.5)]
        asked = await gpt.chat.completions.create(model="plain", messages=HI, logprobs=True, stream=True)
        first = await anext(aiter(asked))
        assert first.choices[0].logprobs.content[0].token == "Hé"  # type: ignore[union-attr, index]
        await asked.close()


async def test_a_model_that_tells_no_log_probabilities_is_refused(api: Api) -> None:
    for streamed in (False, True):
        with pytest.raises(openai.BadRequestError, match="fake-chat does not tell log probabilities"):
            await client(api).chat.completions.create(model="fake-chat", messages=HI, logprobs=True, stream=streamed)


async def test_how_to_answer_reaches_the_model(api: Api) -> None:
    await client(api).chat.completions.create(
        model="other-chat", messages=HI, temperature=0, top_p=0.5, seed=7, stop="END", presence_penalty=1,
        frequency_penalty=-1, max_completion_tokens=9, reasoning_effort="low",
        extra_body={"top_k": 3, "min_p": 0.1, "repeat_penalty": 1.2},
    )  # fmt: skip
    options = api.chat.options[-1]
    assert (options.model, options.temperature, options.max_tokens, options.think) == ("other-chat", 0, 9, "low")
    assert options.sampling.given() == {
        "top_p": 0.5, "top_k": 3, "min_p": 0.1, "repeat_penalty": 1.2, "presence_penalty": 1, "frequency_penalty": -1,
        "seed": 7, "stop": ["END"],
    }  # fmt: skip
    await client(api).chat.completions.create(model="fake-chat", messages=HI)
    assert (api.chat.options[-1].max_tokens, api.chat.options[-1].sampling.given()) == (None, {})


async def test_leaving_stops_the_model(api: Api) -> None:
    api.chat.speaking.clear()
    api.chat.closed.clear()
    api.chat.go_on.clear()
    async with await client(api).chat.completions.create(model="fake-chat", messages=HI, stream=True) as asked:
        await anext(aiter(asked))
        await asyncio.wait_for(api.chat.speaking.wait(), 30)
    await asyncio.wait_for(api.chat.closed.wait(), 30)
    api.chat.closed.clear()
    api.chat.speaking.clear()
    whole = asyncio.create_task(client(api).chat.completions.create(model="fake-chat", messages=HI))
    await asyncio.wait_for(api.chat.speaking.wait(), 30)
    whole.cancel()
    await asyncio.wait_for(api.chat.closed.wait(), 30)
    api.chat.go_on.set()


async def test_another_installed_model_answers_when_it_is_named(tmp_path: Path) -> None:
    async with over_ollama(tmp_path, Model("first"), Model("second", context_length=2048)) as (gpt, server):
        await gpt.chat.completions.create(model="second", messages=HI)
        assert server.asked("/api/chat")[-1]["model"] == "second"
        assert server.asked("/api/chat")[-1]["options"]["num_predict"] == 2048
        await gpt.chat.completions.create(model="first", messages=HI)
        assert server.asked("/api/chat")[-1]["model"] == "first"


async def test_tools_reach_the_model_whole_and_its_calls_come_back(tmp_path: Path) -> None:
    async with over_ollama(tmp_path, Model("caller", ("completion", "tools"))) as (gpt, server):
        arguments = {"scene": {"words": "a fox"}}
        said = [line("Now: "), line(calls=[{"function": {"name": "draw", "arguments": arguments}}]), line(done=True)]
        server.next("/api/chat", stream(said), stream(said))
        answer = await gpt.chat.completions.create(model="caller", messages=HI, tools=[TOOL])
        assert server.asked("/api/chat")[-1]["tools"] == [TOOL]
        assert answer.choices[0].finish_reason == "tool_calls"
        (call,) = answer.choices[0].message.tool_calls or []
        assert (call.type, call.function.name, json.loads(call.function.arguments)) == ("function", "draw", arguments)
        asked = await gpt.chat.completions.create(model="caller", messages=HI, tools=[TOOL], stream=True)
        chunks = [chunk async for chunk in asked]
        (piece,) = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or ()]
        assert (piece.index, piece.function.name) == (0, "draw")
        assert chunks[-1].choices[0].finish_reason == "tool_calls"

        messages = [
            *HI,
            answer.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "done: fox.png"},
        ]
        final = await gpt.chat.completions.create(model="caller", messages=messages, tools=[TOOL])
        assert final.choices[0].message.content == "Hello there."
        _, called, reply = server.asked("/api/chat")[-1]["messages"]
        assert called["tool_calls"][0]["function"] == {"name": "draw", "arguments": arguments}
        assert (reply["role"], reply["tool_name"], reply["content"]) == ("tool", "draw", "done: fox.png")


OTHER_TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
THIS_TOOL = {"type": "function", "function": {"name": "draw"}}


@pytest.mark.parametrize("choice", [{}, {"tool_choice": "auto"}, {"tool_choice": "none"}])
async def test_open_webui_which_offers_tools_in_every_chat_speaks_with_a_model_that_has_none(
    tmp_path: Path, choice: dict[str, str]
) -> None:
    async with over_ollama(tmp_path, Model("plain")) as (gpt, server):
        for streamed in (False, True):
            asked = await gpt.chat.completions.create(
                model="plain", messages=HI, tools=[TOOL], stream=streamed, extra_body=choice
            )
            said = [one.choices[0].delta.content or "" async for one in asked] if streamed else (
                asked.choices[0].message.content
            )  # fmt: skip
            assert "".join(said) == "Hello there."
            assert "tools" not in server.asked("/api/chat")[-1]


async def test_a_call_that_must_be_made_is_refused_for_a_model_without_tools(tmp_path: Path) -> None:
    async with over_ollama(tmp_path, Model("plain")) as (gpt, _):
        for choice in ("required", THIS_TOOL):
            with pytest.raises(openai.BadRequestError, match="does not support tools"):
                await gpt.chat.completions.create(model="plain", messages=HI, tools=[TOOL], tool_choice=choice)


async def test_ollama_is_offered_a_named_tool_alone_and_refused_where_it_would_have_to_choose(tmp_path: Path) -> None:
    """LangChain's with_structured_output(method="function_calling") names its one tool."""
    async with over_ollama(tmp_path, Model("caller", ("completion", "tools"))) as (gpt, server):
        tools = [OTHER_TOOL, TOOL]
        calls = [{"function": {"name": "draw", "arguments": {}}}] * 2
        server.next("/api/chat", stream([line(calls=calls), line(done=True)]))
        answer = await gpt.chat.completions.create(
            model="caller", messages=HI, tools=tools, tool_choice=THIS_TOOL, parallel_tool_calls=False
        )
        assert server.asked("/api/chat")[-1]["tools"] == [TOOL]
        assert [call.function.name for call in answer.choices[0].message.tool_calls or ()] == ["draw"]
        with pytest.raises(openai.BadRequestError, match="name one function"):
            await gpt.chat.completions.create(model="caller", messages=HI, tools=tools, tool_choice="required")


def with_picture(url: str) -> list[object]:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


DATA_URL = f"data:image/png;base64,{b64encode(to_png(gradient(32, 24, 5))).decode()}"


async def test_pictures_reach_a_model_that_can_see_and_no_other(tmp_path: Path) -> None:
    models = Model("blind"), Model("seer", ("completion", "vision"))
    async with over_ollama(tmp_path, *models) as (gpt, server):
        await gpt.chat.completions.create(model="seer", messages=with_picture(DATA_URL))
        (message,) = server.asked("/api/chat")[-1]["messages"]
        assert (message["content"], len(message["images"])) == ("What is it?", 1)
        with pytest.raises(openai.BadRequestError, match="does not support vision"):
            await gpt.chat.completions.create(model="blind", messages=with_picture(DATA_URL))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://example.com/cat.png", "fetches no pictures"),
        ("file:///etc/passwd", "fetches no pictures"),
        ("data:image/png;base64,!!!", "not base64"),
        (f"data:image/png;base64,{b64encode(b'no picture').decode()}", "not a picture"),
    ],
)
async def test_what_is_no_picture_is_refused(api: Api, url: str, sentence: str) -> None:
    with pytest.raises(openai.BadRequestError, match=sentence):
        await client(api).chat.completions.create(model="fake-chat", messages=with_picture(url))


async def test_too_many_pictures_are_refused(api: Api) -> None:
    with pytest.raises(openai.BadRequestError, match="more than 16 pictures"):
        await client(api).chat.completions.create(model="fake-chat", messages=with_picture(DATA_URL) * 17)


async def test_an_answer_of_a_given_shape_can_be_asked_for(tmp_path: Path) -> None:
    class Fox(BaseModel):
        colour: str

    async with over_ollama(tmp_path, Model("plain")) as (gpt, server):
        server.say('{"colour":', '"red"}')
        parsed = await gpt.chat.completions.parse(model="plain", messages=HI, response_format=Fox)
        assert parsed.choices[0].message.parsed == Fox(colour="red")
        assert server.asked("/api/chat")[-1]["format"]["properties"]["colour"]["type"] == "string"
        await gpt.chat.completions.create(model="plain", messages=HI, response_format={"type": "json_object"})
        assert server.asked("/api/chat")[-1]["format"] == {"type": "object"}


async def test_embeddings_come_from_a_model_that_makes_them(tmp_path: Path) -> None:
    models = Model("chatter"), Model("embedder", ("embedding",))
    async with over_ollama(tmp_path, *models) as (gpt, _):
        made = await gpt.embeddings.create(model="embedder", input=["a fox", "a red fox"])
        assert [one.embedding for one in made.data] == [vector_of("a fox"), vector_of("a red fox")]
        assert made.usage.total_tokens == 5
        plain = await gpt.embeddings.create(model="embedder", input="a fox", encoding_format="float", dimensions=2)
        assert plain.data[0].embedding == vector_of("a fox")[:2]
        with pytest.raises(openai.BadRequestError, match="does not support embeddings"):
            await gpt.embeddings.create(model="chatter", input="a fox")
        with pytest.raises(openai.NotFoundError, match="chatter, embedder"):
            await gpt.embeddings.create(model="text-embedding-3-small", input="a fox")
        for tokens in ([1, 2, 3], [[1], [2]], []):
            with pytest.raises(openai.BadRequestError, match="input"):
                await gpt.embeddings.create(model="embedder", input=tokens)


async def test_a_backend_without_embeddings_says_so(api: Api) -> None:
    with pytest.raises(openai.BadRequestError, match="makes no embeddings"):
        await client(api).embeddings.create(model="fake-chat", input="a fox")


@pytest.mark.model
async def test_the_embedded_model_answers_streams_and_counts_and_refuses_what_it_cannot(tmp_path: Path) -> None:
    chat = EmbeddedChat(packaged_gguf(), threads=1)
    try:
        async with running_api(tmp_path, chat=chat) as api:
            gpt, name = client(api), "SmolLM2-135M-Instruct"
            whole = await gpt.chat.completions.create(model=name, messages=HI, max_tokens=4, temperature=0)
            said = whole.choices[0].message.content
            assert said and whole.usage is not None and whole.usage.completion_tokens == 4
            assert whole.choices[0].finish_reason == "length"
            asked = await gpt.chat.completions.create(model=name, messages=HI, max_tokens=4, temperature=0, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in asked]
            assert "".join(pieces) == said and len(pieces) > 2
            schema = {"type": "object", "properties": {"n": {"enum": [7]}}, "required": ["n"]}
            shaped = await gpt.chat.completions.create(
                model=name, messages=HI, max_tokens=40,
                response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
            )  # fmt: skip
            assert json.loads(shaped.choices[0].message.content or "") == {"n": 7}
            offered = await gpt.chat.completions.create(
                model=name, messages=HI, tools=[TOOL], max_tokens=4, temperature=0, logprobs=True, top_logprobs=1
            )
            assert offered.choices[0].message.content == said
            assert "".join(one.token for one in offered.choices[0].logprobs.content) == said  # type: ignore[union-attr]
            with pytest.raises(openai.BadRequestError, match="does not support tools"):
                await gpt.chat.completions.create(model=name, messages=HI, tools=[TOOL], tool_choice="required")
            with pytest.raises(openai.BadRequestError, match="does not support vision"):
                await gpt.chat.completions.create(model=name, messages=with_picture(DATA_URL))
            with pytest.raises(openai.BadRequestError, match="makes no embeddings"):
                await gpt.embeddings.create(model=name, input="a fox")
    finally:
        await chat.aclose()
