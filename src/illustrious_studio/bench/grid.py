"""grid: a grid from its request to its sheet, against the same pictures drawn one after another.

Both over HTTP, with the built-in model. What queueing and the sheet cost is timed alone, too.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import httpx

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds, timed
from illustrious_studio.serve import serving_api
from illustrious_studio.settings import Settings

STEPS = (2, 3, 4)
GUIDANCES = (2.0, 3.0, 4.0)
REQUEST = {"prompt": "two cats next to a red apple in a meadow", "seed": 7, "width": 256, "height": 256}
LOOK_EVERY = 0.02
"""Seconds."""


async def grid(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the times; and what of it is queueing and the sheet, for each picture."""
    queueing: list[float] = []
    sheets: list[float] = []
    cells = len(STEPS) * len(GUIDANCES)
    with tempfile.TemporaryDirectory() as folder:
        own = Settings(data_dir=Path(folder), sd_model="", ollama_base_url="none", previews=settings.previews)
        async with serving_api(own) as address, httpx.AsyncClient(base_url=address, timeout=600) as client:
            while not (await client.get("/status")).json()["models"]["sdxl"]:
                await asyncio.sleep(0.2)

            async def as_a_grid() -> None:
                axes = {
                    "x": {"setting": "steps", "values": list(STEPS)},
                    "y": {"setting": "guidance", "values": list(GUIDANCES)},
                }
                found: list[dict[str, Any]] = []
                queueing.append(await timed(_post(client, "/grids", REQUEST | axes, found)))
                while not found[-1]["finished"]:
                    await asyncio.sleep(LOOK_EVERY)
                    found.append((await client.get(f"/grids/{found[-1]['id']}")).json())
                sheets.append(await timed(client.get(found[-1]["sheet_url"])))

            async def one_by_one() -> None:
                for guidance in GUIDANCES:
                    for steps in STEPS:
                        await _post(client, "/generate-image", REQUEST | {"steps": steps, "guidance": guidance}, [])

            ours, peer = await in_turn(lambda: timed(as_a_grid()), lambda: timed(one_by_one()), rounds)
    return [
        Figure(
            f"{cells} pictures and their sheet, to one by one",
            ratios(ours, peer),
            "1.05",
            "",
            seconds(ours),
            seconds(peer),
        ),
        Figure("queueing, a picture", [one / cells * 1000 for one in queueing[1:]], "", " ms"),
        Figure("the sheet, a picture", [one / cells * 1000 for one in sheets[1:]], "", " ms"),
    ]


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    answers.append(answer.json())
