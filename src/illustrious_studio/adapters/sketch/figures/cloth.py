"""Cloth: an area in two tones with an outline and folds, and sleeves around arms."""

from collections.abc import Sequence

import numpy as np

from illustrious_studio.adapters.sketch.figures.body import Body, _on_side
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.geometry import Points, Ribbon, ellipse, even, moved, sided, smooth
from illustrious_studio.adapters.sketch.figures.palette import Tones


def cloth(scene: Scene, shape: Points, colour: Tones, shade: float = 16, line: float = 2.2) -> None:
    """Light from the upper left: its right edge lies in the shade."""
    scene.outline(shape, colour.line, line)
    scene.fill(shape, colour.shade)
    scene.fill(moved(shape, -shade, -shade * 0.2), colour.base, clip=shape)


def folds(scene: Scene, shape: Points, colour: Tones, *lines: Sequence[tuple[float, float]], width: float = 2.2) -> None:
    for one in lines:
        scene.ink(smooth(one), colour.line, width, 0.05, 0.6, clip=shape, opacity=0.8)


def creases(scene: Scene, shape: Points, colour: Tones, *wedges: Sequence[tuple[float, float]]) -> None:
    """Shade that runs along a fold, to a point at both ends."""
    for one in wedges:
        ribbon = Ribbon(smooth(one), lambda t: 11 * np.sin(np.pi * t))
        scene.fill(ribbon.outline, colour.shade, clip=shape)


def sleeve(
    scene: Scene,
    body: Body,
    side: int,
    colour: Tones,
    until: float = 1.0,
    wider: tuple[float, float, float] = (9, 9, 9),
    cuff: Tones | None = None,
) -> None:
    """Around an arm, to that share of its length; `wider` than the arm at its beginning, middle and end."""
    first, middle, last = body.arm_widths
    arm = body.arms[side]
    ends = np.interp(until, [0, 0.5, 1], [first, middle, last])
    half = np.interp(until / 2, [0, 0.5, 1], [first, middle, last])
    ribbon = _on_side(arm.ribbon(even(first + wider[0], float(ends) + wider[2], float(half) + wider[1]), until), side)
    shoulder = ribbon.spine[0]
    cap = ellipse(*shoulder, *[float(np.hypot(*(ribbon.left[0] - ribbon.right[0]))) / 2] * 2)
    pieces = ribbon.pieces
    scene.outline([*pieces, cap], colour.line)
    scene.fill([*pieces, cap], colour.base)
    scene.fill(ribbon.strip(*((0.68, 1) if side > 0 else (0.74, 1)), 0.1, 1, taper=False), colour.shade, clip=pieces)
    # Where the sleeve leaves the shoulder there is no line.
    scene.fill(ellipse(*shoulder, 27, 30), colour.base, clip=body.torso(260) * [0.985, 1] + [0, 1.5])
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
