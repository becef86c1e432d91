"""The options: what is set, and setting it. The checkpoint is the studio's own and changes for every interface."""

from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.domain.models import vae_named
from illustrious_studio.interfaces.a1111.common import (
    ApiState,
    Options,
    StateIn,
    check_options,
    title_of,
)
from illustrious_studio.interfaces.http.errors import sentences

router = APIRouter()


@router.get("/options")
async def read_options(state: StateIn) -> dict[str, Any]:
    return {"sd_model_checkpoint": _current(state), **state.options.model_dump()}


@router.post("/options")
async def set_options(body: dict[str, Any], state: StateIn) -> None:
    """Any of them; clients send the whole dictionary back. Answers when the checkpoint is loaded."""
    check_options(body)
    options = changed(state.options, body)
    await state.studio.vaes.named(vae_named(options.sd_vae))
    title = body.get("sd_model_checkpoint")
    if title and title != _current(state):
        await state.studio.models.switch(checkpoint=str(title))
    state.options = options


def changed(options: Options, changes: dict[str, Any]) -> Options:
    """The options with these changes; null leaves one as it is. Raises InvalidRequest."""
    given = {name: value for name, value in changes.items() if name in Options.model_fields and value is not None}
    try:
        return Options.model_validate(options.model_dump() | given)
    except ValidationError as error:
        raise InvalidRequest(sentences(error.errors())) from None


def _current(state: ApiState) -> str:
    try:
        return title_of(state.studio.models.checkpoint())
    except Unavailable:  # clients ask for the options to see whether somebody is there at all
        return ""
