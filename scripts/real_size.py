"""Prove the real size: write an SDXL checkpoint of random weights, load it through the engine, draw once, and measure.

    PYTHONPATH=src .venv/bin/python scripts/real_size.py --folder /somewhere/with/8/GB

The file has the original single-file layout in half precision (6.9 GB). Nothing is fetched: what a single file lacks
comes with the studio. The picture is noise, of course. The file is deleted at the end.
"""

import argparse
import asyncio
import json
import logging
import struct
import time
from pathlib import Path
from typing import Any

import psutil
from original_layout import original_layout

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.services.render_plan import render_plan

GIB = 1 << 30
PIECE = 1 << 22


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of a published checkpoint and its shape, from the configs alone."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    with torch.device("meta"):
        tensors = original_layout(
            UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(SDXL_CONFIG / "unet")),
            AutoencoderKL.from_config(AutoencoderKL.load_config(SDXL_CONFIG / "vae")),
            CLIPTextModel(CLIPTextConfig.from_pretrained(SDXL_CONFIG / "text_encoder")),
            CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(SDXL_CONFIG / "text_encoder_2")),
        )
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def write(path: Path, tensors: dict[str, tuple[int, ...]]) -> None:
    """Random weights, a piece at a time: the file never stands in memory."""
    import numpy as np

    random = np.random.default_rng(1)
    header: dict[str, Any] = {}
    at = 0
    for name, shape in tensors.items():
        end = at + 2 * int(np.prod(shape))
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors.items():
            count = int(np.prod(shape))
            scale = int(np.prod(shape[1:])) ** -0.5 if len(shape) > 1 else 0.0
            middle = 1.0 if len(shape) == 1 and name.endswith("weight") else 0.0
            for start in range(0, count, PIECE):
                numbers = random.standard_normal(min(PIECE, count - start), dtype="float32")
                file.write((numbers * scale + middle).astype("float16").tobytes())


async def measure(path: Path, threads: int) -> None:
    (checkpoint,) = await DiskCheckpoints([path], builtin=None).list()
    print(f"{checkpoint.name}: {checkpoint.size_bytes / 1e9:.2f} GB, recognised as {checkpoint.family}")
    async with SdxlEngine(threads=threads, previews=False) as engine:
        watching = asyncio.create_task(peak())
        started = time.perf_counter()
        await engine.init_sdxl(checkpoint)
        loaded = time.perf_counter()
        request = ImageRequest(prompt="a lighthouse in a storm", steps=2, guidance=5, seed=1, width=256, height=256)
        done = await engine.render(render_plan(request, checkpoint), lambda step: None)
        drawn = time.perf_counter()
        watching.cancel()
        total, private = await watching
    print(f"loaded on {done.device} ({done.dtype}, VAE {done.vae_dtype}) in {loaded - started:.1f} s")
    print(f"drew {done.picture.width} x {done.picture.height}, 2 steps, {threads} threads, in {drawn - loaded:.1f} s")
    print(f"peak memory of the worker: {total / GIB:.2f} GiB resident, {private / GIB:.2f} GiB without the mapped file")


async def peak() -> tuple[int, int]:
    """The most the child process held, until cancelled: all that is resident, and that without shared pages."""
    total = private = 0
    try:
        while True:
            for child in psutil.Process().children():
                memory = child.memory_info()
                total = max(total, memory.rss)
                private = max(private, memory.rss - getattr(memory, "shared", 0))
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return total, private


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="Where the file of 6.9 GB may lie for a while.")
    parser.add_argument("--threads", type=int, default=max(1, (psutil.cpu_count(logical=False) or 2) - 1))
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    path = options.folder / "real-size-random.safetensors"
    try:
        started = time.perf_counter()
        write(path, shapes())
        print(f"wrote {path} in {time.perf_counter() - started:.0f} s")
        asyncio.run(measure(path, options.threads))
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
