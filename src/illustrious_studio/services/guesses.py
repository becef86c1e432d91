"""Takes unknown English words for the nearest thing that can be drawn. Each is a guess and is shown as one.

First by what kind of thing a word is, then by its spelling, and last by what it means.
"""

from collections.abc import Sequence

import structlog

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.layout.guesses import MeaningModel, NearWords
from illustrious_studio.domain.layout.vocabulary import Vocabulary, plural_of

log = structlog.get_logger(__name__)

LIKE_ENOUGH = 0.6
"""Measured: docs/models.md has the figures. Below it most guesses are wrong."""
MOST_WORDS = 12
SAME_BEGINNING = 4
"""Words that begin alike look alike to the model, whatever they mean: hedge and hedgehog."""


class GuessService:
    """Guesses. Without a meaning model it knows kinds and spellings only."""

    def __init__(self, vocabulary: Vocabulary, near: NearWords, meanings: MeaningModel | None = None) -> None:
        self._vocabulary = vocabulary
        self._near = near
        self._meanings = meanings

    async def guesses(self, words: Sequence[str]) -> dict[str, str]:
        """For those of the words that are like something: a phrase that the vocabulary knows."""
        found = {word: told for word in words[:MOST_WORDS] if (told := self._told(word))}
        left = [word for word in words[:MOST_WORDS] if word not in found and word not in self._near.words]
        if left and self._meanings is not None:
            found |= await self._by_meaning(self._meanings, left)
        return {word: found[word] for word in words if word in found}

    def _told(self, word: str) -> str:
        """By the lists and the spelling."""
        kind = self._near.kinds.get(word)
        if kind is None and word.endswith("s"):
            one = self._near.kinds.get(word.removesuffix("s")) or self._near.kinds.get(word.removesuffix("es"))
            kind = one if one in self._vocabulary.places else plural_of(one) if one else None
        return kind or ("" if word in self._near.words else self._vocabulary.misspelled(word))

    async def _by_meaning(self, meanings: MeaningModel, words: Sequence[str]) -> dict[str, str]:
        try:
            nearest = await meanings.nearest(words)
        except StudioError as error:  # a guess less, and nothing that anybody asked for
            log.warning("no guesses by meaning", reason=error.detail)
            return {}
        return {
            word: near.name
            for word, near in zip(words, nearest, strict=True)
            if near is not None and near.likeness >= LIKE_ENOUGH and near.name[:SAME_BEGINNING] != word[:SAME_BEGINNING]
        }
