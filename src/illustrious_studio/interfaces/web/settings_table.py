"""Which settings of a request Create shows, where, and how they are called. It moves into the domain's own list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Setting:
    label: str
    group: str | None = None
    step: float | None = None
    needs: str = ""
    words: Mapping[str, str] = field(default_factory=dict, hash=False)


SETTINGS = {
    "steps": Setting("Steps", "advanced", 1),
    "sampler": Setting("Sampler", "advanced"),
    "schedule": Setting("Schedule type", "advanced"),
    "guidance": Setting("CFG scale", "advanced", 0.1),
    "seed": Setting("Seed"),
    "clip_skip": Setting("Clip skip", "advanced", 1),
    "strength": Setting("Denoising strength", "img2img", 0.05, needs="image"),
    "fit": Setting("Resize mode", "img2img", needs="image"),
    "mask_blur": Setting("Mask blur", "inpaint", 1, needs="mask"),
    "mask_content": Setting("Masked content", "inpaint", needs="mask"),
    "mask_area": Setting(
        "Inpaint area", "inpaint", needs="mask", words={"whole": "Whole picture", "masked": "Only masked"}
    ),
    "mask_padding": Setting("Only masked padding", "inpaint", 4, needs="mask_area=masked"),
}


def has_what_it_needs(setting: Setting, values: Mapping[str, Any]) -> bool:
    """Whether among these values there is what gives the setting a meaning."""
    name, _, value = setting.needs.partition("=")
    return not name or (values.get(name) == value if value else bool(values.get(name)))
