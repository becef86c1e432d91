"""chat.added: what /chat adds to a stream of tokens, against the same stream taken from the model server directly.

The model server is replayed (it answers like Ollama, at 50 tokens a second or flat out), so that only the studio's own
cost is measured: time to the first token, tokens a second, and processor time a token beside that of a bare relay.
"""

import contextlib
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import psutil

from illustrious_studio.bench.measure import Figure
from illustrious_studio.bench.program import free_port, replayed, whole_studio
from illustrious_studio.settings import Settings

TOKENS = 8000
SHORT = 20


@dataclass(frozen=True)
class Stream:
    """One answer: seconds to the first token, tokens a second after it."""

    first: float
    rate: float


async def chat_added(settings: Settings, rounds: int) -> list[Figure]:
    """Milliseconds more to the first token, ratio of tokens a second, ratio of processor time a token."""
    upstream, between = free_port(), free_port()
    url = f"http://127.0.0.1:{upstream}"
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(replayed("ollama", upstream))
        relay = await stack.enter_async_context(replayed("relay", between, url))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        options = ("--ollama-base-url", url, "--ollama-model", "at-50:latest", "--log-level", "error")
        api, program = await stack.enter_async_context(whole_studio(folder, *options))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        sessions = itertools.count()  # a session of its own each time: history must not grow into the figure

        async def studio(tokens: int) -> Stream:
            body = {"message": "Hello", "session_id": f"bench-{next(sessions)}", "max_tokens": tokens, "stream": True}
            return await _stream(http, f"{api}/chat", body, b"event: token", b"event: done")

        async def direct(at: int, model: str, tokens: int) -> Stream:
            messages = [{"role": "user", "content": "Hello"}]
            body = {"model": model, "messages": messages, "options": {"num_predict": tokens}}
            return await _stream(http, f"http://127.0.0.1:{at}/api/chat", body, b'"content": "tok', b'"done": true')

        added: dict[str, list[float]] = {}
        rate: list[float] = []
        for model in ("at-50:latest", "thinks-100-ms:latest"):
            await http.post(f"{api}/models/switch", json={"language_model": model})
            for _ in range(rounds + 1):
                pairs = [(await studio(SHORT), await direct(upstream, model, SHORT)) for _ in range(5)]
                added.setdefault(model, []).append(
                    1000 * statistics.median(mine.first - theirs.first for mine, theirs in pairs)
                )
                rate.append(statistics.median(mine.rate / theirs.rate for mine, theirs in pairs))
        await http.post(f"{api}/models/switch", json={"language_model": "flat-out:latest"})
        cost = []
        other = psutil.Process(relay)
        for _ in range(rounds + 1):
            began = program.processor()
            await studio(TOKENS)
            mine = program.processor() - began
            times = other.cpu_times()
            await direct(between, "flat-out:latest", TOKENS)
            after = other.cpu_times()
            cost.append(mine / max(after.user + after.system - times.user - times.system, 0.01))
    return [
        Figure(
            "first token, more than direct, from a model that answers at once", added["at-50:latest"][1:], "2", " ms"
        ),
        Figure("the same, from one that thinks 100 ms", added["thinks-100-ms:latest"][1:], "2", " ms"),
        Figure("tokens/s at 50 a second, to direct", rate[1:], "0.99"),
        Figure("processor time a token, to a bare relay", cost[1:], "2"),
    ]


async def _stream(http: aiohttp.ClientSession, url: str, body: Mapping[str, object], sign: bytes, end: bytes) -> Stream:
    began = time.perf_counter()
    first, last, count = 0.0, 0.0, 0
    async with http.post(url, data=json.dumps(body), headers={"content-type": "application/json"}) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            if sign in line:
                last = time.perf_counter()
                first = first or last
                count += 1
            elif end in line:
                break
    return Stream(first - began, (count - 1) / (last - first) if count > 1 else 0.0)
