"""Settings that a picture file carries, whoever wrote it: read into the studio's own request, through its own limits.

A1111's text (see `infotext`) and the JSON of SwarmUI, Fooocus, InvokeAI, NovelAI and TextGen. Nothing read here is
trusted: what is out of range or of the wrong kind is left out and named, and nothing ever raises.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.infotext import LONGEST_TEXT, mask_area_named, read_infotext
from illustrious_studio.domain.sampling import sampler_named

SOURCES = {
    "parameters": "A1111 parameters",
    "sui_image_params": "SwarmUI",
    "invokeai_metadata": "InvokeAI",
    "image_gen_settings": "TextGen",
    "Comment": "NovelAI",
}
LONGEST_SHOWN = 500
LONGEST_LAYOUT = 100_000
_HASH = re.compile(r"[0-9a-f]{64}")
_INTEGER = re.compile(r"[+-]?\d{1,20}(?:\.0+)?")
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,40})?")

_KEYS = {
    "prompt": "prompt", "positive_prompt": "prompt", "positiveprompt": "prompt", "description": "prompt",
    "negative_prompt": "negative_prompt", "negativeprompt": "negative_prompt", "negative prompt": "negative_prompt",
    "uc": "negative_prompt", "steps": "steps", "cfg scale": "guidance", "cfg_scale": "guidance",
    "cfgscale": "guidance", "guidance_scale": "guidance", "guidance": "guidance", "scale": "guidance",
    "seed": "seed", "image_seed": "seed", "size-1": "width", "width": "width", "size-2": "height", "height": "height",
    "sampler": "sampler", "sampler_name": "sampler", "schedule type": "schedule", "noise_schedule": "schedule",
    "clip skip": "clip_skip", "init image hash": "image", "resize mode": "fit", "mask hash": "mask",
    "mask blur": "mask_blur", "masked content": "mask_content", "inpaint area": "mask_area",
    "masked area padding": "mask_padding", "layout": "layout", "denoising strength": "strength",
}  # fmt: skip
"""What other programs call the fields of a request."""
OF_AN_IMAGE = ("strength", "fit", "mask", "mask_blur", "mask_content", "mask_area", "mask_padding")


@dataclass(frozen=True)
class RecordedSettings:
    """What was found: the request, every field as it stood (for people), and the names of fields not usable here."""

    source: str
    request: ImageRequest
    fields: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def recorded_settings(text: Mapping[str, str]) -> RecordedSettings | None:
    """The settings in the text that an image file carried; None when there are none with a usable prompt."""
    for key, source in SOURCES.items():
        if key in text and (settings := _read(source, text[key], text)) is not None:
            return settings
    return None


def _read(source: str, value: str, text: Mapping[str, str]) -> RecordedSettings | None:
    fields = _json_object(value)
    if fields is None:
        if source != SOURCES["parameters"]:
            return None
        said = read_infotext(value)
        fields = {"Prompt": said.prompt, "Negative prompt": said.negative_prompt, **said.fields}
    elif isinstance(swarm := fields.get("sui_image_params"), dict):
        source, fields = "SwarmUI", swarm
    elif source == SOURCES["parameters"]:
        source = "Fooocus"
    elif source == "NovelAI" and "prompt" not in fields:
        fields = {"prompt": text.get("Description", ""), **fields}
    request, left_out = _request(fields)
    if request is None:
        return None
    shown = {
        key[:100]: str(value)[:LONGEST_SHOWN]
        for key, value in _with_whole_sizes(list(fields.items())[:60])
        if isinstance(value, str | int | float) and value != ""
    }
    return RecordedSettings(source, request, shown, left_out)


def _with_whole_sizes(fields: list[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """`Size-1` and `Size-2`, which programs want apart, as people read them: `Size: 832x1216`."""
    known = dict(fields)
    for key, value in fields:
        name, mark, half = key.rpartition("-")
        if mark and half == "1" and f"{name}-2" in known:
            yield name, f"{value}x{known[f'{name}-2']}"
        elif not (mark and half == "2" and f"{name}-1" in known):
            yield key, value


def _json_object(value: str) -> dict[str, object] | None:
    start = value[:100].lstrip()
    if not start.startswith("{") or len(value) > LONGEST_TEXT:
        return None
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _request(fields: Mapping[str, object]) -> tuple[ImageRequest | None, tuple[str, ...]]:
    """The request that these fields make, without those that its own limits refuse."""
    values: dict[str, object] = {}
    left_out: list[str] = []
    for name, given in _renamed(fields):
        value = _converted(name, given)
        if value is None:
            left_out.append(name)
        elif name not in values:
            values[name] = value
    if "image" not in values:  # what is said of one means nothing without it
        strength, *_ = (values.pop(name, None) for name in OF_AN_IMAGE)
        left_out = [name for name in left_out if name not in OF_AN_IMAGE]
        if "layout" in values and strength is not None:
            values["sketch_strength"] = strength
    while True:
        try:
            return ImageRequest.model_validate(values), tuple(dict.fromkeys(left_out))
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} or {"width", "height"}
        if "prompt" in wrong:
            return None, ()
        if wrong & {"width", "height"}:
            wrong |= {"width", "height"}
        left_out += [name for name in ImageRequest.model_fields if name in wrong & values.keys()]
        values = {name: value for name, value in values.items() if name not in wrong}


def _renamed(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in fields.items():
        name = _KEYS.get(str(key).lower())
        if name is not None:
            yield name, value
        elif str(key).lower() == "scheduler":  # which some call the sampler, and others the schedule
            yield "sampler" if sampler_named(str(value)) else "schedule", value
        elif str(key).lower() == "resolution" and (size := re.findall(r"\d{1,9}", str(value)[:40])):
            yield from zip(("width", "height"), size, strict=False)


def _converted(name: str, value: object) -> object:
    """The value in the request's own type; None when it cannot be one."""
    if name in ("prompt", "negative_prompt", "sampler", "schedule", "fit", "mask_content"):
        return value if isinstance(value, str) else None
    if name == "mask_area":
        return mask_area_named(str(value))
    if name == "layout":
        return _layout(value)
    if name in ("image", "mask"):  # A1111 writes an MD5, by which nothing can be found
        return value if isinstance(value, str) and _HASH.fullmatch(value) else None
    if isinstance(value, bool):
        return None
    said = str(value).strip() if isinstance(value, str | int | float) else ""
    if name in ("guidance", "strength"):
        return float(said) if _NUMBER.fullmatch(said) else None
    return int(said.split(".")[0]) if _INTEGER.fullmatch(said) else None


def _layout(value: object) -> Layout | None:
    if not isinstance(value, str) or len(value) > LONGEST_LAYOUT:
        return None
    try:
        return Layout.model_validate_json(value)
    except ValueError:
        return None
