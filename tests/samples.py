"""Values for tests: a picture, its settings, an item of the gallery. Each has every field; say only what matters."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.services.sketch import SketchService

NOON = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)


@cache
def a_picture(width: int = 96, height: int = 64) -> Picture:
    """No two of its pixels are alike, so that a picture that lost or turned something shows it."""
    rows = (bytes((x * 255 // width, y * 255 // height, (x * y) % 251)) for y in range(height) for x in range(width))
    return Picture(width, height, b"".join(rows))


async def owl() -> Picture:
    """A sketch whose subject stands out: an owl in the middle of a forest."""
    sketches = SketchService(SpritePainter())
    return await sketches.paint(sketches.layout("an owl in the forest", 1), 320, 320, 1)


def metadata(prompt: str = "a cat on a mat", *, second: float = 0, **fields: Any) -> ImageMetadata:
    """Made `second` seconds after noon."""
    settings: dict[str, Any] = {
        "negative_prompt": "blurry",
        "steps": 28,
        "guidance": 5.5,
        "seed": 1234,
        "width": 96,
        "height": 64,
        "sampler": "Euler a",
        "schedule": "Normal",
        "checkpoint": "illustriousXL_v01",
        "device": "cpu",
        "dtype": "float32",
        "vae_dtype": "float32",
        "versions": {"torch": "2.13.0"},
        "created_at": NOON + timedelta(seconds=second),
        "origin": Origin(way="create", words=prompt),
    }
    values = {"prompt": prompt, **settings, **fields}
    asked = {name: value for name, value in values.items() if name in ImageRequest.model_fields}
    found = {name: value for name, value in values.items() if name in ImageMetadata.model_fields}
    request = ImageRequest.model_validate(ImageRequest(prompt=prompt).model_dump() | asked)
    return ImageMetadata(**{"request": request, **found})


def an_item(prompt: str = "a cat on a mat", *, favourite: bool = False, **fields: Any) -> GalleryItem:
    return GalleryItem(id=uuid.uuid4().hex, metadata=metadata(prompt, **fields), favourite=favourite)
