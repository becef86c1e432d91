"""Pictures: what is asked for, where it came from, and all that made it."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from illustrious_studio.domain.controls import MOST_CONTROLS, Controls
from illustrious_studio.domain.details import MOST_DETAILS, Details
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.inputs import Fit, InputId, MaskArea, MaskContent
from illustrious_studio.domain.layout.values import Layout, LayoutGiven
from illustrious_studio.domain.loras import MOST, Loras
from illustrious_studio.domain.models import AUTOMATIC_VAE, VaeName
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.regions import BASE_SHARE, MOST_REGIONS, Ratios, Regions, RegionSplit
from illustrious_studio.domain.sampling import SamplerName, ScheduleName, check_together
from illustrious_studio.domain.setting import Setting, settings_of
from illustrious_studio.domain.sizes import (
    LARGEST_TILE,
    LONGEST,
    LONGEST_IN_TILES,
    MOST_PIXELS_IN_TILES,
    SHORTEST,
    SMALLEST_TILE,
    too_large,
)
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
from illustrious_studio.domain.values import Prompt, Text, Value

MAX_SEED = 2**32 - 1

LayoutAs = Literal["sketch", "regions", "both"]
"""What a layout is for."""


class ImageRequest(Value):
    """A picture somebody wants. This is the one list of picture settings: limits and help, and how each is called in
    A1111's text and API, by other programs and on the page, stand here once (`Setting`)."""

    prompt: Annotated[
        Prompt,
        Field(description="What to draw."),
        Setting("Prompt", a1111=("prompt",), aliases=("positive_prompt", "positiveprompt", "description")),
    ]
    negative_prompt: Annotated[
        Prompt,
        Field(description="What to keep out of the picture."),
        Setting("Negative prompt", a1111=("negative_prompt",), aliases=("negativeprompt", "negative prompt", "uc")),
    ] = ""
    steps: Annotated[
        int,
        Field(ge=1, le=150, description="Denoising steps. More is slower and, up to about 30, finer."),
        Setting("Steps", "advanced", 1, "Steps", always=True, a1111=("steps",), aliases=("num_inference_steps",)),
    ] = 30
    sampler: Annotated[
        SamplerName,
        Field(description="How the steps are taken, by A1111's names."),
        Setting(
            "Sampler",
            "advanced",
            infotext="Sampler",
            always=True,
            a1111=("sampler_name", "sampler_index"),
            aliases=("sampler_name",),
        ),
    ] = "Euler"
    schedule: Annotated[
        ScheduleName,
        Field(description="How the steps are spread between noise and picture; Automatic: as usual for the sampler."),
        Setting(
            "Schedule type",
            "advanced",
            infotext="Schedule type",
            always=True,
            a1111=("scheduler",),
            aliases=("noise_schedule",),
        ),
    ] = "Automatic"
    guidance: Annotated[
        float,
        Field(
            ge=0,
            le=30,
            description="CFG scale: how closely to follow the prompt. At 1 and below the negative prompt has no "
            "effect: the picture is that of the prompt alone.",
        ),
        Setting(
            "CFG scale",
            "advanced",
            0.1,
            "CFG scale",
            always=True,
            a1111=("cfg_scale",),
            aliases=("cfg_scale", "cfgscale", "guidance_scale", "scale", "cfg"),
        ),
    ] = 7.5
    guidance_rescale: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="CFG rescale: how far contrast that guidance has driven up is brought back; 0: not at all. "
            "0.2 to 0.7 is usual for v-prediction.",
        ),
        Setting(
            "CFG rescale",
            "advanced",
            0.05,
            "CFG rescale",
            a1111=("guidance_rescale", "cfg_rescale"),
            aliases=("cfg_rescale", "cfgrescale", "cfg_rescale_multiplier", "rescalecfg multiplier"),
        ),
    ] = 0.0
    eta: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="How much fresh noise each step adds, with samplers that add some: Euler a, DPM2 a, the SDE "
            "ones and DDIM. 1 by default, and 0 for DDIM.",
        ),
        Setting("Eta", "advanced", infotext="Eta", a1111=("eta",), aliases=("eta ddim",)),
    ] = None
    seed: Annotated[
        int,
        Field(ge=-1, le=MAX_SEED, description="The same seed gives the same picture; -1 picks one."),
        Setting("Seed", infotext="Seed", always=True, a1111=("seed",), aliases=("image_seed",)),
    ] = -1
    variation_seed: Annotated[
        int | None,
        Field(
            ge=-1, le=MAX_SEED, description="Another seed, towards which the noise is led; left out or -1: a new one."
        ),
        Setting(
            "Variation seed",
            "advanced",
            infotext="Variation seed",
            needs="variation_strength",
            a1111=("subseed",),
            aliases=("variationseed",),
        ),
    ] = None
    variation_strength: Annotated[
        float,
        Field(ge=0, le=1, description="How far the noise is led to that of the variation seed; 0: not at all."),
        Setting(
            "Variation strength",
            "advanced",
            0.01,
            "Variation seed strength",
            a1111=("subseed_strength",),
            aliases=("variationseedstrength",),
        ),
    ] = 0.0
    seed_resize_from_width: Annotated[
        int | None,
        Field(
            ge=SHORTEST, le=LONGEST, description="Seed resize: of which width the seed's picture is kept in the middle."
        ),
        Setting("Seed resize from width", "advanced", aliases=("seed resize from-1",)),
    ] = None
    seed_resize_from_height: Annotated[
        int | None,
        Field(ge=SHORTEST, le=LONGEST, description="And of which height; both, or none."),
        Setting("Seed resize from height", "advanced", aliases=("seed resize from-2",)),
    ] = None
    wildcard_seed: Annotated[
        int | None,
        Field(
            ge=0, le=MAX_SEED, description="What wildcards and choices are drawn with. By default the picture's seed."
        ),
        Setting("Wildcard seed", "advanced", infotext="Wildcard seed", a1111=("wildcard_seed",)),
    ] = None
    width: Annotated[
        int | None,
        Field(
            ge=SHORTEST,
            le=LONGEST_IN_TILES,
            multiple_of=8,
            description=f"Pixels; left out: the checkpoint's native width. Above {LONGEST} only in tiles.",
        ),
        Setting("Width", a1111=("width",), aliases=("size-1",)),
    ] = None
    height: Annotated[
        int | None,
        Field(
            ge=SHORTEST,
            le=LONGEST_IN_TILES,
            multiple_of=8,
            description=f"Pixels; left out: the checkpoint's native height. Above {LONGEST} only in tiles.",
        ),
        Setting("Height", a1111=("height",), aliases=("size-2",)),
    ] = None
    prediction_type: Annotated[
        Literal["auto", "epsilon", "v_prediction"],
        Field(
            description="What the checkpoint's UNet predicts. By default what is set for the checkpoint, else what its "
            "file says; v-prediction where a v-prediction checkpoint draws only noise."
        ),
        Setting(
            "Prediction type",
            "advanced",
            infotext="Prediction type",
            a1111=("prediction_type",),
            words={"auto": "Automatic"},
        ),
    ] = "auto"
    zero_terminal_snr: Annotated[
        bool | None,
        Field(
            description="Whether drawing begins at pure noise, as v-prediction checkpoints that were trained so want "
            "it. By default what is set for the checkpoint, else what its file says."
        ),
        Setting("Zero terminal SNR", "advanced", infotext="Zero terminal SNR", a1111=("zero_terminal_snr",)),
    ] = None
    vae: Annotated[
        VaeName,
        Field(
            max_length=500,
            description="A VAE file beside the checkpoints, by its name, in place of the checkpoint's own, which is "
            "the default.",
        ),
        Setting(
            "VAE",
            "advanced",
            infotext="VAE",
            a1111=("sd_vae",),
            words={AUTOMATIC_VAE: "Automatic"},
        ),
    ] = AUTOMATIC_VAE
    clip_skip: Annotated[
        int,
        Field(
            ge=1,
            le=12,
            description="Which layer of both text encoders is read, from the last; 1 and 2 are SDXL's own. "
            "A1111 has none for SDXL; Forge and ComfyUI do as here.",
        ),
        Setting(
            "Clip skip",
            "advanced",
            1,
            "Clip skip",
            a1111=("CLIP_stop_at_last_layers", "clip_skip"),
            aliases=("clipstopatlayer", "base_clip_skip"),
        ),
    ] = 1
    loras: Annotated[
        Loras,
        Field(
            max_length=MOST,
            description="LoRAs to draw with, as the prompt's `<lora:name:weight>`, which they are written into.",
        ),
        Setting("LoRAs"),
    ] = ()
    disable_extra_networks: Annotated[
        bool,
        Field(description="Leave `<lora:name:weight>` in the prompts as plain words."),
        Setting("Disable extra networks", a1111=("disable_extra_networks",)),
    ] = False
    hires: Annotated[
        HiresFix | None,
        Field(description="Hires fix: make the picture larger and draw it over in a second pass."),
        Setting("Hires fix"),
    ] = None
    details: Annotated[
        Details,
        Field(
            max_length=MOST_DETAILS,
            description="Regions of the finished picture that are drawn again larger and put back, one kind after the "
            "other: faces, for example.",
        ),
        Setting("Details"),
    ] = ()
    tile: Annotated[
        int | None,
        Field(
            ge=SMALLEST_TILE,
            le=LARGEST_TILE,
            multiple_of=8,
            description="Draw what is larger than that many pixels to a side in overlapping tiles of that size: it "
            "takes the memory of one tile. Left out: as a whole.",
        ),
        Setting(
            "Tile size",
            "advanced",
            8,
            "Tile size",
            a1111=("tile",),
            aliases=("multidiffusion_tile_width",),
            words={"": "Whole picture"},
        ),
    ] = None
    tile_overlap: Annotated[
        int,
        Field(
            ge=0,
            le=LARGEST_TILE // 2,
            multiple_of=8,
            description="Pixels over which tiles overlap, at least, and are blended; at most half of a tile.",
        ),
        Setting(
            "Tile overlap",
            "advanced",
            8,
            "Tile overlap",
            always=True,
            needs="tile",
            a1111=("tile_overlap",),
            aliases=("multidiffusion_tile_overlap",),
        ),
    ] = SMALLEST_TILE // 2
    regions: Annotated[
        Regions,
        Field(
            max_length=MOST_REGIONS,
            description="Parts of the picture with words of their own: boxes, or masks. The prompt counts elsewhere.",
        ),
        Setting("Regions", infotext="Regions"),
    ] = ()
    region_base: Annotated[
        float,
        Field(ge=0, le=1, description="Base prompt share: how much the prompt counts within regions, too."),
        Setting("Base prompt share", "regions", 0.05, "Region base", always=True, needs="regions"),
    ] = BASE_SHARE
    region_split: Annotated[
        RegionSplit | None,
        Field(
            description="Makes regions of the prompt: what stands behind each BREAK is one, in columns or in rows; "
            "what stands before the first is the prompt."
        ),
        Setting("Split at BREAK", words={"": "No"}),
    ] = None
    region_ratios: Annotated[
        Ratios,
        Field(
            max_length=MOST_REGIONS,
            description="How wide or high these are beside each other, such as [1, 2, 1]; left out: all alike.",
        ),
        Setting("Split ratios", needs="region_split"),
    ] = ()
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
    layout_as: Annotated[
        LayoutAs,
        Field(
            description="What a layout is: a sketch to start from; regions, each thing's box with its words from the "
            "prompt; or both. For regions alone the words are laid out where no layout is given, and drawing starts "
            "as it does without one."
        ),
        Setting("Layout as", infotext="Layout as", needs="layout"),
    ] = "sketch"
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
    def _seed_resize_has_both_sides(self) -> Self:
        if (self.seed_resize_from_width is None) != (self.seed_resize_from_height is None):
            raise ValueError("seed_resize_from_width and seed_resize_from_height belong together: give both, or none")
        return self

    @field_validator("tile_overlap")
    @classmethod
    def _at_most_half_of_a_tile(cls, overlap: int, known: ValidationInfo) -> int:
        tile = known.data.get("tile")
        if tile is not None and overlap > tile // 2:
            raise ValueError(f"must be at most half of the tile, which is {tile}")
        return overlap

    @model_validator(mode="after")
    def _details_go_without_a_mask(self) -> Self:
        if self.details and (self.mask is not None or self.outpaint is not None):
            what = "a mask" if self.outpaint is None else "outpaint"
            raise ValueError(f"details: cannot be used with {what}, which says what is redrawn; leave one of them out")
        return self

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
            raise ValueError(f"the one at {lacking[0]} needs an image of its own, where the drawing starts from none")
        return controls

    @field_validator("mask_content", "mask_area", "soft_inpainting")
    @classmethod
    def _goes_with_a_mask(cls, value: object, known: ValidationInfo) -> object:
        assert known.field_name is not None
        if value != cls.model_fields[known.field_name].default and known.data.get("mask", "") is None:
            raise ValueError("needs a mask")
        return value

    @field_validator("region_split")
    @classmethod
    def _goes_without_regions(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("regions"):
            raise ValueError("cannot be used with regions, which say it themselves; leave one of them out")
        return value

    @field_validator("region_ratios")
    @classmethod
    def _goes_with_a_split(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("region_split", "") is None:
            raise ValueError("needs region_split")
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

    @field_validator("schedule")
    @classmethod
    def _goes_with_the_sampler(cls, schedule: str, known: ValidationInfo) -> str:
        if "sampler" in known.data:
            check_together(known.data["sampler"], schedule)
        return schedule


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
