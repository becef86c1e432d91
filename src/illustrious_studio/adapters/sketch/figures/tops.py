"""What is worn on the upper body, from a T-shirt to armour: its shape, collar and what makes it known."""

from collections.abc import Callable

import numpy as np

from illustrious_studio.adapters.sketch.figures.body import Body, bare_arm
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import both, cloth, creases, folds, sleeve
from illustrious_studio.adapters.sketch.figures.geometry import Points, ellipse, path, polygon, sided, smooth
from illustrious_studio.adapters.sketch.figures.palette import CLOTH, Tones, cloth_tones, tones
from illustrious_studio.domain.layout.figures import GarmentKind

RED, WHITE, GOLD, STEEL = tones(CLOTH["red"]), cloth_tones("white"), tones((236, 190, 84)), tones((176, 184, 198))


def _round(body: Body, depth: float = 134, wide: float = 26) -> Points:
    wide += 8 * body.boy
    return smooth([(-wide, 121), (-wide * 0.6, depth - 4), (0, depth), (wide * 0.6, depth - 4), (wide, 121)])


def _vee(depth: float, wide: float = 24) -> Points:
    return polygon((-wide, 119), (0, depth), (wide, 119))


def _body_folds(scene: Scene, body: Body, shape: Points, colour: Tones) -> None:
    arm = 86 if body.boy else 68
    creases(scene, shape, colour, [(arm, 196), (arm - 22, 226), (arm - 44, 240)], [(-52, 312), (-30, 296), (-4, 292)])
    for curve in both([(arm - 1, 192), (arm - 9, 210), (arm - 22, 222)]):
        scene.ink(curve, colour.line, 2, 0.6, 0.05, clip=shape)
    folds(scene, shape, colour, [(54, 318), (36, 302), (16, 298)], [(-56, 330), (-40, 312), (-26, 304)])
    if not body.boy:
        for curve in both([(46, 228), (32, 242), (14, 240)]):
            scene.ink(curve, colour.shade, 3.4, 0.1, 0.1, clip=shape)


def t_shirt(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(400, _round(body), 5)
    cloth(scene, shape, colour)
    _body_folds(scene, body, shape, colour)
    scene.ink(_round(body, 138, 27), colour.line, 2, 0.6, 0.6)


def shirt(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(400, _vee(150), 3)
    cloth(scene, shape, colour)
    _body_folds(scene, body, shape, colour)
    scene.ink(smooth([(2, 150), (1, 260), (2, 400)]), colour.line, 1.8, 0.8, 0.8)
    for y in (178, 218, 258, 298):
        scene.shape(ellipse(-5, y, 3, 3), colour.light, colour.line, 1.2)


def shirt_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wing = path("M 15 104 C 24 108 30 116 32 124 L 26 150 L 2 142 C 8 132 14 122 15 104 Z")
    for side in (-1, 1):
        cloth(scene, sided(wing, side) * [1 + 0.25 * body.boy, 1], colour, 5)


def sweater(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(408, None, 7)
    cloth(scene, shape, colour, 18)
    for x in (-44, -22, 0, 22, 44):
        scene.ink(smooth([(x * 0.86, 150), (x, 220), (x * 0.84, 300), (x, 396)]), colour.shade, 2.4, 0.2, 0.6, clip=shape)
    _body_folds(scene, body, shape, colour)
    hem = shape[(shape[:, 1] > 384)]
    if len(hem):
        scene.ink(smooth([(-78, 386), (0, 394), (78, 386)]), colour.line, 1.8, 1, 1, clip=shape)


def turtleneck(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 27 if body.boy else 21
    roll = path(f"M {-wide} 98 C {-wide * 0.5} 108 {wide * 0.5} 108 {wide} 98 L {wide + 6} 124 C {wide * 0.6} 140 {-wide * 0.6} 140 {-wide - 6} 124 Z")
    cloth(scene, roll, colour, 7)
    for x in (-12, -4, 4, 12):
        scene.ink(smooth([(x, 108), (x * 1.15, 130)]), colour.shade, 2, 0.4, 0.4)


def hoodie(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(410, None, 11)
    cloth(scene, shape, colour, 20)
    _body_folds(scene, body, shape, colour)
    pocket = path("M -40 310 L 40 310 L 54 368 L -54 368 Z")
    scene.shape(pocket, colour.base, colour.line, 1.9)
    scene.ink(smooth([(-76, 388), (0, 396), (76, 388)]), colour.line, 2, 1, 1, clip=shape)


def hood(scene: Scene, body: Body, colour: Tones) -> None:
    """Lies around the neck, open in front, with its two strings."""
    wide = 1.2 if body.boy else 1.0
    inner = path("M -30 108 C -28 134 -12 150 0 156 C 12 150 28 134 30 108 L 44 116 L 30 160 L 0 172 L -30 160 L -44 116 Z") * [wide, 1]
    half = path("M 22 100 C 44 100 64 112 70 132 C 62 148 30 158 4 178 C -2 168 -2 160 2 154 C 18 146 27 128 22 100 Z")
    scene.fill(inner, colour.deep)
    for side in (-1, 1):
        shape = sided(half, side) * [wide, 1]
        cloth(scene, shape, colour, 7)
        scene.ink(sided(smooth([(34, 108), (42, 130), (20, 152)]), side) * [wide, 1], colour.line, 1.8, 0.1, 0.1)
    for side in (-1, 1):
        string = smooth([(side * 13, 164), (side * 15, 196), (side * 12, 224 + side * 4)])
        scene.ink(string, colour.line, 6, 1, 1)
        scene.ink(string, WHITE.base, 3.6, 1, 1)


def sailor(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(392, _vee(196, 30), 4)
    cloth(scene, shape, WHITE)
    _body_folds(scene, body, shape, WHITE)


def sailor_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 1.2 if body.boy else 1.0
    vest = polygon((-22, 148), (22, 148), (0, 198)) * [wide, 1]
    scene.fill(vest, WHITE.shade)
    scene.ink(smooth([(-20, 150), (0, 153), (20, 150)]), colour.base, 3.4, 1, 1)
    half = path("M 17 102 C 32 108 62 122 84 140 C 84 152 82 162 78 174 C 52 178 26 186 2 204 C 2 190 20 150 17 102 Z")
    for side in (-1, 1):
        shape = sided(half, side) * [wide, 1]
        cloth(scene, shape, colour, 8)
        for k in (0.9, 0.84):
            scene.ink(sided(smooth([(80 * k + 2, 146), (76 * k, 174 * k + 9), (40, 180 * k + 5), (8, 196 * k + 5)]), side) * [wide, 1], WHITE.base, 2.4, 1, 1, clip=shape)
    _bow(scene, RED if colour.base != RED.base else cloth_tones("dark blue"), 0, 204, 1.0)


def _bow(scene: Scene, colour: Tones, x: float, y: float, size: float, tails: bool = True) -> None:
    wing = path("M 4 -2 C 16 -18 40 -22 44 -14 C 48 -4 46 12 42 18 C 34 22 14 12 4 5 Z") * size
    tail = path("M 2 4 C 10 18 20 36 26 58 L 12 54 L 4 62 C 2 40 0 20 -2 6 Z") * size
    for side in (-1, 1):
        if tails:
            cloth(scene, sided(tail, side) + [x, y], colour, 4 * size, 1.9)
    for side in (-1, 1):
        shape = sided(wing, side) + [x, y]
        cloth(scene, shape, colour, 5 * size, 1.9)
        scene.ink(sided(smooth([(6, 1), (18, -4), (28, -5)]) * size, side) + [x, y], colour.line, 1.8, 0.9, 0.1)
    scene.shape(ellipse(x, y, 7.5 * size, 8.5 * size), colour.base, colour.line, 1.9)


def _lapels(scene: Scene, body: Body, colour: Tones, low: float) -> None:
    wide = 1.18 if body.boy else 1.0
    half = path(f"M 18 106 C 30 112 44 122 52 132 L 58 168 L 46 170 L 52 184 L 4 {low} C 0 {low - 20} 16 160 18 106 Z")
    for side in (-1, 1):
        cloth(scene, sided(half, side) * [wide, 1], colour, 7)


def _tie(scene: Scene, colour: Tones) -> None:
    blade = polygon((-6, 158), (6, 158), (13, 262), (0, 280), (-13, 262))
    cloth(scene, blade, colour, 6, 1.9)
    cloth(scene, polygon((-11, 142), (11, 142), (6, 160), (-6, 160)), colour, 5, 1.9)


def _jacket(scene: Scene, body: Body, colour: Tones, inside: Tones, low: float) -> None:
    shape = body.torso(412, _vee(150), 8)
    cloth(scene, shape, colour, 20)
    _body_folds(scene, body, shape, colour)
    wide = 1.18 if body.boy else 1.0
    scene.fill(polygon((-22, 118), (22, 118), (34, 140), (2, low), (-34, 140)) * [wide, 1], inside.base)
    scene.fill(polygon((4, 130), (28, 140), (4, low)) * [wide, 1], inside.shade)
    scene.ink(smooth([(2, low - 4), (3, 340), (10, 412)]), colour.line, 2.2, 1, 1, clip=shape)


def school(scene: Scene, body: Body, colour: Tones) -> None:
    _jacket(scene, body, colour, WHITE, 262)
    for y in (282, 316):
        scene.shape(ellipse(-7, y, 4.4, 4.4), GOLD.base, GOLD.line, 1.4)
    scene.shape(path("M 34 216 L 56 212 L 56 234 C 52 242 48 245 45 246 C 40 244 36 240 34 234 Z"), GOLD.base, GOLD.line, 1.5)


def school_collar(scene: Scene, body: Body, colour: Tones) -> None:
    shirt_collar(scene, body, WHITE)
    if body.boy:
        _tie(scene, RED)
    _lapels(scene, body, colour, 264)
    if not body.boy:
        _bow(scene, RED, 0, 152, 0.72)


def suit(scene: Scene, body: Body, colour: Tones) -> None:
    _jacket(scene, body, colour, WHITE, 282)
    scene.shape(ellipse(-7, 302, 4, 4), colour.shade, colour.line, 1.4)
    scene.ink(smooth([(34, 226), (56, 222)]), colour.line, 2.2, 1, 1)
    scene.fill(polygon((36, 224), (40, 214), (46, 221), (52, 212), (55, 221)), WHITE.base)


def suit_collar(scene: Scene, body: Body, colour: Tones) -> None:
    shirt_collar(scene, body, WHITE)
    _tie(scene, RED if colour.base != RED.base else cloth_tones("black"))
    _lapels(scene, body, colour, 284)


def jacket(scene: Scene, body: Body, colour: Tones) -> None:
    inside = WHITE if sum(colour.base) < 640 else cloth_tones("black")
    shape = body.torso(404, _round(body), 8)
    cloth(scene, shape, inside)
    wide = 1.2 if body.boy else 1.0
    for side in (-1, 1):
        front = body.torso(404, None, 9)
        cut = sided(path("M 20 100 C 34 160 30 240 34 420 L 140 420 L 140 100 Z"), side) * [wide, 1]
        scene.fill(front, colour.base if side < 0 else colour.shade, clip=cut)
        scene.ink(sided(smooth([(24, 124), (32, 190), (31, 260), (34, 404)]), side) * [wide, 1], colour.line, 3, 1, 1)
        scene.ink(sided(smooth([(29, 150), (37, 220), (38, 404)]), side) * [wide, 1], GOLD.base, 1.8, 1, 1)
        scene.ink(sided(smooth([(46, 262), (60, 286)]), side) * [wide, 1], colour.line, 2.2, 1, 1)


def jacket_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 1.25 if body.boy else 1.0
    half = path("M 17 100 C 30 102 40 110 45 122 L 44 156 L 24 166 C 24 140 22 120 17 100 Z")
    for side in (-1, 1):
        cloth(scene, sided(half, side) * [wide, 1], colour, 7)


def dress_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(330, smooth([(-48, 134), (-34, 168), (0, 178), (34, 168), (48, 134)]), 2)
    cloth(scene, shape, colour)
    _body_folds(scene, body, shape, colour)
    scene.ink(smooth([(-47, 138), (-34, 170), (0, 180), (34, 170), (47, 138)]), WHITE.base, 5.5, 0.9, 0.9)
    scene.ink(smooth([(-46, 142), (-33, 174), (0, 184), (33, 174), (46, 142)]), colour.line, 1.6, 0.9, 0.9)
    sash = path("M -52 292 C -20 300 20 300 52 292 L 54 316 C 20 325 -20 325 -54 316 Z")
    cloth(scene, sash, tones(colour.shade), 10)


def dress_bow(scene: Scene, body: Body, colour: Tones) -> None:
    _bow(scene, tones(colour.shade), 0, 186, 0.5)


def maid_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(330, None, 2)
    cloth(scene, shape, colour)
    _body_folds(scene, body, shape, colour)


def maid_collar(scene: Scene, body: Body, colour: Tones) -> None:
    bib = path("M -36 182 C -20 190 20 190 36 182 L 42 300 L -42 300 Z")
    cloth(scene, bib, WHITE, 10)
    for side in (-1, 1):
        frill = sided(_frill([(34, 150), (50, 140), (70, 150), (60, 200), (44, 244), (40, 300), (32, 300), (34, 240), (36, 190)]), side)
        cloth(scene, frill, WHITE, 5, 1.9)
    shirt_collar(scene, body, WHITE)
    _bow(scene, RED, 0, 150, 0.62)


def _frill(points: list[tuple[float, float]]) -> Points:
    """A closed line with small waves."""
    base = smooth(points, closed=True, steps=6)
    middle = base.mean(axis=0)
    wave = 1 + 0.05 * np.sin(np.arange(len(base)) * 1.6)[:, None]
    return (base - middle) * wave + middle


def kimono_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(420, _vee(200, 24), 6)
    cloth(scene, shape, colour, 18)
    _body_folds(scene, body, shape, colour)
    blossoms(scene, shape, colour, [(-52, 236), (50, 214), (-50, 400), (44, 390)])


def blossoms(scene: Scene, shape: Points, colour: Tones, spots: list[tuple[float, float]]) -> None:
    """Flowers printed on cloth."""
    petal = colour.light if sum(colour.base) < 600 else CLOTH["pink"]
    for x, y in spots:
        for i in range(5):
            angle = i * 2 * np.pi / 5 - np.pi / 2
            scene.fill(ellipse(x + 7.5 * np.cos(angle), y + 7.5 * np.sin(angle), 5.6, 5.6, steps=14), petal, clip=shape)
        scene.fill(ellipse(x, y, 3.4, 3.4), GOLD.base, clip=shape)


def kimono_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 1.2 if body.boy else 1.0
    for side, low in ((1, 262), (-1, 274)):
        for start, width, paint in ((14, 20, WHITE), (20, 20, tones(colour.shade))):
            band = smooth([(start + 2, 103), (start + 12, 130), (6, 196 if paint is WHITE else 204), (-38 if side < 0 else -20, low)])
            scene.ink(sided(band, side) * [wide, 1], paint.line, width + 3, 1, 1, clip=_above(286))
            scene.ink(sided(band, side) * [wide, 1], paint.base, width, 1, 1, clip=_above(286))
    obi = RED if colour.base[2] > colour.base[0] - 20 else cloth_tones("dark blue")
    band = body.torso(344, polygon((-body.width_at(262) - 7, 262), (body.width_at(262) + 7, 262)), 7)
    band = band[band[:, 1] >= 261]
    cloth(scene, band, obi, 16)
    scene.ink(smooth([(-64, 302), (0, 310), (64, 302)]), GOLD.base, 6, 1, 1, clip=band)
    scene.shape(ellipse(0, 309, 8, 7), WHITE.base, GOLD.line, 1.6)


def _above(y: float) -> Points:
    return polygon((-400, -400), (400, -400), (400, y), (-400, y))


def robe_collar(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 1.2 if body.boy else 1.0
    cowl = path("M -30 100 C -62 108 -88 126 -98 152 C -80 184 -36 198 0 210 C 36 198 80 184 98 152 C 88 126 62 108 30 100 C 26 124 12 138 0 144 C -12 138 -26 124 -30 100 Z")
    cloth(scene, cowl * [wide * 0.92, 1], tones(colour.shade), 12)
    scene.ink(smooth([(-92, 156), (-40, 194), (0, 204), (40, 194), (92, 156)]) * [wide * 0.92, 1], GOLD.base, 3.6, 0.8, 0.8)
    scene.shape(ellipse(0, 160, 9, 11), (92, 200, 220), GOLD.line, 2)
    scene.fill(ellipse(-3, 156, 2.4, 3), (255, 255, 255))


def robe_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(420, None, 12)
    cloth(scene, shape, colour, 20)
    _body_folds(scene, body, shape, colour)
    scene.ink(smooth([(0, 190), (0, 420)]), GOLD.base, 5, 1, 1)
    belt = path("M -66 300 C -20 310 20 310 66 300 L 67 318 C 20 328 -20 328 -67 318 Z")
    cloth(scene, belt, tones(CLOTH["brown"]), 8)


def armor(scene: Scene, body: Body, colour: Tones) -> None:
    metal = STEEL if colour.base == CLOTH["gray"] else colour
    under = body.torso(400, None, 2)
    cloth(scene, under, cloth_tones("black"))
    wide = 1.2 if body.boy else 1.0
    plate = path("M -52 140 C -30 152 30 152 52 140 C 72 160 74 200 66 236 C 58 270 50 290 46 312 C 20 322 -20 322 -46 312 C -50 290 -58 270 -66 236 C -74 200 -72 160 -52 140 Z") * [wide, 1]
    cloth(scene, plate, metal, 22)
    shine = path("M -46 160 C -58 190 -56 220 -46 244 C -40 220 -40 190 -30 160 Z") * [wide, 1]
    scene.fill(shine, metal.light, clip=plate)
    scene.ink(smooth([(0, 150), (0, 240), (0, 316)]), metal.line, 2.2, 0.6, 0.6)
    scene.ink(smooth([(-64, 238), (-28, 262), (0, 252), (28, 262), (64, 238)]) * [wide, 1], metal.line, 2.4, 0.6, 0.6)
    scene.ink(smooth([(-48, 146), (0, 158), (48, 146)]) * [wide, 1], GOLD.base, 4.5, 0.9, 0.9)
    scene.shape(polygon((0, 186), (9, 200), (0, 214), (-9, 200)), (84, 160, 230), GOLD.line, 2)
    for i in range(3):
        y = 306 + i * 24
        band = path(f"M {-50 - i * 7} {y} C -20 {y + 10} 20 {y + 10} {50 + i * 7} {y} L {56 + i * 7} {y + 26} C 20 {y + 38} -20 {y + 38} {-56 - i * 7} {y + 26} Z") * [wide, 1]
        cloth(scene, band, metal, 14)


def armor_collar(scene: Scene, body: Body, colour: Tones) -> None:
    metal = STEEL if colour.base == CLOTH["gray"] else colour
    wide = 1.25 if body.boy else 1.0
    gorget = path("M -22 104 C -10 114 10 114 22 104 L 36 138 C 16 154 -16 154 -36 138 Z") * [wide, 1]
    cloth(scene, gorget, metal, 8)
    for side in (-1, 1):
        for y, size in ((196, 0.86), (172, 1.0)):
            pad = path("M -40 10 C -38 -26 -6 -40 22 -26 C 42 -14 48 10 44 30 C 20 18 -14 14 -40 10 Z") * size
            shape = sided(pad + [82 * wide, y], side)
            cloth(scene, shape, metal, 9)
            scene.ink(sided(smooth([(-38, 8), (4, 12), (42, 26)]) * size + [82 * wide, y], side), GOLD.base, 3.2, 0.8, 0.8, clip=shape)


def swimsuit(scene: Scene, body: Body, colour: Tones) -> None:
    skin = body.look.skin
    bare = body.torso(470)
    scene.outline(body.torso(440), skin.line)
    scene.fill(bare, skin.base)
    scene.fill(polygon((48, 180), (110, 180), (110, 470), (44, 470)), skin.shade, clip=bare, opacity=0.7)
    if body.boy:
        for curve in both([(70, 208), (44, 226), (12, 222)]):
            scene.ink(curve, skin.deep, 2.4, 0.1, 0.3)
        scene.ink(smooth([(0, 240), (0, 300)]), skin.deep, 2, 0.1, 0.1)
        scene.fill(ellipse(0, 330, 2.4, 4), skin.deep)
        return
    half = smooth([(0, 186), (26, 178), (36, 150), (42, 130), (50, 132), (48, 170), (70, 214)])
    side = smooth([(body.width_at(y), y) for y in (226, 250, 280, 310, 340, 366, 388)])
    leg = smooth([(body.width_at(392), 392), (46, 430), (16, 474), (0, 478)])
    right = np.concatenate([half, side, leg])
    shape = np.concatenate([right, sided(right, -1)[::-1]])
    cloth(scene, shape, colour, 15)
    for curve in both([(46, 236), (31, 247), (14, 243)]):
        scene.ink(curve, colour.line, 2, 0.1, 0.1)
    for curve in both([(0, 190), (24, 183), (34, 160)]):
        scene.ink(curve, WHITE.base, 3, 1, 1, clip=shape)


Draws = Callable[[Scene, Body, Tones], None]
TOPS: dict[GarmentKind, tuple[Draws, Draws | None]] = {
    "t_shirt": (t_shirt, None), "shirt": (shirt, shirt_collar), "sweater": (sweater, turtleneck),
    "hoodie": (hoodie, hood), "sailor_uniform": (sailor, sailor_collar), "school_uniform": (school, school_collar),
    "suit": (suit, suit_collar), "jacket": (jacket, jacket_collar), "dress": (dress_top, dress_bow),
    "maid_dress": (maid_top, maid_collar), "kimono": (kimono_top, kimono_collar), "robe": (robe_top, robe_collar),
    "armor": (armor, armor_collar), "swimsuit": (swimsuit, None),
}  # fmt: skip
"""What is painted before the arms, and what lies over it around the neck."""


def arm_in(scene: Scene, body: Body, side: int, kind: GarmentKind, colour: Tones) -> None:
    """An arm in the sleeve of that garment."""
    if kind in ("t_shirt", "dress", "swimsuit", "maid_dress", "armor"):
        bare_arm(scene, body, side)
    if kind == "t_shirt":
        sleeve(scene, body, side, colour, 0.36, (9, 11, 13))
    elif kind in ("dress", "maid_dress"):
        sleeve(scene, body, side, colour, 0.26, (10, 26, 8), cuff=WHITE)
    elif kind == "shirt":
        sleeve(scene, body, side, colour, 1, (6, 8, 8), cuff=colour)
    elif kind == "sailor_uniform":
        sleeve(scene, body, side, WHITE, 1, (6, 9, 8), cuff=colour)
    elif kind in ("sweater", "hoodie", "jacket"):
        sleeve(scene, body, side, colour, 1, (11, 13, 12), cuff=tones(colour.shade))
    elif kind in ("school_uniform", "suit"):
        sleeve(scene, body, side, colour, 0.96, (9, 9, 9))
    elif kind in ("kimono", "robe"):
        sleeve(scene, body, side, colour, 0.94, (14, 36, 84))
    elif kind == "armor":
        metal = STEEL if colour.base == CLOTH["gray"] else colour
        sleeve(scene, body, side, cloth_tones("black"), 0.5, (4, 4, 6))
        sleeve(scene, body, side, metal, 1, (2, 10, 8), cuff=GOLD)
