"""Upscaling one picture: its file opened, made larger by an upscaler, and kept with all that made it and this.

Colours are made larger by the upscaler; what is transparent is so by Lanczos's filter, in the same size.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.hires import LATENT_UPSCALERS
from illustrious_studio.domain.jobs import Job, UpscaledJob
from illustrious_studio.domain.metadata.of_file import record_of
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.pictures import Picture, size_of_picture, text_in
from illustrious_studio.domain.rendering import ImageEngine, Step
from illustrious_studio.domain.upscaling import (
    Size,
    Upscaled,
    UpscalePlan,
    UpscaleRecord,
    UpscaleRequest,
    by_lanczos,
    put_together,
    without_transparency,
)
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.render_plan import Enlarging
from illustrious_studio.services.upscalers import UpscalerService

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tiles:
    """Pixels of the sides of the tiles in which pictures are upscaled (0: whole), and over how many they overlap."""

    side: int = 192
    overlap: int = 16


class UpscaleRunner:
    """What is run for jobs that upscale."""

    def __init__(
        self,
        engine: ImageEngine,
        upscalers: UpscalerService,
        inputs: InputService,
        gallery: GalleryService,
        tiles: Tiles,
    ) -> None:
        self._engine = engine
        self._upscalers = upscalers
        self._inputs = inputs
        self._gallery = gallery
        self._tiles = tiles

    async def enlarging(self, name: str) -> Enlarging | None:
        """What makes a picture larger between two passes; None for latents. Raises NotFound."""
        if name in LATENT_UPSCALERS:
            return None
        try:
            file = await self._upscalers.named(name)
        except NotFound as error:
            raise NotFound(f"{error.detail} Hires fix has these, too: {', '.join(LATENT_UPSCALERS)}.") from error
        return Enlarging(None if file is None else str(file.path), self._tiles.side, self._tiles.overlap)

    async def name_of(self, name: str) -> str:
        """What the studio calls the upscaler of that name, by which a picture is enlarged. Raises NotFound."""
        return await self._upscalers.name_of(name)

    async def enlarged(self, name: str, picture: Picture, size: Size) -> Upscaled:
        """A picture made larger before it is drawn over. Raises NotFound, and what `ImageEngine.upscale` raises."""
        return await self._by(name, picture, size, lambda step: None)

    async def upscale(self, request: UpscaleRequest, on_step: Callable[[Step], None]) -> UpscaledJob:
        """Raises NotFound (picture or upscaler are gone), and what `ImageEngine.upscale` raises."""
        file = await self._inputs.file(request.image)
        picture = await asyncio.to_thread(without_transparency, file)
        size, _ = request.sizes((picture.width, picture.height))
        first = await self._by(request.upscaler, picture, size, on_step)
        second = None
        if request.upscaler_2 is not None:
            second = await self._by(request.upscaler_2, picture, size, on_step)
        log.info("picture upscaled", seconds=round(first.seconds, 2), attempts=first.attempts)
        return UpscaledJob(file, first, second)

    async def _by(self, name: str, picture: Picture, size: Size, on_step: Callable[[Step], None]) -> Upscaled:
        network = await self._upscalers.named(name)
        if network is not None:
            plan = UpscalePlan(picture, network.path, *size, self._tiles.side, self._tiles.overlap)
            return await self._engine.upscale(plan, on_step)
        upscaled = await asyncio.to_thread(by_lanczos, picture, size)
        on_step(Step(1, 1))
        return upscaled

    async def keep(self, job: Job, done: UpscaledJob) -> GalleryItem:
        """Put the picture into the gallery, with the settings that its file carried. Raises StorageFull."""
        assert job.upscale is not None
        before, text = size_of_picture(done.file), await asyncio.to_thread(text_in, done.file)
        image = await asyncio.to_thread(put_together, done.file, job.upscale, done.upscaled, done.second)
        record = record_of(text, before, datetime.now(UTC))
        metadata = _with_upscale(record, job, job.upscale, done, before, image.size)
        return await self._gallery.add(image, metadata, item_id=job.id)


def _with_upscale(
    record: ImageMetadata, job: Job, request: UpscaleRequest, done: UpscaledJob, before: Size, now: Size
) -> ImageMetadata:
    """The record of the picture before, and what was done to it."""
    both = [one for one in (done.upscaled, done.second) if one is not None]
    upscale = UpscaleRecord(
        request=request,
        from_width=before[0],
        from_height=before[1],
        device=done.upscaled.device,
        dtype=done.upscaled.dtype,
        seconds=round(sum(one.seconds for one in both), 3),
        attempts=tuple(tried for one in both for tried in one.attempts),
    )
    changed = {"width": now[0], "height": now[1], "upscale": upscale, "origin": job.origin}
    return record.model_copy(update={**changed, "created_at": datetime.now(UTC)})
