"""Paints layouts: 557 packaged drawings in two styles (see data/sprites/NOTICE), on drawn backgrounds."""

import asyncio
from pathlib import Path
from random import Random
from typing import Literal

from PIL import Image, ImageChops, ImageOps
from pydantic import BaseModel, TypeAdapter

from illustrious_studio.adapters.sketch.backgrounds import COLOURS, background_words, draw_background, soften
from illustrious_studio.adapters.sketch.figures import aspect_of, draw, face_at
from illustrious_studio.domain.layout.figures import Figure, completed
from illustrious_studio.domain.layout.values import KnownObject, Layout, ObjectKind, Placed
from illustrious_studio.domain.pictures import Picture

SPRITES = Path(__file__).parents[2] / "data" / "sprites"
FOLDERS: dict[Literal["flat", "cartoon"], str] = {"flat": "fluent", "cartoon": "noto"}


class _Entry(BaseModel):
    """A line of objects.json."""

    name: str
    file: str
    kind: ObjectKind
    size: float
    aspect: float
    head: float
    synonyms: tuple[str, ...]
    stands_for: tuple[str, ...] = ()
    tags: tuple[str, ...]


class SpritePainter:
    """Implements SketchPainter."""

    def __init__(self, folder: Path = SPRITES) -> None:
        self._folder = folder
        entries = TypeAdapter(list[_Entry]).validate_json((folder / "objects.json").read_bytes())
        self._files = {entry.name: entry.file for entry in entries}
        self._files |= {"girl": self._files["princess"], "boy": self._files["superhero"]}
        self._objects = tuple(KnownObject.model_validate(entry.model_dump(exclude={"file"})) for entry in entries)

    def objects(self) -> tuple[KnownObject, ...]:
        return self._objects

    def backgrounds(self) -> dict[str, tuple[str, ...]]:
        return background_words()

    def faces(self, layout: Layout, width: int, height: int) -> list[tuple[float, float, float, float]]:
        return [
            _face(thing, completed(thing.figure), width, height) for thing in layout.things if thing.figure is not None
        ]

    async def paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        return await asyncio.to_thread(self._paint, layout, width, height, seed)

    def _paint(self, layout: Layout, width: int, height: int, seed: int) -> Picture:
        picture = draw_background(layout.background, layout.time, width, height, Random(seed), layout.weather)
        for thing in layout.things:
            self._put(picture, thing, layout.style)
        return Picture.from_image(soften(picture))

    def _put(self, picture: Image.Image, thing: Placed, style: Literal["flat", "cartoon"]) -> None:
        if thing.figure is not None:
            self._put_figure(picture, thing, completed(thing.figure), style)
            return
        sprite = self._sprite(thing.what, style)
        if thing.colour:
            sprite = tinted(sprite, thing.colour)
        room_w, room_h = thing.w * picture.width, thing.h * picture.height
        scale = min(room_w / sprite.width, room_h / sprite.height)
        size = max(1, round(sprite.width * scale)), max(1, round(sprite.height * scale))
        # Pillow premultiplies alpha while it resizes RGBA, so no dark rim appears.
        small = sprite.resize(size, Image.Resampling.LANCZOS)
        corner = round(thing.x * picture.width - size[0] / 2), round(thing.y * picture.height - size[1] / 2)
        picture.paste(small, corner, small)

    def _put_figure(
        self, picture: Image.Image, place: Placed, figure: Figure, style: Literal["flat", "cartoon"]
    ) -> None:
        """Stands on the lower edge of its box, as large as the box allows."""
        height, foot = _stood(place, figure, picture.width, picture.height)
        held = self._sprite(figure.holding, style) if figure.holding in self._files else None
        if held is not None and figure.holding_colour:
            held = tinted(held, figure.holding_colour)
        drawn = draw(figure, height, held)
        picture.paste(drawn, (round(place.x * picture.width - drawn.width / 2), round(foot) - drawn.height), drawn)

    def _sprite(self, name: str, style: Literal["flat", "cartoon"]) -> Image.Image:
        with Image.open(self._folder / FOLDERS[style] / self._files[name]) as file:
            sprite = file.convert("RGBA")
        return sprite.crop(sprite.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox())


def _face(place: Placed, figure: Figure, width: int, height: int) -> tuple[float, float, float, float]:
    tall, foot = _stood(place, figure, width, height)
    wide = tall * aspect_of(figure)
    left, top, right, bottom = face_at(figure)
    corner = place.x * width - wide / 2, foot - tall
    return corner[0] + left * wide, corner[1] + top * tall, corner[0] + right * wide, corner[1] + bottom * tall


def _stood(place: Placed, figure: Figure, width: int, height: int) -> tuple[int, float]:
    """How high a figure is in a picture of that size, and where its lower edge is, in pixels."""
    tall = max(1, round(min(place.h * height, place.w * width / aspect_of(figure))))
    foot = (place.y + place.h / 2) * height
    if figure.framing != "full_body" and foot > height * 0.97:
        foot = height + 1  # cut off by the picture, not by a line above its edge
    return tall, foot


def tinted(sprite: Image.Image, colour: str) -> Image.Image:
    """The sprite in that colour: light stays light and dark stays dark, and only its main hue changes."""
    target = COLOURS[colour]
    alpha = sprite.getchannel("A")
    rgb = sprite.convert("RGB")
    grey = rgb.convert("L")
    main = _main_hue(rgb, alpha)
    middle = _median(grey.histogram(main))
    shadow, shine = tuple(part // 4 for part in target), tuple(255 - (255 - part) // 3 for part in target)
    painted = ImageOps.colorize(grey, shadow, shine, target, midpoint=min(max(middle, 40), 215))
    painted = Image.composite(painted, rgb, main)
    painted.putalpha(alpha)
    return painted


def _median(histogram: list[int]) -> int:
    half, seen = sum(histogram) / 2, 0
    for value, count in enumerate(histogram):
        seen += count
        if seen >= half:
            return value
    return 128


def _main_hue(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    """A mask of the pixels to recolour: those near the commonest hue; of a grey thing, all but black."""
    hue, saturation, value = rgb.convert("HSV").split()
    coloured = saturation.point(lambda part: 255 if part > 60 else 0)
    visible = ImageChops.darker(coloured, alpha.point(lambda part: 255 if part > 128 else 0))
    counts = hue.histogram(visible)
    if sum(counts) < 0.25 * sum(alpha.histogram()[129:]):
        return ImageChops.darker(value.point(lambda part: 255 if part > 35 else 0), alpha)
    windows = [sum(counts[(centre + step) % 256] for step in range(-18, 19)) for centre in range(256)]
    main = windows.index(max(windows))
    near = hue.point([255 if min((h - main) % 256, (main - h) % 256) <= 26 else 0 for h in range(256)])
    return ImageChops.darker(near, visible)
