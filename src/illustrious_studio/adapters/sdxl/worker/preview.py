"""Small pictures of a drawing that is not done: the latent's four channels mixed to red, green and blue.

That is a guess of a 4x3 matrix, good enough to see what becomes of it and nearly free; the VAE would cost as much as a
step. What is shown is the step's estimate of the finished latent, not the noise that is left in it.
"""

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    import torch

from illustrious_studio.domain.models import Checkpoint

SIDE = 256
# From diffusers' "Explaining the SDXL latent space", scaled from 0..255 to 0..1.
SDXL_RGB = ((0.2353, -0.2353, 0.098, -0.2745), (0.2353, -0.0196, 0.0588, -0.1961), (0.2353, 0.0392, -0.0196, -0.1373))
SDXL_BIAS = (0.5882, 0.549, 0.5098)


def preview_jpeg(latents: "torch.Tensor", checkpoint: Checkpoint, scale: int) -> bytes:
    """A JPEG of at most 256 pixels a side. `scale` is how many pixels a latent stands for."""
    import torch

    builtin = checkpoint.latent_rgb is not None
    mix: Any = torch.tensor(checkpoint.latent_rgb if builtin else SDXL_RGB)
    bias = torch.tensor(checkpoint.latent_rgb_bias if builtin else SDXL_BIAS)
    rgb = torch.einsum("chw,rc->hwr", latents[0].detach().float().cpu(), mix) + bias
    pixels = rgb.nan_to_num(0).clamp(0, 1).mul(255).to(torch.uint8).numpy()
    image = Image.fromarray(pixels)
    factor = min(scale, SIDE / max(image.size))
    image = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80)
    return target.getvalue()
