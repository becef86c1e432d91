"""How files are written: aside, onto the disk, and only then under their name. What has its name is whole."""

import errno
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.domain.errors import StudioError

T = TypeVar("T")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Disk:
    """The calls that change a disk, one method each, so that a test can fail or die at any one of them; and what is
    made of them. `mode`: who may read and write what is created."""

    def __init__(self, mode: int = 0o644) -> None:
        self._mode = mode

    def create(self, path: Path) -> int:
        return os.open(path, _CREATE, self._mode)

    def write(self, file: int, data: memoryview) -> int:
        return os.write(file, data)

    def sync(self, file: int) -> None:
        os.fsync(file)

    def close(self, file: int) -> None:
        os.close(file)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        if os.name == "nt":  # Windows opens no folders
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def write_aside(self, folder: Path, data: bytes, *, sync: bool = True) -> Path:
        """A new file in that folder, to be renamed; `sync`: it outlives a power failure. None is left by an OSError."""
        path = folder / f"{uuid.uuid4().hex}.part"
        try:
            file = self.create(path)
            try:
                view = memoryview(data)
                while view:
                    view = view[self.write(file, view) :]
                if sync:
                    self.sync(file)
            finally:
                self.close(file)
        except OSError:
            with suppress(OSError):
                self.remove(path)
            raise
        return path

    def replace(self, target: Path, data: bytes, aside_in: Path) -> None:
        """Put it in place of what is there, which stays at an OSError."""
        part = self.write_aside(aside_in, data)
        try:
            self.rename(part, target)
        except OSError:
            with suppress(OSError):
                self.remove(part)
            raise
        self.sync_folder(target.parent)


def is_full(error: OSError) -> bool:
    """Whether there is no room: on the disk, in the person's share of it, or for a file of that size."""
    return error.errno in _FULL


async def in_thread(threads: FileThreads, work: Callable[[], T], translated: Callable[[OSError], StudioError]) -> T:
    """What the work returns; its OSError becomes an error of the studio."""
    try:
        return await threads.run(work)
    except OSError as error:
        raise translated(error) from error
