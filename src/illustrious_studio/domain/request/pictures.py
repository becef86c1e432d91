"""The settings of pictures that a drawing starts from or is steered by: image to image, masks, controls, outpainting.

They are the third part of the one list (`domain/images.py`), in its order.
"""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from illustrious_studio.domain.controls import MOST_CONTROLS, Controls
from illustrious_studio.domain.inputs import Fit, InputId, MaskArea, MaskContent
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.request.passes import PassSettings
from illustrious_studio.domain.setting import Setting
from illustrious_studio.domain.soft_inpainting import (
    DifferenceContrast,
    DifferenceThreshold,
    MaskInfluence,
    PreservationStrength,
    ScheduleBias,
    SoftSwitch,
    TransitionContrastBoost,
)
from illustrious_studio.domain.upscaling import LANCZOS
from illustrious_studio.domain.values import Text

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
"""Of controls, which are ten at most: programs count them from 0, and people from 1."""


class PictureSettings(PassSettings):
    """The same, and over which pictures."""

    image: Annotated[
        InputId | None,
        Field(description="A picture to start from (image to image), instead of a sketch."),
        Setting("Image", infotext="Init image hash", a1111=("init_images",)),
    ] = None
    strength: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Denoising strength: how much of the picture is redrawn. 0.75 by default; 0.9 to outpaint.",
        ),
        Setting(
            "Denoising strength",
            "img2img",
            0.05,
            "Denoising strength",
            needs="image",
            a1111=("denoising_strength",),
        ),
    ] = None
    fit: Annotated[
        Fit,
        Field(
            description="How the picture comes to the size: cut around its middle, stretched, or filled at its edges."
        ),
        Setting(
            "Resize mode",
            "img2img",
            infotext="Resize mode",
            always=True,
            needs="image",
            words={"crop": "Crop and resize", "stretch": "Just resize", "fill": "Resize and fill"},
        ),
    ] = "crop"
    skip_img2img: Annotated[
        bool,
        Field(
            description="Leave the picture as it is, in its own size, and draw its details alone. The size is then "
            "that in which they are drawn, unless they say another."
        ),
        Setting("Only its details", "img2img", infotext="ADetailer skip img2img", needs="image"),
    ] = False
    image_upscaler: Annotated[
        Text,
        Field(
            max_length=500,
            description="What makes a picture larger that is smaller than the drawing: an upscaler by its name.",
        ),
        Setting(
            "Image upscaler",
            "img2img",
            infotext="Image upscaler",
            needs="image",
            a1111=("upscaler_for_img2img",),
        ),
    ] = LANCZOS
    mask: Annotated[
        InputId | None,
        Field(description="What to redraw (inpaint), in white; the rest of the picture stays."),
        Setting("Mask", infotext="Mask hash", needs="image", a1111=("mask",)),
    ] = None
    mask_blur: Annotated[
        int,
        Field(ge=0, le=64, description="Pixels over which the edge of the mask is softened."),
        Setting("Mask blur", "inpaint", 1, "Mask blur", always=True, needs="mask", a1111=("mask_blur",)),
    ] = 4
    mask_content: Annotated[
        MaskContent,
        Field(
            description="What drawing begins with under the mask: the picture, the colours around the mask, noise, or "
            "nothing; the last two want a strength of 1."
        ),
        Setting(
            "Masked content",
            "inpaint",
            infotext="Masked content",
            needs="mask",
            a1111=("inpainting_fill",),
            words={"latent_noise": "latent noise", "latent_nothing": "latent nothing"},
        ),
    ] = "original"
    mask_area: Annotated[
        MaskArea,
        Field(
            description="Redraw the whole picture, or only what is around the mask: in the size that is asked for, and "
            "then put back into the picture, which keeps its own size."
        ),
        Setting(
            "Inpaint area",
            "inpaint",
            infotext="Inpaint area",
            needs="mask",
            words={"whole": "Whole picture", "masked": "Only masked"},
        ),
    ] = "whole"
    mask_padding: Annotated[
        int,
        Field(
            ge=0, le=256, description="Pixels of the picture to see around the mask, where only that part is redrawn."
        ),
        Setting(
            "Only masked padding",
            "inpaint",
            4,
            "Masked area padding",
            always=True,
            needs="mask_area=masked",
            a1111=("inpaint_full_res_padding",),
        ),
    ] = 32
    controls: Annotated[
        Controls,
        Field(
            max_length=MOST_CONTROLS,
            description="Pictures that steer the drawing, by ControlNets, T2I-Adapters or IP-Adapters.",
        ),
        Setting("ControlNet", infotext="Controls"),
    ] = ()
    soft_inpainting: SoftSwitch = False
    soft_inpainting_schedule_bias: ScheduleBias = 1.0
    soft_inpainting_preservation_strength: PreservationStrength = 0.5
    soft_inpainting_transition_contrast_boost: TransitionContrastBoost = 4.0
    soft_inpainting_mask_influence: MaskInfluence = 0.0
    soft_inpainting_difference_threshold: DifferenceThreshold = 0.5
    soft_inpainting_difference_contrast: DifferenceContrast = 2.0
    outpaint: Annotated[
        Outpaint | None,
        Field(description="Make the picture's canvas larger, and draw what is new; the picture keeps its pixels."),
        Setting("Outpaint", infotext="Outpaint", needs="image"),
    ] = None

    @field_validator("strength", "mask", "skip_img2img", "outpaint")
    @classmethod
    def _goes_with_a_picture(cls, value: object, known: ValidationInfo) -> object:
        if value is not None and value is not False and known.data.get("image", "") is None:
            raise ValueError("needs an image")
        return value

    @field_validator("controls")
    @classmethod
    def _have_pictures(cls, controls: Controls, known: ValidationInfo) -> Controls:
        lacking = [number for number, one in enumerate(controls) if one.image is None]
        if lacking and known.data.get("image", "") is None:
            raise ValueError(
                f"the {ORDINALS[lacking[0]]} of them needs an image of its own, where the drawing starts from none"
            )
        return controls

    @field_validator("mask_content", "mask_area", "soft_inpainting")
    @classmethod
    def _goes_with_a_mask(cls, value: object, known: ValidationInfo) -> object:
        assert known.field_name is not None
        if value != cls.model_fields[known.field_name].default and known.data.get("mask", "") is None:
            raise ValueError("needs a mask")
        return value

    @field_validator("mask_area")
    @classmethod
    def _goes_with_the_whole_picture(cls, value: str, known: ValidationInfo) -> str:
        if value == "masked" and (known.data.get("regions") or known.data.get("region_split")):
            raise ValueError("cannot be masked with regions, which are shares of the whole picture; use whole")
        return value

    @field_validator("outpaint")
    @classmethod
    def _goes_without_a_mask(cls, value: object, known: ValidationInfo) -> object:
        if value is not None and known.data.get("mask") is not None:
            raise ValueError("cannot be used with a mask; outpaint first, then inpaint what came of it")
        return value

    @field_validator("image")
    @classmethod
    def _goes_without_hires_fix(cls, value: object, known: ValidationInfo) -> object:
        if value is not None and known.data.get("hires") is not None:
            raise ValueError("cannot be used with hires, whose first pass is from words; ask for a larger size")
        return value
