"""Upscaling on request: settles what a person left open, queues it as a job like a drawing, and waits for it.

It stands in the same queue: both need the same device, and so progress, cancelling, restarts and the gallery are the
same for both. Nothing of a person's picture is changed: what comes of it is another one.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.jobs import Job, JobProgress, Once
from illustrious_studio.domain.metadata.of_file import record_of
from illustrious_studio.domain.pictures import size_of_picture, text_in
from illustrious_studio.domain.upscaling import USUAL_SCALE, UpscaleRequest, UpscaleSettings
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.upscalers import UpscalerService

USUAL = UpscaleSettings()


class UpscaleService:
    """Makes pictures larger."""

    def __init__(self, jobs: JobQueue, upscalers: UpscalerService, inputs: InputService) -> None:
        self._jobs = jobs
        self._upscalers = upscalers
        self._inputs = inputs
        self._keys: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Held while a request with that key is queued, so that of two of them one is the first."""

    async def start(
        self,
        picture: str | bytes,
        settings: UpscaleSettings = USUAL,
        way: Origin | None = None,
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> Job:
        """Queue the upscaling of a picture: a file, or by its id one of the gallery or one that was given before. With
        `once` a request that came before has its job already.

        Raises NotAnImage, InvalidRequest (too large, or it would become so), NotFound (no such picture or upscaler),
        Busy, Conflict, StorageFull.
        """
        if once is None:
            return await self._queued(picture, settings, way, stay=stay)
        lock = self._keys.setdefault(once.key, asyncio.Lock())
        async with lock:
            known = await self._jobs.known(once, 1)
            return known[0] if known else await self._queued(picture, settings, way, once=once)

    async def _queued(
        self,
        picture: str | bytes,
        settings: UpscaleSettings,
        way: Origin | None,
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> Job:
        image = await self._inputs.kept(picture)
        file = await self._inputs.file(image)
        before = size_of_picture(file)
        made = record_of(await asyncio.to_thread(text_in, file), before, datetime.now(UTC))
        _, size = settings.sizes(before)
        one_side = (settings.width is None) != (settings.height is None)
        resolved = settings.model_dump(include=set(UpscaleSettings.model_fields)) | {
            "upscaler": await self._upscalers.name_of(settings.upscaler),
            "upscaler_2": await self._second(settings),
        }
        if one_side:
            resolved |= {"width": size[0], "height": size[1], "crop": True}
        elif settings.width is None:
            resolved |= {"scale": settings.scale or USUAL_SCALE}
        request = UpscaleRequest(image=image, **resolved)
        origin = (way or Origin()).model_copy(update={"words": made.origin.words or made.request.prompt})
        (job,) = await self._jobs.submit_all([made.request], origin, upscale=request, stay=stay, once=once)
        return job

    async def upscale(
        self,
        picture: str | bytes,
        settings: UpscaleSettings = USUAL,
        way: Origin | None = None,
        *,
        once: Once | None = None,
    ) -> GalleryItem:
        """The same, waited for: who stops waiting cancels it, but with `once`. Raises OutOfMemory, EngineDied,
        Unavailable and Cancelled, too."""
        job = await self.start(picture, settings, way, stay=False, once=once)
        async with self._jobs.waited_for([job], stay=once is not None):
            return await self._jobs.wait(job.id)

    async def follow(
        self, picture: str | bytes, settings: UpscaleSettings = USUAL, way: Origin | None = None
    ) -> AsyncGenerator[JobProgress | GalleryItem, None]:
        """The same with every change on the way; the last is the picture. Closing it is to stop waiting."""
        job = await self.start(picture, settings, way, stay=False)
        async with self._jobs.waited_for([job], stay=False):
            async with aclosing(self._jobs.watch(job.id)) as changes:
                async for change in changes:
                    yield change
            yield await self._jobs.wait(job.id)

    async def _second(self, settings: UpscaleSettings) -> str | None:
        """The other upscaler's name; None where nothing of it would be seen."""
        if settings.upscaler_2 is None or settings.upscaler_2_visibility == 0:
            return None
        return await self._upscalers.name_of(settings.upscaler_2)
