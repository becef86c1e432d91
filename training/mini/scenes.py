"""The training scenes: prompts, read, laid out and painted by the studio's own code, so that the model learns to draw
over exactly the sketches that it will be given.

A scene is a pure function of its number. They are kept in shards: `pictures` (uint8, n x side x side x 3) beside the
prompts and the layouts. Making the same shards again does nothing; a shard that is there is whole.

Whole scenes at the side that is trained at are in `scenes`; in `close` are others at twice that side, which is the one
that is drawn at, for what is learned from a part of a picture: faces as large as they will be repainted.
"""

import asyncio
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.services.sketch import SketchService
from training.mini.prompts import write_prompt

SIDE = 256
CLOSE_SIDE = 512
SHARD = 500
CLOSE_SHARD = 100
FIRST_CLOSE = 1_000_000
"""The number of the first scene in `close`: no scene is in both."""


@dataclass(frozen=True)
class Scene:
    """A prompt and what it shows."""

    prompt: str
    layout: Layout
    picture: Picture


@cache
def sketches() -> SketchService:
    return SketchService(SpritePainter())


@cache
def painter() -> SpritePainter:
    return SpritePainter()


async def scene(number: int, side: int = SIDE) -> Scene:
    """Scene number so and so, the same each time."""
    random = Random(1_000_003 * number + 17)
    prompt = write_prompt(painter().objects(), random)
    return await painted(prompt, number, side)


async def painted(prompt: str, seed: int, side: int = SIDE) -> Scene:
    layout = sketches().layout(prompt, seed)
    return Scene(prompt, layout, await painter().paint(layout, side, side, seed))


def make_shards(folder: Path, scenes: int, processes: int) -> None:
    """Paint the scenes up to that number that are not there yet."""
    _make(folder, [(number, 0, SIDE, SHARD) for number in range(-(-scenes // SHARD))], processes)


def make_close_shards(folder: Path, scenes: int, processes: int) -> None:
    """The same for those that are seen close."""
    shards = range(-(-scenes // CLOSE_SHARD))
    _make(folder, [(number, FIRST_CLOSE, CLOSE_SIDE, CLOSE_SHARD) for number in shards], processes)


def _make(folder: Path, asked: Sequence[tuple[int, int, int, int]], processes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(folder, *one) for one in asked if not _picture_file(folder, one[0]).exists()]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(_make_shard, missing), 1):
            print(f"{folder.name}: shard {done} of {len(missing)}", flush=True)


def _make_shard(task: tuple[Path, int, int, int, int]) -> None:
    folder, number, first, side, size = task
    made = asyncio.run(_scenes(range(first + number * size, first + (number + 1) * size), side))
    pictures = np.stack([np.frombuffer(one.picture.rgb, np.uint8).reshape(side, side, 3) for one in made])
    told = [{"prompt": one.prompt, "layout": one.layout.model_dump(mode="json")} for one in made]
    _words_file(folder, number).write_text(json.dumps(told), encoding="utf-8")
    aside = _picture_file(folder, number).with_suffix(".part")
    with aside.open("wb") as file:
        np.savez_compressed(file, pictures=pictures)
    aside.rename(_picture_file(folder, number))


async def _scenes(numbers: Sequence[int], side: int) -> list[Scene]:
    return [await scene(number, side) for number in numbers]


def shards(folder: Path) -> list[int]:
    """The numbers of the shards that are there, in order."""
    return sorted(int(path.stem.split("-")[1]) for path in folder.glob("scenes-*.npz"))


def pictures_of(folder: Path, shard: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    with np.load(_picture_file(folder, shard)) as file:
        return np.asarray(file["pictures"])


def words_of(folder: Path, shard: int) -> Iterator[tuple[str, Layout]]:
    for told in json.loads(_words_file(folder, shard).read_text(encoding="utf-8")):
        yield told["prompt"], Layout.model_validate(told["layout"])


def _picture_file(folder: Path, shard: int) -> Path:
    return folder / f"scenes-{shard:05}.npz"


def _words_file(folder: Path, shard: int) -> Path:
    return folder / f"scenes-{shard:05}.json"
