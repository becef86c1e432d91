"""Settings that a picture file carries, whoever wrote it: read into the studio's own request, through its own limits.

Where a program puts them is in `programs`; here is what their fields mean. Nothing read here is trusted: what is out of
range or of the wrong kind is left out and named, and nothing ever raises.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from illustrious_studio.domain.adetailer import arguments_in, detail_of
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.metadata.controlnet_text import is_controlnet_field
from illustrious_studio.domain.metadata.infotext import read_infotext
from illustrious_studio.domain.metadata.programs import found_in
from illustrious_studio.domain.metadata.record import request_within_limits
from illustrious_studio.domain.models import AUTOMATIC_VAE
from illustrious_studio.domain.sampling import sampler_named, split_joined
from illustrious_studio.domain.setting import given, has_what_it_needs, value_types

LONGEST_SHOWN = 500
LONGEST_JSON = 100_000
IN_JSON = ("layout", "controls", "regions", "details", "outpaint")
"""Settings of which the text has the whole value."""
NO_VAE = ("default", "default (model)", "default vae")
"""What programs write where the checkpoint's own VAE decodes, in lower case; and `vae_named` knows A1111's words."""
KARRAS = "_k"
"""What InvokeAI writes behind a sampler that goes by Karras' schedule."""
NOTHING_KNOWN: Mapping[str, InputId | None] = MappingProxyType({})


def _type_of(name: str) -> Any:
    return ImageRequest.model_fields[name].annotation


_READERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(_type_of(name)) for name in IN_JSON}
_HASH = re.compile(r"[0-9a-f]{64}")
_INTEGER = re.compile(r"[+-]?\d{1,20}(?:\.0+)?")
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,40})?")


def _keys() -> Iterator[tuple[str, str]]:
    for name, setting in SETTINGS.items():
        for key in (name, setting.infotext.lower(), *setting.aliases):
            yield key, name


_KEYS = dict(reversed(list(_keys())))
"""What other programs call the settings, in lower case. Where several are called alike, the first."""


@dataclass(frozen=True)
class RecordedSettings:
    """What was found: the request, every field as it stood (for people), and the names of what is not usable here."""

    source: str
    request: ImageRequest
    fields: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    unusable: dict[str, str] = field(default_factory=dict)
    """Those of what was left out that are the request's settings, each as it stood."""

    @property
    def usable(self) -> bool:
        """Whether any of it can be drawn with."""
        return bool(self.request.prompt.strip() or given(self.request).keys() - {"prompt", "negative_prompt"})

    @property
    def named_fields(self) -> tuple[tuple[str, str], ...]:
        """The fields by the names that people know: settings as the studio calls them, others without underscores."""
        return tuple((_name_of(key), value) for key, value in self.fields.items())

    @property
    def not_usable(self) -> str:
        """Says what of it is not usable here, by the names that people know; empty when there is nothing to say."""
        names = [SETTINGS[name].label if name in SETTINGS else name for name in self.left_out]
        return f"Not usable here: {', '.join(names)}." if names else ""


def recorded_settings(text: Mapping[str, str]) -> RecordedSettings | None:
    """The settings in the text that an image file carried (see `carried`); None when there are none."""
    found = found_in(text)
    if found is None:
        return None
    request, left_out = _request(found.fields)
    recorded = RecordedSettings(
        found.source,
        request,
        _shown(found.fields),
        (*left_out, *found.left_out),
        _as_they_stood(found.fields, left_out),
    )
    return recorded if recorded.usable or recorded.left_out else None


def _name_of(key: str) -> str:
    setting = SETTINGS.get(_KEYS.get(key.lower(), ""))
    spoken = key.replace("_", " ").strip()
    return setting.label if setting else spoken[:1].upper() + spoken[1:]


def _shown(fields: Mapping[str, object]) -> dict[str, str]:
    return {
        key[:100]: str(value)[:LONGEST_SHOWN]
        for key, value in _with_whole_sizes(list(fields.items())[:60])
        if isinstance(value, str | int | float) and value != ""
    }


def request_in_infotext(text: str, **start: InputId | None) -> tuple[ImageRequest, dict[str, str]]:
    """What A1111's text says, and as it stands there what of it no request can hold.

    `start` is the image and the mask that it is read for, where these are known; the text's own count no more then.
    """
    said = read_infotext(text)
    fields = {"Prompt": said.prompt, "Negative prompt": said.negative_prompt, **said.fields}
    request, left_out = _request(fields, start)
    return request, _as_they_stood(fields, left_out)


def _as_they_stood(fields: Mapping[str, object], left_out: Iterable[str]) -> dict[str, str]:
    keys = {name: key for key in reversed(list(fields)) if (name := _KEYS.get(str(key).lower()))}
    return {name: str(fields[keys[name]]) for name in left_out if name in keys}


def _with_whole_sizes(fields: list[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """`Size-1` and `Size-2`, which programs want apart, as people read them: `Size: 832x1216`."""
    known = dict(fields)
    for key, value in fields:
        name, mark, half = key.rpartition("-")
        if mark and half == "1" and f"{name}-2" in known:
            yield name, f"{value}x{known[f'{name}-2']}"
        elif not (mark and half == "2" and f"{name}-1" in known):
            yield key, value


def _request(
    fields: Mapping[str, object], start: Mapping[str, InputId | None] = NOTHING_KNOWN
) -> tuple[ImageRequest, tuple[str, ...]]:
    """The request that these fields make, without those that its own limits refuse."""
    values: dict[str, object] = {}
    left_out: list[str] = []
    for name, said in _renamed(fields):
        value = converted(name, said)
        if value is None:
            left_out.append(name)
        elif name not in values:
            values[name] = value
    if hires := _hires(fields, values):
        values["hires"] = hires
    if "controls" not in values and any(is_controlnet_field(str(key)) for key in fields):
        left_out.append("controls")  # the pictures are not in the text
    try:
        values |= _details_of_adetailer(fields, values)
    except ValueError:
        left_out.append("details")
    values |= start
    if "layout" in values and not values.get("image") and "strength" in values:
        values["sketch_strength"] = values.pop("strength")
    meaningless: set[str] = set()
    for name, setting in SETTINGS.items():  # in their order: a mask without an image goes, then what goes with a mask
        if not has_what_it_needs(setting, values):
            values.pop(name, None)
            meaningless.add(name)
    request, refused = request_within_limits(values)
    return request, tuple(dict.fromkeys(name for name in (*left_out, *refused) if name not in meaningless))


def _hires(fields: Mapping[str, object], values: dict[str, object]) -> HiresFix | None:
    """A1111's second pass. Its strength is taken from the values, where it would be that of a picture to start from."""
    said = {str(key).lower(): value for key, value in fields.items()}
    if not {"hires upscale", "hires resize-1", "hires upscaler"} & said.keys() or values.get("image"):
        return None
    strength = said.get("hires strength") or values.pop("strength", None)
    found: dict[str, object] = {
        "scale": _number(said.get("hires upscale"), whole=False),
        "width": _number(said.get("hires resize-1"), whole=True) or None,
        "height": _number(said.get("hires resize-2"), whole=True) or None,
        "steps": _number(said.get("hires steps"), whole=True) or None,
        "strength": _number(strength, whole=False),
        "upscaler": said.get("hires upscaler"),
        "sampler": sampler_named(str(said.get("hires sampler") or "")),
        "schedule": said.get("hires schedule type"),
        "prompt": said.get("hires prompt"),
        "negative_prompt": said.get("hires negative prompt"),
    }
    if found["width"] or found["height"]:
        found["scale"] = None
    known = {name: value for name, value in found.items() if value is not None}
    while True:
        try:
            return HiresFix.model_validate(known)
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} or {"schedule", "sampler"}
        if not wrong & known.keys():
            return None
        known = {name: value for name, value in known.items() if name not in wrong}


def _details_of_adetailer(fields: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    """Its details, which are drawn in the picture's size unless they say another. Raises ValueError."""
    sides = [side if isinstance(side := values.get(name), int) else None for name in ("width", "height")]
    try:
        details = [detail_of(said, (sides[0], sides[1])) for said in arguments_in(fields)]
    except InvalidRequest as error:
        raise ValueError(error.detail) from error
    found = tuple(one for one in details if one is not None)
    return {"details": found} if found else {}


def _renamed(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    names = {key: _KEYS.get(str(key).lower()) for key in fields}
    if "sampler" not in names.values():  # what InvokeAI and diffusers call the scheduler is the sampler
        names |= {key: "sampler" for key in fields if str(key).lower() == "scheduler"}
    for key, value in fields.items():
        name = names[key] or ("schedule" if str(key).lower() == "scheduler" else None)
        if name == "sampler" and isinstance(value, str):
            yield from _sampler_and_schedule(value)
        elif name is not None:
            yield name, value
        elif str(key).lower() == "resolution" and (size := re.findall(r"\d{1,9}", str(value)[:40])):
            yield from zip(("width", "height"), size, strict=False)


def _sampler_and_schedule(sampler: str) -> Iterator[tuple[str, object]]:
    """Some say both in one: "DPM++ 2M Karras", or InvokeAI's "dpmpp_2m_k"."""
    schedule = ""
    if sampler_named(sampler) is None:
        sampler, schedule = split_joined(sampler)
        if not schedule and sampler_named(sampler.removesuffix(KARRAS)):
            sampler, schedule = sampler.removesuffix(KARRAS), "Karras" if sampler.endswith(KARRAS) else ""
    yield "sampler", sampler
    if schedule:
        yield "schedule", schedule


def converted(name: str, value: object) -> object:
    """A setting's value, as another program wrote it, in the request's own type; None when it cannot be one."""
    if name in IN_JSON:
        return _from_json(name, value)
    kinds = value_types(ImageRequest.model_fields[name].annotation)
    if kinds & {int, float}:
        number = _number(value, whole=float not in kinds)
        if name == "clip_skip" and number is not None:  # some count from the end as ComfyUI does, and 0 is none
            return abs(number) or 1
        return number
    if bool in kinds:
        return {"true": True, "false": False}.get(str(value).lower())
    if not isinstance(value, str):
        return None
    if name in ("image", "mask"):  # A1111 writes an MD5, by which nothing can be found
        return value if _HASH.fullmatch(value) else None
    if name == "vae" and value.lower() in NO_VAE:
        return AUTOMATIC_VAE
    return next((own for own, theirs in SETTINGS[name].words.items() if theirs == value), value)


def _number(value: object, *, whole: bool) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if whole:
        return int(text.split(".")[0]) if _INTEGER.fullmatch(text) else None
    return float(text) if _NUMBER.fullmatch(text) else None


def _from_json(name: str, value: object) -> object:
    if not isinstance(value, str) or len(value) > LONGEST_JSON:
        return None
    try:
        return _READERS[name].validate_json(value)
    except ValueError:
        return None
