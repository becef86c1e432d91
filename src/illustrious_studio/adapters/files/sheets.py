"""The sheets of grids as files, each named by its grid's id. Port `SheetFiles`."""

from contextlib import suppress
from pathlib import Path

from illustrious_studio.adapters.files.disk import Disk, in_thread, is_full
from illustrious_studio.adapters.reading import FileThreads, NoRegularFile, read_regular
from illustrious_studio.domain.errors import StorageFull, StudioError, Unavailable


class FolderSheets:
    """Sheets in a folder, which is made with the first one."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        self._threads = FileThreads("sheets")

    async def save(self, grid_id: str, png: bytes) -> None:
        await in_thread(self._threads, lambda: self._save(grid_id, png), _translated)

    async def read(self, grid_id: str) -> bytes | None:
        def read() -> bytes | None:
            with suppress(FileNotFoundError, NoRegularFile):
                return read_regular(self._folder / f"{grid_id}.png")
            return None

        return await in_thread(self._threads, read, _translated)

    def _save(self, grid_id: str, png: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._disk.replace(self._folder / f"{grid_id}.png", png, aside_in=self._folder)


def _translated(error: OSError) -> StudioError:
    if is_full(error):
        return StorageFull(
            "The sheet of the grid could not be kept: the disk is full. Free some space, then ask again."
        )
    return Unavailable(f"The folder of sheets cannot be used ({error.strerror or error}).")
