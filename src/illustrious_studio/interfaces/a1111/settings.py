"""The picture settings as A1111's API calls them, made from the one list (`domain.images.SETTINGS`).

What means something else there than here (pictures, the mask's content and area) is read by `bodies`.
"""

from collections.abc import Mapping
from typing import Any, Optional

from pydantic import create_model

from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.interfaces.a1111.common import Body, Options

_READ_BY_BODIES = ("image", "mask", "mask_content")
_PLAIN = {name: setting for name, setting in SETTINGS.items() if setting.a1111 and name not in _READ_BY_BODIES}
_OF_A_PICTURE = ("image", "mask", "mask_area")
OF_IMG2IMG = tuple(name for name, one in _PLAIN.items() if one.needs.partition("=")[0] in _OF_A_PICTURE)
OF_EVERY_PICTURE = tuple(name for name in _PLAIN if name not in OF_IMG2IMG)
OF_OPTIONS = tuple(name for name, setting in _PLAIN.items() if Options.model_fields.keys() & setting.a1111)

_FIELDS: dict[str, Any] = {
    theirs: (Optional[ImageRequest.model_fields[name].annotation], None)  # noqa: UP045  it is made at run time
    for name, setting in _PLAIN.items()
    for theirs in setting.a1111
}
SettingsBody = create_model("SettingsBody", __base__=Body, **_FIELDS)
"""Every plain setting by each name that A1111's clients have for it."""


def settings_in(theirs: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of these settings that are among A1111's fields or options, by the studio's names."""
    given = {
        name: next((theirs[one] for one in SETTINGS[name].a1111 if theirs.get(one) is not None), None) for name in names
    }
    return {name: value for name, value in given.items() if value is not None}


def their_name(name: str) -> str:
    """What A1111 calls a setting: in its errors, too."""
    return SETTINGS[name].a1111[0] if name in SETTINGS and SETTINGS[name].a1111 else name
