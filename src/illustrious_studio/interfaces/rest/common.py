"""What every noun of the API shares: how a handler gets the studio, ids from addresses, links, documented errors."""

import re
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from illustrious_studio.domain.errors import InvalidRequest, NotFound, NothingKnown
from illustrious_studio.interfaces.http.errors import ErrorBody
from illustrious_studio.services.studio import Studio

_ID = re.compile(r"[0-9a-f]{32}")

_MEANINGS = {
    400: "The bytes are no picture, or the body is no JSON.",
    404: "There is no such thing.",
    409: "Not in this state.",
    415: "The body is not declared as JSON.",
    422: "A value is out of range; `detail` names the field and what it must be.",
    502: "A server that the studio uses answered with an error.",
    503: "Nothing can do this now, or too much is waiting; `Retry-After` says when to come back, where it is known.",
    504: "A server that the studio uses did not answer in time.",
    507: "The device's memory or the disk is full.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can fail in these ways (422 always can)."""
    return {status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in sorted({*statuses, 422})}


def errors_of_body(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route that reads JSON."""
    return errors(400, 415, *statuses)


def errors_of_drawing(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for one whose words may be such that there is nothing to draw."""
    listed = errors_of_body(*statuses)
    refused = {
        InvalidRequest.code: "steps: must be at most 150",
        NothingKnown.code: "There is no drawing for any of this: elefant. Nearest: elephant. Name a thing, a place or "
        "somebody, for example “a red apple”; an SDXL checkpoint of your own draws from any words.",
    }
    examples = {code: {"value": {"detail": detail, "code": code}} for code, detail in refused.items()}
    meaning = (
        f"{_MEANINGS[422]} Or (`{NothingKnown.code}`) a checkpoint that draws from a sketch knows none of the words."
    )
    listed[422] |= {"description": meaning, "content": {"application/json": {"examples": examples}}}
    return listed


async def _studio(request: Request) -> Studio:
    studio = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio


async def _item_id(item_id: Annotated[str, Path(description="Id of a picture.")]) -> str:
    if not _ID.fullmatch(item_id):
        raise NotFound("There is no picture with this id. GET /gallery lists those there are.")
    return item_id


async def _job_id(job_id: Annotated[str, Path(description="Id of a job.")]) -> str:
    if not _ID.fullmatch(job_id):
        raise NotFound("There is no job with this id. GET /jobs lists those there are.")
    return job_id


async def _grid_id(grid_id: Annotated[str, Path(description="Id of a grid.")]) -> str:
    if not _ID.fullmatch(grid_id):
        raise NotFound("There is no grid with this id. GET /grids lists those there are.")
    return grid_id


StudioIn = Annotated[Studio, Depends(_studio)]
ItemId = Annotated[str, Depends(_item_id)]
JobId = Annotated[str, Depends(_job_id)]
GridId = Annotated[str, Depends(_grid_id)]


def link(request: Request, path: str) -> str:
    """The whole address of `path`, by the name the caller used for this server (the guard has checked it)."""
    return str(request.base_url).rstrip("/") + path


def image_link(request: Request, item_id: str) -> str:
    return link(request, f"/gallery/{item_id}/image")
