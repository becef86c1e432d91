"""Ollama in trouble, and streams cut anywhere: every fault is a studio error in a sentence, and no text is lost."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from illustrious_studio.adapters.chat.http_client import Pace
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.domain.chat import ChatOptions
from illustrious_studio.domain.errors import (
    Busy,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from ollama_chat import HI, connected, said
from ollama_server import CUT, RESET, SILENCE, Model, OllamaServer, Reply, line, stream
from waiting import until

PLAIN = Model("llama3.2:latest")
QUICK = Pace(connect=2, first_token=0.4, between_tokens=0.4)


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer([PLAIN]) as server:
        yield server


FAULTS: list[tuple[Reply, type[StudioError], str]] = [
    (Reply(503, [b'{"error":"server busy, please try again.  maximum pending requests exceeded"}']), Busy, "busy"),
    (Reply(429, [b"{}"]), Busy, "busy"),
    (Reply(500, [b'{"error":"llama runner process has terminated"}']), UpstreamFailed, "runner process"),
    (Reply(500, [b"<html>\x1b[31mboom</html>"], "text/html"), UpstreamFailed, "failed"),
    (Reply(401, [b'{"error":"unauthorized"}']), Unavailable, "key"),
    (Reply(404, [b"<html>not found</html>"], "text/html"), UpstreamFailed, "failed"),
    (Reply(302, [], headers=(("Location", "http://127.0.0.1:1/api/chat"),)), UpstreamFailed, "another address"),
    (Reply(204), UpstreamFailed, "broke"),
    (Reply(200, [b"<html>Welcome to nginx</html>"], "text/html"), UpstreamFailed, "no sense"),
    (stream([b"null\n"]), UpstreamFailed, "no sense"),
    (stream([b"[1, 2]\n"]), UpstreamFailed, "no sense"),
    (stream([b'"hello"\n']), UpstreamFailed, "no sense"),
    (stream([b'{"message": {"role": "assistant", "content": 7}}\n']), UpstreamFailed, "no sense"),
    (stream([b'{"done": true}\n']), UpstreamFailed, "no sense"),
    (stream([b'{"message": {"ro']), UpstreamFailed, "no sense"),
    (stream([b"[" * 100_000]), UpstreamFailed, "no sense"),
    (
        stream([line("ok"), b'{"error":"an error was encountered while running the model"}\n']),
        UpstreamFailed,
        "running",
    ),
    (stream([line("x" * 5_000_000)]), UpstreamFailed, "megabyte"),
    (stream([line("y" * 200_000)] * 9), UpstreamFailed, "without end"),
    (stream([CUT]), UpstreamFailed, "broke"),
    (stream([RESET]), UpstreamFailed, "broke"),
    (stream([line("Hel"), CUT]), UpstreamFailed, "broke"),
    (stream([line("Hel"), RESET]), UpstreamFailed, "broke"),
    (stream([line("Hel"), line("lo")[:20], CUT]), UpstreamFailed, "broke"),
    (stream([line("Hel"), line("lo")]), UpstreamFailed, "broke"),
]


@pytest.mark.parametrize(("reply", "kind", "words"), FAULTS)
async def test_every_fault_is_a_sentence_and_the_next_answer_works(
    server: OllamaServer, reply: Reply, kind: type[StudioError], words: str
) -> None:
    async with connected(server) as chat:
        server.next("/api/chat", reply)
        with pytest.raises(kind, match=words) as caught:
            await said(chat)
        assert caught.value.detail.isprintable()
        assert len(caught.value.detail) < 400
        assert len(server.asked("/api/chat")) == 2  # one to begin with, one now: nothing is tried again
        await chat.check()
        assert await said(chat) == "Hello there."


async def test_the_text_before_a_cut_is_not_lost(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next("/api/chat", stream([line("Hel"), line("lo"), RESET]))
        answer = chat.chat_completion(HI, ChatOptions())
        assert [(await anext(answer)).text, (await anext(answer)).text] == ["Hel", "lo"]
        with pytest.raises(UpstreamFailed):
            await anext(answer)


async def test_a_first_token_and_a_next_token_that_do_not_come_are_given_up(server: OllamaServer) -> None:
    async with connected(server, pace=QUICK) as chat:
        for parts in ([SILENCE], [line("Hel"), SILENCE], [line("Hel"), b"  ", SILENCE]):
            server.hung_up.clear()
            server.next("/api/chat", stream(parts))
            with pytest.raises(UpstreamTimeout, match="in time"):
                await said(chat)
            await server.hung_up.wait()


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up(server: OllamaServer) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        chat = OllamaChat(f"http://127.0.0.1:{deaf.getsockname()[1]}", pace=QUICK)
        status = await chat.init_ollama()
        await chat.aclose()
    assert status.state == "failed"
    assert "in time" in status.reason


async def test_closing_the_answer_hangs_up_so_that_ollama_stops(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next("/api/chat", stream([line("Hel"), SILENCE]))
        async with aclosing(chat.chat_completion(HI, ChatOptions())) as answer:
            async for _ in answer:
                break
        await server.hung_up.wait()
        server.hung_up.clear()
        server.next("/api/chat", stream([SILENCE]))
        waiting = asyncio.create_task(said(chat))
        await until(lambda: len(server.asked("/api/chat")) == 3)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await server.hung_up.wait()


TEXT = ["Grüße, ", "\U0001f98a ", "日本語 ", "line\nbreak ", "\u2028\u2029\x85 ", 'a\\u0041"quoted" ', "{}[]"]


@pytest.mark.parametrize("size", range(1, 8))
async def test_the_text_is_the_same_wherever_the_stream_is_cut(server: OllamaServer, size: int) -> None:
    server.say(*TEXT)
    async with connected(server) as chat:
        server.slice(size)
        assert await said(chat) == "".join(TEXT)


async def test_lines_may_come_several_at_once_and_end_like_on_windows(server: OllamaServer) -> None:
    async with connected(server) as chat:
        body = b"".join(line(piece).replace(b"\n", b"\r\n") for piece in TEXT) + line(done=True).rstrip()
        server.next("/api/chat", stream([body]), stream([body[:40], body[40:41], body[41:]]))
        assert await said(chat) == "".join(TEXT)
        assert await said(chat) == "".join(TEXT)


async def test_what_comes_after_the_end_is_not_listened_to(server: OllamaServer) -> None:
    async with connected(server) as chat:
        server.next("/api/chat", stream([line("Hi"), line(done=True), line("ignore me"), line(done=True)]))
        assert await said(chat) == "Hi"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["message", "content", "role", "done", "error", "thinking"]), inner, max_size=4
            )
        ),
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_of_any_shape_ends_in_text_or_in_a_studio_error(value: object) -> None:
    async def run() -> None:
        async with OllamaServer([PLAIN]) as server, connected(server) as chat:
            server.next("/api/chat", stream([json.dumps(value).encode() + b"\n"] * 2))
            with suppress(StudioError):  # anything else would fail this test
                assert isinstance(await said(chat), str)

    asyncio.run(run())
