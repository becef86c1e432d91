"""Cutting out: a picture's subject without its background, as a file; and as a mask for inpainting.

Nothing of it is kept: what is cut out depends on the picture alone, and is there again within a second. The gallery
holds what was drawn, each with the settings that draw it again.
"""

import asyncio
import re

from illustrious_studio.domain.cutouts import BackgroundRemover, Cutout
from illustrious_studio.domain.encoding import to_grey_png
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.metadata.carried import PARAMETERS
from illustrious_studio.domain.pictures import open_image_with_text
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.inputs import InputService

LARGEST_MASK = 1024
"""Pixels of the longer side of a mask for inpainting, as the page paints them."""

_INPUT = re.compile(r"[0-9a-f]{64}")


class CutoutService:
    """Removes backgrounds. Each method raises NotAnImage, InvalidRequest (too large, or nothing stands out), NotFound
    and Unavailable."""

    def __init__(self, remover: BackgroundRemover, gallery: GalleryService, inputs: InputService) -> None:
        self._remover = remover
        self._gallery = gallery
        self._inputs = inputs
        self._turn = asyncio.Lock()

    async def remove_background(self, file: bytes) -> Cutout:
        """Of a picture file. The settings that it carries are in the cutout, too."""
        async with self._turn:  # a large picture takes hundreds of megabytes: so they are opened one at a time
            picture, text = await asyncio.to_thread(open_image_with_text, file)
            cutout = await self._remover.cut_out(picture)
            return await asyncio.to_thread(Cutout.of, cutout, text.get(PARAMETERS, ""))

    async def remove_background_of(self, picture_id: str) -> Cutout:
        """Of a picture of the gallery, or of one that was given before."""
        given = _INPUT.fullmatch(picture_id) is not None
        return await self.remove_background(
            await (self._inputs.file(picture_id) if given else self._gallery.png(picture_id))
        )

    async def keep_subject_mask(self, input_id: InputId, *, inverted: bool = False) -> str:
        """Keep the mask of a given picture's subject, or of its background, for inpainting; its id.

        Raises StorageFull, too.
        """
        file = await self._inputs.file(input_id)
        async with self._turn:
            picture, _ = await asyncio.to_thread(open_image_with_text, file)
            picture.thumbnail((LARGEST_MASK, LARGEST_MASK))
            mask = await self._remover.subject_mask(picture)
        return await self._inputs.keep_mask(to_grey_png(mask), inverted=inverted)
