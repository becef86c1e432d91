"""Upscaling: the networks against those of others, tiles against the whole, lack of memory, and the worker process."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import psutil
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from tests.adapters.sdxl.helpers import HERE, QuietWatch
from tests.adapters.sdxl.upscalers import Shapes, by_esrgan_names, compact, rrdb

from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.adapters.sdxl.upscaler_catalogue import BUILTIN
from illustrious_studio.adapters.sdxl.worker.progress import Stopped
from illustrious_studio.adapters.sdxl.worker.upscale_networks import UpscaleNetwork
from illustrious_studio.adapters.sdxl.worker.upscaling import (
    FLOAT32,
    Grid,
    _Upscaling,
    enlarged_rows,
    resized,
    spans,
    upscale,
)
from illustrious_studio.domain.errors import EngineDied, InvalidRequest, OutOfMemory
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Step
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan
from samples import a_picture
from waiting import until

CPU = torch.device("cpu")
LEVELS = 255


def plan_for(picture: Picture, size: tuple[int, int], *, network: Path = BUILTIN, tile: int = 0) -> UpscalePlan:
    return UpscalePlan(picture, network, *size, tile, 16)


def done(plan: UpscalePlan, watch: Any = None) -> Upscaled:
    return upscale(plan, CPU, "cpu", watch or QuietWatch())


def pixels(picture: Picture) -> Any:
    return numpy.asarray(picture.image()).astype(int)


def furthest(one: Picture, other: Picture) -> int:
    """The largest difference of two pictures, of 255."""
    return int(numpy.abs(pixels(one) - pixels(other)).max())


def soft_picture(width: int, height: int) -> Picture:
    """With edges and gradients, as drawings have them."""
    soft = a_picture(width // 8, height // 8).image().resize((width, height))
    pen = ImageDraw.Draw(soft)
    for number in range(0, max(width, height), 23):
        pen.ellipse((number, number // 2, number + 31, number // 2 + 40), f"hsl({number * 7 % 360}, 80%, 60%)", "black")
        pen.line((number, 0, width - number, height), "navy", 2)
    return Picture.from_image(soft)


def put(path: Path, shapes: Shapes, value: float | None = None) -> Path:
    """A file with these tensors: waves, which are the same everywhere, or this value."""
    tensors = {
        name: torch.full(shape, value)
        if value is not None
        else (torch.sin(torch.arange(torch.Size(shape).numel(), dtype=torch.float64) + place).float() * 0.2).reshape(
            shape
        )
        for place, (name, shape) in enumerate(sorted(shapes.items()))
    }
    save_file(tensors, path)
    return path


def test_the_builtin_network_gives_what_ncnn_gives() -> None:
    ours = done(plan_for(a_picture(24, 16), (96, 64))).picture
    with Image.open(HERE / "upscaled_by_ncnn.png") as theirs:
        assert furthest(ours, Picture.from_image(theirs)) <= 1


def test_an_rrdb_network_gives_what_spandrel_gives(tmp_path: Path) -> None:
    file = put(tmp_path / "2x.safetensors", by_esrgan_names(rrdb(doublings=1), doublings=1))
    picture = torch.from_numpy(pixels(a_picture(24, 16))).permute(2, 0, 1)[None].float() / LEVELS
    larger = UpscaleNetwork(file, CPU, torch.float32)(picture)
    by_spandrel = torch.tensor(
        [
            [
                [0.0460, 0.0137, -0.0232, -0.0604],
                [0.1001, 0.0611, -0.0087, -0.0660],
                [0.0634, 0.0166, -0.0169, -0.0221],
            ],
            [[0.2025, 0.2167, 0.2411, 0.2658], [0.1577, 0.1970, 0.2640, 0.3218], [0.1949, 0.2398, 0.2726, 0.2883]],
            [[0.1434, 0.1483, 0.1380, 0.1274], [0.1761, 0.1389, 0.0791, 0.0246], [0.1408, 0.1007, 0.0706, 0.0455]],
        ]
    )
    assert larger.shape == (1, 3, 32, 48)
    assert torch.allclose(larger[0, :, ::11, ::13], by_spandrel, atol=1e-4)


@pytest.mark.parametrize("channels", [12, 48])
def test_sides_that_do_not_unshuffle_evenly_come_out_in_their_scale(tmp_path: Path, channels: int) -> None:
    network = UpscaleNetwork(put(tmp_path / "x.safetensors", rrdb(channels=channels)), CPU, torch.float32)
    assert network(torch.rand(1, 3, 5, 7)).shape == (1, 3, 5 * network.scale, 7 * network.scale)
    assert network(torch.rand(1, 3, 1, 1)).shape == (1, 3, network.scale, network.scale)


@pytest.mark.parametrize(
    ("length", "tile", "expected"),
    [
        (100, 0, [(0, 100)]),
        (100, 192, [(0, 100)]),
        (192, 192, [(0, 192)]),
        (200, 192, [(0, 192), (8, 200)]),
        (368, 192, [(0, 192), (176, 368)]),
        (369, 192, [(0, 192), (88, 280), (177, 369)]),
    ],
)
def test_tiles_cover_a_side_evenly_and_overlap(length: int, tile: int, expected: list[tuple[int, int]]) -> None:
    assert spans(length, tile, 16) == expected


@pytest.mark.parametrize("tile", [96, 128])
@pytest.mark.parametrize("size", [(800, 600), (500, 375), (333, 250)])
def test_tiles_give_what_the_whole_gives(size: tuple[int, int], tile: int) -> None:
    picture = soft_picture(200, 150)
    whole = done(plan_for(picture, size)).picture
    watch = QuietWatch()
    in_tiles = done(plan_for(picture, size, tile=tile), watch).picture
    assert (in_tiles.width, in_tiles.height) == size
    assert furthest(whole, in_tiles) <= 10
    assert float(numpy.abs(pixels(whole) - pixels(in_tiles)).mean()) < 0.1
    count = len(spans(200, tile, 16)) * len(spans(150, tile, 16))
    assert watch.seen == [Step(number, count) for number in range(1, count + 1)]


@pytest.mark.parametrize("wanted", [(50, 40), (97, 31), (100, 80), (160, 120), (13, 300)])
def test_rows_that_come_one_by_one_are_resized_as_the_whole_is(wanted: tuple[int, int]) -> None:
    image = soft_picture(100, 80).image()
    rows: Iterator[Any] = iter(numpy.split(numpy.asarray(image), [7, 8, 40, 61]))
    there = resized(rows, image.size, wanted)
    assert furthest(Picture.from_image(there), Picture.from_image(image.resize(wanted, Image.Resampling.LANCZOS))) <= 1


def test_of_the_larger_picture_only_the_rows_of_a_row_of_tiles_are_held() -> None:
    small = numpy.zeros((1600, 1600, 3), numpy.uint8)

    def enlarge(tile: Any) -> Any:
        return tile.repeat(4, axis=0).repeat(4, axis=1)

    tracemalloc.start()
    try:
        rows = enlarged_rows(small, enlarge, 4, Grid.over(1600, 1600, 192, 16))
        assert resized(rows, (6400, 6400), (3200, 3200)).size == (3200, 3200)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80e6, "all of it has 123 MB"


def test_half_precision_gives_nearly_the_same_and_goes_over_to_float32_where_it_overflows(tmp_path: Path) -> None:
    picture = a_picture(48, 32)
    half = _Upscaling(plan_for(picture, (96, 64)), UpscaleNetwork(BUILTIN, CPU, torch.float16), QuietWatch())
    assert furthest(half.done(), done(plan_for(picture, (96, 64))).picture) <= 3
    assert half.tried == []
    large = put(tmp_path / "large.safetensors", compact(), 30.0)
    plan = plan_for(picture, (96, 64), network=large)
    work = _Upscaling(plan, UpscaleNetwork(large, CPU, torch.float16), QuietWatch())
    assert furthest(work.done(), done(plan).picture) == 0
    assert work.tried == [FLOAT32]


def test_a_network_is_run_again_until_the_picture_is_large_enough(tmp_path: Path) -> None:
    network = put(tmp_path / "2x.safetensors", compact(scale=2))
    watch = QuietWatch()
    larger = done(plan_for(a_picture(20, 12), (80, 48), network=network), watch).picture
    assert (larger.width, larger.height, len(watch.seen)) == (80, 48, 2)
    once = done(plan_for(a_picture(20, 12), (40, 24), network=network)).picture
    assert furthest(larger, done(plan_for(once, (80, 48), network=network)).picture) == 0


class ShortOfMemory(QuietWatch):
    """Whose device has no memory left for so many tiles."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def step(self, step: Step) -> None:
        super().step(step)
        if self._times:
            self._times -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


def test_lack_of_memory_is_answered_with_smaller_tiles() -> None:
    picture = soft_picture(200, 150)
    plan = plan_for(picture, (400, 300), tile=192)
    upscaled = done(plan, ShortOfMemory(1))
    assert upscaled.attempts == ("memory cleared, upscaled in tiles of 96 pixels",)
    assert furthest(upscaled.picture, done(plan_for(picture, (400, 300), tile=96)).picture) == 0
    whole = done(plan_for(picture, (400, 300)), ShortOfMemory(1))
    assert whole.attempts == ("memory cleared, upscaled in tiles of 100 pixels",)
    with pytest.raises(OutOfMemory, match=r"tiles of 48 pixels\. Close other programs"):
        done(plan, ShortOfMemory(100))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda file: put(file, compact(), float("nan")), "Its weights are not finite"),
        (lambda file: put(file, compact(), 1e30), "numbers are not finite, also in float32"),
        (lambda file: put(file, {"conv_first.weight": (60, 3, 3, 3)}), "no upscaler of the ESRGAN family"),
        (lambda file: file.write_bytes(b"PK\3\4" + bytes(40)), "pickle"),
        (lambda file: put(file, compact()).write_bytes(file.read_bytes()[:-9]), "half downloaded"),
        (lambda file: None, "cannot be loaded"),
    ],
    ids=["nan", "infinite", "another", "pickle", "half", "gone"],
)
def test_a_file_that_gives_no_picture_is_refused(tmp_path: Path, write: Any, words: str) -> None:
    file = tmp_path / "bad.safetensors"
    write(file)
    with pytest.raises(InvalidRequest, match=words):
        done(plan_for(a_picture(), (192, 128), network=file))


def test_it_stops_between_two_tiles_when_it_is_cancelled() -> None:
    class Cancelled(QuietWatch):
        def step(self, step: Step) -> None:
            super().step(step)
            raise Stopped

    watch = Cancelled()
    with pytest.raises(Stopped):
        done(plan_for(soft_picture(200, 150), (400, 300), tile=64), watch)
    assert len(watch.seen) == 1


@pytest.mark.model
@pytest.mark.asyncio(loop_scope="module")
class TestInTheWorker:
    """With the worker process, whatever checkpoint it has."""

    async def test_a_picture_is_upscaled_with_its_tiles_as_steps(self, engine: SdxlEngine) -> None:
        steps: list[Step] = []
        plan = plan_for(a_picture(), (192, 128), tile=64)
        upscaled = await engine.upscale(plan, steps.append)
        assert (upscaled.device, upscaled.dtype, upscaled.attempts) == ("cpu", "float32", ())
        assert steps == [Step(1, 2), Step(2, 2)]
        assert furthest(upscaled.picture, done(plan).picture) <= 1

    async def test_a_failure_comes_back_as_what_it_is(self, engine: SdxlEngine, tmp_path: Path) -> None:
        with pytest.raises(InvalidRequest, match="cannot be loaded"):
            await engine.upscale(plan_for(a_picture(), (192, 128), network=tmp_path / "x.safetensors"), lambda _: None)

    async def test_no_checkpoint_is_needed(self) -> None:
        async with SdxlEngine(device="cpu", threads=1) as engine:
            assert (await engine.upscale(plan_for(a_picture(), (192, 128)), lambda _: None)).picture.width == 192
            assert not engine.status.ready

    async def test_cancelling_stops_it_and_the_worker_lives_on(self, engine: SdxlEngine) -> None:
        begun = asyncio.Event()
        plan = plan_for(soft_picture(1024, 1024), (2048, 2048), tile=64)
        task = asyncio.create_task(engine.upscale(plan, lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.upscale(plan_for(a_picture(), (192, 128)), lambda _: None)).picture.height == 128

    async def test_a_worker_that_dies_is_an_error_and_a_new_one_goes_on(self, engine: SdxlEngine) -> None:
        begun = asyncio.Event()
        plan = plan_for(soft_picture(1024, 1024), (2048, 2048), tile=64)
        task = asyncio.create_task(engine.upscale(plan, lambda _: begun.set()))
        await begun.wait()
        assert engine._worker is not None
        psutil.Process(engine._worker.pid).kill()
        with pytest.raises(EngineDied):
            await task
        await until(lambda: engine.status.ready)
        assert (await engine.upscale(plan_for(a_picture(), (192, 128)), lambda _: None)).picture.height == 128
