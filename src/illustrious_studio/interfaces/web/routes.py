"""What the page fetches by address: pictures by their id, pages of the gallery, and the state as it changes.

Reading goes by address, doing goes by Gradio's events. Pictures come straight from the gallery, so Gradio's own file
cache never sees them and does not grow.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import Field

from illustrious_studio.domain.controls import Control
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError
from illustrious_studio.domain.gallery import GalleryQuery
from illustrious_studio.domain.images import MAX_SEED
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.regions import Region, RegionSplit, split
from illustrious_studio.domain.sizes import LONGEST, SHORTEST
from illustrious_studio.domain.values import Prompt, Value
from illustrious_studio.interfaces.web.error_handling import error_message
from illustrious_studio.interfaces.web.held import HeldLayout
from illustrious_studio.interfaces.web.views import controlnet as controlnet_view
from illustrious_studio.interfaces.web.views import gallery as gallery_view
from illustrious_studio.interfaces.web.views import grids as grids_view
from illustrious_studio.interfaces.web.views import live
from illustrious_studio.interfaces.web.views import loras as loras_view
from illustrious_studio.services.studio import Studio

PictureId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
NEVER = {"Cache-Control": "no-store"}
LARGEST_SKETCH = 512
"""Pixels of the longer side of a sketch that is only shown."""


class SubjectMask(Value):
    """Of which picture, and whether all but its subject is meant."""

    image: InputId
    inverted: bool = False


class ControlPreview(Value):
    """A control, and the size of what it would steer."""

    control: Control
    width: int = Field(ge=SHORTEST, le=LONGEST)
    height: int = Field(ge=SHORTEST, le=LONGEST)


class Words(Value):
    """A prompt that is being typed."""

    prompt: Prompt


class WordsInAFrame(Value):
    """A prompt, and where its things are laid out: in a frame of that width by height, or by hand."""

    prompt: Prompt
    seed: int = Field(0, ge=0, le=MAX_SEED)
    aspect: float = Field(1.0, gt=0)
    layout: Layout | None = None


class WordsToSplit(WordsInAFrame):
    """A prompt with BREAK in it."""

    by: RegionSplit


def add_routes(app: FastAPI, studio: Studio) -> None:
    """Put the addresses on the app, before Gradio's own, which take all the others."""
    router = APIRouter()

    @router.get("/pictures/{item_id}.png")
    async def picture(item_id: PictureId, download: str | None = None) -> Response:
        headers = dict(FOREVER)
        if download is not None:
            item = await studio.gallery.get(item_id)
            headers["Content-Disposition"] = f'attachment; filename="{item.stem}.png"'
        return Response(await studio.gallery.png(item_id), media_type="image/png", headers=headers)

    @router.get("/pictures/{item_id}/thumbnail.webp")
    async def thumbnail(item_id: PictureId) -> Response:
        return Response(await studio.gallery.thumbnail(item_id), media_type="image/webp", headers=FOREVER)

    @router.get("/pictures/{item_id}/cutout.png")
    async def cutout(item_id: PictureId) -> Response:
        item = await studio.gallery.get(item_id)
        removed = await studio.cutouts.remove_background_of(item_id)
        headers = {**NEVER, "Content-Disposition": f'inline; filename="{item.stem}-cutout.png"'}
        return Response(removed.png, media_type="image/png", headers=headers)

    @router.get("/live")
    async def state(seen: str = "", after: str | None = None) -> Response:
        return JSONResponse(live.snapshot(studio, seen, after), headers=NEVER)

    @router.get("/grids/{grid_id}.png")
    async def sheet(grid_id: PictureId, download: str | None = None) -> Response:
        headers = dict(NEVER)
        if download is not None:
            headers["Content-Disposition"] = f'attachment; filename="grid-{grid_id}.png"'
        return Response(await studio.grids.sheet(grid_id), media_type="image/png", headers=headers)

    @router.get("/fragments/grids/{grid_id}")
    async def grid(grid_id: PictureId) -> Response:
        return HTMLResponse(grids_view.shown(await studio.grids.progress(grid_id)), headers=NEVER)

    @router.get("/fragments/gallery")
    async def gallery(
        q: Annotated[str, Query(max_length=500)] = "",
        favourites: bool = False,
        from_chat: bool = False,
        grid: Annotated[str, Query(pattern=r"^([0-9a-f]{32})?$")] = "",
        cursor: str | None = None,
    ) -> Response:
        if grid:
            now = await studio.grids.progress(grid)
            return HTMLResponse(grids_view.shown(now, in_gallery=True), headers=NEVER)
        query = GalleryQuery(q=q, favourites=favourites, from_chat=from_chat)
        page = await studio.gallery.page(query, cursor, limit=48)
        return HTMLResponse(
            gallery_view.grid(page, first=cursor is None, filtered=query != GalleryQuery()), headers=NEVER
        )

    @router.get("/fragments/picture/{item_id}")
    async def large(item_id: PictureId) -> Response:
        return HTMLResponse(gallery_view.large(await studio.gallery.get(item_id)), headers=NEVER)

    @router.get("/fragments/loras")
    async def loras() -> Response:
        return HTMLResponse(loras_view.cards(await studio.loras.loras(), await studio.loras.refused()), headers=NEVER)

    @router.get("/loras/{name:path}/preview.webp")
    async def preview(name: str) -> Response:
        return Response(await studio.loras.preview(name), media_type="image/webp", headers=NEVER)

    @router.get("/checkpoints/{name:path}/thumbnail.webp")
    async def checkpoint_thumbnail(name: str) -> Response:
        return Response(await studio.reports.thumbnail(name), media_type="image/webp", headers=NEVER)

    @router.post("/tokens")
    async def tokens(counted: Words) -> Response:
        found, files = await studio.tokens.of(counted.prompt), await studio.loras.meant(counted.prompt)
        # Of a prompt that cannot be drawn no weight is told, only what it names.
        weights: dict[str, list[str]] = {file.name: [] for file in files.values()}
        for one in found.loras:
            if one.name in files:
                weights[files[one.name].name].append(loras_view.weight(one))
        return JSONResponse({**asdict(found), "loras": weights}, headers=NEVER)

    @router.post("/inputs")
    async def keep_input(request: Request) -> Response:
        """Keep the picture in the body, to start from; its name."""
        return JSONResponse({"id": await studio.inputs.keep(await request.body())})

    @router.post("/masks")
    async def keep_mask(request: Request) -> Response:
        """Keep the mask in the body, white where to inpaint; its name."""
        return JSONResponse({"id": await studio.inputs.keep_mask(await request.body())})

    @router.post("/masks/subject")
    async def mask_subject(asked: SubjectMask) -> Response:
        """Keep the mask of a given picture's subject or background; its name."""
        return JSONResponse({"id": await studio.cutouts.keep_subject_mask(asked.image, inverted=asked.inverted)})

    @router.get("/inputs/{input_id}")
    async def given(input_id: InputId) -> Response:
        data = await studio.inputs.file(input_id)
        return Response(data, media_type=_media_type(data), headers=FOREVER)

    @router.get("/controls")
    async def controls() -> Response:
        """The models that steer and the preprocessors, as the page offers them."""
        return JSONResponse(await controlnet_view.offered(studio), headers=NEVER)

    @router.post("/controls/preview")
    async def control_preview(asked: ControlPreview) -> Response:
        """What a control's model sees of its picture."""
        seen = await studio.controls.seen(asked.control, (asked.width, asked.height))
        return Response(await asyncio.to_thread(to_png, seen), media_type="image/png", headers=NEVER)

    @router.get("/layout/objects")
    async def objects() -> Response:
        known = [[one.name, round(one.aspect, 3), *one.synonyms] for one in studio.sketches.objects()]
        return JSONResponse(known, headers=NEVER)

    @router.post("/layout/sketch")
    async def sketch(held: HeldLayout) -> Response:
        scale = min(1.0, LARGEST_SKETCH / max(held.width, held.height))
        width, height = (max(1, round(side * scale)) for side in (held.width, held.height))
        picture = await studio.sketches.paint(held.layout, width, height, max(0, held.seed))
        return Response(await asyncio.to_thread(to_png, picture), media_type="image/png", headers=NEVER)

    @router.post("/regions/layout")
    async def regions_of_layout(words: WordsInAFrame) -> Response:
        """The regions of a layout's things, or of what the words are laid out as."""
        layout = words.layout
        if layout is None:
            layout = (await studio.layouts.lay_out(words.prompt, words.seed, words.aspect, "words")).layout
        return JSONResponse({"regions": _dumped(studio.regions.of_layout(layout, words.prompt))}, headers=NEVER)

    @router.post("/regions/split")
    async def regions_of_prompt(words: WordsToSplit) -> Response:
        """The prompt and the regions that a prompt with BREAK in it means."""
        prompt, regions = split(words.prompt, words.by)
        return JSONResponse({"prompt": prompt, "regions": _dumped(regions)}, headers=NEVER)

    app.include_router(router)
    app.add_exception_handler(StudioError, _say)
    app.add_exception_handler(RequestValidationError, _say_what_is_wrong)


def _dumped(regions: Sequence[Region]) -> list[object]:
    return [one.model_dump(mode="json") for one in regions]


def _media_type(picture: bytes) -> str:
    """Of one of the three kinds of files that are kept."""
    return "image/png" if picture[:4] == b"\x89PNG" else "image/jpeg" if picture[:2] == b"\xff\xd8" else "image/webp"


async def _say_what_is_wrong(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": error_message(error)}, status_code=422, headers=NEVER)


async def _say(request: Request, error: Exception) -> Response:
    assert isinstance(error, StudioError)
    status = 404 if isinstance(error, NotFound) else 422 if isinstance(error, InvalidRequest) else 503
    return HTMLResponse(f"<p>{escape(error.detail)}</p>", status_code=status, headers=NEVER)
