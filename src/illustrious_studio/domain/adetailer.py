"""ADetailer's arguments: what its detail passes are called in A1111's API and in the text of pictures, and the studio's
details that they mean (`adetailer/args.py`, version 25.3.0).

What would make another picture than it makes there is refused by its name; what ADetailer does not know (layouts,
boxes, painted regions) it has no argument for. Its detectors are `.pt` files, and here the ONNX files made of them: so
they are called `.pt` in a picture's text, by which ADetailer finds them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from illustrious_studio.domain.details import Detail
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.sampling import split_joined

VERSION = "25.3.0"
ENDING = ".pt"
GRAIN = 8
KEYS: Final = {
    "ad_model": "ADetailer model",
    "ad_model_classes": "ADetailer model classes",
    "ad_tab_enable": "ADetailer tab enable",
    "ad_prompt": "ADetailer prompt",
    "ad_negative_prompt": "ADetailer negative prompt",
    "ad_confidence": "ADetailer confidence",
    "ad_mask_filter_method": "ADetailer method to decide top k masks",
    "ad_mask_k": "ADetailer mask only top k",
    "ad_mask_min_ratio": "ADetailer mask min ratio",
    "ad_mask_max_ratio": "ADetailer mask max ratio",
    "ad_x_offset": "ADetailer x offset",
    "ad_y_offset": "ADetailer y offset",
    "ad_dilate_erode": "ADetailer dilate erode",
    "ad_mask_merge_invert": "ADetailer mask merge invert",
    "ad_mask_blur": "ADetailer mask blur",
    "ad_denoising_strength": "ADetailer denoising strength",
    "ad_inpaint_only_masked": "ADetailer inpaint only masked",
    "ad_inpaint_only_masked_padding": "ADetailer inpaint padding",
    "ad_use_inpaint_width_height": "ADetailer use inpaint width height",
    "ad_inpaint_width": "ADetailer inpaint width",
    "ad_inpaint_height": "ADetailer inpaint height",
    "ad_use_steps": "ADetailer use separate steps",
    "ad_steps": "ADetailer steps",
    "ad_use_cfg_scale": "ADetailer use separate CFG scale",
    "ad_cfg_scale": "ADetailer CFG scale",
    "ad_use_checkpoint": "ADetailer use separate checkpoint",
    "ad_checkpoint": "ADetailer checkpoint",
    "ad_use_vae": "ADetailer use separate VAE",
    "ad_vae": "ADetailer VAE",
    "ad_use_sampler": "ADetailer use separate sampler",
    "ad_sampler": "ADetailer sampler",
    "ad_scheduler": "ADetailer scheduler",
    "ad_use_noise_multiplier": "ADetailer use separate noise multiplier",
    "ad_noise_multiplier": "ADetailer noise multiplier",
    "ad_use_clip_skip": "ADetailer use separate CLIP skip",
    "ad_clip_skip": "ADetailer CLIP skip",
    "ad_restore_face": "ADetailer restore face",
    "ad_controlnet_model": "ADetailer ControlNet model",
    "ad_controlnet_module": "ADetailer ControlNet module",
    "ad_controlnet_weight": "ADetailer ControlNet weight",
    "ad_controlnet_guidance_start": "ADetailer ControlNet guidance start",
    "ad_controlnet_guidance_end": "ADetailer ControlNet guidance end",
}
"""Every argument, in ADetailer's order, and its key in a picture's text."""
OLDER: Final = {"ad_mask_k_largest": "ad_mask_k"}
"""What an argument was called before 24.11; webuiapi sends it so."""
NOT_ARGUMENTS = ("is_api",)
"""What comes with them and says nothing."""
MEANT: Final = {
    "detector": "ad_model",
    "confidence": "ad_confidence",
    "most": "ad_mask_k",
    "smallest": "ad_mask_min_ratio",
    "largest": "ad_mask_max_ratio",
    "prompt": "ad_prompt",
    "negative_prompt": "ad_negative_prompt",
    "strength": "ad_denoising_strength",
    "padding": "ad_inpaint_only_masked_padding",
    "blur": "ad_mask_blur",
    "dilate": "ad_dilate_erode",
    "steps": "ad_steps",
    "guidance": "ad_cfg_scale",
    "sampler": "ad_sampler",
    "schedule": "ad_scheduler",
    "width": "ad_inpaint_width",
    "height": "ad_inpaint_height",
}
"""What the argument is called that says the same as a field of a detail."""
PLAIN = (
    "confidence", "smallest", "largest", "prompt", "negative_prompt", "strength", "padding", "blur", "dilate",
)  # fmt: skip
"""Those that are always meant, and mean the same by themselves."""
WHOLE = ("most", "padding", "blur", "dilate", "steps", "width", "height")
NUMBERS = frozenset((*WHOLE, "confidence", "smallest", "largest", "strength", "guidance"))
ORDINALS: Final = {2: "nd", 3: "rd"}
SWITCHES: Final = {
    "steps": "ad_use_steps",
    "guidance": "ad_use_cfg_scale",
    "sampler": "ad_use_sampler",
    "width": "ad_use_inpaint_width_height",
}
USUAL: Final = {"steps": 28, "guidance": 7.0, "sampler": "DPM++ 2M Karras", "width": 512, "height": 512}
"""What is meant where only the switch is said."""
SAME = ("", "none", "use same sampler", "use same scheduler", "use same checkpoint", "use same vae")
OFF = ("", "none", "false", "0", "0.0")
REFUSED: Final = {
    "ad_x_offset": "regions are not moved here",
    "ad_y_offset": "regions are not moved here",
    "ad_mask_merge_invert": "each region is drawn by itself here",
    "ad_restore_face": "there is no face restoration here",
    "ad_controlnet_model": "details are drawn without a ControlNet here",
}
"""What is not done here, unless it is off."""
SEPARATE: Final = {
    "ad_use_checkpoint": ("ad_checkpoint", "details are drawn with the picture's own checkpoint"),
    "ad_use_vae": ("ad_vae", "details are drawn with the picture's own VAE"),
    "ad_use_clip_skip": ("ad_clip_skip", "details are drawn with the picture's own clip skip"),
    "ad_use_noise_multiplier": ("ad_noise_multiplier", "the noise of details is not changed here"),
}
"""The same, by its switch and what it switches on."""


def detail_of(said: Mapping[str, Any], size: tuple[int | None, int | None] = (None, None)) -> Detail | None:
    """The detail that ADetailer's arguments mean, for a picture of that size, in which regions are drawn unless they
    say another; None where they are switched off.

    Raises InvalidRequest, which names the argument, for what is not done here; and pydantic's ValidationError, by the
    names of the detail's fields.
    """
    said = {OLDER.get(name, name): value for name, value in said.items()}
    if _is_off(said.get("ad_model", "None")) or _is_no(said.get("ad_tab_enable", True)):
        return None
    _refuse(said)
    values: dict[str, Any] = {"find": "detector", "detector": _bare(str(said["ad_model"]))}
    values |= {name: said[MEANT[name]] for name in PLAIN if said.get(MEANT[name]) is not None}
    if not _is_off(said.get("ad_mask_k", 0)):
        values["most"] = said["ad_mask_k"]
    own = {name: said.get(MEANT[name], usual) for name, usual in USUAL.items()}
    values |= {name: own[name] for name in ("steps", "guidance") if _is_on(said, name)}
    if _is_on(said, "sampler"):
        values |= _sampler(str(own["sampler"]), str(said.get("ad_scheduler") or ""))
    sides = (own["width"], own["height"]) if _is_on(said, "width") else size
    values |= dict(zip(("width", "height"), sides, strict=True))
    numbers = {name: _number(values[name], whole=name in WHOLE) for name in values.keys() & NUMBERS}
    for side in ("width", "height"):
        if isinstance(pixels := numbers.get(side), int):
            numbers[side] = pixels // GRAIN * GRAIN
    return Detail.model_validate({name: value for name, value in (values | numbers).items() if value is not None})


def _refuse(said: Mapping[str, Any]) -> None:
    if unknown := sorted(set(said) - set(KEYS) - set(NOT_ARGUMENTS)):
        raise InvalidRequest(f"{unknown[0][:100]}: is no argument of ADetailer {VERSION}")
    model = str(said["ad_model"])
    if model.lower().startswith("mediapipe"):
        raise InvalidRequest(
            "ad_model: MediaPipe's models are not done here; use a YOLO model as an ONNX file (GET /detectors)"
        )
    if "-world" in model and not _is_off(said.get("ad_model_classes")):
        raise InvalidRequest("ad_model_classes: an ONNX file finds what it was exported for; leave it out")
    if not _is_off(said.get("ad_mask_k", 0)) and said.get("ad_mask_filter_method", "Area") != "Area":
        raise InvalidRequest("ad_mask_filter_method: only the largest are chosen here; use Area")
    if _is_no(said.get("ad_inpaint_only_masked", True)):
        raise InvalidRequest("ad_inpaint_only_masked: here a region is always drawn by itself; leave it on")
    for name, reason in REFUSED.items():
        if not _is_off(said.get(name)):
            raise InvalidRequest(f"{name}: {reason}; leave it out")
    for switch, (name, reason) in SEPARATE.items():
        neutral = str(said.get(name, "")).lower() in (*SAME, *(("1", "1.0") if "noise" in name else ()))
        if not _is_no(said.get(switch, False)) and not neutral:
            raise InvalidRequest(f"{switch}: {reason}; leave it out")


def _is_on(said: Mapping[str, Any], name: str) -> bool:
    """Whether something of its own is meant."""
    return not _is_no(said.get(SWITCHES[name], False))


def _sampler(sampler: str, schedule: str) -> dict[str, str]:
    """ "DPM++ 2M Karras" is both in one, as it was in A1111 before 1.9."""
    sampler, joined = split_joined(sampler)
    schedule = joined or schedule
    found = {"sampler": sampler, "schedule": schedule}
    return {name: value for name, value in found.items() if value.lower() not in SAME}


def _is_off(value: object) -> bool:
    return value is None or value is False or str(value).strip().lower() in OFF


def _is_no(value: object) -> bool:
    return value is False or str(value).strip().lower() in ("false", "0")


def _bare(name: str) -> str:
    return name.strip().removesuffix(ENDING)


def _number(value: object, *, whole: bool) -> object:
    """The number that a text is; any other value as it is, to be refused by the detail."""
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,20})?", text):
        return value
    number = float(text)
    return int(number) if whole and number.is_integer() else number


def text_of(details: Sequence[Detail]) -> dict[str, str] | None:
    """The fields of a picture's text; None where ADetailer has no argument for something of it."""
    fields: dict[str, str] = {}
    for number, detail in enumerate(details):
        if detail.find != "detector" or detail.what or detail.order != "found":
            return None
        fields |= {f"{KEYS[name]}{_suffix(number)}": value for name, value in _arguments(detail).items()}
    return fields | ({"ADetailer version": VERSION} if fields else {})


def _arguments(detail: Detail) -> dict[str, str]:
    """As they are written: what is not used is left out."""
    said: dict[str, object] = {MEANT[name]: getattr(detail, name) for name in MEANT}
    said["ad_model"] = f"{detail.detector}{ENDING}"
    said |= {switch: True for name, switch in SWITCHES.items() if getattr(detail, name) is not None}
    said["ad_inpaint_only_masked"] = True
    if detail.schedule is not None and detail.sampler is None:
        said |= {"ad_use_sampler": True, "ad_sampler": "Use same sampler"}
    usual = {"ad_mask_min_ratio": 0.0, "ad_mask_max_ratio": 1.0, "ad_prompt": "", "ad_negative_prompt": ""}
    left_out = {name for name, value in said.items() if value is None or usual.get(name) == value}
    return {name: _written(said[name]) for name in KEYS if name in said and name not in left_out}


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _suffix(number: int) -> str:
    return "" if number == 0 else f" {number + 1}{ORDINALS.get(number + 1, 'th')}"


def arguments_in(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the fields of a picture's text say, by the arguments' names: one for each detail."""
    small = {str(key).lower(): value for key, value in fields.items()}
    found: list[dict[str, Any]] = []
    while f"{KEYS['ad_model']}{_suffix(len(found))}".lower() in small:
        suffix = _suffix(len(found))
        keys = {**{older: f"{KEYS[name]} largest" for older, name in OLDER.items()}, **KEYS}
        named = {name: small.get(f"{key}{suffix}".lower()) for name, key in keys.items()}
        found.append({name: value for name, value in named.items() if value is not None})
    return found
