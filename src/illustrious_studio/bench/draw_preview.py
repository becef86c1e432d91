"""draw.preview: a picture with a preview every step, streamed to one listener, against the same without previews."""

import asyncio
import tempfile
from pathlib import Path

import httpx

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds, timed
from illustrious_studio.serve import serving_api
from illustrious_studio.settings import Settings


async def draw_preview(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the times."""
    with tempfile.TemporaryDirectory() as shown, tempfile.TemporaryDirectory() as hidden:
        on = Settings(data_dir=Path(shown), sd_model="", ollama_base_url="none", previews=True)
        off = Settings(data_dir=Path(hidden), sd_model="", ollama_base_url="none", previews=False)
        async with (
            serving_api(on) as with_previews,
            serving_api(off) as without,
            httpx.AsyncClient(timeout=600) as client,
        ):
            for address in (with_previews, without):
                while not (await client.get(f"{address}/status")).json()["models"]["sdxl"]:
                    await asyncio.sleep(0.2)

            async def draw(address: str) -> None:
                body = {"prompt": "a red apple", "steps": 100, "guidance": 3.0, "seed": 1}
                job = (await client.post(f"{address}/jobs", json=body)).raise_for_status().json()
                async with client.stream("GET", f"{address}/jobs/{job['id']}/events") as events:
                    async for _ in events.aiter_lines():
                        pass

            mine, theirs = await in_turn(lambda: timed(draw(with_previews)), lambda: timed(draw(without)), rounds)
    return [Figure("time with previews, to without", ratios(mine, theirs), "1.03", "", seconds(mine), seconds(theirs))]
