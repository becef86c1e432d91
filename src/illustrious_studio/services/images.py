"""Pictures on request: settles what a person left open (seed, size, layout), queues it, and waits for it."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from random import Random
from weakref import WeakValueDictionary

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import MAX_SEED, ImageRequest, Origin
from illustrious_studio.domain.inputs import size_like
from illustrious_studio.domain.jobs import Job, JobProgress, Once
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.loras import with_loras
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.prompt_language import not_done_here
from illustrious_studio.domain.sampling import resolved_schedule
from illustrious_studio.domain.wildcards import Lines, WildcardFiles, chosen, has_choices
from illustrious_studio.services.ingredients import Ingredients
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.layouts import By, LayoutService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.render_plan import as_asked, size_of, strength_of

EXAMPLES = ("a black cat in the snow", "1girl, silver hair, blue eyes")
"""Where a checkpoint that starts from sketches has none."""


@dataclass(frozen=True)
class Settled:
    """Requests with nothing left to chance, each for a picture; where they come from, and what draws them."""

    requests: Sequence[ImageRequest]
    origin: Origin
    checkpoint: Checkpoint


class ImageService:
    """Draws pictures."""

    def __init__(
        self,
        jobs: JobQueue,
        models: ModelService,
        layouts: LayoutService,
        wildcards: WildcardFiles,
        ingredients: Ingredients,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._ingredients = ingredients
        self._layouts = layouts
        self._wildcards = wildcards
        self._keys: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Held while a request with that key is queued, so that of two of them one is the first."""

    def suggested(self, prompt: str, checkpoint: Checkpoint | None = None) -> ImageRequest:
        """A request with the settings that the checkpoint (the one in use) wants, and with no words but these. Raises
        Unavailable."""
        checkpoint = checkpoint or self._models.checkpoint()
        return ImageRequest(prompt=prompt, **checkpoint.settings)

    async def wildcards(self) -> list[str]:
        """The names that may stand between two underscores each."""
        return await self._wildcards.names()

    def not_drawn(self, job: Job) -> str:
        """Which words of the prompt the sketch of a job leaves out, in one line; empty for none."""
        layout = job.request.layout
        return self._ingredients.sketches.not_drawn(layout) if layout is not None else ""

    async def start_image(self, request: ImageRequest, origin: Origin | None = None) -> Job:
        """Queue a picture. Raises Unavailable (no checkpoint), Busy (queue full), InvalidRequest."""
        (job,) = await self.start_images(request, 1, origin)
        return job

    async def start_images(
        self,
        request: ImageRequest,
        count: int,
        origin: Origin | None = None,
        checkpoint: str = "",
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> list[Job]:
        """Queue so many pictures of one request, each a job of its own, with the seeds from the request's on.

        So each is the picture that its seed alone would give, can be cancelled alone, and is kept as soon as it is
        drawn. `checkpoint` names another one to draw them than the one in use; NotFound when it is unknown. They `stay`
        queued when who asks goes away meanwhile. With `once` a request that came before has its jobs already; Conflict
        when its key came with another one. Raises what `start_image` raises; then none is queued.

        Wildcards and choices in the prompts are settled now, for each picture anew. A checkpoint that draws from a
        sketch refuses words of which none is known (NothingKnown, an InvalidRequest). What of other programs' prompt
        language is not done here is refused, and so are LoRAs and embeddings that are not there. LoRAs that the request
        names in a field of their own are in its prompt from now on.
        """
        queued = partial(self._queued, request, count, origin, checkpoint)
        if once is None:
            return await queued(stay=stay)
        lock = self._keys.setdefault(once.key, asyncio.Lock())
        async with lock:
            known = await self._jobs.known(once, count)
            return known or await queued(once=once)

    async def _queued(
        self,
        request: ImageRequest,
        count: int,
        origin: Origin | None,
        checkpoint: str,
        *,
        stay: bool = True,
        once: Once | None = None,
    ) -> list[Job]:
        settled = await self.settled(request, count, origin, checkpoint)
        return await self._jobs.submit_all(
            settled.requests, settled.origin, settled.checkpoint.name, stay=stay, once=once
        )

    async def settled(
        self, request: ImageRequest, count: int = 1, origin: Origin | None = None, checkpoint: str = ""
    ) -> Settled:
        """What `start_images` queues. Raises what it raises, but Busy."""
        using = as_asked(request, await self._models.checkpoint_named(checkpoint))
        first = secrets.randbelow(MAX_SEED + 1) if request.seed < 0 else request.seed
        await self._ingredients.vaes.named(request.vae)
        if request.hires is not None:
            await self._ingredients.upscales.enlarging(request.hires.enlarged_by)
        request = await self._ingredients.details.checked(request)
        # What lacks its picture or its mask is refused now, not when it is drawn.
        over = None if request.image is None else await self._ingredients.inputs.checked(request)
        if over is not None:
            upscaler = await self._ingredients.upscales.name_of(request.image_upscaler)
            request = request.model_copy(update={"image_upscaler": upscaler})
        if request.controls:
            request = request.model_copy(update={"controls": await self._ingredients.controls.settled(request, using)})
        if request.loras:
            request = request.model_copy(update={"prompt": with_loras(request.prompt, request.loras), "loras": ()})
        varied = request.variation_seed
        if varied is None or varied < 0:
            varied = secrets.randbelow(MAX_SEED + 1)
        resolved: list[ImageRequest] = []
        templates = request.prompt, request.negative_prompt
        choosing = any(map(has_choices, request.prompts.values()))
        for number in range(count):
            seeds = {"seed": (first + number) % (MAX_SEED + 1), "variation_seed": None}
            if request.variation_strength:  # of one seed, as many variations: A1111's
                seeds = {"seed": first, "variation_seed": (varied + number) % (MAX_SEED + 1)}
            one = request.model_copy(update=seeds)
            one = await self._with_words_chosen(one, number) if choosing else one
            one = self._ingredients.regions.split(one)
            for which, prompt in one.prompts.items():
                if found := not_done_here(prompt):
                    raise InvalidRequest(f"The {which} {found}.")
            await self._ingredients.loras.of(one, using)
            await self._ingredients.loras.of_regions(one, using)
            await self._ingredients.embeddings.of(one)
            one = await self._resolved(one, using, over, "words" if resolved and not choosing else "auto")
            if one.layout is not None and one.layout.by == "model" and not choosing:
                request = request.model_copy(update={"layout": one.layout})  # it would say the same of each seed
            resolved.append(one)
        origin = origin or Origin()
        if not origin.words:
            origin = origin.model_copy(update={"words": request.prompt})
        if choosing:
            origin = origin.model_copy(update=dict(zip(("template", "negative_template"), templates, strict=True)))
        return Settled(resolved, origin, using)

    async def generate_image(self, request: ImageRequest, origin: Origin | None = None) -> GalleryItem:
        """Draw a picture and wait for it; who stops waiting (a client that went away) cancels it.

        Raises what `start_image` raises, and OutOfMemory, EngineDied, StorageFull, Cancelled.
        """
        (item,) = await self.generate_images(request, 1, origin)
        return item

    async def generate_images(
        self,
        request: ImageRequest,
        count: int,
        origin: Origin | None = None,
        checkpoint: str = "",
        *,
        once: Once | None = None,
    ) -> list[GalleryItem]:
        """The same for several. The first that fails is raised, and those not drawn yet are cancelled. With `once` who
        stops waiting may come back, and cancels nothing."""
        jobs = await self.start_images(request, count, origin, checkpoint, stay=False, once=once)
        async with self._jobs.waited_for(jobs, stay=once is not None):
            return [await self._jobs.wait(job.id) for job in jobs]

    async def follow_image(
        self,
        request: ImageRequest,
        origin: Origin | None = None,
        checkpoint: str = "",
        *,
        once: Once | None = None,
    ) -> AsyncGenerator[JobProgress | GalleryItem, None]:
        """As `generate_images` of one, with every change on the way; the last is the picture. Closing it is to stop
        waiting."""
        jobs = await self.start_images(request, 1, origin, checkpoint, stay=False, once=once)
        async with self._jobs.waited_for(jobs, stay=once is not None):
            async with aclosing(self._jobs.watch(jobs[0].id)) as changes:
                async for change in changes:
                    yield change
            yield await self._jobs.wait(jobs[0].id)

    async def _with_words_chosen(self, request: ImageRequest, number: int) -> ImageRequest:
        """The request with everything in its prompts settled that is to be chosen. `number`: which of several it is."""
        seed = request.seed if request.wildcard_seed is None else (request.wildcard_seed + number) % (MAX_SEED + 1)
        random = Random(seed)

        def words(lines: Lines) -> dict[str, object]:
            prompt = chosen(request.prompt, random, lines)
            negative = chosen(request.negative_prompt, random, lines)
            settled: dict[str, object] = {"prompt": prompt, "negative_prompt": negative, "wildcard_seed": seed}
            if request.hires is not None:
                others = {name: getattr(request.hires, name) for name in ("prompt", "negative_prompt")}
                others = {name: text and chosen(text, random, lines) for name, text in others.items()}
                settled["hires"] = request.hires.model_copy(update=others)
            settled["details"] = tuple(
                detail.model_copy(
                    update={
                        name: chosen(getattr(detail, name), random, lines) for name in ("prompt", "negative_prompt")
                    }
                )
                for detail in request.details
            )
            said = [chosen(one.prompt, random, lines) for one in request.regions]
            parts = zip(request.regions, said, strict=True)
            return settled | {"regions": tuple(one.model_copy(update={"prompt": words}) for one, words in parts)}

        return request.model_copy(update=await self._wildcards.with_lines(words))

    async def _resolved(
        self, request: ImageRequest, checkpoint: Checkpoint, over: tuple[int, int] | None, by: By
    ) -> ImageRequest:
        """The request with nothing left to chance or to anybody who may answer otherwise the next time."""
        size = size_of(request, checkpoint)
        if over is not None and request.outpaint is not None:
            request, size = _outpainting(request, over)
        elif over is not None and request.width is None and request.height is None:
            size = size_like(over, size)
        values = request.model_dump() | {
            "width": size[0],
            "height": size[1],
            "schedule": resolved_schedule(request.sampler, request.schedule, checkpoint),
        }
        if over is not None:
            values["strength"] = None if request.skip_img2img else strength_of(request, checkpoint)
        resolved = ImageRequest.model_validate(values)
        resolved = await self._with_regions_settled(resolved, checkpoint, size, by)
        if over is not None:
            return self._ingredients.details.settled(resolved, checkpoint)
        if resolved.hires is not None:
            resolved.hires.sizes(size)
        layout = resolved.layout
        if layout is not None or resolved.layout_from_words or checkpoint.sketch_strength is not None:
            given, layout = layout, await self._laid_out(resolved, size, by)
            if given is None and checkpoint.sketch_strength is not None:  # it knows no word that is not in its sketch
                words = await self._layouts.words_of(resolved.prompt)
                self._ingredients.sketches.refuse_unknown(layout, words, checkpoint.examples or EXAMPLES)
        resolved = resolved.model_copy(update={"layout": layout, "layout_from_words": False})
        strength = resolved.sketch_strength if layout is None else strength_of(resolved, checkpoint)
        hires = resolved.hires
        if hires is not None:
            hires = hires.settled(None if checkpoint.sketch_strength is None else strength)
        resolved = resolved.model_copy(update={"sketch_strength": strength, "hires": hires})
        return self._ingredients.details.settled(resolved, checkpoint)

    async def _laid_out(self, request: ImageRequest, size: tuple[int, int], by: By) -> Layout:
        """The request's layout with nothing left open, or that of its words."""
        aspect = size[0] / size[1]
        if request.layout is not None:
            return self._ingredients.sketches.completed(request.layout, request.prompt, aspect, request.seed)
        return (await self._layouts.lay_out(request.prompt, request.seed, aspect, by)).layout

    async def _with_regions_settled(
        self, request: ImageRequest, checkpoint: Checkpoint, size: tuple[int, int], by: By
    ) -> ImageRequest:
        """The request with the regions of its layout, where it wants these and brings none, and its regions checked.

        A layout that is no sketch is none any more then, but with a checkpoint that always begins with one.
        """
        if request.layout_as != "sketch":
            also_sketched = request.layout_as == "both" or (
                checkpoint.sketch_strength is not None and not request.image
            )
            update: dict[str, object] = {"layout_as": "both" if also_sketched else "sketch"}
            if not request.regions:
                layout = await self._laid_out(request, size, by)
                update |= {"regions": self._ingredients.regions.of_layout(layout, request.prompt), "layout": layout}
            update |= {"layout_from_words": True} if also_sketched else {"layout": None, "layout_from_words": False}
            request = request.model_copy(update=update)
        await self._ingredients.regions.check(request, size, checkpoint)
        return request


def _outpainting(request: ImageRequest, picture: tuple[int, int]) -> tuple[ImageRequest, tuple[int, int]]:
    """With what is added in pixels, and the size in which that is drawn. Raises InvalidRequest."""
    assert request.outpaint is not None
    outpaint = request.outpaint.settled(picture)
    size = outpaint.drawn(picture, in_tiles=request.tile is not None)
    for name, asked, drawn in zip(("width", "height"), (request.width, request.height), size, strict=True):
        if asked not in (None, drawn):
            raise InvalidRequest(
                f"{name}: with outpaint it is what the picture becomes, here {size[0]} x {size[1]}; leave it out, or "
                "say in outpaint to which size the picture grows."
            )
    return request.model_copy(update={"outpaint": outpaint}), size
