"""Model files by their hashes: A1111's titles and infotexts name a file so, whatever it is called here.

Nothing is hashed while somebody waits. What is not known yet is hashed in the background, one file after the other,
when its report is looked at or when a hash is asked for that none of the known files has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import structlog
from pydantic import Field

from illustrious_studio.domain.checkpoints.values import FileHash, FileHashes
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.model_names import File, Named, hash_in, named
from illustrious_studio.domain.values import Value

Kind = Literal["checkpoint", "vae", "lora", "embedding", "upscaler", "control", "detector"]

log = structlog.get_logger(__name__)


class HashedFile(Value):
    """A model file, and its hashes as far as they are known."""

    kind: Kind
    name: str
    sha256: str | None = None
    auto_v2: str | None = Field(None, description='First 10 digits of the SHA-256: A1111\'s "Model hash".')
    auto_v3: str | None = Field(
        None, description='First 12 digits of the SHA-256 without the header: A1111\'s "Lora hashes".'
    )


class FoundByHash(Value):
    """The files that have a hash, and how many are still to be hashed, which may have it, too."""

    files: tuple[HashedFile, ...]
    unknown: int = Field(description="Files that are not hashed yet. That goes on in the background: ask again.")


Listing = Callable[[], Awaitable[Sequence[Named]]]


class ModelHashes:
    """An async context manager: while it is open, files are hashed in the background."""

    def __init__(self, hashes: FileHashes, kinds: Mapping[Kind, Listing]) -> None:
        self._hashes = hashes
        self._kinds = dict(kinds)
        self._waiting: dict[Path, None] = {}
        """In their order; the first is being hashed."""
        self._working: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def of(self, path: Path) -> FileHash:
        """What is known of a file."""
        return (await self._hashes.known([path])).get(path, FileHash())

    async def known(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        """The same of several."""
        return await self._hashes.known(paths)

    def hashing(self, path: Path) -> bool:
        """Whether that is going on or will be."""
        return path in self._waiting

    async def start(self, *paths: Path) -> None:
        """Have these hashed in the background, as far as they are not."""
        self._waiting |= dict.fromkeys(_missing(await self._hashes.known(paths)))
        if self._waiting and (self._working is None or self._working.done()):
            self._working = asyncio.create_task(self._work())

    async def named(self, name: str, files: Sequence[File]) -> File | None:
        """The one of these files that is meant by a name (`domain/model_names.py`), if any. A hash in it counts more
        than the file's name, which people change; the name counts where no file is known to have that hash."""
        by_name, digits = named(name, files), hash_in(name)
        if digits is None or (by_name is not None and digits == name.strip().lower()):
            return by_name
        known = await self._hashes.known([one.path for one in files])
        having = [one for one in files if one.path in known and known[one.path].is_meant_by(digits)]
        return by_name if by_name in having or not having else having[0]

    async def not_yet(self, name: str, files: Sequence[Named]) -> str:
        """Where a hash in a name was not found: how many of these files may still have it, in a sentence. They are
        hashed from now on."""
        if (digits := hash_in(name)) is None:
            return ""
        known = await self._hashes.known([one.path for one in files])
        missing = _missing(known)
        await self.start(*missing)
        if not missing:
            just_now = any(one.is_meant_by(digits) for one in known.values())
            return " It was hashed this moment: ask again." if just_now else ""
        number = f"{len(missing)} files are" if len(missing) > 1 else "One file is"
        return f" {number} not hashed yet, which is done now and takes a while: ask again."

    async def find(self, digits: str, *kinds: Kind) -> FoundByHash:
        """The files of these kinds, or of all, whose hash begins so: 8 to 64 hex digits, alone or as A1111 writes them,
        `name [0123456789]`. Raises InvalidRequest."""
        if (wanted := hash_in(digits)) is None:
            raise InvalidRequest("hash: must be 8 to 64 hex digits, such as 67ab2fd8ec, or a title that ends in [them]")
        listed = [
            (kind, one)
            for kind, listing in self._kinds.items()
            if not kinds or kind in kinds
            for one in await listing()
        ]
        known = await self._hashes.known([one.path for _, one in listed])
        found = [
            HashedFile(kind=kind, name=one.name, **_shown(known[one.path]))
            for kind, one in listed
            if one.path in known and known[one.path].is_meant_by(wanted)
        ]
        missing = _missing(known)
        if not found:
            await self.start(*missing)
        return FoundByHash(files=tuple(found), unknown=len(missing))

    async def _work(self) -> None:
        while self._waiting:
            path = next(iter(self._waiting))
            try:
                await self._hashes.of(path)
                await self._hashes.of(path, without_header=True)
            except Exception:
                log.exception("model file not hashed", file=path.name)
            finally:
                self._waiting.pop(path, None)


def _missing(known: Mapping[Path, FileHash]) -> list[Path]:
    return [path for path, one in known.items() if one.sha256 is None or one.tensors_sha256 is None]


def _shown(known: FileHash) -> dict[str, str | None]:
    return {"sha256": known.sha256, "auto_v2": known.auto_v2, "auto_v3": known.auto_v3}
