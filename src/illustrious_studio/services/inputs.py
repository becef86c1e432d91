"""Pictures to start from (image to image) and masks: kept under their hash, and brought to the size of the drawing."""

import asyncio
import re

from illustrious_studio.domain.encoding import to_grey_png
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import (
    InputFiles,
    InputId,
    MaskAlpha,
    PreparedInit,
    before_it_grows,
    fitted,
    fitted_file,
    grows,
    mask_in,
    masked_region,
    prepare_part,
    prepare_whole,
    soft_mask_part,
)
from illustrious_studio.domain.outpainting import prepare_outpaint
from illustrious_studio.domain.pictures import (
    Picture,
    check_picture,
    open_grey,
    open_image,
    open_picture,
    size_of_picture,
)
from illustrious_studio.domain.upscaling import LANCZOS
from illustrious_studio.services.gallery import GalleryService

_INPUT = re.compile(r"[0-9a-f]{64}")


class InputService:
    """Keeps pictures to start from and their masks, and prepares them for drawing."""

    def __init__(self, files: InputFiles, gallery: GalleryService) -> None:
        self._files = files
        self._gallery = gallery

    async def keep(self, data: bytes) -> str:
        """Keep a picture file; its id. Raises NotAnImage, InvalidRequest (too large), StorageFull."""
        await asyncio.to_thread(check_picture, data)
        return await self._files.keep(data)

    async def keep_mask(
        self, data: bytes, *, alpha: MaskAlpha = "none", inverted: bool = False, rounded: bool = False
    ) -> str:
        """Keep what a mask's file means as plain grey, white to be redrawn; its id.

        Raises what `keep` raises, and InvalidRequest for a file without transparent pixels where those mean it.
        """

        def read() -> bytes:
            return to_grey_png(mask_in(data, alpha, inverted=inverted, rounded=rounded))

        return await self._files.keep(await asyncio.to_thread(read))

    async def keep_from_gallery(self, item_id: str) -> str:
        """Keep a picture of the gallery: deleting it there does not take it from what starts from it."""
        return await self._files.keep(await self._gallery.png(item_id))

    async def kept(self, picture: str | bytes) -> str:
        """The id of a picture: a file, or by its id one of the gallery or one that was kept before. Raises what `keep`
        and `keep_from_gallery` raise."""
        if isinstance(picture, bytes):
            return await self.keep(picture)
        return picture if _INPUT.fullmatch(picture) else await self.keep_from_gallery(picture)

    async def file(self, input_id: InputId) -> bytes:
        """The file as it was kept. Raises NotFound."""
        return await self._files.read(input_id)

    async def size(self, input_id: InputId) -> tuple[int, int]:
        """Width and height. Raises NotFound."""
        return size_of_picture(await self.file(input_id))

    async def picture(self, input_id: InputId) -> Picture:
        """The pixels of one, in its own size. Raises NotFound."""
        file = await self.file(input_id)
        return await asyncio.to_thread(lambda: open_picture(file).picture)

    async def checked(self, request: ImageRequest) -> tuple[int, int]:
        """The size of the request's picture, once it is checked that drawing can start from it as asked.

        Raises NotFound, and InvalidRequest for a mask with nothing in it where only that is to be drawn.
        """
        assert request.image is not None
        size = await self.size(request.image)
        mask = None if request.mask is None else await self.file(request.mask)
        if mask is not None and request.mask_area == "masked":
            await asyncio.to_thread(lambda: soft_mask_part(open_grey(mask)[0], size, request.mask_blur))
        return size

    async def to_enlarge(self, request: ImageRequest, size: tuple[int, int]) -> tuple[Picture, tuple[int, int]] | None:
        """What of the request's picture its upscaler makes larger before drawing starts from it in that size, and how
        large; None where it does not grow, or by Lanczos's filter, which `prepared` does itself; outpainting makes
        nothing larger. Raises NotFound."""
        assert request.image is not None
        if request.image_upscaler == LANCZOS or request.outpaint is not None:
            return None
        file, part = await self.file(request.image), request.mask is not None and request.mask_area == "masked"
        mask = await self.file(request.mask) if part and request.mask is not None else None

        def found() -> tuple[Picture, tuple[int, int]] | None:
            shape = size_of_picture(file)
            box, fit = (0, 0, *shape), request.fit
            if mask is not None:
                box = masked_region(shape, open_grey(mask)[0], size, request.mask_padding, request.mask_blur)
                fit = "fill"
            if not grows((box[2] - box[0], box[3] - box[1]), size, fit):
                return None
            image, larger = before_it_grows(open_image(file).crop(box), size, fit)
            return Picture.from_image(image), larger

        return await asyncio.to_thread(found)

    async def prepared(
        self, request: ImageRequest, size: tuple[int, int], larger: Picture | None = None
    ) -> PreparedInit:
        """The request's picture, and its mask if it has one, ready to start from in that size. `larger`: what became of
        `to_enlarge`. Raises NotFound."""
        assert request.image is not None
        file = await self.file(request.image)
        mask = None if request.mask is None else await self.file(request.mask)

        def prepare() -> PreparedInit:
            image = None if larger is None else larger.image()
            if request.outpaint is not None:
                return prepare_outpaint(file, request.outpaint, size)
            if mask is None:
                fit = request.fit
                return PreparedInit(
                    Picture.from_image(fitted_file(file, size, fit) if image is None else fitted(image, size, fit))
                )
            grey, blur, fill = open_grey(mask)[0], request.mask_blur, request.mask_content == "fill"
            if request.mask_area == "masked":
                return prepare_part(file, grey, size, request.mask_padding, blur, fill, image)
            return prepare_whole(file, grey, size, request.fit, blur, fill, image)

        return await asyncio.to_thread(prepare)
