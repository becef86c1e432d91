"""Drawing in overlapping tiles: each evaluation of the UNet is done tile by tile, and the predictions are blended.

MultiDiffusion (Bar-Tal et al. 2023, arXiv:2302.08113): every step sees one picture, so what two tiles share they draw
together and no seam is left, and memory for activations is that of one tile. It is done below guidance, samplers and
masks, which know nothing of it. A tile counts less towards its edges, where it sees least around it: by the Gaussian of
Mixture of Diffusers (Jimenez 2023, arXiv:2302.02412), which left less of a seam than straight lines did.

SDXL is told the size of a tile, uncropped: what it draws at once is a picture of that size. (Tiled Diffusion for A1111
leaves it the size of the whole.)
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.worker.controls import Asked
from illustrious_studio.adapters.sdxl.worker.upscaling import spans
from illustrious_studio.domain.rendering import Pass

if TYPE_CHECKING:
    from torch import Tensor

VARIANCE = 0.01
"""Of the Gaussian, in tiles, as there."""

Spans = Sequence[tuple[int, int]]


def in_tiles(unet: Any, render_pass: Pass, scale: int, check: Callable[[], None]) -> Any:
    """The UNet itself for a pass that is drawn as a whole. `scale`: pixels of a side for one latent. `check` is called
    before each tile, and may raise."""
    if render_pass.tile is None:
        return unet
    return TiledUnet(unet, render_pass.tile // scale, render_pass.overlap // scale, scale, check)


class TiledUnet:
    """In the place of a UNet, which is asked for tiles of `tile` x `tile` latents that overlap by `overlap` or more."""

    def __init__(self, unet: Any, tile: int, overlap: int, scale: int, check: Callable[[], None]) -> None:
        self._unet = unet
        self._tile = tile
        self._overlap = overlap
        self._scale = scale
        self._check = check

    def __getattr__(self, name: str) -> Any:
        """What else is asked of a UNet: its config, its dtype."""
        return getattr(self._unet, name)

    def __call__(
        self, sample: "Tensor", timestep: Any, added_cond_kwargs: "dict[str, Tensor]", asked: Asked, **others: Any
    ) -> "tuple[Tensor]":
        """The prediction for latents (n, 4, height / 8, width / 8) for SDXL, in their shape and dtype."""
        import torch

        rows, columns = (spans(length, self._tile, self._overlap) for length in sample.shape[-2:])
        height, width = rows[0][1] * self._scale, columns[0][1] * self._scale
        time_ids = added_cond_kwargs["time_ids"]
        of_a_tile = time_ids.new_tensor([height, width, 0, 0, height, width]).expand_as(time_ids)
        blended = torch.zeros(sample.shape, dtype=torch.float32, device=sample.device)
        for (top, bottom), down in zip(rows, shares(rows), strict=True):
            for (left, right), across in zip(columns, shares(columns), strict=True):
                self._check()
                (predicted,) = self._unet(
                    sample[..., top:bottom, left:right],
                    timestep,
                    added_cond_kwargs={**added_cond_kwargs, "time_ids": of_a_tile},
                    asked=replace(asked, place=((top, bottom), (left, right))),
                    **others,
                )
                share = (down[:, None] * across).to(sample.device)
                blended[..., top:bottom, left:right] += predicted.float() * share
        return (blended.to(predicted.dtype),)


def shares(tiles: Spans) -> "list[Tensor]":
    """How much each latent of each tile counts along one side: of all tiles together, everywhere 1."""
    import torch

    length = tiles[0][1] - tiles[0][0]
    places = (torch.arange(length, dtype=torch.float64) + 0.5) / length - 0.5
    weight = torch.exp(-(places**2) / (2 * VARIANCE))
    total = torch.zeros(tiles[-1][1], dtype=torch.float64)
    for begin, end in tiles:
        total[begin:end] += weight
    return [(weight / total[begin:end]).float() for begin, end in tiles]
