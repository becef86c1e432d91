"""What a control model sees of a picture: POST /preprocess, and GET /preprocessors."""

import asyncio
from base64 import b64encode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.preprocessing import Preprocessor
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors_of_body
from illustrious_studio.interfaces.shared.image_inputs import PreprocessBody

router = APIRouter(tags=["Pictures"])


class PreprocessorEntry(Preprocessor):
    """A preprocessor, and whether it can be used."""

    missing: str | None = Field(description="Which file of the user's it lacks, and where that belongs.")


class MapAnswer(BaseModel):
    """What a control model sees."""

    image_base64: str = Field(description="A PNG file.")
    width: int
    height: int
    preprocessor: str = Field(description="The studio's name of what made it.")


@router.get("/preprocessors", summary="List the preprocessors")
async def list_preprocessors(studio: StudioIn) -> list[PreprocessorEntry]:
    """Those that need a network, too: `missing` says which file it is, where that is not there."""
    missing = await studio.preprocessing.missing()
    return [
        PreprocessorEntry(**dict(one), missing=missing.get(one.network) if one.network else None)
        for one in studio.preprocessing.preprocessors()
    ]


@router.post(
    "/preprocess",
    summary="Preprocess a picture for a control",
    response_model=MapAnswer,
    responses={
        **errors_of_body(404, 503),
        200: {"content": {"image/png": {}}, "description": "The map, in the picture's size."},
    },
)
async def preprocess(body: PreprocessBody, request: Request, studio: StudioIn) -> MapAnswer | Response:
    """Makes the map that a control model reads (edges, depth, a pose), in the picture's size. With `Accept: image/png`
    the answer is the PNG file itself. Nothing of it is kept."""
    map = await while_connected(request, body.map(studio))
    png = await asyncio.to_thread(to_png, map)
    if "image/png" in request.headers.get("accept", ""):
        return Response(png, media_type="image/png")
    return MapAnswer(
        image_base64=await asyncio.to_thread(lambda: b64encode(png).decode("ascii")),
        width=map.width,
        height=map.height,
        preprocessor=studio.preprocessing.named(body.preprocessor).name,
    )
