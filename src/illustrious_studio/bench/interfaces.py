"""interfaces.overhead: a call through each interface, against the plain service call for the same.

The studio is served in this process, over an engine that answers at once and a replayed model server. So what both
sides have (queue, PNG, sync to disk, row) falls out, and the difference is the interface: HTTP, guard, validation,
reading the file back, JSON. The client runs in this process, too, and its part of HTTP is in the figures. What encoding
the picture costs (base64; for MCP a WebP as a preview) is timed alone in the same run and taken off.
"""

import contextlib
import random
import statistics
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from PIL import Image

from illustrious_studio.bench.measure import Figure
from illustrious_studio.bench.program import free_port, replayed
from illustrious_studio.domain.chat import ChatOptions, ChatTurn
from illustrious_studio.domain.encoding import to_preview
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint, ModelStatus
from illustrious_studio.domain.pictures import Picture, open_image
from illustrious_studio.domain.rendering import Rendered, RenderPlan, Step
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan
from illustrious_studio.serve import answering
from illustrious_studio.servers import listen
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import open_studio

SIZE = 256
IN_MEMORY = "/dev/shm"
"""Where the folder of the studio lies, if there is such a place: a disk's sync takes longer than all interfaces
together, and never the same."""
CALLS = 20
"""Of each side in a round, taken in turn; the round's figure is the median of their differences."""
TOKENS = 20
MODEL = "flat-out:latest"
PROTOCOL = "2025-06-18"
REQUEST = ImageRequest(prompt="a red apple", steps=1, seed=7, width=SIZE, height=SIZE)

Call = Callable[[], Awaitable[object]]
Encoding = Callable[[bytes], object]


class AtOnce:
    """An engine that has every picture done before it is asked: always the same one."""

    def __init__(self) -> None:
        self.status = ModelStatus(backend="sdxl", state="ready", device="none")
        blots = Image.frombytes("RGB", (SIZE // 8, SIZE // 8), random.Random(0).randbytes(3 * (SIZE // 8) ** 2))
        self._picture = Picture.from_image(blots.resize((SIZE, SIZE), Image.Resampling.BICUBIC))

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        self.status = self.status.model_copy(update={"model": checkpoint.name})

    async def upscale(self, plan: UpscalePlan, on_step: Callable[[Step], None]) -> Upscaled:
        return Upscaled(self._picture, device="none", dtype="none", seconds=0.0)

    async def render(self, plan: RenderPlan, on_step: Callable[[Step], None]) -> Rendered:
        return Rendered(self._picture, device="none", dtype="none", vae_dtype="none", versions={}, seconds=0.0)

    async def render_batch(self, plans: Sequence[RenderPlan], on_step: Callable[[Step], None]) -> list[Rendered]:
        return [await self.render(plan, on_step) for plan in plans]

    given_up = ""

    async def works(self) -> None:
        pass

    async def clear_cuda_memory(self) -> None:
        pass

    async def unload(self) -> None:
        pass


@dataclass(frozen=True)
class Spent:
    """Milliseconds that passed, and those for which this process had a processor."""

    time: float
    processor: float

    def less(self, other: "Spent") -> "Spent":
        return Spent(self.time - other.time, self.processor - other.processor)


@dataclass(frozen=True)
class Interface:
    """A call through it, the service call that does the same, and how it encodes a PNG."""

    name: str
    call: Call
    service: Call
    encoding: Encoding | None = None


async def interfaces_overhead(settings: Settings, rounds: int) -> list[Figure]:
    """Milliseconds more than the service, for each interface, without the encoding; and the encodings."""
    async with contextlib.AsyncExitStack() as stack:
        model_server = free_port()
        await stack.enter_async_context(replayed("ollama", model_server))
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY if Path(IN_MEMORY).is_dir() else None))
        url = f"http://127.0.0.1:{model_server}"
        own = Settings(data_dir=Path(folder), sd_model="", ollama_base_url=url, ollama_model=MODEL)
        listener = stack.enter_context(listen("127.0.0.1", 0, "api"))
        studio = await stack.enter_async_context(open_studio(own, engine=AtOnce()))
        await studio.models.check_again()
        await stack.enter_async_context(answering(own, studio, listener))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        http = await stack.enter_async_context(aiohttp.ClientSession(address))
        png = await studio.gallery.png((await studio.images.generate_image(REQUEST)).id)
        figures = [
            figure for interface in await _interfaces(http, studio) for figure in await _added(interface, png, rounds)
        ]
        for encoding, name in ((_base64, "base64 of the PNG"), (_preview, "a WebP of it, in base64")):
            taken = [_encoded(encoding, png).time for _ in range(rounds)]
            figures.append(Figure(f"taken off: {name} ({len(png) // 1000} kB)", taken, "", " ms"))
    return figures


async def _interfaces(http: aiohttp.ClientSession, studio: Studio) -> list[Interface]:
    host = await _mcp_host(http)

    async def draw() -> object:
        return await studio.images.generate_image(REQUEST)

    async def answer() -> None:
        events = studio.answers.answer(MODEL, [ChatTurn("user", "Hello")], ChatOptions(max_tokens=TOKENS))
        async with contextlib.aclosing(events):
            async for _ in events:
                pass

    own = REQUEST.model_dump(exclude_unset=True)
    openai = {"prompt": REQUEST.prompt, "size": f"{SIZE}x{SIZE}", "steps": 1, "seed": 7, "response_format": "b64_json"}
    a1111 = own | {"cfg_scale": REQUEST.guidance}
    tool = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "generate_image", "arguments": own}}
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": TOKENS}
    return [
        Interface("POST /generate-image", lambda: _post(http, "/generate-image", own), draw, _base64),
        Interface("POST /v1/images/generations", lambda: _post(http, "/v1/images/generations", openai), draw, _base64),
        Interface("POST /sdapi/v1/txt2img", lambda: _post(http, "/sdapi/v1/txt2img", a1111), draw, _base64),
        Interface("MCP generate_image", lambda: _post(http, "/mcp", tool, host), draw, _preview),
        Interface("POST /v1/chat/completions", lambda: _post(http, "/v1/chat/completions", chat), answer),
    ]


async def _mcp_host(http: aiohttp.ClientSession) -> dict[str, str]:
    """The headers of an MCP session."""
    client = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}
    headers = {"accept": "application/json, text/event-stream"}
    async with http.post("/mcp", json=hello, headers=headers) as answer:
        await answer.read()
        headers |= {"mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": PROTOCOL}
    await _post(http, "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    return headers


async def _post(
    http: aiohttp.ClientSession, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> None:
    """The answer as bytes: what the caller makes of it is no cost of the interface."""
    async with http.post(path, json=body, headers=headers) as answer:
        read = await answer.read()
        if not answer.ok or b'"isError":true' in read:
            raise RuntimeError(f"{path} answered {answer.status}: {read[:300]!r}")


async def _added(interface: Interface, png: bytes, rounds: int) -> list[Figure]:
    """In time, and in processor time, which other work on the machine disturbs less."""
    added: list[Spent] = []
    through, alone = [], []
    for _ in range(rounds + 1):
        pairs = [(await _spent(interface.call), await _spent(interface.service)) for _ in range(CALLS)]
        encoded = _encoded(interface.encoding, png) if interface.encoding else Spent(0.0, 0.0)
        added.append(_median([call.less(service) for call, service in pairs]).less(encoded))
        through += [call for call, _ in pairs]
        alone += [service for _, service in pairs]
    ours, peer = _median(through[CALLS:]), _median(alone[CALLS:])
    return [
        Figure(
            interface.name, [one.time for one in added[1:]], "3", " ms", f"{ours.time:.1f} ms", f"{peer.time:.1f} ms"
        ),
        Figure(
            f"{interface.name}, processor",
            [one.processor for one in added[1:]],
            "3",
            " ms",
            f"{ours.processor:.1f} ms",
            f"{peer.processor:.1f} ms",
        ),
    ]


async def _spent(work: Call) -> Spent:
    began, used = time.perf_counter(), time.process_time()
    await work()
    return Spent(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used))


def _encoded(encoding: Encoding, png: bytes) -> Spent:
    taken = []
    for _ in range(CALLS):
        began, used = time.perf_counter(), time.process_time()
        encoding(png)
        taken.append(Spent(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)))
    return _median(taken)


def _median(several: Sequence[Spent]) -> Spent:
    return Spent(statistics.median(one.time for one in several), statistics.median(one.processor for one in several))


def _base64(png: bytes) -> object:
    return b64encode(png).decode("ascii")


def _preview(png: bytes) -> object:
    return b64encode(to_preview(open_image(png))).decode("ascii")
