"""Colours: of hair, eyes and skin by their names, and what shade, line and light go with a colour."""

from typing import Final, NamedTuple

from illustrious_studio.adapters.sketch.backgrounds import COLOURS
from illustrious_studio.adapters.sketch.figures.canvas import RGB as RGB
from illustrious_studio.domain.layout.figures import Colour, EyeColour, HairColour, Skin

WHITE: Final[RGB] = (255, 255, 255)
INK: Final[RGB] = (58, 40, 52)


class Tones(NamedTuple):
    """A colour in the light, in the shade, deep in it, its outline, and where light strikes it."""

    base: RGB
    shade: RGB
    deep: RGB
    line: RGB
    light: RGB


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """So much of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def times(colour: RGB, red: float, green: float, blue: float) -> RGB:
    """Darker, as under a light of that colour."""
    return round(colour[0] * red), round(colour[1] * green), round(colour[2] * blue)


def tones(base: RGB) -> Tones:
    brightness = (base[0] * 0.3 + base[1] * 0.59 + base[2] * 0.11) / 255
    line = mix(times(base, 0.42, 0.34, 0.44), INK, 0.35)
    if brightness > 0.85:  # white things have grey-blue shades, and lines that are not black
        return Tones(base, times(base, 0.82, 0.84, 0.93), times(base, 0.68, 0.7, 0.82), (112, 108, 136), WHITE)
    if brightness < 0.25:
        light = mix(base, (150, 160, 205), 0.5)
        return Tones(base, times(base, 0.7, 0.66, 0.76), times(base, 0.5, 0.46, 0.56), (20, 16, 26), light)
    bright = 255 / max(base)
    light = mix(base, mix(times(base, bright, bright, bright), WHITE, 0.5), 0.72)
    return Tones(base, times(base, 0.8, 0.73, 0.84), times(base, 0.62, 0.53, 0.68), line, light)


HAIR: Final[dict[HairColour, RGB]] = {
    "black": (58, 54, 72), "brown": (122, 78, 58), "light_brown": (182, 132, 92), "blonde": (250, 218, 128),
    "red": (206, 58, 56), "orange": (244, 146, 66), "pink": (250, 168, 196), "purple": (146, 104, 198),
    "blue": (72, 112, 206), "light_blue": (150, 206, 246), "aqua": (98, 212, 212), "green": (104, 178, 110),
    "silver": (200, 206, 224), "grey": (148, 148, 160), "white": (246, 246, 252),
}  # fmt: skip
EYES: Final[dict[EyeColour, RGB]] = {
    "black": (70, 64, 84), "brown": (148, 90, 52), "red": (218, 48, 60), "orange": (240, 130, 40),
    "yellow": (244, 196, 46), "green": (66, 172, 92), "aqua": (46, 190, 196), "blue": (54, 122, 226),
    "purple": (142, 82, 206), "pink": (240, 100, 160), "grey": (136, 140, 156),
}  # fmt: skip
SKINS: Final[dict[Skin, Tones]] = {
    "pale": Tones((255, 240, 232), (247, 212, 206), (230, 180, 178), (168, 102, 98), (255, 250, 246)),
    "fair": Tones((255, 228, 208), (246, 194, 174), (228, 160, 142), (158, 86, 76), (255, 244, 232)),
    "tan": Tones((226, 172, 130), (200, 136, 100), (170, 108, 80), (112, 60, 44), (244, 204, 168)),
    "dark": Tones((150, 100, 72), (122, 74, 54), (96, 56, 42), (60, 32, 26), (184, 132, 100)),
}
BLUSH: Final[dict[Skin, RGB]] = {
    "pale": (250, 140, 140), "fair": (248, 126, 118), "tan": (214, 92, 74), "dark": (168, 68, 58),
}  # fmt: skip

CLOTH: Final[dict[str, RGB]] = {
    **COLOURS,
    "red": (206, 56, 60), "yellow": (250, 214, 96), "green": (92, 166, 98), "blue": (74, 124, 210),
    "dark blue": (48, 62, 116), "purple": (138, 94, 186), "black": (54, 52, 64), "gray": (158, 162, 172),
    "white": (250, 250, 252), "beige": (238, 222, 192), "teal": (58, 160, 162), "pink": (250, 172, 196),
}  # fmt: skip
"""The studio's colours, as cloth: a little softer, so that there is room for shade and folds."""


def hair_tones(colour: HairColour) -> Tones:
    if colour == "silver":
        return Tones((204, 210, 228), (164, 170, 204), (128, 132, 174), (84, 84, 122), (244, 247, 255))
    if colour == "white":
        return Tones((247, 247, 252), (208, 212, 232), (172, 176, 206), (112, 112, 144), WHITE)
    if colour == "blonde":
        return Tones((252, 222, 138), (234, 184, 98), (202, 144, 76), (134, 84, 52), (255, 248, 214))
    return tones(HAIR[colour])


def cloth_tones(colour: Colour | str) -> Tones:
    return tones(CLOTH[colour or "white"])
