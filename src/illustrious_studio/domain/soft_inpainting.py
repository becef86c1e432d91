"""Soft inpainting, A1111's script of that name: grey in a mask says how much of the picture's latents stays at each
step, and where drawing changed nothing the picture's own pixels stay, however the mask runs.

Here are its settings. The formulas are the worker's (`adapters/sdxl/worker/soft_inpainting.py`).
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from illustrious_studio.domain.setting import Setting

if TYPE_CHECKING:
    from illustrious_studio.domain.images import ImageRequest


def _of_it(label: str, step: float) -> Setting:
    return Setting(label, "inpaint", step, f"Soft inpainting {label.lower()}", always=True, needs="soft_inpainting")


SoftSwitch = Annotated[
    bool,
    Field(
        description="Soft inpainting: grey in the mask mixes what is drawn with what was there, at every step; wants a "
        "mask blur of 20 and more."
    ),
    Setting("Soft inpainting", "inpaint", infotext="Soft inpainting enabled", needs="mask"),
]
ScheduleBias = Annotated[
    float,
    Field(ge=0, le=8, description="When the picture is kept most: above 1 at the beginning, below at the end."),
    _of_it("Schedule bias", 0.1),
]
PreservationStrength = Annotated[
    float,
    Field(ge=0, le=8, description="How strongly the picture is kept where the mask is grey."),
    _of_it("Preservation strength", 0.05),
]
TransitionContrastBoost = Annotated[
    float,
    Field(ge=1, le=32, description="How much of the contrast that mixing loses is given back."),
    _of_it("Transition contrast boost", 0.5),
]
MaskInfluence = Annotated[
    float,
    Field(ge=0, le=1, description="Whose pixels are seen at the end: by how much was changed (0) or by the mask (1)."),
    _of_it("Mask influence", 0.05),
]
DifferenceThreshold = Annotated[
    float,
    Field(ge=0, le=8, description="How much may change before the drawing's pixels are seen half and half."),
    _of_it("Difference threshold", 0.25),
]
DifferenceContrast = Annotated[
    float,
    Field(ge=0, le=8, description="How sharply the one gives way to the other."),
    _of_it("Difference contrast", 0.25),
]


@dataclass(frozen=True)
class SoftInpainting:
    """The settings, together."""

    schedule_bias: float = 1.0
    preservation_strength: float = 0.5
    transition_contrast_boost: float = 4.0
    mask_influence: float = 0.0
    difference_threshold: float = 0.5
    difference_contrast: float = 2.0


NAMES = tuple(f"soft_inpainting_{one.name}" for one in fields(SoftInpainting))
"""What a request calls them, in A1111's order."""


def soft_inpainting_of(request: "ImageRequest") -> SoftInpainting | None:
    """None where a request wants none."""
    if not request.soft_inpainting:
        return None
    return SoftInpainting(*(getattr(request, name) for name in NAMES))
