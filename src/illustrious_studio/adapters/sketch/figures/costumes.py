"""What is worn on the upper body and is not everyday: maid dress, kimono, robe, armour, swimsuit."""

import numpy as np

from illustrious_studio.adapters.sketch.figures.body import Body
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import (
    GOLD,
    RED,
    STEEL,
    WHITE,
    body_folds,
    both,
    bow,
    cloth,
    shirt_collar,
    vee,
)
from illustrious_studio.adapters.sketch.figures.geometry import Points, ellipse, moved, path, polygon, sided, smooth
from illustrious_studio.adapters.sketch.figures.palette import CLOTH, Tones, cloth_tones, tones


def maid_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(330, None, 2)
    cloth(scene, shape, colour)
    body_folds(scene, body, shape, colour)


def maid_collar(scene: Scene, body: Body, colour: Tones) -> None:
    bib = path("M -36 182 C -20 190 20 190 36 182 L 42 300 L -42 300 Z")
    cloth(scene, bib, WHITE, 10)
    for side in (-1, 1):
        frill = sided(
            _frill([(34, 150), (50, 140), (70, 150), (60, 200), (44, 244), (40, 300), (32, 300), (34, 240), (36, 190)]),
            side,
        )
        cloth(scene, frill, WHITE, 5, 1.9)
    shirt_collar(scene, body, WHITE)
    bow(scene, RED, 0, 150, 0.62)


def _frill(points: list[tuple[float, float]]) -> Points:
    """A closed line with small waves."""
    base = smooth(points, closed=True, steps=6)
    middle = base.mean(axis=0)
    wave = 1 + 0.05 * np.sin(np.arange(len(base)) * 1.6)[:, None]
    return np.asarray((base - middle) * wave + middle)


def kimono_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(420, vee(200, 24), 6)
    cloth(scene, shape, colour, 18)
    body_folds(scene, body, shape, colour)
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
            band = smooth(
                [
                    (start + 2, 103),
                    (start + 12, 130),
                    (6, 196 if paint is WHITE else 204),
                    (-38 if side < 0 else -20, low),
                ]
            )
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
    cowl = path(
        "M -30 100 C -62 108 -88 126 -98 152 C -80 184 -36 198 0 210 C 36 198 80 184 98 152 C 88 126 "
        "62 108 30 100 C 26 124 12 138 0 144 C -12 138 -26 124 -30 100 Z"
    )
    cloth(scene, cowl * [wide * 0.92, 1], tones(colour.shade), 12)
    scene.ink(
        smooth([(-92, 156), (-40, 194), (0, 204), (40, 194), (92, 156)]) * [wide * 0.92, 1], GOLD.base, 3.6, 0.8, 0.8
    )
    scene.shape(ellipse(0, 160, 9, 11), (92, 200, 220), GOLD.line, 2)
    scene.fill(ellipse(-3, 156, 2.4, 3), (255, 255, 255))


def robe_top(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(420, None, 12)
    cloth(scene, shape, colour, 20)
    body_folds(scene, body, shape, colour)
    scene.ink(smooth([(0, 190), (0, 420)]), GOLD.base, 5, 1, 1)
    belt = path("M -66 300 C -20 310 20 310 66 300 L 67 318 C 20 328 -20 328 -67 318 Z")
    cloth(scene, belt, tones(CLOTH["brown"]), 8)


def armor(scene: Scene, body: Body, colour: Tones) -> None:
    metal = STEEL if colour.base == CLOTH["gray"] else colour
    under = body.torso(400, None, 2)
    cloth(scene, under, cloth_tones("black"))
    wide = 1.2 if body.boy else 1.0
    plate = path(
        "M -52 140 C -30 152 30 152 52 140 C 72 160 74 200 66 236 C 58 270 50 290 46 312 C 20 322 "
        "-20 322 -46 312 C -50 290 -58 270 -66 236 C -74 200 -72 160 -52 140 Z"
    ) * [wide, 1]
    cloth(scene, plate, metal, 22)
    shine = path("M -46 160 C -58 190 -56 220 -46 244 C -40 220 -40 190 -30 160 Z") * [wide, 1]
    scene.fill(shine, metal.light, clip=plate)
    scene.ink(smooth([(0, 150), (0, 240), (0, 316)]), metal.line, 2.2, 0.6, 0.6)
    scene.ink(smooth([(-64, 238), (-28, 262), (0, 252), (28, 262), (64, 238)]) * [wide, 1], metal.line, 2.4, 0.6, 0.6)
    scene.ink(smooth([(-48, 146), (0, 158), (48, 146)]) * [wide, 1], GOLD.base, 4.5, 0.9, 0.9)
    scene.shape(polygon((0, 186), (9, 200), (0, 214), (-9, 200)), (84, 160, 230), GOLD.line, 2)
    for i in range(3):
        y = 306 + i * 24
        band = path(
            f"M {-50 - i * 7} {y} C -20 {y + 10} 20 {y + 10} {50 + i * 7} {y} L {56 + i * 7} {y + 26} C "
            f"20 {y + 38} -20 {y + 38} {-56 - i * 7} {y + 26} Z"
        ) * [wide, 1]
        cloth(scene, band, metal, 14)


def armor_collar(scene: Scene, body: Body, colour: Tones) -> None:
    metal = STEEL if colour.base == CLOTH["gray"] else colour
    wide = 1.25 if body.boy else 1.0
    gorget = path("M -22 104 C -10 114 10 114 22 104 L 36 138 C 16 154 -16 154 -36 138 Z") * [wide, 1]
    cloth(scene, gorget, metal, 8)
    for side in (-1, 1):
        for y, size in ((196, 0.86), (172, 1.0)):
            pad = path("M -40 10 C -38 -26 -6 -40 22 -26 C 42 -14 48 10 44 30 C 20 18 -14 14 -40 10 Z") * size
            shape = sided(moved(pad, 82 * wide, y), side)
            cloth(scene, shape, metal, 9)
            scene.ink(
                sided(moved(smooth([(-38, 8), (4, 12), (42, 26)]) * size, 82 * wide, y), side),
                GOLD.base,
                3.2,
                0.8,
                0.8,
                clip=shape,
            )


def swimsuit(scene: Scene, body: Body, colour: Tones) -> None:
    skin = body.look.skin
    bare = body.torso(400 if body.boy else 470)
    scene.outline(body.torso(390 if body.boy else 440), skin.line)
    scene.fill(bare, skin.base)
    # The neck goes over into the chest without a line.
    wide = 1.3 if body.boy else 0.95
    scene.fill(polygon((-15, 116), (15, 116), (30, 138), (-30, 138)) * [wide, 1], skin.base)
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
