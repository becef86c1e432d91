"""Pictures that a person gives to be drawn over: kept under their hash, and brought to the size of the drawing."""

import asyncio

from illustrious_studio.domain.encoding import to_grey_png
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import InputFiles, InputId, MaskAlpha, fitted, mask_in, repainted
from illustrious_studio.domain.pictures import Picture, open_picture
from illustrious_studio.services.gallery import GalleryService


class InputService:
    def __init__(self, files: InputFiles, gallery: GalleryService) -> None:
        self._files = files
        self._gallery = gallery

    async def keep(self, data: bytes) -> str:
        """Keep a picture file; its id. Raises NotAnImage, InvalidRequest (too large), StorageFull."""
        await asyncio.to_thread(open_picture, data)
        return await self._files.keep(data)

    async def keep_mask(
        self, data: bytes, *, alpha: MaskAlpha = "none", inverted: bool = False, rounded: bool = False
    ) -> str:
        """Keep what a mask's file means as plain grey, white to be drawn anew; its id.

        Raises what `keep` raises, and InvalidRequest for a file without transparent pixels where those say it.
        """

        def read() -> bytes:
            return to_grey_png(mask_in(data, alpha, inverted=inverted, rounded=rounded))

        return await self._files.keep(await asyncio.to_thread(read))

    async def keep_from_gallery(self, item_id: str) -> str:
        """Keep a picture of the gallery: deleting it there does not take it from what is drawn over it."""
        return await self._files.keep(await self._gallery.png(item_id))

    async def picture(self, input_id: InputId) -> Picture:
        """Raises NotFound."""
        data = await self._files.read(input_id)
        return (await asyncio.to_thread(open_picture, data)).picture

    async def prepared(self, request: ImageRequest, size: tuple[int, int]) -> tuple[Picture, Picture | None]:
        """The request's picture in that size, and how much of each of its pixels is drawn anew, if it has a mask.

        Raises NotFound.
        """
        assert request.image is not None
        picture = await self.picture(request.image)
        mask = None if request.mask is None else await self.picture(request.mask)

        def prepare() -> tuple[Picture, Picture | None]:
            base = Picture.from_image(fitted(picture.image(), size, request.fit))
            if mask is None:
                return base, None
            return base, Picture.from_image(repainted(mask, picture, size, request.fit, request.mask_blur))

        return await asyncio.to_thread(prepare)
