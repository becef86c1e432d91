"""A1111's own scripts "Outpainting mk2" and "Poor man's outpainting", which img2img runs by their names.

There each side, or each tile of width x height, is drawn for itself, one after the other; here the whole canvas is one
drawing. What they add comes to the same pixels: on each side as much as is asked for and what makes the picture's sides
multiples of 64.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.outpainting import SIDES
from illustrious_studio.interfaces.a1111.common import number_in

MK2, POOR_MANS = "Outpainting mk2", "Poor man's outpainting"
MULTIPLE = 64
PIXELS, BLURS = (8, 256), (0, 64)
THEIR_SIDES = {"left": "left", "right": "right", "up": "top", "down": "bottom"}
ALL_SIDES: Final = list(THEIR_SIDES)
USUAL: Mapping[str, tuple[Any, ...]] = {MK2: (None, 128, 8, ALL_SIDES, 1, 0.05), POOR_MANS: (128, 4, 0, ALL_SIDES)}
"""Their arguments where they are not sent. Of mk2: a line of help, pixels, mask blur, directions, fall-off exponent,
color variation; of the other: pixels, mask blur, masked content, directions."""
SEAM: Mapping[str, int] = {MK2: 8, POOR_MANS: 6}
"""How far into the picture their masks reach, in mask blurs: mk2's is set back by one and blurred by four, the other's
by two and two; two deviations of a blur are nearly all of it."""
CONTENTS = {0: "fill", 2: "latent_noise", 3: "latent_nothing"}
CONTENT_NAMES = ("fill", "original", "latent noise", "latent nothing")


def settings_of_outpainting(script: str, args: Sequence[Any], picture: tuple[int, int]) -> Mapping[str, Any]:
    """What a script changes of the settings, by the studio's names. `picture`: the size of the one that is given.
    Raises InvalidRequest."""
    usual = USUAL[script]
    given = (*args, *usual[len(args) :])[: len(usual)]
    if script == MK2:
        _, pixels, blur, directions, *noise = given
        content = 0
        if [number_in(one) for one in noise] != list(usual[4:]):
            raise InvalidRequest(
                "script_args: the fifth and sixth of Outpainting mk2 shape a noise that is not made here, where what "
                "is new begins with the colours beside it; leave them at 1 and 0.05"
            )
    else:
        pixels, blur, content, directions = given
    pixels, blur = _whole("the pixels to expand", pixels, PIXELS), _whole("the mask blur", blur, BLURS)
    sides = _sides(directions, pixels, picture)
    outpaint = {**sides, "seam": SEAM[script] * blur, "content": _content(content)}
    return {"outpaint": outpaint, "width": None, "height": None, "fit": "crop"}


def _whole(what: str, value: object, limits: tuple[int, int]) -> int:
    number = number_in(value)
    if number is None or not number.is_integer() or not limits[0] <= number <= limits[1]:
        raise InvalidRequest(f"script_args: {what} must be a whole number from {limits[0]} to {limits[1]}")
    return int(number)


def _content(value: object) -> str:
    """By its place in their list, or by its name."""
    place = CONTENT_NAMES.index(value) if isinstance(value, str) and value in CONTENT_NAMES else number_in(value)
    if place == 1:
        raise InvalidRequest(
            "script_args: original as masked content begins with black there, which is not done here; use fill (0), "
            "latent noise (2) or latent nothing (3)"
        )
    if place not in CONTENTS:
        raise InvalidRequest("script_args: the masked content must be 0 (fill), 2 (latent noise) or 3 (latent nothing)")
    return CONTENTS[int(place)]


def _sides(directions: object, pixels: int, picture: tuple[int, int]) -> dict[str, int]:
    if not isinstance(directions, list) or not directions or set(directions) - THEIR_SIDES.keys():
        raise InvalidRequest(f"script_args: the directions must be a list of some of: {', '.join(THEIR_SIDES)}")
    wanted = {THEIR_SIDES[one] for one in directions}
    sides = dict.fromkeys(SIDES, 0)
    for length, (first, last) in zip(picture, (SIDES[:2], SIDES[2:]), strict=True):
        before, behind = (pixels if side in wanted else 0 for side in (first, last))
        added = ceil((length + before + behind) / MULTIPLE) * MULTIPLE - length
        if before:
            sides[first] = before * added // (before + behind)
        if behind:
            sides[last] = added - sides[first]
    return sides
