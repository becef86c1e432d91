"""A picture in memory, and the one place where bytes from outside become one.

What opens a file here reads its header first: only PNG, JPEG and WebP, and never more than 25 megapixels, are
decoded (a 20 kB PNG can ask for gigabytes). Nothing else in the studio opens an image that somebody sent.
"""

import binascii
import io
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image, ImageOps, UnidentifiedImageError

from illustrious_studio.domain.errors import InvalidRequest, NotAnImage

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 25_000_000
TOO_MANY_PIXELS = f"The picture is too large. Send one with at most {MAX_PIXELS // 1_000_000} megapixels."


@dataclass(frozen=True)
class Picture:
    """RGB pixels: `rgb` holds height x width x 3 bytes, row by row."""

    width: int
    height: int
    rgb: bytes = field(repr=False)

    @classmethod
    def from_image(cls, image: Image.Image) -> "Picture":
        rgb = image.convert("RGB")
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
    """A picture that came as a file: its pixels and the text it carried (PNG chunks, EXIF user comment)."""

    picture: Picture
    format: str
    text: dict[str, str] = field(default_factory=dict)


def open_picture(data: bytes) -> OpenedPicture:
    """Decode a PNG, JPEG or WebP file. What is transparent lies on white.

    Raises NotAnImage for anything else, damaged files included, and InvalidRequest above 25 megapixels.
    """
    with _decoded(data) as (image, upright):
        return OpenedPicture(Picture.from_image(_on_white(upright)), image.format or "", _text_of(image))


def open_grey(data: bytes) -> tuple[Image.Image, Image.Image | None]:
    """How bright each pixel of a file is, and how opaque where the file says it. Raises what `open_picture` raises."""
    with _decoded(data) as (_, upright):
        opacity = upright.convert("RGBA").getchannel("A") if _has_opacity(upright) else None
        return _on_white(upright).convert("L"), opacity


@contextmanager
def _decoded(data: bytes) -> Iterator[tuple[Image.Image, Image.Image]]:
    """The file's image as it came, and turned upright; in the block, which decodes it, its errors become ours."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidRequest(TOO_MANY_PIXELS)
            yield image, ImageOps.exif_transpose(image)
    except InvalidRequest:
        raise
    except Image.DecompressionBombError as error:
        raise InvalidRequest(TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAnImage("This is not a picture the studio can open. Send a whole PNG, JPEG or WebP file.") from error


def _has_opacity(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _on_white(image: Image.Image) -> Image.Image:
    if not _has_opacity(image):
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def picture_from_base64(text: str) -> OpenedPicture:
    """The picture in a field of JSON, with or without a `data:` prefix. Raises what `open_picture` raises."""
    return open_picture(base64_bytes(text, "image_base64"))


def base64_bytes(text: str, what: str) -> bytes:
    """The bytes in a field of JSON, with or without a `data:` prefix. Raises NotAnImage."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotAnImage(f"{what} is not base64. Send the bytes of a PNG, JPEG or WebP file in base64.") from None


def _text_of(image: Image.Image) -> dict[str, str]:
    text = {key: value for key, value in image.info.items() if isinstance(key, str) and isinstance(value, str)}
    comment = image.getexif().get_ifd(0x8769).get(0x9286)  # EXIF UserComment
    if isinstance(comment, bytes) and "parameters" not in text:
        for prefix, encoding in ((b"UNICODE\0", "utf-16-be"), (b"ASCII\0\0\0", "utf-8")):
            if comment.startswith(prefix):
                text["parameters"] = comment.removeprefix(prefix).decode(encoding, errors="replace")
    return text
