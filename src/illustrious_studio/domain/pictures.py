"""A picture in memory, and the one place where bytes from outside become one.

`open_picture` looks at the header first: only PNG, JPEG and WebP, and never more than 25 megapixels, are decoded
(a 20 kB PNG can ask for gigabytes). Nothing else in the studio opens an image that somebody sent.
"""

import binascii
import io
from base64 import b64decode
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
    """Decode a PNG, JPEG or WebP file.

    Raises NotAnImage for anything else, damaged files included, and InvalidRequest above 25 megapixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidRequest(TOO_MANY_PIXELS)
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layer = upright.convert("RGBA")
                ground = Image.new("RGBA", layer.size, "white")
                upright = Image.alpha_composite(ground, layer)
            return OpenedPicture(Picture.from_image(upright), image.format or "", _text_of(image))
    except InvalidRequest:
        raise
    except Image.DecompressionBombError as error:
        raise InvalidRequest(TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAnImage("This is not a picture the studio can open. Send a whole PNG, JPEG or WebP file.") from error


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
