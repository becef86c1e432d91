"""LoRAs: small files that change a checkpoint's weights, how a prompt names them, and the port that lists them.

A prompt is the one place where a picture's LoRAs stand, as A1111 has it: `<lora:name:1>`, `<lora:name:0.5:0.8>` (text
encoders, UNet) or `<lora:name:te=0.5:unet=0.8>` (`extensions-builtin/Lora/extra_networks_lora.py`). What a request
names in a field of its own is written into its prompt. A tag counts wherever it stands, in a negative prompt, too, and
for the whole picture: also within `[a:b:0.5]`, where A1111 knows no schedule either.
"""

import math
import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, Field, StringConstraints

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import RefusedFile, without_ending
from illustrious_studio.domain.values import Text, Value, as_tuple

STRONGEST = 10.0
_TAG = re.compile(r"<(?:lora|lyco):([^<>\n]*)>", re.IGNORECASE)
_NEVER_CLOSED = re.compile(r"<(?:lora|lyco):[^<>\n]*(?=[<\n]|\Z)", re.IGNORECASE)
_SHOWN = 60

Weight = Annotated[float, Field(ge=-STRONGEST, le=STRONGEST)]
LoraName = Annotated[Text, StringConstraints(min_length=1, max_length=500, pattern=r"^[^<>:\n]*$")]


class LoraChoice(Value):
    """A LoRA that a picture is drawn with. `weight` is the UNet's, and the text encoders' where that is left out."""

    name: LoraName
    weight: Weight = 1.0
    text_encoder_weight: Weight | None = Field(None, description="Of the text encoders; left out: as `weight`.")

    @property
    def weights(self) -> tuple[float, float]:
        """The UNet's and the text encoders'."""
        return self.weight, self.weight if self.text_encoder_weight is None else self.text_encoder_weight

    @property
    def tag(self) -> str:
        """As a prompt names it."""
        unet, encoders = self.weights
        return f"<lora:{self.name}:{encoders:g}>" if unet == encoders else f"<lora:{self.name}:{encoders:g}:{unet:g}>"


MOST = 32
"""LoRAs in one picture."""
Loras = Annotated[tuple[LoraChoice, ...], BeforeValidator(as_tuple)]
"""Those that a request names in a field of its own: a list, as JSON has it."""


class LoraFile(Value):
    """A LoRA on the disk, as far as its header and the notes beside it say."""

    name: str
    path: Path
    alias: str = Field("", description="What it was called when it was trained (kohya's ss_output_name).")
    base: Literal["SDXL", "built-in", ""] = Field("", description="What it was made for; empty where nothing says it.")
    base_name: str = Field("", description="The same in the words of its notes, such as Illustrious or Pony.")
    trigger_words: tuple[str, ...] = ()
    weight: float | None = Field(None, description="The weight that its notes recommend.")
    description: str = ""
    preview: Path | None = None
    size_bytes: int = 0
    stamp: str = Field("", description="Another one when the file was changed or replaced.")


class LoraUse(Value):
    """A file and how much of it: what the engine gets."""

    file: LoraFile
    unet: float
    text_encoders: float


class LoraCatalogue(Protocol):
    """The LoRA files on disk. Names from outside are looked up in it."""

    async def list(self) -> list[LoraFile]:
        """Every one that SDXL or the built-in model may use, by its header."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and is not offered."""
        ...

    async def preview(self, file: LoraFile) -> bytes:
        """A small WebP of its preview. Raises NotFound (it is gone), NotAnImage."""
        ...

    async def hash_of(self, file: LoraFile) -> str | None:
        """First 12 hex digits of the SHA-256 of the file without its header (A1111's "Lora hashes", which are
        kohya's); None for a file that cannot be read."""
        ...


def loras_in(prompt: str) -> tuple[LoraChoice, ...]:
    """Those that a prompt names, in its order. Raises InvalidRequest for a tag that cannot be meant."""
    if broken := _NEVER_CLOSED.search(prompt):
        raise InvalidRequest(f"The prompt has {_short(broken[0])}, which is not closed. Write > behind it.")
    return tuple(_choice(found[1], found[0]) for found in _TAG.finditer(prompt))


def without_loras(prompt: str) -> str:
    """The prompt's words: what the text encoders read."""
    return _TAG.sub("", prompt)


def lora_of_another_program(name: object, weight: object = 1, encoders: object = None) -> LoraChoice | None:
    """What another program's record says of a LoRA: by its file, with folders, and its weights as numbers or as text.
    None for what cannot be meant."""
    if not isinstance(name, str):
        return None
    file = re.split(r"[/\\]", name)[-1].strip()
    try:
        unet = float(weight)  # type: ignore[arg-type]
        both = unet if encoders is None else float(encoders)  # type: ignore[arg-type]
        return LoraChoice(name=without_ending(file), weight=unet, text_encoder_weight=None if both == unet else both)
    except (TypeError, ValueError):  # pydantic's is one of these
        return None


def with_loras(prompt: str, loras: Sequence[LoraChoice]) -> str:
    """The prompt with tags for these behind it."""
    return " ".join([*([prompt] if prompt.strip() else []), *(one.tag for one in loras)])


def lora_names(prompt: str) -> list[str]:
    """The names in its tags, each once, whatever else is wrong with these."""
    return list(dict.fromkeys(_name(found) for found in _TAG.finditer(prompt)))


def without_lora(prompt: str, names: Container[str], words: Sequence[str] = ()) -> str:
    """The prompt without the tags of these names, nor such words (a file's trigger words) directly before one."""
    said = r",?\s*".join(map(re.escape, words))
    before = re.compile(rf"(?:^|,)\s*{said},?\s*$", re.IGNORECASE) if words else None
    left, at = "", 0
    for found in _TAG.finditer(prompt):
        left += prompt[at : found.start()]
        at = found.end()
        if _name(found) not in names:
            left += found[0]
            continue
        left = (left if before is None else before.sub("", left)).rstrip(" ")
        if not left or left[-1] == ",":  # the comma behind it parts nothing any more
            at = len(prompt) - len(prompt[at:].lstrip(" ,"))
            left += " " if left else ""
    return (left + prompt[at:]).strip()


def renamed(prompt: str, names: Mapping[str, str]) -> str:
    """The prompt with other names in the tags of these."""

    def changed(found: re.Match[str]) -> str:
        name, colon, rest = found[1].partition(":")
        return f"<lora:{names[name.strip()]}{colon}{rest}>" if name.strip() in names else found[0]

    return _TAG.sub(changed, prompt)


def hashes_in(text: str) -> dict[str, str]:
    """A1111's "Lora hashes" by the files' names: `ink: 0123456789ab, paint: ba9876543210`."""
    pairs = (part.rpartition(":") for part in text.strip(' "').split(","))
    return {name.strip(): digits.strip() for name, _, digits in pairs if name.strip() and digits.strip()}


def weighed(prompt: str, names: Container[str], more: float) -> str:
    """The prompt with the weights of the tags of these names changed by so much, within the limits. Raises
    InvalidRequest for a weight of them that is none."""

    def changed(found: re.Match[str]) -> str:
        if _name(found) not in names:
            return found[0]
        one = _choice(found[1], found[0])
        unet, encoders = (round(min(max(weight + more, -STRONGEST), STRONGEST), 2) for weight in one.weights)
        return LoraChoice(name=one.name, weight=unet, text_encoder_weight=None if encoders == unet else encoders).tag

    return _TAG.sub(changed, prompt)


def with_lora_weight(prompt: str, name: str, weight: float) -> str:
    """The prompt with a LoRA of that weight: where its tags stand, or else behind all."""
    one = LoraChoice(name=name, weight=weight)
    found = [tag for tag in _TAG.finditer(prompt) if _name(tag).lower() == name.lower()]
    if not found:
        return with_loras(prompt, [one])
    for tag in reversed(found):
        prompt = prompt[: tag.start()] + one.tag + prompt[tag.end() :]
    return prompt


def _name(tag: re.Match[str]) -> str:
    return tag[1].partition(":")[0].strip()


def _choice(inside: str, tag: str) -> LoraChoice:
    name, *others = inside.split(":")
    named = dict(other.split("=", 1) for other in others if "=" in other)
    placed = [other for other in others if "=" not in other]
    if unknown := [*(named.keys() - {"te", "unet"}), *placed[2:]]:
        raise InvalidRequest(f"{_short(tag)} has {unknown[0]!r}, which is not done here. Write <lora:name:weight>.")
    if not name.strip():
        raise InvalidRequest(f"{_short(tag)} names no LoRA. Write <lora:name:weight>.")
    encoders = _number(named.get("te", placed[0] if placed else "1"), tag)
    unet = _number(named["unet"] if "unet" in named else placed[1] if len(placed) > 1 else str(encoders), tag)
    return LoraChoice(name=name.strip(), weight=unet, text_encoder_weight=None if encoders == unet else encoders)


def _number(text: str, tag: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not -STRONGEST <= number <= STRONGEST:
        raise InvalidRequest(
            f"{_short(tag)} has the weight {text.strip()!r}. Write a number from -{STRONGEST:g} to {STRONGEST:g}."
        )
    return number


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
