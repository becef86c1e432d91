"""Layouts: what would stand where in a picture, before it is drawn, and how that looks as a sketch."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.images import MAX_SEED
from illustrious_studio.domain.layout.values import Layout, LayoutGiven, LayoutWriter, ObjectKind
from illustrious_studio.domain.values import Prompt, Value
from illustrious_studio.interfaces.http.sse import while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors, errors_of_body
from illustrious_studio.services.layouts import By
from illustrious_studio.services.sketch import PAINTED_COLOURS

MOST_UNKNOWN = 20

router = APIRouter(prefix="/layout", tags=["Layouts"])


class LayoutRequest(Value):
    """Words to lay out."""

    prompt: Prompt
    seed: int = Field(0, ge=0, le=MAX_SEED, description="The same words and seed give the same layout.")
    width: int = Field(512, ge=64, le=2048, description="Pixels; only its ratio to the height matters here.")
    height: int = Field(512, ge=64, le=2048, description="Pixels.")
    by: By = Field(
        "auto",
        description="Who lays it out: the rules that read the words, a language model, or the words and, where they "
        "name what the rules do not know, a language model that can.",
    )


class UnknownWord(BaseModel):
    """A word that names nothing that can be painted, and names that may have been meant."""

    word: str
    nearest: list[str]


class LayoutAnswer(BaseModel):
    """A layout; as it stands, it can go into a picture's request."""

    layout: Layout
    by: LayoutWriter = Field(description="Who wrote it.")
    model: str = Field(description="The language model that wrote it, if one did.")
    note: str = Field(description="Why a language model was asked in vain.")
    unknown: list[UnknownWord] = Field(description="At most 20 of them.")


class SketchRequest(Value):
    """A layout to be painted."""

    layout: LayoutGiven
    prompt: Prompt = Field("", description="Says what the layout leaves out: background, light and style.")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="Strews what is strewn over the background.")
    width: int = Field(512, ge=64, le=2048)
    height: int = Field(512, ge=64, le=2048)


class KnownThing(BaseModel):
    """An object that can be painted."""

    name: str
    synonyms: tuple[str, ...]
    kind: ObjectKind
    aspect: float = Field(description="Width by height of its drawing, which keeps its shape in any box.")


class KnownThings(BaseModel):
    """Everything a layout can be made of."""

    objects: list[KnownThing]
    backgrounds: list[str]
    colours: list[str]


@router.post("", summary="Lay words out", responses=errors_of_body(502, 503, 504))
async def lay_out(body: LayoutRequest, request: Request, studio: StudioIn) -> LayoutAnswer:
    """What would stand where. Nothing is drawn or kept."""
    aspect = body.width / body.height
    laid = await while_connected(request, studio.layouts.lay_out(body.prompt, body.seed, aspect, body.by))
    words = laid.layout.unknown[:MOST_UNKNOWN]
    nearest = await asyncio.to_thread(lambda: [studio.sketches.nearest(word) for word in words])
    unknown = [UnknownWord(word=word, nearest=near) for word, near in zip(words, nearest, strict=True)]
    return LayoutAnswer(layout=laid.layout, by=laid.layout.by, model=laid.model, note=laid.note, unknown=unknown)


@router.post(
    "/sketch",
    summary="Paint a layout",
    response_class=Response,
    responses={**errors_of_body(), 200: {"content": {"image/png": {}}, "description": "The sketch as a PNG file."}},
)
async def sketch(body: SketchRequest, studio: StudioIn) -> Response:
    """The sketch that a checkpoint would start from."""
    layout = studio.sketches.completed(body.layout, body.prompt, body.width / body.height, body.seed)
    picture = await studio.sketches.paint(layout, body.width, body.height, body.seed)
    return Response(await asyncio.to_thread(to_png, picture), media_type="image/png")


@router.get("/objects", summary="List what can be painted", responses=errors())
async def objects(studio: StudioIn) -> KnownThings:
    """The names that a layout may use."""
    known = [
        KnownThing(name=one.name, synonyms=one.synonyms, kind=one.kind, aspect=one.aspect)
        for one in studio.sketches.objects()
    ]
    return KnownThings(objects=known, backgrounds=list(studio.sketches.backgrounds()), colours=PAINTED_COLOURS)
