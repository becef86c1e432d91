"""Pictures on request: settles what a person left open (seed, size), queues it, and waits for it."""

import asyncio
import secrets
from contextlib import suppress

from illustrious_studio.domain.errors import Conflict
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import MAX_SEED, ImageRequest, Origin
from illustrious_studio.domain.jobs import Job
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.models import ModelService


class ImageService:
    """Draws pictures."""

    def __init__(self, jobs: JobQueue, models: ModelService) -> None:
        self._jobs = jobs
        self._models = models

    def suggested(self, prompt: str) -> ImageRequest:
        """A request with the steps and the guidance that the checkpoint wants. Raises Unavailable."""
        checkpoint = self._models.checkpoint()
        return ImageRequest(prompt=prompt, steps=checkpoint.steps, guidance=checkpoint.guidance)

    async def start_image(self, request: ImageRequest, origin: Origin | None = None) -> Job:
        """Queue a picture. Raises Unavailable (no checkpoint), Busy (queue full), InvalidRequest."""
        checkpoint = self._models.checkpoint()
        settled = request.model_dump() | {
            "seed": secrets.randbelow(MAX_SEED + 1) if request.seed < 0 else request.seed,
            "width": request.width or checkpoint.native_width,
            "height": request.height or checkpoint.native_height,
        }
        origin = origin or Origin()
        if not origin.words:
            origin = origin.model_copy(update={"words": request.prompt})
        return await self._jobs.submit(ImageRequest.model_validate(settled), origin, checkpoint.name)

    async def generate_image(self, request: ImageRequest, origin: Origin | None = None) -> GalleryItem:
        """Draw a picture and wait for it; who stops waiting (a client that went away) cancels it.

        Raises what `start_image` raises, and OutOfMemory, EngineDied, StorageFull, Cancelled.
        """
        job = await self.start_image(request, origin)
        try:
            return await self._jobs.wait(job.id)
        except asyncio.CancelledError:
            with suppress(Conflict):  # it may be finished in the same moment
                await self._jobs.cancel(job.id)
            raise
