"""Regions as A1111's extensions name them: Regional Prompter's and Forge Couple's arguments in `alwayson_scripts`, as
far as they mean what the studio does; the rest is refused by name.

Their orders are those of Regional Prompter's `process` and Forge Couple's `after_extra_networks_activate`. Both blend
in attention, but for the first's "Latent"; here it is latents always, so that a picture is not theirs to the pixel.
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import loras_in, with_loras, without_loras
from illustrious_studio.domain.pictures import base64_bytes
from illustrious_studio.domain.regions import MOST_REGIONS, Region, RegionSplit, side_by_side
from illustrious_studio.domain.sentences import of_a_part, sentences
from illustrious_studio.interfaces.a1111.common import (
    FORGE_COUPLE,
    REGIONAL_PROMPTER,
    number_in,
    script_name,
    switched_on,
)
from illustrious_studio.services.studio import Studio

SPLITS: Final[dict[str, RegionSplit]] = {
    "columns": "columns", "colums": "columns", "horizontal": "columns", "rows": "rows", "vertical": "rows",
}  # fmt: skip
"""Both extensions' words, and one that Regional Prompter's own list misspells."""
USUAL_BASE = 0.2
LEAST_BACKGROUND = 0.1
_KEYWORD = re.compile(r"\s*\b(BREAK|AND|ADDCOL|ADDROW|ADDBASE|ADDCOMM)\b\s*")
_RP: Final = (
    False, False, "Matrix", "Columns", "Mask", "Prompt", "1,1", "0.2", False, False, False, "Attention", False, "0",
    "0", "0", "", "0", "0", False,
)  # fmt: skip
"""Regional Prompter's arguments where they are not sent: active, debug, mode, its three submodes, ratios, base ratios,
use base, use common, use negative common, calculation, no AND for BREAK, LoRA's two negative ratios, threshold, mask,
LoRA's two stops, flip."""
_FC: Final = (False, False, "Basic", "", "Horizontal", "None", 0.5, None, "off", False, True, False)
"""Forge Couple's: enable, not in hires fix, mode, separator, direction, background, its weight, mapping, common prompts
(and how they are shown and defined), tiles."""


async def settings_of_regions(scripts: object, values: Mapping[str, Any], studio: Studio) -> dict[str, Any]:
    """What the two change of these settings, by the studio's names. Raises InvalidRequest, NotAnImage, StorageFull."""
    found: dict[str, Any] = {}
    for name, script in scripts.items() if isinstance(scripts, dict) else ():
        args = script.get("args") if isinstance(script, dict) else script
        if script_name(name) not in (REGIONAL_PROMPTER, FORGE_COUPLE) or not switched_on(args):
            continue
        if found:
            raise InvalidRequest("alwayson_scripts: Regional Prompter and Forge Couple are both on; use one of them")
        args = args if isinstance(args, list) else [args]
        try:
            if script_name(name) == REGIONAL_PROMPTER:
                found = _regional_prompter(args, values)
            else:
                found = await _forge_couple(args, values, studio)
        except ValidationError as error:
            raise InvalidRequest(f"alwayson_scripts: {name}: {sentences(error.errors(), of_a_part)}") from None
    return found


def _regional_prompter(args: Sequence[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    given = (*args, *_RP[len(args) :])
    mode, matrix, ratios, base_ratios, use_base, use_common = given[2], given[3], *given[6:10]
    by = SPLITS.get(str(matrix).lower())
    refused = {
        "the mode": str(mode).lower() != "matrix" and "Matrix is the one that is done here",
        "the submode": by is None and "Columns and Rows are done here",
        "the ratios": ";" in str(ratios) and "one row, or one column, is done here",
        "LoRA ratios and stops": any(number_in(given[at]) not in (0, None) for at in (13, 14, 17, 18))
        and "write weights into the LoRAs' tags, and send 0",
        "flip": given[19] is True and "choose columns or rows instead",
    }
    _refuse("Regional Prompter", refused)
    assert by is not None
    if _KEYWORD.search(str(values.get("negative_prompt", "")).replace("AND", "")):
        raise InvalidRequest("negative_prompt: regions share one negative prompt here; take out BREAK and its like")
    keeps_and = given[12] is True
    pieces = _KEYWORD.split(str(values.get("prompt", "")))
    common, base, parts = "", "", [pieces[0]]
    for keyword, words in zip(pieces[1::2], pieces[2::2], strict=True):
        if keyword == "AND" and keeps_and:
            parts[-1] = f"{parts[-1]} AND {words}"
            continue
        if keyword == ("ADDROW" if by == "columns" else "ADDCOL"):
            raise InvalidRequest(f"prompt: {keyword} is for regions in both directions, which are not done here")
        if keyword == "ADDCOMM":
            common = parts.pop()
        elif keyword == "ADDBASE":
            base, use_base = parts.pop(), True
        parts.append(words)
    if use_common and not common:
        common, *parts = parts
    if use_base and not base and parts:
        base, *parts = parts
    share = _one_share(base_ratios) if use_base else 0.0
    joined = [", ".join(filter(None, (without_loras(common).strip(), part))) for part in parts]
    words = ", ".join(filter(None, (common, base))) if use_base else ", ".join(filter(None, (common, *parts)))
    if str(given[11]).lower() == "latent":  # where LoRAs are those of their region
        regions = side_by_side([one.strip(" ,\n") for one in joined], by, _numbers(ratios))
        return _settings([common, base], words, regions, share)
    return _settings([common, base, *parts], words, side_by_side(_plain(joined), by, _numbers(ratios)), share)


async def _forge_couple(args: Sequence[Any], values: Mapping[str, Any], studio: Studio) -> dict[str, Any]:
    if len(args) > 1 and isinstance(args[1], str):  # older versions have no second one
        args = [args[0], False, *args[1:]]
    given = (*args, *_FC[len(args) :])
    mode, separator, direction, background, weight, mapping = str(given[2]).lower(), *given[3:8]
    by = SPLITS.get(str(direction).lower())
    background = str(background).lower()
    refused = {
        "the mode": mode not in ("basic", "advanced", "mask") and "Basic, Advanced and Mask are done here",
        "the direction": mode == "basic" and by is None and "Horizontal and Vertical are done here",
        "the background": background not in ("none", "first line", "last line")
        and "None, First Line and Last Line are done here",
        "compatibility": given[1] is True and bool(values.get("hires")) and "regions count in hires fix, too, here",
        "common prompts": str(given[8]) in ("{ }", "< >") and "write them out",
        "tiles": given[11] is True and "leave them out",
    }
    _refuse("Forge Couple", refused)
    prompt = str(values.get("prompt", ""))
    between = str(separator or "").replace("\\n", "\n").replace("\\t", " ")
    lines = [line.strip() for line in prompt.split(between if between.strip() else "\n") if line.strip()]
    base = ""
    if mode != "advanced" and background != "none" and lines:
        base = lines.pop(0 if background == "first line" else -1)
    counted = max(LEAST_BACKGROUND, number_in(weight) or 0.0)
    share = counted / (1 + counted) if base else 0.0
    if mode == "basic":
        assert by is not None
        regions = side_by_side(_plain(lines), by)
    else:
        if not isinstance(mapping, list) or len(mapping) != len(lines):
            raise InvalidRequest(f"alwayson_scripts: Forge Couple's mapping must have {len(lines)} entries, one a line")
        if len(lines) > MOST_REGIONS:
            raise InvalidRequest(f"alwayson_scripts: Forge Couple has {len(lines)} regions; use at most {MOST_REGIONS}")
        where = [_box(one) if mode == "advanced" else await _mask(one, studio) for one in mapping]
        regions = tuple(
            Region.model_validate({"prompt": words, **one}) for words, one in zip(_plain(lines), where, strict=True)
        )
    return _settings([base, *lines], base or ", ".join(lines), regions, share)


def _settings(texts: Sequence[str], words: str, regions: Sequence[Region], share: float) -> dict[str, Any]:
    """Edges are as hard as theirs; the LoRAs of these texts count for the whole picture, as there."""
    loras = [one for text in texts for one in loras_in(text)]
    hard = tuple(one.model_copy(update={"feather": 0}) for one in regions)
    return {"prompt": with_loras(without_loras(words).strip(), loras), "regions": hard, "region_base": share}


def _plain(texts: Sequence[str]) -> list[str]:
    return [without_loras(text).strip(" ,\n") for text in texts]


def _refuse(name: str, refused: Mapping[str, object]) -> None:
    for what, instead in refused.items():
        if instead:
            raise InvalidRequest(f"alwayson_scripts: {name}: {what} that was sent is not done; {instead}")


def _numbers(text: object) -> list[float]:
    numbers = [number_in(part) for part in str(text).split(",") if part.strip()]
    if any(one is None or not 0 < one < math.inf for one in numbers):
        raise InvalidRequest("alwayson_scripts: Regional Prompter's ratios must be numbers above 0, such as 1,2,1")
    return [one for one in numbers if one is not None]


def _one_share(text: object) -> float:
    """The base ratio, which is one for all regions here."""
    shares = {number_in(part) for part in str(text).split(",") if part.strip()} or {USUAL_BASE}
    (share, *others) = shares
    if others or share is None or not 0 <= share <= 1:
        raise InvalidRequest("alwayson_scripts: Regional Prompter's base ratio must be one number from 0 to 1 here")
    return share


def _box(row: object) -> dict[str, float]:
    """A row of a mapping: left, right, top and bottom as shares, and a weight."""
    numbers = [number_in(one) for one in row] if isinstance(row, list) else []
    if len(numbers) != 5 or any(one is None for one in numbers):
        raise InvalidRequest("alwayson_scripts: Forge Couple's mapping must have rows of x1, x2, y1, y2 and weight")
    left, right, top, bottom, strength = (one or 0.0 for one in numbers)
    return {
        "x": (left + right) / 2, "w": right - left, "y": (top + bottom) / 2, "h": bottom - top, "strength": strength,
    }  # fmt: skip


async def _mask(one: object, studio: Studio) -> dict[str, Any]:
    if not isinstance(one, dict) or not isinstance(one.get("mask"), str):
        raise InvalidRequest('alwayson_scripts: Forge Couple\'s mapping must have entries {"mask": base64, "weight"}')
    data = await asyncio.to_thread(base64_bytes, one["mask"], "alwayson_scripts")
    weight = number_in(one.get("weight", 1.0))
    return {"mask": await studio.inputs.keep_mask(data), "strength": 1.0 if weight is None else weight}
