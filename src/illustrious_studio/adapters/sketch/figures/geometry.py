"""Curves as lists of points: paths, smooth lines through points, ribbons along a spine. No colours, no pixels.

A figure is measured in units of a two-hundredth of a head, chin to crown: x from the middle of the face to the right,
y downwards, the eyes a little below 0 and the chin at 92.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Warp = Callable[[Points], Points]
Widths = Callable[[Points], Points]
"""Width along a line, by the share of it that is behind."""

_STEP = 6.0
"""A curve is flattened to lines about as long."""


@lru_cache(maxsize=512)
def path(data: str) -> Points:
    """The points of SVG path data: one line of absolute M, L, C, Q and Z."""
    tokens = re.findall(r"[MLCQZ]|-?\d*\.?\d+", data)
    points: list[tuple[float, float]] = []
    kind, numbers = "", list[float]()
    needed = {"M": 2, "L": 2, "C": 6, "Q": 4}
    for token in tokens:
        if token in "MLCQZ":
            kind, numbers = token, []
            continue
        numbers.append(float(token))
        if len(numbers) == needed[kind]:
            ends = list(zip(numbers[::2], numbers[1::2], strict=True))
            if kind in "ML":
                points += ends
            else:
                points += _bezier([points[-1], *ends])
            numbers = []
    made = np.array(points, dtype=np.float64)
    made.flags.writeable = False
    return made


def _bezier(controls: list[tuple[float, float]]) -> list[tuple[float, float]]:
    length = sum(math.dist(one, other) for one, other in pairwise(controls))
    t = np.linspace(0, 1, max(6, min(40, round(length / _STEP))) + 1)[1:, None]
    degree = len(controls) - 1
    made = sum(
        math.comb(degree, i) * (1 - t) ** (degree - i) * t**i * np.array([control])
        for i, control in enumerate(controls)
    )
    return [(float(x), float(y)) for x, y in np.asarray(made)]


def smooth(through: Iterable[Sequence[float]] | Points, closed: bool = False, steps: int = 7) -> Points:
    """A smooth line through these points (Catmull-Rom)."""
    p = np.asarray([tuple(one) for one in through], dtype=np.float64)
    if len(p) < 3:
        return line(p[0], p[-1], steps)
    before, after = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    q = np.concatenate([before, p, after])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    a, b, c, d = (q[i : len(q) - 3 + i] for i in range(4))
    made = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = made.transpose(1, 0, 2).reshape(-1, 2)
    return flat if closed else np.concatenate([flat, p[-1:]])


def line(start: Any, end: Any, steps: int = 8) -> Points:
    t = np.linspace(0, 1, steps + 1)[:, None]
    return np.asarray(np.asarray(start, float) * (1 - t) + np.asarray(end, float) * t)


def polygon(*corners: tuple[float, float]) -> Points:
    return np.array(corners, dtype=np.float64)


def ellipse(x: float, y: float, rx: float, ry: float, turned: float = 0, steps: int = 36) -> Points:
    """An ellipse, turned clockwise by so many degrees."""
    t = np.linspace(0, math.tau, steps, endpoint=False)
    return moved(turned_by(np.stack([rx * np.cos(t), ry * np.sin(t)], axis=1), turned), x, y)


def mirrored(points: Points) -> Points:
    return np.asarray(points * np.array([-1.0, 1.0]))


def sided(points: Points, side: int) -> Points:
    """Drawn on the right; to be on that side (-1 is left)."""
    return np.asarray(points * np.array([float(side), 1.0]))


def moved(points: Points, x: float, y: float) -> Points:
    return np.asarray(points + np.array([x, y]))


def scaled(points: Points, by: float, by_y: float | None = None, about: tuple[float, float] = (0, 0)) -> Points:
    centre = np.array(about)
    return np.asarray((points - centre) * np.array([by, by if by_y is None else by_y]) + centre)


def turned_by(points: Points, degrees: float) -> Points:
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def shares(points: Points) -> Points:
    """How much of a line's length is behind at each of its points, from 0 to 1."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return np.asarray(lengths / max(lengths[-1], 1e-9))


def resampled(points: Points, count: int) -> Points:
    """So many points along the same line, all equally far from each other."""
    t, at = shares(points), np.linspace(0, 1, count)
    return np.stack([np.interp(at, t, points[:, 0]), np.interp(at, t, points[:, 1])], axis=1)


def normals(points: Points) -> Points:
    """To the right of the way at each point (y is down), of length one."""
    way = np.gradient(points, axis=0)
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)
    return np.stack([-way[:, 1] / length, way[:, 0] / length], axis=1)


class Ribbon:
    """A band along a spine whose width changes on the way: a lock of hair, an arm, a finger."""

    def __init__(self, spine: Points, widths: Widths) -> None:
        self.spine = spine
        self.t = shares(spine)
        half = widths(self.t)[:, None] / 2
        across = normals(spine)
        self.left, self.right = spine - across * half, spine + across * half

    @property
    def outline(self) -> Points:
        return np.concatenate([self.left, self.right[::-1]])

    @property
    def pieces(self) -> list[Points]:
        """The same area in quadrangles: a sharp bend makes no hole in it."""
        left, right = self.left, self.right
        return list(np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1))

    def strip(self, start: float, end: float, begin: float = 0, stop: float = 1, taper: bool = True) -> Points:
        """The part between two shares of the width (0 left, 1 right) and of the length; thinner to its ends."""
        inside = (self.t >= begin) & (self.t <= stop)
        if inside.sum() < 2:
            return self.outline[:3]
        left, right, t = self.left[inside], self.right[inside], self.t[inside]
        across = right - left
        near, far = np.full_like(t, start), np.full_like(t, end)
        if taper:
            fade = np.clip(np.sin(math.pi * (t - t[0]) / max(t[-1] - t[0], 1e-9)), 0, 1) ** 0.7
            far = near + (far - near) * fade if end in (0, 1) or start not in (0, 1) else far
            near = far - (far - near) * fade if end in (0, 1) else near
        else:  # it does not begin at once, but slants in
            lead = np.clip((t - begin) / 0.16, 0, 1) if begin > 0 else np.ones_like(t)
            near = 1 - (1 - start) * lead if end >= 1 else near
        return np.concatenate([left + across * near[:, None], (left + across * far[:, None])[::-1]])


def pointed(width: float, power: float, root: float) -> Widths:
    """As wide as that, and a point at the end; at its root that share of it."""

    def widths(t: Points) -> Points:
        swell = root + (1 - root) * np.minimum(1, t / 0.35) ** 0.7
        return np.asarray(width * swell * (1 - t**power))

    return widths


def even(start: float, end: float, middle: float | None = None) -> Widths:
    """From that width to that one, by way of a third."""
    between = (start + end) / 2 if middle is None else middle

    def widths(t: Points) -> Points:
        return np.asarray(np.interp(t, [0, 0.5, 1], [start, between, end]))

    return widths


def along(widths: Points) -> Widths:
    """Those widths, equally far from each other on the way."""
    at = np.linspace(0, 1, len(widths))
    return lambda t: np.asarray(np.interp(t, at, widths))


def lens(width: float, power: float) -> Widths:
    """A point at both ends."""
    return lambda t: np.asarray(width * np.sin(np.pi * np.clip(t, 0.02, 0.98)) ** power)


def blunt(width: float) -> Widths:
    """A lock that was cut off straight."""
    return lambda t: np.asarray(width * (0.75 + 0.25 * np.minimum(1, t / 0.4)) * (1 - 0.16 * t**6))


_DISC = ellipse(0, 0, 1, 1, steps=8)


def stroke(points: Points, width: float, start: float, end: float) -> list[Points]:
    """A line of ink as polygons; it begins and ends with that share of its width, and is fullest in the middle."""
    t = shares(points)
    swell = np.minimum(start + (1 - start) * np.minimum(1, t / 0.4), end + (1 - end) * np.minimum(1, (1 - t) / 0.4))
    band = Ribbon(points, lambda _: width * swell)
    # Corners and ends are rounded.
    radii = width * swell / 2
    seen = radii > 0.4
    discs = points[seen][:, None] + radii[seen][:, None, None] * _DISC
    return [*band.pieces, *discs]
