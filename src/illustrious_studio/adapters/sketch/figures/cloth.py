"""Cloth: an area in two tones with an outline and folds; sleeves around arms, and the collars and bows many have."""

from collections.abc import Sequence

import numpy as np

from illustrious_studio.adapters.sketch.figures.body import Body, _on_side
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    Ribbon,
    ellipse,
    even,
    lens,
    moved,
    path,
    polygon,
    sided,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.palette import CLOTH, Tones, cloth_tones, tones

RED, WHITE, GOLD, STEEL = tones(CLOTH["red"]), cloth_tones("white"), tones((236, 190, 84)), tones((176, 184, 198))


def cloth(scene: Scene, shape: Points, colour: Tones, shade: float = 16, line: float = 2.2) -> None:
    """Light from the upper left: its right edge lies in the shade."""
    scene.outline(shape, colour.line, line)
    scene.fill(shape, colour.shade)
    scene.fill(moved(shape, -shade, -shade * 0.2), colour.base, clip=shape)


def folds(scene: Scene, shape: Points, colour: Tones, *lines: Sequence[tuple[float, float]]) -> None:
    for one in lines:
        scene.ink(smooth(one), colour.line, 2.2, 0.05, 0.6, clip=shape, opacity=0.8)


def creases(scene: Scene, shape: Points, colour: Tones, *wedges: Sequence[tuple[float, float]]) -> None:
    """Shade that runs along a fold, to a point at both ends."""
    for one in wedges:
        ribbon = Ribbon(smooth(one), lens(11, 1))
        scene.fill(ribbon.outline, colour.shade, clip=shape)


def sleeve(
    scene: Scene,
    body: Body,
    side: int,
    colour: Tones,
    until: float,
    wider: tuple[float, float, float],
    cuff: Tones | None = None,
) -> None:
    """Around an arm, to that share of its length; `wider` than the arm at its beginning, middle and end."""
    first, middle, last = body.arm_widths
    arm = body.arms[side]
    ends = np.interp(until, [0, 0.5, 1], [first, middle, last])
    half = np.interp(until / 2, [0, 0.5, 1], [first, middle, last])
    ribbon = _on_side(arm.ribbon(even(first + wider[0], float(ends) + wider[2], float(half) + wider[1]), until), side)
    shoulder = ribbon.spine[0]
    half_width = float(np.hypot(*(ribbon.left[0] - ribbon.right[0]))) / 2
    cap = moved(ellipse(0, 0, half_width, half_width), *shoulder)
    pieces = ribbon.pieces
    scene.outline([*pieces, cap], colour.line)
    scene.fill([*pieces, cap], colour.base)
    scene.fill(ribbon.strip(*((0.68, 1) if side > 0 else (0.74, 1)), 0.1, 1, taper=False), colour.shade, clip=pieces)
    # Where the sleeve leaves the shoulder there is no line.
    scene.fill(moved(ellipse(0, 0, 27, 30), *shoulder), colour.base, clip=body.inside)
    spine = ribbon.spine
    if until > 0.7:
        for share, reach in ((0.46, 0.45), (0.54, 0.6)):
            i = int(share * (len(spine) - 1))
            inner = ribbon.left if side > 0 else ribbon.right
            other = ribbon.right if side > 0 else ribbon.left
            scene.ink(smooth([inner[i], inner[i] + (other[i + 1] - inner[i]) * reach]), colour.line, 1.8, 0.8, 0.05)
    if cuff is not None:
        band = _band(ribbon, 0.93 if until > 0.7 else 0.8)
        scene.shape(band, cuff.base, cuff.line, 1.8)


def _band(ribbon: Ribbon, begin: float) -> Points:
    """The end of a sleeve, a little wider than it."""
    end = ribbon.t >= begin
    left, right = ribbon.left[end], ribbon.right[end]
    return np.concatenate([left + (left - right) * 0.04, (right + (right - left) * 0.04)[::-1]])


def both(points: Sequence[tuple[float, float]]) -> list[Points]:
    """The smooth line, and its mirror image."""
    one = smooth(points)
    return [one, sided(one, -1)]


def vee(depth: float, wide: float = 24) -> Points:
    return polygon((-wide, 119), (0, depth), (wide, 119))


def body_folds(scene: Scene, body: Body, shape: Points, colour: Tones) -> None:
    arm = 86 if body.boy else 68
    creases(scene, shape, colour, [(arm, 196), (arm - 22, 226), (arm - 44, 240)], [(-52, 312), (-30, 296), (-4, 292)])
    for curve in both([(arm - 1, 192), (arm - 9, 210), (arm - 22, 222)]):
        scene.ink(curve, colour.line, 2, 0.6, 0.05, clip=shape)
    folds(scene, shape, colour, [(54, 318), (36, 302), (16, 298)], [(-56, 330), (-40, 312), (-26, 304)])
    if not body.boy:
        for curve in both([(46, 228), (32, 242), (14, 240)]):
            scene.ink(curve, colour.shade, 3.4, 0.1, 0.1, clip=shape)


def shirt_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wing = path("M 15 104 C 24 108 30 116 32 124 L 26 150 L 2 142 C 8 132 14 122 15 104 Z")
    for side in (-1, 1):
        cloth(scene, sided(wing, side) * [1 + 0.25 * body.boy, 1], colour, 5)


def bow(scene: Scene, colour: Tones, x: float, y: float, size: float) -> None:
    wing = path("M 4 -2 C 16 -18 40 -22 44 -14 C 48 -4 46 12 42 18 C 34 22 14 12 4 5 Z") * size
    tail = path("M 2 4 C 10 18 20 36 26 58 L 12 54 L 4 62 C 2 40 0 20 -2 6 Z") * size
    for side in (-1, 1):
        cloth(scene, moved(sided(tail, side), x, y), colour, 4 * size, 1.9)
    for side in (-1, 1):
        shape = moved(sided(wing, side), x, y)
        cloth(scene, shape, colour, 5 * size, 1.9)
        scene.ink(moved(sided(smooth([(6, 1), (18, -4), (28, -5)]) * size, side), x, y), colour.line, 1.8, 0.9, 0.1)
    scene.shape(ellipse(x, y, 7.5 * size, 8.5 * size), colour.base, colour.line, 1.9)
