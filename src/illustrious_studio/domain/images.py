"""Pictures: what is asked for, where it came from, and all that made it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from illustrious_studio.domain.inputs import Fit, InputId, MaskArea, MaskContent
from illustrious_studio.domain.layout.values import Layout, LayoutGiven
from illustrious_studio.domain.sampling import SamplerName, ScheduleName, check_together, recorded_sampling
from illustrious_studio.domain.values import Prompt, SpokenPrompt, Text, Value

MAX_SEED = 2**32 - 1
MAX_PIXELS = 4_200_000


class ImageRequest(Value):
    """A picture somebody wants. Limits and help stand here once, for the API, the tools and the sliders."""

    prompt: SpokenPrompt = Field(description="What to draw.")
    negative_prompt: Prompt = Field("", description="What to keep out of the picture.")
    steps: int = Field(30, ge=1, le=150, description="Denoising steps. More is slower and, up to about 30, finer.")
    guidance: float = Field(7.5, ge=0, le=30, description="How closely to follow the prompt (CFG scale).")
    sampler: SamplerName = Field("Euler", description="How the steps are taken, by A1111's names.")
    schedule: ScheduleName = Field(
        "Automatic",
        description="How the steps are spread between noise and picture; Automatic: as usual for the sampler.",
    )
    seed: int = Field(-1, ge=-1, le=MAX_SEED, description="The same seed gives the same picture; -1 picks one.")
    clip_skip: int = Field(
        1, ge=1, le=12, description="Which layer of the text encoders is read, as A1111 counts; 1 and 2 are SDXL's own."
    )
    width: int | None = Field(
        None, ge=64, le=2048, multiple_of=8, description="Pixels; left out: the checkpoint's native width."
    )
    height: int | None = Field(
        None, ge=64, le=2048, multiple_of=8, description="Pixels; left out: the checkpoint's native height."
    )
    image: InputId | None = Field(None, description="A picture to draw over, instead of a sketch.")
    strength: float | None = Field(
        None,
        ge=0.01,
        le=1,
        description="How much of the picture is drawn anew (A1111's denoising strength); left out: 0.75.",
    )
    fit: Fit = Field(
        "crop",
        description="How the picture comes to the size: cut around its middle, stretched, or filled up at its edges.",
    )
    mask: InputId | None = Field(None, description="What to draw anew, in white; the rest of the picture stays.")
    mask_blur: int = Field(4, ge=0, le=64, description="Pixels over which the edge of the mask is softened.")
    mask_content: MaskContent = Field(
        "original", description="What drawing begins with under the mask: the picture, or the colours around the mask."
    )
    mask_area: MaskArea = Field(
        "whole",
        description="Draw over the whole picture, or only over what is around the mask: in width x height, which is "
        "then put back into the picture. That keeps its own size.",
    )
    mask_padding: int = Field(
        32, ge=0, le=256, description="Pixels of the picture to see around the mask where mask_area is masked."
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

    @field_validator("strength", "mask")
    @classmethod
    def _goes_with_a_picture(cls, value: object, known: ValidationInfo) -> object:
        if value is not None and known.data.get("image", "") is None:
            raise ValueError("needs an image")
        return value

    @field_validator("mask_content", "mask_area")
    @classmethod
    def _goes_with_a_mask(cls, value: str, known: ValidationInfo) -> str:
        assert known.field_name is not None
        if value != cls.model_fields[known.field_name].default and known.data.get("mask", "") is None:
            raise ValueError("needs a mask")
        return value

    @field_validator("layout_from_words", "layout", "sketch_strength")
    @classmethod
    def _goes_without_a_picture(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("image") is not None:
            raise ValueError("cannot be used with an image, which takes the place of the sketch")
        return value

    @field_validator("schedule")
    @classmethod
    def _goes_with_the_sampler(cls, schedule: str, known: ValidationInfo) -> str:
        if "sampler" in known.data:
            check_together(known.data["sampler"], schedule)
        return schedule


class Origin(Value):
    """Where a picture came from, so that it can be found from there and led back to it."""

    way: Literal["api", "create", "chat", "cli"] = "api"
    words: Text = Field("", description="What the person typed, before any enhancement.")
    session_id: str | None = None
    message_id: str | None = None


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
    image: InputId | None = None
    fit: Fit | None = None
    mask: InputId | None = None
    mask_blur: int | None = None
    mask_content: MaskContent | None = None
    mask_area: MaskArea | None = None
    mask_padding: int | None = None
    drawn_width: int | None = None
    """Where only a part of the picture was drawn: the size of that drawing. `width` and `height` are the picture's."""
    drawn_height: int | None = None
    layout: Layout | None = None
    device: str
    dtype: str
    vae_dtype: str
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    attempts: tuple[str, ...] = ()
    created_at: datetime
    origin: Origin = Origin()

    @property
    def drawn_size(self) -> tuple[int, int]:
        return self.drawn_width or self.width, self.drawn_height or self.height

    def request(self) -> ImageRequest:
        """The request that makes this picture again."""
        return self.request_with({})

    def request_with(self, changes: Mapping[str, object]) -> ImageRequest:
        """The same but for these fields. Raises pydantic's ValidationError where that is beyond the studio's limits.

        Other words get another layout, unless a hand has placed what is in it.
        """
        sampler, schedule = recorded_sampling(self.sampler, self.schedule)
        recorded: dict[str, object] = {
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "steps": self.steps,
            "guidance": self.guidance,
            "sampler": sampler,
            "schedule": schedule,
            "seed": self.seed,
            "clip_skip": self.clip_skip,
            "width": self.drawn_size[0],
            "height": self.drawn_size[1],
            "layout": self.layout,
            "sketch_strength": self.strength if self.layout is not None else None,
        }
        if self.image is not None:
            recorded |= {"image": self.image, "strength": self.strength, "fit": self.fit or "crop"}
        if self.mask is not None:
            of_it = ("mask", "mask_blur", "mask_content", "mask_area", "mask_padding")
            recorded |= {name: value for name in of_it if (value := getattr(self, name)) is not None}
        if changes.get("image") is not None:
            recorded |= {"layout": None, "sketch_strength": None}
        elif "prompt" in changes and self.layout is not None and self.layout.by != "hand":
            recorded |= {"layout": None, "layout_from_words": True}
        return ImageRequest.model_validate({**recorded, **changes})
