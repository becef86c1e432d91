"""The gallery's folder: PNG and JSON files that anybody can open without the studio. Port `GalleryFiles`.

    <folder>/<time>_<uuid>.png      the picture, its settings inside
    <folder>/<time>_<uuid>.json     the item, for programs
    <folder>/.thumbnails/<uuid>.webp
    <folder>/.trash/<day>/          deleted ones, for seven days
    <folder>/.parts/                files while they are written
    <folder>/.imported/             JPEG and WebP files that somebody put here, of which the gallery's PNG was made

A picture exists from the moment its PNG is renamed into the folder, and it is complete then: the PNG carries all of
its settings. The JSON follows, and what a crash between the two left out is read from the PNG. So no order of
failures leaves anything half there. It knows nothing of the index.
"""

import asyncio
import errno
import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

import structlog
from PIL import Image
from pydantic import ValidationError

from illustrious_studio.adapters.files.disk import Disk, in_thread, is_full
from illustrious_studio.adapters.files.recovery import Unreadable, item_from_png
from illustrious_studio.adapters.reading import FileThreads, NoRegularFile, open_regular
from illustrious_studio.domain.encoding import image_to_png, to_thumbnail
from illustrious_studio.domain.errors import Conflict, InvalidRequest, NotFound, StorageFull, StudioError, Unavailable
from illustrious_studio.domain.gallery import OWN_ID, GalleryItem, LeftOut, Scan, TakenIn, own_text
from illustrious_studio.domain.metadata.carried import PARAMETERS
from illustrious_studio.domain.metadata.of_file import own_record, record_of
from illustrious_studio.domain.pictures import open_image_with_text
from illustrious_studio.domain.png import END, is_whole
from illustrious_studio.domain.values import printable

T = TypeVar("T")

TRASH_DAYS = 7
PART_SECONDS = 3600
THUMBNAILS_AT_ONCE = 2
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".jxl"})
"""Endings of what people take for pictures. Only the first four are."""
DAMAGED = "The file of this picture is damaged and cannot be shown."

_NAME = re.compile(r"(\d{8}-\d{6})_([0-9a-f]{32})\.png")
_ID = re.compile(r"[0-9a-f]{32}")
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}

log = structlog.get_logger(__name__)


class FolderGallery:
    """Pictures in a folder. Made by `open`, which also sweeps up what a crash left and empties the old trash."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._thumbnails = folder / ".thumbnails"
        self._trash = folder / ".trash"
        self._parts = folder / ".parts"
        self._disk = disk
        self._threads = FileThreads("gallery")
        self._making = asyncio.Semaphore(THUMBNAILS_AT_ONCE)

    @classmethod
    async def open(cls, folder: Path, disk: Disk | None = None) -> Self:
        """Raises Unavailable when the folder cannot be made or written to."""
        gallery = cls(folder, disk or Disk())
        await gallery._run(gallery._prepare)
        return gallery

    async def save(self, item: GalleryItem, png: bytes, thumbnail: bytes) -> None:
        await self._run(lambda: self._save(item, png, thumbnail))

    async def update(self, item: GalleryItem) -> None:
        await self._run(lambda: self._update(item))

    async def read(self, item: GalleryItem) -> bytes:
        data = await self._run(lambda: _read(self._png(item)))
        if not is_whole(data):
            raise NotFound(DAMAGED)
        return data

    async def thumbnail(self, item: GalleryItem) -> bytes:
        path = self._thumbnails / f"{item.id}.webp"
        with suppress(NotFound):
            if data := await self._run(lambda: _read(path)):  # empty: the power failed before it was on the disk
                return data
        async with self._making:
            return await self._run(lambda: self._make_thumbnail(item, path))

    async def trash(self, item: GalleryItem) -> None:
        await self._run(lambda: self._move_to_trash(item))

    async def restore(self, item_id: str) -> GalleryItem:
        return await self._run(lambda: self._restore(item_id))

    async def ids(self) -> set[str]:
        return {item_id for _, item_id in await self._run(self._names)}

    async def take_in(self) -> TakenIn:
        return await self._run(self._take_in)

    async def scan(self, ids: Set[str] | None = None) -> Scan:
        return await self._run(lambda: self._scan(ids))

    async def _run(self, work: Callable[[], T]) -> T:
        return await in_thread(self._threads, work, _translated)

    def _take_in(self) -> TakenIn:
        taken, left_out = 0, []
        ids = {item_id for _, item_id in self._names()}
        for path in self._others():
            try:
                ids.add(self._take(path, ids))
                taken += 1
            except StudioError as error:
                left_out.append(LeftOut(printable(path.name), error.detail))
        return TakenIn(taken, left_out)

    def _others(self) -> list[Path]:
        """Pictures under names that are not the gallery's, and folders, in the order of their names."""
        own = {path.name for path, _ in self._names()}
        with os.scandir(self._folder) as entries:
            return sorted(
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name not in own
                and (entry.is_dir() or os.path.splitext(entry.name)[1].lower() in PICTURES)
            )

    def _take(self, path: Path, ids: Set[str]) -> str:
        """Make a file a picture of the gallery; its id. Raises StudioError with why not.

        A PNG gets a name of the gallery, and stays as it is otherwise. Of another file a PNG is made.
        """
        if path.is_symlink() or not path.is_file():
            raise InvalidRequest("It is no plain file, but a folder, a link or a pipe. Copy the picture itself there.")
        data = _read(path)
        image, carried = open_image_with_text(data)
        item = self._item_of(path, data, image.size, carried)
        if item.id in ids:
            raise Conflict("It is in the gallery already.")
        if is_whole(data):
            self._disk.rename(self._disk.write_aside(self._parts, _as_json(item)), self._json(item))
            self._disk.rename(path, self._png(item))
            self._disk.sync_folder(self._folder)
            return item.id
        text = {PARAMETERS: carried[PARAMETERS]} if PARAMETERS in carried else {}
        text |= own_text(item)
        self._save(item, image_to_png(image, text), to_thumbnail(image))
        kept = self._folder / ".imported"
        kept.mkdir(exist_ok=True)
        self._disk.rename(path, kept / f"{item.id}-{path.name}")
        return item.id

    def _item_of(self, path: Path, data: bytes, size: tuple[int, int], carried: Mapping[str, str]) -> GalleryItem:
        """What the file says of itself, or else its name and time. One of the studio's own keeps its id."""
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        own = own_record(carried)
        metadata = record_of(carried, size, made, printable(path.stem))
        if own is not None:
            for beside in self._folder.glob(f"{own.created_at:%Y%m%d-%H%M%S}_*.json"):
                with suppress(ValueError, NotFound):
                    item = GalleryItem.from_json(_read(beside))
                    if item.metadata == own:
                        return item
        said = carried.get(OWN_ID, "") if own is not None else ""
        return GalleryItem(id=said if _ID.fullmatch(said) else hashlib.sha256(data).hexdigest()[:32], metadata=metadata)

    def _scan(self, ids: Set[str] | None) -> Scan:
        found = Scan([], [])
        for path, item_id in self._names():
            if ids is None or item_id in ids:
                try:
                    found.items.append(self._item(path, item_id))
                except (Unreadable, NotFound, OSError) as error:
                    log.warning("picture left out", file=path.name, reason=str(error))
                    found.left_out.append(LeftOut(path.name, f"It cannot be read: {error}."))
        return found

    def _png(self, item: GalleryItem) -> Path:
        return self._folder / f"{item.stem}.png"

    def _json(self, item: GalleryItem) -> Path:
        return self._folder / f"{item.stem}.json"

    def _names(self) -> list[tuple[Path, str]]:
        try:
            with os.scandir(self._folder) as entries:
                return [
                    (Path(entry.path), found[2])
                    for entry in entries
                    if (found := _NAME.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False)
                ]
        except OSError as error:
            raise _translated(error) from error

    def _prepare(self) -> None:
        for folder in (self._folder, self._thumbnails, self._trash, self._parts):
            folder.mkdir(parents=True, exist_ok=True)
        # It fails here, with a sentence, rather than at the first picture.
        probe = self._disk.write_aside(self._parts, b"")
        now = probe.stat().st_mtime
        self._disk.remove(probe)
        for part in self._parts.iterdir():
            if now - part.lstat().st_mtime > PART_SECONDS:  # younger ones may be another process's, at work here now
                self._disk.remove(part)
        oldest = (date.today() - timedelta(days=TRASH_DAYS)).isoformat()
        for day in self._trash.iterdir():
            if day.name < oldest and day.is_dir() and not day.is_symlink():
                self._empty(day)

    def _empty(self, day: Path) -> None:
        for png in day.glob("*.png"):
            self._disk.remove(self._thumbnails / f"{png.stem[-32:]}.webp")
            if not (self._folder / png.name).exists():  # deleting was cut off before the JSON could follow
                self._disk.remove(self._folder / f"{png.stem}.json")
        shutil.rmtree(day)

    def _save(self, item: GalleryItem, png: bytes, thumbnail: bytes) -> None:
        """All bytes are safely on the disk before the first rename, the PNG's, makes them a picture."""
        targets = (self._png(item), self._json(item), self._thumbnails / f"{item.id}.webp")
        parts: list[Path] = []
        try:
            parts.append(self._disk.write_aside(self._parts, png))
            parts.append(self._disk.write_aside(self._parts, _as_json(item)))
            parts.append(self._disk.write_aside(self._parts, thumbnail, sync=False))
            for part, target in zip(parts, targets, strict=True):
                self._disk.rename(part, target)
            self._disk.sync_folder(self._folder)
        except OSError:
            for path in (*parts, *targets):
                with suppress(OSError):
                    self._disk.remove(path)
            raise

    def _update(self, item: GalleryItem) -> None:
        if not self._png(item).exists():
            raise _not_found(item.id)
        self._disk.replace(self._json(item), _as_json(item), aside_in=self._parts)

    def _make_thumbnail(self, item: GalleryItem, path: Path) -> bytes:
        data = _read(self._png(item))
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                thumbnail = to_thumbnail(image)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise NotFound(DAMAGED) from error
        try:
            self._disk.rename(self._disk.write_aside(self._parts, thumbnail, sync=False), path)
        except OSError as error:  # shown all the same: what is missing is only its copy
            log.warning("thumbnail not kept", item=item.id, reason=error.strerror)
        return thumbnail

    def _move_to_trash(self, item: GalleryItem) -> None:
        """PNG first: with it the picture is gone, and `restore` finds the JSON here or there."""
        day = self._trash / date.today().isoformat()
        day.mkdir(exist_ok=True)
        try:
            self._disk.rename(self._png(item), day / self._png(item).name)
        except FileNotFoundError as error:
            raise _not_found(item.id) from error
        with suppress(FileNotFoundError):
            self._disk.rename(self._json(item), day / self._json(item).name)
        self._disk.sync_folder(day)
        self._disk.sync_folder(self._folder)

    def _restore(self, item_id: str) -> GalleryItem:
        if not _ID.fullmatch(item_id):
            raise _not_found(item_id)
        for png in sorted(self._trash.glob(f"*/*_{item_id}.png"), reverse=True):
            json = png.with_suffix(".json")
            with suppress(FileNotFoundError):
                self._disk.rename(json, self._folder / json.name)
            back = self._folder / png.name
            self._disk.rename(png, back)
            self._disk.sync_folder(self._folder)
            try:
                return self._item(back, item_id)
            except Unreadable as error:
                raise NotFound(DAMAGED) from error
        raise NotFound("There is no such picture in the trash. It is kept there for seven days.")

    def _item(self, path: Path, item_id: str) -> GalleryItem:
        """The item of a PNG: from the JSON beside it, or else from the settings inside it. Raises Unreadable."""
        if not _ends_as_png(path):
            raise Unreadable("it is cut off")
        try:
            item = GalleryItem.from_json(_read(path.with_suffix(".json")))
            if item.id == item_id and item.stem == path.stem:
                return item
            log.info("json of another picture", file=path.name)
        except NotFound:
            log.info("json missing", file=path.name)
        except (ValidationError, OSError) as error:
            log.warning("json damaged", file=path.name, reason=type(error).__name__)
        with _open(path) as file:
            item = item_from_png(file, path.stem)
        with suppress(OSError):  # it is read from the PNG again next time
            self._disk.rename(self._disk.write_aside(self._parts, _as_json(item)), path.with_suffix(".json"))
        return item


def _as_json(item: GalleryItem) -> bytes:
    return item.model_dump_json(indent=1).encode()


def _open(path: Path) -> BinaryIO:
    """For reading; only plain files: a name may have become a link or a pipe since it was listed. Raises NotFound."""
    try:
        return open_regular(path, follow_links=False)
    except OSError as error:
        if isinstance(error, NoRegularFile) or error.errno in _GONE:
            raise _not_found(path.stem[-32:]) from error
        raise


def _ends_as_png(path: Path) -> bool:
    """Whether the file was written to its end: all that can be seen of it without reading the whole."""
    with _open(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(END)))
        return file.read() == END


def _read(path: Path) -> bytes:
    with _open(path) as file:
        return file.read()


def _not_found(item_id: str) -> NotFound:
    return NotFound(f"There is no picture {item_id[:32]!r} in the gallery. It may have been deleted.")


def _translated(error: OSError) -> StudioError:
    if is_full(error):
        return StorageFull(
            "The picture could not be kept: the disk of the gallery folder is full. "
            "Free some space, then draw it again with the same seed."
        )
    return Unavailable(
        f"The gallery folder cannot be used ({error.strerror or error}). "
        "Check that its disk is there and that you may write to it."
    )
