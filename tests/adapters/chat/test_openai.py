"""Chat through OpenAI's protocol: the official client against a stand-in server on a real socket, with faults."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from fakes import gradient
from illustrious_studio.adapters.chat.http_client import Pace
from illustrious_studio.adapters.chat.openai import OpenAIChat
from illustrious_studio.domain.chat import (
    ANY_OBJECT,
    ChatChunk,
    ChatOptions,
    ChatTurn,
    Ending,
    Sampling,
    Tool,
    ToolCall,
)
from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from ollama_server import CUT, RESET, SILENCE, Model, OllamaServer, Reply, chunk, events, vector_of

HI = [ChatTurn("user", "Hi")]
CHAT = "/v1/chat/completions"


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer([Model("mistral"), Model("other")]) as server:
        yield server


@asynccontextmanager
async def connected(server: OllamaServer, *, pace: Pace | None = None) -> AsyncIterator[OpenAIChat]:
    chat = OpenAIChat(f"{server.url}/v1", "sesame", pace=pace or Pace())
    try:
        await chat.check()
        yield chat
    finally:
        await chat.aclose()


async def heard(chat: OpenAIChat, turns: list[ChatTurn] | None = None, **options: object) -> list[ChatChunk]:
    """The pieces of an answer, but for its ending."""
    said = chat.chat_completion(turns or HI, ChatOptions(**options))  # type: ignore[arg-type]
    return [one async for one in said if one.ending is None]


async def test_an_answer_streams_with_its_thoughts_apart(server: OllamaServer) -> None:
    server.say("Hel", "lo", thoughts=["hm"])
    async with connected(server) as chat:
        assert (chat.status.model, chat.status.state) == ("mistral", "ready")
        assert await heard(chat) == [ChatChunk(thinking="hm"), ChatChunk("Hel"), ChatChunk("lo")]
        assert all(request.headers["authorization"] == "Bearer sesame" for request in server.requests)


async def test_the_other_name_for_thoughts_is_understood(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next(CHAT, events([chunk(reasoning_content="hm"), chunk("Yes"), chunk(finish="stop")]))
        assert await heard(chat) == [ChatChunk(thinking="hm"), ChatChunk("Yes")]


async def test_what_is_asked_reaches_the_server(server: OllamaServer) -> None:
    async with connected(server) as chat:
        turns = [ChatTurn("system", "Be brief."), ChatTurn("user", "What is it?", (gradient(8, 8, 1),))]
        await heard(chat, turns, temperature=0.1, max_tokens=2, json_schema={"type": "object", "required": ["a"]})
        body = server.asked(CHAT)[-1]
        assert (body["temperature"], body["max_tokens"], body["stream"]) == (0.1, 2, True)
        assert body["response_format"]["json_schema"]["schema"] == {"type": "object", "required": ["a"]}
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/jpeg;base64,")


async def test_the_text_is_the_same_wherever_the_stream_is_cut(server: OllamaServer) -> None:
    text = ["Grüße, ", "\U0001f98a ", "line\nbreak ", "\u2028\x85 ", "data: x\n\n"]
    server.say(*text)
    async with connected(server) as chat:
        for size in (1, 2, 3, 5):
            server.slice(size)
            assert "".join(one.text for one in await heard(chat)) == "".join(text)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(503, [b'{"error":{"message":"Loading model"}}']), Busy, "Loading model"),
        (Reply(500, [b"<html>boom</html>"], "text/html"), UpstreamFailed, "failed"),
        (Reply(401, [b'{"error":{"message":"Invalid key"}}']), Unavailable, "key"),
        (Reply(400, [b'{"error":{"message":"too long"}}']), InvalidRequest, "too long"),
        (Reply(404, [b'{"error":{"message":"model \'mistral\' not found"}}']), NotFound, "no model mistral"),
        (Reply(307, [], headers=(("Location", "http://127.0.0.1:1/"),)), UpstreamFailed, "another address"),
        (Reply(200, [b"<html>hello</html>"], "text/html"), UpstreamFailed, "broke"),
        (events([b"data: null\n\n"]), UpstreamFailed, "right address"),
        (events([b"data: [1]\n\n"]), UpstreamFailed, "right address"),
        (events([b'data: {"choices": 7}\n\n']), UpstreamFailed, "right address"),
        (events([b'data: {"cho\n\n']), UpstreamFailed, "right address"),
        (
            events([chunk("a"), b'data: {"error":{"message":"it crashed","code":500}}\n\n']),
            UpstreamFailed,
            "it crashed",
        ),
        (events([chunk("a"), CUT]), UpstreamFailed, "broke"),
        (events([chunk("a"), RESET]), UpstreamFailed, "broke"),
        (events([chunk("a")]), UpstreamFailed, "broke"),
        (events([chunk("a"), b"data: [DONE]\n\n"]), UpstreamFailed, "broke"),
        (events([CUT]), UpstreamFailed, "broke"),
    ],
)
async def test_every_fault_is_a_sentence_and_the_next_answer_works(
    server: OllamaServer, reply: Reply, kind: type[StudioError], words: str
) -> None:
    async with connected(server) as chat:
        server.next(CHAT, reply)
        with pytest.raises(kind, match=words):
            await heard(chat)
        assert len(server.asked(CHAT)) == 1
        assert "".join(one.text for one in await heard(chat)) == "Hello there."


async def test_a_slow_server_is_given_up(server: OllamaServer) -> None:
    async with connected(server, pace=Pace(2, 0.4, 0.4)) as chat:
        for reply in (events([SILENCE]), events([chunk("a"), SILENCE])):
            server.next(CHAT, reply)
            with pytest.raises(UpstreamTimeout):
                await heard(chat)


async def test_closing_the_answer_hangs_up(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next(CHAT, events([chunk("a"), SILENCE]))
        async with aclosing(chat.chat_completion(HI, ChatOptions())) as answer:
            async for _ in answer:
                break
        await server.hung_up.wait()


async def test_a_server_that_is_away_is_said_and_found_when_it_comes(server: OllamaServer) -> None:
    await server.stop()
    async with connected(server) as chat:
        assert (chat.status.state, await chat.models()) == ("absent", [])
        with pytest.raises(Unavailable, match="Start it"):
            await heard(chat)
        async with server:
            assert (await chat.check()).ready


async def test_models_are_listed_and_switched(server: OllamaServer) -> None:
    async with connected(server) as chat:
        assert [(model.name, model.backend) for model in await chat.models()] == [
            ("mistral", "openai"),
            ("other", "openai"),
        ]
        await chat.use("other")
        assert chat.status.model == "other"
        with pytest.raises(NotFound, match="mistral, other"):
            await chat.use("third")


def piece(index: int, **function: str) -> dict[str, object]:
    """A piece of a call, as servers stream it: the id and the name first, the arguments in parts."""
    begun = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
    return {"index": index, "function": function} | begun


TOOLS = (Tool("draw", "Draws.", {"type": "object", "properties": {"words": {"type": "string"}}}), Tool("stop"))


async def test_calls_are_put_together_from_their_pieces(server: OllamaServer) -> None:
    async with connected(server) as chat:
        parts = [
            chunk(tool_calls=[piece(0, name="draw", arguments="")]),
            chunk(tool_calls=[piece(0, arguments='{"words":')]),
            chunk(tool_calls=[piece(1, name="stop", arguments="{}")]),
            chunk(tool_calls=[piece(0, arguments=' "a fox"}')]),
            chunk(finish="tool_calls"),
        ]
        server.next(CHAT, events([*parts, b"data: [DONE]\n\n"]))
        *_, last = [one async for one in chat.chat_completion(HI, ChatOptions(tools=TOOLS, must_call=True))]
        assert last.tool_calls == (ToolCall("call_0", "draw", '{"words": "a fox"}'), ToolCall("call_1", "stop", "{}"))
        body = server.asked(CHAT)[-1]
        assert (body["tool_choice"], [tool["function"]["name"] for tool in body["tools"]]) == (
            "required",
            ["draw", "stop"],
        )
        assert body["tools"][0]["function"]["parameters"] == TOOLS[0].parameters
        turns = [
            *HI,
            ChatTurn("assistant", "", thinking="hm", tool_calls=last.tool_calls),
            ChatTurn("tool", "fox.png", call_id="call_0"),
        ]
        await heard(chat, turns)
        _, called, reply = server.asked(CHAT)[-1]["messages"]
        assert called["reasoning_content"] == "hm"
        assert called["tool_calls"][0]["function"] == {"name": "draw", "arguments": '{"words": "a fox"}'}
        assert reply == {"role": "tool", "content": "fox.png", "tool_call_id": "call_0"}


async def test_tools_are_left_out_for_a_model_that_has_none_unless_it_must_call(server: OllamaServer) -> None:
    """Ollama's own /v1 refuses them."""
    async with connected(server) as chat:
        refusal = Reply(400, [b'{"error":{"message":"registry.ollama.ai/mistral does not support tools"}}'])
        server.next(CHAT, refusal)
        assert "".join(one.text for one in await heard(chat, tools=TOOLS)) == "Hello there."
        assert [set(body) & {"tools", "tool_choice"} for body in server.asked(CHAT)] == [
            {"tools", "tool_choice"},
            set(),
        ]
        server.next(CHAT, refusal)
        with pytest.raises(InvalidRequest, match="does not support tools"):
            await heard(chat, tools=TOOLS, must_call=True)


async def test_how_an_answer_ended_is_told_with_what_it_took(server: OllamaServer) -> None:
    usage = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":'
    usage += b'{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}\n\n'
    async with connected(server) as chat:
        for finish, counted, ending in [
            ("length", [usage], Ending("length", 9, 2)),
            ("stop", [], Ending("stop")),
        ]:
            server.next(CHAT, events([chunk("a"), chunk(finish=finish), *counted, b"data: [DONE]\n\n"]))
            said = [one async for one in chat.chat_completion(HI, ChatOptions())]
            assert [one.ending for one in said] == [None, ending]
        assert server.asked(CHAT)[-1]["stream_options"] == {"include_usage": True}


async def test_sampling_effort_and_another_model_are_asked_for_only_when_given(server: OllamaServer) -> None:
    async with connected(server) as chat:
        await heard(chat, max_tokens=None)
        assert set(server.asked(CHAT)[-1]) == {"model", "messages", "temperature", "stream", "stream_options"}
        sampling = Sampling(top_p=0.5, top_k=3, min_p=0.1, repeat_penalty=1.2, seed=7, stop=("END",))
        await heard(chat, sampling=sampling, think="high", model="other", json_schema=ANY_OBJECT)
        body = server.asked(CHAT)[-1]
        assert (body["top_p"], body["top_k"], body["min_p"], body["repeat_penalty"]) == (0.5, 3, 0.1, 1.2)
        assert (body["seed"], body["stop"], body["reasoning_effort"], body["model"]) == (7, ["END"], "high", "other")
        assert body["response_format"] == {"type": "json_object"}


async def test_embeddings_come_in_the_order_of_the_texts_however_many(server: OllamaServer) -> None:
    async with connected(server) as chat:
        texts = ["a" * length for length in range(20)]
        made = await chat.embed("mistral", texts)
        assert made == Embeddings(tuple(tuple(vector_of(text)) for text in texts), 15)
        assert max(len(body["input"]) for body in server.asked("/v1/embeddings")) <= 8
        short = {"object": "list", "model": "m", "data": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        server.next("/v1/embeddings", Reply(200, [json.dumps(short).encode()]))
        with pytest.raises(UpstreamFailed, match="another number of vectors"):
            await chat.embed("mistral", ["a fox"])
        server.next("/v1/embeddings", Reply(501, [b'{"error":{"message":"no embeddings here"}}']))
        with pytest.raises(UpstreamFailed, match="no embeddings here"):
            await chat.embed("mistral", ["a fox"])
