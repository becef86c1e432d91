"""What is worn on the upper body every day, from a T-shirt to a suit: its shape, collar and what makes it known."""

from illustrious_studio.adapters.sketch.figures.body import Body
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import (
    GOLD,
    RED,
    WHITE,
    body_folds,
    bow,
    cloth,
    shirt_collar,
    vee,
)
from illustrious_studio.adapters.sketch.figures.geometry import Points, ellipse, path, polygon, sided, smooth
from illustrious_studio.adapters.sketch.figures.palette import Tones, cloth_tones, tones


def _round(body: Body, depth: float = 134, wide: float = 26) -> Points:
    wide += 8 * body.boy
    return smooth([(-wide, 121), (-wide * 0.6, depth - 4), (0, depth), (wide * 0.6, depth - 4), (wide, 121)])


def t_shirt(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(400, _round(body), 5)
    cloth(scene, shape, colour)
    body_folds(scene, body, shape, colour)
    scene.ink(_round(body, 138, 27), colour.line, 2, 0.6, 0.6)


def shirt(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(400, vee(150), 3)
    cloth(scene, shape, colour)
    body_folds(scene, body, shape, colour)
    scene.ink(smooth([(2, 150), (1, 260), (2, 400)]), colour.line, 1.8, 0.8, 0.8)
    for y in (178, 218, 258, 298):
        scene.shape(ellipse(-5, y, 3, 3), colour.light, colour.line, 1.2)


def sweater(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(408, None, 7)
    cloth(scene, shape, colour, 18)
    for x in (-44, -22, 0, 22, 44):
        scene.ink(
            smooth([(x * 0.86, 150), (x, 220), (x * 0.84, 300), (x, 396)]), colour.shade, 2.4, 0.2, 0.6, clip=shape
        )
    body_folds(scene, body, shape, colour)
    hem = shape[(shape[:, 1] > 384)]
    if len(hem):
        scene.ink(smooth([(-78, 386), (0, 394), (78, 386)]), colour.line, 1.8, 1, 1, clip=shape)


def turtleneck(scene: Scene, body: Body, colour: Tones) -> None:
    wide = 27 if body.boy else 21
    roll = path(
        f"M {-wide} 98 C {-wide * 0.5} 108 {wide * 0.5} 108 {wide} 98 L {wide + 6} 124 C {wide * 0.6} "
        f"140 {-wide * 0.6} 140 {-wide - 6} 124 Z"
    )
    cloth(scene, roll, colour, 7)
    for x in (-12, -4, 4, 12):
        scene.ink(smooth([(x, 108), (x * 1.15, 130)]), colour.shade, 2, 0.4, 0.4)


def hoodie(scene: Scene, body: Body, colour: Tones) -> None:
    shape = body.torso(410, None, 11)
    cloth(scene, shape, colour, 20)
    body_folds(scene, body, shape, colour)
    pocket = path("M -40 310 L 40 310 L 54 368 L -54 368 Z")
    scene.shape(pocket, colour.base, colour.line, 1.9)
    scene.ink(smooth([(-76, 388), (0, 396), (76, 388)]), colour.line, 2, 1, 1, clip=shape)


def hood(scene: Scene, body: Body, colour: Tones) -> None:
    """Lies around the neck, open in front, with its two strings."""
    wide = 1.2 if body.boy else 1.0
    inner = path(
        "M -30 108 C -28 134 -12 150 0 156 C 12 150 28 134 30 108 L 44 116 L 30 160 L 0 172 L -30 160 L -44 116 Z"
    ) * [wide, 1]
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
    shape = body.torso(392, vee(196, 30), 4)
    cloth(scene, shape, WHITE)
    body_folds(scene, body, shape, WHITE)


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
            scene.ink(
                sided(smooth([(80 * k + 2, 146), (76 * k, 174 * k + 9), (40, 180 * k + 5), (8, 196 * k + 5)]), side)
                * [wide, 1],
                WHITE.base,
                2.4,
                1,
                1,
                clip=shape,
            )
    bow(scene, RED if colour.base != RED.base else cloth_tones("dark blue"), 0, 204, 1.0)


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
    shape = body.torso(412, vee(150), 8)
    cloth(scene, shape, colour, 20)
    body_folds(scene, body, shape, colour)
    wide = 1.18 if body.boy else 1.0
    scene.fill(polygon((-22, 118), (22, 118), (34, 140), (2, low), (-34, 140)) * [wide, 1], inside.base)
    scene.fill(polygon((4, 130), (28, 140), (4, low)) * [wide, 1], inside.shade)
    scene.ink(smooth([(2, low - 4), (3, 340), (10, 412)]), colour.line, 2.2, 1, 1, clip=shape)


def school(scene: Scene, body: Body, colour: Tones) -> None:
    _jacket(scene, body, colour, WHITE, 262)
    for y in (282, 316):
        scene.shape(ellipse(-7, y, 4.4, 4.4), GOLD.base, GOLD.line, 1.4)
    scene.shape(
        path("M 34 216 L 56 212 L 56 234 C 52 242 48 245 45 246 C 40 244 36 240 34 234 Z"), GOLD.base, GOLD.line, 1.5
    )


def school_collar(scene: Scene, body: Body, colour: Tones) -> None:
    shirt_collar(scene, body, WHITE)
    if body.boy:
        _tie(scene, RED)
    _lapels(scene, body, colour, 264)
    if not body.boy:
        bow(scene, RED, 0, 152, 0.72)


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
    body_folds(scene, body, shape, colour)
    scene.ink(smooth([(-47, 138), (-34, 170), (0, 180), (34, 170), (47, 138)]), WHITE.base, 5.5, 0.9, 0.9)
    scene.ink(smooth([(-46, 142), (-33, 174), (0, 184), (33, 174), (46, 142)]), colour.line, 1.6, 0.9, 0.9)
    sash = path("M -52 292 C -20 300 20 300 52 292 L 54 316 C 20 325 -20 325 -54 316 Z")
    cloth(scene, sash, tones(colour.shade), 10)


def dress_bow(scene: Scene, body: Body, colour: Tones) -> None:
    bow(scene, tones(colour.shade), 0, 186, 0.5)
