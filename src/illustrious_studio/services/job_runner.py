"""Making one picture: what to draw over, if anything; room on the card; drawing; keeping it with all that made it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageEngine, Rendered, RenderOrder, Step
from illustrious_studio.domain.inputs import PreparedInit
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import CheckpointCatalogue
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.sketch import SketchService

log = structlog.get_logger(__name__)


class JobRunner:
    """What the queue runs for each job (`jobs.JobExecutor`)."""

    def __init__(
        self,
        engine: ImageEngine,
        catalogue: CheckpointCatalogue,
        models: ModelService,
        sketches: SketchService,
        inputs: InputService,
        gallery: GalleryService,
        memory: MemoryService,
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._models = models
        self._sketches = sketches
        self._inputs = inputs
        self._gallery = gallery
        self._memory = memory
        self._drawn: dict[str, tuple[RenderOrder, PreparedInit | None]] = {}

    async def render(self, job: Job, on_step: Callable[[Step], None]) -> Rendered:
        """Draw a job's picture. Raises what `ImageEngine.render` raises."""
        checkpoint = await self._models.loaded_checkpoint(job.checkpoint)
        request, order, ground = job.request, RenderOrder(job.request, checkpoint), None
        if request.layout is not None:
            sketch = await self._sketches.paint(request.layout, *order.size, request.seed)
            order = RenderOrder(request, checkpoint, sketch, request.sketch_strength)
        elif request.image is not None:
            ground = await self._inputs.prepared(request, order.size)
            order = RenderOrder(request, checkpoint, ground.base, request.strength, ground.mask)
        await self._memory.make_room(checkpoint)
        rendered = await self._engine.render(order, on_step)
        self._drawn[job.id] = order, ground
        log.info("picture drawn", job=job.id, seconds=round(rendered.seconds, 2), attempts=rendered.attempts)
        return rendered

    async def keep(self, job: Job, rendered: Rendered) -> GalleryItem:
        """Put the drawn picture into the gallery. Raises StorageFull."""
        order, ground = self._drawn.pop(job.id)
        request, checkpoint = order.request, order.checkpoint
        picture = rendered.picture if ground is None else await asyncio.to_thread(ground.finished, rendered.picture)
        metadata = ImageMetadata(
            request=request,
            width=picture.width,
            height=picture.height,
            checkpoint=checkpoint.name,
            checkpoint_hash=await self._catalogue.hash_of(checkpoint),
            device=rendered.device,
            dtype=rendered.dtype,
            vae_dtype=rendered.vae_dtype,
            versions={"illustrious-studio": self._models.model_status().version, **rendered.versions},
            seconds=round(rendered.seconds, 3),
            attempts=rendered.attempts,
            created_at=datetime.now(UTC),
            origin=job.origin,
        )
        # The picture takes the job's id: a job that is drawn again after a crash cannot make a second one.
        return await self._gallery.add(picture, metadata, item_id=job.id)
