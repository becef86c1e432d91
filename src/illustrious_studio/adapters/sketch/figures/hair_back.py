"""The hair behind the head and body, and what of tied hair hangs beside it: tails, braids, buns, drills."""

import math
from collections.abc import Sequence
from random import Random

from illustrious_studio.adapters.sketch.figures.afro import afro
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    ellipse,
    mirrored,
    moved,
    path,
    resampled,
    scaled,
    sided,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.hair_front import SHORT_SIDES, _to_side
from illustrious_studio.adapters.sketch.figures.locks import Lock, hanging, lock, paint
from illustrious_studio.adapters.sketch.figures.look import Look

ENDS = {"short": 82.0, "medium": 158.0, "long": 345.0, "very_long": 580.0}
CHIBI_END = 310.0
"""A chibi is 390 high below its eyes."""
_NAPE = path("M -78 -60 C -84 -10 -76 20 -66 46 L 66 46 C 76 20 84 -10 78 -60 Z")


def back_hair(scene: Scene, look: Look) -> None:
    """All that is behind the body."""
    style, length = look.figure.hair_style, look.figure.hair_length or "long"
    chance = look.chance("back")
    if style == "ponytail":
        _ponytail(scene, look, chance)
    if style == "twintails":
        _twintails(scene, look, chance)
    if style in ("bun", "double_bun"):
        _buns(scene, look)
    if style == "afro":
        afro(scene, look)
    elif style in SHORT_SIDES:
        _short(scene, look, chance, 74)
    elif length == "short" or style == "bob":
        _short(scene, look, chance, 66 if look.boy else 92, bob=style == "bob")
    else:
        _loose(scene, look, chance, min(ENDS[length], CHIBI_END) if look.figure.chibi else ENDS[length])


def _reach(end: float) -> tuple[float, float]:
    return (-60.0, end)


def _loose(scene: Scene, look: Look, chance: Random, end: float) -> None:
    """Open hair down the back, in locks that fan out."""
    style = look.figure.hair_style
    wide = {"curly": 1.16, "wavy": 1.08, "messy": 1.06}.get(style, 1.0) * chance.uniform(0.96, 1.05)
    spread = 1 + min(end, 400) / 1600
    locks: list[Lock] = []
    for x in (0, -26, 26, -50, 50, -72, 72, -92, 92):
        low = end + chance.uniform(-0.06, 0.04) * end - abs(x) * 0.25
        foot = x * wide * spread + chance.uniform(-8, 8)
        through = [
            (x * 0.98 * wide, 10),
            (x * 1.06 * wide, 10 + (low - 10) * 0.36),
            (x * 1.1 * wide * spread, 10 + (low - 10) * 0.72),
            (foot, low),
        ]
        locks.append(hanging(look, chance, (x * 0.8, -60), through, 52))
    body = path("M -86 -70 C -98 0 -100 60 -92 120 L 92 120 C 100 60 98 0 86 -70 Z")
    paint(scene, look, locks, also=[body], reach=_reach(end), inked=0.75)
    _hollow(scene, look)


def _hollow(scene: Scene, look: Look) -> None:
    """Behind the neck it is dark."""
    hollow = path("M -78 20 C -84 80 -70 130 -52 168 L 52 168 C 70 130 84 80 78 20 Z")
    scene.fill(hollow, look.hair.deep)


def _short(scene: Scene, look: Look, chance: Random, end: float, bob: bool = False) -> None:
    locks: list[Lock] = []
    for x in (0, -24, 24, -46, 46, -66, 66) if look.boy else (0, -24, 24, -46, 46, -68, 68, -84, 84):
        low = end + chance.uniform(-7, 7) - (0 if bob else abs(x) * (0.32 if look.boy else 0.1))
        curl = -0.16 if bob else 0.1 if look.figure.hair_style in ("messy", "curly") else -0.02
        out = 1.16 if bob else 1.06
        through = [(x * out, 10), (x * (out + 0.02), low - 30), (x * (out + curl), low)]
        locks.append(hanging(look, chance, (x * 0.8, -50), through, 46 if not look.boy else 40))
    paint(scene, look, locks, also=[_NAPE], reach=_reach(end))
    hollow = path("M -76 10 C -78 40 -66 62 -48 72 L 48 72 C 66 62 78 40 76 10 Z")
    scene.fill(hollow, look.hair.deep)


def _fan(look: Look, chance: Random, through: Sequence[tuple[float, float]], width: float) -> list[Lock]:
    """Five locks that leave one tie together and part on the way down, the outer ones behind."""
    locks = []
    last = len(through) - 1
    for off in (-1, 1, -0.5, 0.5, 0):
        shifted = [
            (x + off * width * 0.42 * math.sin(math.pi * min(0.62, 0.03 + 0.72 * (k / last) ** 1.3)),
             y - (abs(off) * 26 + chance.uniform(-8, 14)) * (k / last) ** 2)
            for k, (x, y) in enumerate(through)
        ]  # fmt: skip
        locks.append(hanging(look, chance, shifted[0], shifted[1:], width * 0.62, root=0.3))
    return locks


def _tail_end(look: Look) -> float:
    end = {"short": 96.0, "medium": 170.0, "long": 330.0, "very_long": 560.0}[look.figure.hair_length or "long"]
    return min(end, CHIBI_END - 40) if look.figure.chibi else end


def _ponytail(scene: Scene, look: Look, chance: Random) -> None:
    side = -1 if chance.random() < 0.5 else 1
    end = _tail_end(look)
    through = [(2, -96), (58, -146), (112, -112), (132, -20), (128, -20 + (end + 20) * 0.55), (112, end)]
    locks = [_to_side(one, side) for one in _fan(look, chance, through, 76)]
    scene.fill(sided(ellipse(58, -104, 44, 32), side), look.hair.shade)  # seen between the tail and the head
    paint(scene, look, locks, reach=(-110, end))


def _twintails(scene: Scene, look: Look, chance: Random) -> None:
    end = _tail_end(look)
    for side in (-1, 1):
        through = [
            (84, -66),
            (106, -92),
            (138, -78),
            (152, -14),
            (150, -14 + (end + 14) * 0.45),
            (126 + chance.uniform(-8, 14), end),
        ]
        locks = [_to_side(one, side) for one in _fan(look, chance, through, 72)]
        paint(scene, look, locks, reach=(-60, end))


def ties(scene: Scene, look: Look) -> None:
    """Over the hair: what holds twintails; braids, side tails and drills, which hang in front of the shoulders."""
    style = look.figure.hair_style
    chance = look.chance("ties")
    ribbon = look.colour("hair_ribbon", "red")
    if style == "twintails":
        for side in (-1, 1):
            scene.shape(sided(ellipse(92, -68, 8, 13, 12), side), ribbon.base, ribbon.line)
    elif style == "side_ponytail":
        side = -1 if chance.random() < 0.5 else 1
        end = min(_tail_end(look), 330)
        through = [(84, 34), (110, 62), (112, 62 + (end - 62) * 0.5), (92, end)]
        paint(scene, look, [_to_side(one, side) for one in _fan(look, chance, through, 58)], reach=(20, end))
        scene.shape(sided(ellipse(92, 42, 12, 9, -35), side), ribbon.base, ribbon.line)
    elif style in ("braid", "twin_braids"):
        one = -1 if chance.random() < 0.5 else 1
        for side in (one,) if style == "braid" else (-1, 1):
            _braid(scene, look, side)
    elif style == "drills":
        for side in (-1, 1):
            _drill(scene, look, side)


def _braid(scene: Scene, look: Look, side: int) -> None:
    end = {"short": 150.0, "medium": 190.0, "long": 300.0, "very_long": 420.0}[look.figure.hair_length or "long"]
    end = min(end, CHIBI_END - 70) if look.figure.chibi else end
    count = max(5, round((end - 80) / 15))
    spine = resampled(smooth([(84, 50), (93, 92), (86, 150), (82, end - 30)]), count)
    ribbon = look.colour("hair_ribbon", "red")
    paint(scene, look, [_to_side(lock([(72, -46), (88, 0), (94, 46), (90, 86)], 36, 5, 0.3), side)])
    brush = [lock([(82, end - 34), (82 + dx, end - 8), (80 + dx * 1.3, end + 22)], 22, 1.6) for dx in (-9, 9, 0)]
    paint(scene, look, [_to_side(one, side) for one in brush], reach=(-60, end + 22))
    lobes = []
    for i in range(count):
        x, y = spine[i]
        size = 1.12 - 0.36 * i / count
        lobe = path("M 0 -12 C 10 -19 20 -10 18 3 C 16 15 4 21 -8 22 C -4 14 -3 0 0 -12 Z") * size
        lobes.append(moved(lobe if i % 2 else mirrored(lobe), x, y))
    shapes = [sided(one, side) for one in lobes]
    scene.outline(shapes, look.hair.line, 2)
    for shape in reversed(shapes):  # the upper one lies over the lower
        y = float(shape[:, 1].mean())
        scene.outline(shape, look.hair.line, 1.3)
        scene.fill(shape, _toned(look, "shade", y, end))
        scene.fill(
            scaled(shape, 0.86, 0.82, about=(float(shape[:, 0].mean()) - 2.5, y - 4)),
            _toned(look, "base", y, end),
            clip=shape,
        )
        scene.fill(
            scaled(shape, 0.28, 0.34, about=(float(shape[:, 0].mean()) - 4, y - 8)),
            _toned(look, "light", y, end),
            clip=shape,
            opacity=0.8,
        )
    scene.shape(sided(ellipse(82, end - 30, 11, 7), side), ribbon.base, ribbon.line)


def _toned(look: Look, tone: str, at: float, end: float) -> tuple[int, int, int]:
    hair = look.tips if look.tips is not None and at > end * 0.55 else look.hair
    return getattr(hair, tone)  # type: ignore[no-any-return]


def _drill(scene: Scene, look: Look, side: int) -> None:
    """A ringlet: bands around a cone, from the widest at the top to the tip."""
    end = {"short": 110.0, "medium": 150.0, "long": 220.0, "very_long": 280.0}[look.figure.hair_length or "long"]
    top, count = -30.0, 9
    bands = []
    for i in range(count):
        t = i / (count - 1)
        wide = 33 * min(1, 0.72 + t * 1.4) * (1 - t) ** 0.7 + 4
        bands.append((111 + 5 * math.sin(t * 4), top + (end - top) * t, wide, (end - top) / count * 1.05))
    tip = lock([(106, end - 10), (108, end + 12), (101, end + 30)], 16, 1.4, 1)
    shapes = [ellipse(x, y, wide, high, -22) for x, y, wide, high in bands]
    scene.outline([sided(one, side) for one in (*shapes, tip.outline)], look.hair.line)
    scene.fill(sided(tip.outline, side), _toned(look, "base", end, end))
    for shape, (x, y, wide, high) in reversed(list(zip(shapes, bands, strict=True))):
        placed = sided(shape, side)
        scene.outline(placed, look.hair.line, 1.2)
        scene.fill(placed, _toned(look, "shade", y, end))
        lit = scaled(shape, 0.98, 0.86, about=(x, y - high * 0.9))
        scene.fill(sided(lit, side), _toned(look, "base", y, end), clip=placed)
        shine = smooth([(x - wide * 0.62, y + high * 0.22), (x - wide * 0.2, y + high * 0.2), (x + wide * 0.12, y)])
        scene.ink(shine * [side, 1], _toned(look, "light", y, end), 4.4, 0.1, 0.1, clip=placed, opacity=0.9)


def _buns(scene: Scene, look: Look) -> None:
    spots = [(0.0, -136.0, 44.0)] if look.figure.hair_style == "bun" else [(-76.0, -112.0, 37.0), (76.0, -112.0, 37.0)]
    for x, y, size in spots:
        round_ = ellipse(x, y, size, size * 0.92)
        scene.shape(round_, look.hair.base, look.hair.line)
        scene.fill(ellipse(x + size * 0.2, y + size * 0.34, size, size * 0.9), look.hair.shade, clip=round_)
        scene.fill(ellipse(x - size * 0.12, y - size * 0.16, size * 0.86, size * 0.76), look.hair.base, clip=round_)
        for k in (-0.5, 0.1, 0.6):
            arc = smooth(
                [(x - size * 0.8, y + size * k), (x, y + size * (k - 0.3)), (x + size * 0.8, y + size * (k + 0.1))]
            )
            scene.ink(arc, look.hair.line, 1.7, 0.05, 0.05, clip=round_)
        shine = smooth(
            [(x - size * 0.6, y - size * 0.4), (x - size * 0.1, y - size * 0.62), (x + size * 0.4, y - size * 0.5)]
        )
        scene.ink(shine, look.hair.light, 5, 0.1, 0.1, clip=round_)
