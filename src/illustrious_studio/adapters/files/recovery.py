"""A gallery item read back from its file alone, for when the JSON beside it is gone or damaged, or never was.

The studio's own chunk `illustrious` holds everything. A picture that lost it (another program saved it again), or that
another program made, usually has settings in some other form, which hold less: what they do not say is left empty,
never made up.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.models import without_ending

OWN = "illustrious"


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


def own_record(text: Mapping[str, str]) -> ImageMetadata | None:
    """What the studio itself wrote into the file; None where it did not, or it is damaged."""
    with suppress(ValueError):
        return ImageMetadata.from_json(text[OWN]) if OWN in text else None
    return None


def record_of_others(text: Mapping[str, str], size: tuple[int, int], made: datetime) -> ImageMetadata | None:
    """What another program wrote into it; None for nothing."""
    recorded = recorded_settings(text)
    if recorded is None:
        return None
    fields = recorded.fields
    record = record_of_nothing(size, made, recorded.request.prompt)
    return record.model_copy(
        update={
            "request": recorded.request,
            "checkpoint": without_ending(fields.get("Model", "")),
            "checkpoint_hash": fields.get("Model hash"),
            "unusable": recorded.unusable,
        }
    )


def record_of_nothing(size: tuple[int, int], made: datetime, words: str) -> ImageMetadata:
    """Where nothing says how it was made: its words (the file's name) and its time, by which it is found."""
    return ImageMetadata(
        request=ImageRequest(prompt=""),
        width=size[0],
        height=size[1],
        checkpoint="",
        checkpoint_hash=None,
        device="",
        dtype="",
        vae_dtype="",
        created_at=made,
        origin=Origin(words=words),
    )
