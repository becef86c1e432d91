"""The embeddings that the UNet is conditioned on, of a prompt's chunks (`domain/prompt_chunks.py`).

Clip skip counts the encoders' layers from the last, which is 1. SDXL was trained on the last but one of both encoders,
and never reads the last, so 1 and 2 are the same; 3 reads the one before of both, and so on, as in Forge, ComfyUI and
diffusers. A1111 has no clip skip for SDXL, unless its option `sdxl_clip_l_skip` is on, and then for the first only.

Two choices where tools differ: the pooled embedding comes from the first chunk (not the last), and weights multiply
the token's embedding without scaling the chunk back to its former mean, which A1111 calls "No norm" and advises for
SDXL (that mean lies near zero there, so dividing by it is unstable).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker.embeddings import vectors_of
from illustrious_studio.adapters.sdxl.worker.loras import LoraMerger
from illustrious_studio.adapters.sdxl.worker.residence import Residence
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraUse
from illustrious_studio.domain.prompt_chunks import CHUNK_LENGTH, NO_VECTORS, Chunks, Token, Vectors, chunks, parse
from illustrious_studio.domain.textual_inversion import EmbeddingFile

if TYPE_CHECKING:
    import torch

BATCH = 8
"""So many chunks go through an encoder at a time, so that a very long prompt needs no more memory than a long one."""
PENULTIMATE = 2


@dataclass(frozen=True)
class Embedding:
    """What the UNet is conditioned on: a row for each token of each chunk, and the pooled one."""

    rows: "torch.Tensor"
    """(1, 77 x chunks, 768 + 1280) for SDXL: both encoders' rows side by side, in their dtype, on the device."""
    pooled: "torch.Tensor"
    """(1, 1280) for SDXL: the second encoder's projection of the first chunk."""


class PromptEncoder:
    """Turns prompts into embeddings with both text encoders of a pipeline; keeps the last few."""

    def __init__(self, pipeline: Any, device: Any, loras: LoraMerger, residence: Residence, keep: int = 32) -> None:
        self._pipeline = pipeline
        self._device = device
        self._loras = loras
        self._residence = residence
        self._keep = keep
        self._kept: OrderedDict[tuple[tuple[LoraUse, ...], str, int, int], Embedding] = OrderedDict()
        self._files: tuple[EmbeddingFile, ...] = ()
        self._vectors: tuple[Vectors, Vectors] = NO_VECTORS, NO_VECTORS

    def use(self, files: Sequence[EmbeddingFile]) -> None:
        """Let prompts name these embeddings, and no others. Raises InvalidRequest for one that cannot be used."""
        if tuple(files) != self._files:
            self._kept.clear()
            self._files, self._vectors = (), (NO_VECTORS, NO_VECTORS)
            encoders = self._pipeline.text_encoder, self._pipeline.text_encoder_2
            read = {file.name: vectors_of(file, encoders) for file in files}
            first, second = ({name: pair[side] for name, pair in read.items()} for side in (0, 1))
            self._files, self._vectors = tuple(files), (first, second)

    def encode(
        self, texts: Sequence[str], clip_skip: int = 1, *, negative: bool = False, own: tuple[LoraUse, ...] = ()
    ) -> list[Embedding]:
        """Texts that take turns in one prompt, all of the same number of chunks: shorter ones are filled up with empty
        ones, as in A1111. A negative prompt without words is zeros, where the checkpoint was trained so. `own`: LoRAs
        of a region, beside those of the whole picture. The encoders stay on the device until somebody says that it is
        `done`, so that several prompts bring them there once.

        Raises InvalidRequest for a clip skip beyond the encoders' layers.
        """
        import torch

        layer = self._layer(clip_skip)
        pairs = [self._chunks(text) for text in texts]
        count = max(len(side) for pair in pairs for side in pair)
        encoded = [self._encoded(text, pair, count, layer, own) for text, pair in zip(texts, pairs, strict=True)]
        if negative and self._pipeline.config.force_zeros_for_empty_prompt and not any(text.strip() for text in texts):
            return [Embedding(torch.zeros_like(one.rows), torch.zeros_like(one.pooled)) for one in encoded]
        return encoded

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

    def done(self) -> None:
        """All prompts are encoded, for now."""
        self._residence.done("text")

    def _encoded(self, text: str, pair: list[Chunks], count: int, layer: int, own: tuple[LoraUse, ...]) -> Embedding:
        key = (*self._loras.used, *own), text, count, layer
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        import torch

        first, second = pair
        pipeline = self._pipeline
        self._residence.need("text")
        with torch.no_grad(), self._loras.within(own, "text"):
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
