"""Texts as vectors, for programs that search by meaning, and the port of whatever makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Embeddings:
    """A vector for each text, in order, and how many tokens were read, where the model's server counts them."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int | None = None


@runtime_checkable
class EmbeddingModel(Protocol):
    """A backend whose models make vectors; a ChatModel may be one, too."""

    async def embed(self, model: str, texts: Sequence[str], dimensions: int | None = None) -> Embeddings:
        """One vector a text. Raises what `ChatModel.chat_completion` raises."""
        ...
