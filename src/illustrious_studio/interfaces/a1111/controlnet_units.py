"""ControlNet's units, as clients of A1111's extension sd-webui-controlnet send them in `alwayson_scripts`, and the
studio's controls that they mean. Names, defaults and older names are those of its `ControlNetUnit`.

The studio draws with both passes of hires fix steered, and makes its maps itself: what a unit asks for beyond that is
refused by name.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from illustrious_studio.domain.controls import Control, ControlFile, ControlMode, UnionType
from illustrious_studio.domain.errors import InvalidRequest, StudioError
from illustrious_studio.domain.inputs import Fit
from illustrious_studio.domain.pictures import base64_bytes
from illustrious_studio.domain.sentences import of_a_part, sentences
from illustrious_studio.interfaces.a1111.common import CONTROLNET, is_off, number_in, script_name
from illustrious_studio.interfaces.a1111.image_info import sent
from illustrious_studio.services.studio import Studio

MODES: tuple[ControlMode, ...] = ("balanced", "prompt", "control")
MODE_NAMES = ("balanced", "my prompt is more important", "controlnet is more important")
FITS: tuple[Fit, ...] = ("stretch", "crop", "fill")
FIT_NAMES: dict[str, Fit] = {
    "just resize": "stretch",
    "crop and resize": "crop",
    "resize and fill": "fill",
    # as older clients say it
    "scale to fit (inner fit)": "crop",
    "envelope (outer fit)": "fill",
    # as its Python classes do
    "resizemode.resize": "stretch",
    "resizemode.inner_fit": "crop",
    "resizemode.outer_fit": "fill",
}
UNION_NAMES: dict[str, UnionType] = {
    "openpose": "openpose",
    "depth": "depth",
    "softedge": "softedge",
    "soft edge": "softedge",
    "scribble": "softedge",
    "hard edge": "canny",
    "canny": "canny",
    "lineart": "canny",
    "mlsd": "canny",
    "normal": "normal",
    "normalmap": "normal",
    "segmentation": "segment",
    "tile": "tile",
    "blur": "tile",
    "inpaint": "inpaint",
}
USUAL = {"weight": 1.0, "guidance_start": 0.0, "guidance_end": 1.0}
OF_AN_IP_ADAPTER = "ip-adapter"
"""What the names of its modules begin with that look at a picture for an IP-Adapter."""


async def controls_in(scripts: object, studio: Studio) -> dict[str, Any]:
    """What the units among `alwayson_scripts` mean, as the request's setting. Raises InvalidRequest, NotFound,
    NotAnImage, StorageFull."""
    units: list[object] = []
    for name, script in scripts.items() if isinstance(scripts, dict) else ():
        if script_name(name) == CONTROLNET:
            args = script.get("args") if isinstance(script, dict) else script
            units += args if isinstance(args, list) else [args]
    found = []
    for number, unit in enumerate(units):
        if is_off(unit):
            continue
        where = f"alwayson_scripts: ControlNet's unit {number}"
        if not isinstance(unit, dict):
            raise InvalidRequest(f"{where} must be an object of its settings, such as {{'model': ..., 'image': ...}}")
        try:
            found.append(await _control(unit, studio))
        except ValidationError as error:
            raise InvalidRequest(f"{where}: {sentences(error.errors(), of_a_part)}") from None
        except StudioError as error:
            raise InvalidRequest(f"{where}: {error.detail}") from error
    return {"controls": tuple(found)} if found else {}


async def _control(unit: Mapping[str, Any], studio: Studio) -> Control:
    _check_not_beyond(unit)
    file = await studio.controls.named(str(unit.get("model") or ""))
    module = str(unit.get("module") or "none")
    if file.kind == "ip-adapter" and module.lower().startswith(OF_AN_IP_ADAPTER):
        module = "none"
    preprocessor = studio.preprocessing.named(module)
    resolution = None if unit.get("pixel_perfect") else number_in(unit.get("processor_res", -1))
    numbers = preprocessor.numbers_of_a1111(
        resolution, number_in(unit.get("threshold_a", -1)), number_in(unit.get("threshold_b", -1))
    )
    return Control.model_validate(
        {
            "model": file.name,
            "image": await _picture(unit, studio),
            "preprocessor": preprocessor.name,
            "fit": _fit(unit.get("resize_mode", "crop and resize")),
            "mode": _mode(unit.get("control_mode", 0)),
            "union_type": _union_type(unit.get("union_control_type"), file),
            "resolution": None if unit.get("pixel_perfect") else numbers.resolution,
            "threshold_a": None if preprocessor.threshold_a is None else numbers.threshold_a,
            "threshold_b": None if preprocessor.threshold_b is None else numbers.threshold_b,
            **{
                ours: _number(unit, theirs)
                for ours, theirs in (("weight", "weight"), ("start", "guidance_start"), ("end", "guidance_end"))
            },
        }
    )


def _check_not_beyond(unit: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for what would make another picture, and is not done."""
    beyond = {
        "mask": "a mask of a unit is not done here; leave it out",
        "effective_region_mask": "is not done here; leave it out, or use regions",
        "advanced_weighting": "is not done here; use weight and control_mode",
    }
    for name, reason in beyond.items():
        if unit.get(name):
            raise InvalidRequest(f"{name}: {reason}")
    if str(unit.get("hr_option") or "both").lower().rpartition(".")[2] != "both":
        raise InvalidRequest("hr_option: both passes are steered here; use Both")


async def _picture(unit: Mapping[str, Any], studio: Studio) -> str | None:
    """The id of its picture; None: it is the one that the drawing starts from."""
    image = unit.get("image") or unit.get("input_image")
    if isinstance(image, dict):
        if image.get("mask"):
            raise InvalidRequest("image: a mask of a unit is not done here; leave it out")
        image = image.get("image")
    if not image:
        return None
    if not isinstance(image, str):
        raise InvalidRequest("image: must be a picture's file in base64")
    data = await asyncio.to_thread(base64_bytes, sent(image, "image"), "image")
    return await studio.inputs.keep(data)


def _number(unit: Mapping[str, Any], name: str) -> float:
    value = unit.get(name)
    if value is None:
        return USUAL[name]
    if (number := number_in(value)) is None:
        raise InvalidRequest(f"{name}: must be a number")
    return number


def _fit(given: object) -> Fit:
    """A resize mode by its number or its name."""
    number = number_in(given)
    if number is not None and number in range(len(FITS)):
        return FITS[int(number)]
    if (fit := FIT_NAMES.get(str(given).strip().lower())) is None:
        raise InvalidRequest("resize_mode: use Just Resize, Crop and Resize or Resize and Fill")
    return fit


def _mode(given: object) -> ControlMode:
    number = number_in(given)
    if number is not None and number in range(len(MODES)):
        return MODES[int(number)]
    name = str(given).strip().lower()
    if name not in MODE_NAMES:
        raise InvalidRequest("control_mode: use Balanced, My prompt is more important or ControlNet is more important")
    return MODES[MODE_NAMES.index(name)]


def _union_type(given: object, file: ControlFile) -> UnionType | None:
    """What the picture shows, of a ControlNet-Union; the extension sends it with every unit."""
    name = str(given or "").strip().lower().rpartition(".")[2].replace("_", " ")
    if file.kind != "controlnet-union" or name in ("", "none", "unknown"):
        return None
    if name not in UNION_NAMES:
        raise InvalidRequest(f"union_control_type: use one of {', '.join(UNION_NAMES)}")
    return UNION_NAMES[name]
