"""The prompt language: weights, and the chunks that text encoders read.

CLIP reads 77 tokens. Longer prompts are read in several chunks of 75 tokens, side by side, so that nothing is cut off.
`(word)` counts 1.1 times, `[word]` 1/1.1 times, `(word:1.3)` 1.3 times; `\\(` is a plain bracket; `BREAK` starts a new
chunk, if anything follows. Words that change while drawing and `AND` were read before (`prompt_schedule`), LoRAs taken
out (`loras`), and what else other programs have was refused (`prompt_language`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from illustrious_studio.domain.textual_inversion import pieces

CHUNK_LENGTH = 75
COMMA_BACKTRACK = 20
"""A chunk ends after a comma rather than in the middle of a tag, when one is among its last 20 tokens."""
MAX_WEIGHT = 10.0
STEP = 1.1

_TOKEN = re.compile(r"\\[\\()\[\]]|\\|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|\bBREAK\b|[()\[\]]|[^\\()\[\]:B]+|:|B")

Token = Any
"""A token's id, or the vector of an embedding that stands in its place."""
Chunks = list[tuple[list[Token], list[float]]]
"""Of each chunk, its tokens and their weights."""
Vectors = Mapping[str, Sequence[Any]]
"""Embeddings for one text encoder, each its vectors, by their names."""
NO_VECTORS: Vectors = MappingProxyType({})


class Tokenizer(Protocol):
    """CLIP's, as transformers has it."""

    def __call__(self, text: str, *, add_special_tokens: bool, **others: Any) -> Any:
        """Something with `input_ids`."""
        ...


@dataclass(frozen=True)
class PromptSpan:
    """A piece of the prompt and how much it counts. `text` None: a new chunk starts here."""

    text: str | None
    weight: float = 1.0


def _limited(weight: float) -> float:
    return min(max(weight, -MAX_WEIGHT), MAX_WEIGHT)


def parse(prompt: str) -> list[PromptSpan]:
    """Read the weights. Brackets that were never closed count as if they were closed at the end."""
    texts: list[str | None] = []
    weights: list[float] = []
    open_round: list[int] = []
    open_square: list[int] = []

    def weigh(start: int, factor: float) -> None:
        for index in range(start, len(weights)):
            weights[index] = _limited(weights[index] * _limited(factor))

    def add(text: str | None) -> None:
        texts.append(text)
        weights.append(1.0)

    for match in _TOKEN.finditer(prompt):
        piece, number = match.group(0), match.group(1)
        if piece == "BREAK":
            add(None)
        elif piece[0] == "\\":
            add(piece[1:] or piece)
        elif piece == "(":
            open_round.append(len(texts))
        elif piece == "[":
            open_square.append(len(texts))
        elif number is not None and open_round:
            weigh(open_round.pop(), float(number))
        elif piece == ")" and open_round:
            weigh(open_round.pop(), STEP)
        elif piece == "]" and open_square:
            weigh(open_square.pop(), 1 / STEP)
        else:
            add(piece)
    for start in open_round:
        weigh(start, STEP)
    for start in open_square:
        weigh(start, 1 / STEP)
    return _joined(texts, weights)


def _joined(texts: list[str | None], weights: list[float]) -> list[PromptSpan]:
    parts: list[PromptSpan] = []
    for text, weight in zip(texts, weights, strict=True):
        last = parts[-1] if parts else None
        if text is not None and last is not None and last.text is not None and last.weight == weight:
            parts[-1] = PromptSpan(last.text + text, weight)
        else:
            parts.append(PromptSpan(text, weight))
    return parts


def texts(prompt: str) -> list[str]:
    """The words as the encoders get them: without weights, and with plain signs for escaped ones."""
    return [span.text for span in parse(prompt) if span.text is not None]


def chunks(parts: list[PromptSpan], tokenizer: Tokenizer, vectors: Vectors = NO_VECTORS) -> Chunks:
    """Tokens and their weights, at most 75 a chunk, without the start and end tokens. At least one chunk.

    An embedding is never cut: one that does not fit into its chunk begins another, as in A1111.
    """
    comma = tokenizer("a,", add_special_tokens=False).input_ids[-1]
    done: Chunks = []
    ids: list[Token] = []
    weights: list[float] = []

    def end(at: int) -> None:
        nonlocal ids, weights
        done.append((ids[:at], weights[:at]))
        ids, weights = ids[at:], weights[at:]

    for part in parts:
        if part.text is None:
            end(len(ids))
            continue
        for words, name in pieces(part.text, vectors):
            if name is not None:
                if len(ids) + len(vectors[name]) > CHUNK_LENGTH:
                    end(len(ids))
                ids += vectors[name]
                weights += [part.weight] * len(vectors[name])
                continue
            for token in tokenizer(words, add_special_tokens=False, truncation=False, verbose=False).input_ids:
                if len(ids) == CHUNK_LENGTH:
                    end(_cut_at(ids, comma) if token != comma else CHUNK_LENGTH)
                ids.append(token)
                weights.append(part.weight)
    return [*done, (ids, weights)] if ids or not done else done


def _cut_at(ids: list[Token], comma: int) -> int:
    """Behind the last comma of a full chunk, where one is near its end."""
    last = ids[-COMMA_BACKTRACK:]
    near = next((at for at in reversed(range(len(last))) if isinstance(last[at], int) and last[at] == comma), None)
    return CHUNK_LENGTH if near is None else CHUNK_LENGTH - len(last) + near + 1
