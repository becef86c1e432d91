"""SHA-256 of model files, computed once and kept over restarts: a checkpoint takes a disk ten seconds and more."""

import asyncio
import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

from illustrious_studio.adapters.reading import FileThreads, open_regular
from illustrious_studio.adapters.sdxl.headers import stamp_of
from illustrious_studio.domain.checkpoints.values import FileHash

PIECE = 1 << 22
DATA = "data of "
"""What stands before the path where the header was left out."""

logger = logging.getLogger(__name__)


class FileHashes:
    """One for all of the studio's model files: they are kept in one `file`, or in none."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, str] | None = None
        self._reading = threading.Lock()
        """Held while `file` is read or written."""
        self._hashing: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        """One for each file, so that a picture's checkpoint does not wait until others are hashed."""
        self._threads = FileThreads("hashes")

    async def of(self, path: Path, *, without_header: bool = False) -> str | None:
        """In hex. `without_header`: only of a .safetensors file's tensors, as kohya does it, so that new notes in the
        header change nothing. None where the file cannot be read: no picture is lost for want of a hash."""
        unwanted = threading.Event()
        lock = self._hashing.setdefault(path, asyncio.Lock())
        try:
            async with lock:  # who asks for the same file meanwhile finds it done
                return await self._threads.run(lambda: self._of(path, without_header, unwanted))
        finally:
            unwanted.set()  # who was cancelled leaves no thread behind that reads gigabytes while the studio ends

    async def known(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        """What was computed of these files as they are now; a folder is none. Nothing is read but their state."""
        return await self._threads.run(lambda: self._known_of(paths))

    def _known_of(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        known = self._kept()
        found: dict[Path, FileHash] = {}
        for path in paths:
            with suppress(OSError):
                if not path.is_file():
                    continue
                whole, data = known.get(_key(path, False)), known.get(_key(path, True))
                found[path] = FileHash(sha256=whole, tensors_sha256=data)
        return found

    def _kept(self) -> dict[str, str]:
        with self._reading:
            if self._known is None:
                self._known = _kept(self._file)
            return self._known

    def _of(self, path: Path, without_header: bool, unwanted: threading.Event) -> str | None:
        try:
            key, known = _key(path, without_header), self._kept()
            if key not in known:
                digest = _digest(path, without_header, unwanted)
                if digest is None:
                    return None
                with self._reading:
                    known[key] = digest
                    self._keep()
            return known[key]
        except OSError as error:
            logger.warning("model file not hashed: %s (%s)", path, error.strerror)
            return None

    def _keep(self) -> None:
        if self._file is None:
            return
        aside = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            aside.replace(self._file)
        except OSError as error:
            logger.warning("hash not kept for the next start: %s (%s)", self._file, error.strerror)


def _key(path: Path, without_header: bool) -> str:
    """Under which a hash is kept. Raises OSError."""
    return f"{DATA if without_header else ''}{path}|{stamp_of([path])}"


def _digest(path: Path, without_header: bool, unwanted: threading.Event) -> str | None:
    """None once it is unwanted."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        if without_header:
            file.seek(8 + int.from_bytes(file.read(8), "little"))
        while piece := file.read(PIECE):
            if unwanted.is_set():
                return None
            digest.update(piece)
    return digest.hexdigest()


def _kept(file: Path | None) -> dict[str, str]:
    """What was hashed before. A file that cannot be read costs only the time to hash again."""
    try:
        return TypeAdapter(dict[str, str]).validate_json(file.read_bytes()) if file is not None else {}
    except (OSError, ValueError):
        return {}
