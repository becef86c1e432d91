"""The hair in front: the cap over the skull, bangs, locks beside the face, the ring of light, an ahoge."""

import math
from random import Random

from illustrious_studio.adapters.sketch.figures.afro import hairline
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.face import face_shape
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    Ribbon,
    blunt,
    lens,
    mirrored,
    moved,
    path,
    sided,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.locks import Lock, hanging, lock, paint
from illustrious_studio.adapters.sketch.figures.look import Look

CAP = path(
    "M -93 34 C -106 -30 -96 -132 0 -134 C 96 -132 106 -30 93 34 C 88 6 84 -22 70 -46 C 44 -66 -44 -66 -70 -46 "
    "C -84 -22 -88 6 -93 34 Z"
)
_SKULL = path("M -93 34 C -106 -30 -96 -132 0 -134 C 96 -132 106 -30 93 34 Z")
OPEN_CAP = path(
    "M -93 34 C -106 -30 -96 -132 0 -134 C 96 -132 106 -30 93 34 C 88 6 86 -16 78 -34 C 66 -60 44 -76 10 -82 L 0 -92 "
    "L -10 -82 C -44 -76 -66 -60 -78 -34 C -86 -16 -88 6 -93 34 Z"
)
"""Of hair that is parted in the middle: the forehead is seen."""
SHORT_SIDES = {"ponytail", "bun", "double_bun", "twintails", "side_ponytail", "drills", "braid", "twin_braids"}
SIDE_LENGTH = {"short": 62.0, "medium": 120.0, "long": 205.0, "very_long": 250.0}


def front_hair(scene: Scene, look: Look) -> None:
    if look.figure.hair_style == "afro":
        hairline(scene, look)
        return
    bangs, sides = _bangs(look), _sides(look)
    cap = OPEN_CAP if look.figure.bangs == "parted" else CAP
    shadow = [moved(one.outline, 3, 9) for one in (*bangs, *sides)]
    scene.fill(shadow, look.skin.shade, clip=face_shape(look))
    reach = None if look.tips is None else (-140.0, _lowest(look))
    paint(scene, look, sides, reach=reach)
    paint(scene, look, _flyaway(look), also=[cap], reach=reach)
    _volume(scene, look, cap)
    _strands(scene, look)
    paint(scene, look, bangs, reach=reach, rooted=_SKULL)
    _ring(scene, look, [cap, *(one.outline for one in bangs)])
    if look.has("ahoge"):
        _ahoge(scene, look)


def _lowest(look: Look) -> float:
    return 60.0 if look.figure.hair_length == "short" else 190.0


def _crown(x: float) -> float:
    """How high the roots of the bangs are there."""
    return -36 - 78 * math.sqrt(max(0.0, 1 - (x / 98) ** 2))


def _bangs(look: Look) -> list[Lock]:
    chance = look.chance("bangs")
    kind = look.figure.bangs
    side = -1 if chance.random() < 0.5 else 1
    if kind == "blunt":
        return _blunt(chance)
    if kind == "parted":
        return _parted(look, chance)
    made = _over_one_eye(chance) if kind == "over_one_eye" else _swept(look, chance)
    return [_to_side(one, side) for one in made]


def _to_side(one: Lock, side: int) -> Lock:
    if side == 1:
        return one
    other = Ribbon.__new__(Ribbon)
    other.spine, other.t = mirrored(one.spine), one.t
    other.left, other.right = mirrored(one.right), mirrored(one.left)  # its right is still the side of the shade
    return other


def _fall(chance: Random, root: float, tip: tuple[float, float], width: float, bow: float, power: float = 2.2) -> Lock:
    """A lock of the bangs, from the crown to its tip; `bow` to the right in its middle."""
    x, y = tip[0] + chance.uniform(-4, 4), tip[1] + chance.uniform(-5, 5)
    top = _crown(root)
    middle = (root + (x - root) * 0.5 + bow, top + (y - top) * 0.46)
    late = (root + (x - root) * 0.8 + bow * 0.75, top + (y - top) * 0.8)
    return lock([(root, top), middle, late, (x, y)], width * chance.uniform(0.92, 1.1), power, 0.8)


def _swept(look: Look, chance: Random) -> list[Lock]:
    """From a parting on the right over the forehead to the left."""
    drop = chance.uniform(-4, 6) + (4 if look.boy else 0)
    locks = [
        _fall(chance, -52, (-84, 34 + drop), 40, -9),
        _fall(chance, -30, (-62, 12 + drop), 46, -4),
        _fall(chance, 66, (84, 32 + drop), 40, 8),
        _fall(chance, -8, (-37, 2 + drop), 46, 3),
        _fall(chance, 50, (64, 8 + drop), 42, 8),
        _fall(chance, 34, (42, -4 + drop), 34, 7),
        _fall(chance, 20, (17, 0 + drop), 36, 8),
        _fall(chance, 10, (-10, 14 + drop), 42, 8),
    ]
    if chance.random() < 0.5:
        locks.append(_fall(chance, 16, (-22, -6 + drop), 16, 8))
    return locks


def _over_one_eye(chance: Random) -> list[Lock]:
    return [
        _fall(chance, 66, (84, 32), 40, 8),
        _fall(chance, 52, (66, 6), 40, 9),
        _fall(chance, 40, (46, -8), 34, 9),
        _fall(chance, -46, (-84, 62), 46, -12),
        _fall(chance, 26, (10, -2), 36, 8),
        _fall(chance, -20, (-58, 70), 58, -10),
        _fall(chance, 10, (-30, 62), 58, -1),
        _fall(chance, 20, (-8, 28), 30, 8),
    ]


def _parted(look: Look, chance: Random) -> list[Lock]:
    locks: list[Lock] = []
    for side in (-1, 1):
        for root, tip, width, bow in (
            (52, (86, 46), 36, 10), (28, (82, 26), 40, 20), (13, (68, 6), 40, 20), (5, (47, -12), 34, 13),
        ):  # fmt: skip
            locks.append(_to_side(_fall(chance, root, tip, width, bow, 2.4), side))
    if chance.random() < 0.5:
        locks.append(_fall(chance, 4, (10, 6), 13, -5))
    return locks


def _blunt(chance: Random) -> list[Lock]:
    """Cut straight above the eyes."""
    locks = []
    low = chance.uniform(-14, -7)
    for x in (-72, 72, -53, 53, -34, 34, -12, 12):
        tip = low + abs(x) * 0.06 + chance.uniform(-3, 3)
        root = x * 0.72
        spine = [(root, _crown(root)), (x * 0.94, (tip + _crown(root)) / 2 - 6), (x * 1.0, tip - 14), (x * 1.0, tip)]
        width = 27 * chance.uniform(0.96, 1.06)
        locks.append(Ribbon(smooth(spine), blunt(width)))
    return locks


def _sides(look: Look) -> list[Lock]:
    """Beside the face, over the ears; over the shoulders when the hair is long."""
    chance = look.chance("sides")
    if look.boy and look.figure.hair_length == "short":
        return [
            _to_side(lock([(66, -70), (84, -34), (82, -4), (75, 24 + chance.uniform(-6, 6))], 24, 2.2), side)
            for side in (-1, 1)
        ]
    length = SIDE_LENGTH[look.figure.hair_length or "long"]
    style = look.figure.hair_style
    if style in SHORT_SIDES:
        length = min(length, 118)
    if style == "bob":
        length = 84
    locks = []
    for side in (-1, 1):
        end = length + chance.uniform(-10, 10)
        inward = 72 if style == "bob" else 78
        outer = hanging(
            look, chance, (70, -74), [(93, -20), (93, 30), (92 + end * 0.03, 30 + (end - 30) * 0.6), (90, end + 14)], 36
        )
        inner = hanging(
            look, chance, (66, -70), [(84, -22), (82, 26), (80, 22 + (end - 20) * 0.5), (inward, end * 0.86)], 28
        )
        locks += [_to_side(outer, side), _to_side(inner, side)]
    return locks


def _flyaway(look: Look) -> list[Lock]:
    """Tips that stand off the outline of the head: many on messy hair, a few on a boy's, else none."""
    chance = look.chance("flyaway")
    style = look.figure.hair_style
    wild = style in ("messy", "curly")
    many = {"messy": 9, "curly": 8}.get(style, 0) + (3 if look.boy else 0)
    locks = []
    for i in range(many):
        angle = math.radians(-165 + 150 * (i + chance.uniform(0.2, 0.8)) / many)
        out = chance.uniform(10, 24) if wild else chance.uniform(4, 10)
        lean = chance.uniform(0.16, 0.34) * (1 if math.cos(angle) > 0 else -1)
        start = (60 * math.cos(angle), -34 + 64 * math.sin(angle))
        middle = (92 * math.cos(angle + lean * 0.4), -30 + 96 * math.sin(angle + lean * 0.4))
        tip = ((98 + out) * math.cos(angle + lean), -30 + (102 + out) * math.sin(angle + lean))
        locks.append(lock([start, middle, tip], 42 if style == "messy" else 30, 1.6))
    return locks


def _volume(scene: Scene, look: Look, cap: Points) -> None:
    """The side of the head away from the light lies in the shade."""
    away = path("M 20 -140 C 64 -116 84 -70 80 40 L 120 60 L 120 -140 Z")
    scene.fill(away, look.hair_paint("shade", -140, _lowest(look)), clip=cap)


def _strands(scene: Scene, look: Look) -> None:
    """Fine lines down from the crown."""
    chance = look.chance("strands")
    for place in (-64, -38, -14, 16, 42, 66):
        x = place + chance.uniform(-9, 9)
        line = smooth([(x * 0.3, -129), (x * 0.78, -112), (x * 1.02, -84 + chance.uniform(-10, 14))])
        scene.ink(line, look.hair.shade, 2.3, 0.05, 0.05)


def _ring(scene: Scene, look: Look, within: list[Points]) -> None:
    """Light lies around the head in a band; its edges are torn, for every strand throws it back at its own height."""
    chance = look.chance("ring")
    gap = chance.uniform(-34, 34)
    high = 8 if look.boy else 10
    x = -70.0
    strands = []
    while x < 70:
        step = chance.uniform(4.5, 8.5)
        if abs(x - gap) > 6:
            edge = max(0.25, 1 - (abs(x) / 74) ** 3)
            middle = -99 + 34 * (x / 84) ** 2 + chance.uniform(-1.5, 1.5)
            up, down = high * edge * chance.uniform(0.6, 1.1), high * edge * chance.uniform(0.5, 1.5)
            lean = x / 84 * 0.5
            spine = smooth([(x - lean * up, middle - up), (x, middle), (x + lean * down, middle + down)])
            strands.append(Ribbon(spine, lens(step * 2.1, 1)).outline)
        x += step
    scene.fill(strands, look.hair.light, clip=within, opacity=0.85)


def _ahoge(scene: Scene, look: Look) -> None:
    side = -1 if look.chance("ahoge").random() < 0.5 else 1
    one = lock([(0, -122), (4, -150), (24, -170), (48, -162), (54, -146)], 17, 1.5, 0.9)
    scene.shape(sided(one.outline, side), look.hair.base, look.hair.line)
    scene.fill(sided(one.strip(0.6, 1, 0.1, 1), side), look.hair.shade)
