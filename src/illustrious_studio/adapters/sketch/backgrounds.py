"""The backgrounds a sketch can have: drawn places, times and weathers, and plain colours.

Each place is one small function that draws on a canvas. All chance comes from the `Random` handed in.
"""

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageFilter

from illustrious_studio.adapters.sketch.canvas import RGB, Canvas, jittered
from illustrious_studio.domain.layout.word_lists import INDOORS

COLOURS: dict[str, RGB] = {
    "red": (225, 50, 50), "orange": (250, 150, 40), "yellow": (255, 220, 70), "green": (80, 180, 80),
    "blue": (60, 120, 220), "light blue": (160, 215, 250), "dark blue": (25, 40, 100), "purple": (140, 80, 190),
    "pink": (255, 170, 200), "brown": (140, 95, 60), "black": (15, 15, 18), "gray": (150, 150, 150),
    "white": (255, 255, 255), "beige": (240, 225, 195), "teal": (40, 160, 160),
}  # fmt: skip

_SPELLED = {"gray": ("gray", "grey"), "light blue": ("light blue", "sky blue"), "teal": ("teal", "cyan", "turquoise")}

PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "sea": (
        "sea", "ocean", "in the sea", "in the ocean", "under the sea", "under the ocean", "underwater", "under water",
        "deep sea", "undersea", "seabed", "coral reef", "aquarium",
    ),
    "beach": (
        "beach", "on the beach", "at the beach", "beach background", "by the sea", "on the sea", "on the ocean",
        "seaside", "seashore", "shore", "coast", "by the ocean", "tropical beach", "sandy beach", "on the water",
    ),
    "snow": (
        "snow", "in the snow", "on snow", "on the snow", "winter", "in winter", "snowy background", "snowy", "snowing",
        "snowy landscape", "arctic", "ice", "on ice", "snowfall", "snowstorm",
    ),
    "meadow": (
        "meadow", "in a meadow", "on the grass", "in the grass", "grass", "in a field", "field", "in a green meadow",
        "in the garden", "in a garden", "garden",
        "park", "in the park", "in a park", "lawn", "outdoors", "grassland", "farm",
        "hill", "hills", "countryside", "spring", "nature", "flower field", "field of flowers", "prairie", "savanna",
    ),
    "forest": (
        "forest", "in a forest", "in the forest", "woods", "in the woods", "forest background", "jungle", "rainforest",
        "wood", "woodland", "enchanted forest",
    ),
    "desert": (
        "desert", "in the desert", "in a desert", "on sand dunes", "sand dunes", "dunes", "sand", "on the sand",
        "desert background", "sahara",
    ),
    "space": (
        "space", "in space", "outer space", "in outer space", "space background", "among the stars", "galaxy",
        "universe", "cosmos", "in orbit", "nebula", "starry background",
    ),
    "city": (
        "city", "in the city", "in a city", "city background", "in front of skyscrapers", "skyscrapers", "cityscape",
        "street", "on the street", "in the street", "town", "downtown", "skyline", "urban", "road", "on the road",
        "village",
    ),
    "mountains": (
        "mountains", "in the mountains", "mountain background", "in front of mountains", "mountain range",
        "mountain landscape", "alps", "in the alps", "valley",
    ),
    "sky": (
        "sky", "in the sky", "in the blue sky", "blue sky", "sky with clouds", "with clouds", "cloudy sky", "clouds",
        "in the clouds", "above the clouds", "sky background",
    ),
    "room": (
        "room", "in a room", "in the room", "in her room", "in his room", "indoors", "interior", "in the house",
        "in a house", "inside a house", "inside the house", "at home", "living room", "in the living room",
        "in a living room", "by the window", "at the window", "near the window",
    ),
    "lake": (
        "lake", "on a lake", "on the lake", "at the lake", "by the lake", "by a lake", "lakeside", "pond", "in a pond",
        "by the pond", "by a pond",
    ),
    "river": (
        "river", "by the river", "by a river", "at the river", "riverside", "river bank", "riverbank", "stream",
        "by a stream", "creek", "brook",
    ),
    "waterfall": ("waterfall", "by a waterfall", "at a waterfall", "near a waterfall", "waterfalls"),
    "cave": ("cave", "in a cave", "in the cave", "cavern", "in a cavern", "grotto", "dungeon", "in a dungeon"),
    "autumn": (
        "autumn", "in autumn", "autumn forest", "autumn background", "autumn scenery", "autumn park", "fall foliage",
        "autumn foliage", "autumn day",
    ),
    "blossoms": (
        "cherry blossoms", "under cherry blossoms", "sakura", "sakura petals", "cherry blossom petals",
        "cherry blossom background", "falling petals", "petals", "sakura trees", "cherry trees", "cherry blossom trees",
    ),
}  # fmt: skip


def background_words() -> dict[str, tuple[str, ...]]:
    """Each background and the words that ask for it."""
    colours = {
        name: tuple(
            phrase.format(word)
            for word in _SPELLED.get(name, (name,))
            for phrase in ("{} background", "{} backdrop", "on {}", "{} wall", "plain {} background", "background {}")
        )
        for name in COLOURS
    }
    colours["white"] += ("simple background", "plain background", "transparent background", "no background")
    return PLACE_WORDS | dict.fromkeys(("night", "sunset", "rain", "fog"), ()) | colours


def draw_background(name: str, time: str, width: int, height: int, random: Random, weather: str = "") -> Image.Image:
    """The background at that size. `time` and `weather` are the light and what falls over a place."""
    if name in COLOURS:
        return Image.new("RGB", (width, height), jittered(COLOURS[name], random, 0 if name == "white" else 8))
    place = _PLACES[name]
    # Drawn at least at double size for small pictures and softened on the way down.
    scale = max(1, math.ceil(512 / min(width, height)))
    canvas = Canvas(width * scale, height * scale, random, time)
    place(canvas)
    outside = name not in INDOORS
    if weather == "fog":
        canvas.fog()
    if time == "night":
        canvas.darken(stars=outside and not weather)
    elif time == "sunset":
        canvas.redden()
    if weather == "rain" and outside:
        canvas.rain()
    elif weather == "snow" and outside:
        canvas.snowfall()
    return canvas.image.resize((width, height), Image.Resampling.LANCZOS)


def _sunset(c: Canvas) -> None:
    c.sky((95, 60, 140), (255, 170, 80))
    c.disc(c.chance(0.18, 0.82), c.chance(0.58, 0.68), 0.137, (255, 225, 120))
    c.hill(0.79, 0.023, c.shade((80, 45, 85)))


def _night(c: Canvas) -> None:
    c.sky((12, 16, 50), (45, 60, 120))
    c.stars(40, 0.7, ((255, 250, 210),))
    c.disc(c.chance(0.12, 0.88), c.chance(0.1, 0.21), 0.066, (250, 240, 190))
    c.hill(0.83, 0.023, c.shade((20, 35, 50)))


def _sea(c: Canvas) -> None:
    c.sky((60, 170, 220), (10, 60, 130))
    for _ in range(18):
        c.disc(c.chance(0, 1), c.chance(0, 1), c.chance(0.01, 0.027), (190, 230, 250), outline=True)
    c.hill(0.9, 0.02, c.shade((210, 190, 130)))


def _beach(c: Canvas) -> None:
    c.sky((120, 200, 250), (200, 235, 255))
    c.floor(0.49, c.shade((40, 150, 200)))
    c.hill(0.68, 0.027, c.shade((240, 215, 150)))
    c.sun(0.14, 0.07, (255, 225, 90))


def _snow(c: Canvas) -> None:
    c.sky((150, 190, 230), (225, 238, 250))
    c.hill(0.7, 0.035, (235, 243, 252))
    c.hill(0.8, 0.023, (250, 252, 255))
    for _ in range(40):
        c.disc(c.chance(0, 1), c.chance(0, 1), c.chance(0.006, 0.013), (255, 255, 255))


def _meadow(c: Canvas) -> None:
    c.sky((120, 195, 250), (215, 238, 255))
    c.cloud(c.chance(0.12, 0.86), c.chance(0.1, 0.22), 0.074)
    c.hill(0.645, 0.035, c.shade((120, 200, 90)))
    c.hill(0.76, 0.027, c.shade((90, 175, 70)))
    for _ in range(16):
        petal = c.random.choice(((255, 255, 255), (255, 220, 80), (250, 130, 160)))
        c.disc(c.chance(0, 1), c.chance(0.79, 0.98), 0.012, petal)


def _forest(c: Canvas) -> None:
    c.sky((190, 225, 190), (110, 165, 110))
    for base, colour in ((0.72, (70, 130, 80)), (0.86, (45, 100, 60))):
        x = c.chance(-0.08, 0)
        while x < 1.08:
            c.triangle(x, base, 0.094, c.chance(0.47, 0.64), c.shade(colour))
            x += c.chance(0.12, 0.19) * c.unit / c.width
    c.floor(0.82, c.shade((70, 110, 50)))


def _desert(c: Canvas) -> None:
    c.sky((130, 200, 245), (255, 235, 190))
    c.sun(0.16, 0.078, (255, 215, 80))
    c.hill(0.625, 0.059, c.shade((235, 185, 110)))
    c.hill(0.78, 0.047, c.shade((215, 160, 85)))


def _space(c: Canvas) -> None:
    c.sky((10, 8, 28), (40, 20, 70))
    c.stars(60, 1, ((255, 255, 255), (200, 220, 255), (255, 240, 200)))
    planet = c.random.choice(((200, 110, 80), (110, 150, 210), (160, 120, 190)))
    c.disc(c.random.choice((0.12, 0.88)), c.chance(0.08, 0.92), c.chance(0.05, 0.117), planet)


def _city(c: Canvas) -> None:
    c.sky((140, 195, 240), (230, 240, 250))
    x, base, step = -0.02 * c.width, 0.84 * c.height, c.unit / 512
    while x < c.width:
        wide, high = c.chance(50, 85) * step, c.chance(150, 330) * step
        wall = c.shade(c.random.choice(((95, 110, 140), (125, 135, 160), (110, 100, 130))), 8)
        c.draw.rectangle((x, base - high, x + wide, base), fill=wall)
        for row in range(int((high - 20 * step) // (34 * step))):
            for column in range(int((wide - 14 * step) // (24 * step))):
                left, top = x + (10 + 24 * column) * step, base - high + (15 + 34 * row) * step
                c.draw.rectangle((left, top, left + 11 * step, top + 15 * step), fill=(250, 230, 150))
        x += wide + c.chance(0, 10) * step
    c.floor(0.84, c.shade((90, 90, 95)))


def _mountains(c: Canvas) -> None:
    c.sky((130, 190, 240), (225, 240, 252))
    for _ in range(3):
        x, high, wide, snow = c.chance(0.08, 0.92), c.chance(0.39, 0.59), c.chance(0.29, 0.41), 0.28
        c.triangle(x, 0.84, wide, high, c.shade((115, 125, 150)))
        peak = 0.84 - high * (1 - snow) * c.unit / c.height
        c.triangle(x, peak, wide * snow, high * snow, (250, 252, 255))
    c.hill(0.8, 0.023, c.shade((95, 165, 85)))


def _sky(c: Canvas) -> None:
    c.sky((70, 150, 235), (190, 225, 255))
    for _ in range(4):
        c.cloud(c.chance(0.06, 0.94), c.chance(0.08, 0.92), c.chance(0.055, 0.094))


def _room(c: Canvas) -> None:
    wall = c.shade(c.random.choice(((236, 222, 202), (214, 226, 232), (228, 220, 236), (222, 232, 214))))
    c.box(0, 0, 1, 0.74, wall)
    c.floor(0.74, c.shade((184, 136, 94)))
    for row in range(1, 4):
        y = 0.74 + 0.26 * (row / 4) ** 1.4
        c.box(0, y, 1, y + 0.004, (156, 112, 76))
    c.box(0, 0.72, 1, 0.745, (250, 246, 240))
    left = c.random.choice((c.chance(0.05, 0.12), c.chance(0.62, 0.68)))
    right, top, bottom = left + 0.27, 0.14, 0.5
    pane = {"night": (30, 44, 96), "sunset": (255, 178, 110)}.get(c.time, (160, 214, 250))
    c.box(left - 0.015, top - 0.015, right + 0.015, bottom + 0.015, (252, 250, 246))
    c.box(left, top, right, bottom, pane)
    middle = (left + right) / 2
    c.box(middle - 0.006, top, middle + 0.006, bottom, (252, 250, 246))
    c.box(left, (top + bottom) / 2 - 0.006, right, (top + bottom) / 2 + 0.006, (252, 250, 246))
    curtain = c.shade(c.random.choice(((206, 120, 120), (116, 150, 190), (140, 170, 130), (222, 180, 110))))
    for side in (left - 0.05, right - 0.01):
        c.box(side, top - 0.05, side + 0.06, bottom + 0.1, curtain)
    c.box(left - 0.07, top - 0.065, right + 0.07, top - 0.045, (120, 88, 62))


def _lake(c: Canvas) -> None:
    c.sky((120, 195, 250), (222, 240, 252))
    c.cloud(c.chance(0.12, 0.86), c.chance(0.1, 0.2), 0.07)
    c.hill(0.45, 0.04, c.shade((110, 150, 150)))
    c.hill(0.49, 0.025, c.shade((80, 150, 90)))
    c.floor(0.53, c.shade((70, 150, 205)))
    for _ in range(14):
        x, y, long = c.chance(0, 1), c.chance(0.56, 0.78), c.chance(0.04, 0.1)
        c.box(x, y, x + long, y + 0.005, (170, 214, 240))
    c.hill(0.83, 0.02, c.shade((100, 180, 80)))


def _river(c: Canvas) -> None:
    c.sky((120, 195, 250), (215, 238, 255))
    c.cloud(c.chance(0.12, 0.86), c.chance(0.1, 0.2), 0.07)
    c.hill(0.5, 0.05, c.shade((130, 180, 130)))
    c.hill(0.58, 0.02, c.shade((110, 190, 85)))
    begin, swing, end = c.chance(0.35, 0.65), c.random.choice((-0.16, 0.16)), c.chance(0.4, 0.6)
    banks: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for step in range(25):
        t = step / 24
        x = begin + (end - begin) * t + swing * math.sin(math.pi * 1.4 * t)
        half, y = 0.015 + 0.2 * t**1.6, (0.57 + 0.45 * t) * c.height
        banks[0].append(((x - half) * c.width, y))
        banks[1].append(((x + half) * c.width, y))
    c.draw.polygon([*banks[0], *reversed(banks[1])], fill=c.shade((75, 160, 215)))
    for _ in range(8):
        t = c.chance(0.35, 1)
        x = begin + (end - begin) * t + swing * math.sin(math.pi * 1.4 * t)
        c.box(x - 0.05 * t, 0.57 + 0.42 * t, x + 0.05 * t, 0.574 + 0.42 * t, (180, 220, 242))


def _waterfall(c: Canvas) -> None:
    c.sky((150, 210, 245), (215, 236, 250))
    c.box(0, 0.2, 1, 0.8, c.shade((112, 106, 100)))
    c.hill(0.19, 0.02, c.shade((88, 160, 80)))
    c.box(0, 0.24, 1, 0.8, c.shade((120, 112, 104), 6))
    for _ in range(24):
        x, y = c.chance(0, 1), c.chance(0.26, 0.74)
        c.box(x, y, x + c.chance(0.05, 0.14), y + c.chance(0.012, 0.035), c.shade((100, 94, 88), 14))
    left = c.chance(0.3, 0.45)
    right = left + 0.25
    c.box(left, 0.19, right, 0.78, (176, 220, 242))
    for _ in range(22):
        x, y = c.chance(left, right - 0.012), c.chance(0.2, 0.6)
        c.box(x, y, x + 0.01, y + c.chance(0.08, 0.18), (232, 246, 253))
    c.floor(0.75, c.shade((70, 155, 200)))
    for _ in range(12):
        c.disc(c.chance(left - 0.02, right + 0.02), c.chance(0.73, 0.78), c.chance(0.02, 0.04), (236, 247, 253))
    c.hill(0.9, 0.015, c.shade((96, 165, 80)))


def _cave(c: Canvas) -> None:
    c.sky((58, 50, 54), (78, 66, 66))
    x, y = c.chance(0.35, 0.65), 0.5
    if c.time != "night":
        for radius, colour in ((0.34, (104, 96, 92)), (0.28, (150, 150, 146)), (0.22, (205, 222, 230))):
            c.disc(x, y, radius, colour)
    c.floor(0.72, c.shade((86, 74, 70)))
    for _ in range(14):
        c.triangle(c.chance(0, 1), -0.01, c.chance(0.03, 0.07), -c.chance(0.08, 0.26), c.shade((52, 45, 48), 6))
    for _ in range(9):
        c.triangle(c.random.choice((c.chance(0, 0.25), c.chance(0.75, 1))), 0.78, 0.05, c.chance(0.06, 0.16),
                   c.shade((66, 57, 58), 6))  # fmt: skip


def _autumn(c: Canvas) -> None:
    c.sky((190, 215, 235), (250, 236, 205))
    _trees(c, ((214, 112, 40), (232, 150, 52), (190, 70, 40), (240, 186, 70)), (112, 74, 50))
    c.hill(0.78, 0.02, c.shade((176, 140, 70)))
    c.leaves(60, ((214, 100, 40), (236, 160, 60), (190, 66, 40)))


def _blossoms(c: Canvas) -> None:
    c.sky((150, 205, 250), (250, 232, 242))
    _trees(c, ((250, 182, 208), (246, 160, 194), (253, 206, 224)), (110, 80, 74))
    c.hill(0.78, 0.02, c.shade((136, 196, 104)))
    c.leaves(70, ((255, 214, 230), (250, 180, 208), (255, 232, 242)))


def _trees(c: Canvas, crowns: tuple[RGB, ...], bark: RGB) -> None:
    """A row of round trees, to both sides more than in the middle."""
    for x in (0.5, 0.3, 0.72, 0.1, 0.92):
        x, y = x + c.chance(-0.05, 0.05), c.chance(0.3, 0.38)
        c.box(x - 0.016, y, x + 0.016, 0.8, c.shade(bark, 6))
        for _ in range(9):
            c.disc(x + c.chance(-0.1, 0.1), y + c.chance(-0.14, 0.08), c.chance(0.06, 0.1), c.random.choice(crowns))


def _rain(c: Canvas) -> None:
    c.sky((120, 132, 152), (176, 186, 200))
    for _ in range(6):
        c.cloud(c.chance(0, 1), c.chance(0.02, 0.14), c.chance(0.08, 0.12), c.shade((104, 114, 132)))
    c.hill(0.74, 0.02, c.shade((92, 124, 98)))
    c.hill(0.82, 0.015, c.shade((84, 108, 98)))
    c.rain()


def _fog(c: Canvas) -> None:
    c.sky((222, 228, 234), (206, 212, 218))
    for base, colour in ((0.7, (196, 204, 210)), (0.82, (172, 182, 188))):
        x = c.chance(-0.08, 0.05)
        while x < 1.08:
            c.triangle(x, base, 0.08, c.chance(0.3, 0.46), c.shade(colour, 4))
            x += c.chance(0.16, 0.28) * c.unit / c.width
    c.hill(0.8, 0.02, c.shade((184, 192, 190), 4))


_PLACES: dict[str, Callable[[Canvas], None]] = {
    "sunset": _sunset, "night": _night, "sea": _sea, "beach": _beach, "snow": _snow, "meadow": _meadow,
    "forest": _forest, "desert": _desert, "space": _space, "city": _city, "mountains": _mountains, "sky": _sky,
    "room": _room, "lake": _lake, "river": _river, "waterfall": _waterfall, "cave": _cave, "autumn": _autumn,
    "blossoms": _blossoms, "rain": _rain, "fog": _fog,
}  # fmt: skip


def soften(image: Image.Image) -> Image.Image:
    """Takes the hard edges off, so that redrawing has no aliasing to copy."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 640))
