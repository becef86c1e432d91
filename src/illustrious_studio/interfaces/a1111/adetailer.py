"""ADetailer, the extension of A1111 that draws details again: its arguments in `alwayson_scripts`, and its own API at
/adetailer/v1, by which clients list what there is."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from illustrious_studio.domain.adetailer import ENDING, KEYS, MEANT, VERSION, detail_of
from illustrious_studio.domain.details import MOST_DETAILS, Detail
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.sentences import of_a_part, sentences
from illustrious_studio.interfaces.a1111.common import StateIn

NAME = "adetailer"
"""In small letters; clients write it as they like."""
router = APIRouter()


def arguments_among(scripts: object) -> list[Any]:
    """Those of ADetailer among the scripts that were sent; empty where it is not among them. Raises InvalidRequest."""
    if not isinstance(scripts, Mapping):
        return []
    found = next((script for name, script in scripts.items() if str(name).lower() == NAME), None)
    args = found.get("args") if isinstance(found, Mapping) else found
    if args and not isinstance(args, list):
        raise InvalidRequest("alwayson_scripts: ADetailer: args must be a list of its switches and tabs")
    return args or []


def settings_of_adetailer(args: Sequence[Any], size: tuple[int | None, int | None]) -> dict[str, Any]:
    """What its arguments say, by the studio's names: two switches may stand before the tabs, one for all of it and one
    for leaving the picture as it is. `size`: of the picture. Raises InvalidRequest."""
    tabs = [one for one in args if isinstance(one, Mapping)]
    switches = [one for one in args if not isinstance(one, Mapping)]
    if (switches and args[0] is False) or not tabs:
        return {}
    details = [detail for tab in tabs if (detail := _detail(tab, size)) is not None]
    if not details:
        return {}
    if len(details) > MOST_DETAILS:
        raise InvalidRequest(f"alwayson_scripts: ADetailer: has {len(details)} tabs; use at most {MOST_DETAILS}")
    skip = len(args) > 1 and args[1] is True
    return {"details": tuple(details), "skip_img2img": skip}


def _detail(tab: Mapping[str, Any], size: tuple[int | None, int | None]) -> Detail | None:
    try:
        return detail_of({str(name): value for name, value in tab.items()}, size)
    except InvalidRequest as error:
        raise InvalidRequest(f"alwayson_scripts: ADetailer: {error.detail}") from error
    except ValidationError as error:
        problems = [{**one, "loc": tuple(MEANT.get(str(part), part) for part in one["loc"])} for one in error.errors()]
        raise InvalidRequest(f"alwayson_scripts: ADetailer: {sentences(problems, of_a_part)}") from None


@router.get("/version")
async def version() -> dict[str, str]:
    """Of the ADetailer whose arguments are read."""
    return {"version": VERSION}


@router.get("/schema")
async def schema() -> dict[str, Any]:
    """Its arguments by name; what of them is not done is refused by its name."""
    return {
        "title": "ADetailerArgs",
        "type": "object",
        "properties": {name: {"title": key} for name, key in KEYS.items()},
    }


@router.get("/ad_model")
async def list_models(state: StateIn) -> dict[str, list[str]]:
    """By the names that ADetailer's clients send: of the `.pt` files that the studio's were made of."""
    return {"ad_model": [f"{one.name}{ENDING}" for one in await state.studio.detectors.detectors()]}
