"""Controls for the settings of a request, made from its fields: type, limits and help stand there, once."""

from collections.abc import Iterable
from functools import cache
from math import ceil
from typing import Any

from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.interfaces.web.form_values import FormValues, form_settings

SIDE_BY_SIDE = 140
"""Pixels that a list of choices needs at least; two of them stand in a row where there is room."""
FEW = 4
"""So many choices are all in sight."""
AUTOMATIC = "Automatic"
LEFT_OUT = ""
"""What a choice shows that may be left out, and is: the value None."""


def controls(group: str) -> dict[str, Any]:
    """The controls of a group, by the names of their settings, in their order. Lists of choices stand side by side."""
    import gradio as gr

    made: dict[str, Any] = {}
    lists = [name for name in form_settings(group) if len(_choices(name)) > FEW]
    for name in form_settings(group):
        if name not in lists:
            made[name] = control(name)
        elif name == lists[0]:
            with gr.Row(elem_classes="choices"):
                made |= {one: control(one) for one in lists}
    return made


def control(name: str) -> Any:
    """The control of one setting: a slider, a number, a switch or a choice, as its type has it."""
    import gradio as gr

    kind, setting, choices = _kind(name), SETTINGS[name], _choices(name)
    common: dict[str, Any] = {
        "value": shown(name, FormValues.fresh(None).by_name()[name]),
        "label": setting.label,
        "info": _help(name),
        "elem_id": name,
    }
    if choices:
        many = len(choices) > FEW
        return gr.Dropdown(choices, min_width=SIDE_BY_SIDE, **common) if many else gr.Radio(choices, **common)
    if kind["type"] == "boolean":
        return gr.Checkbox(**common)
    if kind["type"] == "string":  # what there is to choose from is known only while the studio runs
        return gr.Dropdown(named(name, [common["value"]]), allow_custom_value=True, **common)
    low, high = kind.get("minimum"), kind.get("maximum")
    left_out = _may_be_left_out(name)  # a slider cannot be empty
    if setting.step is not None and low is not None and high is not None and not left_out:
        lowest = round(ceil(low / setting.step) * setting.step, 6)  # a slider counts its steps from there
        return gr.Slider(lowest, high, step=setting.step, **common)
    placeholder = setting.words.get("", AUTOMATIC) if left_out else None
    step = {} if setting.step is None else {"step": setting.step}
    # Without its limits, and whole or not: Gradio rounds, or says what is wrong before the request does, with no name.
    return gr.Number(placeholder=placeholder, **step, **common)


def named(name: str, values: Iterable[str]) -> list[tuple[str, str]]:
    """What there is to choose from for a setting, each with its word."""
    return [(SETTINGS[name].words.get(value, value), value) for value in values]


def shown(name: str, value: Any) -> Any:
    """A value of the form as its control shows it."""
    return LEFT_OUT if value is None and name in form_settings() and _choices(name) else value


def read(name: str, value: Any) -> Any:
    """The value of the form that a control shows."""
    return None if value == LEFT_OUT and name in form_settings() else value


def _help(name: str) -> str:
    """The field's help, without the name that stands above it."""
    text = (ImageRequest.model_fields[name].description or "").removeprefix(f"{SETTINGS[name].label}: ")
    return text[:1].upper() + text[1:]


@cache
def _choices(name: str) -> list[tuple[str, Any]]:
    """What there is to choose from, each with its word; empty for what is no choice."""
    kind, setting = _kind(name), SETTINGS[name]
    values = kind.get("enum", ())
    choices: list[tuple[str, Any]] = [(_word(setting.words.get(one, one)), one) for one in values]
    if not _may_be_left_out(name):
        return choices
    if kind["type"] == "boolean":
        choices = [("On", True), ("Off", False)]
    return [(AUTOMATIC, LEFT_OUT), *choices] if choices else []


def _word(value: str) -> str:
    return (value[:1].upper() + value[1:]).replace("_", "-")


def _may_be_left_out(name: str) -> bool:
    return FormValues.fresh(None).by_name()[name] is None


def _kind(name: str) -> dict[str, Any]:
    """What the API's own schema says of a setting, but that it may be left out."""
    found = _schema()[name]
    return next((one for one in found.get("anyOf", ()) if one.get("type") != "null"), found)


@cache
def _schema() -> dict[str, Any]:
    properties: dict[str, Any] = ImageRequest.model_json_schema()["properties"]
    return properties
