"""The text that a picture's file carries, wherever its program put it: a dict from the place's name to the text.

PNG text chunks keep their names. What other places hold stands under the name that A1111 gives to such a text,
`parameters`: Exif's UserComment (A1111, Civitai, SwarmUI, Fooocus), in the Exif part of the tags or among the picture's
own; its ImageDescription; XMP's UserComment (Draw Things); and the lowest bits of the pixels (stealth pnginfo).
Nothing here raises: what cannot be read is not there.
"""

import gzip
import io
import json
import re
import struct
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

from PIL import Image

LONGEST_TEXT = 1_000_000
"""Characters, or bytes, of one text; above them it is left out."""

PARAMETERS = "parameters"
_SETTINGS = re.compile(r"\A\s*\{|\bSteps:")
"""What tells settings from what cameras and photographers write into the same places."""
_EXIF, _USER_COMMENT, _IMAGE_DESCRIPTION = 0x8769, 0x9286, 0x010E
_MAKE, _MODEL = 0x010F, 0x0110
_OF_COMFYUI = ("prompt", "workflow")
"""Chunks that ComfyUI writes into Exif's Make and Model of files that have none: `prompt:{...}`."""
_XMP_COMMENT = "{http://ns.adobe.com/exif/1.0/}UserComment"
_XMP_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_SIGNATURES = {
    b"stealth_pnginfo": ("A", False),
    b"stealth_pngcomp": ("A", True),
    b"stealth_rgbinfo": ("RGB", False),
    b"stealth_rgbcomp": ("RGB", True),
}
_SIGNATURE_BITS = 15 * 8
_LENGTH_BITS = 32
_LOWEST_BIT = bytes(48 + (value & 1) for value in range(256))
"""A byte's lowest bit as the digit 0 or 1."""


def text_of(image: Image.Image) -> dict[str, str]:
    """All of it. The image may still have to be decoded: that is done only where its pixels hold a text."""
    text = {key: str(value) for key, value in image.info.items() if isinstance(key, str) and isinstance(value, str)}
    text = {key: value for key, value in text.items() if len(value) <= LONGEST_TEXT}
    if PARAMETERS not in text:
        found = next((one for one in (*_in_exif(image), *_in_xmp(image)) if _SETTINGS.search(one)), None)
        if found is not None:
            text[PARAMETERS] = found
    text |= _of_comfyui(image)
    return text | (_in_pixels(image) if PARAMETERS not in text else {})


def _in_exif(image: Image.Image) -> Iterator[str]:
    own = tags_of(image)
    inner = own.get_ifd(_EXIF)
    comment = image.info.get("comment")  # of a JPEG file
    for value in (inner.get(_USER_COMMENT), own.get(_USER_COMMENT), own.get(_IMAGE_DESCRIPTION), comment):
        if isinstance(value, str):  # of the type ASCII, which Pillow takes for Latin-1
            value = value.encode("latin-1", errors="ignore")
        if isinstance(value, bytes):
            yield user_comment(value)[:LONGEST_TEXT]


def _of_comfyui(image: Image.Image) -> dict[str, str]:
    tags, found = tags_of(image), {}
    for value in (tags.get(_MAKE), tags.get(_MODEL)):
        name, mark, chunk = value.partition(":") if isinstance(value, str) else ("", "", "")
        if mark and name.lower() in _OF_COMFYUI and len(chunk) <= LONGEST_TEXT:
            found[name.lower()] = chunk.strip("\0 ")
    return found


def tags_of(image: Image.Image) -> Image.Exif:
    """The picture's Exif tags, those of its inner part loaded, too; none where they are damaged."""
    try:
        tags = image.getexif()
        tags.get_ifd(_EXIF)
        return tags
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error):
        return Image.Exif()


def user_comment(value: bytes) -> str:
    """The text of a UserComment: behind one of Exif's 8-byte codes (Exif 3.0, 4.6.6), or without one, as many write it.

    The code says UNICODE for either byte order and also where UTF-8 follows: the text itself tells. In UTF-16 every
    ASCII character has a zero byte, and what holds settings has many; where they stand is the order.
    """
    for code in (b"UNICODE\0", b"ASCII\0\0\0", b"\0" * 8):
        value = value.removeprefix(code)
    value = value.rstrip(b"\0") if b"\0" not in value.strip(b"\0") else value
    if b"\0" not in value:
        encoding = "utf-8"
    elif value[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        encoding = "utf-16-be" if value[::2].count(0) > value[1::2].count(0) else "utf-16-le"
    return value.decode(encoding, errors="replace").strip("\ufeff\0")


def _in_xmp(image: Image.Image) -> Iterator[str]:
    xmp = image.info.get("xmp")
    if not isinstance(xmp, bytes) or len(xmp) > LONGEST_TEXT or b"<!" in xmp:  # XMP has no DTD, which could be a bomb
        return
    try:
        root = ElementTree.fromstring(xmp.strip(b"\0"))
    except (ElementTree.ParseError, ValueError):
        return
    for comment in root.iter(_XMP_COMMENT):
        yield from (item.text or "" for item in comment.iter(_XMP_ITEM))


def _in_pixels(image: Image.Image) -> dict[str, str]:
    """Stealth pnginfo: a signature, a length in bits, and the text or its gzip, in the lowest bits of the opacity, or
    of red, green and blue, column by column. NovelAI writes its chunks there, as JSON; others A1111's text."""
    for channels in ("A", "RGB"):
        if image.mode not in ("RGBA", "RGB") or not set(channels) <= set(image.mode):
            continue
        bits = _Bits(image, channels)
        of, compressed = _SIGNATURES.get(bits.take(0, _SIGNATURE_BITS), ("", False))
        if of != channels:
            continue
        (length,) = struct.unpack(">I", bits.take(_SIGNATURE_BITS, _LENGTH_BITS))
        if not 0 < length <= LONGEST_TEXT * 8:
            return {}
        data = bits.take(_SIGNATURE_BITS + _LENGTH_BITS, length // 8 * 8)
        try:
            said = _inflated(data) if compressed else data
        except (OSError, EOFError, zlib.error):
            return {}
        return _chunks_in(said.decode("utf-8", errors="replace"))
    return {}


class _Bits:
    """The lowest bits of some channels, from the left column to the right, in each from the top to the bottom."""

    def __init__(self, image: Image.Image, channels: str) -> None:
        self._image, self._channels = image, channels

    def take(self, start: int, count: int) -> bytes:
        """These bits as bytes, a whole number of them; zeros where the picture ends before."""
        in_a_column = self._image.height * len(self._channels)
        first, last = start // in_a_column, -(-(start + count) // in_a_column)
        part = self._image.crop((first, 0, max(first + 1, min(last, self._image.width)), self._image.height))
        part = part.getchannel("A") if self._channels == "A" else part.convert("RGB")
        digits = part.transpose(Image.Transpose.TRANSPOSE).tobytes().translate(_LOWEST_BIT)
        digits = digits[start - first * in_a_column :][:count].ljust(count, b"0")
        return int(digits, 2).to_bytes(count // 8, "big")


def _inflated(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        return file.read(LONGEST_TEXT)


def _chunks_in(said: str) -> dict[str, str]:
    """The text chunks that a text stands for."""
    try:
        chunks = json.loads(said)
    except (ValueError, RecursionError):
        chunks = None
    if isinstance(chunks, dict) and "Comment" in chunks:
        return {str(key): str(value) for key, value in chunks.items() if isinstance(value, str)}
    return {PARAMETERS: said}
