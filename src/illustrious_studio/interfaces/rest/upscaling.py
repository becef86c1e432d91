"""Upscaling: POST /upscale, and GET /upscalers."""

import asyncio
from base64 import b64encode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.upscaling import Upscaler
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors_of_body, image_link
from illustrious_studio.interfaces.shared.image_inputs import UpscaleBody
from illustrious_studio.interfaces.shared.records import PictureMetadata
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["Pictures"])


class RefusedUpscaler(BaseModel):
    """A file that is not offered, and why."""

    file: str
    reason: str


class UpscalerList(BaseModel):
    """The upscalers there are."""

    upscalers: list[Upscaler]
    refused: list[RefusedUpscaler] = Field(description="What lies among the files and cannot be used.")


class UpscaledImage(BaseModel):
    """A picture, upscaled and kept."""

    message: str
    image_base64: str = Field(description="The PNG file, its settings inside.")
    width: int
    height: int
    image_id: str
    url: str
    metadata: PictureMetadata


@router.get("/upscalers", summary="List the upscalers")
async def list_upscalers(studio: StudioIn) -> UpscalerList:
    """Lanczos and the built-in one first, then the files of the folder `models/upscalers`, by their headers."""
    refused = [RefusedUpscaler(file=one.path.name, reason=one.reason) for one in await studio.upscalers.refused()]
    return UpscalerList(upscalers=await studio.upscalers.upscalers(), refused=refused)


@router.post(
    "/upscale",
    summary="Upscale a picture",
    response_model=UpscaledImage,
    responses={
        **errors_of_body(404, 409, 503, 507),
        200: {"content": {"image/png": {}}, "description": "The picture, upscaled and kept."},
    },
)
async def upscale(body: UpscaleBody, request: Request, studio: StudioIn) -> UpscaledImage | Response:
    """Makes a picture larger, keeps it in the gallery, and answers when it is there. It waits in the queue of the
    drawings; closing the connection cancels it. With `redraw` it is drawn over in tiles, and recorded as a drawing.
    With `Accept: image/png` the answer is the PNG file itself."""
    item = await while_connected(request, _upscaled(body, request, studio))
    png = await studio.gallery.png(item.id)
    if "image/png" in request.headers.get("accept", ""):
        return Response(png, media_type="image/png")
    return UpscaledImage(
        message=_message(item.metadata),
        image_base64=await asyncio.to_thread(lambda: b64encode(png).decode("ascii")),
        width=item.metadata.width,
        height=item.metadata.height,
        image_id=item.id,
        url=image_link(request, item.id),
        metadata=PictureMetadata.of(item.metadata),
    )


async def _upscaled(body: UpscaleBody, request: Request, studio: Studio) -> GalleryItem:
    once, way = once_of(request, body), Origin(way="api")
    if body.redraw is not None:
        wanted = await studio.redrawing.request(await body.picture(studio), body.settings, body.redraw)
        return (await studio.images.generate_images(wanted, 1, way, once=once))[0]
    return await studio.upscaling.upscale(await body.picture(studio), body.settings, way, once=once)


def _message(made: ImageMetadata) -> str:
    if made.upscale is None:
        return f"Drawn over with {made.checkpoint} in {made.seconds:.1f} s."
    return f"Upscaled with {made.upscale.request.upscaler} in {made.upscale.seconds:.1f} s."
