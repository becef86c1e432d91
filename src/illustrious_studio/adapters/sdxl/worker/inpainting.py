"""Inpainting: drawing only a part of a picture again, with any checkpoint: what stays is put back after each step.

After each step the latents outside the mask become those of the picture, with as much noise as the step left, so that
what is drawn grows together with what stays. A latent stands for many pixels, and the VAE changes all of them a little:
the picture's own pixels are not in what is drawn. `domain/inputs.py` puts the drawing into the picture.
"""

from typing import TYPE_CHECKING, Any

from illustrious_studio.domain.pictures import Picture

if TYPE_CHECKING:
    import torch


class LatentMask:
    """What stays of `base` outside a mask.

    `base`: float32 latents in the UNet's scale, (1, 4, height / 8, width / 8) for SDXL, and `noise`, of the same shape,
    what they were given at the beginning. `mask`: in the size of the pixels, white where it is redrawn; a latent is
    redrawn where any pixel it stands for is.
    """

    def __init__(self, base: "torch.Tensor", noise: "torch.Tensor", mask: Picture) -> None:
        import numpy as np
        import torch

        self._base, self._noise = base, noise
        grey = torch.from_numpy(np.array(mask.image().convert("L")))[None, None].float()
        # Redrawn wherever anything of it will be seen.
        touched = torch.nn.functional.adaptive_max_pool2d(grey, base.shape[-2:]) > 0
        self._redrawn = touched.to(base.device)

    def blend(self, latents: "torch.Tensor", scheduler: Any) -> "torch.Tensor":
        """The latents with the picture outside the mask, as noisy as the scheduler has left them."""
        import torch

        return torch.where(self._redrawn, latents, scheduler.add_noise(self._base, self._noise))
