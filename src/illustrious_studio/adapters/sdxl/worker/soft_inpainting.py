"""Soft inpainting: A1111's script of that name (`extensions-builtin/soft-inpainting`), its formulas on arrays.

At each evaluation of the UNet the estimate of the finished latents is mixed with those of the picture, by a mask that
gives way to the drawing as the noise grows less. At the end, how far latents have moved says whose pixels are seen.
"""

from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFilter

from illustrious_studio.domain.soft_inpainting import SoftInpainting

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

RADIUS, DEVIATION = 2, 1.5
"""Of the window, in latents, over which differences are smoothed."""
SPREAD, MIDDLE = (0.9, 1.0), (0.25, 0.75)
"""Which shares of the values in a window are averaged: first its highest, then those in the middle."""
NARROWEST = 1.0
"""Weight of the values that are averaged at least."""
SOFTENED = 4
"""Pixels by which the mask that comes of it is blurred."""


class SoftMask:
    """Mixes what is drawn with `base`, the picture's latents (n, 4, height / 8, width / 8), float32 in the UNet's
    scale. `share` (1, 1, height / 8, width / 8): how much of each is drawn, 0 to 1.
    """

    def __init__(self, settings: SoftInpainting, base: "Tensor", share: "Tensor") -> None:
        self._settings = settings
        self._base = base
        self._share = share.clamp(0, 1)

    def mix(self, denoised: "Tensor", sigma: "Tensor") -> "Tensor":
        """An estimate of the finished latents, mixed. `sigma`: how much noise there is when it is made."""
        settings = self._settings
        share = self._share ** ((sigma**settings.schedule_bias) * settings.preservation_strength)
        return mixed(self._base, denoised, share, settings.transition_contrast_boost)


def mixed(one: "Tensor", other: "Tensor", share: "Tensor", boost: float) -> "Tensor":
    """Between two latents, by the share of the other; how long the vectors of their channels are is a mean of its own,
    the power mean of exponent `boost`, nearer to the longer one. (By the longer one both are divided before they are
    raised to that power, so that float32 can hold it.)"""
    import torch

    between = one * (1 - share) + other * share
    lengths = one.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
    longest = torch.maximum(*lengths).clamp_min(1e-12)
    first, second = ((length / longest) ** boost for length in lengths)
    wanted = longest * (first * (1 - share) + second * share) ** (1 / boost)
    return between * (wanted / (between.norm(dim=1, keepdim=True) + 1e-5))


def changed_pixels(
    settings: SoftInpainting, base: "Tensor", latents: "Tensor", share: "Tensor", size: tuple[int, int]
) -> Image.Image:
    """How much of each pixel of one drawing is seen, as grey in that width and height: black where its latents are
    still those of the picture. Shapes as in `SoftMask`, of one picture."""
    import numpy as np

    masked = 1 - share[0, 0].clamp(0, 1).cpu().numpy() ** (settings.preservation_strength / 2)
    influence = settings.mask_influence
    masked = 0.5 * (1 - influence) + masked * influence
    half_seen = settings.difference_threshold * masked / (1.00001 - masked)
    moved = (latents - base).norm(dim=1)[0].float().cpu().numpy().astype(np.float64)
    moved = averaged(averaged(moved, SPREAD), MIDDLE)
    # Where nothing may change, whatever is drawn is seen.
    far = np.divide(moved, half_seen, out=np.full_like(moved, np.inf), where=half_seen > 0)
    seen = 1 - _smoothed(1 / (1 + far**settings.difference_contrast))
    grey = Image.fromarray((255 * seen).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    return grey.filter(ImageFilter.GaussianBlur(SOFTENED))


def averaged(values: "np.ndarray[Any, Any]", percentiles: tuple[float, float]) -> "np.ndarray[Any, Any]":
    """For each place of (rows, columns) the weighted mean of those values around it that lie, in their order and by
    their weights, between two shares of all the weight there."""
    import numpy as np

    weights = _window()
    side = 2 * RADIUS + 1

    def around(padded: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*values.shape, -1)

    near = around(np.pad(values, RADIUS))
    weight = around(np.pad(np.ones_like(values), RADIUS)) * weights.reshape(-1)  # beyond the edges nothing counts
    order = near.argsort(axis=-1, kind="stable")
    near, weight = np.take_along_axis(near, order, -1), np.take_along_axis(weight, order, -1)
    above = weight.cumsum(-1)
    total = above[..., -1]
    low, high = total * percentiles[0], total * percentiles[1]
    middle, narrow = (low + high) / 2, high - low < NARROWEST
    low, high = np.where(narrow, middle - NARROWEST / 2, low), np.where(narrow, middle + NARROWEST / 2, high)
    over = narrow & (high > total)
    low, high = np.where(over, total - NARROWEST, low), np.where(over, total, high)
    under = narrow & (low < 0)
    low, high = np.where(under, 0, low), np.where(under, NARROWEST, high)
    counts = np.clip(np.minimum(above, high[..., None]) - np.maximum(above - weight, low[..., None]), 0, None)
    mean: np.ndarray[Any, Any] = (near * counts).sum(-1) / counts.sum(-1)
    return mean


def _window() -> "np.ndarray[Any, Any]":
    """A Gaussian that is 1 in its middle, and 0 one latent beyond its radius."""
    import numpy as np

    far = np.arange(-RADIUS, RADIUS + 1) ** 2
    bell = np.exp(-(far[:, None] + far) / DEVIATION**2)
    end = np.exp(-((RADIUS + 1) ** 2) / DEVIATION**2)
    return np.asarray(np.clip((bell - end) / (1 - end), 0, None))


def _smoothed(share: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """From 0 to 1 along Perlin's curve of the fifth degree (smootherstep)."""
    curve: np.ndarray[Any, Any] = share**3 * (share * (6 * share - 15) + 10)
    return curve
