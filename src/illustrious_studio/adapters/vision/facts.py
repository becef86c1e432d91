"""What can be measured in a picture without any model: colours by name, flatness, light, sharpness, separate things.

Only Pillow; some milliseconds each.
"""

import colorsys
from collections import Counter
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageStat

RGB = tuple[int, int, int]
PLAIN = 24
SIDE = 96
SMALLEST = 60

HUES = (
    (68, "yellow", "light yellow", "olive"),
    (160, "green", "light green", "dark green"),
    (192, "teal", "light teal", "dark teal"),
    (258, "blue", "light blue", "dark blue"),
    (292, "purple", "light purple", "dark purple"),
    (361, "pink", "light pink", "dark pink"),
)
"""Hues up to that many degrees: their name, and the name of their light and dark shades."""


@dataclass(frozen=True)
class Thing:
    """Something that stands out: its pixels on white, its middle as shares of the picture's width and height, and the
    share of the picture that it covers."""

    image: Image.Image
    middle: tuple[float, float]
    share: float


def colour_shares(image: Image.Image) -> list[tuple[str, float]]:
    """Names of the colours and their shares of the area, largest first; what is under 2 % is left out."""
    small = image.convert("RGB").resize((128, 128), Image.Resampling.BOX)
    few = small.quantize(48, Image.Quantize.MEDIANCUT, kmeans=2)
    palette = few.getpalette() or []
    names = [colour_name((red, green, blue)) for red, green, blue in zip(*[iter(palette)] * 3, strict=True)]
    pixels: Counter[str] = Counter()
    for index, count in Counter(few.tobytes()).items():
        pixels[names[index]] += count
    return [(name, count / pixels.total()) for name, count in pixels.most_common() if count >= 0.02 * pixels.total()]


def colour_name(colour: RGB) -> str:
    """What people call this colour."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
    hue *= 360
    if value < 0.18:
        return "black"
    if saturation < 0.1 or (saturation < 0.2 and value < 0.35):
        return "white" if value > 0.92 else "light gray" if value > 0.72 else "gray" if value > 0.4 else "dark gray"
    if 15 <= hue < 65 and saturation < 0.35 and value > 0.75:
        return "beige"
    if hue < 15 or hue >= 345:
        if value > 0.85 and saturation < 0.55:
            return "pink"
        return "red" if value > 0.45 or saturation < 0.3 else "dark red"
    if hue < 45:
        return "orange" if value > 0.78 and saturation > 0.5 else "brown"
    name, light, dark = next(names for below, *names in HUES if hue < below)
    return light if value > 0.8 and saturation < 0.45 else dark if value < 0.42 else name


def is_flat(image: Image.Image) -> bool:
    """Whether most neighbouring pixels are the very same: a drawing of plain areas, not a photograph or a painting."""
    part = image.convert("RGB")
    part = part.resize((min(256, part.width), min(256, part.height)), Image.Resampling.NEAREST)
    if part.width < 2:
        return True
    steps = ImageChops.difference(part.crop((1, 0, *part.size)), part.crop((0, 0, part.width - 1, part.height)))
    red, green, blue = steps.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return largest.histogram()[0] > 0.6 * largest.width * largest.height


def faults(image: Image.Image, flat: bool) -> list[str]:
    """What is measurably wrong with it."""
    grey = image.convert("L")
    statistics = ImageStat.Stat(grey)
    found = []
    if statistics.stddev[0] < 3:
        found.append("it is almost one single colour")
    elif statistics.mean[0] < 35:
        found.append("it is very dark")
    elif statistics.mean[0] > 235 and statistics.stddev[0] < 25:
        found.append("it is very bright")
    elif statistics.stddev[0] < 18:
        found.append("it has very little contrast")
    if min(image.size) < 128:
        found.append("it is very small")
    if statistics.stddev[0] >= 3 and not flat:
        view = grey.copy()
        view.thumbnail((1024, 1024))
        edges = view.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
        if ImageStat.Stat(edges.crop((1, 1, view.width - 1, view.height - 1))).stddev[0] < 3.5:
            found.append("it is blurred or has no fine detail")
    return found


def separate_things(image: Image.Image, most: int = 8) -> list[Thing]:
    """Things that stand out from what is left and right of them, each cut out and put on white; largest first.

    Works on plain grounds and on skies, and finds nothing where the ground is as varied as the things.
    """
    side = SIDE
    view = image.convert("RGB")
    view.thumbnail((512, 512))
    points = view.resize((side, side), Image.Resampling.BOX).tobytes()
    marked = set()
    for y in range(side):
        row = [(points[at], points[at + 1], points[at + 2]) for at in range(3 * side * y, 3 * side * (y + 1), 3)]
        left, right = row[0], row[-1]
        marked |= {(x, y) for x, colour in enumerate(row) if min(_apart(colour, left), _apart(colour, right)) >= PLAIN}
    if len(marked) > 0.7 * side**2:
        return []
    patches = []
    while marked:
        patch, edge = set(), [marked.pop()]
        while edge:
            x, y = edge.pop()
            patch.add((x, y))
            for beside in ((x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                if beside in marked:
                    marked.remove(beside)
                    edge.append(beside)
        if len(patch) >= SMALLEST:
            patches.append(patch)
    patches.sort(key=len, reverse=True)
    return [_cut_out(view, patch) for patch in patches[:most]]


def has_plain_ground(image: Image.Image) -> bool:
    """Whether nearly all of its border is one colour."""
    small = image.convert("RGB").resize((64, 64), Image.Resampling.BOX)
    points = small.tobytes()
    edges = [at for at in range(64 * 64) if at % 64 in (0, 63) or at // 64 in (0, 63)]
    border = [(points[3 * at], points[3 * at + 1], points[3 * at + 2]) for at in edges]
    ground = Counter(border).most_common(1)[0][0]
    return sum(_apart(colour, ground) < PLAIN for colour in border) >= 0.9 * len(border)


def _apart(one: RGB, other: RGB) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _cut_out(image: Image.Image, patch: set[tuple[int, int]]) -> Thing:
    """The patch alone in the middle of a white square."""
    mask = Image.frombytes("L", (SIDE, SIDE), bytes(255 * ((x, y) in patch) for y in range(SIDE) for x in range(SIDE)))
    mask = mask.filter(ImageFilter.MaxFilter(3)).resize(image.size, Image.Resampling.BILINEAR)
    box = mask.getbbox() or (0, 0, *image.size)
    room = round(1.1 * max(box[2] - box[0], box[3] - box[1]))
    square = Image.new("RGB", (room, room), "white")
    corner = (room - box[2] + box[0]) // 2, (room - box[3] + box[1]) // 2
    square.paste(image.crop(box), corner, mask.crop(box))
    middle = (box[0] + box[2]) / 2 / image.width, (box[1] + box[3]) / 2 / image.height
    return Thing(square, middle, len(patch) / SIDE**2)
