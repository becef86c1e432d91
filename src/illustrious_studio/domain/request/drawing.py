"""The settings that every drawing has: words, steps, guidance, seed, size, and what of the checkpoint is used.

They are the first part of the one list (`domain/images.py`), in its order.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from illustrious_studio.domain.loras import MOST, Loras
from illustrious_studio.domain.models import AUTOMATIC_VAE, VaeName
from illustrious_studio.domain.sampling import (
    ClipSkip,
    Guidance,
    GuidanceRescale,
    SamplerName,
    ScheduleName,
    Steps,
    check_together,
)
from illustrious_studio.domain.setting import Setting
from illustrious_studio.domain.sizes import (
    LONGEST,
    LONGEST_IN_TILES,
    SHORTEST,
)
from illustrious_studio.domain.values import Prompt, Value

MAX_SEED = 2**32 - 1


class DrawingSettings(Value):
    """How a picture is drawn, whatever it starts from."""

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
        Steps,
        Field(description="Denoising steps. More is slower and, up to about 30, finer."),
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
        Guidance,
        Field(
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
        GuidanceRescale,
        Field(
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
        ClipSkip,
        Field(
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

    @model_validator(mode="after")
    def _seed_resize_has_both_sides(self) -> Self:
        if (self.seed_resize_from_width is None) != (self.seed_resize_from_height is None):
            raise ValueError("seed_resize_from_width and seed_resize_from_height belong together: give both, or none")
        return self

    @field_validator("schedule")
    @classmethod
    def _goes_with_the_sampler(cls, schedule: str, known: ValidationInfo) -> str:
        if "sampler" in known.data:
            check_together(known.data["sampler"], schedule)
        return schedule
