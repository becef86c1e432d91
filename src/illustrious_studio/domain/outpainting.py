"""Outpainting: a picture on a larger canvas, whose new part is drawn.

The picture keeps its size and its pixels. Along the sides that grow, a seam within it is drawn over and blended, so
that both grow together; beyond the seam nothing changes.
"""

import re
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal, Self

from PIL import Image, ImageChops, ImageFilter
from pydantic import AfterValidator, Field, model_validator

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.inputs import GRAIN, PreparedInit, extended
from illustrious_studio.domain.pictures import Picture, open_image, size_of_picture
from illustrious_studio.domain.sizes import LONGEST_IN_TILES, SHORTEST, too_large
from illustrious_studio.domain.values import Text, Value

Size = tuple[int, int]
Side = Annotated[int, Field(ge=0, le=LONGEST_IN_TILES)]


def _is_a_shape(aspect: str) -> str:
    if not _SHAPE.fullmatch(aspect):
        raise ValueError("must be a shape such as 16:9")
    return aspect


_SHAPE = re.compile(r"[1-9]\d{0,3}:[1-9]\d{0,3}")
Aspect = Annotated[Text, Field(max_length=9), AfterValidator(_is_a_shape)]
Anchor = Literal[
    "center", "left", "right", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right"
]  # fmt: skip
OutpaintContent = Literal["fill", "latent_noise", "latent_nothing"]
"""Of A1111's masked contents those that make sense where nothing was."""

SIDES = ("left", "right", "top", "bottom")
OUTERMOST = 8
"""Pixels of the picture that do not run out, within the seam: a VAE draws them worst."""
SOFTENED = ((4, 1), (16, 64), (48, 256))
"""How the edges that run out are blurred, and from how many pixels beside the picture on that is all that is seen. (The
"fill" of masks, which mixes colours from all around, loses a horizon at once.)"""


class Outpaint(Value):
    """By how much a picture grows on each side: in pixels, to a shape, or to a size."""

    left: Side = Field(0, description="Pixels to add on the left.")
    right: Side = Field(0, description="Pixels to add on the right.")
    top: Side = Field(0, description="Pixels to add at the top.")
    bottom: Side = Field(0, description="Pixels to add at the bottom.")
    aspect: Aspect | None = Field(None, description="Instead: the shape that the picture comes to, such as 16:9.")
    width: int | None = Field(
        None, ge=SHORTEST, le=LONGEST_IN_TILES, description="Instead: the width that it comes to, in pixels."
    )
    height: int | None = Field(
        None, ge=SHORTEST, le=LONGEST_IN_TILES, description="Instead: the height that it comes to, in pixels."
    )
    anchor: Anchor = Field("center", description="Where the picture stays on a canvas of that shape or size.")
    seam: int = Field(
        32,
        ge=0,
        le=512,
        description="Pixels of the picture, along the sides that grow, that are drawn over and blended.",
    )
    content: OutpaintContent = Field(
        "fill", description="What drawing begins with in the new part: the colours beside it, noise, or nothing."
    )

    @model_validator(mode="after")
    def _in_one_way(self) -> Self:
        ways = any(self.sides), self.aspect is not None, self.width is not None or self.height is not None
        if not any(ways):
            raise ValueError(
                "adds nothing: give left, right, top or bottom in pixels, an aspect such as 16:9, or a width and height"
            )
        if sum(ways) > 1:
            raise ValueError("give pixels to add, an aspect, or a size: one of them")
        if self.anchor != "center" and any(self.sides):
            raise ValueError("anchor goes with an aspect or a size; pixels to add say where the picture is")
        return self

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """What is added on the left, on the right, at the top and at the bottom."""
        return self.left, self.right, self.top, self.bottom

    def settled(self, picture: Size) -> Self:
        """In pixels, for a picture of that size. Raises InvalidRequest where nothing is added."""
        if any(self.sides):
            return self
        wanted = self._size(picture)
        if limit := too_large(wanted, in_tiles=True):
            raise _too_large(wanted, f"{limit}. So add less, or make the picture smaller before.")
        left, right = _shared(wanted[0] - picture[0], self.anchor, ("left", "right"))
        top, bottom = _shared(wanted[1] - picture[1], self.anchor, ("top", "bottom"))
        return type(self)(left=left, right=right, top=top, bottom=bottom, seam=self.seam, content=self.content)

    def canvas(self, picture: Size) -> Size:
        """Width and height in pixels of what a picture of that size becomes, once it is settled."""
        return picture[0] + self.left + self.right, picture[1] + self.top + self.bottom

    def drawn(self, picture: Size, *, in_tiles: bool) -> Size:
        """The canvas in whole latents: as it is drawn. Raises InvalidRequest where that is too large."""
        canvas = self.canvas(picture)
        size = ceil(canvas[0] / GRAIN) * GRAIN, ceil(canvas[1] / GRAIN) * GRAIN
        if limit := too_large(size, in_tiles=in_tiles):
            tiles = "add less, or make the picture smaller before"
            if not in_tiles and not too_large(size, in_tiles=True):
                tiles = f"have it drawn in tiles (tile), or {tiles}"
            raise _too_large(canvas, f"{limit}. So {tiles}.")
        if min(size) < SHORTEST:
            raise InvalidRequest(
                f"outpaint: the picture would become {canvas[0]} x {canvas[1]}, too small to be drawn."
            )
        return size

    def mask(self, picture: Size) -> Image.Image:
        """How much of each pixel of the canvas is drawn (0 to 255): all of the new part, nothing beyond the seam."""
        across = _profile(picture[0], self.left, self.right, self.seam)
        down = _profile(picture[1], self.top, self.bottom, self.seam)
        return ImageChops.screen(*_spread(across, down))

    def _size(self, picture: Size) -> Size:
        """What is asked for; what grows to a shape does so in whole latents."""
        if self.aspect is None:
            width, height = self.width or picture[0], self.height or picture[1]
        else:
            shape = Fraction(*map(int, self.aspect.split(":")))
            width = _grown(picture[0], picture[1] * shape)
            height = _grown(picture[1], picture[0] / shape)
        if width < picture[0] or height < picture[1]:
            raise InvalidRequest(
                f"outpaint: the picture is {picture[0]} x {picture[1]} already, and outpainting only adds to it. "
                "Choose a larger size."
            )
        if (width, height) == picture:
            raise InvalidRequest(
                f"outpaint: the picture is {picture[0]} x {picture[1]} and has that shape already; nothing is added."
            )
        return width, height


def prepare_outpaint(picture: bytes, outpaint: Outpaint, size: Size) -> PreparedInit:
    """For drawing what a settled outpaint adds to the picture of a file, in that size (`Outpaint.drawn`)."""
    shape, place = size_of_picture(picture), (outpaint.left, outpaint.top)
    canvas = outpaint.canvas(shape)

    def whole() -> Image.Image:
        return extended(open_image(picture), canvas, place)

    def blend_mask() -> Image.Image:
        return outpaint.mask(shape)

    base = _run_out(open_image(picture), outpaint, size)
    mask = extended(blend_mask(), size, (0, 0))
    return PreparedInit(
        Picture.from_image(base), Picture.from_image(mask), whole, blend_mask, (0, 0, *canvas), in_scale=True
    )


def _grown(side: int, wanted: Fraction) -> int:
    """In whole latents, where it grows."""
    return side if wanted <= side else ceil(wanted / GRAIN) * GRAIN


def _run_out(picture: Image.Image, outpaint: Outpaint, size: Size) -> Image.Image:
    """The picture in its place, and the colours of the sides that grow beside it, softer and softer."""
    away = min(OUTERMOST, outpaint.seam // 2)
    left, right, top, bottom = (away if side else 0 for side in outpaint.sides)
    inner = picture.crop((left, top, picture.width - right, picture.height - bottom))
    place = outpaint.left + left, outpaint.top + top
    base = extended(inner, size, place)
    for radius, distance in SOFTENED:
        lines = (_beside(*line, distance) for line in zip(place, inner.size, size, strict=True))
        base.paste(base.filter(ImageFilter.GaussianBlur(radius)), mask=ImageChops.lighter(*_spread(*lines)))
    return base


def _shared(pixels: int, anchor: str, ends: tuple[str, str]) -> tuple[int, int]:
    """What is added before and behind the picture, where it stays at an end or in the middle."""
    if ends[0] in anchor:
        return 0, pixels
    if ends[1] in anchor:
        return pixels, 0
    return pixels // 2, pixels - pixels // 2


def _spread(across: bytes, down: bytes) -> tuple[Image.Image, Image.Image]:
    """Two images of one size: of these values for its columns, and of those for its rows."""
    size = len(across), len(down)
    nearest = Image.Resampling.NEAREST
    columns = Image.frombytes("L", (size[0], 1), across).resize(size, nearest)
    return columns, Image.frombytes("L", (1, size[1]), down).resize(size, nearest)


def _beside(first: int, length: int, whole: int, distance: int) -> bytes:
    """Along one direction: nothing within the picture, more and more beside it, all from that distance on."""
    away = [max(first - place, place - (first + length - 1), 0) for place in range(whole)]
    return bytes(min(255 * far // distance, 255) for far in away)


def _too_large(size: Size, why: str) -> InvalidRequest:
    return InvalidRequest(f"outpaint: the picture would become {size[0]} x {size[1]}; {why}")


def _profile(length: int, before: int, behind: int, seam: int) -> bytes:
    """How much is drawn along one direction: all before and behind the picture, less and less along the seam."""

    def at(distance: float) -> int:
        rest = max(1 - distance / seam, 0) if seam else 0
        return round(255 * rest * rest * (3 - 2 * rest))

    within = [
        max(at(place + 0.5) if before else 0, at(length - place - 0.5) if behind else 0) for place in range(length)
    ]
    return bytes([255] * before + within + [255] * behind)
