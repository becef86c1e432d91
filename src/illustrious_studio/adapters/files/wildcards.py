"""Wildcards: text files in one folder and those below it, a choice a line."""

from collections.abc import Callable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from illustrious_studio.adapters.reading import FileThreads, folders_below, open_regular
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.wildcards import Lines, can_be_named

T = TypeVar("T")

LARGEST = 4_000_000
"""Bytes of a file; that is a hundred thousand lines."""


class WildcardFolder:
    """Implements WildcardFiles. Files are read anew for each prompt, so that nothing has to be started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = FileThreads("wildcards")

    async def with_lines(self, work: Callable[[Lines], T]) -> T:
        return await self._threads.run(lambda: work(_Files(self._folder).lines))

    async def names(self) -> list[str]:
        return await self._threads.run(lambda: _Files(self._folder).names())


class _Files:
    """What there is now, each file read once. Blocking."""

    def __init__(self, place: Path) -> None:
        self.paths: dict[str, Path] = {}
        """Each by its path below the place, without its ending, in small letters."""
        self._read: dict[Path, list[str]] = {}
        for folder, names in folders_below(place):
            for path in (folder / name for name in names if name.lower().endswith(".txt")):
                self.paths.setdefault(path.relative_to(place).with_suffix("").as_posix().lower(), path)

    def names(self) -> list[str]:
        return sorted(filter(can_be_named, self.paths))

    def lines(self, name: str) -> list[str]:
        """Those of all files that the name means. Raises NotFound, InvalidRequest (a file that cannot be read)."""
        wanted = name.lower()
        if wanted in self.paths:
            meant = [wanted]
        elif "*" in wanted:
            meant = sorted(known for known in self.paths if fnmatchcase(known, wanted))
        else:
            meant = sorted(known for known in self.paths if known.rpartition("/")[2] == wanted)
        if not meant:
            near = get_close_matches(wanted, self.names())
            hint = f" Nearest: {', '.join(f'__{one}__' for one in near)}." if near else ""
            raise NotFound(
                f"There is no wildcard __{name}__.{hint} "
                f"Put a file {name}.txt into the folder wildcards of the data folder."
            )
        lines = [line for known in meant for line in self._lines_of(self.paths[known])]
        if not lines:
            raise NotFound(f"The wildcard __{name}__ has no lines. Write its choices into the file, one a line.")
        return lines

    def _lines_of(self, path: Path) -> list[str]:
        if path not in self._read:
            try:
                with open_regular(path) as file:
                    data = file.read(LARGEST + 1)
            except OSError as error:
                raise InvalidRequest(f"The wildcard file {path.name} cannot be read: {error.strerror}.") from error
            if len(data) > LARGEST:
                raise InvalidRequest(f"The wildcard file {path.name} is larger than {LARGEST // 1_000_000} MB.")
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise InvalidRequest(
                    f"The wildcard file {path.name} is not in UTF-8. Save it anew in UTF-8."
                ) from error
            if "\0" in text:
                raise InvalidRequest(
                    f"The wildcard file {path.name} has zero bytes, which no text has. Save it anew as text in UTF-8."
                )
            lines = [line.strip() for line in text.splitlines()]
            self._read[path] = [line for line in lines if line and not line.startswith("#")]
        return self._read[path]
