"""Input pictures: what a person gives to start from (image to image), how it is brought to size, what a mask means and
how what was drawn comes back into the picture; and the port that keeps it.

An input is named by the SHA-256 of its bytes and kept as it came. So a job finds it after a restart; what was drawn
from it can be drawn again, whatever has become of the person's file or of the gallery's picture that it was; and the
same one is kept only once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from PIL import Image, ImageFilter, ImageOps
from pydantic import StringConstraints

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import STRIP, Picture, open_by_bands, open_grey, open_image, size_of_picture
from illustrious_studio.domain.sizes import LONGEST, SHORTEST

InputId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of an input's bytes."""

Fit = Literal["crop", "stretch", "fill"]
"""A1111's resize modes 1, 0 and 2."""

MaskAlpha = Literal["none", "opaque", "transparent"]
"""What in a mask's file means what to redraw: its brightness, or (A1111) what is opaque, or (OpenAI) transparent."""

MaskContent = Literal["original", "fill", "latent_noise", "latent_nothing"]
"""A1111's masked content: what is under the mask when drawing begins."""

MaskArea = Literal["whole", "masked"]
"""A1111's inpaint area: "Whole picture", or "Only masked"."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom; the last two are just outside."""

GRAIN = 8
ROUNDED_UP_ABOVE = 128
"""A1111's threshold (`mask_round`)."""
FILLED_FROM = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""How far the colours of the surroundings run, and how often they are laid on, from far to near."""


class InputFiles(Protocol):
    """Keeps inputs."""

    async def keep(self, data: bytes) -> str:
        """The id under which `read` finds it, durable when this returns. Raises StorageFull, Unavailable."""
        ...

    async def read(self, input_id: str) -> bytes:
        """Raises NotFound."""
        ...


def size_like(shape: tuple[int, int], native: tuple[int, int]) -> tuple[int, int]:
    """A picture's shape in as many pixels as the checkpoint was made for."""
    scale = (native[0] * native[1] / (shape[0] * shape[1])) ** 0.5
    width, height = (min(max(round(side * scale / GRAIN) * GRAIN, SHORTEST), LONGEST) for side in shape)
    return width, height


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """In that size: cut to its shape around the middle, stretched, or whole between borders of its own edges."""
    if image.size == size or fit == "stretch":
        return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
    if fit == "crop":
        return _cut(image, size)
    width, height = size
    scale = min(width / image.width, height / image.height)
    scaled = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )
    return extended(scaled, size, ((width - scaled.width) // 2, (height - scaled.height) // 2))


def extended(image: Image.Image, size: tuple[int, int], place: tuple[int, int]) -> Image.Image:
    """The image in a larger one of that size, its left upper corner at that place; its edges run out to all sides."""
    (width, height), (left, top) = size, place
    whole = Image.new(image.mode, size)
    whole.paste(image, place)
    right, bottom = left + image.width, top + image.height
    for edge, border in (
        ((left, top, left + 1, bottom), (0, top, left, bottom)),
        ((right - 1, top, right, bottom), (right, top, width, bottom)),
        ((0, top, width, top + 1), (0, 0, width, top)),
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    ):
        if border[2] > border[0] and border[3] > border[1]:
            whole.paste(whole.crop(edge).resize((border[2] - border[0], border[3] - border[1])), border[:2])
    return whole


def fitted_file(data: bytes, size: tuple[int, int], fit: Fit) -> Image.Image:
    """The picture of a file in that size. Raises what `open_picture` raises."""
    return open_by_bands(data, lambda band: fitted(band, size, fit))


def grows(shape: tuple[int, int], size: tuple[int, int], fit: Fit) -> bool:
    """Whether a picture of that shape is made larger to come to that size."""
    scales = size[0] / shape[0], size[1] / shape[1]
    return (min if fit == "fill" else max)(scales) > 1


def before_it_grows(image: Image.Image, size: tuple[int, int], fit: Fit) -> tuple[Image.Image, tuple[int, int]]:
    """What of an image an upscaler makes larger, and how large, so that no more is made than is seen in that size: its
    middle in that shape, or all of it."""
    scales = size[0] / image.width, size[1] / image.height
    if fit == "crop":
        scale = max(scales)
        width, height = (max(1, min(round(to / scale), side)) for to, side in zip(size, image.size, strict=True))
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height)), size
    if fit == "fill":
        scale = min(scales)
        return image, (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    seen = min(image.width, size[0]), min(image.height, size[1])
    return image if seen == image.size else image.resize(seen, Image.Resampling.LANCZOS), size


def _cut(image: Image.Image, size: tuple[int, int], rows: tuple[int, int] | None = None) -> Image.Image:
    """Its middle in that shape, scaled in one go: all of a long strip in that scale would be gigabytes.

    Of that, the rows from the first up to the second: scaling looks beyond them, so they are as in the whole.
    """
    first, last = rows or (0, size[1])
    scale = max(size[0] / image.width, size[1] / image.height)
    left, right = _middle(image.width, size[0] / scale)
    top, bottom = _middle(image.height, size[1] / scale)
    each = (bottom - top) / size[1]
    box = (left, top + first * each, right, min(top + last * each, image.height))
    return image.resize((size[0], last - first), Image.Resampling.LANCZOS, box)


def _middle(side: int, length: float) -> tuple[float, float]:
    length = min(max(length, 1), side)
    return (side - length) / 2, min((side + length) / 2, side)


def mask_in(data: bytes, alpha: MaskAlpha, *, inverted: bool, rounded: bool) -> Image.Image:
    """The mask that a file means, as grey: white is redrawn.

    `opaque` goes by the brightness of a file without transparent pixels, as A1111 does; `transparent` refuses it.
    Raises what `open_grey` raises.
    """
    grey, opacity = open_grey(data)
    seen_through = opacity is not None and opacity.getextrema() != (255, 255)
    if alpha == "transparent" and not seen_through:
        raise InvalidRequest(
            "The mask has no transparent pixels. Send a PNG with an alpha channel, transparent where to redraw."
        )
    if opacity is not None and seen_through and alpha != "none":
        grey = opacity if alpha == "opaque" else ImageOps.invert(opacity)
    if rounded:
        grey = grey.point(lambda value: 255 if value > ROUNDED_UP_ABOVE else 0)
    return ImageOps.invert(grey) if inverted else grey


def soft_mask(grey: Image.Image, shape: tuple[int, int], size: tuple[int, int], fit: Fit, blur: int) -> Image.Image:
    """How much each pixel is redrawn (0 to 255), from a grey mask over a picture of that shape: white is redrawn."""
    if grey.size != shape:
        grey = grey.resize(shape, Image.Resampling.BILINEAR)
    return fitted(grey, size, fit).filter(ImageFilter.GaussianBlur(blur))


def soft_mask_part(grey: Image.Image, shape: tuple[int, int], blur: int) -> tuple[Image.Image, Box]:
    """The same in the picture's own size, and the box around all that is redrawn. InvalidRequest for nothing."""
    blend_mask = soft_mask(grey, shape, shape, "stretch", blur)
    box = blend_mask.getbbox()
    if box is None:
        raise InvalidRequest(
            "The mask leaves nothing to redraw: it has no white, or mask_blur softens the little that it has away. "
            "Paint white what is to be redrawn."
        )
    return blend_mask, box


def region_around(box: Box, padding: int, shape: tuple[int, int], bounds: tuple[int, int]) -> Box:
    """The box with padding around it, widened to the shape of a size as far as it stays within the bounds."""
    left, top, right, bottom = box
    left, right = max(left - padding, 0), min(right + padding, bounds[0])
    top, bottom = max(top - padding, 0), min(bottom + padding, bounds[1])
    width, height = round((bottom - top) * shape[0] / shape[1]), round((right - left) * shape[1] / shape[0])
    left, right = _widened(left, right, width, bounds[0])
    top, bottom = _widened(top, bottom, height, bounds[1])
    return left, top, right, bottom


def _widened(start: int, end: int, wanted: int, bound: int) -> tuple[int, int]:
    """The span made as long as wanted, to both sides alike where there is room. It never becomes shorter."""
    length = min(max(wanted, end - start), bound)
    start = min(max(start - (length - (end - start)) // 2, 0), bound - length)
    return start, start + length


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The image with the colours around its masked part run into that, the nearest ones last: A1111's "fill"."""
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    whole = Image.new("RGBA", image.size)
    for radius, times in FILLED_FROM:
        near = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            whole.alpha_composite(near)
    return whole.convert("RGB")


@dataclass(frozen=True)
class PreparedInit:
    """A picture ready to start from, and how what was drawn comes into it."""

    base: Picture
    """What drawing starts from, in its size."""
    mask: Picture | None = None
    """How much each pixel of it is redrawn, as grey."""
    whole: Callable[[], Image.Image] | None = None
    """What the drawing is put into, where there is a mask. It is made when it is needed: of a large picture the file
    alone is kept while others are drawn."""
    blend_mask: Callable[[], Image.Image] | None = None
    """How much each pixel of the region comes from the drawing. Made when it is needed, as well."""
    region: Box = (0, 0, 0, 0)
    """Which part of the whole the drawing shows."""
    in_scale: bool = False
    """Whether the drawing has the region's scale, and beyond its right and lower edge what makes whole latents."""

    def finished(self, drawn: Picture, changed: Picture | None = None) -> Image.Image:
        """What was drawn, in the picture as far as the mask goes; all of it where there is no mask.

        `changed`: how much of each pixel of the drawing is seen (grey), found from what was drawn, in place of the
        mask, outside of which nothing changes all the same.
        """
        if self.whole is None or self.blend_mask is None:
            return drawn.image()
        left, top, right, bottom = self.region
        size, blend_mask, image = (right - left, bottom - top), self.blend_mask(), drawn.image()
        if self.in_scale:
            image = image.crop((0, 0, *size))
        if changed is not None:
            blend_mask = _within(fitted(changed.image().convert("L"), size, "crop"), blend_mask)
        whole = self.whole()
        for first in range(0, size[1], STRIP):  # all of a large region would be in memory twice
            last = min(first + STRIP, size[1])
            rows = _cut(image, size, (first, last))
            whole.paste(rows, (left, top + first), blend_mask.crop((0, first, size[0], last)))
        return whole


def _within(mask: Image.Image, bounds: Image.Image) -> Image.Image:
    """The mask, black wherever the bounds are."""
    inside = Image.new("L", mask.size)
    inside.paste(mask, mask=bounds.point(lambda value: 255 if value else 0))
    return inside


def prepare_whole(
    picture: bytes,
    grey: Image.Image,
    size: tuple[int, int],
    fit: Fit,
    blur: int,
    fill: bool,
    larger: Image.Image | None = None,
) -> PreparedInit:
    """For redrawing in the whole picture of a file, brought to that size. `larger`: what an upscaler made of it."""
    whole = fitted_file(picture, size, fit) if larger is None else fitted(larger, size, fit)
    blend_mask = soft_mask(grey, size_of_picture(picture), size, fit, blur)
    base = filled(whole, blend_mask) if fill else whole
    return PreparedInit(
        Picture.from_image(base), Picture.from_image(blend_mask), whole.copy, blend_mask.copy, (0, 0, *size)
    )


def masked_region(shape: tuple[int, int], grey: Image.Image, size: tuple[int, int], padding: int, blur: int) -> Box:
    """What of a picture of that shape is drawn, in that size, where only what is around the mask is. Raises
    InvalidRequest where the mask has nothing."""
    return region_around(soft_mask_part(grey, shape, blur)[1], padding, size, shape)


def prepare_region(
    image: Image.Image, grey: Image.Image, size: tuple[int, int], padding: int, blur: int
) -> PreparedInit | None:
    """For drawing only what is around a grey mask of the image's size, in that size, and putting it back into the
    image, which is changed by it. None where the mask leaves nothing."""
    blend_mask = soft_mask(grey, image.size, image.size, "stretch", blur)
    box = blend_mask.getbbox()
    if box is None:
        return None
    region = region_around(box, padding, size, image.size)
    blend_mask = blend_mask.crop(region)
    base, mask = (fitted(part, size, "fill") for part in (image.crop(region), blend_mask))
    return PreparedInit(Picture.from_image(base), Picture.from_image(mask), lambda: image, lambda: blend_mask, region)


def prepare_part(
    picture: bytes,
    grey: Image.Image,
    size: tuple[int, int],
    padding: int,
    blur: int,
    fill: bool,
    larger: Image.Image | None = None,
) -> PreparedInit:
    """For drawing only that. `larger`: what an upscaler made of it. Raises what `masked_region` raises."""
    shape = size_of_picture(picture)

    def blend_mask() -> Image.Image:
        return soft_mask(grey, shape, shape, "stretch", blur).crop(region)

    region = masked_region(shape, grey, size, padding, blur)
    mask = fitted(blend_mask(), size, "fill")
    if larger is None:
        base = open_by_bands(picture, lambda band: fitted(band.crop(region), size, "fill"))
    else:
        base = fitted(larger, size, "fill")
    base = filled(base, mask) if fill else base
    return PreparedInit(
        Picture.from_image(base), Picture.from_image(mask), lambda: open_image(picture), blend_mask, region
    )
