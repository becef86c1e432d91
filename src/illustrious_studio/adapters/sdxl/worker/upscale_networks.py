"""The ESRGAN family's networks as functions of their weights, in torch: from a picture to the larger one.

Written from the papers (see `esrgan`) and the names of their tensors. To 1e-5 they agree with spandrel 0.4.2's, and the
built-in one with ncnn's (scripts/compare_upscalers.py). Pictures are (1, 3, height, width), red, green and blue from 0
to 1; what comes out may be a little beyond.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from illustrious_studio.adapters.sdxl.esrgan import DENSE_BLOCKS, DENSE_CONVOLUTIONS, Description, described
from illustrious_studio.adapters.sdxl.headers import BadFile, read_header, refused
from illustrious_studio.domain.errors import InvalidRequest

if TYPE_CHECKING:
    import torch

LEAK = 0.2
"""Slope of the leaky ReLUs below 0."""
RESIDUAL = 0.2
"""How much of what a block found is added to what it got."""

Weights = Mapping[str, "torch.Tensor"]


class UpscaleNetwork:
    """A network that is loaded. Raises InvalidRequest for what cannot be loaded."""

    def __init__(self, file: Path, device: "torch.device", dtype: "torch.dtype") -> None:
        self._network, self._loaded = _read(file)
        self.scale = self._network.scale
        self._device = device
        self.to(dtype)

    def to(self, dtype: "torch.dtype") -> None:
        """Work in this precision, with the weights as they were loaded."""
        self.dtype = dtype
        self._weights = {name: _placed(weight, self._device, dtype) for name, weight in self._loaded.items()}

    def __call__(self, picture: "torch.Tensor") -> "torch.Tensor":
        """`scale` times larger, in float32. What comes in may be of any type, anywhere."""
        import torch

        placed = _placed(picture, self._device, self.dtype)
        forward = _rrdb if self._network.architecture == "RRDBNet" else _compact
        with torch.inference_mode():
            return forward(self._network, self._weights, placed).float()


def _read(file: Path) -> tuple[Description, Weights]:
    """The network, and its weights in float32. Raises InvalidRequest."""
    import torch
    from safetensors import SafetensorError, safe_open

    reason = ""
    try:
        network = described(read_header(file).shapes)
        with safe_open(file, framework="pt") as opened:
            weights = {ours: opened.get_tensor(theirs).float() for ours, theirs in network.names.items()}
    except (BadFile, OSError) as error:
        reason = refused(file, error).reason
    except SafetensorError as error:
        reason = f"It is damaged ({error})."
    else:
        if bad := next((name for name, weight in weights.items() if not torch.isfinite(weight).all()), ""):
            reason = f"Its weights are not finite numbers ({bad}). Download the file again, or choose another upscaler."
    if reason:
        raise InvalidRequest(f"The upscaler {file.stem} cannot be loaded. {reason}")
    return network, weights


def _placed(tensor: "torch.Tensor", device: "torch.device", dtype: "torch.dtype") -> "torch.Tensor":
    """With its channels last in memory: convolutions of 3 x 3 are twice as quick so on a CPU."""
    import torch

    memory_format = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
    return tensor.to(device, dtype, memory_format=memory_format)


def _convolution(weights: Weights, picture: "torch.Tensor", name: str) -> "torch.Tensor":
    from torch.nn import functional

    return functional.conv2d(picture, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)


def _compact(network: Description, weights: Weights, picture: "torch.Tensor") -> "torch.Tensor":
    """SRVGGNetCompact: convolutions and PReLUs in turn, whose last channels become pixels, added to the picture."""
    from torch.nn import functional

    inner = _convolution(weights, picture, "body.0")
    for layer in range(1, network.blocks, 2):
        inner = functional.prelu(inner, weights[f"body.{layer}.weight"])
        inner = _convolution(weights, inner, f"body.{layer + 1}")
    larger = functional.interpolate(picture, scale_factor=network.scale, mode="nearest")
    return functional.pixel_shuffle(inner, network.scale) + larger


def _rrdb(network: Description, weights: Weights, picture: "torch.Tensor") -> "torch.Tensor":
    """RRDBNet: residual dense blocks in the picture's size, or below, then doublings."""
    import torch
    from torch.nn import functional

    leaky: Callable[[torch.Tensor], torch.Tensor] = partial(functional.leaky_relu, negative_slope=LEAK)
    convolution = partial(_convolution, weights)

    def dense(inner: torch.Tensor, name: str) -> torch.Tensor:
        found = [inner]
        for number in range(1, DENSE_CONVOLUTIONS):
            found.append(leaky(convolution(torch.cat(found, 1), f"{name}.conv{number}")))
        return inner + RESIDUAL * convolution(torch.cat(found, 1), f"{name}.conv{DENSE_CONVOLUTIONS}")

    height, width = picture.shape[2:]
    right, below = -width % network.unshuffled, -height % network.unshuffled
    mode = "reflect" if right < width and below < height else "replicate"  # BasicSR's, where there is enough to reflect
    picture = functional.pad(picture, (0, right, 0, below), mode=mode)
    first = inner = convolution(functional.pixel_unshuffle(picture, network.unshuffled), "conv_first")
    for block in range(network.blocks):
        before = inner
        for number in range(1, DENSE_BLOCKS + 1):
            inner = dense(inner, f"body.{block}.rdb{number}")
        inner = before + RESIDUAL * inner
    inner = first + convolution(inner, "conv_body")
    for number in range(1, network.doublings + 1):
        inner = leaky(convolution(functional.interpolate(inner, scale_factor=2, mode="nearest"), f"conv_up{number}"))
    larger = convolution(leaky(convolution(inner, "conv_hr")), "conv_last")
    return larger[:, :, : height * network.scale, : width * network.scale]
