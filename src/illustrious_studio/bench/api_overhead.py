"""api.overhead: a picture over HTTP, in the gallery and in the caller's hands, against a bare diffusers pipeline.

The peer is the same checkpoint, sketch, steps and threads in plain diffusers, in a process of its own; it ends with a
PIL picture. The studio's time includes HTTP, queue, process boundary, PNG, thumbnail, sync to disk and index row. What
the PNG alone costs is timed too.
"""

import asyncio
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from illustrious_studio.bench.measure import Figure, in_turn, ratios, seconds
from illustrious_studio.serve import serving_api
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import DATA, free_cores

PROMPT = "two cats next to a red apple in a meadow"
STEPS = 20
SEED = 7

PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import torch
from PIL import Image
from diffusers import StableDiffusionXLImg2ImgPipeline
from diffusers.utils import logging
logging.set_verbosity_error()
logging.disable_progress_bar()
order = json.loads(sys.stdin.readline())
torch.set_num_threads(order["threads"])
pipe = StableDiffusionXLImg2ImgPipeline.from_pretrained(
    order["model"], torch_dtype=torch.float32, use_safetensors=True, local_files_only=True)
pipe.unet.to(memory_format=torch.channels_last)
pipe.vae.to(memory_format=torch.channels_last)
pipe.set_progress_bar_config(disable=True)
sketch = Image.open(order["sketch"]).convert("RGB")
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    pipe(order["prompt"], image=sketch, strength=order["strength"], num_inference_steps=order["steps"],
         guidance_scale=order["guidance"], generator=torch.Generator("cpu").manual_seed(order["seed"])).images[0]
    print(time.perf_counter() - began, flush=True)
"""


async def api_overhead(settings: Settings, rounds: int) -> list[Figure]:
    """Ratio of the whole to the bare pipeline call, picture by picture, and of many back to back."""
    with tempfile.TemporaryDirectory() as folder:
        own = Settings(data_dir=Path(folder), sd_model="", ollama_base_url="none", previews=settings.previews)
        async with serving_api(own) as address, httpx.AsyncClient(base_url=address, timeout=600) as client:
            while not (await client.get("/status")).json()["models"]["sdxl"]:
                await asyncio.sleep(0.2)
            first = await _draw(client)
            made = first["metadata"]
            sketch = Path(folder) / "sketch.png"
            Image.new("RGB", (made["width"], made["height"]), "white").save(sketch)  # any picture costs the same
            order = {
                "model": str(DATA / "mini"), "prompt": PROMPT, "sketch": str(sketch), "strength": made["strength"],
                "steps": STEPS, "guidance": made["guidance"], "seed": made["seed"], "threads": free_cores(),
            }  # fmt: skip
            bare = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PEER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            assert bare.stdin is not None and bare.stdout is not None
            bare.stdin.write(json.dumps(order).encode() + b"\n")
            await bare.stdout.readline()
            inside: list[float] = []

            async def ours() -> float:
                began = time.perf_counter()
                answer = await _draw(client)
                taken = time.perf_counter() - began
                inside.append(taken / answer["metadata"]["seconds"])
                return taken

            async def peer() -> float:
                assert bare.stdin is not None and bare.stdout is not None
                bare.stdin.write(b"go\n")
                return float(await bare.stdout.readline())

            mine, theirs = await in_turn(ours, peer, rounds)
            bare.stdin.close()
            await bare.wait()
            many = 4
            throughput = []
            for _ in range(max(2, rounds // 2)):
                began = time.perf_counter()
                drawn = await asyncio.gather(*(_draw(client) for _ in range(many)))
                throughput.append(
                    (time.perf_counter() - began) / sum(answer["metadata"]["seconds"] for answer in drawn)
                )
            picture = Image.open(io.BytesIO((await client.get(f"/gallery/{first['image_id']}/image")).content))
    return [
        Figure("one picture, to bare diffusers", ratios(mine, theirs), "1.03", "", seconds(mine), seconds(theirs)),
        Figure("one picture, to its own pipeline call", inside[1:], "1.03"),
        Figure(f"{many} at once, to their pipeline calls", throughput, "1.01"),
        Figure("PNG level 1 of this picture", [_png(picture) for _ in range(rounds)], "", " s"),
    ]


async def _draw(client: httpx.AsyncClient) -> dict[str, Any]:
    body = {"prompt": PROMPT, "steps": STEPS, "guidance": 3.0, "seed": SEED}
    answer = await client.post("/generate-image", json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _png(picture: Image.Image) -> float:
    began = time.perf_counter()
    picture.save(io.BytesIO(), "PNG", compress_level=1)
    return time.perf_counter() - began
