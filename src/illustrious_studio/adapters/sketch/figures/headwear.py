"""On the head: hats, bands, bows, flowers and clips, headphones, a crown."""

import numpy as np

from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import cloth
from illustrious_studio.adapters.sketch.figures.geometry import (
    ellipse,
    moved,
    path,
    polygon,
    scaled,
    sided,
    smooth,
    turned_by,
)
from illustrious_studio.adapters.sketch.figures.look import Look
from illustrious_studio.adapters.sketch.figures.palette import WHITE, Tones, tones
from illustrious_studio.domain.layout.figures import Extra

BAND = smooth([(-92, -26), (-80, -92), (-34, -122), (0, -127), (34, -122), (80, -92), (92, -26)])


def ornaments(scene: Scene, look: Look) -> None:
    side = -1 if look.chance("ornaments").random() < 0.5 else 1
    if look.has("hairband"):
        colour = look.colour("hairband", "red")
        scene.ink(BAND, colour.line, 15, 0.8, 0.8)
        scene.ink(BAND, colour.base, 11, 0.8, 0.8)
        scene.ink(moved(BAND[12:30], 0, -2), colour.light, 2.4, 0.1, 0.1)
    if look.has("hair_ribbon"):
        for one in (
            (-1, 1) if look.figure.hair_style in ("twintails", "twin_braids", "drills", "double_bun") else (side,)
        ):
            _bow(scene, look, "hair_ribbon", one * 88, -76, 0.95, one * 24)
    if look.has("hair_bow"):
        _bow(scene, look, "hair_bow", side * 34, -132, 1.5, side * 14)
    if look.has("hair_flower"):
        colour = look.colour("hair_flower", "pink")
        x, y = side * 74, -66
        for i in range(5):
            angle = i * 2 * np.pi / 5 - np.pi / 2
            scene.shape(ellipse(x + 17 * np.cos(angle), y + 17 * np.sin(angle), 14, 14), colour.base, colour.line, 1.8)
        for i in range(5):
            angle = i * 2 * np.pi / 5 - np.pi / 2
            scene.fill(ellipse(x + 15 * np.cos(angle), y + 15 * np.sin(angle), 12, 12), colour.base)
            scene.ink(smooth([(x, y), (x + 22 * np.cos(angle), y + 22 * np.sin(angle))]), colour.shade, 2.6, 1, 0.1)
        scene.shape(ellipse(x, y, 7.5, 7.5), (255, 222, 110), (170, 110, 40), 1.6)
    if look.has("hairclip"):
        colour = look.colour("hairclip", "yellow")
        for dy in (0, 15):
            clip = polygon((-20, -5), (18, -9), (20, -1), (-18, 4))
            scene.shape(sided(moved(clip, -58, -40 + dy), side), colour.base, colour.line, 1.9)


def _bow(scene: Scene, look: Look, extra: Extra, x: float, y: float, size: float, turned: float) -> None:
    colour = look.colour(extra, "red")
    wing = path("M 4 -3 C 14 -24 38 -34 46 -24 C 50 -8 48 14 42 24 C 30 28 12 16 4 6 Z") * size
    tail = path("M 2 4 C 12 18 24 32 30 54 L 16 50 L 8 58 C 4 38 0 20 -2 6 Z") * size
    for part, shade in ((tail, 4), (wing, 7)):
        for side in (-1, 1):
            cloth(scene, moved(turned_by(sided(part, side), turned), x, y), colour, shade * size, 2)
    for side in (-1, 1):
        scene.ink(
            moved(turned_by(sided(smooth([(6, 0), (20, -6), (30, -8)]) * size, side), turned), x, y),
            colour.line,
            2,
            0.9,
            0.1,
        )
    scene.shape(ellipse(x, y, 8.5 * size, 9.5 * size), colour.base, colour.line, 2)


def hats(scene: Scene, look: Look) -> None:
    if look.has("maid_headdress"):
        white = look.colour("maid_headdress", "white")
        wave = [
            (x, -98 - 30 * np.sqrt(max(0, 1 - (x / 84) ** 2)) - (8 if i % 2 else 0))
            for i, x in enumerate(range(-70, 71, 10))
        ]
        inner = smooth([(74, -78), (36, -99), (0, -105), (-36, -99), (-74, -78)])
        cloth(scene, np.concatenate([smooth(wave, steps=4), inner]), white, 6)
        scene.ink(moved(inner, 0, -7), look.colour("maid_headdress", "white").shade, 4, 0.6, 0.6)
    if look.has("headphones"):
        _headphones(scene, look)
    if look.has("crown"):
        gold = look.colour("crown", "yellow")
        base = path(
            "M -54 -118 L -62 -176 L -34 -148 L -18 -188 L 0 -152 L 18 -188 L 34 -148 L 62 -176 L 54 "
            "-118 C 20 -108 -20 -108 -54 -118 Z"
        )
        cloth(scene, base, gold, 12)
        scene.ink(smooth([(-54, -128), (0, -118), (54, -128)]), gold.line, 2, 1, 1)
        for x, y, c in (
            (-62, -178, (236, 80, 90)),
            (62, -178, (236, 80, 90)),
            (-18, -190, (90, 150, 240)),
            (18, -190, (90, 150, 240)),
            (0, -134, (236, 80, 90)),
        ):
            scene.shape(ellipse(x, y, 6.5, 6.5), c, gold.line, 1.8)
            scene.fill(ellipse(x - 2, y - 2, 1.8, 1.8), WHITE)
    if look.has("witch_hat"):
        felt, band = look.colour("witch_hat", "black"), tones((150, 90, 200))
        cone = path(
            "M -74 -92 C -66 -150 -50 -200 -6 -236 C 20 -256 60 -262 84 -236 C 60 -240 44 -226 48 -204 C "
            "60 -170 70 -130 76 -92 C 40 -74 -40 -74 -74 -92 Z"
        )
        _brim(scene, felt, 158, 33, -88)
        cloth(scene, cone, felt, 22)
        for curve in ([(-40, -200), (-10, -190), (20, -196)], [(48, -204), (34, -214), (24, -226)]):
            scene.ink(smooth(curve), felt.line, 2.4, 0.6, 0.1)
        strip = path("M -74 -94 C -40 -76 40 -76 76 -94 L 71 -118 C 40 -102 -40 -102 -70 -118 Z")
        cloth(scene, strip, band if felt.base != band.base else tones((240, 190, 80)), 10)
        scene.shape(polygon((-11, -108), (11, -108), (11, -82), (-11, -82)), (250, 214, 96), (150, 100, 40), 2)
    if look.has("straw_hat"):
        straw, band = look.colour("straw_hat", "beige"), tones((206, 60, 66))
        straw = tones((240, 208, 136)) if straw.base == look.colour("witch_hat", "beige").base else straw
        crown = path("M -76 -92 C -78 -150 -50 -172 0 -172 C 50 -172 78 -150 76 -92 C 40 -74 -40 -74 -76 -92 Z")
        _brim(scene, straw, 152, 34, -86)
        cloth(scene, crown, straw, 20)
        for y in (-150, -134, -118):
            scene.ink(smooth([(-64, y + 6), (0, y + 14), (64, y + 6)]), straw.shade, 2.4, 0.2, 0.2)
        cloth(scene, path("M -76 -92 C -40 -74 40 -74 76 -92 L 77 -114 C 40 -98 -40 -98 -77 -114 Z"), band, 10)
    if look.has("top_hat"):
        felt, band = look.colour("top_hat", "black"), tones((190, 48, 60))
        _brim(scene, felt, 116, 22, -98)
        crown = path(
            "M -70 -100 C -66 -150 -72 -190 -80 -222 C -40 -234 40 -234 80 -222 C 72 -190 66 -150 70 "
            "-100 C 40 -86 -40 -86 -70 -100 Z"
        )
        cloth(scene, crown, felt, 22)
        scene.ink(smooth([(-50, -212), (-46, -170), (-48, -134)]), felt.light, 7, 0.1, 0.1, opacity=0.7)
        cloth(scene, path("M -70 -102 C -40 -88 40 -88 70 -102 L 69 -130 C 40 -116 -40 -116 -69 -130 Z"), band, 10)
    if look.has("beret"):
        felt = look.colour("beret", "red")
        puff = path(
            "M -92 -92 C -118 -112 -112 -158 -54 -168 C 0 -178 76 -166 102 -134 C 116 -112 100 -92 84 "
            "-88 C 40 -110 -40 -112 -92 -92 Z"
        )
        scene.ink(smooth([(2, -170), (6, -184)]), felt.line, 8, 1, 1)
        cloth(scene, puff, felt, 18)
        cloth(
            scene,
            path("M -93 -78 C -50 -112 50 -112 88 -76 L 86 -90 C 48 -124 -48 -124 -92 -92 Z"),
            tones(felt.shade),
            8,
        )
    if look.has("cap"):
        felt = look.colour("cap", "blue")
        dome = path("M -96 -72 C -104 -140 -58 -166 0 -166 C 58 -166 104 -140 96 -72 C 50 -96 -50 -96 -96 -72 Z")
        cloth(scene, dome, felt, 20)
        for curve in ([(-4, -164), (-40, -140), (-50, -90)], [(4, -164), (40, -140), (50, -90)]):
            scene.ink(smooth(curve), felt.line, 1.9, 0.4, 0.6)
        scene.shape(ellipse(0, -165, 8, 5), felt.base, felt.line, 2)
        bill = path(
            "M -82 -80 C -60 -98 60 -98 82 -80 C 96 -66 100 -54 98 -48 C 50 -72 -50 -72 -98 -48 C -100 "
            "-54 -96 -66 -82 -80 Z"
        )
        cloth(scene, bill, tones(felt.shade), 8)
        scene.shape(scaled(ellipse(0, -120, 17, 17), 1), WHITE, felt.line, 1.9)
        scene.fill(
            polygon(
                (0, -133),
                (4, -124),
                (13, -123),
                (6, -116),
                (8, -107),
                (0, -112),
                (-8, -107),
                (-6, -116),
                (-13, -123),
                (-4, -124),
            ),
            felt.base,
        )


def _brim(scene: Scene, colour: Tones, wide: float, high: float, y: float) -> None:
    brim = ellipse(0, y, wide, high, 0, 64)
    brim = brim + np.stack([0 * brim[:, 0], (brim[:, 0] / wide) ** 2 * 12], axis=1)
    cloth(scene, brim, colour, 12)


def _headphones(scene: Scene, look: Look) -> None:
    colour = look.colour("headphones", "black")
    band = smooth([(-100, -10), (-94, -92), (-48, -138), (0, -148), (48, -138), (94, -92), (100, -10)])
    scene.ink(band, colour.line, 17, 1, 1)
    scene.ink(band, colour.base, 12, 1, 1)
    scene.ink(moved(band[14:28], 0, -2), colour.light, 2.6, 0.1, 0.1)
    for side in (-1, 1):
        cup = sided(path("M 84 -24 C 100 -30 116 -22 118 10 C 116 40 100 48 84 42 Z"), side)
        cloth(scene, cup, colour, 6)
        scene.shape(sided(ellipse(104, 9, 8, 18), side), (104, 214, 236), colour.line, 1.8)
