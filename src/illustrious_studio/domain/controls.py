"""Pictures that steer a drawing beside its words: by a ControlNet (Zhang et al. 2023, arXiv:2302.05543), a T2I-Adapter
(Mou et al. 2023, arXiv:2302.08453) or an IP-Adapter (Ye et al. 2023, arXiv:2308.06721)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from illustrious_studio.domain.inputs import Fit, InputId
from illustrious_studio.domain.values import Text, Value

ControlMode = Literal["balanced", "prompt", "control"]
"""What counts more where words and picture disagree: A1111's "Balanced", "My prompt is more important", "ControlNet is
more important"."""

NO_PREPROCESSOR = "none"
"""The picture is such as the model reads already."""

MOST_CONTROLS = 10


class Control(Value):
    """One picture that steers a drawing, and by which model."""

    model: Annotated[
        Text, Field(min_length=1, max_length=500, description="A ControlNet, T2I-Adapter or IP-Adapter, by its name.")
    ]
    image: Annotated[
        InputId | None, Field(description="The picture; left out: the one that the drawing starts from.")
    ] = None
    preprocessor: Annotated[
        Text,
        Field(max_length=100, description="What makes of it what the model reads, by its name; none: nothing."),
    ] = NO_PREPROCESSOR
    weight: Annotated[float, Field(ge=0, le=2, description="How strongly it steers.")] = 1.0
    start: Annotated[float, Field(ge=0, le=1, description="From which part of the steps on it steers.")] = 0.0
    end: Annotated[float, Field(ge=0, le=1, description="Until which part of the steps it steers.")] = 1.0
    mode: Annotated[
        ControlMode, Field(description="What counts more where they disagree: both alike, the prompt, or the picture.")
    ] = "balanced"
    fit: Annotated[
        Fit, Field(description="How the picture comes to the drawing's size: cut, stretched, or filled at its edges.")
    ] = "crop"
    resolution: Annotated[
        int | None,
        Field(
            ge=64,
            le=2048,
            description="Pixels of the shorter side in which the preprocessor works; left out: the drawing's size.",
        ),
    ] = None
    threshold_a: Annotated[
        float | None,
        Field(description="The preprocessor's first number; left out: its usual one."),
    ] = None
    threshold_b: Annotated[float | None, Field(description="Its second one.")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start ({self.start:g}) must be below end ({self.end:g})")
        return self
