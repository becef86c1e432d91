"""Hires fix: a picture drawn small, made larger, and drawn over in a second pass (A1111's `modules/processing.py`).

Steps are those that are really taken, as many as A1111 takes in its second pass: the schedule has `steps / strength` of
them, and the last are done. A size is rounded down to multiples of 8, as there.
"""

from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.sampling import SamplerName, ScheduleName, Steps, check_together
from illustrious_studio.domain.sizes import LONGEST_IN_TILES, too_large
from illustrious_studio.domain.upscaling import BUILTIN_UPSCALER, GRAIN, USUAL_SCALE, Size, not_beside_a_scale
from illustrious_studio.domain.values import Prompt, Text, Value

LATENT_UPSCALERS: Final = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
"""A1111's ways to make latents larger: how torch interpolates, and whether it smooths."""
USUAL_STRENGTH = 0.7
USUAL_UPSCALER = "Latent"
"""Both of A1111's page."""
MOST_STEPS = 1000
"""Steps of a schedule: so many the checkpoints were trained on."""


class HiresFix(Value):
    """The second pass. What is left out is as in the first."""

    scale: float | None = Field(None, ge=1, le=4, description="How many times as wide and high; 2 by default.")
    width: int | None = Field(
        None, ge=64, le=LONGEST_IN_TILES, description="Pixels, instead of a scale; height follows."
    )
    height: int | None = Field(
        None, ge=64, le=LONGEST_IN_TILES, description="Pixels, instead of a scale; width follows."
    )
    upscaler: Text | None = Field(
        None,
        max_length=500,
        description="A latent one, or one of GET /upscalers. Latent by default; with a checkpoint that always begins "
        f"with a sketch, {BUILTIN_UPSCALER}.",
    )
    steps: Steps | None = Field(
        None,
        description="Steps that are taken, all of them over what is drawn anew; left out: as in the first pass.",
    )
    strength: float | None = Field(
        None,
        ge=0.01,
        le=1,
        description="Denoising strength: how much is drawn anew. 0.7 by default; with a checkpoint that always begins "
        "with a sketch, as in the first pass.",
    )
    prompt: Prompt | None = Field(None, description="Another prompt for the second pass.")
    negative_prompt: Prompt | None = Field(None, description="Another negative prompt for it.")
    sampler: SamplerName | None = Field(None, description="Another sampler for it.")
    schedule: ScheduleName | None = Field(None, description="Another schedule for it.")

    _a_scale_or_a_size = field_validator("width", "height")(not_beside_a_scale)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.sampler is not None and self.schedule is not None:
            check_together(self.sampler, self.schedule)
        return self

    @property
    def denoising(self) -> float:
        """The strength; before it is settled, the usual one."""
        return USUAL_STRENGTH if self.strength is None else self.strength

    @property
    def enlarged_by(self) -> str:
        """The upscaler; before it is settled, the usual one."""
        return self.upscaler or USUAL_UPSCALER

    def settled(self, sketch_strength: float | None) -> Self:
        """With the strength and the upscaler that are left out. `sketch_strength`: of the first pass, with a checkpoint
        that always begins with a sketch: more would lose what is drawn from the sketch alone, and for what is hardly
        redrawn latents are too coarse."""
        strength = USUAL_STRENGTH if sketch_strength is None else sketch_strength
        upscaler = USUAL_UPSCALER if sketch_strength is None else BUILTIN_UPSCALER
        usual = {"strength": strength, "upscaler": upscaler}
        return self.model_copy(update={name: value for name, value in usual.items() if getattr(self, name) is None})

    def sizes(self, first: Size) -> tuple[Size, Size]:
        """To what a picture of that size is scaled, and how much of its middle is drawn. Raises InvalidRequest."""
        scaled, kept = self._sizes(first)
        if limit := too_large(scaled, in_tiles=True):
            raise InvalidRequest(
                f"hires: the picture would become {scaled[0]} x {scaled[1]}; {limit}. Choose a smaller scale or size."
            )
        return scaled, kept

    def _sizes(self, first: Size) -> tuple[Size, Size]:
        width, height = first
        if self.width is None and self.height is None:
            scale = self.scale or USUAL_SCALE
            size = _rounded(int(width * scale)), _rounded(int(height * scale))
            return size, size
        if self.width is None or self.height is None:
            size = (
                _rounded(self.width or (self.height or 0) * width // height),
                _rounded(self.height or (self.width or 0) * height // width),
            )
            return size, size
        wanted = _rounded(self.width), _rounded(self.height)
        if width / height < self.width / self.height:
            return (wanted[0], max(wanted[1], _rounded(self.width * height // width))), wanted
        return (max(wanted[0], _rounded(self.height * width // height)), wanted[1]), wanted

    def steps_of(self, first: int) -> tuple[int, int]:
        """Of its schedule, and how many of them are taken: the last. `first` are those of the first pass."""
        taken = self.steps or first
        return max(taken, min(int(taken / min(self.denoising, 0.999)), MOST_STEPS)), taken


def _rounded(side: int) -> int:
    return max(GRAIN, side // GRAIN * GRAIN)
