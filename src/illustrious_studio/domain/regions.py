"""Regions: parts of a picture with words of their own, as boxes or masks, and prompts that say them by `BREAK`.

A region's words count within it, the request's prompt (the base prompt) everywhere else, and by its share
(`region_base`) within regions, too. Regions that overlap share what lies in both by their strengths. The LoRAs that a
region's words name count with these words alone, beside those that the request's prompts name for the whole picture.
"""

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.loras import without_loras
from illustrious_studio.domain.values import NonEmptyPrompt, Value

MOST_REGIONS = 12
LONGEST_WORDS = 2_000
"""Characters of a region's words, so that all of them fit into a picture's text."""
ROUNDING = 0.001
"""Centre and size are rounded one by one, so the edges of a box may be off by that much."""
BASE_SHARE = 0.2
"""Of the base prompt within regions, unless a request says it: Regional Prompter's."""
_BREAK: Final = re.compile(r"\s*\bBREAK\b\s*")

RegionSplit = Literal["columns", "rows"]
"""Regional Prompter's simple modes: regions side by side, or one above the other."""


def _as_tuple(given: object) -> object:
    """JSON has no tuples, and strict values take nothing else."""
    return tuple(given) if isinstance(given, list) else given


class Region(Value):
    """A part of the picture and its words. Without a box it is the whole; a mask is cut by the box."""

    prompt: Annotated[NonEmptyPrompt, StringConstraints(max_length=LONGEST_WORDS)] = Field(
        description="What is to be drawn there: as any prompt. LoRAs that it names count there alone."
    )
    x: float = Field(0.5, ge=0, le=1, description="Centre, from the left, as a share of the picture's width.")
    y: float = Field(0.5, ge=0, le=1, description="Centre, from the top, as a share of its height.")
    w: float = Field(1.0, gt=0, le=1, validate_default=True, description="Width, as a share of the picture's.")
    h: float = Field(1.0, gt=0, le=1, validate_default=True, description="Height, as a share of the picture's.")
    mask: InputId | None = Field(None, description="A picture, brought to the drawing's size: the region is its white.")
    strength: float = Field(
        1.0, gt=0, le=2, description="How much its words count there: below 1 the base prompt counts more, above 1 it "
        "prevails over regions that it overlaps.",
    )  # fmt: skip
    feather: int = Field(16, ge=0, le=512, description="Pixels over which its edge is softened.")

    @field_validator("w", "h")
    @classmethod
    def _lies_in_the_picture(cls, size: float, known: ValidationInfo) -> float:
        at = "x" if known.field_name == "w" else "y"
        centre = known.data.get(at)
        if centre is not None and not -ROUNDING <= centre - size / 2 <= centre + size / 2 <= 1 + ROUNDING:
            raise ValueError(
                f"reaches out of the picture; {at} is the centre: keep {at} - {known.field_name}/2 and "
                f"{at} + {known.field_name}/2 between 0 and 1"
            )
        return size


Regions = Annotated[tuple[Region, ...], BeforeValidator(_as_tuple)]
"""A list, as JSON has it."""
Ratios = Annotated[tuple[Annotated[float, Field(gt=0, le=1000)], ...], BeforeValidator(_as_tuple)]
"""How wide or high the parts of a split are beside each other."""


def split(prompt: str, by: RegionSplit, ratios: Sequence[float] = ()) -> tuple[str, tuple[Region, ...]]:
    """A prompt with `BREAK` in it as a base prompt, which stands before the first, and regions, each with the LoRAs
    that stand in its part. Raises InvalidRequest."""
    base, *others = _BREAK.split(prompt)
    parts = [part.strip(" ,\n") for part in others]
    if not parts:
        raise InvalidRequest(
            "region_split: the prompt has no BREAK. Write the words of the whole picture, then BREAK before those of "
            "each region."
        )
    return base.strip(), side_by_side(parts, by, ratios)


def side_by_side(parts: Sequence[str], by: RegionSplit, ratios: Sequence[float] = ()) -> tuple[Region, ...]:
    """Words as regions that share the picture out, in that order. Without ratios all are alike. Raises
    InvalidRequest."""
    if len(parts) > MOST_REGIONS:
        raise InvalidRequest(f"region_split: the prompt has {len(parts)} regions. Use at most {MOST_REGIONS}.")
    if ratios and len(ratios) != len(parts):
        raise InvalidRequest(
            f"region_ratios: must be as many as regions, which are {len(parts)}, and are {len(ratios)}"
        )
    if empty := [number for number, words in enumerate(parts, 1) if not without_loras(words).strip(" ,\n")]:
        raise InvalidRequest(
            f"region_split: region {empty[0]} of the prompt has no words. Write some behind its BREAK."
        )
    total = sum(ratios) or len(parts)
    edges = [0.0, *(edge / total for edge in accumulate(ratios or [1.0] * len(parts)))]
    boxes = [((left + right) / 2, right - left) for left, right in pairwise(edges)]
    names = ("x", "w") if by == "columns" else ("y", "h")
    return tuple(
        Region.model_validate(
            {"prompt": words, **{name: round(share, 6) for name, share in zip(names, box, strict=True)}}
        )
        for words, box in zip(parts, boxes, strict=True)
    )
