"""What a grid varies: the settings that can be an axis, and what their values are.

Any setting of `ImageRequest` that is a number, a text, a choice or a switch is one under its own name, one within
another with dots (`hires.steps`). Beside them stand a few that are no field: those of `SPECIAL`, and `lora:NAME`, the
weight of one LoRA.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from math import factorial
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from illustrious_studio.domain.grids.text import Span, numbers_in, written_values
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.loras import loras_in
from illustrious_studio.domain.sampling import split_joined
from illustrious_studio.domain.sentences import of_a_part, sentences
from illustrious_studio.domain.setting import value_types

AxisValue = int | float | str | bool | None

CHECKPOINT = "checkpoint"
SIZE = "size"
SEARCH_REPLACE = "search_replace"
PROMPT_ORDER = "prompt_order"
LORAS = "loras"
LORA_WEIGHT = "lora:"
"""The name of the LoRA follows it."""
SPECIAL = {
    SEARCH_REPLACE: "Prompt S/R",
    PROMPT_ORDER: "Prompt order",
    CHECKPOINT: "Checkpoint",
    SIZE: "Size",
    LORAS: "LoRA",
}
"""Axes that are no field of a request, with their labels."""
LABELS = {**SPECIAL, LORA_WEIGHT: "LoRA weight"}

NO_LORA = ("none", "")
_NOT_AXES = frozenset({"image", "mask", "layout", "loras", "hires", "disable_extra_networks"})
"""Pictures and what is no single value."""
_SIZE = re.compile(r"(\d{1,5})\s*[x×*]\s*(\d{1,5})", re.IGNORECASE)
_LEFT_OUT = ("none", "automatic")
_ON, _OFF = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
_MOST_WORDS = 8
"""Of a prompt order: more have more orders than anybody draws."""


@dataclass(frozen=True)
class Values:
    """What an axis takes in turn, counted and not built yet."""

    setting: str
    parts: Sequence[AxisValue | Span]

    @property
    def count(self) -> int:
        many = sum(one.count if isinstance(one, Span) else 1 for one in self.parts)
        return factorial(many) if self.setting == PROMPT_ORDER else many

    def __iter__(self) -> Iterator[AxisValue]:
        built = (value for one in self.parts for value in (one if isinstance(one, Span) else (one,)))
        if self.setting == PROMPT_ORDER:
            return (", ".join(order) for order in permutations(map(str, built)))
        return built


def label_of(setting: str) -> str:
    """What people call an axis."""
    if setting.startswith(LORA_WEIGHT):
        return f"LoRA {setting.removeprefix(LORA_WEIGHT)}"
    if setting in SPECIAL:
        return SPECIAL[setting]
    return SETTINGS[setting].label if setting in SETTINGS else _counted_from_1(setting)


@cache
def axis_labels() -> dict[str, str]:
    """The axes there are, by name, with their labels: for lists to choose from. Those of a list within a request
    (`controls.0.weight`) are not among them, nor the weights of single LoRAs."""
    plain = [name for name in SETTINGS if _is_axis(name)]
    hires = [f"hires.{name}" for name in _model_of("hires").model_fields]
    return {name: label_of(name) for name in (*SPECIAL, *plain, *hires)}


def check_setting(setting: str) -> None:
    """Raises ValueError for what no grid varies."""
    if setting in SPECIAL or (setting.startswith(LORA_WEIGHT) and setting != LORA_WEIGHT):
        return
    if not _is_axis(setting):
        names = ", ".join((*axis_labels(), f"{LORA_WEIGHT}NAME"))
        raise ValueError(f"is no setting that a grid can vary; use one of: {names}")


def values_of(setting: str, given: str | Sequence[AxisValue]) -> Values:
    """The values of an axis, from a line of text or one by one. What is out of range is named. Raises ValueError."""
    if setting == PROMPT_ORDER:
        words = written_values(given) if isinstance(given, str) else [str(one) for one in given]
        if not 2 <= len(words) <= _MOST_WORDS or any("," in word for word in words):
            raise ValueError(f"needs 2 to {_MOST_WORDS} words without commas, of which every order is drawn")
        return Values(setting, words)
    if isinstance(given, str):
        return Values(setting, _written(setting, given))
    if not given:
        raise ValueError("has no values; give at least one")
    return Values(setting, [_read(setting, one) if isinstance(one, str) else one for one in given])


def checked(setting: str, value: AxisValue) -> AxisValue:
    """The value as the request has it, within its limits. Raises ValueError, in words that do not name the setting."""
    if setting.startswith(LORA_WEIGHT):
        return _within(_adapter("weight"), value)
    if setting == SIZE:
        if not isinstance(value, str) or not (found := _SIZE.fullmatch(value.strip())):
            raise ValueError("must be a size such as 832x1216")
        return f"{int(found[1])}x{int(found[2])}"
    if setting in SPECIAL:
        if not isinstance(value, str):
            raise ValueError("must be text")
        if setting == LORAS and value.strip().lower() not in NO_LORA:
            loras_in(lora_tag(value))
        return value
    if setting == "sampler" and isinstance(value, str) and split_joined(value)[1]:
        name, schedule = split_joined(value)
        return f"{_within(_adapter('sampler'), name)} {_within(_adapter('schedule'), schedule)}"
    return _within(_adapter(setting), value)


def label_of_value(setting: str, value: AxisValue) -> str:
    """What stands at a row or a column: numbers with what they are, names and words alone."""
    if setting == LORAS:
        return "no LoRA" if str(value).strip().lower() in NO_LORA else str(value)
    if isinstance(value, str) and not isinstance(value, bool):
        words = SETTINGS[setting].words if setting in SETTINGS else {}
        return words.get(value, value) or "(nothing)"
    if isinstance(value, bool):
        return f"{label_of(setting)}: {'on' if value else 'off'}"
    if value is None:
        word = SETTINGS[setting].words.get("", "automatic") if setting in SETTINGS else "automatic"
        return f"{label_of(setting)}: {word}"
    return f"{label_of(setting)}: {value:g}" if isinstance(value, float) else f"{label_of(setting)}: {value}"


def lora_tag(value: str) -> str:
    return value if value.strip().startswith("<") else f"<lora:{value.strip()}>"


def _written(setting: str, text: str) -> Sequence[AxisValue | Span]:
    texts = written_values(text)
    if not any(texts):
        raise ValueError("has no values; write them between commas, such as 20, 30 or 10-30 (+10)")
    kinds = frozenset({float}) if setting.startswith(LORA_WEIGHT) else _kinds(setting)
    if {int, float} & kinds:
        spans = numbers_in(texts, whole=float not in kinds)
        return [one if isinstance(one, Span) else _read(setting, one) for one in spans]
    empty = setting in (SEARCH_REPLACE, "prompt", "negative_prompt")
    return [_read(setting, one) for one in texts if one or empty]


def _read(setting: str, text: str) -> AxisValue:
    """What a text means for a setting; a text that means nothing stays one, and is refused by `checked`."""
    if setting in SPECIAL or setting.startswith(LORA_WEIGHT):
        return _number(text, {float}) if setting.startswith(LORA_WEIGHT) else text
    kinds, field = _kinds(setting), _field(setting)
    words = SETTINGS[setting].words if setting in SETTINGS else {}
    meant = next((value for value, word in words.items() if word.lower() == text.strip().lower()), None)
    if meant:
        return meant
    left_out = field is not None and field.default is None
    if left_out and (meant == "" or text.strip().lower() in _LEFT_OUT):
        return None
    if bool in kinds and text.strip().lower() in (*_ON, *_OFF):
        return text.strip().lower() in _ON
    return _number(text, kinds)


def _number(text: str, kinds: set[Any] | frozenset[Any]) -> AxisValue:
    for kind in (int, float):
        if kind in kinds or (kind is int and float in kinds):
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _within(adapter: TypeAdapter[Any], value: AxisValue) -> AxisValue:
    try:
        valid: AxisValue = adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise ValueError(sentences([{**one, "loc": ()} for one in error.errors()], of_a_part)) from None
    return valid


def _counted_from_1(setting: str) -> str:
    """One within a list (`controls.0.weight`): people count from 1 and of one thing."""
    words = [str(int(word) + 1) if word.isdigit() else word for word in re.split(r"[._]", setting)]
    return " ".join(words).capitalize()


def _is_axis(setting: str) -> bool:
    first, *_, last = setting.split(".") if "." in setting else (setting, setting)
    if first not in SETTINGS or last in _NOT_AXES or (field := _field(setting)) is None:
        return False
    return all(kind in (int, float, str, bool) or get_origin(kind) is Literal for kind in value_types(field.annotation))


def _kinds(setting: str) -> frozenset[Any]:
    field = None if setting in SPECIAL else _field(setting)
    return frozenset() if field is None else frozenset(value_types(field.annotation))


@cache
def _adapter(setting: str) -> TypeAdapter[Any]:
    field = _model_of("loras").model_fields["weight"] if setting == "weight" else _field(setting)
    assert field is not None
    # What the field's annotation and its `Field` say together; mypy takes none that is made at run time.
    return TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]


@cache
def _field(setting: str) -> FieldInfo | None:
    """The field of a request that a path leads to."""
    model: type[BaseModel] | None = ImageRequest
    field: FieldInfo | None = None
    path = setting.split(".")
    for place, name in enumerate(path):
        if name.isdigit() and place and field is not None and model is not None:
            continue  # `model` is that of the list's entries
        if model is None or (field := model.model_fields.get(name)) is None:
            return None
        model = _inner(field.annotation, listed=place + 1 < len(path) and path[place + 1].isdigit())
    return field


def _model_of(name: str) -> type[BaseModel]:
    annotation = ImageRequest.model_fields[name].annotation
    found = _inner(annotation, listed=True) or _inner(annotation, listed=False)
    assert found is not None
    return found


def _inner(annotation: Any, *, listed: bool) -> type[BaseModel] | None:
    """The model within a field, where it has one; `listed`: of the entries of its list."""
    for kind in value_types(annotation):
        if listed and get_origin(kind) is tuple:
            kind = next(iter(value_types(get_args(kind)[0])))
        elif listed:
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
