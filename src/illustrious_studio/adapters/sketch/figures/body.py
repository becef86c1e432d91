"""The body below the head, bare: how it is built, its pose, arms, hands and legs. Clothes go over it.

A standing body is six heads high, its feet at 1090. It is drawn through a warp that shortens it: a little, so that the
face is not lost, or for a chibi to two and a half heads.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    Ribbon,
    Widths,
    along,
    ellipse,
    even,
    mirrored,
    moved,
    path,
    scaled,
    sided,
    smooth,
    turned_by,
)
from illustrious_studio.adapters.sketch.figures.look import Look

Spot = tuple[float, float]
_GIRL_SIDE = [
    (17, 116), (48, 130), (76, 143), (84, 166), (68, 198), (67, 222), (57, 262), (49, 302), (55, 342), (66, 385),
    (72, 430), (70, 470),
]  # fmt: skip
_BOY_SIDE = [
    (22, 120), (58, 134), (92, 147), (101, 172), (86, 206), (82, 240), (74, 280), (67, 322), (66, 360), (69, 392),
    (71, 430), (70, 470),
]  # fmt: skip


@dataclass(frozen=True)
class Arm:
    """An arm of a pose: where shoulder, elbow and wrist are, how the hand is, and whether it is before the hair."""

    shoulder: Spot
    elbow: Spot
    wrist: Spot
    hand: str = "relaxed"
    before: bool = False

    @cached_property
    def spine(self) -> Points:
        s, e, w = (np.array(one, float) for one in (self.shoulder, self.elbow, self.wrist))
        return smooth(np.stack([s + (e - s) * 0.02, s + (e - s) * 0.55, e, e + (w - e) * 0.45, w]), steps=7)

    def ribbon(self, widths: Widths, until: float = 1) -> Ribbon:
        spine = self.spine
        return Ribbon(spine[: max(4, round(len(spine) * until))], widths)

    @property
    def angle(self) -> float:
        """Degrees by which a hand that points up is turned clockwise."""
        way = self.spine[-1] - self.spine[-4]
        return float(np.degrees(np.arctan2(way[0], -way[1])))


@dataclass(frozen=True)
class Body:
    """How somebody is built, and the pose."""

    look: Look

    @property
    def boy(self) -> bool:
        return self.look.boy

    @property
    def arm_widths(self) -> tuple[float, float, float]:
        return (41, 34, 25) if self.boy else (31, 25, 18)

    @property
    def shoulder(self) -> Spot:
        return (86, 166) if self.boy else (70, 160)

    @cached_property
    def side(self) -> int:
        """The side of the arm that does something."""
        return -1 if self.look.chance("pose").random() < 0.5 else 1

    @cached_property
    def arms(self) -> dict[int, Arm]:
        """By their side."""
        chance = self.look.chance("arms")
        made = {}
        for side in (-1, 1):
            x, y = self.shoulder
            wide = x + 16 + chance.uniform(-4, 8)
            arm = Arm((x, y), (wide, 284), (x + 14 + chance.uniform(-6, 10), 390))
            pose = self.look.figure.pose
            doing = side == self.side
            if pose == "waving" and doing:
                arm = Arm((x, y), (x + 62, 236), (x + 84, 112), "open", True)
            elif pose == "holding" and doing:
                arm = Arm((x, y), (x + 38, 262), (x - 6, 214), "fist", True)
            elif pose == "arms_crossed":
                arm = Arm((x, y), (x + 18, 274), (-x * 0.52, 252 + 12 * (doing)), "relaxed" if doing else "hidden")
            elif pose == "standing":
                arm = self._at_ease(arm, doing)
            elif pose == "sitting":
                arm = Arm((x, y), (x + 22, 284), (x - 26, 400), "relaxed")
            made[side] = arm
        return made

    @property
    def inside(self) -> Points:
        """The torso without its edge: where a sleeve begins there is no line within."""
        return moved(self.torso(260) * [0.985, 1], 0, 1.5)

    def width_at(self, y: float) -> float:
        """From the middle to the side of the body at that height."""
        points = _BOY_SIDE if self.boy else _GIRL_SIDE
        return float(np.interp(y, [one[1] for one in points], [one[0] for one in points]))

    def _at_ease(self, arm: Arm, doing: bool) -> Arm:
        """Ways of standing, so that not all stand alike."""
        x, y = self.shoulder
        way = self.look.chance("ease").choice(
            ("down", "hip", "behind", "folded") if not self.boy else ("down", "hip", "pocket")
        )
        if way == "hip" and doing:
            return Arm((x, y), (x + 62, 262), (x - 8, 322), "hidden")
        if way == "behind":
            return Arm((x, y), (x + 22, 276), (x - 40, 350), "behind")
        if way == "folded":
            return Arm((x, y), (x + 22, 280), (6, 384), "relaxed")
        if way == "pocket" and doing:
            return Arm((x, y), (x + 30, 286), (x - 20, 400), "hidden")
        return arm

    def torso(self, low: float, neck: Points | None = None, wider: float = 0) -> Points:
        """Shoulders to that height; `neck` is the line of its opening, left to right."""
        points = [(x + wider * min(1, max(0, (y - 150) / 60)), y) for x, y in (_BOY_SIDE if self.boy else _GIRL_SIDE)]
        side = smooth(points)
        side = side[side[:, 1] <= low]
        foot = np.array([[side[-1][0], low]])
        opening = neck if neck is not None else smooth([(-17, 116), (0, 128), (17, 116)])
        side = side[(side[:, 1] > opening[-1][1]) | (side[:, 0] > opening[-1][0])]
        return np.concatenate([opening, side, foot, mirrored(foot), mirrored(side)[::-1]])


def neck(scene: Scene, body: Body, chin: Points) -> None:
    """Neck and the bare chest, and the shadow of the chin."""
    skin = body.look.skin
    wide = 22 if body.boy else 15.5
    throat = path(
        f"M {-wide} 70 C {-wide} 96 {-wide} 108 {-wide - 5} 118 C {-wide - 18} 126 -52 134 -74 144 L -64 220 L 64 220 "
        f"L 74 144 C 52 134 {wide + 18} 126 {wide + 5} 118 C {wide} 108 {wide} 96 {wide} 70 Z"
    )
    scene.shape(throat, skin.base, skin.line)
    scene.fill(moved(chin, 3, 21), skin.shade, clip=throat)
    if body.look.wears("dress", "swimsuit"):
        for side in (-1, 1):
            scene.ink(sided(smooth([(8, 146), (26, 143), (46, 139)]), side), skin.deep, 2, 0.1, 0.1)
    if body.look.has("choker"):
        band = body.look.colour("choker", "black")
        ring = smooth([(-wide - 1, 104), (0, 112), (wide + 1, 104)])
        scene.ink(ring, band.base, 8, 1, 1)
        scene.shape(ellipse(0, 115, 4, 5), (250, 214, 96), (150, 100, 40), 1.4)


def limb(
    scene: Scene, ribbon: Ribbon, paint: tuple[int, int, int], shade: tuple[int, int, int], line: tuple[int, int, int]
) -> None:
    """An arm or leg, or a sleeve around one; where it begins it has no line."""
    pieces = ribbon.pieces
    scene.outline(pieces[len(pieces) // 10 :], line)
    scene.fill(pieces, paint)
    scene.fill(ribbon.strip(0.66, 1, 0.06, 1, taper=False), shade, clip=pieces)


def _disc(at: Points, rx: float, ry: float) -> Points:
    return moved(ellipse(0, 0, rx, ry), float(at[0]), float(at[1]))


def bare_arm(scene: Scene, body: Body, side: int) -> None:
    skin = body.look.skin
    first, middle, last = body.arm_widths
    ribbon = _on_side(body.arms[side].ribbon(even(first, last, middle)), side)
    limb(scene, ribbon, skin.base, skin.shade, skin.line)
    scene.fill(_disc(ribbon.spine[0], 20, 22), skin.base, clip=body.inside)


def _on_side(ribbon: Ribbon, side: int) -> Ribbon:
    if side == 1:
        return ribbon
    other = Ribbon.__new__(Ribbon)
    other.spine, other.t = mirrored(ribbon.spine), ribbon.t
    other.left, other.right = mirrored(ribbon.right), mirrored(ribbon.left)
    return other


_OPEN = [
    ((-9, -20), (-16, -46), 8.0), ((-3, -22), (-5, -56), 8.4), ((4, -22), (6, -55), 8.2), ((9, -20), (15, -46), 7.6),
]  # fmt: skip


def hand(scene: Scene, body: Body, side: int) -> None:
    arm = body.arms[side]
    if arm.hand in ("hidden", "behind"):
        return
    skin = body.look.skin
    size = 1.16 if body.boy else 0.95
    x, y = arm.wrist

    def at(points: Points) -> Points:
        return sided(moved(turned_by(scaled(points, size), arm.angle), x, y), side)

    def finger(start: Spot, end: Spot, width: float) -> Points:
        ribbon = Ribbon(
            smooth([start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end]), even(width, width * 0.8)
        )
        tip = ribbon.spine[-1]
        return at(
            np.concatenate(
                [ribbon.left, ellipse(tip[0], tip[1], width * 0.4, width * 0.4, -180, 12)[:7], ribbon.right[::-1]]
            )
        )

    if arm.hand == "open":
        palm = at(path("M -10 4 C -15 -8 -15 -18 -13 -26 L 12 -26 C 14 -16 12 -6 9 4 Z"))
        parts = [palm, *(finger(*one) for one in _OPEN), finger((-9, -8), (-25, -26), 8.6)]
        scene.outline(parts, skin.line, 2)
        scene.fill(parts, skin.base)
        scene.fill(at(ellipse(2, -11, 8, 9)), skin.shade, opacity=0.6)
        for x0, x1 in ((-6.4, -7.6), (0.4, 0.4), (7, 8.4)):
            scene.ink(at(smooth([(x0, -23), (x1, -34)])), skin.line, 1.5, 0.4, 0.4)
    elif arm.hand == "fist":
        palm = at(path("M -10 6 C -16 -8 -17 -24 -9 -28 C -2 -30 6 -30 10 -28 C 17 -24 16 -8 10 6 Z"))
        scene.shape(palm, skin.base, skin.line, 2)
        scene.fill(at(path("M 3 6 C 10 -4 12 -16 10 -28 C 17 -24 16 -8 10 6 Z")), skin.shade)
        for low in (-21, -14, -7):
            scene.ink(at(smooth([(-14, low), (-4, low - 1), (4, low + 1)])), skin.line, 1.6, 0.8, 0.1)
        thumb = finger((10, -6), (-1, -24), 8)
        scene.shape(thumb, skin.base, skin.line, 1.6)
    else:
        mitt = at(path("M -9 4 C -13 -10 -13 -22 -10 -34 C -8 -45 2 -48 6 -42 C 11 -32 12 -12 9 4 Z"))
        thumb = finger((-8, -8), (-13, -27), 7.6)
        scene.outline([mitt, thumb], skin.line, 2)
        scene.fill([mitt, thumb], skin.base)
        scene.fill(at(path("M 3 4 C 7 -12 8 -28 5 -43 C 11 -34 12 -12 9 4 Z")), skin.shade)
        for x0, x1 in ((-4, -3.5), (1.5, 1.5)):
            scene.ink(at(smooth([(x0, -26), (x1, -42)])), skin.line, 1.5, 0.1, 0.6)


@dataclass(frozen=True)
class Leg:
    """A leg as one ribbon with its foot."""

    ribbon: Ribbon
    foot: Spot
    turned: float


def legs(body: Body) -> dict[int, Leg]:
    wide = 1.12 if body.boy else 1.0
    made = {}
    for side in (-1, 1):
        if body.look.figure.pose == "sitting":
            # Kneeling on the floor, shins beside the thighs; boys with crossed legs.
            if body.boy:
                spine = smooth([(34, 400), (84, 452), (112, 492), (84, 520), (20, 528), (-30, 530)])
                foot, turned, profile = (-38.0, 530.0), 80.0, [70, 64, 50, 46, 36, 30]
            else:
                spine = smooth([(32, 400), (44, 460), (54, 512), (76, 522), (100, 510), (122, 498)])
                foot, turned, profile = (126.0, 498.0), -70.0, [72, 70, 60, 44, 32, 24]
        else:
            spine = smooth([(36, 400), (37, 520), (37, 690), (41, 800), (42, 930), (42, 1046)])
            foot, turned, profile = (43.0, 1046.0), 0.0, [64, 74, 68, 58, 46, 43, 46, 43, 34, 26, 23]
        ribbon = Ribbon(spine, along(np.array(profile) * wide))
        made[side] = Leg(_on_side(ribbon, side), foot, turned)
    return made
