"""Input pictures as files, each named by the SHA-256 of its bytes. Port `InputFiles`."""

import hashlib
from pathlib import Path

from illustrious_studio.adapters.files.disk import Disk, in_thread, is_full
from illustrious_studio.adapters.reading import FileThreads, NoRegularFile, read_regular
from illustrious_studio.domain.errors import NotFound, StorageFull, StudioError, Unavailable


class FolderInputs:
    """Inputs in a folder, which is made with the first one."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk(mode=0o600)  # what people give is for the studio, not for others on the machine
        self._threads = FileThreads("inputs")

    async def keep(self, data: bytes) -> str:
        return await in_thread(self._threads, lambda: self._keep(data), _translated)

    async def read(self, input_id: str) -> bytes:
        return await in_thread(self._threads, lambda: read_regular(self._folder / input_id), _translated)

    def _keep(self, data: bytes) -> str:
        input_id = hashlib.sha256(data).hexdigest()
        target = self._folder / input_id
        if not target.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._disk.replace(target, data, aside_in=self._folder)
        return input_id


def _translated(error: OSError) -> StudioError:
    if isinstance(error, FileNotFoundError | NoRegularFile):
        return NotFound("The input picture is not in this studio. Send the picture itself.")
    if is_full(error):
        return StorageFull("The input picture could not be kept: the disk is full. Free some space, then try again.")
    return Unavailable(f"The folder of input pictures cannot be used ({error.strerror or error}).")
