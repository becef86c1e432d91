"""start.ready: from the start of the process until both ports answer, and until the whole UI is there.

The peer is a bare Gradio page mounted on a bare FastAPI app, started the same way.
"""

import asyncio
import sys
import tempfile

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds
from illustrious_studio.bench.program import SERVE, Started, free_port
from illustrious_studio.settings import Settings

PEER = """
import sys, fastapi, gradio, uvicorn
with gradio.Blocks() as page:
    gradio.Textbox(label="Hello")
uvicorn.run(gradio.mount_gradio_app(fastapi.FastAPI(), page, path="/"), port=int(sys.argv[1]), log_level="error")
"""
IDLE_SECONDS = 10.0


async def start_ready(settings: Settings, rounds: int) -> list[Figure]:
    """Ratios of start and memory, and the seconds until the ports answer."""
    answered: list[float] = []
    memory: list[tuple[int, int]] = []
    torch: list[float] = []

    async def ours() -> float:
        web, api = free_port(), free_port()
        command = [*SERVE, "--web-port", str(web), "--api-port", str(api), "--data-dir", folder]
        async with Started(command) as process:
            both = asyncio.gather(process.answers(api, "/status"), process.answers(web, "/", starting=True))
            answered.append(max(await both))
            whole = await process.answers(web, "/")
            await asyncio.sleep(IDLE_SECONDS)
            memory.append((process.resident(), 0))
            torch.append(float(process.maps("libtorch")))
        return whole

    async def peer() -> float:
        port = free_port()
        async with Started([sys.executable, "-c", PEER, str(port)]) as process:
            whole = await process.answers(port, "/")
            await asyncio.sleep(IDLE_SECONDS)
            memory[-1] = (memory[-1][0], process.resident())
            return whole

    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = await in_turn(ours, peer, rounds)
    sizes = [a / b for a, b in memory[1:]]
    return [
        Figure("both ports answer", answered[1:], "under 2", " s"),
        Figure("whole UI, time ratio", ratios(mine, theirs), "1.25", "", seconds(mine), seconds(theirs)),
        Figure(
            "resident memory ratio",
            sizes,
            "1.3",
            "",
            f"{memory[-1][0] / 2**20:.0f} MiB",
            f"{memory[-1][1] / 2**20:.0f} MiB",
        ),
        Figure("torch in the serving process", torch[1:], "0"),
    ]
