"""Chat and vision through Ollama: the official client against a stand-in server on a real socket."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from fakes import gradient
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.adapters.vision.ollama import OllamaVision
from illustrious_studio.domain.chat import ChatChunk, ChatTurn, Ending, Sampling, ToolCall
from illustrious_studio.domain.errors import (
    InvalidRequest,
    NotFound,
    Unavailable,
    UpstreamFailed,
)
from illustrious_studio.domain.pictures import OpenedPicture, open_picture
from illustrious_studio.interfaces.web.views.live import card
from ollama_chat import connected, ended, heard, said
from ollama_server import Model, OllamaServer, Reply, line, stream
from waiting import until

PLAIN = Model("llama3.2:latest")
THINKER = Model("qwen3:8b", ("completion", "tools", "thinking"), context_length=40960)
SEER = Model("qwen2.5vl:3b", ("completion", "vision"))


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer([PLAIN]) as server:
        yield server


async def test_an_answer_streams_token_by_token(server: OllamaServer) -> None:
    server.say("Hel", "lo", " Mira")
    async with connected(server) as chat:
        assert chat.status.ready
        assert await heard(chat) == [ChatChunk("Hel"), ChatChunk("lo"), ChatChunk(" Mira")]


async def test_thoughts_come_apart_from_the_text(server: OllamaServer) -> None:
    server.models = [THINKER]
    server.say("Yes", thoughts=["h", "m"])
    async with connected(server) as chat:
        assert await heard(chat) == [ChatChunk(thinking="h"), ChatChunk(thinking="m"), ChatChunk("Yes")]
        assert await heard(chat, think=False) == [ChatChunk("Yes")]
        assert [body.get("think") for body in server.asked("/api/chat")] == [False, True, False]


async def test_thinking_is_not_asked_of_a_model_that_cannot(server: OllamaServer) -> None:
    async with connected(server) as chat:
        assert await said(chat) == "Hello there."
        assert all("think" not in body for body in server.asked("/api/chat"))


async def test_a_model_that_refuses_to_think_after_all_is_asked_once_more_without(server: OllamaServer) -> None:
    server.models = [THINKER]
    async with connected(server) as chat:
        server.next("/api/chat", Reply(400, [b'{"error":"\\"qwen3:8b\\" does not support thinking"}']))
        assert await said(chat) == "Hello there."
        assert await said(chat) == "Hello there."
        assert [body.get("think") for body in server.asked("/api/chat")[1:]] == [True, None, None]


async def test_gpt_oss_is_given_levels(server: OllamaServer) -> None:
    server.models = [Model("gpt-oss:20b", ("completion", "thinking"), family="gptoss")]
    async with connected(server) as chat:
        await said(chat, think=True)
        await said(chat, think=False)
        assert [body["think"] for body in server.asked("/api/chat")] == ["low", "medium", "low"]


async def test_room_for_thoughts_does_not_make_the_answer_longer(server: OllamaServer) -> None:
    server.models = [THINKER]
    async with connected(server) as chat:
        server.say(*"abcdefgh", thoughts=["hm"] * 50)
        assert await said(chat, max_tokens=5) == "abcde"
        assert server.asked("/api/chat")[-1]["options"]["num_predict"] > 1000


async def test_the_context_stays_the_same_so_that_the_model_stays_loaded(server: OllamaServer) -> None:
    server.models = [Model("big", context_length=131072)]
    chat = OllamaChat(server.url, context=8192)
    try:
        await chat.init_ollama()
        await said(chat)
        await said(chat, max_tokens=7, temperature=1.5)
        assert chat.status.context_length == 8192
        assert server.loads == 1
        assert server.asked("/api/chat")[-1]["options"] == {
            "num_ctx": 8192, "num_predict": 7, "temperature": 1.5,
        }  # fmt: skip
    finally:
        await chat.aclose()


async def test_unless_it_is_set_the_context_is_left_to_the_modelfile_and_to_ollama(server: OllamaServer) -> None:
    server.models = [Model("big", context_length=131072, parameters="stop x\nnum_ctx                        16384")]
    async with connected(server) as chat:
        assert chat.status.context_length == 4096, "as it is loaded, where the server tells that"
        server.next("/api/ps", Reply(404, [b"404 page not found"], "text/plain"))
        await chat.use("big")
        assert chat.status.context_length == 16384
        assert all("num_ctx" not in body["options"] for body in server.asked("/api/chat"))


async def test_pictures_are_sent_as_plain_base64_of_a_picture_file(server: OllamaServer) -> None:
    server.models = [SEER]
    async with connected(server) as chat:
        await heard(chat, [ChatTurn("user", "What is it?", (gradient(3000, 200, 7),))])
        (image,) = server.asked("/api/chat")[-1]["messages"][0]["images"]
        opened = open_picture(base64.b64decode(image, validate=True))
        assert (opened.format, opened.picture.width) == ("JPEG", 1280)


async def test_tools_and_pictures_refused_by_a_model_are_explained(server: OllamaServer) -> None:
    async with connected(server) as chat:
        with pytest.raises(InvalidRequest, match="does not support vision"):
            await heard(chat, [ChatTurn("user", "What is it?", (gradient(8, 8, 7),))])
        server.next("/api/chat", Reply(400, [b'{"error":"llama3.2 does not support tools"}']))
        with pytest.raises(InvalidRequest, match="does not support tools"):
            await said(chat)
        assert not any(body.get("tools") for body in server.asked("/api/chat"))


async def test_json_of_a_shape_can_be_asked_for(server: OllamaServer) -> None:
    schema: dict[str, object] = {"type": "object"}
    async with connected(server) as chat:
        await said(chat, json_schema=schema)
        assert server.asked("/api/chat")[-1]["format"] == schema


async def test_a_named_model_is_found_also_without_its_tag(server: OllamaServer) -> None:
    server.models = [THINKER, PLAIN]
    async with connected(server, "llama3.2") as chat:
        assert (chat.status.model, chat.status.state) == ("llama3.2:latest", "ready")
        assert len(server.asked("/api/chat")) == 1


async def test_without_a_name_the_first_that_can_chat_is_taken(server: OllamaServer) -> None:
    server.models = [Model("nomic-embed-text", ("embedding",)), THINKER, PLAIN]
    async with connected(server) as chat:
        assert (chat.status.model, chat.status.capabilities) == ("qwen3:8b", THINKER.capabilities)


CLOUD = Model("gpt-oss:120b-cloud", ("completion", "vision"), size=384, remote="https://ollama.com:443")  # ollama 12404


async def test_a_model_that_runs_elsewhere_is_never_taken_by_itself(server: OllamaServer) -> None:
    server.models = [CLOUD, PLAIN]
    async with connected(server) as chat:
        assert (chat.status.model, chat.status.remote) == (PLAIN.name, False)
        vision = OllamaVision(chat)
        assert (await vision.check()).state == "absent"
        assert {one.name: one.remote for one in await chat.models()} == {CLOUD.name: True, PLAIN.name: False}
    assert all(body["model"] == PLAIN.name for body in server.asked("/api/chat"))


async def test_it_is_used_where_a_person_chose_it(server: OllamaServer) -> None:
    server.models = [PLAIN, CLOUD]
    async with connected(server, CLOUD.name) as chat:
        assert (chat.status.model, chat.status.state, chat.status.remote) == (CLOUD.name, "ready", True)
        seeing = await OllamaVision(chat).check()
        assert (seeing.model, seeing.remote) == (CLOUD.name, True)
        assert "what you write to it leaves this machine" in card("Chat model", chat.status)


async def test_with_models_of_the_cloud_alone_that_is_said_and_nothing_is_sent(server: OllamaServer) -> None:
    server.models = [CLOUD]
    async with connected(server) as chat:
        assert chat.status.state == "absent"
        assert "may leave this machine" in chat.status.reason
        assert CLOUD.name in chat.status.reason
    assert server.asked("/api/chat") == []


async def test_one_damaged_model_does_not_cost_the_others(server: OllamaServer) -> None:
    """A blob that cannot be opened: Ollama answers 500 for that model."""
    server.models = [THINKER, PLAIN]
    broken = Reply(500, [b'{"error":"open /blobs/sha256-1: no such file or directory"}'])
    server.next("/api/show", broken)
    async with connected(server) as chat:
        assert chat.status.model == PLAIN.name
        server.next("/api/show", broken)
        assert [one.name for one in await chat.models()] == [PLAIN.name]


async def test_a_server_that_tells_nothing_of_a_model_it_lists_is_spoken_to_all_the_same(server: OllamaServer) -> None:
    unknown = Reply(404, [b"404 page not found"], "text/plain")
    server.next("/api/show", *[unknown] * 3)
    async with connected(server) as chat:
        assert (chat.status.model, chat.status.state) == (PLAIN.name, "ready")
        assert await said(chat) == "Hello there."


async def test_a_model_that_was_pulled_again_is_asked_again_what_it_can(server: OllamaServer) -> None:
    server.models = [Model("m", ("completion",), digest="1")]
    async with connected(server) as chat:
        server.models = [Model("m", ("completion", "tools"), digest="2")]
        (found,) = await chat.models()
        assert found.capabilities == ("completion", "tools")


async def test_arguments_of_a_call_that_come_as_a_text_are_read(server: OllamaServer) -> None:
    """lemonade PR 1780."""
    async with connected(server) as chat:
        calls = [{"function": {"name": "f", "arguments": '{"a": 1}'}}]
        server.next("/api/chat", stream([line(calls=calls), line(done=True)]))
        (call,) = [call for chunk in await heard(chat) for call in chunk.tool_calls]
        assert (call.name, call.arguments) == ("f", '{"a": 1}')


async def test_empty_lines_that_keep_a_connection_alive_are_nothing(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next("/api/chat", stream([b"\n", line("Hel"), b"\n\n", line("lo"), b" \n", line(done=True)]))
        assert await said(chat) == "Hello"


async def test_the_vision_model_leaves_the_card_like_the_chat_model(server: OllamaServer) -> None:
    server.models = [PLAIN, SEER]
    async with connected(server) as chat:
        vision = OllamaVision(chat)
        await vision.check()
        picture = OpenedPicture(gradient(8, 8, 7), "PNG")
        assert [piece async for piece in vision.analyze(picture, "What is it?")]
        assert set(server.loaded) == {PLAIN.name, SEER.name}
        await chat.release()
        assert server.loaded == {}


async def test_a_missing_model_is_said_with_what_to_type(server: OllamaServer) -> None:
    async with connected(server, "gemma3") as chat:
        assert chat.status.state == "absent"
        assert "ollama pull gemma3" in chat.status.reason
        assert "llama3.2:latest" in chat.status.reason
    server.models = []
    async with connected(server) as chat:
        assert "ollama pull" in chat.status.reason


async def test_a_model_removed_meanwhile_is_noticed_when_it_is_asked(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.models = []
        with pytest.raises(NotFound, match=r"ollama pull llama3\.2:latest"):
            await said(chat)
        assert chat.status.state == "absent"


async def test_a_model_that_fails_its_first_small_request_is_not_ready(server: OllamaServer) -> None:
    server.next("/api/chat", Reply(500, [b'{"error":"model requires more system memory (9 GiB) than is available"}']))
    async with connected(server) as chat:
        assert chat.status.state == "failed"
        assert "more system memory" in chat.status.reason
        asked = len(server.requests)
        assert (await chat.check()).state == "failed"
        assert len(server.requests) == asked  # no storm of attempts


async def test_a_server_that_tells_little_about_its_models_is_used_all_the_same(server: OllamaServer) -> None:
    server.next("/api/show", Reply(200, [b'{"details":null}']))
    async with connected(server) as chat:
        assert chat.status.ready
        assert await said(chat) == "Hello there."


async def test_no_server_is_said_with_what_to_do_and_one_that_appears_is_found(server: OllamaServer) -> None:
    await server.stop()
    async with connected(server) as chat:
        assert chat.status.state == "absent"
        assert "ollama serve" in chat.status.reason
        with pytest.raises(Unavailable, match="ollama serve"):
            await said(chat)
        assert await chat.models() == []
        async with server:
            assert (await chat.check()).ready
            assert await said(chat) == "Hello there."
            await server.stop()
            with pytest.raises(Unavailable, match="cannot be reached"):
                await said(chat)
            assert chat.status.state == "absent"


async def test_a_server_that_goes_away_is_noticed_by_the_next_check(server: OllamaServer) -> None:
    async with connected(server) as chat:
        await server.stop()
        assert (await chat.check()).state == "absent"


async def test_a_model_that_loads_for_long_shows_as_loading_and_gets_ready_by_itself(server: OllamaServer) -> None:
    loaded = asyncio.Event()
    server.next("/api/chat", stream([loaded, line("OK"), line(done=True)]))
    chat = OllamaChat(server.url)
    try:
        status = await chat.check()
        assert (status.state, status.model) == ("loading", "llama3.2:latest")
        loaded.set()
        await until(chat.check, lambda status: status.ready)
        assert len(server.asked("/api/chat")) == 1
    finally:
        await chat.aclose()


async def test_no_proxy_of_the_environment_is_used(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with OllamaServer([THINKER]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with connected(server) as chat:
            assert await said(chat) == "Hello there."
        assert proxy.requests == []


async def test_a_redirect_is_not_followed(server: OllamaServer) -> None:
    async with OllamaServer([PLAIN]) as elsewhere, connected(server) as chat:
        for path in ("/api/tags", "/api/tags", "/api/chat"):
            server.next(path, Reply(307, [], headers=(("Location", f"{elsewhere.url}{path}"),)))
        with pytest.raises(UpstreamFailed, match="another address"):
            await said(chat)
        assert not (await chat.check()).ready
        assert elsewhere.requests == []


async def test_neither_cookies_nor_the_password_of_the_address_are_passed_on(server: OllamaServer) -> None:
    server.next("/api/tags", Reply(200, [b'{"models":[]}'], headers=(("Set-Cookie", "a=b; Path=/"),)))
    chat = OllamaChat(server.url.replace("//", "//mira:secret@"))
    await chat.init_ollama()
    await chat.init_ollama()
    assert "secret" not in chat.status.reason + chat.server.name
    assert not any("cookie" in request.headers for request in server.requests)
    await chat.aclose()


async def test_models_are_listed_and_switched(server: OllamaServer) -> None:
    server.models = [PLAIN, THINKER]
    async with connected(server) as chat:
        listed = {model.name: model for model in await chat.models()}
        assert listed["qwen3:8b"].context_length == 40960
        assert listed["llama3.2:latest"].capabilities == ("completion",)
        await chat.use("qwen3:8b")
        assert (chat.status.model, chat.status.state) == ("qwen3:8b", "ready")
        with pytest.raises(NotFound, match="ollama pull gemma3"):
            await chat.use("gemma3")
        assert chat.status.model == "qwen3:8b"


async def test_release_frees_the_memory_and_the_next_question_loads_again(server: OllamaServer) -> None:
    async with connected(server) as chat:
        assert server.loaded
        await chat.release()
        assert not server.loaded
        assert (await chat.check()).ready
        assert not server.loaded
        assert await said(chat) == "Hello there."
        assert server.loaded


async def test_another_model_that_can_see_analyzes_when_the_chat_model_cannot(server: OllamaServer) -> None:
    server.models = [PLAIN, SEER]
    server.say("A ", "gradient.")
    async with connected(server) as chat:
        vision = OllamaVision(chat)
        assert (await vision.check()).model == "qwen2.5vl:3b"
        assert chat.status.model == "llama3.2:latest"
        picture = OpenedPicture(gradient(40, 30, 7), "PNG")
        assert [piece async for piece in vision.analyze(picture, "What is it?")] == ["A ", "gradient."]
        body = server.asked("/api/chat")[-1]
        assert (body["model"], body["messages"][0]["content"]) == ("qwen2.5vl:3b", "What is it?")


async def test_without_a_model_that_can_see_it_says_what_to_type(server: OllamaServer) -> None:
    async with connected(server) as chat:
        vision = OllamaVision(chat)
        status = await vision.check()
        assert (status.state, "ollama pull" in status.reason) == ("absent", True)
        with pytest.raises(Unavailable, match="ollama pull"):
            await anext(vision.analyze(OpenedPicture(gradient(40, 30, 7), "PNG"), "What is it?"))
        await server.stop()
        assert "ollama serve" in (await vision.check()).reason


async def test_how_an_answer_ended_is_told_with_what_it_took(server: OllamaServer) -> None:
    server.models = [THINKER]
    async with connected(server) as chat:
        assert await ended(chat) == Ending("stop", 7, 1)
        server.next("/api/chat", stream([line("a"), line(done=True, done_reason="length")]))
        assert await ended(chat) == Ending("length", 7, 1)
        server.say(*"abcdefgh", thoughts=["hm"])
        assert await ended(chat, max_tokens=3) == Ending("length")


async def test_without_a_limit_an_answer_may_fill_the_context(server: OllamaServer) -> None:
    async with connected(server) as chat:
        await said(chat, max_tokens=None)
        assert server.asked("/api/chat")[-1]["options"]["num_predict"] == PLAIN.context_length


async def test_sampling_reaches_ollama_under_its_names(server: OllamaServer) -> None:
    async with connected(server) as chat:
        sampling = Sampling(0.5, 3, 0.1, 1.2, 1.0, -1.0, 7, ("END",))
        await said(chat, sampling=sampling)
        assert sampling.given().items() <= server.asked("/api/chat")[-1]["options"].items()


async def test_how_much_to_think_is_said_as_the_model_understands_it(server: OllamaServer) -> None:
    server.models = [Model("gpt-oss:20b", ("completion", "thinking"), family="gptoss"), THINKER]
    async with connected(server) as chat:
        for effort in ("none", "low", "medium", "high", "max"):
            await said(chat, think=effort)
            await said(chat, think=effort, model=THINKER.name)
        asked = server.asked("/api/chat")[1:]
        assert [body["think"] for body in asked[::2]] == ["low", "low", "medium", "high", "max"]
        assert [body["think"] for body in asked[1::2]] == [False, "low", "medium", "high", "max"]


@pytest.mark.parametrize(
    ("refusals", "tried"),
    [
        (['{"error":"invalid think value: \\"max\\" (must be \\"high\\", true, or false)"}'], ["max", "high"]),
        (['{"error":"json: cannot unmarshal string into Go struct field ChatRequest.think of type bool"}'] * 2,
         ["max", "high", True]),
    ],
)  # fmt: skip
async def test_an_older_server_is_told_to_think_as_it_understands_it(
    server: OllamaServer, refusals: list[str], tried: list[object]
) -> None:
    server.models = [THINKER]
    async with connected(server) as chat:
        server.next("/api/chat", *[Reply(400, [one.encode()]) for one in refusals])
        assert await said(chat, think="max") == "Hello there."
        assert [body["think"] for body in server.asked("/api/chat")[1:]] == tried
        await said(chat, think="max")
        assert server.asked("/api/chat")[-1]["think"] == tried[-1], "what it refuses is asked once"


async def test_a_chat_that_is_too_long_is_refused_and_not_cut(server: OllamaServer) -> None:
    async with connected(server) as chat:
        too_long = b'{"error":"the prompt is longer than the context length currently available to the model"}'
        server.next("/api/chat", Reply(400, [too_long]))
        with pytest.raises(InvalidRequest, match="longer than the context length"):
            await said(chat)
        assert server.asked("/api/chat")[-1]["truncate"] is False


async def test_how_long_a_model_stays_loaded_is_said_where_it_is_set(server: OllamaServer) -> None:
    for setting, sent in (("", None), ("30m", "30m"), ("-1", -1), ("0", 0)):
        chat = OllamaChat(server.url, keep_alive=setting)
        await chat.init_ollama()
        await chat.aclose()
        assert server.asked("/api/chat")[-1].get("keep_alive") == sent


async def test_what_models_can_do_is_read_from_the_list_where_it_stands_there(server: OllamaServer) -> None:
    server.models = [Model("a", ("completion", "vision"), 2048, told_in_tags=True), Model("b", told_in_tags=True)]
    async with connected(server, "b") as chat:
        listed = {one.name: (one.capabilities, one.context_length) for one in await chat.models()}
        assert listed["a"] == (("completion", "vision"), 2048)
        assert [body["model"] for body in server.asked("/api/show")] == ["b"]


async def test_arguments_that_are_no_object_are_refused(server: OllamaServer) -> None:
    server.models = [Model("caller", ("completion", "tools"))]
    async with connected(server) as chat:
        for arguments in ("[1]", "{", "null", "[" * 100_000):
            turns = [ChatTurn("assistant", "", tool_calls=(ToolCall("1", "draw", arguments),))]
            with pytest.raises(InvalidRequest, match="draw are no JSON object"):
                await heard(chat, turns)


async def test_every_model_that_was_asked_gives_its_memory_back(server: OllamaServer) -> None:
    server.models = [PLAIN, THINKER, Model("embedder", ("embedding",))]
    async with connected(server, PLAIN.name) as chat:
        await said(chat, model=THINKER.name)
        await chat.embed("embedder", ["a fox"])
        assert set(server.loaded) == {PLAIN.name, THINKER.name}
        await chat.release()
        assert server.loaded == {}
        unloaded = {body["model"] for body in server.asked("/api/generate")}
        assert unloaded == {PLAIN.name, THINKER.name, "embedder"}


async def test_a_model_that_is_gone_is_said_and_the_one_in_use_goes_on(server: OllamaServer) -> None:
    async with connected(server) as chat:
        with pytest.raises(NotFound, match="ollama pull gone"):
            await said(chat, model="gone")
        assert chat.status.ready
