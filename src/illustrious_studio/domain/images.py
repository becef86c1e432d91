"""Drawing: what is asked for, what comes back, and the port of whatever draws."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, Self

from pydantic import Field, model_validator

from illustrious_studio.domain.models import Checkpoint, ModelStatus
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.sketch import Layout, LayoutGiven
from illustrious_studio.domain.values import Prompt, SpokenPrompt, Text, Value

MAX_SEED = 2**32 - 1
MAX_PIXELS = 4_200_000


class ImageRequest(Value):
    """A picture somebody wants. Limits and help stand here once, for the API, the tools and the sliders."""

    prompt: SpokenPrompt = Field(description="What to draw.")
    negative_prompt: Prompt = Field("", description="What to keep out of the picture.")
    steps: int = Field(30, ge=1, le=150, description="Denoising steps. More is slower and, up to about 30, finer.")
    guidance: float = Field(7.5, ge=0, le=30, description="How closely to follow the prompt (CFG scale).")
    seed: int = Field(-1, ge=-1, le=MAX_SEED, description="The same seed gives the same picture; -1 picks one.")
    width: int | None = Field(
        None, ge=64, le=2048, multiple_of=8, description="Pixels; left out: the checkpoint's native width."
    )
    height: int | None = Field(
        None, ge=64, le=2048, multiple_of=8, description="Pixels; left out: the checkpoint's native height."
    )
    layout_from_words: bool = Field(
        False, description="Lay the known objects of the prompt out as a sketch first and draw over it."
    )
    layout: LayoutGiven | None = Field(
        None, description="What stands where: a layout, or only its things. It is painted as a sketch and drawn over."
    )
    sketch_strength: float | None = Field(
        None,
        ge=0.05,
        le=1,
        description="How much of a sketch is drawn anew; left out: as the checkpoint declares, else 0.8.",
    )

    @model_validator(mode="after")
    def _not_too_many_pixels(self) -> Self:
        if (self.width or 0) * (self.height or 0) > MAX_PIXELS:
            raise ValueError(f"width x height must be at most {MAX_PIXELS:,} pixels")
        return self


class Origin(Value):
    """Where a picture came from, so that it can be found from there and led back to it."""

    way: Literal["api", "create", "chat", "cli"] = "api"
    words: Text = Field("", description="What the person typed, before any enhancement.")
    session_id: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class RenderOrder:
    """A settled request: seed and size are fixed, and the sketch to draw over, if any, is made."""

    request: ImageRequest
    checkpoint: Checkpoint
    sketch: Picture | None = None
    strength: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        return (
            self.request.width or self.checkpoint.native_width,
            self.request.height or self.checkpoint.native_height,
        )


@dataclass(frozen=True)
class Step:
    """Progress of a drawing: `step` of `steps` are done. `preview` is a small JPEG, when there is one."""

    step: int
    steps: int
    preview: bytes | None = None


@dataclass(frozen=True)
class Rendered:
    """What an engine answers: the pixels, and every fact about how they were made that the request does not hold."""

    picture: Picture
    sampler: str
    schedule: str
    device: str
    dtype: str
    vae_dtype: str
    versions: dict[str, str]
    seconds: float
    attempts: tuple[str, ...] = ()
    """What was tried because of lack of memory, in order; empty when the first attempt worked."""


class ImageMetadata(Value):
    """Everything needed to make a picture again. Kept in the `.json` beside it and, as text, inside the PNG."""

    prompt: Text
    negative_prompt: Text = ""
    steps: int
    guidance: float
    seed: int
    width: int
    height: int
    sampler: str
    schedule: str
    checkpoint: str
    checkpoint_hash: str | None = None
    prediction_type: str
    clip_skip: int = 1
    strength: float | None = None
    layout: Layout | None = None
    device: str
    dtype: str
    vae_dtype: str
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    attempts: tuple[str, ...] = ()
    created_at: datetime
    origin: Origin = Origin()

    def request(self) -> ImageRequest:
        """The request that makes this picture again."""
        return ImageRequest(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            steps=self.steps,
            guidance=self.guidance,
            seed=self.seed,
            width=self.width,
            height=self.height,
            layout=self.layout,
            sketch_strength=self.strength if self.layout is not None else None,
        )


class ImageEngine(Protocol):
    """Whatever draws. Cancelling the task that awaits `render` stops the drawing within a step."""

    @property
    def status(self) -> ModelStatus:
        """What is loaded, on what device, and whether it can draw now."""
        ...

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        """Load a checkpoint in place of the one loaded.

        Raises InvalidRequest (damaged or no SDXL file), OutOfMemory, EngineDied.
        """
        ...

    async def render(self, order: RenderOrder, on_step: Callable[[Step], None]) -> Rendered:
        """Draw. Raises Unavailable (nothing loaded), OutOfMemory (after every attempt), EngineDied."""
        ...

    async def clear_cuda_memory(self) -> None:
        """Give cached device memory back to the system; the loaded model stays."""
        ...

    async def unload(self) -> None:
        """Give up the loaded model and all of its memory; the next `render` loads it again."""
        ...
