"""Upscaling by a network: tile by tile, in rows that come one after the other, down to the wanted size as they come.

A network of 4x makes sixteen times as many pixels as it gets. So only those of one row of tiles are ever held: as soon
as they are there, Lanczos's filter brings them to the wanted size. Tiles overlap, and over the overlap the one fades
into the next. Memory that runs out is cleared, and the tiles become smaller; numbers that are not finite are computed
again in float32, as with drawings (`oom_fallback`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from PIL import Image

from illustrious_studio.adapters.sdxl.worker import memory
from illustrious_studio.adapters.sdxl.worker.progress import ProgressCallback
from illustrious_studio.adapters.sdxl.worker.upscale_networks import UpscaleNetwork
from illustrious_studio.domain.errors import InvalidRequest, OutOfMemory
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Step
from illustrious_studio.domain.upscaling import Size, Upscaled, UpscalePlan, passes_needed

if TYPE_CHECKING:
    import numpy
    import torch

    Pixels = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]
else:
    Pixels = Any

SMALLEST_TILE = 32
FLOAT32 = "the upscaler gave numbers that are not finite, upscaled again in float32"
LANCZOS_REACH = 3
"""Lanczos's filter sees so many pixels to each side: of the result where that is smaller, else of the picture."""

Spans = Sequence[tuple[int, int]]


def upscale(plan: UpscalePlan, device: "torch.device", device_name: str, watch: ProgressCallback) -> Upscaled:
    """Raises InvalidRequest (the file is no upscaler, or gives no picture), OutOfMemory, Stopped."""
    import torch

    started = time.perf_counter()
    watch.check()
    network = memory.unless_out_of_memory(
        partial(UpscaleNetwork, plan.network, device, torch.float32 if device.type == "cpu" else torch.float16)
    )
    if network is None:
        raise OutOfMemory(f"The device has no memory left for the upscaler {plan.network.stem}. Close other programs.")
    work = _Upscaling(plan, network, watch)
    try:
        picture = work.done()
    finally:
        memory.clear_cuda_memory()
    return Upscaled(
        picture=picture,
        device=device_name,
        dtype=str(network.dtype).removeprefix("torch."),
        seconds=time.perf_counter() - started,
        attempts=tuple(work.tried),
    )


class _Upscaling:
    """One picture being upscaled, with its second chances, and what was `tried`."""

    def __init__(self, plan: UpscalePlan, network: UpscaleNetwork, watch: ProgressCallback) -> None:
        self._plan = plan
        self._network = network
        self._watch = watch
        self._tile = plan.tile
        self.tried: list[str] = []

    def done(self) -> Picture:
        """The picture in its size. What is made of tiles that turned out too large is begun again."""
        while True:
            picture, finite = None, True
            try:
                picture = memory.unless_out_of_memory(self._attempt)
            except _NotFinite:
                finite = False
            if picture is not None:
                return picture
            if finite:
                self._take_smaller_tiles()
            else:
                self._upcast()

    def _attempt(self) -> Picture:
        import numpy

        plan, scale = self._plan, self._network.scale
        wanted = plan.width, plan.height
        pixels: Pixels = numpy.asarray(plan.picture.image())
        passes = passes_needed((pixels.shape[1], pixels.shape[0]), wanted, scale)
        grids = self._grids(pixels, passes)
        steps = _Steps(self._watch, sum(len(grid.rows) * len(grid.columns) for grid in grids))
        enlarge = partial(self._enlarged, steps)
        for grid in grids[:-1]:
            pixels = numpy.concatenate(list(enlarged_rows(pixels, enlarge, scale, grid)))
        last = enlarged_rows(pixels, enlarge, scale, grids[-1])
        size = pixels.shape[1] * scale, pixels.shape[0] * scale
        return Picture.from_image(resized(last, size, wanted))

    def _grids(self, pixels: Pixels, passes: int) -> list["Grid"]:
        sides = [(pixels.shape[0] * self._network.scale**number, pixels.shape[1] * self._network.scale**number)
                 for number in range(passes)]  # fmt: skip
        return [Grid.over(height, width, self._tile, self._plan.overlap) for height, width in sides]

    def _enlarged(self, steps: "_Steps", tile: Pixels) -> Pixels:
        import torch

        picture = torch.from_numpy(tile.copy()).permute(2, 0, 1)[None].to(torch.float32) / 255
        larger = self._network(picture)
        if not torch.isfinite(larger).all():
            raise _NotFinite
        steps.next()
        whole: Pixels = (larger[0].clamp(0, 1) * 255).round().to("cpu", torch.uint8).permute(1, 2, 0).numpy()
        return whole

    def _upcast(self) -> None:
        import torch

        if self._network.dtype == torch.float32:
            raise InvalidRequest(
                f"The upscaler {self._plan.network.stem} gave no picture: its numbers are not finite, also in float32. "
                "Choose another upscaler."
            )
        self._network.to(torch.float32)
        self.tried.append(FLOAT32)

    def _take_smaller_tiles(self) -> None:
        memory.clear_cuda_memory()
        longest = max(self._plan.picture.width, self._plan.picture.height)
        tile = min(self._tile or longest, longest) // 2
        if tile < SMALLEST_TILE:
            raise OutOfMemory(
                f"The device's memory does not hold the picture being upscaled, also after: {'; '.join(self.tried)}. "
                "Close other programs that use the device, or choose a smaller upscaler."
            )
        self._tile = tile
        self.tried.append(f"memory cleared, upscaled in tiles of {tile} pixels")


class _NotFinite(Exception):
    """The network gave numbers that are no picture."""


class _Steps:
    """A tile is a step."""

    def __init__(self, watch: ProgressCallback, steps: int) -> None:
        self._watch = watch
        self._steps = steps
        self._done = 0

    def next(self) -> None:
        self._done += 1
        self._watch.step(Step(self._done, self._steps))


@dataclass(frozen=True)
class Grid:
    """Where the tiles of a picture begin and end, from the top and from the left, and by how many pixels they overlap
    at least."""

    rows: Spans
    columns: Spans
    overlap: int

    @classmethod
    def over(cls, height: int, width: int, tile: int, overlap: int) -> "Grid":
        """Of a picture of that size. Tile size 0: one tile."""
        overlap = min(overlap, tile // 4)
        return cls(spans(height, tile, overlap), spans(width, tile, overlap), overlap)


def spans(length: int, tile: int, overlap: int) -> Spans:
    """Where tiles begin and end along a side: all of one length, overlapping by `overlap` or more, evenly; one where
    all fits into it."""
    if not 0 < tile < length:
        return [(0, length)]
    count = ceil((length - overlap) / (tile - overlap))
    begins = [round(number * (length - tile) / (count - 1)) for number in range(count)]
    return [(begin, begin + tile) for begin in begins]


def enlarged_rows(pixels: Pixels, enlarge: Callable[[Pixels], Pixels], scale: int, grid: Grid) -> Iterator[Pixels]:
    """The rows of the larger picture, as many at once as come from a row of tiles. Pixels are height x width x 3."""
    fade = max(1, grid.overlap * scale // 2)
    below: Pixels | None = None
    for number, (top, bottom) in enumerate(grid.rows):
        band = _band(pixels[top:bottom], enlarge, scale, grid.columns, fade)
        if below is not None:
            band[: len(below)] = _faded(below, band[: len(below)], fade, axis=0)
        ends = bottom if number + 1 == len(grid.rows) else grid.rows[number + 1][0]
        ready = (ends - top) * scale
        yield band[:ready]
        below = band[ready:].copy()


def _band(pixels: Pixels, enlarge: Callable[[Pixels], Pixels], scale: int, columns: Spans, fade: int) -> Pixels:
    """A row of tiles, enlarged and put together."""
    import numpy

    band: Pixels = numpy.empty((pixels.shape[0] * scale, pixels.shape[1] * scale, 3), numpy.uint8)
    filled = 0
    for left, right in columns:
        tile = enlarge(pixels[:, left:right])
        start, end = left * scale, right * scale
        shared = filled - start
        if shared > 0:
            band[:, start:filled] = _faded(band[:, start:filled], tile[:, :shared], fade, axis=1)
        band[:, max(start, filled) : end] = tile[:, max(shared, 0) :]
        filled = end
    return band


def _faded(before: Pixels, after: Pixels, fade: int, axis: int) -> Pixels:
    """From the one into the other, along the axis, over `fade` pixels in the middle of what both have: at the edges of
    tiles a network sees least around it. Fading over half of the overlap comes nearer to the whole than over all."""
    import numpy

    length = before.shape[axis]
    fade = min(fade, length)
    places = numpy.arange(length, dtype=numpy.float32) + 0.5
    share = ((places - (length - fade) / 2) / fade).clip(0, 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    mixed: Pixels = (before * (1 - share) + after * share + 0.5).astype(numpy.uint8)
    return mixed


def resized(rows: Iterator[Pixels], size: Size, wanted: Size) -> Image.Image:
    """The picture of that size whose rows these are, by Lanczos's filter in the wanted size: as if it were whole."""
    import numpy

    whole = Image.new("RGB", wanted)
    down = size[1] / wanted[1]
    reach = ceil(LANCZOS_REACH * max(1.0, down)) + 1
    held: Pixels = numpy.empty((0, size[0], 3), numpy.uint8)
    first = done = 0
    """The first row that is held, and how many rows of the result there are."""
    for more in rows:
        held = numpy.concatenate((held, more))
        seen = first + len(held)
        until = wanted[1] if seen == size[1] else max(done, int((seen - reach) / down))
        if until == done:
            continue
        box = (0, done * down - first, size[0], until * down - first)
        whole.paste(Image.fromarray(held).resize((wanted[0], until - done), Image.Resampling.LANCZOS, box), (0, done))
        done = until
        needed = max(first, int(done * down) - reach)
        held, first = held[needed - first :], needed
    return whole
