"""Grids: a picture with one to three of its settings varied, queued together, and the sheet that shows them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from illustrious_studio.domain.grids.values import GridProgress
from illustrious_studio.domain.images import Origin
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.rest.common import GridId, StudioIn, errors, errors_of_drawing, link
from illustrious_studio.interfaces.shared.grids import GridBody, GridEntry
from illustrious_studio.interfaces.shared.image_inputs import resolve_inputs

router = APIRouter(prefix="/grids", tags=["Grids"])


class GridList(BaseModel):
    """The last grids, newest first."""

    grids: list[GridEntry]


def _entry(request: Request, now: GridProgress) -> GridEntry:
    return GridEntry.of(now, lambda grid_id: link(request, f"/grids/{grid_id}/sheet"))


@router.get("", summary="List grids", responses=errors())
async def list_grids(request: Request, studio: StudioIn, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> GridList:
    return GridList(grids=[_entry(request, now) for now in await studio.grids.progress_of_recent(limit)])


@router.post("", summary="Queue a grid", status_code=202, responses=errors_of_drawing(404, 409, 503, 507))
async def queue_grid(body: GridBody, request: Request, response: Response, studio: StudioIn) -> GridEntry:
    """A picture for each pair (or triple) of values, each a job of its own, in the order that loads models least often.
    All are checked before any is queued. The grid outlives this connection, and a restart of the studio."""
    wanted, axes = await resolve_inputs(body, studio), body.axes
    origin, once = Origin(way="api", words=body.prompt), once_of(request, wanted, axes)
    grid = await studio.grids.start(wanted, axes, origin, once=once)
    response.headers["location"] = link(request, f"/grids/{grid.id}")
    return _entry(request, await studio.grids.progress(grid.id))


@router.get("/{grid_id}", summary="Where a grid is", responses=errors(404))
async def read_grid(grid_id: GridId, request: Request, studio: StudioIn) -> GridEntry:
    return _entry(request, await studio.grids.progress(grid_id))


@router.get(
    "/{grid_id}/sheet",
    summary="A grid's sheet",
    response_class=Response,
    responses={**errors(404, 409, 503, 507), 200: {"content": {"image/png": {}}, "description": "A PNG file."}},
)
async def read_sheet(grid_id: GridId, studio: StudioIn) -> Response:
    """Its pictures side by side, with their values at the rows and columns. It is there once all pictures are over."""
    headers = {"content-disposition": f'inline; filename="grid-{grid_id}.png"'}
    return Response(await studio.grids.sheet(grid_id), media_type="image/png", headers=headers)


@router.delete("/{grid_id}", summary="Cancel a grid", status_code=204, responses=errors(404, 409))
async def cancel_grid(grid_id: GridId, studio: StudioIn) -> None:
    """What is drawn already stays."""
    await studio.grids.cancel(grid_id)
