"""The backgrounds a sketch can have: twelve drawn places and times, and plain colours. Only Pillow, only shapes.

Each place is one small function that draws on a canvas measured in shares: x from 0 to 1 across, y from 0 to 1 down,
lengths in shares of the shorter side. All chance comes from the `Random` handed in.
"""

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageFilter

RGB = tuple[int, int, int]

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
        "on a lake", "lake", "river", "pond",
    ),
    "snow": (
        "snow", "in the snow", "on snow", "on the snow", "winter", "in winter", "snowy background", "snowy", "snowing",
        "snowy landscape", "arctic", "ice", "on ice", "snowfall", "snowstorm",
    ),
    "meadow": (
        "meadow", "in a meadow", "on the grass", "in the grass", "grass", "in a field", "field", "in a green meadow",
        "in the garden", "in a garden", "park", "in the park", "in a park", "lawn", "outdoors", "grassland", "farm",
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
    return PLACE_WORDS | {"night": (), "sunset": ()} | colours


def draw_background(name: str, time: str, width: int, height: int, random: Random) -> Image.Image:
    """The background at that size. `time` is the light over a place."""
    if name in COLOURS:
        return Image.new("RGB", (width, height), _jittered(COLOURS[name], random, 0 if name == "white" else 8))
    place = _PLACES[name]
    # Drawn at least at double size for small pictures and softened on the way down.
    scale = max(1, math.ceil(512 / min(width, height)))
    canvas = _Canvas(width * scale, height * scale, random)
    place(canvas)
    if time == "night":
        canvas.darken()
    elif time == "sunset":
        canvas.redden()
    return canvas.image.resize((width, height), Image.Resampling.LANCZOS)


class _Canvas:
    def __init__(self, width: int, height: int, random: Random) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.random = random
        self.width, self.height, self.unit = width, height, min(width, height)

    def chance(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def shade(self, colour: RGB, spread: float = 10) -> RGB:
        return _jittered(colour, self.random, spread)

    def sky(self, top: RGB, bottom: RGB) -> None:
        top, bottom = self.shade(top), self.shade(bottom)
        self.image.paste(_gradient(self.image, top, bottom))

    def disc(self, x: float, y: float, radius: float, colour: RGB, outline: bool = False) -> None:
        px, py, r = x * self.width, y * self.height, radius * self.unit
        box = (px - r, py - r, px + r, py + r)
        if outline:
            self.draw.ellipse(box, outline=colour, width=max(1, round(self.unit * 0.006)))
        else:
            self.draw.ellipse(box, fill=colour)

    def hill(self, y: float, swing: float, colour: RGB) -> None:
        phase, waves = self.chance(0, math.tau), self.chance(0.6, 1.5)
        line = [
            (x, (y + swing * math.sin(phase + waves * math.tau * x / self.width)) * self.height)
            for x in range(0, self.width + 8, 8)
        ]
        self.draw.polygon([*line, (self.width + 8, self.height), (0, self.height)], fill=colour)

    def floor(self, y: float, colour: RGB) -> None:
        self.draw.rectangle((0, y * self.height, self.width, self.height), fill=colour)

    def cloud(self, x: float, y: float, size: float) -> None:
        px, py, k = x * self.width, y * self.height, size * self.unit
        for dx, dy, part in ((0, 0, 1), (-1.1, 0.25, 0.7), (1.1, 0.25, 0.75), (0.2, 0.35, 0.8)):
            cx, cy = px + dx * k, py + dy * k
            self.draw.ellipse((cx - part * k, cy - part * k * 0.7, cx + part * k, cy + part * k * 0.7), fill="white")

    def triangle(self, x: float, base: float, half_width: float, height: float, colour: RGB) -> None:
        px, py = x * self.width, base * self.height
        w, h = half_width * self.unit, height * self.unit
        self.draw.polygon([(px - w, py), (px + w, py), (px, py - h)], fill=colour)

    def stars(self, count: int, lowest: float, colours: tuple[RGB, ...]) -> None:
        for _ in range(count):
            self.disc(self.chance(0, 1), self.chance(0, lowest), self.chance(0.002, 0.007), self.random.choice(colours))

    def darken(self) -> None:
        """Night falls on a place."""
        self.image.paste(Image.blend(self.image, _plain(self.image, (14, 22, 74)), 0.62))
        self.stars(26, 0.4, ((255, 250, 210),))
        self.disc(self.chance(0.1, 0.9), self.chance(0.1, 0.18), 0.06, (250, 240, 190))

    def redden(self) -> None:
        """Evening falls on a place."""
        glow = _gradient(self.image, (110, 60, 140), (255, 160, 80))
        self.image.paste(Image.blend(self.image, glow, 0.55))


def _sunset(c: _Canvas) -> None:
    c.sky((95, 60, 140), (255, 170, 80))
    c.disc(c.chance(0.18, 0.82), c.chance(0.58, 0.68), 0.137, (255, 225, 120))
    c.hill(0.79, 0.023, c.shade((80, 45, 85)))


def _night(c: _Canvas) -> None:
    c.sky((12, 16, 50), (45, 60, 120))
    c.stars(40, 0.7, ((255, 250, 210),))
    c.disc(c.chance(0.12, 0.88), c.chance(0.1, 0.21), 0.066, (250, 240, 190))
    c.hill(0.83, 0.023, c.shade((20, 35, 50)))


def _sea(c: _Canvas) -> None:
    c.sky((60, 170, 220), (10, 60, 130))
    for _ in range(18):
        c.disc(c.chance(0, 1), c.chance(0, 1), c.chance(0.01, 0.027), (190, 230, 250), outline=True)
    c.hill(0.9, 0.02, c.shade((210, 190, 130)))


def _beach(c: _Canvas) -> None:
    c.sky((120, 200, 250), (200, 235, 255))
    c.floor(0.49, c.shade((40, 150, 200)))
    c.hill(0.68, 0.027, c.shade((240, 215, 150)))
    c.disc(c.chance(0.12, 0.88), 0.14, 0.07, (255, 225, 90))


def _snow(c: _Canvas) -> None:
    c.sky((150, 190, 230), (225, 238, 250))
    c.hill(0.7, 0.035, (235, 243, 252))
    c.hill(0.8, 0.023, (250, 252, 255))
    for _ in range(40):
        c.disc(c.chance(0, 1), c.chance(0, 1), c.chance(0.006, 0.013), (255, 255, 255))


def _meadow(c: _Canvas) -> None:
    c.sky((120, 195, 250), (215, 238, 255))
    c.cloud(c.chance(0.12, 0.86), c.chance(0.1, 0.22), 0.074)
    c.hill(0.645, 0.035, c.shade((120, 200, 90)))
    c.hill(0.76, 0.027, c.shade((90, 175, 70)))
    for _ in range(16):
        petal = c.random.choice(((255, 255, 255), (255, 220, 80), (250, 130, 160)))
        c.disc(c.chance(0, 1), c.chance(0.79, 0.98), 0.012, petal)


def _forest(c: _Canvas) -> None:
    c.sky((190, 225, 190), (110, 165, 110))
    for base, colour in ((0.72, (70, 130, 80)), (0.86, (45, 100, 60))):
        x = c.chance(-0.08, 0)
        while x < 1.08:
            c.triangle(x, base, 0.094, c.chance(0.47, 0.64), c.shade(colour))
            x += c.chance(0.12, 0.19) * c.unit / c.width
    c.floor(0.82, c.shade((70, 110, 50)))


def _desert(c: _Canvas) -> None:
    c.sky((130, 200, 245), (255, 235, 190))
    c.disc(c.chance(0.12, 0.88), 0.16, 0.078, (255, 215, 80))
    c.hill(0.625, 0.059, c.shade((235, 185, 110)))
    c.hill(0.78, 0.047, c.shade((215, 160, 85)))


def _space(c: _Canvas) -> None:
    c.sky((10, 8, 28), (40, 20, 70))
    c.stars(60, 1, ((255, 255, 255), (200, 220, 255), (255, 240, 200)))
    planet = c.random.choice(((200, 110, 80), (110, 150, 210), (160, 120, 190)))
    c.disc(c.random.choice((0.12, 0.88)), c.chance(0.08, 0.92), c.chance(0.05, 0.117), planet)


def _city(c: _Canvas) -> None:
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


def _mountains(c: _Canvas) -> None:
    c.sky((130, 190, 240), (225, 240, 252))
    for _ in range(3):
        x, high, wide, snow = c.chance(0.08, 0.92), c.chance(0.39, 0.59), c.chance(0.29, 0.41), 0.28
        c.triangle(x, 0.84, wide, high, c.shade((115, 125, 150)))
        peak = 0.84 - high * (1 - snow) * c.unit / c.height
        c.triangle(x, peak, wide * snow, high * snow, (250, 252, 255))
    c.hill(0.8, 0.023, c.shade((95, 165, 85)))


def _sky(c: _Canvas) -> None:
    c.sky((70, 150, 235), (190, 225, 255))
    for _ in range(4):
        c.cloud(c.chance(0.06, 0.94), c.chance(0.08, 0.92), c.chance(0.055, 0.094))


_PLACES: dict[str, Callable[[_Canvas], None]] = {
    "sunset": _sunset, "night": _night, "sea": _sea, "beach": _beach, "snow": _snow, "meadow": _meadow,
    "forest": _forest, "desert": _desert, "space": _space, "city": _city, "mountains": _mountains, "sky": _sky,
}  # fmt: skip


def _plain(like: Image.Image, colour: RGB) -> Image.Image:
    return Image.new("RGB", like.size, colour)


def _gradient(like: Image.Image, top: RGB, bottom: RGB) -> Image.Image:
    mask = Image.linear_gradient("L").resize(like.size)
    return Image.composite(_plain(like, bottom), _plain(like, top), mask)


def _jittered(colour: RGB, random: Random, spread: float) -> RGB:
    red, green, blue = (int(min(255, max(0, part + random.uniform(-spread, spread)))) for part in colour)
    return red, green, blue


def soften(image: Image.Image) -> Image.Image:
    """Takes the hard edges off, so that redrawing has no aliasing to copy."""
    return image.filter(ImageFilter.GaussianBlur(min(image.size) / 640))
