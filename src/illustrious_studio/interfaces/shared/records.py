"""A picture's record as the API shows it: the request, and each of its settings once more under its own name.

Clients of the first version know the settings there (`metadata.seed`, `metadata.steps`), and always will.
"""

from dataclasses import dataclass
from typing import Any, Optional

from pydantic import Field, create_model

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.setting import given, has_what_it_needs

_SIDE: Any = (int | None, Field(None, description="Of the drawing, where only a part of the picture was drawn."))
_SETTINGS: dict[str, Any] = {
    name: (Optional[field.annotation], Field(None, description=field.description))  # noqa: UP045  it is made at run time
    for name, field in ImageRequest.model_fields.items()
    if name not in ImageMetadata.model_fields
}
_WithSettings = create_model(
    "_WithSettings", __base__=ImageMetadata, **_SETTINGS, drawn_width=_SIDE, drawn_height=_SIDE
)


class PictureMetadata(_WithSettings):
    """Everything needed to make a picture again. Each setting of `request` stands beside it, too."""

    @classmethod
    def of(cls, metadata: ImageMetadata) -> "PictureMetadata":
        request = metadata.request
        part = request.mask is not None and request.mask_area == "masked"
        settings = given(request)
        meaningless = [name for name, setting in SETTINGS.items() if not has_what_it_needs(setting, settings)]
        settings |= dict.fromkeys(meaningless) | {
            "strength": request.strength if request.image is not None else request.sketch_strength,
            "drawn_width": request.width if part else None,
            "drawn_height": request.height if part else None,
        }
        return cls.model_construct(**{**settings, **dict(metadata)})


class PictureItem(GalleryItem):
    """A picture in the gallery. The id is a random UUID; nothing outside ever names a file."""

    metadata: PictureMetadata

    @classmethod
    def of(cls, item: GalleryItem) -> "PictureItem":
        return cls.model_construct(**{**dict(item), "metadata": PictureMetadata.of(item.metadata)})


@dataclass(frozen=True)
class PicturePage:
    """A page, newest first. `cursor` fetches the next one; None at the end."""

    items: list[PictureItem]
    cursor: str | None
