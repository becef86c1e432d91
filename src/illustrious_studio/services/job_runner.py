"""Making one picture: what to start from, if anything; room on the card; drawing; keeping it with all that made it.

What is upscaled is the UpscaleRunner's.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, takewhile

import structlog

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.inputs import PreparedInit
from illustrious_studio.domain.jobs import FinishedWork, Job, RenderedJob, UpscaledJob
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import CheckpointCatalogue
from illustrious_studio.domain.rendering import FromPicture, ImageEngine, Rendered, RenderPlan, Step, alike
from illustrious_studio.domain.soft_inpainting import soft_inpainting_of
from illustrious_studio.domain.upscaling import Upscaled
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.ingredients import Ingredients
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.render_plan import render_plan, size_of

log = structlog.get_logger(__name__)


class JobRunner:
    """What the queue runs for each job (`jobs.JobExecutor`)."""

    def __init__(
        self,
        engine: ImageEngine,
        catalogue: CheckpointCatalogue,
        models: ModelService,
        gallery: GalleryService,
        memory: MemoryService,
        ingredients: Ingredients,
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._models = models
        self._ingredients = ingredients
        self._gallery = gallery
        self._memory = memory

    @property
    def given_up(self) -> str:
        return self._engine.given_up

    async def works(self) -> None:
        await self._engine.works()

    def at_once(self, jobs: Sequence[Job]) -> int:
        """How many of these, the first ones, are alike and fit into memory together."""
        first, size = jobs[0], jobs[0].size
        most = 1 if size is None else self._memory.pictures_at_once(*size)
        return max(1, len(list(takewhile(first.is_like, jobs[:most]))))

    async def render(
        self, jobs: Sequence[Job], on_step: Callable[[Step], None]
    ) -> Sequence[FinishedWork | StudioError]:
        """Draw the pictures of jobs that are alike, or upscale that of one. Raises what `ImageEngine.render` and
        `upscale` raise, and NotFound."""
        if jobs[0].upscale is not None:
            return [await self._ingredients.upscales.upscale(jobs[0].upscale, on_step)]
        prepared = [await self._prepared(job) for job in jobs]
        plans = [plan for plan, _, _ in prepared]
        await self._memory.make_room(plans)
        if len(plans) > 1 and plans[0].passes and all(alike(plans[0], plan) for plan in plans):
            results = await self._engine.render_batch(plans, on_step)
        else:  # of jobs that were alike, a file may have been replaced meanwhile
            results = [await self._engine.render(plan, on_step) for plan in plans]
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Rendered):
                seconds, attempts = round(result.seconds, 2), result.attempts
                log.info(
                    "picture drawn", job=job.id, seconds=seconds, attempts=attempts, batch=result.batch_size,
                    placement=result.placement,
                )  # fmt: skip
        return [
            result if isinstance(result, StudioError) else RenderedJob(plan, _with_enlarging(result, larger), init)
            for (plan, init, larger), result in zip(prepared, results, strict=True)
        ]

    async def _prepared(self, job: Job) -> tuple[RenderPlan, PreparedInit | None, Upscaled | None]:
        """The plan; how what is drawn comes into the picture that was given, where there was one; and that made larger
        by a network, where it was."""
        checkpoint = await self._models.loaded_checkpoint(job.checkpoint)
        request, size = job.request, size_of(job.request, checkpoint)
        start, prepared, larger = None, None, None
        if request.layout is not None:
            start = FromPicture(await self._ingredients.sketches.paint(request.layout, *size, request.seed))
        elif request.image is not None and request.skip_img2img:
            start = FromPicture(await self._ingredients.inputs.picture(request.image))
        elif request.image is not None:
            if (small := await self._ingredients.inputs.to_enlarge(request, size)) is not None:
                larger = await self._ingredients.upscales.enlarged(request.image_upscaler, *small)
            prepared = await self._ingredients.inputs.prepared(
                request, size, None if larger is None else larger.picture
            )
            content = request.mask_content if request.outpaint is None else request.outpaint.content
            start = FromPicture(prepared.base, prepared.mask, content, soft_inpainting_of(request))
        vae, loras, region_loras = (
            await self._ingredients.vaes.named(request.vae),
            await self._ingredients.loras.of(request, checkpoint),
            await self._ingredients.loras.of_regions(request, checkpoint),
        )
        embeddings = await self._ingredients.embeddings.of(request)
        enlarging = (
            None if request.hires is None else await self._ingredients.upscales.enlarging(request.hires.enlarged_by)
        )
        masks, found = (
            await self._ingredients.regions.masks(request),
            await self._ingredients.details.regions(request, checkpoint),
        )
        plan = render_plan(request, checkpoint, start, vae, loras, embeddings, enlarging, found, masks, region_loras)
        if request.controls:
            shape, region = None, None
            if request.image is not None and request.mask_area == "masked" and prepared is not None:
                shape, region = await self._ingredients.inputs.size(request.image), prepared.region
            plan = replace(plan, controls=await self._ingredients.controls.uses(request, size, shape, region))
        return plan, prepared, larger

    async def keep(self, job: Job, drawn: FinishedWork) -> GalleryItem:
        """Put the picture into the gallery. Raises StorageFull."""
        if isinstance(drawn, UpscaledJob):
            return await self._ingredients.upscales.keep(job, drawn)
        rendered, prepared = drawn.rendered, drawn.prepared
        request, checkpoint = drawn.plan.request, drawn.plan.checkpoint
        image = await asyncio.to_thread(
            (prepared or PreparedInit(rendered.picture)).finished, rendered.picture, rendered.changed
        )
        metadata = ImageMetadata(
            request=request,
            width=image.width,
            height=image.height,
            checkpoint=checkpoint.name,
            checkpoint_hash=await self._catalogue.hash_of(checkpoint),
            vae_hash=await self._ingredients.vaes.hash_of(drawn.plan.vae),
            lora_hashes=await self._ingredients.loras.hashes(
                [*drawn.plan.loras, *chain.from_iterable(drawn.plan.region_loras)]
            ),
            embedding_hashes=await self._ingredients.embeddings.hashes(drawn.plan.embeddings),
            control_hashes=await self._ingredients.controls.hashes(drawn.plan.controls),
            prediction_type=checkpoint.prediction_type,
            zero_terminal_snr=checkpoint.zero_terminal_snr,
            device=rendered.device,
            dtype=rendered.dtype,
            vae_dtype=rendered.vae_dtype,
            versions={"illustrious-studio": self._models.model_status().version, **rendered.versions},
            seconds=round(rendered.seconds, 3),
            attempts=rendered.attempts,
            batch_size=rendered.batch_size,
            placement=rendered.placement,
            created_at=datetime.now(UTC),
            origin=job.origin,
        )
        # The picture takes the job's id: a job that is drawn again after a crash cannot make a second one.
        return await self._gallery.add(image, metadata, item_id=job.id)


def _with_enlarging(rendered: Rendered, larger: Upscaled | None) -> Rendered:
    """With what it took to make the picture larger that was drawn over."""
    if larger is None:
        return rendered
    attempts = (*larger.attempts, *rendered.attempts)
    return replace(rendered, seconds=rendered.seconds + larger.seconds, attempts=attempts)
