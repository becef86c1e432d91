"""Pictures: what is asked for, where it came from, and all that made it."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from illustrious_studio.domain.layout.values import Layout, LayoutGiven
from illustrious_studio.domain.request.drawing import MAX_SEED as MAX_SEED
from illustrious_studio.domain.request.pictures import PictureSettings
from illustrious_studio.domain.setting import Setting, settings_of
from illustrious_studio.domain.sizes import (
    LONGEST_IN_TILES,
    MOST_PIXELS_IN_TILES,
    too_large,
)
from illustrious_studio.domain.values import Text, Value

LayoutAs = Literal["sketch", "regions", "both"]
"""What a layout is for."""


class ImageRequest(PictureSettings):
    """A picture somebody wants. This is the one list of picture settings: limits and help, and how each is called in
    A1111's text and API, by other programs and on the page, stand here once (`Setting`). Its parts are in `request`."""

    layout_as: Annotated[
        LayoutAs,
        Field(
            description="What a layout is: a sketch to start from; regions, each thing's box with its words from the "
            "prompt; or both. For regions alone the words are laid out where no layout is given, and drawing starts "
            "as it does without one."
        ),
        Setting("Layout as", infotext="Layout as", needs="layout"),
    ] = "sketch"
    layout_from_words: Annotated[
        bool,
        Field(description="Lay the known objects of the prompt out as a sketch first, and start from it."),
    ] = False
    layout: Annotated[
        LayoutGiven | None,
        Field(description="What stands where: a layout, or only its things. It is painted as a sketch to start from."),
        Setting("Layout", infotext="Layout"),
    ] = None
    sketch_strength: Annotated[
        float | None,
        Field(
            ge=0.05,
            le=1,
            description="Denoising strength over the sketch: how much of it is redrawn. By default what the checkpoint "
            "declares (the built-in model redraws 0.1 where people are), else 0.8; 0.75 to 0.9 suits SDXL checkpoints.",
        ),
        Setting("Sketch strength", step=0.05, infotext="Denoising strength", needs="layout"),
    ] = None

    @property
    def prompts(self) -> dict[str, str]:
        """All that are read, by what they are called."""
        found = {"prompt": self.prompt, "negative prompt": self.negative_prompt}
        if self.hires is not None:
            others = {"hires prompt": self.hires.prompt, "hires negative prompt": self.hires.negative_prompt}
            found |= {which: prompt for which, prompt in others.items() if prompt}
        for number, detail in enumerate(self.details, 1):
            found |= {f"{which} of detail {number}": prompt for which, prompt in detail.words.items()}
        return found | {f"regions.{number}.prompt": one.prompt for number, one in enumerate(self.regions)}

    @model_validator(mode="after")
    def _not_too_many_pixels(self) -> Self:
        if limit := too_large((self.width or 0, self.height or 0), in_tiles=self.tile is not None):
            more = f"; with a tile up to {LONGEST_IN_TILES} and {MOST_PIXELS_IN_TILES / 1e6:.1f} megapixels"
            raise ValueError(f"width x height: {limit}{more if self.tile is None else ''}")
        return self

    @model_validator(mode="after")
    def _details_go_without_a_mask(self) -> Self:
        if self.details and (self.mask is not None or self.outpaint is not None):
            what = "a mask" if self.outpaint is None else "outpaint"
            raise ValueError(f"details: cannot be used with {what}, which says what is redrawn; leave one of them out")
        return self

    @field_validator("layout_from_words", "layout", "sketch_strength")
    @classmethod
    def _goes_without_a_picture(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("image") is not None and known.data.get("layout_as") != "regions":
            raise ValueError("cannot be used with an image, which takes the place of the sketch")
        return value

    @field_validator("layout_as")
    @classmethod
    def _shows_the_whole_picture(cls, value: str, known: ValidationInfo) -> str:
        if value == "both" and known.data.get("image") is not None:
            raise ValueError("cannot be both with an image, which takes the place of the sketch; use regions")
        if value == "regions" and known.data.get("mask_area") == "masked":
            raise ValueError("cannot be regions where only a part of the picture is drawn; use mask_area whole")
        return value


def apart_from_chance(request: ImageRequest) -> ImageRequest:
    """What several pictures of one request have in common: all but their seeds, and what a seed has laid out."""
    laid_out = None if request.layout is None else Layout()
    return request.model_copy(update={"seed": -1, "variation_seed": None, "wildcard_seed": None, "layout": laid_out})


SETTINGS = settings_of(ImageRequest)
"""Every setting by its name."""


Template = Annotated[Text, Field(exclude_if=lambda text: not text)]
"""Few pictures have one, and records of old have none."""


class Origin(Value):
    """Where a picture came from, so that it can be found from there and led back to it."""

    way: Literal["api", "create", "chat", "cli"] = "api"
    words: Text = Field("", description="What the person typed, before any enhancement.")
    template: Template = Field("", description="The prompt as it was before its wildcards and choices were settled.")
    negative_template: Template = Field("", description="The same of the negative prompt.")
    session_id: str | None = None
    message_id: str | None = None
    grid_id: str | None = Field(
        None, exclude_if=lambda grid: grid is None, description="The grid that it is a picture of."
    )
