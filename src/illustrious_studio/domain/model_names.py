"""Which model file a name from outside means. Names are only compared, never used as a path.

The studio's name for it comes first. A1111's clients keep what A1111 called it: its file, with the folders above it
(`sub/name.safetensors`, also with Windows' backslashes) and a hash behind it (`name.safetensors [0123456789]`), or the
folders and the file joined by underscores, without an ending (`sub_name`). What the hash says is `hash_in`.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from illustrious_studio.domain.models import RefusedFile, without_ending

_HASH = re.compile(r"\s*\[([0-9a-fA-F]{6,64})\]\s*$")
_ALONE = re.compile(r"[0-9a-fA-F]{8,64}")
SHORTEST_HASH = 8
"""Of fewer digits several files would have the same."""


class Named(Protocol):
    """A model file that has a name."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...


File = TypeVar("File", bound=Named)


def named(name: str, files: Sequence[File]) -> File | None:
    """The file that is meant, if any. Where the same place is in several folders, the one that lies least deep."""
    bare = without_ending(_HASH.sub("", name.strip()))
    exact = (one for wanted in (name, bare) for one in files if one.name == wanted)
    return next(exact, None) or min(
        (one for one in files if _means(name, one.path)), key=lambda one: len(one.path.parts), default=None
    )


def hash_in(name: str) -> str | None:
    """The hash that stands behind a name, or alone, in small hex digits; None for none that could be one."""
    if (behind := _HASH.search(name)) is not None and len(behind[1]) >= SHORTEST_HASH:
        return behind[1].lower()
    return name.strip().lower() if _ALONE.fullmatch(name.strip()) else None


def why_refused(name: str, refused: Iterable[RefusedFile]) -> str:
    """Why the file that is meant is not offered; empty where there is none."""
    return next((one.reason for one in refused if _means(name, one.path)), "")


def _means(name: str, path: Path) -> bool:
    *folders, last = [part for part in re.split(r"[/\\]", _HASH.sub("", name.strip())) if part] or [""]
    above = path.parent.parts
    if folders:
        return above[-len(folders) :] == tuple(folders) and _is_file(last, path)
    joined = ("_".join([*above[start:], path.stem]) for start in range(len(above)))
    return _is_file(last, path) or last in joined


def _is_file(name: str, path: Path) -> bool:
    """With its ending, in whichever letters, or without."""
    return name == path.stem or (Path(name).stem == path.stem and Path(name).suffix.lower() == path.suffix.lower())
