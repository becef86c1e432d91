"""A gallery item read back from its PNG alone, for when the JSON beside it is gone or damaged.

The studio's own chunk `illustrious` holds everything. A picture that lost it (another program saved it again) usually
still has A1111's `parameters` text, which holds less: what it does not say is left empty, never made up.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageMetadata
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.infotext import mask_area_named, read_infotext

_HASH = re.compile(r"[0-9a-f]{64}")


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
    return ImageMetadata.model_validate_json(text)


def _from_infotext(text: str, size: tuple[int, int], stem: str) -> ImageMetadata:
    """Raises ValueError when a number in the text is none, or the name's time is none."""
    said = read_infotext(text)
    strength, layout = said.fields.get("Denoising strength"), said.fields.get("Layout")
    return ImageMetadata(
        prompt=said.prompt,
        negative_prompt=said.negative_prompt,
        steps=int(said.fields.get("Steps", "0")),
        guidance=float(said.fields.get("CFG scale", "0")),
        seed=int(said.fields.get("Seed", "0")),
        width=size[0],
        height=size[1],
        sampler=said.fields.get("Sampler", ""),
        schedule=said.fields.get("Schedule type", ""),
        checkpoint=said.fields.get("Model", ""),
        checkpoint_hash=said.fields.get("Model hash"),
        prediction_type="",
        clip_skip=int(said.fields.get("Clip skip", "1")),
        strength=float(strength) if strength else None,
        layout=Layout.model_validate_json(layout) if layout else None,
        device="",
        dtype="",
        vae_dtype="",
        created_at=datetime.strptime(stem[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC),
        **_drawn_over(said.fields),
    )


def _drawn_over(fields: Mapping[str, str]) -> dict[str, Any]:
    """The input picture and its mask, where the text names them as the studio does: A1111's MD5 finds nothing here."""
    if not _HASH.fullmatch(fields.get("Init image hash", "")):
        return {}
    over: dict[str, Any] = {"image": fields["Init image hash"], "fit": fields.get("Resize mode")}
    return over | (_by_a_mask(fields) if "Mask hash" in fields else {})


def _by_a_mask(fields: Mapping[str, str]) -> dict[str, Any]:
    by: dict[str, Any] = {
        "mask": fields["Mask hash"],
        "mask_blur": int(fields.get("Mask blur", "0")),
        "mask_content": fields.get("Masked content"),
        "mask_area": mask_area_named(fields.get("Inpaint area", "")),
    }
    if by["mask_area"] == "masked":  # then the text's size is the drawing's, not the picture's
        by["mask_padding"] = int(fields.get("Masked area padding", "0"))
        by |= {
            name: int(fields.get(half, "0")) for name, half in (("drawn_width", "Size-1"), ("drawn_height", "Size-2"))
        }
    return by
