"""Reading what people put on a disk: never waiting for what is no file, and in threads of one's own.

Who opens a pipe waits until somebody writes to it, and a device may do anything when it is opened. A disk that hangs (a
network drive that went away) holds each thread that reads from it: so every area has a few of its own, and when all of
them are held, the others go on.
"""

import asyncio
import contextvars
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")

THREADS = 4
_BINARY = getattr(os, "O_BINARY", 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NoRegularFile(OSError):
    """It has the name of a file and is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is a folder, a pipe, a socket or a device")
        self.strerror = "it is no regular file, but a folder, a pipe, a socket or a device"


class FileThreads:
    """The threads in which one area reads and writes its files. They end with whoever has them."""

    def __init__(self, area: str) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=area)

    async def run(self, work: Callable[[], T]) -> T:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, work)


def folders_below(
    place: Path, is_whole: Callable[[list[str]], bool] = lambda _: False
) -> Iterator[tuple[Path, list[str]]]:
    """Each folder at or below a place, once, with the names of its files; nothing below one that `is_whole` by these.
    What is linked to comes last: so what lies in the place itself keeps its path, whatever link leads to it as well."""
    seen: set[str] = set()
    waiting = [str(place)]
    while waiting:
        for folder, folders, files in os.walk(waiting.pop(0)):
            real = os.path.realpath(folder)
            if real in seen or is_whole(files):
                folders.clear()
            if real not in seen:
                seen.add(real)
                folders.sort()
                waiting += [link for name in folders if os.path.islink(link := os.path.join(folder, name))]
                yield Path(folder), sorted(files)


def open_regular(path: Path, *, follow_links: bool = True) -> BinaryIO:
    """For reading. Raises NoRegularFile, OSError."""
    if not stat.S_ISREG(os.stat(path, follow_symlinks=follow_links).st_mode):
        raise NoRegularFile(path)
    # It may have become another since: so it is not waited for here either, and looked at once more.
    file = os.open(path, os.O_RDONLY | _BINARY | _WITHOUT_WAITING | (0 if follow_links else _NO_LINK))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NoRegularFile(path)
    return os.fdopen(file, "rb")


def read_regular(path: Path, *, follow_links: bool = True) -> bytes:
    """All of it. Raises NoRegularFile, OSError."""
    with open_regular(path, follow_links=follow_links) as file:
        return file.read()
