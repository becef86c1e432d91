"""The gallery as a person knows it: add, look, search, delete and bring back. Files keep, the index finds.

The folder is the truth. A picture's file comes first and its row second, on deleting as on adding; `reconcile` at the
start makes the rows agree with the folder again, whatever was cut off between the two.
"""

import asyncio
import re
import uuid

import structlog

from illustrious_studio.domain.encoding import FileKind, image_to_png, to_file, to_preview, to_thumbnail
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.gallery import (
    GalleryFiles,
    GalleryIndex,
    GalleryItem,
    GalleryPage,
    GalleryQuery,
    LeftOut,
    Reindexed,
    own_text,
)
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.pictures import PillowImage, open_image, open_image_with_text

ALL = GalleryQuery()
ONE_BY_ONE = 100
"""Up to so many differences `reconcile` mends singly; more are quicker mended by rebuilding the index."""

_ID = re.compile(r"[0-9a-f]{32}")

log = structlog.get_logger(__name__)


class GalleryService:
    """Keeps pictures, finds them again, and hands them out as files."""

    def __init__(self, files: GalleryFiles, index: GalleryIndex) -> None:
        self._files = files
        self._index = index
        self._reconciled = False
        self._changing = asyncio.Lock()
        """Held while file and row of kept pictures change together, so that two changes cannot cross."""
        self._rebuilding = asyncio.Lock()
        self._changed: set[str] = set()
        """The pictures that were added or changed while the index is rebuilt."""

    async def add(self, image: PillowImage, metadata: ImageMetadata, item_id: str | None = None) -> GalleryItem:
        """Keep a picture, which is changed here. With an id kept already, that one is the answer. Raises StorageFull.

        Being cancelled, it still finishes what it began: file and row are both there then.
        """
        if item_id is not None and (kept := await self._kept(item_id)):
            return kept
        item = GalleryItem(id=item_id or uuid.uuid4().hex, metadata=metadata)
        storing = asyncio.create_task(self._store(item, image))
        try:
            return await asyncio.shield(storing)
        except asyncio.CancelledError:
            await asyncio.wait([storing])
            raise

    async def get(self, item_id: str) -> GalleryItem:
        """The picture's entry. Raises NotFound."""
        item = await self._index.get(item_id) if _ID.fullmatch(item_id) else None
        if item is None:
            raise NotFound("There is no such picture in the gallery. It may have been deleted.")
        return item

    async def page(self, query: GalleryQuery = ALL, cursor: str | None = None, limit: int = 50) -> GalleryPage:
        return await self._index.page(query, cursor, limit)

    async def png(self, item_id: str) -> bytes:
        """The PNG file as it is kept. Raises NotFound."""
        return await self._files.read(await self.get(item_id))

    async def file(self, item_id: str, kind: FileKind, quality: int = 100) -> bytes:
        """The picture as a file of that kind, its settings inside. Raises NotFound."""
        png = await self.png(item_id)
        return png if kind == "png" else await asyncio.to_thread(_converted, png, kind, quality)

    async def thumbnail(self, item_id: str) -> bytes:
        """A small WebP. Raises NotFound."""
        return await self._files.thumbnail(await self.get(item_id))

    async def preview(self, item_id: str) -> bytes:
        """A WebP of at most 768 pixels and 200 kB, to be shown in a chat. Raises NotFound."""
        png = await self.png(item_id)
        return await asyncio.to_thread(lambda: to_preview(open_image(png)))

    async def delete(self, item_id: str) -> None:
        """Move it to the trash. Raises NotFound."""
        async with self._changing:
            item = await self.get(item_id)
            try:
                await self._files.trash(item)
            except NotFound:
                log.info("picture was deleted outside", item=item_id)
            await self._index.remove(item_id)
            self._note(item_id)

    async def restore(self, item_id: str) -> GalleryItem:
        async with self._changing:
            item = await self._files.restore(item_id)
            await self._index.add(item)
            self._note(item_id)
            return item

    async def set_favourite(self, item_id: str, favourite: bool) -> GalleryItem:
        async with self._changing:
            item = (await self.get(item_id)).model_copy(update={"favourite": favourite})
            await self._files.update(item)
            await self._index.add(item)
            self._note(item_id)
            return item

    async def reindex(self) -> Reindexed:
        """Take in what somebody put into the folder, and rebuild the index from the files."""
        async with self._rebuilding:
            taken = await self._files.take_in()
            count, left_out = await self._rebuild()
        log.info("pictures taken in", imported=taken.imported, left_out=len(taken.left_out))
        return Reindexed(count, taken.imported, [*taken.left_out, *left_out])

    async def _rebuild(self) -> tuple[int, list[LeftOut]]:
        self._changed.clear()
        scanned = await self._files.scan()
        count = await self._index.rebuild(scanned.items)
        async with self._changing:  # what was changed meanwhile, and may have been read before
            for item_id in list(self._changed):
                now = (await self._files.scan({item_id})).items
                await (self._index.add(now[0]) if now else self._index.remove(item_id))
        log.info("gallery index rebuilt", pictures=count, left_out=len(scanned.left_out))
        return count, scanned.left_out

    async def reconcile(self) -> None:
        """Take up pictures without a row, drop rows without a picture. Only names are compared, so it is quick."""
        if await self._mend() > ONE_BY_ONE:
            async with self._rebuilding:
                await self._rebuild()
        self._reconciled = True

    async def _mend(self) -> int:
        """Answers how many differences there were; too many are left as they are."""
        async with self._changing:
            # Rows before files: a picture added in between has its file first, and is no row without a file so.
            rows = await self._index.ids()
            present = await self._files.ids()
            lost, found = rows - present, present - rows
            if len(lost) + len(found) <= ONE_BY_ONE:
                for item_id in lost:
                    await self._index.remove(item_id)
                for item in (await self._files.scan(found)).items if found else ():
                    await self._index.add(item)
            if lost or found:
                log.info("gallery index mended", rows_without_file=len(lost), files_without_row=len(found))
            return len(lost) + len(found)

    def _note(self, item_id: str) -> None:
        if self._rebuilding.locked():
            self._changed.add(item_id)

    async def _kept(self, item_id: str) -> GalleryItem | None:
        """Before the rows were made to agree with the folder, only the folder knows."""
        if (item := await self._index.get(item_id)) or self._reconciled:
            return item
        return next(iter((await self._files.scan({item_id})).items), None)

    async def _store(self, item: GalleryItem, image: PillowImage) -> GalleryItem:
        png, thumbnail = await asyncio.to_thread(_encode, item, image)
        await self._files.save(item, png, thumbnail)
        await self._index.add(item)
        self._note(item.id)
        return item


def _converted(png: bytes, kind: FileKind, quality: int) -> bytes:
    image, text = open_image_with_text(png)
    return to_file(image, kind, quality, text)


def _encode(item: GalleryItem, image: PillowImage) -> tuple[bytes, bytes]:
    text = {"parameters": write_infotext(item.metadata), **own_text(item)}
    return image_to_png(image, text), to_thumbnail(image)
