"""Input pictures as files, each named by the SHA-256 of its bytes. Port `InputFiles`."""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.disk import FileThreads, NoRegularFile, read_regular
from illustrious_studio.domain.errors import NotFound, StorageFull, StudioError, Unavailable

T = TypeVar("T")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderInputs:
    """Inputs in a folder, which is made with the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = FileThreads("inputs")

    async def keep(self, data: bytes) -> str:
        return await self._run(lambda: self._keep(data))

    async def read(self, input_id: str) -> bytes:
        return await self._run(lambda: read_regular(self._folder / input_id))

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._threads.run(work)
        except OSError as error:
            raise _translated(error) from error

    def _keep(self, data: bytes) -> str:
        """Written aside, synced and renamed: what has the name is whole."""
        input_id = hashlib.sha256(data).hexdigest()
        target = self._folder / input_id
        if target.exists():
            return input_id
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, target)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(aside)
            raise
        return input_id


def _translated(error: OSError) -> StudioError:
    if isinstance(error, FileNotFoundError | NoRegularFile):
        return NotFound("The input picture is not in this studio. Send the picture itself.")
    if error.errno in _FULL:
        return StorageFull("The input picture could not be kept: the disk is full. Free some space, then try again.")
    return Unavailable(f"The folder of input pictures cannot be used ({error.strerror or error}).")
