"""A1111's `parameters` text: a picture's settings as the field writes them into image files.

    <prompt, may span lines>
    Negative prompt: <negative, may span lines>
    Steps: 28, Sampler: Euler a, CFG scale: 5.5, Seed: 12345, Size: 832x1216, Model: Illustrious-XL-v0.1

Writing follows A1111 to the letter. Reading takes whatever it is given, and never raises. What the numbers
mean to the studio (limits, an ImageRequest) is in `recorded.py`, and so are other programs' formats.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from illustrious_studio.domain.adetailer import text_of
from illustrious_studio.domain.details import Detail
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.loras import without_loras
from illustrious_studio.domain.metadata.controlnet_text import controlnet_fields
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import vae_file
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.sampling import split_joined
from illustrious_studio.domain.setting import Setting, is_recorded
from illustrious_studio.domain.upscaling import USUAL_SCALE, UpscaleRecord

NEGATIVE = "Negative prompt:"
LONGEST_TEXT = 1_000_000
LONGEST_FIELD_LINE = 200_000
FEWEST_FIELDS = 3
NO_FACTS: Mapping[str, str] = MappingProxyType({})
ETA_DDIM = "Eta DDIM"
"""A1111 keeps DDIM's eta apart from the others' (`eta_infotext_field` of its timesteps samplers)."""

HIRES_STRENGTH = "Hires strength"
DETAILS = "Details"
MOST_CANDIDATES = 50

_KEY = re.compile(r"\s*(\w[\w \-/]{1,80}):[^\S\n]*")
_STRING = re.compile(r'"(?:\\.|[^\\"])*"', re.DOTALL)
_PLAIN = re.compile(r"[^,\n]*")
_STEPS = re.compile(r"^Steps:\s*\d+\s*,", re.MULTILINE)
_STEPS_ANYWHERE = re.compile(r"\sSteps:\s*\d+\s*,")
_SIZE = re.compile(r"(\d{1,9})x(\d{1,9})")


@dataclass(frozen=True)
class Infotext:
    """What the text says, as text. `fields` holds the last line's pairs; `Size` stands there as `Size-1`, `Size-2`."""

    prompt: str = ""
    negative_prompt: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def write_infotext(metadata: ImageMetadata) -> str:
    """The text for a picture of these settings."""
    request = metadata.request
    fields = _settings(metadata)
    text = _assemble(request.prompt, request.negative_prompt, fields)
    seen = read_infotext(text)
    # A prompt with a line "Negative prompt: ..." would be read as something else: such a one is said again as a
    # field, which overrides what stands above it, in A1111 too.
    if seen.prompt != _plain(request.prompt):
        fields["Prompt"] = request.prompt
    if seen.negative_prompt != _plain(request.negative_prompt):
        fields["Negative prompt"] = request.negative_prompt
    version = metadata.versions.get("illustrious-studio")
    fields["Version"] = f"illustrious-studio {version}" if version else "illustrious-studio"
    return _assemble(request.prompt, request.negative_prompt, fields)


def text_with(parameters: str, fields: Mapping[str, str]) -> str:
    """A picture's text with these fields behind its own."""
    return ", ".join(filter(None, [parameters, *(f"{key}: {_quoted(value)}" for key, value in fields.items())]))


def text_of_upscale(record: UpscaleRecord) -> str:
    """What A1111 writes of what was done to a picture after it was drawn."""
    return ", ".join(f"{key}: {_quoted(value)}" for key, value in record.fields.items())


def text_of_request(request: ImageRequest) -> str:
    """The text for a request of which nothing else is known: what it says, and no more."""
    size = {"Size": f"{request.width}x{request.height}"} if request.width and request.height else {}
    return _assemble(request.prompt, request.negative_prompt, setting_fields(request, size))


def _settings(metadata: ImageMetadata) -> dict[str, str]:
    """The last line's pairs: of the request what is recorded, and what else decides how the picture looks."""
    request = metadata.request
    drawn = (metadata.upscale.from_width, metadata.upscale.from_height) if metadata.upscale else metadata.size
    facts = {"Size": f"{request.width or drawn[0]}x{request.height or drawn[1]}"}
    facts |= {"Model hash": metadata.checkpoint_hash} if metadata.checkpoint_hash else {}
    facts |= {"Model": metadata.checkpoint}
    # As A1111's extension Dynamic Prompts calls them.
    templates = {"Template": metadata.origin.template, "Negative Template": metadata.origin.negative_template}
    templates = {key: value for key, value in templates.items() if value}
    upscaled = metadata.upscale.fields if metadata.upscale is not None else {}
    said = setting_fields(request, facts) | _for_the_same_picture(metadata) | _hashes(metadata)
    return said | controlnet_fields(request.controls, metadata.control_hashes) | templates | upscaled


def _hashes(metadata: ImageMetadata) -> dict[str, str]:
    """Of the VAE, and of LoRAs and embeddings, each kind in one field."""

    def listed(hashes: Mapping[str, str]) -> str:
        return ", ".join(f"{re.sub('[:,]', '', name)}: {digest}" for name, digest in hashes.items())

    said = {
        "VAE hash": metadata.vae_hash,
        "Lora hashes": listed(metadata.lora_hashes),
        "TI hashes": listed(metadata.embedding_hashes),
    }
    return {key: value for key, value in said.items() if value}


def setting_fields(request: ImageRequest, facts: Mapping[str, str] = NO_FACTS) -> dict[str, str]:
    """What a request records, by the text's keys and in A1111's order: `facts`, the size and what drew, stand where the
    height would."""
    fields: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        if setting.infotext and is_recorded(request, name, setting):
            key = ETA_DDIM if name == "eta" and request.sampler == "DDIM" else setting.infotext
            value = getattr(request, name)
            fields[key] = written(vae_file(value) if name == "vae" else value, setting)
        if name == "height":
            fields |= facts
        if name == "seed_resize_from_height" and request.seed_resize_from_height:
            fields["Seed resize from"] = f"{request.seed_resize_from_width}x{request.seed_resize_from_height}"
    return fields | hires_fields(request) | details_fields(request.details)


def hires_fields(request: ImageRequest) -> dict[str, str]:
    """The second pass by A1111's keys. Its strength is "Denoising strength" there; where the first pass has one, over a
    sketch, it has a key of its own."""
    if request.hires is None:
        return {}
    fields = hires_words(request.hires)
    if request.sketch_strength is None or request.layout is None:
        fields = {"Denoising strength": fields.pop(HIRES_STRENGTH), **fields}
    return fields


def details_fields(details: Sequence[Detail]) -> dict[str, str]:
    """By ADetailer's keys, which A1111 reads, where it can do all of them; else in one field, as JSON."""
    fields = text_of(details)
    return {DETAILS: _json([written_detail(one) for one in details])} if fields is None else fields


def written_detail(detail: Detail) -> dict[str, object]:
    """What it says, without its defaults."""
    said = detail.model_dump(mode="json", exclude_defaults=True)
    return said | ({"find": "boxes", "boxes": []} if detail.find == "boxes" and not detail.boxes else {})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def hires_words(hires: HiresFix) -> dict[str, str]:
    """What a second pass has, by names that say whose it is."""
    said = {
        HIRES_STRENGTH: f"{hires.denoising:g}",
        "Hires upscale": f"{hires.scale or USUAL_SCALE:g}" if not (hires.width or hires.height) else None,
        "Hires resize": f"{hires.width or 0}x{hires.height or 0}" if hires.width or hires.height else None,
        "Hires steps": hires.steps,
        "Hires upscaler": hires.upscaler,
        "Hires sampler": hires.sampler,
        "Hires schedule type": hires.schedule,
        "Hires prompt": hires.prompt,
        "Hires negative prompt": hires.negative_prompt,
    }
    return {key: str(value) for key, value in said.items() if value}


def _for_the_same_picture(metadata: ImageMetadata) -> dict[str, str]:
    """What A1111 needs besides to draw the same: where the studio does what is an option there."""
    request = metadata.request
    fields = {"RNG": "CPU"}  # the engine draws its noise on the CPU, whatever device it draws the picture on
    if any(bracket in without_loras(request.prompt + request.negative_prompt) for bracket in "(["):
        fields["Emphasis"] = "No norm"
    if request.sampler == "UniPC":
        fields |= {"UniPC variant": "bh2", "UniPC order": "2"}
    if metadata.zero_terminal_snr:
        fields["Noise Schedule"] = "Zero Terminal SNR"
    return fields


def written(value: object, setting: Setting) -> str:
    """A setting's value as the text has it. A layout is JSON, whole: what one leaves out means something else; of other
    values JSON says what is not their default."""
    if isinstance(value, Layout):
        whole = value.model_dump(mode="json")
        whole["things"] = [thing.model_dump(exclude_defaults=True) for thing in value.things]
        return _json(whole)
    if isinstance(value, tuple):
        return _json([one.model_dump(mode="json", exclude_defaults=True) for one in value])
    if isinstance(value, Outpaint):
        return _json(value.model_dump(exclude_defaults=True))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return setting.words.get(str(value), str(value))


def read_infotext(text: str) -> Infotext:
    """What the text says; garbage is a prompt without fields, and nothing above a million characters is looked at."""
    text = "\n".join(line.strip() for line in text[:LONGEST_TEXT].strip().split("\n"))
    words, fields = _apart(text)
    prompt: list[str] = []
    negative: list[str] = []
    current = prompt
    for line in words.split("\n"):
        if line.startswith(NEGATIVE):
            current, line = negative, line.removeprefix(NEGATIVE).strip()
        current.append(line)
    said_again = {key: _plain(fields.pop(key)) for key in ("Prompt", "Negative prompt") if key in fields}
    _split_old_sampler(fields)
    return Infotext(
        said_again.get("Prompt", "\n".join(prompt).strip()),
        said_again.get("Negative prompt", "\n".join(negative).strip()),
        fields,
    )


def _apart(text: str) -> tuple[str, dict[str, str]]:
    """The words, and the fields that stand behind them.

    The fields are what begins with `Steps:` at the start of a line and is nothing but fields up to the end; their
    values may have lines of their own. Else what follows `Steps:` in the last line, behind words; else the last line;
    else the last line that begins so, whatever an extension wrote behind it.
    """
    begins = [found.start() for found in _STEPS.finditer(text)][-MOST_CANDIDATES:]
    for begin in begins:
        fields, rest = _fields_of(text[begin:])
        if not rest and len(fields) >= FEWEST_FIELDS:
            return text[:begin], fields
    *above, last = text.split("\n")
    if steps := _STEPS_ANYWHERE.search(last):
        fields, _ = _fields_of(last[steps.start() :], anything=True)
        if len(fields) >= FEWEST_FIELDS:
            prompt, mark, negative = last[: steps.start()].strip(", ").partition(NEGATIVE)
            words = [prompt.strip(), f"{NEGATIVE} {negative.strip()}"] if mark else [prompt]
            return "\n".join([*above, *words]), fields
    lines = [(len(text) - len(last), last)] if len(last) <= LONGEST_FIELD_LINE else []
    for begin, line in [*lines, *((begin, text[begin:]) for begin in begins[-1:])]:
        fields, _ = _fields_of(line, anything=True)
        if len(fields) >= FEWEST_FIELDS:
            return text[:begin], fields
    return text, {}


def _plain(prompt: str) -> str:
    """A prompt as reading gives it: no space around its lines, no empty lines around it."""
    return "\n".join(line.strip() for line in prompt.split("\n")).strip()


def _assemble(prompt: str, negative: str, fields: Mapping[str, str]) -> str:
    lines = [prompt]
    if negative.strip():
        lines.append(f"{NEGATIVE} {negative}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in fields.items()))
    return "\n".join(lines)


def _quoted(text: str) -> str:
    if any(mark in text for mark in ',:\n"') or text != text.strip():
        return json.dumps(text, ensure_ascii=False)
    return text


def _fields_of(text: str, *, anything: bool = False) -> tuple[dict[str, str], str]:
    """The fields, and what is left where they end; with `anything`, what is no field between them is passed over.

    A value is a string in quotes, JSON in brackets (some extensions write it so), or what stands before the next comma
    or the end of the line. Of two fields of one name the first counts.
    """
    text = text[:LONGEST_FIELD_LINE]
    fields: dict[str, str] = {}
    position = 0
    while position < len(text):
        key = _KEY.match(text, position)
        value = "" if key is None else _value_at(text, key.end())
        end = position if key is None else key.end() + len(value)
        if key is None or (end < len(text) and text[end] != ","):
            if not anything:
                return fields, text[position:].strip(", \n")
            end = min((at for at in (text.find(",", end), text.find("\n", end)) if at >= 0), default=len(text))
        if key is not None:
            _add(fields, key[1].strip(), _unquoted(value.strip()))
        position = end + 1
    return fields, ""


def _value_at(text: str, position: int) -> str:
    if found := _STRING.match(text, position):
        return found[0]
    if text[position : position + 1] in ("[", "{"):
        try:
            return text[position : json.JSONDecoder().raw_decode(text, position)[1]]
        except (ValueError, RecursionError):
            pass
    plain = _PLAIN.match(text, position)
    return plain[0] if plain else ""


def _add(fields: dict[str, str], key: str, value: str) -> None:
    if size := _SIZE.fullmatch(value):
        for half, number in zip(("1", "2"), size.groups(), strict=True):
            fields.setdefault(f"{key}-{half}", number)
    else:
        fields.setdefault(key, value)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, str) else value


def _split_old_sampler(fields: dict[str, str]) -> None:
    """Older files say "DPM++ 2M Karras" in one field."""
    if "Sampler" not in fields or "Schedule type" in fields:
        return
    sampler, schedule = split_joined(fields["Sampler"])
    if schedule:
        fields |= {"Sampler": sampler, "Schedule type": schedule}
