"""Upscale and redraw: from a picture and its record to the request that draws it again, larger and tile by tile.

It is a request like any other, image to image: so it is queued, kept, recorded and drawn again as such.
"""

import asyncio
from datetime import UTC, datetime

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import GRAIN
from illustrious_studio.domain.metadata.of_file import record_of
from illustrious_studio.domain.pictures import size_of_picture, text_in
from illustrious_studio.domain.redrawing import Redraw, usual_strength, usual_tile
from illustrious_studio.domain.setting import given
from illustrious_studio.domain.sizes import SHORTEST, too_large
from illustrious_studio.domain.upscaling import UpscaleSettings
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.upscalers import UpscalerService

OF_ANOTHER_SIZE: dict[str, object] = {
    "hires": None,
    "mask": None,
    "mask_area": "whole",
    "mask_content": "original",
    "soft_inpainting": False,
    "outpaint": None,
    "fit": "crop",
    "layout_from_words": False,
    "variation_seed": None,
    "variation_strength": 0.0,
    "seed_resize_from_width": None,
    "seed_resize_from_height": None,
}
"""What of a record means nothing, or something else, for the whole of the larger picture."""


class RedrawService:
    """Turns pictures into requests that redraw them."""

    def __init__(self, inputs: InputService, upscalers: UpscalerService, models: ModelService) -> None:
        self._inputs = inputs
        self._upscalers = upscalers
        self._models = models

    async def request(self, picture: str | bytes, settings: UpscaleSettings, redraw: Redraw) -> ImageRequest:
        """What draws a picture over: a file, or by its id one of the gallery or one that was given before.

        Raises NotAnImage, NotFound (no such picture or upscaler), InvalidRequest (it would become too large; two
        upscalers; its record has what no request can), Unavailable (no checkpoint), StorageFull.
        """
        if settings.upscaler_2 is not None:
            raise InvalidRequest("upscaler_2: what is redrawn is made larger by one upscaler; leave it out")
        checkpoint = self._models.checkpoint()
        tile = redraw.tile or usual_tile(checkpoint)
        if redraw.tile_overlap > tile // 2:
            raise InvalidRequest(f"redraw.tile_overlap: must be at most half of the tile, which is {tile}")
        image = await self._inputs.kept(picture)
        file = await self._inputs.file(image)
        before = size_of_picture(file)
        made = record_of(await asyncio.to_thread(text_in, file), before, datetime.now(UTC))
        known = given(made.request)
        wanted = {
            "prompt": redraw.prompt,
            "negative_prompt": redraw.negative_prompt,
            "seed": redraw.seed,
            "sampler": redraw.sampler,
            "steps": redraw.steps or (None if "steps" in known else checkpoint.steps),
            "guidance": None if "guidance" in known else checkpoint.guidance,
        }
        width, height = _size(settings, before)
        return made.request_with(
            {
                **OF_ANOTHER_SIZE,
                **{name: value for name, value in wanted.items() if value is not None},
                "image": image,
                "image_upscaler": await self._upscalers.name_of(settings.upscaler),
                "width": width,
                "height": height,
                "strength": redraw.strength or usual_strength(checkpoint),
                "tile": tile,
                "tile_overlap": redraw.tile_overlap,
            }
        )


def _size(settings: UpscaleSettings, before: tuple[int, int]) -> tuple[int, int]:
    """Of the larger picture, in whole latents. Raises InvalidRequest."""
    width, height = (side // GRAIN * GRAIN for side in settings.sizes(before)[1])
    if limit := too_large((width, height), in_tiles=True):
        raise InvalidRequest(f"The picture would become {width} x {height}; {limit}. Choose a smaller scale or size.")
    if min(width, height) < SHORTEST:
        raise InvalidRequest(f"The picture would become {width} x {height}, too small to be drawn over.")
    return width, height
