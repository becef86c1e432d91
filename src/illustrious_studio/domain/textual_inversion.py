"""Embeddings (textual inversion, arXiv:2208.01618): words that were trained, how a prompt names them, and the port that
lists their files.

A prompt names one by its file's name wherever that stands as words of its own, in whichever letters (A1111, by tokens),
or as `embedding:name` (ComfyUI), which must then be there. Brackets in a name are escaped, as everywhere in a prompt.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field

from illustrious_studio.domain.models import SAFETENSORS, RefusedFile
from illustrious_studio.domain.values import Value

_EXPLICIT = re.compile(r"(?<!\w)embedding:([^\s,:()\[\]{}|<>]+)", re.IGNORECASE)


class EmbeddingFile(Value):
    """Vectors that stand for tokens in both of SDXL's text encoders."""

    name: str
    path: Path
    vectors: int = Field(description="So many tokens it takes the place of.")
    widths: tuple[int, int] = Field(description="Of a vector, in the first text encoder and in the second.")
    size_bytes: int = 0
    stamp: str = Field("", description="Another one when the file was changed or replaced.")


class EmbeddingCatalogue(Protocol):
    """The embedding files on disk. Names from outside are looked up in it."""

    async def list(self) -> list[EmbeddingFile]:
        """Every one that has vectors for two text encoders, by its header."""
        ...

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and is not offered."""
        ...

    async def hash_of(self, file: EmbeddingFile) -> str | None:
        """First 12 hex digits of its SHA-256 (A1111's "TI hashes"); None for a file that cannot be read."""
        ...


def pieces(prompt: str, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """The prompt in order: words, each with None, and embeddings as they stand there, each with its name."""
    known = {name.lower(): name for name in names}
    at = 0
    for found in _pattern(known).finditer(prompt) if known else ():
        if words := prompt[at : found.start()]:
            yield words, None
        yield found[0], known[found[1].lower()]
        at = found.end()
    if words := prompt[at:]:
        yield words, None


def named_in(prompt: str, names: Iterable[str]) -> list[str]:
    """The embeddings among these that a prompt names, each once."""
    return list(dict.fromkeys(name for _, name in pieces(prompt, names) if name is not None))


def missing_in(prompt: str, names: Iterable[str]) -> str:
    """The first that a prompt names as ComfyUI does and that is none of these; empty for none."""
    left = "".join(words for words, name in pieces(prompt, names) if name is None)
    found = _EXPLICIT.search(left)
    return found[1] if found else ""


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """The longest first: `bad-hands-5` is no `bad-hands`."""
    longest = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:embedding:)?({longest})(?:{re.escape(SAFETENSORS)})?(?!\w)", re.IGNORECASE)
