"""The record that a picture's file holds: the studio's own, else what another program's settings say, else nothing.

What they do not say is left empty, never made up.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.models import without_ending

OWN = "illustrious"


def record_of(text: Mapping[str, str], size: tuple[int, int], made: datetime, words: str = "") -> ImageMetadata:
    """Of a picture of that size, whose file carries these texts. `words` name it where they say nothing."""
    return own_record(text) or record_of_others(text, size, made) or record_of_nothing(size, made, words)


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
