"""A preset of a checkpoint: the settings and the words to begin with, kept by the person who uses it.

Its fields are those of a picture's request, with the limits there. Its words are not added unseen: whoever applies it
puts them into the prompt, where they can be read and changed.
"""

import re
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from illustrious_studio.domain.sampling import (
    AUTOMATIC,
    ClipSkip,
    DrawnWith,
    Guidance,
    GuidanceRescale,
    SamplerName,
    ScheduleName,
    Steps,
    check_together,
    resolved_schedule,
)
from illustrious_studio.domain.sizes import LONGEST, SHORTEST, too_large
from illustrious_studio.domain.values import Prompt, Value

Side = Annotated[int, Field(ge=SHORTEST, le=LONGEST, multiple_of=8)]
SIDES = ("width", "height")
WORDS = ("before", "after", "negative_prompt")
LORA_TAG = re.compile(r"<[^<>\n]*>")


class Preset(Value):
    """What is left out is as it is without a preset."""

    width: Side | None = None
    height: Side | None = None
    steps: Steps | None = None
    sampler: SamplerName | None = None
    schedule: ScheduleName | None = None
    guidance: Guidance | None = None
    guidance_rescale: GuidanceRescale | None = None
    clip_skip: ClipSkip | None = None
    before: Prompt = Field("", description="Words for the beginning of a prompt.")
    after: Prompt = Field("", description="Words for its end.")
    negative_prompt: Prompt = Field("", description="Words for the negative prompt.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height belong together: give both, or none")
        if limit := too_large((self.width or 0, self.height or 0), in_tiles=False):
            raise ValueError(f"width x height: {limit}")
        if self.sampler is not None:
            check_together(self.sampler, self.schedule or AUTOMATIC)
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """What it sets, but for the words, by the names of a request's fields."""
        return {name: value for name, value in dict(self).items() if name not in WORDS and value is not None}

    def check_with(self, checkpoint: DrawnWith) -> None:
        """Raises InvalidRequest for a sampler or a schedule that the checkpoint cannot be drawn with."""
        if self.sampler is not None:
            resolved_schedule(self.sampler, self.schedule or AUTOMATIC, checkpoint)

    def prompt(self, words: str) -> str:
        """A prompt with its words before and after, each of them once."""
        return _joined(_missing(self.before, words), words, _missing(self.after, f"{self.before}, {words}"))

    def negative(self, words: str) -> str:
        """A negative prompt with its words in front, each of them once."""
        return _joined(_missing(self.negative_prompt, words), words)


SETTINGS = tuple(name for name in Preset.model_fields if name not in (*SIDES, *WORDS))
"""What it sets besides size and words, by the names of a request's fields."""


def _missing(words: str, there: str) -> str:
    """Those of these words, between commas, that are not in a prompt yet."""
    known = {_plain(word) for word in LORA_TAG.sub(",", there).split(",")}
    return ", ".join(word.strip() for word in words.split(",") if _plain(word) and _plain(word) not in known)


def _plain(word: str) -> str:
    """Without its weight: `(masterpiece:1.2)` is there, too."""
    return re.sub(r"^[(\[\s]+|(?::\s*[\d.]+)?[)\]\s]+$", "", word).lower()


def _joined(*parts: str) -> str:
    return ", ".join(part.strip().strip(",").strip() for part in parts if part.strip(" ,\n"))
