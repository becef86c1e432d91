"""A gallery item read back from its PNG alone, for when the JSON beside it is gone or damaged.

The studio's own chunk `illustrious` holds everything. A picture that lost it (another program saved it again) usually
still has A1111's `parameters` text, which holds less: what it does not say is left empty, never made up.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.metadata.infotext import read_infotext
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.metadata.recorded import request_in_infotext


class Unreadable(Exception):
    """The file is no whole PNG, or nothing in it says how it was made. Never leaves the gallery's folder."""


def item_from_png(file: BinaryIO, stem: str) -> GalleryItem:
    """The item of the PNG `<stem>.png`. Only the header is decoded. Raises Unreadable."""
    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = {key: value for key, value in image.info.items() if isinstance(value, str)}
            size = image.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable("it is not a whole PNG file") from error
    for key, read in (("illustrious", _from_chunk), ("parameters", _from_infotext)):
        if key in text:
            with suppress(ValueError):  # pydantic's ValidationError is one
                item = GalleryItem(id=stem[-32:], metadata=read(text[key], size, stem))
                if item.stem == stem:
                    return item
    raise Unreadable("it carries no settings that can be read")


def _from_chunk(text: str, size: tuple[int, int], stem: str) -> ImageMetadata:
    return ImageMetadata.from_json(text)


def _from_infotext(text: str, size: tuple[int, int], stem: str) -> ImageMetadata:
    """Raises ValueError when the file's name does not begin with a time."""
    fields = read_infotext(text).fields
    request, unusable = request_in_infotext(text)
    return ImageMetadata(
        request=request,
        width=size[0],
        height=size[1],
        checkpoint=fields.get("Model", ""),
        checkpoint_hash=fields.get("Model hash"),
        device="",
        dtype="",
        vae_dtype="",
        created_at=datetime.strptime(stem[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC),
        unusable=unusable,
    )
