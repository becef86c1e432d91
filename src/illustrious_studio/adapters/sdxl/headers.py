"""What a model's file says of itself: the header of a .safetensors file, JSON, and whether it changed since; no more.

Every doubt is resolved against the file, in a sentence for people. safetensors runs no code, yet a header may be huge,
name a tensor twice or claim bytes that are not there. The library refuses most of that when it loads; here it is
refused before, in microseconds. The caps admit every published SDXL checkpoint (about 2,500 tensors, 300 kB of header).
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from illustrious_studio.adapters.reading import open_regular
from illustrious_studio.domain.models import RefusedFile

MAX_HEADER = 2 << 20
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 8
SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip


File = TypeVar("File")


class BadFile(ValueError):
    """Not a file that is loaded. The text is a sentence for people."""


class Damaged(BadFile):
    def __init__(self, sentence: str) -> None:
        super().__init__(f"{sentence} Download it again.")


def refused(path: Path, error: BadFile | OSError) -> RefusedFile:
    reason = str(error) if isinstance(error, BadFile) else f"It cannot be read: {error.strerror or error}."
    return RefusedFile(path, reason)


def judged(paths: Iterable[Path], judge: Callable[[Path], File]) -> tuple[list[File], list[RefusedFile]]:
    """What the files are, and which are refused: `judge` raises BadFile, OSError."""
    found: list[File] = []
    left_out: list[RefusedFile] = []
    for path in paths:
        try:
            found.append(judge(path))
        except (BadFile, OSError) as error:
            left_out.append(refused(path, error))
    return found, left_out


def stamp_of(files: Iterable[Path]) -> str:
    """Another one when any of them was written or replaced since, even by one of its size. Raises OSError."""
    states = [(str(file), state.st_size, state.st_mtime_ns, state.st_ino) for file in files if (state := file.stat())]
    return hashlib.blake2s(repr(states).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Header:
    """Shapes and number formats (F16, ...) by name, and the free texts that came with them."""

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]
    formats: dict[str, str] = field(default_factory=dict)


def read_header(path: Path, most: int = MAX_HEADER) -> Header:
    """Of at most so many bytes. Raises BadFile, OSError."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length < 2 or length + 8 > size:
            if start[:2] == b"PK" or start[:1] == b"\x80":
                raise BadFile(
                    "It is a pickle, which can run code, whatever its name says. Only safetensors are loaded."
                )
            raise Damaged("It is damaged, half downloaded or no safetensors file.")
        if length > most:
            raise BadFile(f"Its header claims {length:,} bytes, more than such a file has. It is not loaded.")
        text = file.read(length)
    entries = json_object(text, "header")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BadFile("Its metadata are not texts. It is not loaded.")
    if len(entries) > MAX_TENSORS:
        raise BadFile(f"It has {len(entries):,} tensors, more than any checkpoint. It is not loaded.")
    _check_layout(entries, size - 8 - length)
    shapes = {name: tuple(entry["shape"]) for name, entry in entries.items()}
    return Header(shapes, metadata, {name: entry["dtype"] for name, entry in entries.items()})


def json_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Raises BadFile, in which it is called `what`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise BadFile(f"Its {what} names the same thing twice. It is not loaded.")
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except BadFile:
        raise
    except (ValueError, RecursionError) as error:
        raise Damaged(f"Its {what} is damaged and cannot be read.") from error
    if not isinstance(value, dict):
        raise Damaged(f"Its {what} is no list of names and values.")
    return value


def _check_layout(entries: dict[str, Any], size: int) -> None:
    """Every tensor has the bytes its shape asks for, one after the other, up to the end of the file."""
    spans = [_span(name, entry) for name, entry in entries.items()]
    at = 0
    for start, end in sorted(spans):
        if start != at:
            raise Damaged("It is damaged: its tensors overlap or leave gaps.")
        at = end
    if at != size:
        raise Damaged("It is damaged or half downloaded: its size is not what its header says.")


def _span(name: str, entry: Any) -> tuple[int, int]:
    if any(part.startswith("__") and part.endswith("__") for part in name.split(".")):
        raise BadFile("One of its tensors has the name of a Python internal. It is not loaded.")
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(end)]} if (
            dtype in SIZES
            and len(shape) <= MAX_DIMENSIONS
            and all(type(side) is int and side >= 0 for side in shape)
            and start >= 0
            and end - start == math.prod(shape) * SIZES[dtype]
        ):
            return start, end
    raise Damaged("It is damaged: a tensor's shape and size do not agree.")
