"""What other processes do in a test: use the gallery, and end without warning at the first step, at the second, ...

A step is a call that changes the disk, or a statement of the database. What was acknowledged stands in a file. This
program forks one process for each step, from before it has threads.
"""

import asyncio
import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.samples import a_picture, metadata

from illustrious_studio.adapters.files.gallery import Disk, FolderGallery
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.gallery_index import SqlGalleryIndex
from illustrious_studio.services.gallery import GalleryService

FIRST, SECOND = "1" * 32, "2" * 32
DIED = 9


class Fate:
    """Counts down."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self) -> bool:
        """Whether this is the last one."""
        self._left -= 1
        return self._left == 0

    def pass_or_die(self, *_: Any) -> None:
        if self.step():
            os._exit(DIED)


class DyingDisk(Disk):
    """Before each call it may be over; in the middle of a write, too."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    def create(self, path: Path) -> int:
        self._fate.pass_or_die()
        return super().create(path)

    def write(self, file: int, data: memoryview) -> int:
        if self._fate.step():
            super().write(file, data[: len(data) // 2])
            os._exit(DIED)
        return super().write(file, data)

    def sync(self, file: int) -> None:
        self._fate.pass_or_die()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._fate.pass_or_die()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._fate.pass_or_die()
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._fate.pass_or_die()
        super().sync_folder(folder)


def die_at_every_step(folder: Path) -> None:
    """Leaves a folder for each, numbered, until there are fewer steps than the number."""
    asyncio.run(_make(folder / "new"))
    for steps in count(1):
        place = folder / f"{steps}"
        shutil.copytree(folder / "new", place)
        child = os.fork()
        if child == 0:
            _use_gallery(place, steps)
            os._exit(0)
        if (status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) != DIED:
            raise SystemExit(status)


def _use_gallery(place: Path, steps: int) -> None:
    fate = Fate(steps)
    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, fate.pass_or_die)
    asyncio.run(_use(place, DyingDisk(fate)))


async def _make(place: Path) -> None:
    place.mkdir()
    async with Database(f"sqlite:///{place}/studio.db"):
        await FolderGallery.open(place / "gallery")


async def _use(place: Path, disk: Disk) -> None:
    acknowledged = os.open(place / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def acknowledge(what: str) -> None:
        os.write(acknowledged, f"{what}\n".encode())

    async with Database(f"sqlite:///{place}/studio.db") as database:
        service = GalleryService(await FolderGallery.open(place / "gallery", disk), SqlGalleryIndex(database))
        await service.reconcile()
        await service.add(a_picture(), metadata("first", second=1), FIRST)
        acknowledge("first there")
        await service.set_favourite(FIRST, True)
        acknowledge("first loved")
        await service.add(a_picture(), metadata("second", second=2), SECOND)
        acknowledge("second there")
        await service.delete(FIRST)
        acknowledge("first deleted")
        await service.restore(FIRST)
        acknowledge("first restored")
        await service.delete(SECOND)
        acknowledge("second deleted")


if __name__ == "__main__":
    die_at_every_step(Path(sys.argv[1]))
