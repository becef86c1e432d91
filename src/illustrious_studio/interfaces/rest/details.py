"""Details of pictures: POST /detail, and GET /detectors for what finds them."""

from typing import Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from illustrious_studio.domain.details import DetectorFile
from illustrious_studio.domain.images import Origin
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors_of_body
from illustrious_studio.interfaces.rest.images import DrawnImage, drawn_image
from illustrious_studio.interfaces.shared.image_inputs import DetailRequest

router = APIRouter(tags=["Pictures"])


class Detector(BaseModel):
    """A file that finds things in pictures."""

    name: str
    finds: tuple[str, ...] = Field(description="What it finds, where its file names it.")
    masks: bool = Field(description="Whether it finds outlines, or only boxes.")
    side: int = Field(description="Pixels of a picture's longer side as it sees it.")
    size_bytes: int

    @classmethod
    def of(cls, file: DetectorFile) -> Self:
        return cls.model_validate(file.model_dump(exclude={"path", "stamp"}))


class RefusedDetector(BaseModel):
    """A file that is not offered, and why."""

    file: str
    reason: str


class DetectorList(BaseModel):
    """The detectors there are."""

    detectors: list[Detector]
    refused: list[RefusedDetector] = Field(description="What lies among the files and cannot be used.")


@router.get("/detectors", summary="List the detectors")
async def list_detectors(studio: StudioIn) -> DetectorList:
    """What lies as ONNX files in `models/detectors` of the data folder, and in the folders `adetailer` and
    `ultralytics` beside the checkpoints, by their headers."""
    refused = [RefusedDetector(file=one.path.name, reason=one.reason) for one in await studio.detectors.refused()]
    return DetectorList(detectors=[Detector.of(one) for one in await studio.detectors.detectors()], refused=refused)


@router.post("/detail", summary="Draw a picture's details again", responses=errors_of_body(404, 409, 503, 507))
async def draw_details(body: DetailRequest, request: Request, studio: StudioIn) -> DrawnImage:
    """Draws regions of a picture again, larger, with the settings of its record, and leaves the rest of it as it is, in
    its own size. It is kept as another picture."""
    wanted = await body.request(studio)
    once = once_of(request, body)
    items = await while_connected(request, studio.images.generate_images(wanted, 1, Origin(way="api"), once=once))
    return await drawn_image(items, request, studio)
