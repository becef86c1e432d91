"""A picture in memory, and the one place where bytes from outside become one.

What opens a file here reads its header first: only PNG, JPEG and WebP, and never more than 25 megapixels, are
decoded (a 20 kB PNG can ask for gigabytes). Nothing else in the studio opens an image that somebody sent.
"""

import binascii
import io
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image, UnidentifiedImageError

from illustrious_studio.domain.errors import InvalidRequest, NotAnImage
from illustrious_studio.domain.metadata.carried import tags_of, text_of
from illustrious_studio.domain.png import without_odd_extras

PillowImage = Image.Image
"""For who hands one on and does nothing with it."""
STRIP = 96
"""Rows of a large picture that are worked on at once, so that no copy of all of it is made."""
FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000
LONGEST_SEEN = 2048
"""Pixels of a picture's longer side for what looks at it: vision models take less."""
TOO_MANY_PIXELS = f"The picture is too large. Send one with at most {MAX_PIXELS // 1_000_000} megapixels."

ORIENTATION = 0x0112
"""Exif's tag."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by Exif's orientation."""
_ON_THE_SIDE = (5, 6, 7, 8)
_BACKWARDS = (3, 4, 6, 7)
"""Where the upper rows come to lie below or on the right."""


@dataclass(frozen=True)
class Picture:
    """RGB pixels: `rgb` holds height x width x 3 bytes, row by row."""

    width: int
    height: int
    rgb: bytes = field(repr=False)

    @classmethod
    def from_image(cls, image: Image.Image) -> "Picture":
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        return cls(rgb.width, rgb.height, rgb.tobytes())

    def image(self) -> Image.Image:
        return Image.frombytes("RGB", (self.width, self.height), self.rgb)

    def within(self, longest: int) -> "Picture":
        """The same, scaled down where its longer side has more pixels than that."""
        if max(self.width, self.height) <= longest:
            return self
        image = self.image()
        image.thumbnail((longest, longest))
        return Picture.from_image(image)


@dataclass(frozen=True)
class OpenedPicture:
    """A picture that came as a file: its pixels and the text it carried (`metadata/carried.py`)."""

    picture: Picture
    format: str
    text: dict[str, str] = field(default_factory=dict)
    made_smaller_from: tuple[int, int] | None = None
    """Width and height of the file's picture, where `picture` has fewer."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are in the file."""
        return self.made_smaller_from or (self.picture.width, self.picture.height)


def open_picture(data: bytes) -> OpenedPicture:
    """Decode a PNG, JPEG or WebP file. What is transparent lies on white.

    Raises NotAnImage for anything else, damaged files included, and InvalidRequest above 25 megapixels.
    """
    with _image(data) as image:
        return OpenedPicture(Picture.from_image(_on_white(_upright(image))), image.format or "", text_of(image))


def open_to_see(data: bytes) -> OpenedPicture:
    """The same for what looks at it: a picture with a longer side above 2048 pixels is made that small at once."""
    size = size_of_picture(data)
    if max(size) <= LONGEST_SEEN:
        return open_picture(data)
    scale = LONGEST_SEEN / max(size)
    small = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    with _image(data) as image:
        bands = _bands(image, lambda band: band.resize(small, Image.Resampling.LANCZOS))
        kind, text = image.format or "", text_of(image)
    del image  # and with it its pixels, before there are more
    return OpenedPicture(Picture.from_image(Image.merge("RGB", bands)), kind, text, size)


def open_image(data: bytes) -> Image.Image:
    """The same as Pillow's image, in RGB, for what works on it: a large picture is in memory once, and not twice."""
    return open_image_with_text(data)[0]


def open_image_with_text(data: bytes) -> tuple[Image.Image, dict[str, str]]:
    """The same, with the text that the file carries."""
    with _image(data) as image:
        shown = _on_white(_upright(image))
        shown.load()
        return shown if shown.mode == "RGB" else shown.convert("RGB"), text_of(image)


def open_rgba(data: bytes) -> Image.Image:
    """The same, and transparent where the file is."""
    with _image(data) as image:
        return _upright(image).convert("RGBA")


def opacity_in(data: bytes) -> Image.Image | None:
    """How opaque each of its pixels is; None where all of them are."""
    with _image(data) as image:
        if not _has_opacity(image):
            return None
        opacity = _in_strips(image, lambda part: part.convert("RGBA").getchannel("A"))
        return None if opacity.getextrema() == (255, 255) else opacity


def text_in(data: bytes) -> dict[str, str]:
    """The text that a file carries (`metadata/carried.py`). Its pixels are decoded only where they may hold it."""
    with _image(data) as image:
        return text_of(image)


def size_of_picture(data: bytes) -> tuple[int, int]:
    """Width and height, by the header alone. Raises what `open_picture` raises, but for damage after the header."""
    with _image(data) as image:
        turned = tags_of(image).get(ORIENTATION, 1) in _ON_THE_SIDE
        return (image.height, image.width) if turned else (image.width, image.height)


def check_picture(data: bytes) -> None:
    """Raises what `open_picture` raises. It costs less memory: no pixel is kept, and a JPEG is decoded small."""
    with _image(data) as image:
        image.draft("RGB", (1, 1))  # for JPEG alone: the whole file is read, into an eighth of the sides
        image.load()


def open_by_bands(data: bytes, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """What `open_image` gives, its red, green and blue each changed alone (as a grey image), one after the other: a
    large picture that is made small so costs little more than the file's own pixels."""
    with _image(data) as image:
        bands = _bands(image, change)
    del image
    return Image.merge("RGB", bands)


def _bands(image: Image.Image, change: Callable[[Image.Image], Image.Image]) -> list[Image.Image]:
    def band(name: str) -> Image.Image:
        return change(_in_strips(image, lambda part: _on_white(part).convert("RGB").getchannel(name)))

    return [band(name) for name in ("R", "G", "B")]


def open_grey(data: bytes) -> tuple[Image.Image, Image.Image | None]:
    """How bright each pixel of a file is, and how opaque where the file says it. Raises what `open_picture` raises."""
    with _image(data) as image:
        grey = _in_strips(image, lambda part: _on_white(part).convert("L"))
        opacity = _in_strips(image, lambda part: part.convert("RGBA").getchannel("A")) if _has_opacity(image) else None
        return grey, opacity


@contextmanager
def _image(data: bytes) -> Iterator[Image.Image]:
    """The file's image, not decoded yet; in the block, which decodes it, its errors become ours."""
    try:
        with Image.open(io.BytesIO(without_odd_extras(data)), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidRequest(TOO_MANY_PIXELS)
            yield _with_eight_bits(image)
    except InvalidRequest:
        raise
    except Image.DecompressionBombError as error:
        raise InvalidRequest(TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAnImage(
            "This is not a picture the studio can open: it must be a whole PNG, JPEG or WebP file."
        ) from error


def _with_eight_bits(image: Image.Image) -> Image.Image:
    """Of grey with 16 bits, which Pillow would cut off at 255, the upper eight."""
    if not image.mode.startswith("I"):
        return image
    shown = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    shown.format, shown.info = image.format, image.info
    return shown


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its Exif orientation says."""
    turn = _TURNS.get(tags_of(image).get(ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _in_strips(image: Image.Image, grey_of: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Something grey of each of its pixels, upright."""
    orientation = tags_of(image).get(ORIENTATION, 1)
    turn, on_the_side = _TURNS.get(orientation), orientation in _ON_THE_SIDE
    image.load()
    whole = Image.new("L", (image.height, image.width) if on_the_side else image.size)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        part = grey_of(image.crop((0, top, image.width, bottom)))
        at = image.height - bottom if orientation in _BACKWARDS else top
        whole.paste(part if turn is None else part.transpose(turn), (at, 0) if on_the_side else (0, at))
    return whole


def _has_opacity(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _on_white(image: Image.Image) -> Image.Image:
    if not _has_opacity(image):
        return image
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    shown = Image.new("RGB", layer.size)
    for top in range(0, layer.height, STRIP):  # a large picture is in memory twice so, and not three times
        box = (0, top, layer.width, min(top + STRIP, layer.height))
        part = layer.crop(box)
        shown.paste(Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB"), box)
    return shown


def picture_from_base64(text: str, field: str) -> OpenedPicture:
    """The picture in that field of JSON, to see; a `data:` prefix is left out. Raises what `open_picture` raises."""
    return open_to_see(base64_bytes(text, field))


def base64_bytes(text: str, field: str) -> bytes:
    """The bytes in that field of JSON, with or without a `data:` prefix. Raises NotAnImage."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if not text.strip():
        raise NotAnImage(f"{field} is empty. Leave it out, or send a PNG, JPEG or WebP file in base64.")
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotAnImage(f"{field} is not base64. Send the bytes of a PNG, JPEG or WebP file in base64.") from None
