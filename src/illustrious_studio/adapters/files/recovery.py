"""A gallery item read back from its file alone, for when the JSON beside it is gone or damaged, or never was.

The studio's own chunk `illustrious` holds everything. A picture that lost it (another program saved it again), or that
another program made, usually has settings in some other form, which hold less: what they do not say is left empty,
never made up.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.metadata.of_file import own_record, record_of_others


class Unreadable(Exception):
    """The file is no whole PNG, or nothing in it says how it was made. Never leaves the gallery's folder."""


def item_from_png(file: BinaryIO, stem: str) -> GalleryItem:
    """The item of the PNG `<stem>.png`. Only the header is decoded. Raises Unreadable."""
    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = {str(key): value for key, value in image.info.items() if isinstance(value, str)}
            size = image.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable("it is not a whole PNG file") from error
    own = own_record(text)
    with suppress(ValueError):  # pydantic's ValidationError is one; and the name may not begin with a time
        made = datetime.strptime(stem[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        for metadata in (own, record_of_others(text, size, made)):
            if metadata is not None:
                item = GalleryItem(id=stem[-32:], metadata=metadata)
                if item.stem == stem:
                    return item
    raise Unreadable("it carries no settings that can be read")
