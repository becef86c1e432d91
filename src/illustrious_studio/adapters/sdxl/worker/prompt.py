"""The prompt language: weights and chunks, and the embeddings that come of them.

CLIP reads 77 tokens. Longer prompts are read in several chunks of 75 tokens, side by side, so that nothing is cut off.
`(word)` counts 1.1 times, `[word]` 1/1.1 times, `(word:1.3)` 1.3 times; `\\(` is a plain bracket; `BREAK` starts a new
chunk, if anything follows. Words that change while drawing and `AND` were read before (`domain/prompt_schedule.py`),
and what else other programs have was refused (`domain/prompt_language.py`).

Clip skip counts the encoders' layers from the last, which is 1. SDXL was trained on the last but one of both encoders,
and never reads the last, so 1 and 2 are the same; 3 reads the one before of both, and so on, as in Forge, ComfyUI and
diffusers. A1111 has no clip skip for SDXL, unless its option `sdxl_clip_l_skip` is on, and then for the first only.

Two choices where tools differ: the pooled embedding comes from the first chunk (not the last), and weights multiply
the token's embedding without scaling the chunk back to its former mean, which A1111 calls "No norm" and advises for
SDXL (that mean lies near zero there, so dividing by it is unstable).
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Union

from illustrious_studio.adapters.sdxl.worker.embeddings import vectors_of
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.textual_inversion import EmbeddingFile, pieces

if TYPE_CHECKING:
    import torch

CHUNK_LENGTH = 75
COMMA_BACKTRACK = 20
"""A chunk ends after a comma rather than in the middle of a tag, when one is among its last 20 tokens."""
BATCH = 8
"""So many chunks go through an encoder at a time, so that a very long prompt needs no more memory than a long one."""
PENULTIMATE = 2
MAX_WEIGHT = 10.0
STEP = 1.1

_TOKEN = re.compile(r"\\[\\()\[\]]|\\|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|\bBREAK\b|[()\[\]]|[^\\()\[\]:B]+|:|B")

Token = Union[int, "torch.Tensor"]
"""A token's id, or the vector that stands in its place."""
Chunks = list[tuple[list[Token], list[float]]]
"""Of each chunk, its tokens and their weights."""
Vectors = Mapping[str, "torch.Tensor"]
"""Embeddings for one text encoder, (vectors, width), by their names."""


NO_VECTORS: Vectors = MappingProxyType({})


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


def chunks(parts: list[PromptSpan], tokenizer: Any, vectors: Vectors = NO_VECTORS) -> Chunks:
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


@dataclass(frozen=True)
class Embedding:
    """What the UNet is conditioned on: a row for each token of each chunk, and the pooled one."""

    rows: "torch.Tensor"
    """(1, 77 x chunks, 768 + 1280) for SDXL: both encoders' rows side by side, in their dtype, on the device."""
    pooled: "torch.Tensor"
    """(1, 1280) for SDXL: the second encoder's projection of the first chunk."""


class PromptEncoder:
    """Turns prompts into embeddings with both text encoders of a pipeline; keeps the last few."""

    def __init__(self, pipeline: Any, device: Any, keep: int = 32) -> None:
        self._pipeline = pipeline
        self._device = device
        self._keep = keep
        self._kept: OrderedDict[tuple[str, int, int], Embedding] = OrderedDict()
        self._files: tuple[EmbeddingFile, ...] = ()
        self._vectors: tuple[Vectors, Vectors] = NO_VECTORS, NO_VECTORS

    def use(self, files: Sequence[EmbeddingFile]) -> None:
        """Let prompts name these embeddings, and no others. Raises InvalidRequest for one that cannot be used."""
        if tuple(files) != self._files:
            self.forget()
            self._files, self._vectors = (), (NO_VECTORS, NO_VECTORS)
            encoders = self._pipeline.text_encoder, self._pipeline.text_encoder_2
            read = {file.name: vectors_of(file, encoders) for file in files}
            first, second = ({name: pair[side] for name, pair in read.items()} for side in (0, 1))
            self._files, self._vectors = tuple(files), (first, second)

    def encode(self, texts: Sequence[str], clip_skip: int = 1, *, negative: bool = False) -> list[Embedding]:
        """Texts that take turns in one prompt, all of the same number of chunks: shorter ones are filled up with empty
        ones, as in A1111. A negative prompt without words is zeros, where the checkpoint was trained so.

        Raises InvalidRequest for a clip skip beyond the encoders' layers.
        """
        import torch

        layer = self._layer(clip_skip)
        pairs = [self._chunks(text) for text in texts]
        count = max(len(side) for pair in pairs for side in pair)
        encoded = [self._encoded(text, pair, count, layer) for text, pair in zip(texts, pairs, strict=True)]
        if negative and self._pipeline.config.force_zeros_for_empty_prompt and not any(text.strip() for text in texts):
            return [Embedding(torch.zeros_like(one.rows), torch.zeros_like(one.pooled)) for one in encoded]
        return encoded

    def forget(self) -> None:
        """What was encoded: the encoders' weights have changed."""
        self._kept.clear()

    def _layer(self, clip_skip: int) -> int:
        """Counted from the last, which is 1."""
        encoders = self._pipeline.text_encoder, self._pipeline.text_encoder_2
        most = min(encoder.config.num_hidden_layers for encoder in encoders) + 1  # below the first are the tokens
        if clip_skip > most:
            raise InvalidRequest(
                f"The checkpoint's text encoders have no layer for a clip skip of {clip_skip}. Use at most {most}."
            )
        return max(PENULTIMATE, clip_skip)

    def _chunks(self, text: str) -> list[Chunks]:
        parts = parse(text)
        tokenizers = self._pipeline.tokenizer, self._pipeline.tokenizer_2
        return [chunks(parts, one, vectors) for one, vectors in zip(tokenizers, self._vectors, strict=True)]

    def _encoded(self, text: str, pair: list[Chunks], count: int, layer: int) -> Embedding:
        key = text, count, layer
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        import torch

        first, second = pair
        pipeline = self._pipeline
        with torch.no_grad():
            rows_1, _ = self._run(pipeline.text_encoder, pipeline.tokenizer, first, count, layer)
            rows_2, pooled = self._run(pipeline.text_encoder_2, pipeline.tokenizer_2, second, count, layer)
        embedding = Embedding(torch.cat([rows_1, rows_2], dim=-1), pooled)
        self._kept[key] = embedding
        if len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return embedding

    def _run(self, encoder: Any, tokenizer: Any, chunks: Chunks, count: int, layer: int) -> Any:
        import torch

        chunks = chunks + [([], [])] * (count - len(chunks))
        ids: list[list[Token]] = []
        weights = []
        for tokens, factors in chunks:
            rest = CHUNK_LENGTH - len(tokens)
            start, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
            ids.append([start, *tokens, end, *[pad] * rest])
            weights.append([1.0, *factors, *[1.0] * (rest + 1)])
        outputs = [self._encoder_output(encoder, ids[at : at + BATCH]) for at in range(0, len(ids), BATCH)]
        rows = torch.cat([output.hidden_states[-layer] for output in outputs])
        if any(factor != 1.0 for row in weights for factor in row):
            rows = rows * torch.tensor(weights, device=rows.device, dtype=rows.dtype).unsqueeze(-1)
        return rows.reshape(1, -1, rows.shape[-1]), outputs[0][0][:1]

    def _encoder_output(self, encoder: Any, ids: list[list[Token]]) -> Any:
        """Of a batch of chunks. Vectors take the place of their tokens' own, which are 0, before the first layer."""
        import torch

        placed = [
            (row, column, token)
            for row, tokens in enumerate(ids)
            for column, token in enumerate(tokens)
            if not isinstance(token, int)
        ]

        def place(_layer: Any, _arguments: Any, rows: "torch.Tensor") -> "torch.Tensor":
            rows = rows.clone()
            for row, column, vector in placed:
                rows[row, column] = vector.to(rows.device, rows.dtype)
            return rows

        numbers = [[token if isinstance(token, int) else 0 for token in tokens] for tokens in ids]
        hook = encoder.get_input_embeddings().register_forward_hook(place) if placed else None
        try:
            return encoder(torch.tensor(numbers, device=self._device), output_hidden_states=True)
        finally:
            if hook is not None:
                hook.remove()
