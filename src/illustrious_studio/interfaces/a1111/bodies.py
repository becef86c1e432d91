"""What A1111's clients send to txt2img and img2img, field by field, and the studio's request that it means.

Fields that A1111 has and the studio has not are listed with the values that say they are not wanted. What is left out
is as the checkpoint wants it (A1111's own defaults, 50 steps at 512 x 512, suit no SDXL checkpoint).
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.metadata.recorded import request_in_infotext
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import base64_bytes
from illustrious_studio.domain.sampling import split_joined
from illustrious_studio.domain.setting import given, has_what_it_needs
from illustrious_studio.domain.upscaling import LANCZOS
from illustrious_studio.interfaces.a1111.adetailer import arguments_among, settings_of_adetailer
from illustrious_studio.interfaces.a1111.common import NO_UPSCALER, Options, none_wanted, only, switched_off
from illustrious_studio.interfaces.a1111.controlnet_units import controls_in
from illustrious_studio.interfaces.a1111.image_info import sent
from illustrious_studio.interfaces.a1111.outpainting import MK2, POOR_MANS, settings_of_outpainting
from illustrious_studio.interfaces.a1111.regional import settings_of_regions
from illustrious_studio.interfaces.a1111.sd_upscale import TITLE as SD_UPSCALE
from illustrious_studio.interfaces.a1111.sd_upscale import settings_of_script
from illustrious_studio.interfaces.a1111.settings import (
    OF_EVERY_PICTURE,
    OF_IMG2IMG,
    OF_OPTIONS,
    SettingsBody,
    settings_in,
    their_name,
)
from illustrious_studio.interfaces.a1111.soft_inpainting import soft_inpainting_in
from illustrious_studio.interfaces.a1111.tasks import LONGEST_ID
from illustrious_studio.interfaces.a1111.xyz_plot import IMG2IMG, TXT2IMG, XyzPlot, plot_of
from illustrious_studio.interfaces.a1111.xyz_plot import TITLE as XYZ_PLOT
from illustrious_studio.interfaces.http.errors import sentences
from illustrious_studio.services.studio import Studio

MOST_PICTURES = 100
LATENT = 8
"""Pixels of a picture's side for one latent."""
FITS = {0: "stretch", 1: "crop", 2: "fill"}
CONTENTS = {0: "fill", 1: "original", 2: "latent_noise", 3: "latent_nothing"}
OUTPAINTING = (MK2, POOR_MANS)
HR_STRENGTH = 0.75
"""A1111's API has it where none is said."""
SAME = ("use same sampler", "use same scheduler", "use same checkpoint", "none", "")
HIRES = {
    "strength": "denoising_strength",
    "steps": "hr_second_pass_steps",
    "width": "hr_resize_x",
    "height": "hr_resize_y",
    "sampler": "hr_sampler_name",
    "schedule": "hr_scheduler",
}
"""What A1111 calls what hires fix has, but for what has the same name there behind `hr_`."""
Unwanted = Annotated[Any, only()]


def as_said(name: Any) -> Any:
    """A name; what A1111's page shows where that of the first pass is meant is none."""
    return "" if name is None or str(name).lower() in SAME else name


def known_script(name: Any, scripts: Sequence[str] = (XYZ_PLOT, SD_UPSCALE, *OUTPAINTING)) -> Any:
    """One of A1111's scripts that are done here; any other is refused. Raises ValueError."""
    done = {script.lower(): script for script in scripts}
    if isinstance(name, str) and name.strip().lower() in done:
        return done[name.strip().lower()]
    return none_wanted(name)


class Txt2ImgBody(SettingsBody):
    batch_size: int | None = Field(None, ge=1, le=MOST_PICTURES)
    n_iter: int | None = Field(None, ge=1, le=MOST_PICTURES)
    infotext: str | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool | None = None
    send_images: bool | None = None
    force_task_id: str | None = Field(None, max_length=LONGEST_ID)

    styles: Unwanted = None
    seed_resize_from_w: int | None = None
    seed_resize_from_h: int | None = None
    restore_faces: Unwanted = None
    tiling: Unwanted = None
    s_churn: Unwanted = None
    s_noise: Annotated[Any, only(1)] = None
    s_min_uncond: Unwanted = None
    enable_hr: bool | None = None
    hr_scale: float | None = None
    hr_upscaler: str | None = None
    hr_second_pass_steps: int | None = None
    hr_resize_x: int | None = None
    hr_resize_y: int | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str | None = None
    hr_negative_prompt: str | None = None
    hr_checkpoint_name: Annotated[Any, only(), BeforeValidator(as_said)] = None
    firstphase_width: Unwanted = None
    firstphase_height: Unwanted = None
    refiner_checkpoint: Unwanted = None
    script_name: Annotated[Any, BeforeValidator(partial(known_script, scripts=(XYZ_PLOT,)))] = None
    script_args: list[Any] | None = None
    alwayson_scripts: Annotated[Any, BeforeValidator(switched_off)] = None

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if self.count > MOST_PICTURES:
            raise ValueError(f"must ask for at most {MOST_PICTURES} pictures (batch_size x n_iter)")
        return self

    @property
    def count(self) -> int:
        return (self.batch_size or 1) * (self.n_iter or 1)

    async def request(self, studio: Studio, checkpoint: Checkpoint, options: Options) -> ImageRequest:
        """The studio's request. Raises InvalidRequest, by A1111's names for the fields."""
        start = await self._start(studio)
        values = {
            **self._defaults(checkpoint),
            **settings_in(options.model_dump(), OF_OPTIONS),
            **(given(request_in_infotext(self.infotext, **start)[0]) if self.infotext else {}),
            **settings_in(options.model_dump(include=self._overridden()), OF_OPTIONS),
            **self._given(),
            **start,
            **self._hires(checkpoint),
        }
        if values.get("image_upscaler") in ("", NO_UPSCALER):
            values["image_upscaler"] = LANCZOS
        values |= await self._scripted(studio, values, checkpoint)
        size = values.get("width") or checkpoint.native_width, values.get("height") or checkpoint.native_height
        values |= await controls_in(self.alwayson_scripts, studio)
        values |= settings_of_adetailer(arguments_among(self.alwayson_scripts), size)
        values |= await settings_of_regions(self.alwayson_scripts, values, studio)
        values = {name: value for name, value in values.items() if has_what_it_needs(SETTINGS[name], values)}
        try:
            return ImageRequest.model_validate(values)
        except ValidationError as error:
            raise InvalidRequest(_in_their_words(error)) from None

    def plot(self, wanted: ImageRequest) -> XyzPlot | None:
        """The grid that the script "X/Y/Z plot" makes of the request; None without it. Raises InvalidRequest."""
        if self.script_name != XYZ_PLOT:
            return None
        if self.count > 1:
            raise InvalidRequest("batch_size: a cell of the X/Y/Z plot is one picture; use 1, or an axis Seed")
        page = IMG2IMG if "init_images" in type(self).model_fields else TXT2IMG
        return plot_of(self.script_args or [], page, hires=wanted.hires is not None, open_seed=wanted.seed < 0)

    def _hires(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """The second pass, which only pictures from words have there, too. Raises InvalidRequest."""
        if self.enable_hr is None or "init_images" in type(self).model_fields:
            return {}
        if not self.enable_hr:
            return {"hires": None}
        strength = dict(self)["denoising_strength"]
        sampler, joined = split_joined(as_said(self.hr_sampler_name))
        sent = {
            "scale": self.hr_scale if not (self.hr_resize_x or self.hr_resize_y) else None,
            "width": self.hr_resize_x or None,
            "height": self.hr_resize_y or None,
            "upscaler": LANCZOS if self.hr_upscaler == NO_UPSCALER else self.hr_upscaler or None,
            "steps": self.hr_second_pass_steps or None,
            "strength": HR_STRENGTH if strength is None and checkpoint.sketch_strength is None else strength,
            "prompt": self.hr_prompt or None,
            "negative_prompt": self.hr_negative_prompt or None,
            "sampler": sampler or None,
            "schedule": joined or as_said(self.hr_scheduler) or None,
        }
        try:
            return {
                "hires": HiresFix.model_validate({name: value for name, value in sent.items() if value is not None})
            }
        except ValidationError as error:
            problems = [{**one, "loc": tuple(map(_in_hires, one["loc"]))} for one in error.errors()]
            raise InvalidRequest(sentences(problems)) from None

    def echo(self) -> dict[str, Any]:
        """The request as A1111 sends it back."""
        return self.model_dump()

    async def _start(self, studio: Studio) -> dict[str, InputId | None]:
        """The picture to start from and its mask, by the studio's names."""
        return {"image": None, "mask": None}

    async def _scripted(self, studio: Studio, values: Mapping[str, Any], checkpoint: Checkpoint) -> Mapping[str, Any]:
        """What a script makes of the settings."""
        return {}

    def _defaults(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Of a preset those that A1111 has no other default for."""
        settings = {name: checkpoint.settings.get(name) for name in ("steps", "guidance", "guidance_rescale")}
        return {"prompt": ""} | {name: value for name, value in settings.items() if value is not None}

    def _overridden(self) -> set[str]:
        """The options that were sent with this request."""
        return {name for name, value in (self.override_settings or {}).items() if value is not None}

    def _given(self) -> dict[str, Any]:
        """The settings that were sent, by the studio's names. Older clients say "DPM++ 2M Karras" in one, and in A1111
        that wins over the schedule. Sizes are cut to what a latent is, as there. Steps of 0 are none said."""
        sent = settings_in(dict(self), OF_EVERY_PICTURE)
        if sent.get("steps") == 0:
            del sent["steps"]
        sampler, schedule = split_joined(sent.get("sampler", ""))
        joined = {"sampler": sampler, "schedule": schedule} if schedule else {}
        sides = {name: sent[name] // LATENT * LATENT for name in ("width", "height") if name in sent}
        resized = {"width": self.seed_resize_from_w or 0, "height": self.seed_resize_from_h or 0}
        resizes = {f"seed_resize_from_{side}": pixels for side, pixels in resized.items() if min(resized.values()) > 0}
        return sent | joined | sides | resizes


class Img2ImgBody(Txt2ImgBody):
    init_images: list[str] | None = None
    resize_mode: int | None = Field(None, ge=0, le=3)
    mask: str | None = None
    mask_blur_x: int | None = None
    mask_blur_y: int | None = None
    mask_round: bool | None = None
    inpainting_fill: int | None = Field(None, ge=0, le=3)
    inpaint_full_res: bool | None = None
    inpainting_mask_invert: bool | int | None = None
    include_init_images: bool | None = None
    initial_noise_multiplier: Annotated[Any, only(1)] = None
    latent_mask: Unwanted = None
    script_name: Annotated[Any, BeforeValidator(known_script)] = None

    def echo(self) -> dict[str, Any]:
        """Without the pictures, which would go back and forth for nothing, unless they are wanted."""
        return self.model_dump(exclude=set() if self.include_init_images else {"init_images", "mask"})

    async def _start(self, studio: Studio) -> dict[str, InputId | None]:
        if len(images := self.init_images or [""]) > 1:
            raise InvalidRequest("init_images: send one picture at a time")
        image = await studio.inputs.keep(await _bytes(images[0], "init_images"))
        if not self.mask:
            return {"image": image, "mask": None}
        mask = await studio.inputs.keep_mask(
            await _bytes(self.mask, "mask"),
            alpha="opaque",
            inverted=bool(self.inpainting_mask_invert),
            rounded=self.mask_round is not False and not soft_inpainting_in(self.alwayson_scripts),
        )
        return {"image": image, "mask": mask}

    def _defaults(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """A picture is stretched, and of one with a mask the masked part is filled and drawn alone, without padding."""
        mask = {"mask_content": "fill", "mask_area": "masked", "mask_padding": 0}
        return {**super()._defaults(checkpoint), "fit": "stretch", **mask}

    def _given(self) -> dict[str, Any]:
        values = super()._given() | settings_in(dict(self), OF_IMG2IMG)
        if self.resize_mode is not None:
            if self.resize_mode not in FITS:
                raise InvalidRequest("resize_mode: latent upscaling is not done here; use 0, 1 or 2")
            values["fit"] = FITS[self.resize_mode]
        if self.mask:
            values |= self._given_of_the_mask()
        return values

    async def _scripted(self, studio: Studio, values: Mapping[str, Any], checkpoint: Checkpoint) -> Mapping[str, Any]:
        if self.script_name not in (SD_UPSCALE, *OUTPAINTING):
            return {}
        if self.mask:
            raise InvalidRequest(f"script_name: {self.script_name} sees to the whole picture; send no mask with it")
        if self.script_name in OUTPAINTING:
            picture = await studio.inputs.size(values["image"])
            return settings_of_outpainting(self.script_name, self.script_args or [], picture)
        tile = values.get("width") or checkpoint.native_width, values.get("height") or checkpoint.native_height
        picture = await studio.inputs.size(values["image"])
        return await settings_of_script(self.script_args or [], picture, tile, studio.upscalers)

    def _given_of_the_mask(self) -> dict[str, Any]:
        values = soft_inpainting_in(self.alwayson_scripts)
        if self.inpainting_fill is not None:
            values["mask_content"] = CONTENTS[self.inpainting_fill]
        if self.inpaint_full_res is not None:
            values["mask_area"] = "masked" if self.inpaint_full_res else "whole"
        blurs = {blur for blur in (self.mask_blur_x, self.mask_blur_y) if blur is not None}
        if len(blurs) > 1:
            raise InvalidRequest("mask_blur_x: must be the same as mask_blur_y")
        return values | ({"mask_blur": blurs.pop()} if blurs else {})


def _in_hires(name: int | str) -> int | str:
    return HIRES.get(str(name), f"hr_{name}")


async def _bytes(image: str, name: str) -> bytes:
    return await asyncio.to_thread(base64_bytes, sent(image, name), name)


def _in_their_words(error: ValidationError) -> str:
    def renamed(problem: Mapping[str, Any]) -> dict[str, Any]:
        first, *rest = problem["loc"] or ("",)
        return {**problem, "loc": (their_name(first), *rest) if first else ()}

    return sentences([renamed(problem) for problem in error.errors()])
