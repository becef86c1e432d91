"""An afro: one round cloud of small curls around the head, and its edge over the forehead."""

import math
from random import Random

from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.face import face_shape
from illustrious_studio.adapters.sketch.figures.geometry import Points, ellipse, moved, smooth
from illustrious_studio.adapters.sketch.figures.look import Look

MIDDLE = (0.0, -46.0)
WIDE, HIGH = 138.0, 132.0
ENDS = (-180.0, 90.0)
"""Between these heights two-coloured hair changes its colour."""


def afro(scene: Scene, look: Look) -> None:
    """Behind the head, from ear to ear."""
    chance = look.chance("afro")
    x, y = MIDDLE
    edge = []
    for at in range(26):
        angle = math.tau * at / 26 + chance.uniform(-0.05, 0.05)
        size = chance.uniform(19, 25)
        edge.append(ellipse(x + WIDE * math.cos(angle) * 0.94, y + HIGH * math.sin(angle) * 0.94, size, size))
    whole = [ellipse(x, y, WIDE, HIGH), *edge]
    scene.outline(whole, look.hair.line, 2)
    for shape in whole:
        scene.fill(shape, look.hair_paint("base", *ENDS))
    scene.fill(ellipse(x + 12, y + 62, WIDE * 0.86, HIGH * 0.6), look.hair_paint("shade", *ENDS))
    _curls(scene, look, chance, [(chance.uniform(0.35, 0.97), math.tau * at / 64) for at in range(64)])


def hairline(scene: Scene, look: Look) -> None:
    """In front: small curls from temple to temple, and their shadow on the forehead."""
    chance = look.chance("hairline")
    along = [math.pi * (1.02 + 0.96 * at / 12) for at in range(13)]
    puffs: list[Points] = []
    for ring, size in ((0.0, 19.0), (20.0, 24.0), (42.0, 26.0)):
        for angle in along:
            spot = (84 + ring) * math.cos(angle), -8 + (60 + ring) * math.sin(angle)
            puffs.append(ellipse(*spot, size * chance.uniform(0.9, 1.1), size))
    scene.fill([moved(one, 2, 9) for one in puffs[:13]], look.skin.shade, clip=face_shape(look))
    scene.outline(puffs[:13], look.hair.line, 1.6)
    for shape in puffs:
        scene.fill(shape, look.hair_paint("base", *ENDS))
    spots = [(chance.uniform(0.56, 0.86), math.pi * (1.05 + 0.9 * at / 30)) for at in range(31)]
    _curls(scene, look, chance, spots)
    for at in range(9):
        angle = math.pi * (1.2 + 0.6 * at / 8)
        _curl(scene, 112 * math.cos(angle), MIDDLE[1] + 92 * math.sin(angle), 8, chance, look.hair.light, 3.4)


def _curls(scene: Scene, look: Look, chance: Random, spots: list[tuple[float, float]]) -> None:
    for out, angle in spots:
        x, y = MIDDLE[0] + WIDE * out * math.cos(angle), MIDDLE[1] + HIGH * out * math.sin(angle)
        _curl(scene, x, y, chance.uniform(6, 10), chance, look.hair.deep, 1.9)


def _curl(
    scene: Scene, x: float, y: float, size: float, chance: Random, colour: tuple[int, int, int], width: float
) -> None:
    """A hook of one small curl."""
    begin = chance.uniform(0, math.tau)
    turn = [begin + 4.2 * step / 5 for step in range(6)]
    line = smooth([(x + size * math.cos(angle), y + size * math.sin(angle)) for angle in turn])
    scene.ink(line, colour, width, 0.2, 0.2)
