"""What is to be painted, in order, and painting it: areas of one colour or a vertical run of colours, and ink lines.

A `Scene` is collected first and has no size in pixels yet, so that its bounds are known without painting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from illustrious_studio.adapters.sketch.figures.geometry import Points, Warp, stroke

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Run:
    """Colours that run from top to bottom, each with its height."""

    stops: tuple[tuple[float, RGB], ...]


Paint = RGB | Run


@dataclass(frozen=True)
class Area:
    """Polygons filled together. `clip` are the polygons outside of which nothing of it is seen."""

    polygons: list[Points]
    paint: Paint
    clip: list[Points] | None = None
    opacity: float = 1
    blur: float = 0
    grown: float = 0
    """So much wider all around: an outline, when something covers the middle."""


@dataclass(frozen=True)
class Sprite:
    """A picture fitted into a square around a point."""

    image: Image.Image
    x: float
    y: float
    size: float


@dataclass
class Scene:
    """Areas in the order of painting."""

    weight: float = 1
    """How heavy lines are: a small figure needs heavier ones."""
    areas: list[Area | Sprite] = field(default_factory=list)
    warp: Warp | None = None
    """What is added goes through this: so a head is tilted and turned."""

    def _placed(self, polygons: Points | Sequence[Points]) -> list[Points]:
        many = [polygons] if isinstance(polygons, np.ndarray) else list(polygons)
        return [self.warp(one) for one in many] if self.warp else many

    def fill(
        self,
        shape: Points | Sequence[Points],
        paint: Paint,
        clip: Points | Sequence[Points] | None = None,
        opacity: float = 1,
        blur: float = 0,
    ) -> None:
        within = None if clip is None else self._placed(clip)
        self.areas.append(Area(self._placed(shape), paint, within, opacity, blur))

    def outline(self, shape: Points | Sequence[Points], colour: RGB, width: float = 2.2) -> None:
        """A line around the whole of these shapes, hidden where they overlap: fill them after this."""
        heavy = width * self.weight
        # A little to the lower right, so that lines are heavier on the side away from the light.
        shifted = [one + np.array([0.16, 0.3]) * heavy for one in self._placed(shape)]
        self.areas.append(Area(shifted, colour, grown=heavy))

    def shape(self, shape: Points | Sequence[Points], paint: Paint, colour: RGB, width: float = 2.2) -> None:
        self.outline(shape, colour, width)
        self.fill(shape, paint)

    def ink(
        self,
        points: Points,
        colour: RGB,
        width: float,
        start: float = 0.1,
        end: float = 0.1,
        clip: Points | Sequence[Points] | None = None,
        opacity: float = 1,
    ) -> None:
        """A line that swells and thins out."""
        placed = self.warp(points) if self.warp else points
        within = None if clip is None else self._placed(clip)
        pieces = stroke(placed, width * self.weight, start, end)
        self.areas.append(Area(pieces, colour, within, opacity))

    def bounds(self, bottom: float) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all that is above `bottom`."""
        boxes = np.array([box for area in self.areas if isinstance(area, Area) and (box := _box(area, bottom))])
        left, top = boxes[:, :2].min(axis=0) - 2
        right, low = boxes[:, 2:].max(axis=0) + 2
        return float(left), float(top), float(right), float(min(low, bottom))


def _box(area: Area, bottom: float) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of what is above `bottom` of an area, and not outside of its clip."""
    points = np.concatenate(area.polygons)
    if area.clip is not None:
        edges = np.concatenate(area.clip)
        points = np.clip(points, edges.min(axis=0), edges.max(axis=0))
    seen = points[points[:, 1] <= bottom]
    if not len(seen):
        return None
    (x0, y0), (x1, y1) = seen.min(axis=0) - area.grown, seen.max(axis=0) + area.grown
    return float(x0), float(y0), float(x1), float(y1)


class Painter:
    """Paints a scene at so many pixels a unit."""

    def __init__(self, width: int, height: int, left: float, top: float, scale: float) -> None:
        self._image = Image.new("RGBA", (width, height), (255, 255, 255, 0))
        self._draw = ImageDraw.Draw(self._image)
        self._origin, self._scale = np.array([left, top]), scale
        self._clips: dict[tuple[int, ...], Image.Image] = {}

    def paint(self, scene: Scene) -> Image.Image:
        for area in scene.areas:
            if isinstance(area, Sprite):
                self._sprite(area)
            else:
                self._area(area)
        return self._image

    def _pixels(self, points: Points) -> Points:
        return np.asarray((points - self._origin) * self._scale)

    def _sprite(self, sprite: Sprite) -> None:
        room = sprite.size * self._scale
        by = room / max(sprite.image.size)
        size = max(1, round(sprite.image.width * by)), max(1, round(sprite.image.height * by))
        small = sprite.image.resize(size, Image.Resampling.LANCZOS)
        x, y = self._pixels(np.array([sprite.x, sprite.y]))
        self._image.alpha_composite(small, (max(0, round(x - size[0] / 2)), max(0, round(y - size[1] / 2))))

    def _area(self, area: Area) -> None:
        many = [self._pixels(one) for one in area.polygons]
        plain = isinstance(area.paint, tuple) and area.clip is None and area.opacity == 1 and not area.blur
        if plain:
            self._polygons(self._draw, many, (*area.paint, 255), area.grown)  # type: ignore[misc]
            return
        reach = 2 + (area.grown + 3 * area.blur) * self._scale
        low = np.min([one.min(axis=0) for one in many], axis=0) - reach
        high = np.max([one.max(axis=0) for one in many], axis=0) + reach
        x0, y0 = (max(0, int(v)) for v in low)
        x1, y1 = (min(size, int(v) + 1) for size, v in zip(self._image.size, high, strict=True))
        if x1 <= x0 or y1 <= y0:
            return
        mask = Image.new("L", (x1 - x0, y1 - y0), 0)
        corner = np.array([x0, y0])
        self._polygons(ImageDraw.Draw(mask), [one - corner for one in many], 255, area.grown)
        if area.blur:
            mask = blurred(mask, area.blur * self._scale)
        if area.clip is not None:
            mask = ImageChops.darker(mask, self._clip(area.clip).crop((x0, y0, x1, y1)))
        if area.opacity < 1:
            mask = mask.point(lambda v: round(v * area.opacity))
        paint = area.paint
        full = self._run(paint, y0, x1 - x0, y1 - y0) if isinstance(paint, Run) else (*paint, 255)
        self._image.paste(full, (x0, y0, x1, y1), mask)

    def _polygons(
        self, draw: ImageDraw.ImageDraw, many: list[Points], fill: tuple[int, ...] | int, grown: float
    ) -> None:
        width = round(2 * grown * self._scale)
        for one in many:
            corners = one.ravel().tolist()
            draw.polygon(corners, fill=fill)
            if width > 1:
                draw.line([*corners, *corners[:4]], fill=fill, width=width, joint="curve")

    def _run(self, run: Run, top: int, width: int, height: int) -> Image.Image:
        ys = (np.arange(height) + top) / self._scale + self._origin[1]
        heights, colours = [at for at, _ in run.stops], np.array([colour for _, colour in run.stops])
        column = np.stack([*(np.interp(ys, heights, colours[:, i]) for i in range(3)), np.full(height, 255)], axis=1)
        return Image.fromarray(np.rint(column).astype(np.uint8)[:, None], "RGBA").resize((width, height))

    def _clip(self, shapes: list[Points]) -> Image.Image:
        key = tuple(hash(one.tobytes()) for one in shapes)
        if key not in self._clips:
            mask = Image.new("L", self._image.size, 0)
            self._polygons(ImageDraw.Draw(mask), [self._pixels(one) for one in shapes], 255, 0)
            self._clips[key] = mask
        return self._clips[key]


def blurred(mask: Image.Image, radius: float) -> Image.Image:
    """As a Gaussian blur would be, done at a small size: what is blurred has no fine detail."""
    by = max(1, int(radius / 3))
    small = mask.reduce(by) if by > 1 else mask

    soft = small.filter(ImageFilter.GaussianBlur(radius / by))
    return soft.resize(mask.size, Image.Resampling.BILINEAR)
