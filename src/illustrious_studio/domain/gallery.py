"""The gallery: pictures as kept, pages of them, and the ports that keep bytes and rows."""

import json
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Protocol, Self

from pydantic import Field, ValidationError

from illustrious_studio.domain.metadata.infotext import text_of_upscale
from illustrious_studio.domain.metadata.record import ImageMetadata, json_value, upgraded
from illustrious_studio.domain.values import Moment, Value


class GalleryItem(Value):
    """A picture in the gallery. The id is a random UUID; nothing outside ever names a file."""

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    metadata: ImageMetadata
    favourite: bool = False

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """An item with a record of any version. Raises ValueError (pydantic's ValidationError is one)."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            item = json_value(text)
            if not isinstance(item, dict) or (older := upgraded(item.get("metadata"))) is None:
                raise
        return cls.model_validate_json(json.dumps({**item, "metadata": older}))

    @property
    def stem(self) -> str:
        """File name without its ending: `<time>_<uuid>`."""
        return f"{self.metadata.created_at:%Y%m%d-%H%M%S}_{self.id}"


OWN_ID = "illustrious_id"


def own_text(item: GalleryItem) -> dict[str, str]:
    """What a file of the studio's own carries beside A1111's text: the record, and by which id it is known; and of an
    upscaled picture what A1111 keeps in chunks of their own."""
    upscale = item.metadata.upscale
    text = {"illustrious": item.metadata.model_dump_json(), OWN_ID: item.id}
    return text | (dict.fromkeys(("postprocessing", "extras"), text_of_upscale(upscale)) if upscale else {})


class GalleryQuery(Value):
    """Which pictures. All conditions hold together."""

    q: str = Field(
        "", max_length=500, description="Words that the prompt, the checkpoint, its hash or the seed contain."
    )
    checkpoint: str | None = None
    favourites: bool = False
    from_chat: bool = False
    session_id: str | None = None
    grid_id: str | None = Field(None, max_length=100, description="The pictures of one grid.")
    since: Moment | None = None


@dataclass(frozen=True)
class GalleryPage:
    """A page, newest first. `cursor` fetches the next one; None at the end."""

    items: list[GalleryItem]
    cursor: str | None


@dataclass(frozen=True)
class LeftOut:
    """A file in the gallery's folder that is not among its pictures, and why, in a sentence."""

    file: str
    reason: str


@dataclass(frozen=True)
class Scan:
    """What was found in the folder."""

    items: list[GalleryItem]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class TakenIn:
    """What became of the files that somebody put into the folder."""

    imported: int
    left_out: list[LeftOut]


@dataclass(frozen=True)
class Reindexed:
    """What a look at the whole folder found."""

    pictures: int
    imported: int
    left_out: list[LeftOut]


class GalleryFiles(Protocol):
    """Keeps bytes: a PNG with its settings inside, a `.json` beside it, a thumbnail. The folder is the truth."""

    async def save(self, item: GalleryItem, png: bytes, thumbnail: bytes) -> None:
        """Write aside, sync, rename. Raises StorageFull; then nothing is left behind."""
        ...

    async def update(self, item: GalleryItem) -> None:
        """Write the `.json` again (a favourite was set)."""
        ...

    async def read(self, item: GalleryItem) -> bytes:
        """The PNG file. Raises NotFound."""
        ...

    async def thumbnail(self, item: GalleryItem) -> bytes:
        """A WebP of at most 384 pixels, made again where it is missing. Raises NotFound."""
        ...

    async def trash(self, item: GalleryItem) -> None:
        """Move out of sight; `restore` brings it back."""
        ...

    async def restore(self, item_id: str) -> GalleryItem:
        """Raises NotFound once the trash was emptied."""
        ...

    async def ids(self) -> set[str]:
        """The pictures there are, by their names alone, which is quick."""
        ...

    async def take_in(self) -> TakenIn:
        """Make pictures of the files that somebody put into the folder, under whatever names."""
        ...

    async def scan(self, ids: Set[str] | None = None) -> Scan:
        """Every picture in the folder (or those of these ids), read from the files alone. Damaged ones are left out."""
        ...


class GalleryIndex(Protocol):
    """Finds pictures. It can be rebuilt from the files at any time."""

    async def add(self, item: GalleryItem) -> None:
        """Insert, or replace the row of the same id."""
        ...

    async def get(self, item_id: str) -> GalleryItem | None: ...
    async def remove(self, item_id: str) -> None: ...
    async def ids(self) -> set[str]: ...
    async def page(self, query: GalleryQuery, cursor: str | None, limit: int) -> GalleryPage:
        """Raises InvalidRequest for a cursor that it never gave."""
        ...

    async def count(self) -> int: ...
    async def rebuild(self, items: Iterable[GalleryItem]) -> int:
        """Have rows for these alone; how many. What is asked meanwhile is answered in between, and may see some of it
        done."""
        ...
