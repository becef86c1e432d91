"""Eyes: the white, an iris with a run of colour, pupil, lights, lashes; open, closed or winking. And their brows.

An eye is drawn as the right one of the picture, around its own middle; the lights are on the same side in both.
"""

from dataclasses import dataclass

from illustrious_studio.adapters.sketch.figures.canvas import RGB, Run, Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    ellipse,
    moved,
    path,
    scaled,
    sided,
    smooth,
    turned_by,
)
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import EYES, INK, WHITE, mix, times

SPACE = 37.5
"""From the middle of the face to the middle of an eye."""
HEIGHT = 24.0

_WHITE = path("M -21 3 C -19 -15 -8 -26 4 -26 C 16 -26 23 -15 23 0 C 23 13 16 24 3 24.5 C -9 25 -18 16 -21 3 Z")
_LASH = path(
    "M -24.5 6 C -22 -15 -10 -30 5 -30 C 15 -30 21 -25 25 -17 L 32 -19.5 C 29.5 -15 28.5 -12.5 27.5 -9 "
    "L 32.5 -8.5 C 28.5 -4 26.5 -1 25 5 C 24.5 -9 18 -22.5 4 -22.5 C -8 -22.5 -18 -10.5 -20.5 2 Z"
)
_LASH_BOY = path(
    "M -23.5 1 C -20 -16 -9 -27 5 -27 C 15 -27 23 -21 28 -10 C 26 -7 25.5 -4 24.5 3 "
    "C 23 -10 16 -21 4 -21.5 C -8 -21.5 -17 -11 -20.5 1 Z"
)


@dataclass(frozen=True)
class _Eye:
    """How the eyes of one look are shaped."""

    wide: float
    high: float
    iris: float = 1.0
    slant: float = 0.0
    """Degrees by which the outer corner is lower."""

    def at(self, points: Points, side: int) -> Points:
        return moved(sided(turned_by(scaled(points, self.wide, self.high), self.slant), side), side * SPACE, HEIGHT)


def eyes(scene: Scene, look: Look) -> None:
    figure = look.figure
    eye = _shape(look)
    colours = EYES[figure.eyes or "blue"], EYES[figure.eyes_second or figure.eyes or "blue"]
    winking = 1 if look.chance("wink").random() < 0.5 else -1
    for side, colour in zip((-1, 1), colours, strict=True):
        if figure.closed == "both" or (figure.closed == "one" and side == winking):
            _closed(scene, look, eye, side)
        else:
            _open(scene, look, eye, side, colour)


def _shape(look: Look) -> _Eye:
    high = {"angry": 0.86, "sad": 0.92, "surprised": 1.08, "grin": 0.95}.get(look.figure.expression, 1.0)
    chance = look.chance("eyes")
    wide, tall = 1 + chance.uniform(-0.04, 0.04), chance.uniform(0.96, 1.05)
    small = 0.8 if look.figure.expression == "surprised" else 1.0
    slant = chance.uniform(-6, 6) + {"angry": -4, "sad": 4}.get(look.figure.expression, 0)
    return _Eye(wide * 0.93, high * tall * 0.74, small, slant) if look.boy else _Eye(wide, high * tall, small, slant)


def _lash_colour(look: Look) -> RGB:
    return mix(times(look.hair.line, 0.55, 0.5, 0.6), INK, 0.35)


def _open(scene: Scene, look: Look, eye: _Eye, side: int, colour: RGB) -> None:
    def at(points: Points) -> Points:
        return eye.at(points, side)

    light = -side  # lights come from the upper left, in both eyes: as seen from an eye's own outer side
    white = at(_WHITE)
    scene.fill(white, mix(WHITE, (226, 222, 240), 0.2))
    scene.fill(at(moved(_WHITE, 0, -HEIGHT * 1.25)), (206, 200, 224), clip=white)  # the lid's shade
    x, y, rx, ry = -1.0, -0.5, 16.5 * eye.iris, 22.0 * eye.iris
    dark, deep = times(colour, 0.5, 0.42, 0.55), times(colour, 0.26, 0.2, 0.34)
    bright = mix(colour, WHITE, 0.5)
    top, bottom = (HEIGHT + (y - ry) * eye.high, HEIGHT + (y + ry) * eye.high)
    iris = at(ellipse(x, y, rx, ry))
    scene.fill(iris, deep, clip=white)
    stops = ((top, dark), (top + 0.4 * (bottom - top), colour), (top + 0.8 * (bottom - top), bright), (bottom, colour))
    inner = at(ellipse(x, y, rx - 2, ry - 2))
    scene.fill(inner, Run(stops), clip=white)
    scene.fill(at(moved(_WHITE, 0, -HEIGHT * 1.08)), deep, clip=[inner], opacity=0.55)
    # Light that falls through the iris gathers below, in a crescent.
    scene.fill(at(ellipse(x, y + ry * 0.62, rx * 0.66, ry * 0.24)), mix(bright, WHITE, 0.35), clip=inner, opacity=0.75)
    scene.fill(at(ellipse(x, y + 0.5, rx * 0.46, ry * 0.46)), deep, clip=white)
    scene.fill(at(ellipse(x + light * 6.5, y - ry * 0.42, 6.4, 7.4 / max(eye.high, 0.8), light * 20)), WHITE)
    scene.fill(at(ellipse(x - light * 7, y + ry * 0.46, 3.2, 3.6 / max(eye.high, 0.8))), WHITE)
    lash = _lash_colour(look)
    scene.fill(at(_LASH_BOY if look.boy else _LASH), lash)
    lower = smooth([(-9, 24.2), (2, 25.5), (12, 22.5), (20, 13)])
    scene.ink(at(lower), mix(lash, look.skin.line, 0.4), 1.8 if look.boy else 2.1, 0.05, 0.8)
    lid = smooth([(-15, -27 if look.boy else -30), (-2, -33.5), (10, -34), (19, -29)])
    scene.ink(at(lid), look.skin.line, 1.5, 0.1, 0.1)
    if not look.boy:
        scene.ink(at(smooth([(19, 15), (24, 15.5), (27, 12.5)])), lash, 1.8, 0.9, 0.1)


def _closed(scene: Scene, look: Look, eye: _Eye, side: int) -> None:
    """Closed happily, in a bow upwards; of somebody sad or calm, downwards."""
    lash = _lash_colour(look)
    up = look.figure.expression in ("smile", "grin", "surprised") or look.figure.closed == "one"
    through = (
        [(-22, 11), (-12, -3), (2, -8), (15, -3), (25, 10)]
        if up
        else [(-22, 4), (-11, 12), (2, 14.5), (14, 11), (25, 1)]
    )
    scene.ink(eye.at(smooth(through), side), lash, 5.2, 0.25, 0.45)
    if not look.boy:
        ends = [((15, 0), (24, -4)), ((21, 6), (30, 3))] if up else [((14, 12), (20, 19)), ((21, 6), (29, 11))]
        for start, end in ends:
            scene.ink(eye.at(smooth([start, end]), side), lash, 2.8, 1, 0.1)


def brows(scene: Scene, look: Look) -> None:
    """Painted over the hair, as they always show in the manner of anime."""
    colour = mix(look.hair.line, look.hair.deep, 0.25)
    inner, outer, lift = {
        "angry": (11.0, -4.0, 3.0), "sad": (-8.0, 5.0, -1.0), "surprised": (-5.0, -3.0, -7.0), "grin": (0.0, 0.0, -3.0),
    }.get(look.figure.expression, (0.0, 0.0, 0.0))  # fmt: skip
    chance = look.chance("brows")
    lift += chance.uniform(-2, 2)
    heavy = (4.6 if look.boy else 3.3) + (1 if look.figure.expression == "angry" else 0)
    base = HEIGHT - (34 if look.boy else 43)
    for side in (-1, 1):
        curve = smooth(
            [(17, base + lift + inner), (33, base - 5 + lift + (inner + outer) / 3), (57, base + 3 + lift + outer)]
        )
        scene.ink(sided(curve, side), colour, heavy, 0.75, 0.1)
