"""Making one picture: what to start from, if anything; room on the card; drawing; keeping it with all that made it.

What is upscaled is the UpscaleRunner's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.inputs import PreparedInit
from illustrious_studio.domain.jobs import FinishedWork, Job, RenderedJob, UpscaledJob
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import CheckpointCatalogue
from illustrious_studio.domain.rendering import FromPicture, ImageEngine, Step
from illustrious_studio.services.embeddings import EmbeddingService
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.loras import LoraService
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.render_plan import render_plan, size_of
from illustrious_studio.services.sketch import SketchService
from illustrious_studio.services.upscale_runner import UpscaleRunner
from illustrious_studio.services.vaes import VaeService

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
        vaes: VaeService,
        loras: LoraService,
        embeddings: EmbeddingService,
        upscales: UpscaleRunner,
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._models = models
        self._sketches = sketches
        self._inputs = inputs
        self._gallery = gallery
        self._memory = memory
        self._vaes = vaes
        self._loras = loras
        self._embeddings = embeddings
        self._upscales = upscales

    @property
    def given_up(self) -> str:
        return self._engine.given_up

    async def works(self) -> None:
        await self._engine.works()

    async def render(self, job: Job, on_step: Callable[[Step], None]) -> FinishedWork:
        """Draw a job's picture, or upscale it. Raises what `ImageEngine.render` and `upscale` raise, and NotFound."""
        if job.upscale is not None:
            return await self._upscales.upscale(job.upscale, on_step)
        checkpoint = await self._models.loaded_checkpoint(job.checkpoint)
        request, size = job.request, size_of(job.request, checkpoint)
        start, prepared, larger = None, None, None
        if request.layout is not None:
            start = FromPicture(await self._sketches.paint(request.layout, *size, request.seed))
        elif request.image is not None:
            if (small := await self._inputs.to_enlarge(request, size)) is not None:
                larger = await self._upscales.enlarged(request.image_upscaler, *small)
            prepared = await self._inputs.prepared(request, size, None if larger is None else larger.picture)
            start = FromPicture(prepared.base, prepared.mask)
        vae, loras = await self._vaes.named(request.vae), await self._loras.of(request, checkpoint)
        embeddings = await self._embeddings.of(request)
        enlarging = None if request.hires is None else await self._upscales.enlarging(request.hires.enlarged_by)
        plan = render_plan(request, checkpoint, start, vae, loras, embeddings, enlarging)
        await self._memory.make_room(checkpoint)
        rendered = await self._engine.render(plan, on_step)
        if larger is not None:
            seconds, attempts = larger.seconds + rendered.seconds, (*larger.attempts, *rendered.attempts)
            rendered = replace(rendered, seconds=seconds, attempts=attempts)
        log.info("picture drawn", job=job.id, seconds=round(rendered.seconds, 2), attempts=rendered.attempts)
        return RenderedJob(plan, rendered, prepared)

    async def keep(self, job: Job, drawn: FinishedWork) -> GalleryItem:
        """Put the picture into the gallery. Raises StorageFull."""
        if isinstance(drawn, UpscaledJob):
            return await self._upscales.keep(job, drawn)
        rendered, prepared = drawn.rendered, drawn.prepared
        request, checkpoint = drawn.plan.request, drawn.plan.checkpoint
        image = await asyncio.to_thread((prepared or PreparedInit(rendered.picture)).finished, rendered.picture)
        metadata = ImageMetadata(
            request=request,
            width=image.width,
            height=image.height,
            checkpoint=checkpoint.name,
            checkpoint_hash=await self._catalogue.hash_of(checkpoint),
            lora_hashes=await self._loras.hashes(drawn.plan.loras),
            embedding_hashes=await self._embeddings.hashes(drawn.plan.embeddings),
            prediction_type=checkpoint.prediction_type,
            zero_terminal_snr=checkpoint.zero_terminal_snr,
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
        return await self._gallery.add(image, metadata, item_id=job.id)
