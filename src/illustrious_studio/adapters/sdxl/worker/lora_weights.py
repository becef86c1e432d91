"""By how much a LoRA changes a layer's weights: the arithmetic of each kind, in float32.

LoRA (Hu et al., arXiv:2106.09685), with kohya's alpha / rank, for convolutions, too, and with a core tensor (Tucker;
LyCORIS calls it CP); LoHa, LoKr and layers trained whole as in LyCORIS (arXiv:2309.14859); DoRA (arXiv:2402.09353), by
columns or rows, whichever the file has. All of it as A1111 and ComfyUI compute it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-12
Parts = Mapping[str, "Tensor"]
"""A layer's tensors by what they are (`lora_keys.by_layer`)."""


class NoChange(ValueError):
    """The tensors do not make a change of this layer. The text says why, for people."""


@dataclass(frozen=True)
class Change:
    """What comes to a layer's weight and bias at full weight; None: nothing."""

    weight: "Tensor | None"
    bias: "Tensor | None" = None


def change_of(parts: Parts, weight: "Tensor", alpha: float | None = None) -> Change:
    """What these tensors do to a layer that has this `weight` (float32).

    `alpha` is what the file's notes say for all layers; a layer's own tensor comes first. Raises NoChange.
    """
    if "diff" in parts or "diff_b" in parts:
        whole, bias = parts.get("diff"), parts.get("diff_b")
        return Change(None if whole is None else _shaped(whole, weight), bias)
    if "up" in parts and "down" in parts:
        made, rank = _low_rank(parts["up"], parts["down"], parts.get("mid"))
    elif "hada_w1_a" in parts:
        made, rank = _hadamard(parts)
    elif "lokr_w1" in parts or "lokr_w1_a" in parts:
        made, rank = _kronecker(parts)
    else:
        raise NoChange(f"has only {', '.join(sorted(name or 'something unknown' for name in parts))}")
    if "alpha" in parts:
        alpha = float(parts["alpha"])
    delta = _shaped(made, weight) * (1.0 if alpha is None or not rank else alpha / rank)
    return Change(_decomposed(parts["dora_scale"], weight, delta) if "dora_scale" in parts else delta)


def _low_rank(up: "Tensor", down: "Tensor", mid: "Tensor | None") -> "tuple[Tensor, int]":
    import torch

    rank = down.shape[0]
    if up.ndim < 2 or down.ndim < 2 or up.shape[1] != rank:
        raise NoChange(f"has an up of {_size(up)} and a down of {_size(down)}, which do not go together")
    if mid is None:
        return up.flatten(1) @ down.flatten(1), rank
    if mid.shape[:2] != (rank, rank):
        raise NoChange(f"has a core of {_size(mid)} for the rank {rank}")
    return torch.einsum("oa,abkl,bi->oikl", up.flatten(1), mid, down.flatten(1)), rank


def _hadamard(parts: Parts) -> "tuple[Tensor, int]":
    """The product, element by element, of two matrices of low rank."""
    try:
        rank = parts["hada_w1_b"].shape[0]
        first = _pair(parts["hada_w1_a"], parts["hada_w1_b"], parts.get("hada_t1"))
        second = _pair(parts["hada_w2_a"], parts["hada_w2_b"], parts.get("hada_t2"))
        return first * second, rank
    except (KeyError, RuntimeError) as error:
        raise NoChange("has parts of a LoHa that do not go together") from error


def _kronecker(parts: Parts) -> "tuple[Tensor, int]":
    import torch

    try:
        first = parts["lokr_w1"] if "lokr_w1" in parts else parts["lokr_w1_a"] @ parts["lokr_w1_b"]
        if "lokr_w2" in parts:
            second = parts["lokr_w2"]
        else:
            second = _pair(parts["lokr_w2_a"], parts["lokr_w2_b"], parts.get("lokr_t2"))
    except (KeyError, RuntimeError) as error:
        raise NoChange("has parts of a LoKr that do not go together") from error
    while first.ndim < second.ndim:
        first = first.unsqueeze(-1)
    rank = next((parts[name].shape[0] for name in ("lokr_w2_b", "lokr_w1_b") if name in parts), 0)
    return torch.kron(first, second.contiguous()), rank


def _pair(a: "Tensor", b: "Tensor", core: "Tensor | None") -> "Tensor":
    """A matrix of low rank; with a core (LyCORIS' `t`) the kernel of a convolution."""
    import torch

    if core is None:
        return a @ b.flatten(1)
    return torch.einsum("ijkl,jr,ip->prkl", core, b, a)


def _decomposed(magnitude: "Tensor", weight: "Tensor", delta: "Tensor") -> "Tensor":
    """The change from the weight to the changed direction in the trained magnitude: m * V / |V| - W, V = W + delta.

    A magnitude for each row (peft, LyCORIS now), or for each column (LyCORIS before, kohya).
    """
    changed = weight + delta
    rows, columns = changed.shape[0], changed.shape[1]
    by_rows = magnitude.ndim == 1 or magnitude.shape[0] == magnitude.numel()
    if magnitude.numel() != (rows if by_rows else columns):
        raise NoChange(f"has a dora_scale of {_size(magnitude)} for a weight of {_size(weight)}")
    over = [axis for axis in range(changed.ndim) if axis != (0 if by_rows else 1)]
    norm = changed.pow(2).sum(dim=over, keepdim=True).sqrt() + EPSILON
    return changed * (magnitude.reshape(norm.shape) / norm) - weight


def _shaped(made: "Tensor", weight: "Tensor") -> "Tensor":
    """In the layer's own shape: a 1 x 1 convolution and a linear layer are the same numbers."""
    rows = (made.shape[0], made.numel() // max(made.shape[0], 1))
    if rows != (weight.shape[0], weight.numel() // weight.shape[0]):
        raise NoChange(f"changes a weight of {_size(made)}, and the model's has {_size(weight)}")
    return made.reshape(weight.shape)


def _size(tensor: "Tensor") -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"
