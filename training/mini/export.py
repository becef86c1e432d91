"""Puts the trained parts together: a pipeline folder in half precision, and the same as one file in SDXL's own layout.

Both carry what the model says about itself (`studio.json`; in the single file, the header). Nothing is installed:
copy `work/illustrious-mini` over the package's `data/mini` to ship it.
"""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from illustrious_studio.adapters.sdxl.catalogue import DECLARED
from training.mini import denoiser, scenes, text, vae, words
from training.mini.run import Plan
from training.mini.shipped import PACKAGE

NAME = "illustrious-mini"
STRENGTH = 0.2
GUIDANCE = 1.5
NATIVE_SIDE = 512
"""It was trained at 256, and repaints twice that size just as well, with finer strokes."""
ORIGINAL_LAYOUT = Path(__file__).parents[2] / "scripts" / "original_layout.py"
KEPT = ("NOTICE.txt", "README.md")


def main(plan: Plan) -> None:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    work = plan.work
    encoders = text.finish(work)
    tokenizer = words.tokenizer_of(work)
    autoencoder = vae.finish(work)
    pipeline = StableDiffusionXLPipeline(
        vae=autoencoder,
        text_encoder=encoders.one,
        text_encoder_2=encoders.two,
        tokenizer=tokenizer,
        tokenizer_2=words.tokenizer_of(work),
        unet=denoiser.finish(work),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
            steps_offset=1,
        ),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    declared = _declared(work, autoencoder)
    folder = work / NAME
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(folder)
    (folder / "studio.json").write_text(json.dumps(declared, indent=2) + "\n", encoding="utf-8")
    for name in KEPT:
        shutil.copy(PACKAGE / name, folder / name)
    write_single_file(pipeline, declared, work / f"{NAME}.safetensors")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB")


def write_single_file(pipeline: Any, declared: dict[str, Any], file: Path) -> None:
    """One file in the layout SDXL was published in, marked as v-prediction from pure noise."""
    from safetensors.torch import save_file

    spec = importlib.util.spec_from_file_location("original_layout", ORIGINAL_LAYOUT)
    assert spec is not None and spec.loader is not None
    layout = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layout)
    parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2)
    tensors = layout.original_layout(*parts) | {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(whole, file, metadata={DECLARED: json.dumps(declared)})


def _declared(work: Path, autoencoder: Any) -> dict[str, Any]:
    mix, bias = _latent_rgb(work, autoencoder)
    things, places = len(scenes.painter().objects()), len(scenes.painter().backgrounds())
    return {
        "name": NAME,
        "native_width": NATIVE_SIDE,
        "native_height": NATIVE_SIDE,
        "sketch_strength": STRENGTH,
        "steps": 20,
        "guidance": GUIDANCE,
        "about": "A small model that comes with the studio: it paints over a sketch of the objects it finds in your "
        "words. For real pictures, add an SDXL checkpoint.",
        "vocabulary": f"{things} things and {places} backgrounds; GET /layout/objects lists the things.",
        "licence": "Trained on drawings of Fluent Emoji (MIT, Microsoft) and Noto Emoji (Apache-2.0, Google); "
        "see NOTICE.txt.",
        "examples": [
            "a black cat in the snow",
            "1girl, silver hair, witch hat, smile",
            "a rocket in space",
            "a sailboat at sunset",
            "two penguins in the mountains",
            "a castle at night",
        ],
        "latent_rgb": [[round(value, 4) for value in row] for row in mix.tolist()],
        "latent_rgb_bias": [round(value, 4) for value in bias.tolist()],
    }


@torch.no_grad()
def _latent_rgb(work: Path, autoencoder: Any) -> tuple[Tensor, Tensor]:
    """For previews: red, green and blue (0 to 1) as the best weighted sums of the latent's channels."""
    folder = work / "scenes"
    pictures = vae.as_tensor(scenes.pictures_of(folder, scenes.shards(folder)[0])[:60])
    latents = torch.cat([autoencoder.encode(part).latent_dist.mean for part in pictures.split(20)])
    small = torch.nn.functional.interpolate(pictures, size=latents.shape[-2:], mode="area") / 2 + 0.5
    known = torch.cat([latents, torch.ones_like(latents[:, :1])], 1).permute(0, 2, 3, 1).flatten(0, 2)
    found = torch.linalg.lstsq(known, small.permute(0, 2, 3, 1).flatten(0, 2)).solution.T
    return found[:, :-1], found[:, -1]
