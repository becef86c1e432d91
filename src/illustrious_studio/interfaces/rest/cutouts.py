"""Cutting out: POST /remove-background."""

import asyncio
from base64 import b64encode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.cutouts import Cutout
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors_of_body
from illustrious_studio.interfaces.shared.image_inputs import OnePicture
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["Pictures"])


class CutoutAnswer(BaseModel):
    """A picture without its background."""

    image_base64: str = Field(description="A PNG file with alpha: the background is transparent.")
    mask_base64: str = Field(
        description="The mask alone, a grey PNG file: the subject is white. A `mask` to inpaint it."
    )
    width: int
    height: int


@router.post(
    "/remove-background",
    summary="Remove a picture's background",
    response_model=CutoutAnswer,
    responses={**errors_of_body(404, 503), 200: {"content": {"image/png": {}}, "description": "The cutout."}},
)
async def remove_background(body: OnePicture, request: Request, studio: StudioIn) -> CutoutAnswer | Response:
    """Cuts out what stands out. With `Accept: image/png` the answer is the PNG file itself. Nothing of it is kept."""
    cutout = await while_connected(request, _removed(body, studio))
    if "image/png" in request.headers.get("accept", ""):
        return Response(cutout.png, media_type="image/png")
    png, mask = await asyncio.to_thread(lambda: [b64encode(file).decode("ascii") for file in (cutout.png, cutout.mask)])
    return CutoutAnswer(image_base64=png, mask_base64=mask, width=cutout.width, height=cutout.height)


async def _removed(body: OnePicture, studio: Studio) -> Cutout:
    return await studio.cutouts.remove_background(await body.file(studio))
