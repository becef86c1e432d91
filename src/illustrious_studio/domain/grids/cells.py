"""The pictures of a grid: what the values of its axes make of a request, and in which order they are drawn."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.grids.axes import (
    CHECKPOINT,
    LORA_WEIGHT,
    LORAS,
    NO_LORA,
    PROMPT_ORDER,
    SEARCH_REPLACE,
    SIZE,
    AxisValue,
    lora_tag,
)
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import loras_in, with_lora_weight, with_loras
from illustrious_studio.domain.sampling import split_joined
from illustrious_studio.domain.sentences import sentences

SEEDS = ("seed", "variation_seed", "wildcard_seed")


def cost(setting: str, values: Sequence[AxisValue]) -> int:
    """How dear it is to go from one value to the next: the dearest axis changes least often. Pictures that differ in
    their seeds alone follow each other, since those are drawn in one go."""
    if setting == CHECKPOINT:
        return 4
    if setting == "vae":
        return 3
    if setting == LORAS or setting.startswith(LORA_WEIGHT) or any("<l" in str(value).lower() for value in values):
        return 2
    return 0 if setting in SEEDS else 1


def drawing_order(
    axes: Sequence[tuple[str, Sequence[AxisValue]] | None], in_use: AxisValue
) -> list[tuple[int, int, int]]:
    """The cells of x, y and z (of each the number of its value) in the order that loads models least often: the dearest
    axis is the outermost, and of checkpoints the one in use comes first. Of axes that cost the same x is quickest.
    """
    shown = [axis or ("", (None,)) for axis in axes]
    by_cost = sorted(range(len(shown)), key=lambda number: (-cost(*shown[number]), -number))
    runs = product(*(_run(*shown[number], in_use) for number in by_cost))
    x, y, z = (by_cost.index(number) for number in range(len(shown)))
    return [(place[x], place[y], place[z]) for place in runs]


def _run(setting: str, values: Sequence[AxisValue], in_use: AxisValue) -> list[int]:
    """The numbers of an axis's values: of checkpoints that in use first, and equal ones beside each other."""
    numbers = list(range(len(values)))
    if cost(setting, values) < 2:
        return numbers
    first = {value: place for place, value in reversed(list(enumerate(values)))}
    return sorted(numbers, key=lambda at: (setting == CHECKPOINT and values[at] != in_use, first[values[at]]))


def sets(setting: str) -> frozenset[str]:
    """What of a request the axis decides alone; empty for one that only changes words."""
    if setting == SIZE:
        return frozenset({"width", "height"})
    return frozenset() if setting in (SEARCH_REPLACE, PROMPT_ORDER, LORAS) else frozenset({setting})


def with_values(request: ImageRequest, chosen: Sequence[tuple[str, AxisValue, Sequence[AxisValue]]]) -> ImageRequest:
    """The request with these in place: of each axis its setting, the value, and all of its values, of which a search
    and replace searches the first. Words are replaced after they were set, and LoRAs come last.

    Raises InvalidRequest where the values do not go together.
    """
    values = request.model_dump(exclude_unset=True)
    if request.loras:
        values |= {"prompt": with_loras(request.prompt, request.loras), "loras": ()}
    for setting, value, every in sorted(chosen, key=lambda one: _turn(one[0])):
        if setting == SEARCH_REPLACE:
            _replace(values, str(every[0]), str(value))
        elif setting == PROMPT_ORDER:
            values["prompt"] = _in_order(values["prompt"], str(value).split(", "))
        elif setting == LORAS:
            if str(value).strip().lower() not in NO_LORA:
                values["prompt"] = with_loras(values["prompt"], loras_in(lora_tag(str(value))))
        elif setting.startswith(LORA_WEIGHT):
            assert isinstance(value, int | float)
            values["prompt"] = with_lora_weight(values["prompt"], setting.removeprefix(LORA_WEIGHT), value)
        elif setting == SIZE:
            values["width"], values["height"] = map(int, str(value).split("x"))
        elif setting != CHECKPOINT:
            _put(values, setting.split("."), value)
            if setting == "sampler" and split_joined(str(value))[1]:
                values["sampler"], values["schedule"] = split_joined(str(value))
    try:
        return ImageRequest.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest(sentences(error.errors())) from None


def _turn(setting: str) -> int:
    if setting == LORAS or setting.startswith(LORA_WEIGHT):
        return 2
    return 1 if setting in (SEARCH_REPLACE, PROMPT_ORDER) else 0


def _replace(values: dict[str, Any], searched: str, by: str) -> None:
    """In every prompt of the request, as A1111's Prompt S/R does in its two."""
    places = [(values, "prompt"), (values, "negative_prompt")]
    if values.get("hires"):
        values["hires"] = dict(values["hires"])
        places += [(values["hires"], "prompt"), (values["hires"], "negative_prompt")]
    found = [(place, name) for place, name in places if searched and searched in (place.get(name) or "")]
    if not found:
        raise InvalidRequest(
            f"{searched!r}, the first value of the search and replace, is in no prompt. Write it there."
        )
    for place, name in found:
        place[name] = place[name].replace(searched, by)


def _in_order(prompt: str, words: Sequence[str]) -> str:
    """The prompt with these words in this order, in the places where they stand."""
    if missing := [word for word in words if word not in prompt]:
        raise InvalidRequest(f"{missing[0]!r} of the prompt order is not in the prompt. Write it there.")
    places = sorted((prompt.index(word), word) for word in words)
    left, at = "", 0
    for (place, there), word in zip(places, words, strict=True):
        left += prompt[at:place] + word
        at = place + len(there)
    return left + prompt[at:]


def _put(values: dict[str, Any], path: Sequence[str], value: AxisValue) -> None:
    """Set what lies at the end of the path. What is not there on the way is begun; a list has to be long enough."""
    first, *rest = path
    if not rest:
        values[first] = value
        return
    inner = values.get(first)
    if rest[0].isdigit():
        entries = list(inner or ())
        if int(rest[0]) >= len(entries):
            raise InvalidRequest(f"{first} has {len(entries)} entries, and the grid varies entry {rest[0]}, from 0 on.")
        entry = dict(entries[int(rest[0])])
        _put(entry, rest[1:], value)
        entries[int(rest[0])] = entry
        values[first] = tuple(entries)
        return
    values[first] = dict(inner or {})
    _put(values[first], rest, value)
