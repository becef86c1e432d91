"""Pictures as files: the PNG that is kept and sent, JPEG and WebP for who wants those, and small WebPs as previews.

All of it computes (tens of milliseconds for a megapixel): call it in a thread. Reading files is in `pictures.py`.
"""

import io
from collections.abc import Mapping
from typing import Literal

from PIL import ExifTags, Image, PngImagePlugin

from illustrious_studio.domain.pictures import Picture

FileKind = Literal["png", "jpeg", "webp"]
THUMBNAIL_PIXELS = 384
PREVIEW_PIXELS = 768
PREVIEW_BYTES = 200_000


def to_png(picture: Picture, text: Mapping[str, str] | None = None) -> bytes:
    """A PNG with these text chunks. Text that is not Latin-1 goes into iTXt chunks, which are UTF-8."""
    return image_to_png(picture.image(), text)


def image_to_png(image: Image.Image, text: Mapping[str, str] | None = None) -> bytes:
    """The same of Pillow's image, which may be transparent."""
    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    file = io.BytesIO()
    # Level 1 takes less than half the time of the default, level 6, for a file about 15 % larger.
    image.save(file, "PNG", compress_level=1, pnginfo=chunks)
    return file.getvalue()


def to_grey_png(grey: Image.Image) -> bytes:
    """A PNG with one channel, for masks: the same pixels are always the same bytes."""
    file = io.BytesIO()
    grey.convert("L").save(file, "PNG", compress_level=1)
    return file.getvalue()


def to_file(image: Image.Image, kind: FileKind, quality: int = 100, text: Mapping[str, str] | None = None) -> bytes:
    """A file of that kind. JPEG and WebP have room for one text: `parameters`, the settings as others read them."""
    if kind == "png":
        return image_to_png(image, text)
    exif = Image.Exif()
    if parameters := (text or {}).get("parameters"):
        comment = b"UNICODE\0" + parameters.encode("utf-16-be")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    file = io.BytesIO()
    image.save(file, kind.upper(), quality=quality, exif=exif)
    return file.getvalue()


def to_thumbnail(image: Image.Image) -> bytes:
    """A WebP whose longer side is at most 384 pixels. It may change `image`: give it one that is not needed again."""
    return _to_webp(image, THUMBNAIL_PIXELS, 80)


def to_preview(image: Image.Image) -> bytes:
    """A WebP of at most 768 pixels and 200 kB, whatever is in the picture. It may change `image`, as above."""
    pixels = PREVIEW_PIXELS
    while True:
        for quality in (80, 50):
            file = _to_webp(image, pixels, quality)
            if len(file) <= PREVIEW_BYTES:
                return file
        pixels = pixels * 3 // 4


def _to_webp(image: Image.Image, pixels: int, quality: int) -> bytes:
    image.thumbnail((pixels, pixels), Image.Resampling.BICUBIC, reducing_gap=2.0)
    file = io.BytesIO()
    shown = image if image.mode == "RGBA" else image.convert("RGB")
    shown.save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()
