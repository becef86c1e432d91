"""What is worn below the waist: skirts, the long part of dresses and kimonos, trousers, socks and shoes."""

import numpy as np

from illustrious_studio.adapters.sketch.figures.body import Body, Leg, legs, limb
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import GOLD, STEEL, WHITE, cloth
from illustrious_studio.adapters.sketch.figures.costumes import blossoms
from illustrious_studio.adapters.sketch.figures.geometry import (
    Points,
    moved,
    path,
    polygon,
    sided,
    smooth,
    turned_by,
)
from illustrious_studio.adapters.sketch.figures.palette import Tones, cloth_tones, tones
from illustrious_studio.domain.layout.figures import GarmentKind

FULL: dict[GarmentKind, str] = {"dress": "skirt", "maid_dress": "skirt", "kimono": "tube", "robe": "gown"}
_SHOE = path("M -17 -14 C -20 4 -24 22 -22 34 C -18 44 18 44 22 34 C 24 22 20 4 17 -14 Z")
_BOOT = path("M -19 -90 C -20 -40 -20 0 -23 30 C -20 44 20 44 23 30 C 20 0 20 -40 19 -90 Z")


def legs_and_feet(scene: Scene, body: Body, trousers: GarmentKind | None, colour: Tones) -> None:
    """Bare or in socks or trousers, each with its shoe."""
    skin = body.look.skin
    both = legs(body)
    barefoot = body.look.wears("swimsuit")
    sitting = body.look.figure.pose == "sitting"
    for side in (-1, 1):
        leg = both[side]
        limb(scene, leg.ribbon, skin.base, skin.shade, skin.line)
        if not sitting and trousers != "pants":
            scene.ink(sided(smooth([(26, 716), (34, 724), (42, 716)]), side), skin.deep, 2.4, 0.2, 0.2)
        _foot(scene, body, leg, side, barefoot)
        if trousers == "pants":
            _trouser(scene, leg, side, colour, 0.97, sitting)
        elif not barefoot and not sitting and not body.look.wears("kimono", "robe"):
            _sock(scene, body, leg)
        if body.look.wears("armor") and not sitting:
            _greave(scene, side)
        if trousers == "shorts":
            _trouser(scene, leg, side, colour, 0.3, sitting)


def _greave(scene: Scene, side: int) -> None:
    """Plates on knee and shin."""
    shin = path(
        "M 14 770 C 24 790 56 790 66 770 C 70 860 66 940 62 1030 C 50 1040 32 1040 22 1030 C 18 940 12 860 14 770 Z"
    )
    knee = path("M 8 690 C 20 672 58 672 70 690 L 62 748 L 39 768 L 16 748 Z")
    for plate in (shin, knee):
        cloth(scene, sided(plate, side), STEEL, 12)
    scene.ink(sided(smooth([(39, 690), (39, 756)]), side), GOLD.base, 3.4, 0.8, 0.3)


def _foot(scene: Scene, body: Body, leg: Leg, side: int, barefoot: bool) -> None:
    if body.look.wears("armor"):
        shoe, colour = _BOOT, STEEL
    elif barefoot:
        shoe, colour = _SHOE * [0.86, 1], body.look.skin
    else:
        shoe = _SHOE
        colour = cloth_tones("white") if body.look.wears("hoodie", "t_shirt") else tones((98, 62, 48))
    shape = sided(moved(turned_by(shoe, leg.turned), *leg.foot), side)
    cloth(scene, shape, colour, 7)
    if shoe is _SHOE:
        tongue = moved(turned_by(smooth([(-15, 2), (0, 10), (15, 2)]), leg.turned), *leg.foot)
        scene.ink(sided(tongue, side), colour.line, 2, 0.6, 0.6)


def _sock(scene: Scene, body: Body, leg: Leg) -> None:
    sock = (
        cloth_tones("black") if body.look.wears("sailor_uniform", "school_uniform", "maid_dress", "sweater") else WHITE
    )
    start = 0.4 if sock is not WHITE and not body.boy else 0.78
    t = leg.ribbon.t
    part = t >= start
    band = np.concatenate([leg.ribbon.left[part], leg.ribbon.right[part][::-1]])
    cloth(scene, band, sock, 10)


def _trouser(scene: Scene, leg: Leg, side: int, colour: Tones, until: float, sitting: bool) -> None:
    t = leg.ribbon.t
    part = t <= until
    wide = 1.14 if until > 0.5 else 1.2
    left = leg.ribbon.spine + (leg.ribbon.left - leg.ribbon.spine) * wide
    right = leg.ribbon.spine + (leg.ribbon.right - leg.ribbon.spine) * wide
    if until > 0.5 and not sitting:
        flare = np.array([6.0, 0]) * np.clip((t - 0.6) / 0.4, 0, 1)[:, None]
        left, right = left - flare * np.sign(right - left)[:, :1], right + flare * np.sign(right - left)[:, :1]
    shape = np.concatenate([left[part], right[part][::-1]])
    cloth(scene, shape, colour, 13)
    if not sitting and until > 0.5:
        for y in (716, 734):
            scene.ink(sided(smooth([(14, y), (28, y + 8), (40, y + 6)]), side), colour.line, 2, 0.6, 0.05)


def hips(scene: Scene, body: Body, colour: Tones) -> None:
    """The upper part of trousers, with its belt."""
    wide = body.width_at(330) + 7
    shape = body.torso(470, polygon((-wide, 330), (wide, 330)), 7)
    upper = shape[(shape[:, 1] >= 329) & (shape[:, 1] <= 440)]
    whole = np.concatenate([shape[(shape[:, 1] >= 329) & (shape[:, 1] < 452)]])
    scene.outline(upper, colour.line)
    scene.fill(whole, colour.base)
    scene.fill(polygon((46, 330), (90, 330), (90, 470), (52, 470)), colour.shade, clip=whole)
    scene.ink(smooth([(2, 356), (3, 410), (0, 450)]), colour.line, 2, 0.8, 0.8)
    if body.look.wears("swimsuit"):
        return
    belt = path("M -62 334 C -20 344 20 344 62 334 L 63 352 C 20 361 -20 361 -63 352 Z") * [(wide + 3) / 63, 1]
    cloth(scene, belt, tones((92, 60, 46)), 6)
    scene.shape(polygon((-9, 340), (9, 340), (9, 358), (-9, 358)), GOLD.base, GOLD.line, 1.6)


def skirt(scene: Scene, body: Body, colour: Tones, low: float, wide: float, pleats: int = 7) -> Points:
    """Pleats that widen downwards; every second one lies in the shade."""
    top, waist = 50 if not body.boy else 66, 312
    if body.look.figure.pose == "sitting":
        low, wide = min(low, 500), wide * 1.1
    edge: list[tuple[float, float]] = []
    for i in range(pleats * 2 + 1):
        x = -wide + wide * i / pleats
        edge.append((x, low + 12 * (1 - (x / wide) ** 2) + (5 if i % 2 else -4)))
    left = smooth([(-top, waist), (-top - (wide - top) * 0.34, waist + (low - waist) * 0.3), (-wide, low)])
    shape = np.concatenate(
        [left, smooth(edge, steps=4), sided(left, -1)[::-1], smooth([(top, waist), (0, waist + 9), (-top, waist)])]
    )
    scene.outline(shape, colour.line)
    scene.fill(shape, colour.base)
    for i in range(pleats):
        x0, x1 = -wide + wide * (2 * i + 1) / pleats, -wide + wide * (2 * i + 2) / pleats
        dark = polygon((x0 * top / wide, waist), (x0, low + 20), (x1, low + 20), (x1 * top / wide - 1, waist))
        scene.fill(dark, colour.shade, clip=shape)
        scene.ink(
            smooth([(x0 * top / wide * 1.05, waist + 8), (x0 * 0.62, (waist + low) / 2), (x0, low + 8)]),
            colour.line,
            2,
            0.2,
            0.9,
            clip=shape,
        )
    return shape


def plain_skirt(scene: Scene, body: Body, colour: Tones) -> None:
    low = 520 if body.look.wears("sailor_uniform", "school_uniform") else 545
    skirt(scene, body, colour, low, 122)
    band = path("M -52 304 C -20 314 20 314 52 304 L 53 322 C 20 332 -20 332 -53 322 Z") * [1.28 if body.boy else 1, 1]
    cloth(scene, band, colour, 8)


def full_lower(scene: Scene, body: Body, kind: GarmentKind, colour: Tones) -> None:
    """The part of a dress, kimono or robe below the waist."""
    form = FULL[kind]
    sitting = body.look.figure.pose == "sitting"
    if form == "skirt":
        low = 600 if kind == "maid_dress" else 650
        if kind == "maid_dress":
            skirt(scene, body, WHITE, low + 14, 160, pleats=9)
        shape = skirt(scene, body, colour, low, 160, pleats=5)
        hem = smooth([(-170, low - 8), (-80, low + 2), (0, low + 6), (80, low + 2), (170, low - 8)])
        if kind == "dress":
            scene.ink(hem, WHITE.base, 8, 1, 1, clip=shape)
    else:
        low = 520 if sitting else 1030
        wide = (150 if form == "gown" else 92) if not sitting else 140
        side = smooth([(-60, 320), (-80, 430), (-wide * 0.94, low * 0.75 + 60), (-wide, low)])
        shape = np.concatenate([side, smooth([(-wide, low), (0, low + 14), (wide, low)]), sided(side, -1)[::-1]])
        cloth(scene, shape, colour, 26)
        if form == "tube":
            scene.ink(smooth([(-14, 340), (16, 560), (30, low + 10)]), colour.line, 2.4, 0.6, 0.8, clip=shape)
            blossoms(
                scene, shape, colour, [(-58, 620), (56, 560), (-30, 760), (52, 830), (-62, 900), (14, 960), (-30, 480)]
            )
        else:
            for x in (-0.5, -0.15, 0.3, 0.62):
                scene.ink(
                    smooth([(x * 60, 350), (x * 110, 620), (x * wide * 1.1, low)]),
                    colour.line,
                    2.4,
                    0.1,
                    0.8,
                    clip=shape,
                )
            scene.ink(smooth([(0, 320), (0, low + 14)]), GOLD.base, 6, 1, 1, clip=shape)
            scene.ink(smooth([(-wide, low - 12), (0, low + 2), (wide, low - 12)]), GOLD.base, 7, 1, 1, clip=shape)


def apron(scene: Scene, body: Body, colour: Tones, bib: bool) -> None:
    """Tied over all, with or without its upper part."""
    if bib:
        upper = path("M -36 190 C -20 198 20 198 36 190 L 46 310 L -46 310 Z")
        cloth(scene, upper, colour, 12)
        for side in (-1, 1):
            scene.ink(sided(smooth([(34, 194), (36, 150), (28, 120)]), side), colour.line, 9, 1, 1)
            scene.ink(sided(smooth([(34, 194), (36, 150), (28, 120)]), side), colour.base, 6, 1, 1)
    low = 480 if body.look.figure.pose == "sitting" else 560
    edge = [(-86 + 172 * i / 12, low - 20 + 30 * np.sin(np.pi * i / 12) + (6 if i % 2 else 0)) for i in range(13)]
    sheet = np.concatenate(
        [
            smooth([(-46, 308), (-66, 400), (-86, low - 20)]),
            smooth(edge, steps=4),
            smooth([(86, low - 20), (66, 400), (46, 308)]),
        ]
    )
    cloth(scene, sheet, colour, 14)
    band = path("M -52 300 C -20 309 20 309 52 300 L 53 320 C 20 329 -20 329 -53 320 Z") * [1.3 if body.boy else 1, 1]
    cloth(scene, band, colour, 8)
    if bib:
        pocket = path("M -30 350 L 30 350 L 28 402 C 10 410 -10 410 -28 402 Z")
        scene.shape(pocket, colour.base, colour.line, 1.9)
