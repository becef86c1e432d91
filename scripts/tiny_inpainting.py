"""A tiny checkpoint for inpainting: the built-in model, whose UNet takes 9 channels.

    python scripts/tiny_inpainting.py FOLDER    writes FOLDER/tiny inpainting (diffusers' form) and
                                                FOLDER/tiny inpainting.safetensors (the original layout)

For trying one without a model of one's own, and for the tests. What the UNet makes of the mask and of the picture
beside the latents are random numbers, not trained: they change what is drawn, and the same each time.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch
from original_layout import original_layout
from safetensors.torch import save_file

BUILTIN = Path(__file__).resolve().parent.parent / "src" / "illustrious_studio" / "data" / "mini"
NAME = "tiny inpainting"
CHANNELS = 9
SIZE = 0.02
"""Of the random numbers."""


def widened(unet: Any) -> Any:
    """The UNet with 5 channels more: a mask, and the latents of a picture."""
    before, bias = unet.conv_in.weight.data, unet.conv_in.bias.data
    shape = (before.shape[0], CHANNELS - before.shape[1], *before.shape[2:])
    more = torch.randn(shape, generator=torch.Generator().manual_seed(71)) * SIZE
    unet.conv_in = torch.nn.Conv2d(CHANNELS, before.shape[0], 3, padding=1, dtype=before.dtype)
    unet.conv_in.weight.data, unet.conv_in.bias.data = torch.cat([before, more.to(before.dtype)], 1), bias
    unet.register_to_config(in_channels=CHANNELS)
    return unet


def make(folder: Path) -> tuple[Path, Path]:
    """Both of them: the folder and the file."""
    from diffusers import StableDiffusionXLPipeline

    model = StableDiffusionXLPipeline.from_pretrained(BUILTIN, dtype=torch.float16, local_files_only=True)
    whole, single = folder / NAME, folder / f"{NAME}.safetensors"
    shutil.copytree(BUILTIN, whole)
    unet = widened(model.unet)
    shutil.rmtree(whole / "unet")
    unet.save_pretrained(whole / "unet")
    (whole / "studio.json").write_text('{"sketch_strength": null, "native_width": 256, "native_height": 256}')
    tensors = original_layout(unet, model.vae, model.text_encoder, model.text_encoder_2)
    tensors |= {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, single)
    return whole, single


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)
