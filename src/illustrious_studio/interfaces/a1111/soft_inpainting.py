"""A1111's always-on script "Soft Inpainting": its arguments are whether it is on, then its settings in their order."""

from collections.abc import Mapping
from typing import Any

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.soft_inpainting import NAMES
from illustrious_studio.interfaces.a1111.common import is_off, number_in

TITLE = "soft inpainting"
"""In lower case: A1111 does not care for it."""


def soft_inpainting_in(scripts: object) -> dict[str, Any]:
    """What `alwayson_scripts` says of it, by the studio's names; nothing where it is off. Raises InvalidRequest."""
    script = next((one for name, one in _named(scripts).items() if name.lower() == TITLE), None)
    args = script.get("args") if isinstance(script, dict) else script
    if not isinstance(args, list) or not args or is_off(args[0]):
        return {}
    settings: dict[str, Any] = {"soft_inpainting": True}
    for place, (name, value) in enumerate(zip(NAMES, args[1:], strict=False), 2):
        if value is None:
            continue
        if (number := number_in(value)) is None:
            raise InvalidRequest(f"alwayson_scripts: the argument {place} of soft inpainting must be a number")
        settings[name] = number
    return settings


def _named(scripts: object) -> Mapping[str, Any]:
    return {str(name): one for name, one in scripts.items()} if isinstance(scripts, dict) else {}
