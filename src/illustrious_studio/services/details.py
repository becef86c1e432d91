"""The details of a picture: what a request says of them is checked and settled before it is queued, and their regions
are found out as far as they are known before the picture is drawn."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from illustrious_studio.domain.details import (
    FACES,
    PEOPLE,
    ROUNDING,
    Detail,
    DetailBox,
    DetectorFile,
)
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.of_file import record_of
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture, open_grey, size_of_picture, text_in
from illustrious_studio.domain.rendering import Regions
from illustrious_studio.domain.setting import given
from illustrious_studio.domain.upscaling import Size
from illustrious_studio.services.detectors import DetectorService
from illustrious_studio.services.inputs import InputService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.render_plan import detail_pass, settled_detail, size_of
from illustrious_studio.services.sketch import SketchService

OF_THE_WHOLE: dict[str, object] = {
    "hires": None,
    "mask": None,
    "mask_area": "whole",
    "mask_content": "original",
    "layout_from_words": False,
    "width": None,
    "height": None,
    "strength": None,
    "tile": None,
}
"""What of a record is about drawing the whole picture, of which nothing is drawn."""


class DetailService:
    """Knows where the details of pictures are."""

    def __init__(
        self, detectors: DetectorService, inputs: InputService, sketches: SketchService, models: ModelService
    ) -> None:
        self._detectors = detectors
        self._inputs = inputs
        self._sketches = sketches
        self._models = models

    async def checked(self, request: ImageRequest) -> ImageRequest:
        """The request with its detectors by the studio's names. Raises InvalidRequest (no such detector, nothing of
        that name, no mask, only the details of a picture without any), NotFound."""
        if request.skip_img2img and not request.details:
            raise InvalidRequest("skip_img2img: without details nothing of the picture is drawn; say which")
        details = [await self._checked(detail, number) for number, detail in enumerate(request.details)]
        return request.model_copy(update={"details": tuple(details)}) if details else request

    async def _checked(self, detail: Detail, number: int) -> Detail:
        where = f"details.{number}"
        if detail.find == "layout" and detail.what not in ("", FACES, PEOPLE):
            named = self._sketches.named(detail.what)
            if named is None:
                raise InvalidRequest(
                    f"{where}.what: there is no drawing of {detail.what!r}; a layout has {FACES}, {PEOPLE} and the "
                    "things that can be painted (GET /layout/objects)"
                )
            return detail.model_copy(update={"what": named[0]})
        if detail.mask is not None:
            file = await self._inputs.file(detail.mask)
            if await asyncio.to_thread(lambda: open_grey(file)[0].getbbox()) is None:
                raise InvalidRequest(f"{where}.mask: it has no white, so there is nothing to draw; paint a region")
        if detail.detector is None:
            return detail
        detector = await self._detector(detail.detector, where)
        if detail.what and detector.finds and detail.what not in detector.finds:
            some = ", ".join(detector.finds[:20])
            raise InvalidRequest(f"{where}.what: {detector.name} does not find {detail.what!r}; it finds: {some}")
        return detail.model_copy(update={"detector": detector.name})

    async def _detector(self, name: str, where: str) -> DetectorFile:
        try:
            return await self._detectors.named(name)
        except InvalidRequest as error:
            raise InvalidRequest(f"{where}.detector: {error.detail}") from error

    def settled(self, request: ImageRequest, checkpoint: Checkpoint) -> ImageRequest:
        """The request with nothing left open of its details, once its layout is known. Raises InvalidRequest for those
        of a layout where there is none, and for samplers that do not go with the checkpoint."""
        for number, detail in enumerate(request.details):
            if detail.find == "layout" and request.layout is None:
                raise InvalidRequest(
                    f"details.{number}.find: this picture has no layout to find anything in. Use layout_from_words, a "
                    "detector (GET /detectors), boxes, or a mask."
                )
            try:
                detail_pass(detail, request, checkpoint)
            except InvalidRequest as error:
                raise InvalidRequest(f"details.{number}: {error.detail}") from error
        details = tuple(settled_detail(detail, checkpoint) for detail in request.details)
        return request.model_copy(update={"details": details}) if details else request

    async def regions(self, request: ImageRequest, checkpoint: Checkpoint) -> tuple[Regions, ...]:
        """Of each detail of a settled request. Raises NotFound and InvalidRequest for what is gone since."""
        first = size_of(request, checkpoint)
        return tuple([await self._regions(detail, request, first) for detail in request.details])

    async def _regions(self, detail: Detail, request: ImageRequest, first: Size) -> Regions:
        if detail.detector is not None:
            return Regions(detector=await self._detectors.named(detail.detector))
        if detail.mask is not None:
            file = await self._inputs.file(detail.mask)
            grey = await asyncio.to_thread(lambda: open_grey(file)[0])
            return Regions(mask=Picture.from_image(grey))
        if detail.find == "boxes" or request.layout is None:
            return Regions(detail.boxes)
        boxes = self.in_layout(request.layout, detail.what, first)
        if request.hires is not None:
            boxes = [one for box in boxes for one in _in_the_middle(box, *request.hires.sizes(first))]
        return Regions(tuple(boxes))

    def in_layout(self, layout: Layout, what: str, size: Size) -> list[DetailBox]:
        """Where faces, people or things of that name are, in a picture of that layout and size."""
        if what in ("", FACES):
            width, height = size
            edges = [
                (left / width, top / height, right / width, bottom / height)
                for left, top, right, bottom in self._sketches.faces(layout, size)
            ]
        else:
            edges = [
                (thing.x - thing.w / 2, thing.y - thing.h / 2, thing.x + thing.w / 2, thing.y + thing.h / 2)
                for thing in layout.things
                if (thing.figure is not None if what == PEOPLE else thing.what == what)
            ]
        return [one for each in edges for one in _within(*each)]

    async def request(self, picture: str | bytes, details: Sequence[Detail] = ()) -> ImageRequest:
        """What draws the details of a picture again and nothing else of it, with the settings of its record: of a file,
        or by its id of one of the gallery or one that was given before. Without details it is faces: those of its
        layout, or else those that a detector finds.

        Raises NotAnImage, NotFound, InvalidRequest (nothing finds anything; its record has what no request can),
        Unavailable (no checkpoint), StorageFull.
        """
        checkpoint = self._models.checkpoint()
        image = await self._inputs.kept(picture)
        file = await self._inputs.file(image)
        made = record_of(await asyncio.to_thread(text_in, file), size_of_picture(file), datetime.now(UTC))
        details = tuple(details) or (await self._usual(made),)
        known = given(made.request)
        usual = {"steps": checkpoint.steps, "guidance": checkpoint.guidance}
        return made.request_with(
            {
                **OF_THE_WHOLE,
                **{name: value for name, value in usual.items() if name not in known},
                "image": image,
                "skip_img2img": True,
                "details": tuple(self._placed(one, made) for one in details),
            }
        )

    async def _usual(self, made: ImageMetadata) -> Detail:
        layout = made.request.layout
        if layout is not None and any(thing.figure for thing in layout.things):
            return Detail(what=FACES)
        found = await self._detectors.detectors()
        if not found:
            raise InvalidRequest(
                "Nothing here finds faces in this picture: it was drawn without a layout of people, and there is no "
                "detector. Put one as an ONNX file into the folder models/detectors, or give boxes or a mask."
            )
        named = next((one for one in found if "face" in one.name.lower()), found[0])
        return Detail(find="detector", detector=named.name)

    def _placed(self, detail: Detail, made: ImageMetadata) -> Detail:
        """What a layout's detail is in a picture that is given: boxes, by the layout that this one was drawn from."""
        layout = made.request.layout
        if detail.find != "layout" or layout is None:
            return detail
        first = made.request.width or made.width, made.request.height or made.height
        boxes = self.in_layout(layout, detail.what, first)
        return detail.model_copy(update={"find": "boxes", "what": "", "boxes": tuple(boxes)})


def _in_the_middle(box: DetailBox, scaled: Size, kept: Size) -> list[DetailBox]:
    """The box in the middle of the picture when it has become larger, of which that much is kept; none beyond it."""
    left, top, right, bottom = box.edges

    def place(share: float, side: int) -> float:
        return (share * scaled[side] - (scaled[side] - kept[side]) / 2) / kept[side]

    return _within(place(left, 0), place(top, 1), place(right, 0), place(bottom, 1))


def _within(left: float, top: float, right: float, bottom: float) -> list[DetailBox]:
    """What of a box is in the picture; nothing where all of it is beyond."""
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, 1.0), min(bottom, 1.0)
    if right - left <= ROUNDING or bottom - top <= ROUNDING:
        return []
    return [DetailBox(x=(left + right) / 2, y=(top + bottom) / 2, w=right - left, h=bottom - top)]
