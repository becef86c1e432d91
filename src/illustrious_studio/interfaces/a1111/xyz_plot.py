"""A1111's own script "X/Y/Z plot" (`scripts/xyz_grid.py` of 1.10, and Forge's): its arguments, and the grid they mean.

    x_type, x_values, x_values_dropdown, y_type, y_values, y_values_dropdown, z_type, z_values, z_values_dropdown,
    draw_legend, include_lone_images, include_sub_grids, no_fixed_seeds,
    vary_seeds_x, vary_seeds_y, vary_seeds_z, margin_size, csv_mode

An axis is named by its label or, as there, by its place in the list of its page, which is another one for img2img.
Before 1.8 there were no `vary_seeds`; a list of up to 15 is read so. Axes that are not done here are refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.grids.text import written_values
from illustrious_studio.domain.grids.values import NAMES, GridAxes
from illustrious_studio.domain.sentences import of_a_part, sentences
from illustrious_studio.domain.upscaling import LANCZOS
from illustrious_studio.interfaces.a1111.common import NO_UPSCALER, number_in

TITLE = "X/Y/Z plot"
NOTHING = "Nothing"
_OF_AXES = ("type", "values", "dropdown")
_FLAGS = ("draw_legend", "include_lone_images", "include_sub_grids", "no_fixed_seeds")
_VARY = ("vary_seeds_x", "vary_seeds_y", "vary_seeds_z")
_LAST = ("margin_size", "csv_mode")
_BEFORE_1_8 = 15
"""Arguments at most."""

TXT2IMG, IMG2IMG = "txt2img", "img2img"
AXES = (
    (NOTHING, "", ""),
    ("Seed", "", "seed"),
    ("Var. seed", "", "variation_seed"),
    ("Var. strength", "", "variation_strength"),
    ("Steps", "", "steps"),
    ("Hires steps", TXT2IMG, "hires.steps"),
    ("CFG Scale", "", "guidance"),
    ("Image CFG Scale", IMG2IMG, None),
    ("Prompt S/R", "", "search_replace"),
    ("Prompt order", "", "prompt_order"),
    ("Sampler", "", "sampler"),
    ("Hires sampler", TXT2IMG, "hires.sampler"),
    ("Checkpoint name", "", "checkpoint"),
    ("Negative Guidance minimum sigma", "", None),
    ("Sigma Churn", "", None),
    ("Sigma min", "", None),
    ("Sigma max", "", None),
    ("Sigma noise", "", None),
    ("Schedule type", "", "schedule"),
    ("Schedule min sigma", "", None),
    ("Schedule max sigma", "", None),
    ("Schedule rho", "", None),
    ("Beta schedule alpha", "", None),
    ("Beta schedule beta", "", None),
    ("Eta", "", "eta"),
    ("Clip skip", "", "clip_skip"),
    ("Denoising", "", "strength"),
    ("Initial noise multiplier", "", None),
    ("Extra noise", "", None),
    ("Hires upscaler", TXT2IMG, "hires.upscaler"),
    ("Cond. Image Mask Weight", IMG2IMG, None),
    ("VAE", "", "vae"),
    ("Styles", "", None),
    ("UniPC Order", "", None),
    ("Face restore", "", None),
    ("Token merging ratio", "", None),
    ("Token merging ratio high-res", "", None),
    ("Always discard next-to-last sigma", "", None),
    ("SGM noise multiplier", "", None),
    ("Refiner checkpoint", "", None),
    ("Refiner switch at", "", None),
    ("RNG source", "", None),
    ("FP8 mode", "", None),
    ("Size", "", "size"),
    ("[ControlNet] Model", "", "controls.0.model"),
    ("[ControlNet] Weight", "", "controls.0.weight"),
    ("[ControlNet] Guidance Start", "", "controls.0.start"),
    ("[ControlNet] Guidance End", "", "controls.0.end"),
    ("[ControlNet] Preprocessor", "", "controls.0.preprocessor"),
    ("[ControlNet] Pre Resolution", "", "controls.0.resolution"),
    ("[ControlNet] Pre Threshold A", "", "controls.0.threshold_a"),
    ("[ControlNet] Pre Threshold B", "", "controls.0.threshold_b"),
    ("[ADetailer] ADetailer prompt 1st", "", "details.0.prompt"),
    ("[ADetailer] ADetailer negative prompt 1st", "", "details.0.negative_prompt"),
    ("[ADetailer] Mask erosion / dilation 1st", "", "details.0.dilate"),
    ("[ADetailer] Inpaint denoising strength 1st", "", "details.0.strength"),
    ("[ADetailer] Inpaint only masked padding 1st", "", "details.0.padding"),
    ("[ADetailer] ADetailer sampler 1st", "", "details.0.sampler"),
)
"""A1111's axes in the order of its list, and behind them what extensions add: label, for which page alone, and what is
varied; None: not done here."""


@dataclass(frozen=True)
class XyzPlot:
    """A grid, and what of it is answered beside its sheet."""

    axes: GridAxes
    pictures: bool
    """Whether its pictures come, too."""
    blocks: bool
    """And a sheet of each value of z."""


def plot_of(args: Sequence[Any], page: str, *, hires: bool, open_seed: bool) -> XyzPlot:
    """What the script's arguments mean. `page`: for txt2img or img2img; `hires`: whether there is a second pass;
    `open_seed`: whether each picture may have a seed of its own. Raises InvalidRequest."""
    given = _named(args)
    vary_all = open_seed and _is_on(given.get("no_fixed_seeds"))
    found: list[dict[str, Any]] = []
    for name in NAMES:
        setting = _setting(name, given.get(f"{name}_type"), page, hires=hires)
        if setting:
            values = _values(name, setting, given)
            vary = vary_all or _is_on(given.get(f"vary_seeds_{name}"))
            found.append({"setting": setting, "values": values, "vary_seed": vary})
    if not found:
        raise InvalidRequest("script_args: names no axis; give x_type a name such as Steps, and x_values")
    margin = number_in(given.get("margin_size") or 0)
    try:
        axes = GridAxes.model_validate(
            {
                **dict(zip(NAMES, found, strict=False)),
                "legend": _is_on(given.get("draw_legend", True)),
                "margin": None if margin is None else int(margin),
            }
        )
    except ValidationError as error:
        raise InvalidRequest(f"script_args: {sentences(error.errors(), of_a_part)}") from None
    return XyzPlot(axes, _is_on(given.get("include_lone_images")), _is_on(given.get("include_sub_grids")))


def _named(args: Sequence[Any]) -> dict[str, Any]:
    axes = [f"{axis}_{what}" for axis in NAMES for what in _OF_AXES]
    vary = () if len(args) <= _BEFORE_1_8 else _VARY
    names = [*axes, *_FLAGS, *vary, *_LAST]
    if not 2 <= len(args) <= len(names):
        raise InvalidRequest(f"script_args: has {len(args)} entries; A1111's are up to 18: {', '.join(names)}")
    return dict(zip(names, args, strict=False))


def _setting(name: str, axis: Any, page: str, *, hires: bool) -> str:
    """What an axis varies; empty for nothing."""
    of_page = [one for one in AXES if one[1] in ("", page)]
    if isinstance(axis, int) and not isinstance(axis, bool) and 0 <= axis < len(of_page):
        label, _, setting = of_page[axis]
    else:
        wanted = NOTHING if axis in (None, "") else str(axis).strip()
        known = next((one for one in of_page if one[0].lower() == wanted.lower()), None)
        if known is None:
            can = ", ".join(label for label, _, setting in of_page if setting)
            raise InvalidRequest(f"script_args: {name}_type is no axis of A1111's here; use one of: {can}")
        label, _, setting = known
    if setting is None:
        raise InvalidRequest(f"script_args: {name}_type is {label}, which is something that this studio does not do")
    if page == TXT2IMG and setting == "strength":
        setting = "hires.strength"
    if setting.startswith("hires.") and not hires:
        raise InvalidRequest(f"script_args: {name}_type is {label}, which needs enable_hr")
    return setting


def _values(name: str, setting: str, given: dict[str, Any]) -> str | list[Any]:
    """A choice's values come in its list, unless texts are to be used, or it is empty."""
    listed, text = given.get(f"{name}_dropdown"), given.get(f"{name}_values")
    values: str | list[Any]
    if isinstance(listed, list) and listed and not _is_on(given.get("csv_mode")):
        values = listed
    else:
        values = "" if text is None else str(text)
    if setting == "hires.upscaler":
        names = written_values(values) if isinstance(values, str) else values
        return [LANCZOS if str(one).lower() == NO_UPSCALER.lower() else one for one in names if one != ""]
    return values


def _is_on(value: Any) -> bool:
    return value is True or (not isinstance(value, bool) and str(value).strip().lower() in ("true", "1", "on"))
