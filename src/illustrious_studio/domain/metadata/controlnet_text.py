"""Controls in A1111's text as its extension sd-webui-controlnet writes them, one field each: `ControlNet 0: "Module:
canny, Model: xl_canny [0123456789], Weight: 1, ..."` (`scripts/infotext.py`). The picture is not among it: so what is
drawn again here is read from the studio's own field, and this one is for people and for A1111."""

import re
from collections.abc import Mapping, Sequence

from illustrious_studio.domain.controls import Control

KEY = "ControlNet"
_FIELD = re.compile(rf"{KEY}( \d+)?", re.IGNORECASE)
MODES = {
    "balanced": "Balanced",
    "prompt": "My prompt is more important",
    "control": "ControlNet is more important",
}
FITS = {"stretch": "Just Resize", "crop": "Crop and Resize", "fill": "Resize and Fill"}


def controlnet_fields(controls: Sequence[Control], hashes: Mapping[str, str]) -> dict[str, str]:
    """`hashes`: of the files, by their names."""
    return {f"{KEY} {number}": _unit(one, hashes) for number, one in enumerate(controls)}


def is_controlnet_field(key: str) -> bool:
    """Whether a field tells of one."""
    return _FIELD.fullmatch(key.strip()) is not None


def _unit(control: Control, hashes: Mapping[str, str]) -> str:
    digest = hashes.get(control.model)
    said = {
        "Module": control.preprocessor,
        "Model": control.model.replace(",", "") + (f" [{digest}]" if digest else ""),
        "Weight": f"{control.weight:g}",
        "Resize Mode": FITS[control.fit],
        "Processor Res": control.resolution,
        "Threshold A": None if control.threshold_a is None else f"{control.threshold_a:g}",
        "Threshold B": None if control.threshold_b is None else f"{control.threshold_b:g}",
        "Guidance Start": f"{control.start:g}",
        "Guidance End": f"{control.end:g}",
        "Pixel Perfect": control.resolution is None,
        "Control Mode": MODES[control.mode],
    }
    return ", ".join(f"{key}: {value}" for key, value in said.items() if value is not None)
