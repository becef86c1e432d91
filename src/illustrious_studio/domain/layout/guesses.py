"""What an unknown word of a prompt is taken for, and the port of whatever compares meanings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Near:
    """What a word is most like, and how like (1 is the same)."""

    name: str
    likeness: float


class MeaningModel(Protocol):
    """Compares words by what they mean."""

    async def nearest(self, words: Sequence[str]) -> list[Near | None]:
        """For each word what it is most like of all that can be drawn; None for one that it cannot judge."""
        ...


@dataclass(frozen=True)
class NearWords:
    """English words that are no names of what can be drawn. `kinds`: what they are a kind of. `words`: those that are
    like a name by their letters alone, and no misspelling of it."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
