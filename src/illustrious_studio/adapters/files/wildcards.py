"""Wildcards: text files in one folder and those below it, a choice a line."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.reading import FileThreads, open_regular
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.wildcards import Lines

T = TypeVar("T")

LARGEST = 4_000_000
"""Bytes of a file; that is a hundred thousand lines."""


class WildcardFolder:
    """Implements WildcardFiles. A file that is changed is read again; nothing has to be started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = FileThreads("wildcards")
        self._read: dict[str, tuple[tuple[int, int], list[str]]] = {}

    async def with_lines(self, work: Callable[[Lines], T]) -> T:
        return await self._threads.run(lambda: work(self._lines))

    async def names(self) -> list[str]:
        return await self._threads.run(lambda: sorted(self._files()))

    def _files(self) -> dict[str, Path]:
        """Each by its path below the folder, without its ending, in small letters."""
        found: dict[str, Path] = {}
        for folder, folders, names in os.walk(self._folder, followlinks=True):
            if len(Path(folder).relative_to(self._folder).parts) > 8:  # also where a link leads back
                folders.clear()
            for name in names:
                path = Path(folder, name)
                if path.suffix.lower() == ".txt":
                    found.setdefault(path.relative_to(self._folder).with_suffix("").as_posix().lower(), path)
        return found

    def _lines(self, name: str) -> list[str]:
        """Blocking. Those of all files that it means. Raises NotFound, InvalidRequest (too large)."""
        wanted, files = name.lower(), self._files()
        meant = [known for known in files if fnmatchcase(known, wanted)] if "*" in wanted else [wanted]
        if meant == [wanted] and wanted not in files:
            meant = [known for known in files if known.rpartition("/")[2] == wanted]
        lines = [line for known in sorted(meant) for line in self._lines_of(files[known])]
        if not meant:
            near = get_close_matches(wanted, sorted(files))
            hint = f" Nearest: {', '.join(f'__{one}__' for one in near)}." if near else ""
            raise NotFound(f"There is no wildcard __{name}__.{hint} Put a file {name}.txt into {self._folder}.")
        if not lines:
            raise NotFound(f"The wildcard __{name}__ has no lines. Write its choices into the file, one a line.")
        return lines

    def _lines_of(self, path: Path) -> list[str]:
        with open_regular(path) as file:
            known = os.fstat(file.fileno())
            state = known.st_mtime_ns, known.st_size
            kept = self._read.get(str(path))
            if kept is not None and kept[0] == state:
                return kept[1]
            if known.st_size > LARGEST:
                raise InvalidRequest(f"The wildcard file {path.name} is larger than {LARGEST // 1_000_000} MB.")
            text = file.read().decode("utf-8-sig", errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        self._read[str(path)] = state, lines
        return lines
