"""Draws with the studio's own pipeline for what is measured: with several processes, and each picture only once."""

import asyncio
from collections.abc import Sequence
from functools import cache
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path

import torch
from PIL import Image

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import FromPicture, Step
from illustrious_studio.services.render_plan import render_plan
from training.mini import scenes, vae
from training.mini.export import NAME
from training.mini.run import Plan, autocast


class Drawer:
    """Pictures by a model's folder (`--model`; else the exported one), kept in `work/drawn` under the folder's name."""

    def __init__(self, plan: Plan) -> None:
        from diffusers import AutoencoderKL

        self.folder = plan.model or plan.work / NAME
        self.name = self.folder.name
        self._kept = plan.work / "drawn" / self.name
        self._pool = get_context("spawn").Pool(plan.processes)
        self.vae = AutoencoderKL.from_pretrained(self.folder / "vae", torch_dtype=torch.float32).eval()

    def begin(
        self, asked: Sequence[tuple[str, int]], way: str, strength: float | None = None, *, sketched: bool = True
    ) -> "AsyncResult[list[Image.Image]]":
        """One picture for each prompt and seed; they are kept under the name of the way. Without a strength, that which
        the studio takes for the layout."""
        folder = self._kept / way
        folder.mkdir(parents=True, exist_ok=True)
        tasks = [(self.folder, folder, prompt, seed, strength, sketched) for prompt, seed in asked]
        return self._pool.starmap_async(_drawn, tasks, chunksize=1)

    @torch.no_grad()
    def ceiling(self, asked: Sequence[tuple[str, int]]) -> list[Image.Image]:
        """The sketches at the size that is drawn at, encoded and decoded."""
        found = []
        for prompt, seed in asked:
            sketch = asyncio.run(scenes.painted(prompt, seed, scenes.CLOSE_SIDE)).picture.image()
            with autocast(torch.device("cpu")):
                decoded = vae.through(self.vae, vae.pixels([sketch]))
            found.append(Image.fromarray(vae.as_pictures(decoded)[0]))
        return found


@cache
def _opened(folder: Path) -> tuple[Checkpoint, SdxlPipeline]:
    """The studio's own pipeline on that model, once in each process."""
    torch.set_num_threads(1)
    (checkpoint,) = asyncio.run(DiskCheckpoints([folder], builtin=None).list())
    pipeline = SdxlPipeline()
    pipeline.load(checkpoint)
    return checkpoint, pipeline


def _drawn(model: Path, kept: Path, prompt: str, seed: int, strength: float | None, sketched: bool) -> Image.Image:
    file = kept / f"{seed:03} {prompt[:100].replace('/', ' ')}.png"
    if not file.exists():
        checkpoint, pipeline = _opened(model)
        side = checkpoint.native_width if sketched else scenes.SIDE
        scene = asyncio.run(scenes.painted(prompt, seed, side))
        request = ImageRequest(
            prompt=prompt,
            seed=seed,
            steps=checkpoint.steps,
            guidance=checkpoint.guidance,
            width=side,
            height=side,
            layout=scene.layout if sketched and strength is None else None,
            sketch_strength=strength,
        )
        start = FromPicture(scene.picture) if sketched else None
        # The studio draws in full precision on a CPU; where bfloat16 is fast, that is near enough for measuring.
        with autocast(torch.device("cpu")):
            drawn = pipeline.render(render_plan(request, checkpoint, start), _Unwatched()).picture
        drawn.image().save(file.with_suffix(".part"), "PNG")
        file.with_suffix(".part").rename(file)
    with Image.open(file) as image:
        return image.convert("RGB")


class _Unwatched:
    def check(self) -> None: ...

    def step(self, step: Step) -> None: ...

    def wants_preview(self) -> bool:
        return False
