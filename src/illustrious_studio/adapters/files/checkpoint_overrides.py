"""Overrides of checkpoints, for what their files do not say: an OverridableCatalogue around another catalogue.

They stand in a JSON file of the data folder, by the path of the checkpoint, and count more than what was read from it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from illustrious_studio.adapters.files.disk import Disk, in_thread
from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.models import Checkpoint, CheckpointCatalogue, CheckpointOverride, RefusedFile

log = structlog.get_logger(__name__)

_Kept = TypeAdapter(dict[str, CheckpointOverride])

Checkpoints = list[Checkpoint]


class OverriddenCheckpoints:
    """The checkpoints of another catalogue, each with its override from that file."""

    def __init__(self, found: CheckpointCatalogue, file: Path, disk: Disk | None = None) -> None:
        self._found = found
        self._file = file
        self._disk = disk or Disk()
        self._kept: dict[str, CheckpointOverride] | None = None
        self._writing = asyncio.Lock()
        self._threads = FileThreads("overrides")

    async def list(self) -> Checkpoints:
        kept = await self._read()
        return [one.with_override(kept.get(str(one.path), CheckpointOverride())) for one in await self._found.list()]

    async def hash_of(self, checkpoint: Checkpoint) -> str | None:
        return await self._found.hash_of(checkpoint)

    async def refused(self) -> Sequence[RefusedFile]:
        return await self._found.refused()

    async def set_override(self, checkpoint: Checkpoint, override: CheckpointOverride) -> None:
        async with self._writing:
            kept = {**await self._read(), str(checkpoint.path): override}
            kept = {path: one for path, one in kept.items() if one != CheckpointOverride()}
            data = _Kept.dump_json(kept, indent=1, exclude_none=True)
            await in_thread(
                self._threads,
                lambda: self._disk.replace(self._file, data, aside_in=self._file.parent),
                self._unwritten,
            )
            self._kept = kept

    async def _read(self) -> dict[str, CheckpointOverride]:
        if self._kept is None:
            self._kept = await self._threads.run(self._read_file)
        return self._kept

    def _read_file(self) -> dict[str, CheckpointOverride]:
        try:
            return _Kept.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("overrides of checkpoints cannot be read", file=str(self._file), reason=str(error))
            with suppress(OSError):  # kept, for the next one that is set takes its place
                self._file.replace(self._file.with_suffix(".bad"))
            return {}

    def _unwritten(self, error: OSError) -> Unavailable:
        return Unavailable(f"{self._file.name} cannot be written ({error.strerror or error}).")
