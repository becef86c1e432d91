"""The models that a person chose last, in a JSON file of the data folder. Port `ChosenModels`."""

from pathlib import Path

import structlog

from illustrious_studio.adapters.files.disk import Disk, in_thread
from illustrious_studio.adapters.reading import FileThreads
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.models import Chosen

log = structlog.get_logger(__name__)


class ChosenModelsFile:
    """What cannot be read is as if nothing had been chosen."""

    def __init__(self, file: Path, disk: Disk | None = None) -> None:
        self._file = file
        self._disk = disk or Disk()
        self._threads = FileThreads("chosen")

    async def read(self) -> Chosen:
        return await self._threads.run(self._read)

    async def keep(self, chosen: Chosen) -> None:
        data = chosen.model_dump_json(indent=1).encode()
        await in_thread(
            self._threads, lambda: self._disk.replace(self._file, data, aside_in=self._file.parent), self._unwritten
        )

    def _read(self) -> Chosen:
        try:
            return Chosen.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return Chosen()
        except (OSError, ValueError) as error:
            log.warning("what models were chosen cannot be read", file=str(self._file), reason=str(error))
            return Chosen()

    def _unwritten(self, error: OSError) -> Unavailable:
        return Unavailable(f"{self._file.name} cannot be written ({error.strerror or error}).")
