"""The autoencoder: 256 x 256 pixels to 64 x 64 x 4 latents and back (AutoencoderKL's own classes, small).

Trained on crops first and whole pictures last, on absolute and squared error and that of the gradients, with a little
noise on the latents, so that what the denoiser leaves of noise does no harm. `finish` folds the latents' mean and scale
into the convolutions beside them: the pipeline then needs no scaling factor.
"""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.mini import scenes, shipped
from training.mini.run import Plan, Run, autocast, averaged_weights

CHANNELS = (24, 48, 96)
LATENTS = 4
LATENT_NOISE = 0.05
CROP = 96
IN_MEMORY = 24
"""Shards held in memory; twelve thousand scenes are plenty for an autoencoder."""


def autoencoder(channels: tuple[int, ...] = CHANNELS) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=8,
        sample_size=scenes.SIDE,
        scaling_factor=1.0,
        force_upcast=False,
        mid_block_add_attention=False,
    )


def train(plan: Plan) -> None:
    run = Run(plan, "vae", autoencoder(), rate=2e-3, decay=0.998)
    folder = plan.work / "scenes"
    found = scenes.shards(folder)[:IN_MEMORY]
    held = scenes.pictures_of(folder, found[0])[:8]
    pictures = np.concatenate([scenes.pictures_of(folder, shard) for shard in found[1 + run.rank :: run.ranks]])
    batch = 8 if run.device.type == "cpu" else 64

    def loss_of() -> Tensor:
        whole = run.progress > 0.8
        number = batch // 4 if whole else batch
        chosen = pictures[torch.randint(len(pictures), (number,), generator=run.random).numpy()]
        if not whole:
            y, x = torch.randint(scenes.SIDE - CROP + 1, (2,), generator=run.random).tolist()
            chosen = chosen[:, y : y + CROP, x : x + CROP]
        wanted = as_tensor(chosen).to(run.device)
        if torch.rand((), generator=run.random) < 0.5:
            wanted = wanted.flip(3)
        with autocast(run.device):
            latents = run.model.encode(wanted).latent_dist.mean
            got = run.model.decode(latents + LATENT_NOISE * torch.randn_like(latents)).sample
        return _difference(got.float(), wanted) + 1e-3 * latents.float().square().mean()

    def tell() -> str:
        if run.rank or run.step % 3:
            return ""
        with torch.no_grad(), autocast(run.device):
            wanted = as_tensor(held).to(run.device)
            return f"{psnr(through(run.model, wanted), wanted):.2f} dB"

    run.train(loss_of, tell, batch)


def _difference(got: Tensor, wanted: Tensor) -> Tensor:
    error = got - wanted
    edges = error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()
    return error.abs().mean() + error.square().mean() + 0.5 * edges


def as_tensor(pictures: "np.ndarray[Any, np.dtype[np.uint8]]") -> Tensor:
    """uint8 n x h x w x 3 to n x 3 x h x w in -1 to 1."""
    return (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def pixels(pictures: Sequence[Image.Image]) -> Tensor:
    """Pictures of one size, as `as_tensor` has them."""
    return as_tensor(np.stack([np.array(one.convert("RGB")) for one in pictures]))


def as_pictures(tensor: Tensor) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Back again."""
    return ((tensor.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def through(vae: Any, pictures: Tensor) -> Tensor:
    """Encoded and decoded again."""
    decoded: Tensor = vae.decode(vae.encode(pictures).latent_dist.mean).sample
    return decoded.float().clamp(-1, 1)


def psnr(got: Tensor, wanted: Tensor) -> float:
    """Mean over the pictures, in dB, of -1 to 1 pictures."""
    errors = ((got - wanted) / 2).square().mean((1, 2, 3))
    return float(-10 * torch.log10(errors).mean())


@torch.no_grad()
def finish(work: Path) -> Any:
    """The trained autoencoder, its latents with mean 0 and deviation 1 in each channel. Kept beside the run's file.

    The shipped one where none was trained.
    """
    trained, kept = work / "vae.pt", work / "autoencoder.pt"
    if not trained.exists():
        from diffusers import AutoencoderKL

        return shipped.part(AutoencoderKL, "vae")
    vae = autoencoder().eval()
    if kept.exists() and kept.stat().st_mtime >= trained.stat().st_mtime:
        vae.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True))
        return vae
    vae.load_state_dict(averaged_weights(work, "vae"))
    folder = work / "scenes"
    sample = as_tensor(scenes.pictures_of(folder, scenes.shards(folder)[0]))
    latents = torch.cat([vae.encode(part).latent_dist.mean for part in sample.split(25)])
    mean, scale = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    to, back = vae.quant_conv, vae.post_quant_conv
    to.weight[:LATENTS] /= scale[:, None, None, None]
    to.bias[:LATENTS] = (to.bias[:LATENTS] - mean) / scale
    to.weight[LATENTS:] = 0  # the pipeline takes the mode; a small fixed variance says how sure it is
    to.bias[LATENTS:] = 2 * math.log(LATENT_NOISE) - 2 * scale.log()
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= scale[None, :, None, None]
    aside = kept.with_suffix(f".{os.getpid()}")
    torch.save(vae.state_dict(), aside)
    aside.rename(kept)
    return vae
