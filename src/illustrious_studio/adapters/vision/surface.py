"""What the whole surface of a picture is like, measured without any model: gradient, noise, light, its two halves.

Only Pillow; some milliseconds each.
"""

from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageStat

from illustrious_studio.adapters.vision.facts import RGB, colour_name, colour_shares

SIDE = 16
LEAST_RISE = 40
"""How much a channel must change across a gradient; less is a plain colour."""
LARGEST_MISFIT = 10.0
ROUGH = 4.0
BAND = 0.5
"""The share of a half that its colour must take to be named."""


@dataclass(frozen=True)
class Gradient:
    """One colour that becomes another, and along which way."""

    start: str
    end: str
    way: str


def gradient_of(image: Image.Image) -> Gradient | None:
    """The gradient that the whole picture is; None where there is anything else in it."""
    view = image.convert("RGB").resize((128, 128), Image.Resampling.BOX)
    if _roughness(view) > ROUGH:
        return None
    small = view.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()
    channels = [list(small[channel::3]) for channel in range(3)]
    middle = (SIDE - 1) / 2
    across = [(at % SIDE - middle) / middle for at in range(SIDE * SIDE)]
    down = [(at // SIDE - middle) / middle for at in range(SIDE * SIDE)]
    outward = [(x * x + y * y) ** 0.5 for x, y in zip(across, down, strict=True)]
    for ways in ((across, down), (outward,)):
        fits = [_fit(values, ways) for values in channels]
        rises = [[2 * fit.slopes[way] for fit in fits] for way in range(len(ways))]
        if (
            max(fit.misfit for fit in fits) > LARGEST_MISFIT
            or max(abs(part) for rise in rises for part in rise) < LEAST_RISE
        ):
            continue
        if len(ways) == 1:
            return _named([fit.at((0,)) for fit in fits], [fit.at((1,)) for fit in fits], "from the middle outwards")
        x, y = (max(rise, key=abs) for rise in rises)
        corner = (0 if abs(x) * 2 < abs(y) else -1, 0 if abs(y) * 2 < abs(x) else -1)
        way = {
            (-1, 0): "from left to right",
            (0, -1): "from top to bottom",
            (-1, -1): "from the upper left to the lower right",
        }[corner]
        if corner == (-1, -1) and x * y < 0:
            corner, way = (1, -1), "from the upper right to the lower left"
        return _named([fit.at(corner) for fit in fits], [fit.at((-corner[0], -corner[1])) for fit in fits], way)
    return None


def is_noise(image: Image.Image) -> bool:
    """Whether it is the same everywhere from afar, and grainy from near: noise, or a fine pattern."""
    near = image.convert("L").resize((min(256, image.width), min(256, image.height)), Image.Resampling.NEAREST)
    far = image.convert("RGB").resize((8, 8), Image.Resampling.BOX)
    return ImageStat.Stat(near).stddev[0] > 12 and max(ImageStat.Stat(far).stddev) < 7


def light(image: Image.Image) -> str:
    """How bright it is as a whole, where that is worth a word."""
    mean = ImageStat.Stat(image.convert("L")).mean[0]
    return "dark" if mean < 70 else "bright" if mean > 200 else ""


def halves(image: Image.Image) -> tuple[str, str] | None:
    """The colours of its upper and its lower part, where each has one, and they differ."""
    third = image.height // 3
    if not third:
        return None
    (above, much), *_ = colour_shares(image.crop((0, 0, image.width, third)))
    (below, as_much), *_ = colour_shares(image.crop((0, image.height - third, *image.size)))
    return (above, below) if above != below and min(much, as_much) >= BAND else None


@dataclass(frozen=True)
class _Fit:
    mean: float
    slopes: tuple[float, ...]
    offsets: tuple[float, ...]
    misfit: float

    def at(self, place: tuple[float, ...]) -> int:
        moved = sum(slope * (x - off) for slope, x, off in zip(self.slopes, place, self.offsets, strict=True))
        return round(min(255.0, max(0.0, self.mean + moved)))


def _fit(values: list[int], ways: tuple[list[float], ...]) -> _Fit:
    """A straight rise of the values along each way, by least squares; the ways are at right angles to each other."""
    mean = sum(values) / len(values)
    slopes, offsets = [], []
    for way in ways:
        off = sum(way) / len(way)
        spread = sum((x - off) ** 2 for x in way)
        slopes.append(sum((x - off) * (value - mean) for x, value in zip(way, values, strict=True)) / spread)
        offsets.append(off)
    missed = 0.0
    for at, value in enumerate(values):
        reached = sum(slope * (way[at] - off) for slope, way, off in zip(slopes, ways, offsets, strict=True))
        missed += (value - mean - reached) ** 2
    return _Fit(mean, tuple(slopes), tuple(offsets), (missed / len(values)) ** 0.5)


def _named(start: list[int], end: list[int], way: str) -> Gradient:
    first, last = _rgb(start), _rgb(end)
    return Gradient(colour_name(first), colour_name(last), way)


def _rgb(channels: list[int]) -> RGB:
    red, green, blue = channels
    return red, green, blue


def _roughness(image: Image.Image) -> float:
    """How much of it is finer than a gradient can be."""
    grey = image.convert("L")
    edges = grey.filter(ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128))
    return ImageStat.Stat(edges.crop((1, 1, grey.width - 1, grey.height - 1))).stddev[0]
