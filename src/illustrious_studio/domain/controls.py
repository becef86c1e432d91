"""Pictures that steer a drawing beside its words: by a ControlNet (Zhang et al. 2023, arXiv:2302.05543), a T2I-Adapter
(Mou et al. 2023, arXiv:2302.08453) or an IP-Adapter (Ye et al. 2023, arXiv:2308.06721)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

from pydantic import BeforeValidator, Field, model_validator

from illustrious_studio.domain.inputs import Fit, InputId
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import Text, Value, as_tuple

ControlMode = Literal["balanced", "prompt", "control"]
"""What counts more where words and picture disagree: A1111's "Balanced", "My prompt is more important", "ControlNet is
more important"."""

NO_PREPROCESSOR = "none"
"""The picture is such as the model reads already."""

UNION_TYPES = ("openpose", "depth", "softedge", "canny", "normal", "segment", "tile", "inpaint")
"""What a ControlNet-Union (xinsir's) reads, by its numbers; it has the first six, ProMax all."""
UnionType = Literal["openpose", "depth", "softedge", "canny", "normal", "segment", "tile", "inpaint"]

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
    union_type: Annotated[
        UnionType | None,
        Field(description="What the picture shows, for a ControlNet-Union; left out: what the preprocessor makes."),
    ] = None
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


Controls = Annotated[tuple[Control, ...], BeforeValidator(as_tuple)]
"""Those of a request: a list, as JSON has it."""

ControlKind = Literal["controlnet", "controlnet-union", "t2i-adapter", "ip-adapter"]


class VisionEncoderFile(Value):
    """A CLIP vision encoder, which looks at an IP-Adapter's picture."""

    name: str
    path: Path
    hidden_size: int
    projection_size: int
    parameters: int = 0
    stamp: str = ""


class ControlFile(Value):
    """A model that steers, and what is known of it by its header."""

    name: str
    path: Path
    kind: ControlKind
    base: Literal["SDXL", ""] = Field(
        "SDXL", description="What it was made for; empty: a smaller model of SDXL's form."
    )
    union_types: tuple[str, ...] = Field((), description="What a ControlNet-Union reads.")
    encoder_width: int | None = Field(None, description="Of an IP-Adapter: how wide what it reads of a picture is.")
    whole_sequence: bool = Field(
        False, description="Of an IP-Adapter: whether it reads all patches of a picture (Plus)."
    )
    size_bytes: int = 0
    parameters: int = Field(0, description="How many numbers its weights are.")
    stamp: str = Field("", description="Another one when the file was changed or replaced.")

    def reads_from(self, encoder: VisionEncoderFile) -> bool:
        """Whether this encoder gives what an IP-Adapter wants."""
        return self.encoder_width == (encoder.hidden_size if self.whole_sequence else encoder.projection_size)


@dataclass(frozen=True)
class ControlUse:
    """A control as a drawing needs it: files, the picture as the model reads it, and how it counts."""

    file: ControlFile
    picture: Picture
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    mode: ControlMode = "balanced"
    union_type: int | None = None
    """The number of what the picture shows, for a ControlNet-Union."""
    encoder: VisionEncoderFile | None = None
    """What looks at an IP-Adapter's picture."""


def files_of(uses: Iterable[ControlUse]) -> dict[str, ControlFile | VisionEncoderFile]:
    """What these are loaded from, each file once, by its stamp."""
    files = [file for one in uses for file in (one.file, one.encoder) if file is not None]
    return {file.stamp: file for file in files}


class ControlCatalogue(Protocol):
    """The models on disk that steer. Names from outside are looked up in it."""

    async def list(self) -> Sequence[ControlFile]:
        """Every one that can be used with SDXL, by its header."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and cannot, each with its reason."""
        ...

    async def encoders(self) -> Sequence[VisionEncoderFile]:
        """The CLIP vision encoders."""
        ...

    async def hash_of(self, file: ControlFile) -> str | None:
        """First 10 hex digits of its SHA-256; None for a file that cannot be read."""
        ...
