"""Inpainting: drawing only a part of a picture again, with any checkpoint: what stays is put back after each step.

After each step the latents outside the mask become those of the picture, with as much noise as the step left, so that
what is drawn grows together with what stays. A latent stands for many pixels, and the VAE changes all of them a little:
the picture's own pixels are not in what is drawn. `domain/inputs.py` puts the drawing into the picture.

A checkpoint that was made for inpainting needs none of that: its UNet is shown the mask and the rest of the picture
(`InpaintUnet`). Soft inpainting mixes instead of putting back (`soft_inpainting`).
"""

from typing import TYPE_CHECKING, Any

from illustrious_studio.adapters.sdxl.catalogue import INPAINTING
from illustrious_studio.adapters.sdxl.worker.vae import VaeCodec, pixels_of
from illustrious_studio.domain.inputs import MaskContent
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, Pass

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


def share_drawn(mask: Picture, like: "torch.Tensor") -> "torch.Tensor":
    """How much of each latent a mask redraws, from 0 to 1, (1, 1, rows, columns) of `like`, scaled as A1111 does."""
    import numpy as np
    import torch

    rows, columns = like.shape[-2:]
    grey = np.array(mask.image().convert("L").resize((columns, rows)), dtype=np.float32) / 255
    return torch.from_numpy(grey)[None, None].to(like.device)


def with_content(
    base: "torch.Tensor", noise: "torch.Tensor", mask: Picture, content: MaskContent, *, soft: bool
) -> "torch.Tensor":
    """The latents that drawing begins with: under the mask A1111's latent noise (that of the seed, not led anywhere) or
    latent nothing, in place of the picture. There as here, what is less than half masked is not touched, and a soft
    mask mixes (`init` of `modules/processing.py`)."""
    if content not in ("latent_noise", "latent_nothing"):
        return base
    share = share_drawn(mask, base)
    share = share if soft else share.round()
    return base * (1 - share) + (noise * share if content == "latent_noise" else 0)


def is_for_inpainting(unet: Any) -> bool:
    """Whether it is a UNet that takes 9 channels: latents, a mask, and the latents of what the mask leaves."""
    return bool(unet.config.in_channels == INPAINTING)


class InpaintUnet:
    """In the place of a UNet that was made for inpainting: takes latents, and shows it the rest beside them.

    `beside` (pictures, 5, height / 8, width / 8): for each picture the mask, 1 where it is drawn, and the latents of
    the picture without that.
    """

    def __init__(self, unet: Any, beside: "torch.Tensor") -> None:
        self._unet = unet
        self._beside = beside

    def __getattr__(self, name: str) -> Any:
        """What else is asked of a UNet: its config, its dtype."""
        return getattr(self._unet, name)

    def __call__(self, sample: "torch.Tensor", timestep: Any, **others: Any) -> "tuple[torch.Tensor]":
        import torch

        beside = torch.cat([self._beside] * (len(sample) // len(self._beside))).to(sample.dtype)
        predicted: tuple[torch.Tensor] = self._unet(torch.cat([sample, beside], 1), timestep, **others)
        return predicted


def beside_latents(codec: VaeCodec, render_pass: Pass, scale: int, *, tiled: bool) -> "torch.Tensor":
    """What such a UNet is shown beside the latents of one picture, (1, 5, height / 8, width / 8), as diffusers'
    `StableDiffusionXLInpaintPipeline` makes it: what is at least half masked is grey, and the mask is scaled to latents
    by taking every eighth of its pixels. Soft inpainting leaves the mask grey (A1111).

    Without a mask everything is to be drawn, and the picture is all grey: so A1111 has it for such checkpoints.
    """
    import numpy as np
    import torch

    start, size = render_pass.start, (render_pass.width, render_pass.height)
    if isinstance(start, FromPicture) and start.mask is not None:
        grey = torch.from_numpy(np.array(start.mask.image().convert("L")))[None, None].float() / 255
        share = grey if start.soft is not None else (grey >= 0.5).float()
        pixels = pixels_of(start.picture, size) * (1 - share)
    else:
        share = torch.ones((1, 1, size[1], size[0]))
        pixels = torch.zeros((1, 3, size[1], size[0]))
    latents = codec.encode_pixels(pixels, tiled=tiled)
    mask = torch.nn.functional.interpolate(share, size=(size[1] // scale, size[0] // scale))
    return torch.cat([mask.to(latents.device), latents], 1)
