"""What the studio must know of a picture setting beyond its type, its limits and its help.

A setting is declared once, as a field of `ImageRequest` that carries a `Setting`. A1111's text and API, the readers of
other programs' pictures, the command line, the tables and the form of the page are all made from that list; what cannot
be derived from it stands in one table beside its reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Group = Literal["advanced", "img2img", "inpaint", "regions"]
"""The folds of the page that show settings just as they are declared."""


@dataclass(frozen=True)
class Setting:
    """One setting, as the field knows it."""

    label: str
    """Its name for people."""
    group: Group | None = None
    """The fold of Create that shows it; None: it has a place of its own there, or none."""
    step: float | None = None
    """By how much its control on the page moves; numbers with a step that always have a value are sliders."""
    infotext: str = ""
    """Its key in A1111's `parameters` text; empty: not written there."""
    always: bool = False
    """Whether it is written also where it has its default."""
    needs: str = ""
    """The setting without which this one means nothing, or `setting=value` where it must have that value."""
    a1111: tuple[str, ...] = ()
    """Its name in A1111's API, then others that the API takes for it."""
    aliases: tuple[str, ...] = ()
    """What other programs call it in the pictures they write, in lower case."""
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    """For a choice: its values as people read them, in A1111's text and on the page; "" is for what is left out."""


def settings_of(model: type[BaseModel]) -> dict[str, Setting]:
    """The settings among a model's fields, by the fields' names, in their order."""
    return {name: one for name, info in model.model_fields.items() for one in info.metadata if isinstance(one, Setting)}


def is_recorded(request: BaseModel, name: str, setting: Setting) -> bool:
    """Whether this setting of a request is written into a record: it was given, and is not its default (`always`)."""
    if name not in request.model_fields_set or getattr(request, name) is None:
        return False
    if not has_what_it_needs(setting, dict(request)):
        return False
    return setting.always or getattr(request, name) != type(request).model_fields[name].default


def given(request: BaseModel) -> dict[str, Any]:
    """What a request says, by the settings' names, as it stands there: what was left out is not among it."""
    return {name: getattr(request, name) for name in type(request).model_fields if name in request.model_fields_set}


def has_what_it_needs(setting: Setting, values: Mapping[str, object]) -> bool:
    """Whether among these values there is what gives the setting a meaning."""
    name, _, value = setting.needs.partition("=")
    return not name or (values.get(name) == value if value else bool(values.get(name)))


def value_types(annotation: object) -> set[object]:
    """The plain types that a field's annotation allows; a choice (`Literal`) stays whole."""
    if get_origin(annotation) is Annotated:
        return value_types(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return {kind for part in get_args(annotation) for kind in value_types(part)} - {type(None)}
    return {annotation}
