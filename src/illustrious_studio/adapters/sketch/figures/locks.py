"""Locks: what hair is made of. Each is a ribbon to a point, with its shade, its lines and its share of the light."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np

from illustrious_studio.adapters.sketch.figures.canvas import Paint, Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    Ribbon,
    Widths,
    normals,
    pointed,
    resampled,
    shares,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import RGB, mix

Lock = Ribbon


def lock(through: Sequence[tuple[float, float]] | Points, width: float, power: float = 1.8, root: float = 0.75) -> Lock:
    return Ribbon(smooth(through), pointed(width, power, root))


def shaped(through: Sequence[tuple[float, float]], widths: Widths) -> Lock:
    return Ribbon(smooth(through), widths)


def waved(points: Points, amplitude: float, length: float, phase: float) -> Points:
    """The line, swinging to both sides; at its beginning it is still."""
    t = shares(points)
    total = float(np.hypot(*np.diff(points, axis=0).T).sum())
    swing = amplitude * np.clip((t - 0.15) / 0.3, 0, 1) * np.sin(phase + math.tau * t * total / length)
    return points + normals(points) * swing[:, None]


def hanging(
    look: Look,
    chance: Random,
    start: tuple[float, float],
    through: Sequence[tuple[float, float]],
    width: float,
    root: float = 0.7,
) -> Lock:
    """A long lock that hangs as the style has it: straight, wavy or curly."""
    spine = resampled(smooth([start, *through], steps=9), 64)
    style = look.figure.hair_style
    if style == "wavy":
        spine = waved(spine, 8, 120, chance.uniform(0, 1.5))
    elif style == "curly":
        spine, width = waved(spine, 12, 92, chance.uniform(0, 6)), width * 1.05
    elif style == "messy":
        spine = waved(spine, 5, 110, chance.uniform(0, 6))
    return Ribbon(spine, pointed(width, chance.uniform(1.9, 2.6), root))


def paint(
    scene: Scene,
    look: Look,
    locks: Sequence[Lock],
    tone: str = "base",
    also: Sequence[Points] = (),
    inked: float = 0.6,
    reach: tuple[float, float] | None = None,
    rooted: Points | None = None,
) -> None:
    """Hair as one shape with one outline, and inside it the locks, whose lines run out towards their roots.

    `reach` are the heights over which its colours run; else each lock has its own. Locks `rooted` in a shape grow out
    of it: there they have no outline, and do not stand out from it.
    """
    chance = look.chance(f"shade {len(locks)}")
    ink = look.hair.line if look.tips is None else _between(look)
    outer = [np.concatenate([one.left[one.t > 0.55], one.right[one.t > 0.55][::-1]]) for one in locks]
    scene.outline([*also, *(outer if rooted is not None else [one.outline for one in locks])], ink, 2)
    for shape in also:
        scene.fill(shape, _run(look, tone, shape, reach))
    for order, one in enumerate(locks):
        outline = one.outline
        if rooted is None:
            scene.fill(outline, _run(look, tone, outline, reach))
        else:
            scene.fill(outline, _run(look, tone, outline, reach), clip=rooted)
            scene.fill(outer[order], _run(look, tone, outline, reach))
        dark = _run(look, "shade", outline, reach)
        scene.fill(one.strip(1 - 0.34 * chance.uniform(0.5, 1.35), 1, chance.uniform(0.1, 0.45), 1), dark)
        if chance.random() < 0.4:
            scene.fill(one.strip(0, 0.2, 0.5, 1), dark)
        for edge, width in ((one.right, 1.9), (one.left, 1.5)):
            begin = int(len(edge) * (1 - inked))
            if len(edge) - begin > 2:
                scene.ink(edge[begin:], ink, width, 0.05, 0.9)


def _between(look: Look) -> RGB:
    return mix(look.hair.line, look.tips.line, 0.5) if look.tips else look.hair.line


def _run(look: Look, tone: str, shape: Points, reach: tuple[float, float] | None) -> Paint:
    root, tip = reach or (float(shape[:, 1].min()), float(shape[:, 1].max()))
    return look.hair_paint(tone, root, tip)
