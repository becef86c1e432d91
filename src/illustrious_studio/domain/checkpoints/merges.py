"""What a merged checkpoint says it was merged from.

A1111's checkpoint merger (`extras.run_modelmerger`), Forge, SD.Next and SuperMerger write `sd_merge_models`, a JSON
object of the models by their SHA-256, each with its name and, within it, what that one was merged from, and
`sd_merge_recipe`, how. The model specification has `modelspec.merged_from`, names between commas. Recipes within
recipes are not followed: a merge of merges repeats them all.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from illustrious_studio.domain.values import Value, printable

MOST_PARENTS = 24
MOST_TEXT = 2_000
_HEX = re.compile(r"^(?:0x)?([0-9a-fA-F]{8,64})$")
RECIPE = ("type", "interp_method", "merge_method", "merge_mode", "mode", "calcmode", "multiplier", "alpha")
"""What is shown of a recipe: by which program and method, and how much of each."""


class Parent(Value):
    """A checkpoint that another was merged from."""

    name: str = ""
    hash: str = Field("", description="Its SHA-256, or what is said of it, in small hex digits.")


def parents_of(metadata: Mapping[str, str]) -> tuple[tuple[Parent, ...], int]:
    """The first of them, and how many more there are."""
    models = _object(metadata.get("sd_merge_models", ""))
    found = [
        Parent(name=clean(_text(one.get("name"))), hash=_digits(digest))
        for digest, one in models.items()
        if isinstance(one, dict) and (_digits(digest) or _text(one.get("name")))
    ]
    names = {parent.name for parent in found}
    for name in clean(metadata.get("modelspec.merged_from", "")).split(","):
        if name.strip() and name.strip() not in names:
            found.append(Parent(name=name.strip()))
    return tuple(found[:MOST_PARENTS]), max(0, len(found) - MOST_PARENTS)


def recipe_of(metadata: Mapping[str, str]) -> str:
    """How it was merged, in a line; empty where nothing says so."""
    recipe = _object(metadata.get("sd_merge_recipe", ""))
    said = [f"{name} {clean(str(recipe[name]), 80)}" for name in RECIPE if _is_plain(recipe.get(name))]
    return ", ".join(said)


def clean(text: str, most: int = MOST_TEXT) -> str:
    """In one line, without what cannot be shown, and no longer than that."""
    spaced = "".join(one if one.isprintable() else " " for one in text[: most * 4])
    line = printable(" ".join(spaced.split()))
    return line if len(line) <= most else f"{line[:most]} …"


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _digits(text: str) -> str:
    found = _HEX.match(text.strip())
    return found[1].lower() if found else ""
