"""Regions of a request: settled before it is queued, and their masks when it is drawn."""

import asyncio

from illustrious_studio.domain.errors import InvalidRequest, NothingKnown
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.region_words import words_of
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.loras import without_loras
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture, open_grey
from illustrious_studio.domain.regions import MOST_REGIONS, Region, split
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.sketch import SketchService

LATENT = 8
"""Pixels of a picture's side for one latent of SDXL. A region smaller than that would be in no latent."""
LARGEST_MASK = 1024
"""Pixels of the longer side of a mask on its way to the engine: no drawing has more latents."""


class RegionService:
    """Makes regions of a prompt's parts and of a layout's things, checks those there are, and reads their masks."""

    def __init__(self, inputs: InputService, sketches: SketchService) -> None:
        self._inputs = inputs
        self._sketches = sketches

    def split(self, request: ImageRequest) -> ImageRequest:
        """The request with its prompt split at BREAK, where it wants that. Raises InvalidRequest."""
        if request.region_split is None:
            return request
        prompt, regions = split(request.prompt, request.region_split, request.region_ratios)
        return request.model_copy(
            update={"prompt": prompt, "regions": regions, "region_split": None, "region_ratios": ()}
        )

    def of_layout(self, layout: Layout, prompt: str) -> tuple[Region, ...]:
        """A region for each thing of a layout: its box, and its words from the prompt. Raises InvalidRequest for a
        layout without things, or with too many."""
        if not layout.things:
            raise InvalidRequest(
                "layout_as: nothing that could be laid out was found in the prompt. Name things that the studio knows "
                "(GET /layout/objects), or give regions."
            )
        if len(layout.things) > MOST_REGIONS:
            raise InvalidRequest(
                f"layout_as: the layout has {len(layout.things)} things, and {MOST_REGIONS} regions are the most. Take "
                "some out of it."
            )
        said = words_of(layout.things, self._sketches.in_english(prompt).text, self._sketches.vocabulary)
        return tuple(
            Region(prompt=words, x=thing.x, y=thing.y, w=thing.w, h=thing.h)
            for thing, words in zip(layout.things, said, strict=True)
        )

    async def check(self, request: ImageRequest, size: tuple[int, int], checkpoint: Checkpoint) -> None:
        """Raises InvalidRequest for a region that no latent of a drawing of that size is in, NotFound for a mask that
        is gone, and NothingKnown for words of which a checkpoint that draws from a sketch knows none."""
        for number, region in enumerate(request.regions):
            name = f"regions.{number}"
            if not (request.disable_extra_networks or without_loras(region.prompt).strip(" ,\n")):
                raise InvalidRequest(f"{name}.prompt: names a LoRA and no more; write what is to be drawn there, too")
            for side, share, pixels in (("w", region.w, size[0]), ("h", region.h, size[1])):
                if share * pixels < LATENT:
                    raise InvalidRequest(
                        f"{name}.{side}: {share:g} of {pixels} pixels is less than the {LATENT} that are drawn at "
                        f"once; make it {LATENT / pixels:.3f} or more"
                    )
            if region.mask is not None and not await self._has_white(region):
                raise InvalidRequest(f"{name}.mask: has no white in the region's box; paint white what belongs to it")
            if checkpoint.sketch_strength is not None:
                try:
                    words = self._sketches.layout(region.prompt, 0)
                    self._sketches.refuse_unknown(words, region.prompt, checkpoint.examples[:2])
                except NothingKnown as error:
                    raise NothingKnown(f"{name}.prompt: {error.detail}", error.examples) from None

    async def masks(self, request: ImageRequest) -> tuple[Picture | None, ...]:
        """Of each region; empty where none has one. Raises NotFound."""
        if all(one.mask is None for one in request.regions):
            return ()
        return tuple([None if one.mask is None else await self._mask(one.mask) for one in request.regions])

    async def _mask(self, input_id: str) -> Picture:
        data = await self._inputs.file(input_id)
        return (await asyncio.to_thread(lambda: Picture.from_image(open_grey(data)[0]))).within(LARGEST_MASK)

    async def _has_white(self, region: Region) -> bool:
        assert region.mask is not None
        data = await self._inputs.file(region.mask)

        def found() -> bool:
            grey = open_grey(data)[0]
            left, top = (region.x - region.w / 2) * grey.width, (region.y - region.h / 2) * grey.height
            box = (left, top, left + region.w * grey.width, top + region.h * grey.height)
            seen = grey.crop((int(box[0]), int(box[1]), round(box[2] + 0.5), round(box[3] + 0.5)))
            return bool(seen.point(lambda value: 255 if value > 127 else 0, mode="L").getbbox())

        return await asyncio.to_thread(found)
