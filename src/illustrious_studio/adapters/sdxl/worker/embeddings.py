"""Embedding files in the worker: their vectors, checked against the text encoders."""

from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.embedding_catalogue import KEYS
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.textual_inversion import EmbeddingFile

if TYPE_CHECKING:
    from torch import Tensor


def vectors_of(file: EmbeddingFile, encoders: tuple[Any, Any]) -> "tuple[Tensor, Tensor]":
    """(vectors, width) for each of the two text encoders, float32. Raises InvalidRequest."""
    import torch
    from safetensors import SafetensorError, safe_open

    widths = tuple(encoder.config.hidden_size for encoder in encoders)
    if file.widths != widths:
        raise InvalidRequest(
            f"The embedding {file.name} does not go with the checkpoint: its vectors are {file.widths[0]} and "
            f"{file.widths[1]} wide, and the checkpoint's text encoders want {widths[0]} and {widths[1]}."
        )
    try:
        with safe_open(file.path, "pt") as tensors:
            names = set(tensors.keys())
            first, second = (tensors.get_tensor(next(key for key in keys if key in names)).float() for keys in KEYS)
    except (SafetensorError, OSError, StopIteration, ValueError) as error:
        raise InvalidRequest(f"The embedding {file.name} cannot be read: {error}") from error
    if not (torch.isfinite(first).all() and torch.isfinite(second).all()):
        raise InvalidRequest(f"The embedding {file.name} is damaged: its numbers are not finite. Download it again.")
    return first, second
