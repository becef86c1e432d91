"""A gallery in use, and what a crash at each of its steps leaves: its folder as it is in that moment, copied.

A step is a call that changes the disk, or a statement of the database; a write can be cut off in its middle, too. What
a killed process leaves is what it has handed to the system until then, and that is what a copy holds: the journal of a
transaction that never ends included. What was acknowledged stands in a file of the folder.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from illustrious_studio.adapters.files.disk import Disk
from illustrious_studio.adapters.files.gallery import FolderGallery
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.gallery_index import SqlGalleryIndex
from illustrious_studio.services.gallery import GalleryService
from samples import a_picture, metadata

FIRST, SECOND = "1" * 32, "2" * 32


class Crashes:
    """Copies the folder of a gallery before each step, in the order of the steps."""

    def __init__(self, place: Path, copies: Path) -> None:
        self.left: list[Path] = []
        self._place, self._copies = place, copies
        self._one_at_a_time = threading.Lock()

    def step(self, *_: Any) -> None:
        with self._one_at_a_time:
            copy = self._copies / f"{len(self.left) + 1}"
            shutil.copytree(self._place, copy)
            self.left.append(copy)

    @contextmanager
    def in_the_database(self) -> Iterator[None]:
        """At each statement and before each commit."""
        names = ("before_cursor_execute", "commit")
        for name in names:
            event.listen(Engine, name, self.step)
        try:
            yield
        finally:
            for name in names:
                event.remove(Engine, name, self.step)


class CrashingDisk(Disk):
    """A crash may come before each call, and in the middle of a write."""

    def __init__(self, crashes: Crashes) -> None:
        super().__init__()
        self._crashes = crashes
        self._whole = False

    def create(self, path: Path) -> int:
        self._crashes.step()
        self._whole = False
        return super().create(path)

    def write(self, file: int, data: memoryview) -> int:
        """The first time but half of it."""
        self._crashes.step()
        data, self._whole = data if self._whole else data[: len(data) // 2], True
        return super().write(file, data)

    def sync(self, file: int) -> None:
        self._crashes.step()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._crashes.step()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._crashes.step()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._crashes.step()
        super().sync_folder(folder)


async def crashes_of_a_gallery(place: Path, copies: Path) -> list[Path]:
    """What a crash at each step of a gallery at `place` leaves, in `copies`."""
    place.mkdir()
    async with Database(f"sqlite:///{place}/studio.db"):
        await FolderGallery.open(place / "gallery")
    acknowledged = os.open(place / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def acknowledge(what: str) -> None:
        os.write(acknowledged, f"{what}\n".encode())

    crashes = Crashes(place, copies)
    try:
        with crashes.in_the_database():
            async with Database(f"sqlite:///{place}/studio.db") as database:
                files = await FolderGallery.open(place / "gallery", CrashingDisk(crashes))
                service = GalleryService(files, SqlGalleryIndex(database))
                await service.reconcile()
                await service.add(a_picture().image(), metadata("first", second=1), FIRST)
                acknowledge("first there")
                await service.set_favourite(FIRST, True)
                acknowledge("first loved")
                await service.add(a_picture().image(), metadata("second", second=2), SECOND)
                acknowledge("second there")
                await service.delete(FIRST)
                acknowledge("first deleted")
                await service.restore(FIRST)
                acknowledge("first restored")
                await service.delete(SECOND)
                acknowledge("second deleted")
    finally:
        os.close(acknowledged)
    return crashes.left
