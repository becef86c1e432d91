"""Input pictures: what a person gives to be drawn over, how it is brought to size, and the port that keeps it.

An input is named by the SHA-256 of its bytes and kept as it came. So a job finds it after a restart; what was drawn
over it can be drawn again, whatever has become of the person's file or of the gallery's picture that it was; and the
same one is kept only once.
"""

from typing import Annotated, Literal, Protocol

from PIL import Image, ImageFilter, ImageOps
from pydantic import StringConstraints

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture, open_grey

InputId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of an input's bytes."""

Fit = Literal["crop", "stretch", "fill"]
"""A1111's resize modes 1, 0 and 2."""

MaskAlpha = Literal["none", "opaque", "transparent"]
"""What says in a mask's file what to draw anew: its brightness, or (A1111) what is opaque, or (OpenAI) transparent."""

GRAIN = 8
SHORTEST, LONGEST = 64, 2048
ROUNDED_UP_ABOVE = 128
"""A1111's threshold (`mask_round`)."""


class InputFiles(Protocol):
    """Keeps inputs."""

    async def keep(self, data: bytes) -> str:
        """The id under which `read` finds it, durable when this returns. Raises StorageFull, Unavailable."""
        ...

    async def read(self, input_id: str) -> bytes:
        """Raises NotFound."""
        ...


def size_like(picture: Picture, native: tuple[int, int]) -> tuple[int, int]:
    """The picture's shape in as many pixels as the checkpoint was made for."""
    scale = (native[0] * native[1] / (picture.width * picture.height)) ** 0.5
    width, height = (
        min(max(round(side * scale / GRAIN) * GRAIN, SHORTEST), LONGEST) for side in (picture.width, picture.height)
    )
    return width, height


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """In that size: cut to its shape around the middle, stretched, or whole between borders of its own edges."""
    if image.size == size or fit == "stretch":
        return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
    width, height = size
    ratios = width / image.width, height / image.height
    scale = max(ratios) if fit == "crop" else min(ratios)
    scaled = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )
    left, top = (width - scaled.width) // 2, (height - scaled.height) // 2
    if fit == "crop":
        return scaled.crop((-left, -top, width - left, height - top))
    whole = Image.new(scaled.mode, size)
    whole.paste(scaled, (left, top))
    right, bottom = left + scaled.width, top + scaled.height
    for edge, border in (
        ((left, top, left + 1, bottom), (0, top, left, bottom)),
        ((right - 1, top, right, bottom), (right, top, width, bottom)),
        ((0, top, width, top + 1), (0, 0, width, top)),
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    ):
        if border[2] > border[0] and border[3] > border[1]:
            whole.paste(whole.crop(edge).resize((border[2] - border[0], border[3] - border[1])), border[:2])
    return whole


def mask_in(data: bytes, alpha: MaskAlpha, *, inverted: bool, rounded: bool) -> Image.Image:
    """The mask that a file means, as grey: white is drawn anew.

    `opaque` goes by the brightness of a file without transparent pixels, as A1111 does; `transparent` refuses it.
    Raises what `open_grey` raises.
    """
    grey, opacity = open_grey(data)
    seen_through = opacity is not None and opacity.getextrema() != (255, 255)
    if alpha == "transparent" and not seen_through:
        raise InvalidRequest(
            "The mask has no transparent pixels. Send a PNG with an alpha channel, transparent where to draw anew."
        )
    if opacity is not None and seen_through and alpha != "none":
        grey = opacity if alpha == "opaque" else ImageOps.invert(opacity)
    if rounded:
        grey = grey.point(lambda value: 255 if value > ROUNDED_UP_ABOVE else 0)
    return ImageOps.invert(grey) if inverted else grey


def repainted(mask: Picture, picture: Picture, size: tuple[int, int], fit: Fit, blur: int) -> Image.Image:
    """How much each pixel is drawn anew (0 to 255), from a mask over the picture: white is drawn anew."""
    grey = mask.image().convert("L")
    if grey.size != (picture.width, picture.height):
        grey = grey.resize((picture.width, picture.height), Image.Resampling.BILINEAR)
    return fitted(grey, size, fit).filter(ImageFilter.GaussianBlur(blur))
