"""A canvas that backgrounds are drawn on, in shares: x from 0 to 1 across, y from 0 to 1 down, lengths in shares
of the shorter side. It knows skies, suns, hills, clouds, and what falls or lies over a place. Only Pillow, only shapes.
"""

import math
from random import Random

from PIL import Image, ImageDraw

RGB = tuple[int, int, int]


class Canvas:
    """The picture that is being drawn, its chance, and the light over it (`time`)."""

    def __init__(self, width: int, height: int, random: Random, time: str = "day") -> None:
        self.time = time
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.random = random
        self.width, self.height, self.unit = width, height, min(width, height)

    def chance(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def shade(self, colour: RGB, spread: float = 10) -> RGB:
        return jittered(colour, self.random, spread)

    def sky(self, top: RGB, bottom: RGB) -> None:
        top, bottom = self.shade(top), self.shade(bottom)
        self.image.paste(gradient(self.image, top, bottom))

    def disc(self, x: float, y: float, radius: float, colour: RGB, outline: bool = False) -> None:
        px, py, r = x * self.width, y * self.height, radius * self.unit
        box = (px - r, py - r, px + r, py + r)
        if outline:
            self.draw.ellipse(box, outline=colour, width=max(1, round(self.unit * 0.006)))
        else:
            self.draw.ellipse(box, fill=colour)

    def sun(self, y: float, radius: float, colour: RGB) -> None:
        """Not at night: the moon is there then."""
        x = self.chance(0.12, 0.88)
        if self.time != "night":
            self.disc(x, y, radius, colour)

    def hill(self, y: float, swing: float, colour: RGB) -> None:
        phase, waves = self.chance(0, math.tau), self.chance(0.6, 1.5)
        line = [
            (x, (y + swing * math.sin(phase + waves * math.tau * x / self.width)) * self.height)
            for x in range(0, self.width + 8, 8)
        ]
        self.draw.polygon([*line, (self.width + 8, self.height), (0, self.height)], fill=colour)

    def floor(self, y: float, colour: RGB) -> None:
        self.draw.rectangle((0, y * self.height, self.width, self.height), fill=colour)

    def cloud(self, x: float, y: float, size: float, colour: RGB = (255, 255, 255)) -> None:
        px, py, k = x * self.width, y * self.height, size * self.unit
        for dx, dy, part in ((0, 0, 1), (-1.1, 0.25, 0.7), (1.1, 0.25, 0.75), (0.2, 0.35, 0.8)):
            cx, cy = px + dx * k, py + dy * k
            self.draw.ellipse((cx - part * k, cy - part * k * 0.7, cx + part * k, cy + part * k * 0.7), fill=colour)

    def triangle(self, x: float, base: float, half_width: float, height: float, colour: RGB) -> None:
        px, py = x * self.width, base * self.height
        w, h = half_width * self.unit, height * self.unit
        self.draw.polygon([(px - w, py), (px + w, py), (px, py - h)], fill=colour)

    def stars(self, count: int, lowest: float, colours: tuple[RGB, ...]) -> None:
        for _ in range(count):
            self.disc(self.chance(0, 1), self.chance(0, lowest), self.chance(0.002, 0.007), self.random.choice(colours))

    def box(self, left: float, top: float, right: float, bottom: float, colour: RGB) -> None:
        self.draw.rectangle(
            (left * self.width, top * self.height, right * self.width, bottom * self.height), fill=colour
        )

    def leaves(self, count: int, colours: tuple[RGB, ...]) -> None:
        """Strewn over all of it, in the air and on the ground."""
        for _ in range(count):
            x, y, k = self.chance(0, self.width), self.chance(0, self.height), self.chance(0.007, 0.013) * self.unit
            self.draw.ellipse((x - k, y - k * 0.6, x + k, y + k * 0.6), fill=self.random.choice(colours))

    def fog(self) -> None:
        """Fog lies on a place, thickest where the ground begins."""
        self.image.paste(Image.blend(self.image, plain(self.image, (214, 220, 226)), 0.6))

    def rain(self) -> None:
        """It rains on a place: greyer, with drops that fall aslant and rings where they fall."""
        self.image.paste(Image.blend(self.image, plain(self.image, (92, 106, 128)), 0.45))
        for _ in range(90):
            x, y = self.chance(-0.05, 1.05) * self.width, self.chance(-0.05, 1) * self.height
            long = self.chance(0.03, 0.06) * self.unit
            line = (x, y, x - 0.28 * long, y + long)
            self.draw.line(line, fill=(196, 212, 232), width=max(1, round(self.unit * 0.004)))
        for _ in range(12):
            x, y, k = self.chance(0, 1) * self.width, self.chance(0.86, 0.98) * self.height, 0.02 * self.unit
            ring = (x - k, y - 0.35 * k, x + k, y + 0.35 * k)
            self.draw.ellipse(ring, outline=(186, 204, 226), width=max(1, round(self.unit * 0.003)))

    def snowfall(self) -> None:
        """It snows on a place."""
        self.image.paste(Image.blend(self.image, plain(self.image, (226, 234, 246)), 0.3))
        for _ in range(70):
            self.disc(self.chance(0, 1), self.chance(0, 1), self.chance(0.004, 0.011), (255, 255, 255))

    def darken(self, *, stars: bool = True) -> None:
        """Night falls on a place."""
        self.image.paste(Image.blend(self.image, plain(self.image, (14, 22, 74)), 0.62))
        if not stars:
            return
        self.stars(26, 0.4, ((255, 250, 210),))
        self.disc(self.chance(0.1, 0.9), self.chance(0.1, 0.18), 0.06, (250, 240, 190))

    def redden(self) -> None:
        """Evening falls on a place."""
        glow = gradient(self.image, (110, 60, 140), (255, 160, 80))
        self.image.paste(Image.blend(self.image, glow, 0.55))


def plain(like: Image.Image, colour: RGB) -> Image.Image:
    return Image.new("RGB", like.size, colour)


def gradient(like: Image.Image, top: RGB, bottom: RGB) -> Image.Image:
    mask = Image.linear_gradient("L").resize(like.size)
    return Image.composite(plain(like, bottom), plain(like, top), mask)


def jittered(colour: RGB, random: Random, spread: float) -> RGB:
    red, green, blue = (int(min(255, max(0, part + random.uniform(-spread, spread)))) for part in colour)
    return red, green, blue
