"""Between the controls of the section for details and the details of a request.

One kind has controls; what else a picture's details said (further kinds, boxes, sizes that are no squares) stays with
its form unseen.
"""

import json
from typing import Any

from illustrious_studio.domain.details import FACES, PEOPLE, Detail
from illustrious_studio.domain.metadata.infotext import written_detail

OWN = "as in the picture"
"""Where the regions are is in none of the choices: boxes, a painted region, things of a layout."""
DETECTOR = "detector:"


def details_of(find: str, prompt: str, strength: float | None, side: int | None, others: str) -> list[dict[str, Any]]:
    """What a request says, of what the controls hold."""
    first, *more = json.loads(others) if others else [{}]
    if first.get("width") == first.get("height"):
        first = {name: value for name, value in first.items() if name not in ("width", "height")}
    said = {"prompt": prompt, "strength": strength, **({"width": side, "height": side} if side else {})}
    first = {name: value for name, value in {**first, **said}.items() if value is not None}
    if find != OWN:
        first = {
            name: value for name, value in first.items() if name not in ("find", "what", "boxes", "mask", "detector")
        }
        first |= {"detector": find.removeprefix(DETECTOR)} if find not in (FACES, PEOPLE) else {"what": find}
    return [first, *more]


def values_of(details: tuple[Detail, ...]) -> dict[str, Any]:
    """What the controls hold for these."""
    if not details:
        return {}
    first = details[0]
    find = OWN
    if first.find == "detector" and not first.what:
        find = f"{DETECTOR}{first.detector}"
    elif first.find == "layout" and first.what in ("", FACES, PEOPLE):
        find = first.what or FACES
    return {
        "details": True,
        "details_find": find,
        "details_prompt": first.prompt,
        "details_strength": first.strength,
        "details_side": first.width if first.width == first.height else None,
        "details_others": json.dumps([written_detail(one) for one in details]),
    }
