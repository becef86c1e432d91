"""What makes somebody more than human: ears and tails of animals, horns, a halo, wings."""

import numpy as np

from illustrious_studio.adapters.sketch.figures.canvas import Run, Scene
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    Ribbon,
    ellipse,
    moved,
    path,
    pointed,
    scaled,
    sided,
    smooth,
)
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import HAIR, WHITE, Tones, mix, tones

PINK = (250, 184, 188)
_CAT = path("M -32 22 C -32 -6 -22 -42 2 -64 C 20 -46 36 -16 36 24 C 16 32 -12 32 -32 22 Z")
_FOX = path("M -34 22 C -34 -18 -18 -62 8 -88 C 26 -62 40 -20 38 24 C 16 32 -12 32 -34 22 Z")
_DOG = path("M -26 4 C -20 -26 14 -34 34 -14 C 50 6 56 44 44 70 C 22 60 -4 40 -26 4 Z")
_RABBIT = path("M -17 24 C -28 -30 -28 -104 -6 -134 C 16 -120 28 -40 17 24 Z")


def animal_ears(scene: Scene, look: Look) -> None:
    kind, hair = look.figure.ears, look.hair
    if kind in ("cat", "fox"):
        shape, spot = _CAT if kind == "cat" else _FOX, (56.0, -112.0)
        for side in (-1, 1):
            outer = sided(moved(shape, *spot), side)
            scene.shape(outer, hair.base, hair.line)
            scene.fill(sided(moved(shape * [0.6, 0.72], spot[0] + 2, spot[1] + 4), side), mix(PINK, hair.shade, 0.2))
            if kind == "fox":
                tip = moved(path("M -60 -90 L 60 -90 L 60 -58 C 30 -50 10 -62 -20 -52 Z"), spot[0], spot[1] - 6)
                scene.fill(sided(tip, side), hair.deep, clip=outer)
            tuft = path("M -26 24 C -14 6 -4 2 0 -14 C 4 2 8 0 14 -12 C 14 4 26 8 32 24 Z")
            scene.fill(
                sided(moved(tuft, spot[0], spot[1] + 4), side),
                mix(WHITE, hair.light, 0.5) if kind == "fox" else hair.base,
            )
            scene.ink(
                sided(moved(smooth([(-22, 22), (-12, 6), (0, -12)]), spot[0], spot[1] + 4), side),
                hair.line,
                1.6,
                0.1,
                0.1,
            )
    elif kind == "dog":
        for side in (-1, 1):
            outer = sided(moved(_DOG, 68, -84), side)
            scene.shape(outer, hair.shade, hair.line)
            scene.fill(sided(moved(_DOG * [0.8, 0.8], 66, -84), side), mix(hair.shade, hair.base, 0.6), clip=outer)
    elif kind == "rabbit":
        fur = tones((250, 246, 248)) if look.figure.hair not in ("black", "brown", "grey") else look.hair
        for side, bend in ((-1, -10), (1, 14)):
            turn = np.radians(bend)
            matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            outer = moved(_RABBIT @ matrix, side * 36, -122)
            scene.shape(outer, fur.base, fur.line)
            scene.fill(
                moved((_RABBIT * [0.52, 0.82]) @ matrix, side * 36, -122), mix(PINK, fur.shade, 0.15), clip=outer
            )


def horns(scene: Scene, look: Look) -> None:
    kind = look.figure.horns
    if kind == "demon":
        colour = tones((84, 50, 66))
        spine, width = smooth([(52, -104), (76, -132), (84, -164), (66, -190)]), 30.0
    elif kind == "oni":
        colour = tones((226, 70, 62))
        spine, width = smooth([(34, -112), (40, -142), (38, -176)]), 30.0
    else:
        colour = tones((222, 200, 160))
        spine, width = smooth([(64, -98), (104, -118), (130, -84), (116, -48), (92, -54), (96, -76)]), 40.0
    horn = Ribbon(spine, lambda t: width * (1 - t**1.6))
    for side in (-1, 1):
        outline = sided(horn.outline, side)
        scene.shape(outline, colour.base, colour.line)
        scene.fill(sided(horn.strip(0.55, 1, 0, 1, taper=False), side), colour.shade, clip=outline)
        for share in (0.16, 0.3, 0.44, 0.58, 0.72) if kind != "oni" else (0.2, 0.36):
            i = int(share * (len(spine) - 1))
            scene.ink(
                sided(
                    smooth(
                        [
                            horn.left[i],
                            horn.spine[i] + (spine[min(i + 2, len(spine) - 1)] - spine[i]) * 0.6,
                            horn.right[i],
                        ]
                    ),
                    side,
                ),
                colour.line,
                2,
                0.6,
                0.6,
            )


def halo(scene: Scene, look: Look) -> None:
    y = -176 if not look.figure.ears or look.figure.ears == "elf" else -206
    ring = ellipse(0, y, 66, 17, 0, 48)
    ring = np.concatenate([ring, ring[:1]])
    scene.ink(ring, (255, 238, 160), 15, 1, 1, opacity=0.4)
    scene.ink(ring, (214, 150, 52), 9.4, 1, 1)
    scene.ink(ring, (255, 220, 92), 6.4, 1, 1)
    scene.ink(smooth([(-56, y - 7), (-30, y - 14), (0, y - 16)]), (255, 252, 224), 2.6, 0.2, 0.2)


def wings(scene: Scene, look: Look) -> None:
    kind = look.figure.wings
    for side in (-1, 1):
        if kind == "angel":
            _feathers(scene, side)
        elif kind == "demon":
            _bat(scene, side)
        else:
            _fairy(scene, side)


def _feathers(scene: Scene, side: int) -> None:
    white = Tones((252, 252, 255), (214, 222, 240), (190, 200, 226), (122, 130, 166), WHITE)
    long = [(66, 250), (110, 300), (142, 318), (170, 312), (192, 294), (208, 268), (218, 238), (222, 206), (220, 172)]
    short = [(70, 216), (106, 244), (134, 250), (158, 240), (176, 218), (186, 188), (188, 152)]
    for width, tips in ((34.0, [*long, (212, 140)]), (28.0, short)):
        count = len(tips)
        for i in range(count):
            root = (50 + 110 * (i / count), 190 - 84 * (i / count) ** 0.8)
            tip = tips[i]
            middle = ((root[0] + tip[0]) / 2 + 10, (root[1] + tip[1]) / 2 - 6)
            feather = Ribbon(smooth([root, middle, tip]), pointed(width, 5, 0.8))
            shape = sided(feather.outline, side)
            scene.shape(shape, white.base, white.line, 1.9)
            scene.fill(sided(feather.strip(0.6, 1, 0.1, 1), side), white.shade, clip=shape)
    arch = sided(
        path(
            "M 30 210 C 60 150 110 96 168 84 C 200 78 214 100 214 132 C 196 116 170 124 150 142 C 116 "
            "172 80 220 40 250 Z"
        ),
        side,
    )
    scene.shape(arch, white.base, white.line)


def _bat(scene: Scene, side: int) -> None:
    skin = tones((92, 52, 84))
    web = sided(
        path(
            "M 30 200 C 80 130 130 92 196 70 C 206 130 214 190 196 262 C 180 232 160 232 142 276 C 128 "
            "240 106 236 84 272 C 76 244 60 236 40 250 Z"
        ),
        side,
    )
    scene.shape(web, (148, 66, 96), skin.line)
    scene.fill(sided(path("M 120 140 L 220 60 L 230 280 L 150 290 Z"), side), (122, 50, 84), clip=web)
    for end in ((196, 262), (142, 276), (84, 272)):
        scene.ink(
            sided(smooth([(110, 138), ((110 + end[0]) / 2 + 6, (138 + end[1]) / 2 - 8), end]), side),
            skin.base,
            5,
            1,
            0.3,
        )
    bone = smooth([(34, 214), (78, 154), (128, 112), (196, 70)])
    scene.ink(sided(bone, side), skin.line, 12, 0.9, 0.7)
    scene.ink(sided(bone, side), skin.base, 8, 0.9, 0.7)
    scene.shape(sided(path("M 186 76 L 198 44 L 208 74 Z"), side), (232, 222, 206), skin.line, 1.8)


def _fairy(scene: Scene, side: int) -> None:
    line, light = (86, 150, 196), (236, 252, 255)
    upper = path("M 30 180 C 60 80 140 30 206 44 C 222 110 160 190 40 214 Z")
    lower = path("M 36 214 C 100 210 170 240 178 300 C 130 336 60 300 36 240 Z")
    for shape in (lower, upper):
        placed = sided(shape, side)
        scene.shape(placed, Run(((40.0, (178, 236, 250)), (200.0, (206, 220, 255)), (320.0, (240, 206, 250)))), line, 2)
        inner = moved(scaled(shape, 0.72, about=(40, 210)), 6, -4)
        scene.fill(sided(inner, side), light, opacity=0.6, clip=placed)
    for end in ((190, 60), (176, 120), (160, 288)):
        scene.ink(
            sided(smooth([(40, 206), ((40 + end[0]) / 2, (206 + end[1]) / 2 - 14), end]), side), line, 1.8, 0.8, 0.1
        )


def tail(scene: Scene, look: Look) -> None:
    kind = look.figure.tail
    side = -1 if look.chance("tail").random() < 0.5 else 1
    hair = look.hair
    if kind == "demon":
        skin = tones((92, 52, 84))
        spine = smooth([(20, 420), (90, 470), (150, 420), (140, 330), (176, 270)])
        scene.ink(sided(spine, side), skin.line, 13, 0.9, 0.7)
        scene.ink(sided(spine, side), skin.base, 8.5, 0.9, 0.7)
        spade = path("M 0 14 C -10 6 -26 4 -24 -10 C -14 -8 -8 -26 2 -44 C 10 -26 16 -10 26 -8 C 28 6 10 6 0 14 Z")
        scene.shape(sided(moved(spade, 180, 262), side), skin.base, skin.line)
        return
    spines = {
        "cat": ([(20, 430), (90, 470), (148, 420), (140, 330), (160, 250), (186, 232)], 27.0, 0.95),
        "fox": ([(20, 430), (100, 460), (158, 400), (164, 300), (148, 216)], 84.0, 0.25),
        "dog": ([(20, 430), (90, 440), (140, 390), (146, 320), (120, 280)], 46.0, 0.6),
        "rabbit": ([(60, 400), (80, 402), (96, 404)], 62.0, 0.7),
    }
    through, width, root = spines[kind or "cat"]

    def bushy(t: Points) -> Points:
        swell = root + (1 - root) * np.sin(np.pi * np.minimum(1, t * 0.72 + 0.06))
        return np.asarray(width * swell * np.sqrt(np.maximum(0, 1 - t**6)))

    base = Ribbon(smooth(through), bushy)
    shape = sided(base.outline, side)
    scene.shape(shape, hair.base, hair.line)
    scene.fill(sided(base.strip(0.6, 1, 0, 1, taper=False), side), hair.shade, clip=shape)
    if kind == "fox":
        end: Points = sided(np.concatenate([base.left[base.t > 0.72], base.right[base.t > 0.72][::-1]]), side)
        scene.fill(
            end,
            mix(WHITE, HAIR["white"], 0.5) if look.figure.hair not in ("white", "silver") else hair.deep,
            clip=shape,
        )
    if kind == "rabbit":
        scene.shape(ellipse(side * 84, 402, 30, 28), (250, 248, 250), hair.line)
