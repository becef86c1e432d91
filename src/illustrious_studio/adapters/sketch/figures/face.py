"""The head without its hair: neck, face, ears, nose, mouth, cheeks, tears, glasses."""

import numpy as np

from illustrious_studio.adapters.sketch.figures.canvas import RGB, Scene
from illustrious_studio.adapters.sketch.figures.eyes import HEIGHT, SPACE
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    ellipse,
    mirrored,
    moved,
    path,
    polygon,
    scaled,
    sided,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import BLUSH, WHITE, mix

MOUTH = 67.0
CHIN = 100.0

_GIRL = path(
    "M 0 -100 C -58 -100 -82 -60 -79 -10 C -78.5 12 -79 26 -74 43 C -69 59 -54 74 -36 84 C -22 91.5 -10 95 0 95 "
    "C 10 95 22 91.5 36 84 C 54 74 69 59 74 43 C 79 26 78.5 12 79 -10 C 82 -60 58 -100 0 -100 Z"
)
_BOY = path(
    "M 0 -100 C -58 -100 -80 -60 -77 -10 C -76.5 14 -77 32 -71 50 C -65 66 -47 83 -29 95 C -17 102 -8 104 0 104 "
    "C 8 104 17 102 29 95 C 47 83 65 66 71 50 C 77 32 76.5 14 77 -10 C 80 -60 58 -100 0 -100 Z"
)
_EAR = path("M 74 8 C 84 -2 94 2 93 16 C 92 30 86 42 74 42 Z")
_ELF = path("M 72 4 C 90 -2 112 -18 128 -34 C 126 -4 108 30 74 44 Z")


def face_shape(look: Look) -> Points:
    return _BOY if look.boy else _GIRL


def ears(scene: Scene, look: Look) -> None:
    skin = look.skin
    elf = look.figure.ears == "elf"
    for side in (-1, 1):
        scene.shape(sided(_ELF if elf else _EAR, side), skin.base, skin.line)
        inner = smooth([(80, 26), (98, 8), (112, -10)] if elf else [(80, 32), (87, 24), (86, 12)])
        scene.ink(sided(inner, side), skin.deep, 2.6, 0.3, 0.2)


def earrings(scene: Scene, look: Look) -> None:
    """Hang out from under the hair."""
    gem = look.colour("earrings", "yellow")
    for side in (-1, 1):
        scene.ink(smooth([(side * 81, 40), (side * 82, 52)]), gem.line, 2, 1, 1)
        drop = sided(
            moved(path("M 0 -10 C 4 -3 7 2 7 7 C 7 12 4 15 0 15 C -4 15 -7 12 -7 7 C -7 2 -4 -3 0 -10 Z"), 82, 59), side
        )
        scene.shape(drop, gem.base, gem.line, 1.9)
        scene.fill(ellipse(side * 82 - 2.4, 63, 1.8, 3), WHITE)


def face(scene: Scene, look: Look) -> None:
    skin, shape = look.skin, face_shape(look)
    scene.shape(shape, skin.base, skin.line, 2.2)
    # The side away from the light, and the chin, turn a little darker.
    scene.fill([moved(mirrored(_CHEEK), 0, 0)], skin.shade, clip=shape, opacity=0.5)


_CHEEK = path("M -84 -10 C -72 10 -72 40 -62 54 C -46 74 -20 86 0 92 L -20 100 L -84 70 Z")


def features(scene: Scene, look: Look) -> None:
    """Nose, mouth and cheeks; the eyes come after."""
    skin, figure = look.skin, look.figure
    blushing = look.has("blush")
    cheek = BLUSH[figure.skin or "fair"]
    for side in (-1, 1):
        at = ellipse(side * 50, HEIGHT + 31, 17, 9)
        scene.fill(at, cheek, clip=face_shape(look), opacity=0.75 if blushing else 0.2 if look.boy else 0.42, blur=4)
        if blushing:
            for x in (-8, 0, 8):
                start, end = (side * 50 + x + 3, HEIGHT + 27), (side * 50 + x - 3, HEIGHT + 35)
                scene.ink(smooth([start, end]), mix(cheek, skin.line, 0.35), 2, 0.5, 0.5)
        if look.has("freckles"):
            for x, y in ((-10, -1), (0, 3), (9, -2), (-3, -6)):
                scene.fill(ellipse(side * 44 + x, HEIGHT + 32 + y, 1.9, 1.7), mix(skin.deep, skin.line, 0.25))
    if look.boy:
        scene.ink(smooth([(2, 42), (5, 50), (1, 54)]), skin.line, 2.2, 0.1, 0.4)
        scene.fill(polygon((0, 54), (5, 50), (8, 55)), skin.shade)
    else:
        scene.fill(polygon((-2.5, 50), (2.5, 47), (3.5, 52)), skin.deep)
    _mouth(scene, look)
    if look.has("tears"):
        _tears(scene)


def _mouth(scene: Scene, look: Look) -> None:
    expression = look.figure.expression
    y = MOUTH + (8 if look.boy else 3)
    line = mix(look.skin.line, (120, 30, 40), 0.35)
    if expression == "grin":
        shape = smooth(
            [
                (-21, y - 5),
                (-10, y - 3),
                (0, y - 2.4),
                (10, y - 3),
                (21, y - 5),
                (16, y + 7),
                (0, y + 13),
                (-16, y + 7),
            ],
            True,
        )
        scene.shape(shape, WHITE, line, 1.8)
        scene.ink(smooth([(-17, y + 3), (0, y + 5.5), (17, y + 3)]), (196, 190, 204), 1.3, 0.3, 0.3)
    elif expression == "surprised":
        _cavity(scene, ellipse(0, y + 3, 7.5, 10.5), line, y, teeth=False)
    elif look.has("open_mouth"):
        if expression in ("sad", "angry"):
            shape = smooth([(-15, y + 11), (-9, y + 1), (0, y - 2.5), (9, y + 1), (15, y + 11), (0, y + 8.5)], True)
        else:
            shape = path(
                f"M -17 {y - 4} C -8 {y - 1.5} 8 {y - 1.5} 17 {y - 4} C 17 {y + 9} 9 {y + 17} 0 {y + 17} C -9 "
                f"{y + 17} -17 {y + 9} -17 {y - 4} Z"
            )
        _cavity(scene, shape, line, y, teeth=True)
    else:
        bow = {
            "smile": [(-16, y - 4), (-8, y + 1.6), (0, y + 3), (8, y + 1.6), (16, y - 4)],
            "sad": [(-12, y + 5), (-6, y + 1), (0, y), (6, y + 1), (12, y + 5)],
            "angry": [(-13, y + 5), (-6, y), (0, y - 0.6), (6, y), (13, y + 5)],
        }.get(expression, [(-10, y), (-4, y + 1.4), (0, y + 1.6), (4, y + 1.4), (10, y)])
        scene.ink(smooth(bow), line, 3, 0.35, 0.35)
        if expression in ("smile", "neutral") and not look.boy:
            scene.ink(smooth([(-4, y + 9), (0, y + 9.8), (4, y + 9)]), look.skin.deep, 2, 0.2, 0.2)
    if look.has("fang"):
        top = y - 2 if look.has("open_mouth") or expression == "grin" else y + 0.5
        tooth = polygon((6, top), (13, top - 1.5), (9.5, top + 8.5))
        scene.shape(tooth, WHITE, line, 1.2)


def _cavity(scene: Scene, shape: Points, line: RGB, y: float, teeth: bool) -> None:
    scene.shape(shape, (150, 44, 58), line, 2)
    scene.fill(ellipse(0, y + 16, 11, 8), (244, 132, 132), clip=shape)
    if teeth:
        scene.fill(polygon((-20, y - 8), (20, y - 8), (14, y + 1.5), (0, y + 2.6), (-14, y + 1.5)), WHITE, clip=shape)


def _tears(scene: Scene) -> None:
    blue, light = (132, 192, 244), (220, 240, 255)
    for side in (-1, 1):
        drop = path("M 0 -12 C 5 -3 8 3 8 8 C 8 14 4 17 0 17 C -4 17 -8 14 -8 8 C -8 3 -5 -3 0 -12 Z")
        x, y = side * (SPACE + 14), HEIGHT + 31
        scene.shape(moved(drop, x, y), light, blue, 1.6)
        scene.fill(moved(scaled(drop, 0.55), x + 1.5, y + 4), blue, opacity=0.7)
        scene.fill(ellipse(side * (SPACE + 17), HEIGHT + 20, 5, 4), light)
        scene.fill(ellipse(x - 2.5, y + 4, 1.8, 3), WHITE)


def eyewear(scene: Scene, look: Look) -> None:
    y = HEIGHT + 2
    if look.has("eyepatch"):
        cloth = look.colour("eyepatch", "black")
        side = -1 if look.chance("eyepatch").random() < 0.5 else 1
        scene.ink(sided(smooth([(-80, -44), (0, -20), (SPACE, -2), (84, 12)]), side), cloth.deep, 4.5, 1, 1)
        patch = path("M -27 -22 C -10 -30 14 -30 28 -20 C 30 8 18 26 2 28 C -16 26 -28 4 -27 -22 Z")
        scene.shape(sided(moved(patch, SPACE, y), side), cloth.base, cloth.line)
        scene.ink(sided(moved(smooth([(-19, -14), (2, -20), (20, -13)]), SPACE, y), side), cloth.light, 2, opacity=0.6)
    if look.has("glasses"):
        _glasses(scene, look, y, dark=False)
    if look.has("sunglasses"):
        _glasses(scene, look, y, dark=True)


def _glasses(scene: Scene, look: Look, y: float, dark: bool) -> None:
    frame = look.colour("sunglasses" if dark else "glasses", "black")
    lens = path("M -30 -20 C -14 -25 14 -25 30 -20 C 34 4 24 27 2 28 C -20 27 -33 6 -30 -20 Z")
    for side in (-1, 1):
        rim = sided(moved(lens, SPACE + 1, y), side)
        if dark:
            scene.fill(rim, mix(frame.deep, (20, 18, 30), 0.5), opacity=0.93)
            scene.fill(
                moved(polygon((-18, -22), (-6, -23), (-20, 14), (-27, 6)), side * (SPACE + 1), y),
                WHITE,
                clip=rim,
                opacity=0.28,
            )
        else:
            scene.fill(rim, (226, 240, 255), opacity=0.16)
            scene.fill(
                moved(polygon((8, -24), (17, -23), (4, 26), (-5, 26)), side * (SPACE + 1), y),
                WHITE,
                clip=rim,
                opacity=0.24,
            )
        scene.ink(np.concatenate([rim, rim[:1]]), frame.base, 3.6, 1, 1)
        scene.ink(sided(smooth([(SPACE + 32, y - 12), (82, y - 12)]), side), frame.base, 3.2, 1, 1)
    scene.ink(smooth([(-9, y - 10), (0, y - 14), (9, y - 10)]), frame.base, 3.4, 1, 1)
