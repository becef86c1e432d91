"""What lies around the shoulders: a scarf, and a cape behind and in front."""

from illustrious_studio.adapters.sketch.figures.body import Body
from illustrious_studio.adapters.sketch.figures.canvas import Scene
from illustrious_studio.adapters.sketch.figures.cloth import cloth
from illustrious_studio.adapters.sketch.figures.geometry import ellipse, path, sided, smooth


def cape_behind(scene: Scene, body: Body) -> None:
    colour = body.look.colour("cape", "red")
    low = 500 if body.look.figure.pose == "sitting" else 860
    shape = path(
        f"M -70 130 C -128 180 -146 300 -156 420 C -166 560 -176 700 -172 {low} C -120 {low + 24} -80 "
        f"{low - 16} -40 {low + 8} "
        f"C 0 {low + 28} 40 {low - 14} 84 {low + 10} C 120 {low + 26} 150 {low} 172 {low} C 176 700 166 560 156 420 "
        "C 146 300 128 180 70 130 Z"
    )
    scene.shape(shape, colour.shade, colour.line)
    inner = path(f"M -60 130 C -100 200 -110 400 -120 {low + 40} L 120 {low + 40} C 110 400 100 200 60 130 Z")
    scene.fill(inner, colour.deep, clip=shape)
    for x in (-132, -96, 96, 132):
        scene.ink(
            smooth([(x * 0.62, 190), (x * 0.94, 420), (x * 1.1, low - 20)]), colour.line, 2.4, 0.1, 0.6, clip=shape
        )


def cape_before(scene: Scene, body: Body) -> None:
    colour = body.look.colour("cape", "red")
    wide = 1.2 if body.boy else 1.0
    for side in (-1, 1):
        shoulder = path(
            "M 16 106 C 50 118 92 128 108 168 C 126 230 134 300 138 380 C 116 350 98 260 84 210 C 66 186 34 170 8 160 Z"
        )
        cloth(scene, sided(shoulder, side) * [wide, 1], colour, 10)
        scene.ink(sided(smooth([(40, 134), (84, 170), (110, 250)]), side) * [wide, 1], colour.line, 2, 0.2, 0.2)
    scene.shape(ellipse(0, 158, 12, 12), (250, 214, 96), (150, 100, 40), 2)
    scene.fill(ellipse(0, 158, 6, 6), (216, 62, 72))


def scarf(scene: Scene, body: Body) -> None:
    colour = body.look.colour("scarf", "red")
    wide = 1.25 if body.boy else 1.0
    side = -1 if body.look.chance("scarf").random() < 0.5 else 1
    end = path("M 14 136 C 40 150 52 200 50 268 L 50 286 L 14 288 C 16 240 10 190 2 150 Z")
    cloth(scene, sided(end, side) * [wide, 1], colour, 10)
    for i in range(5):
        x = 17 + i * 7.6
        scene.ink(sided(smooth([(x, 286), (x + 1, 302)]), side) * [wide, 1], colour.line, 3.4, 1, 0.8)
    for y in (236, 252):
        scene.ink(sided(smooth([(17, y + 2), (49, y)]), side) * [wide, 1], colour.light, 4, 1, 1)
    loop = path(
        "M -46 100 C -30 118 30 118 46 100 C 60 112 64 134 50 148 C 26 168 -26 168 -50 148 C -64 134 -60 112 -46 100 Z"
    ) * [wide, 1]
    cloth(scene, loop, colour, 10)
    for curve in (
        [(-52, 126), (-10, 146), (40, 136)],
        [(-44, 112), (0, 132), (30, 128)],
        [(-30, 156), (10, 158), (44, 144)],
    ):
        scene.ink(smooth(curve) * [wide, 1], colour.line, 2.2, 0.1, 0.3, clip=loop)
