"""A1111's `parameters` text: a picture's settings as the field writes them into image files.

    <prompt, may span lines>
    Negative prompt: <negative, may span lines>
    Steps: 28, Sampler: Euler a, CFG scale: 5.5, Seed: 12345, Size: 832x1216, Model: Illustrious-XL-v0.1

Writing follows A1111 to the letter. Reading takes whatever it is given, and never raises. What the numbers
mean to the studio (limits, an ImageRequest) is in `recorded.py`, and so are other programs' formats.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.models import SAFETENSORS
from illustrious_studio.domain.sampling import split_joined
from illustrious_studio.domain.setting import Setting, is_recorded

NEGATIVE = "Negative prompt:"
LONGEST_TEXT = 1_000_000
LONGEST_FIELD_LINE = 200_000
FEWEST_FIELDS = 3
ETA_DDIM = "Eta DDIM"
"""A1111 keeps DDIM's eta apart from the others' (`eta_infotext_field` of its timesteps samplers)."""

_FIELD = re.compile(r'\s*(\w[\w \-/]{1,80}):[^\S\n]*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
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


def _settings(metadata: ImageMetadata) -> dict[str, str]:
    """The last line's pairs: of the request what is recorded, and what else decides how the picture looks."""
    request = metadata.request
    fields: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        if setting.infotext and is_recorded(request, name, setting):
            key = ETA_DDIM if name == "eta" and request.sampler == "DDIM" else setting.infotext
            fields[key] = written(getattr(request, name), setting) + (SAFETENSORS if name == "vae" else "")
        if name == "height":  # A1111's order: the size, then what drew
            fields["Size"] = f"{request.width or metadata.width}x{request.height or metadata.height}"
            fields |= {"Model hash": metadata.checkpoint_hash} if metadata.checkpoint_hash else {}
            fields["Model"] = metadata.checkpoint
    return fields | _for_the_same_picture(metadata)


def _for_the_same_picture(metadata: ImageMetadata) -> dict[str, str]:
    """What A1111 needs besides to draw the same: where the studio does what is an option there."""
    request = metadata.request
    fields = {"RNG": "CPU"}  # the engine draws its noise on the CPU, whatever device it draws the picture on
    if any(bracket in request.prompt + request.negative_prompt for bracket in "(["):
        fields["Emphasis"] = "No norm"
    if request.sampler == "UniPC":
        fields |= {"UniPC variant": "bh2", "UniPC order": "2"}
    if metadata.zero_terminal_snr:
        fields["Noise Schedule"] = "Zero Terminal SNR"
    return fields


def written(value: object, setting: Setting) -> str:
    """A setting's value as the text has it. A layout is JSON, whole: what one leaves out means something else."""
    if isinstance(value, Layout):
        whole = value.model_dump(mode="json")
        whole["things"] = [thing.model_dump(exclude_defaults=True) for thing in value.things]
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return setting.words.get(str(value), str(value))


def read_infotext(text: str) -> Infotext:
    """What the text says; garbage is a prompt without fields, and nothing above a million characters is looked at."""
    lines = [line.strip() for line in text[:LONGEST_TEXT].strip().split("\n")]
    fields = _fields_of(lines[-1]) if len(lines[-1]) <= LONGEST_FIELD_LINE else {}
    if len(fields) >= FEWEST_FIELDS:
        lines.pop()
    else:
        fields = {}
    prompt: list[str] = []
    negative: list[str] = []
    current = prompt
    for line in lines:
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


def _fields_of(line: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    position = 0
    while position < len(line):
        found = _FIELD.match(line, position)
        if found is None:
            position = line.find(",", position) + 1 or len(line)
            continue
        key, value = found[1].strip(), _unquoted(found[2].strip())
        if size := _SIZE.fullmatch(value):
            fields[f"{key}-1"], fields[f"{key}-2"] = size.groups()
        else:
            fields[key] = value
        position = found.end()
    return fields


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
