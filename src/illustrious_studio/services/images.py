"""Pictures on request: settles what a person left open (seed, size, layout), queues it, and waits for it."""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from illustrious_studio.domain.errors import Conflict
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import MAX_SEED, ImageRequest, Origin
from illustrious_studio.domain.jobs import Job, JobProgress
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.layouts import LayoutService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.sketch import SketchService


class ImageService:
    """Draws pictures."""

    def __init__(self, jobs: JobQueue, models: ModelService, sketches: SketchService, layouts: LayoutService) -> None:
        self._jobs = jobs
        self._models = models
        self._sketches = sketches
        self._layouts = layouts

    def suggested(self, prompt: str, checkpoint: Checkpoint | None = None) -> ImageRequest:
        """A request with the steps and the guidance that the checkpoint (the one in use) wants. Raises Unavailable."""
        checkpoint = checkpoint or self._models.checkpoint()
        return ImageRequest(prompt=prompt, steps=checkpoint.steps, guidance=checkpoint.guidance)

    async def start_image(self, request: ImageRequest, origin: Origin | None = None, checkpoint: str = "") -> Job:
        """Queue a picture; `checkpoint` names another one to draw it than the one in use.

        Raises Unavailable (no checkpoint), NotFound (not this one), Busy (queue full), InvalidRequest.
        """
        return await self._start(request, origin or Origin(), checkpoint, stays=True)

    async def generate_image(self, request: ImageRequest, origin: Origin | None = None) -> GalleryItem:
        """Draw a picture and wait for it; who stops waiting (a client that went away) cancels it.

        Raises what `start_image` raises, and OutOfMemory, EngineDied, StorageFull, Cancelled.
        """
        (item,) = await self.generate_images([request], origin)
        return item

    async def generate_images(
        self, requests: Sequence[ImageRequest], origin: Origin | None = None, checkpoint: str = ""
    ) -> list[GalleryItem]:
        """As `generate_image`, for several that are queued together; when one fails, the rest is cancelled."""
        jobs: list[Job] = []
        try:
            for request in requests:
                jobs.append(await self._start(request, origin or Origin(), checkpoint, stays=False))
            return [await self._jobs.wait(job.id) for job in jobs]
        except BaseException:
            for job in jobs:
                await self._cancel(job)
            raise

    async def follow_image(
        self, request: ImageRequest, origin: Origin | None = None, checkpoint: str = ""
    ) -> AsyncGenerator[JobProgress | GalleryItem, None]:
        """As `generate_image`, with every change on the way; the last is the picture. Closing it cancels."""
        job = await self._start(request, origin or Origin(), checkpoint, stays=False)
        try:
            async with aclosing(self._jobs.watch(job.id)) as changes:
                async for change in changes:
                    yield change
            yield await self._jobs.wait(job.id)
        except BaseException:
            await self._cancel(job)
            raise

    async def _start(self, request: ImageRequest, origin: Origin, checkpoint: str, *, stays: bool) -> Job:
        chosen = await self._models.checkpoint_named(checkpoint)
        settled = await self._settled(request, chosen)
        if not origin.words:
            origin = origin.model_copy(update={"words": request.prompt})
        return await self._jobs.submit(settled, origin, chosen.name, stays=stays)

    async def _cancel(self, job: Job) -> None:
        with suppress(Conflict):  # it may be finished in the same moment
            await self._jobs.cancel(job.id)

    async def _settled(self, request: ImageRequest, checkpoint: Checkpoint) -> ImageRequest:
        """The request with nothing left to chance or to anybody who may answer otherwise the next time."""
        values = request.model_dump() | {
            "seed": secrets.randbelow(MAX_SEED + 1) if request.seed < 0 else request.seed,
            "width": request.width or checkpoint.native_width,
            "height": request.height or checkpoint.native_height,
        }
        settled = ImageRequest.model_validate(values)
        layout = settled.layout
        if layout is not None:
            layout = self._sketches.completed(layout, settled.prompt)
        elif settled.layout_from_words or checkpoint.sketch_strength is not None:
            aspect = values["width"] / values["height"]
            layout = (await self._layouts.lay_out(settled.prompt, settled.seed, aspect)).layout
        return settled.model_copy(update={"layout": layout})
