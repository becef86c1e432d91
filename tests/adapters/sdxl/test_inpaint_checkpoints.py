"""Checkpoints that were made for inpainting draw what a bare diffusers pipeline of the same parts draws."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageChops
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.worker.controls import Asked
from illustrious_studio.adapters.sdxl.worker.inpainting import InpaintUnet, beside_latents
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.tiles import TiledUnet
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Rendered
from samples import a_picture
from scripts_of_the_project import script

pytestmark = pytest.mark.model

SIZE, STEPS, SEED = 64, 8, 7
GIVEN = a_picture(SIZE, SIZE)


def mask() -> Picture:
    """Soft at its edge, and black at the left."""
    grey = Image.linear_gradient("L").rotate(90).resize((SIZE, SIZE))
    grey.paste(0, (0, 0, SIZE // 4, SIZE))
    return Picture.from_image(grey)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, original_layout: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("inpainting")
    script("tiny_inpainting").make(folder)
    return folder


@pytest.fixture
async def both(folder: Path) -> list[Checkpoint]:
    """The folder in diffusers' form, and the single file."""
    found = await DiskCheckpoints([folder], builtin=None).list()
    return sorted(found, key=lambda checkpoint: checkpoint.layout)


def drawn_by_diffusers(pipeline: SdxlPipeline, wanted: Any, strength: float) -> Any:
    import numpy as np
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLInpaintPipeline

    parts = dict(pipeline._pipeline.components)
    parts["scheduler"] = EulerDiscreteScheduler.from_config(
        parts["scheduler"].config,
        timestep_spacing="trailing",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
    )
    bare = StableDiffusionXLInpaintPipeline(**parts, add_watermarker=False)
    assert pipeline._encoder is not None
    (positive,) = pipeline._encoder.encode([wanted.request.prompt])
    (negative,) = pipeline._encoder.encode([""], negative=True)

    def encoded(pixels: Any) -> Any:
        with torch.no_grad():
            return bare.vae.encode(pixels).latent_dist.mode() * bare.vae.config.scaling_factor

    picture = torch.from_numpy(np.array(GIVEN.image())).permute(2, 0, 1)[None] / 127.5 - 1
    hidden = torch.from_numpy(np.array(mask().image().convert("L")))[None, None] >= 128
    return bare(
        image=encoded(picture),  # the studio's VAE takes the middle of what it says, where diffusers draws from it
        mask_image=mask().image().convert("L"),
        masked_image_latents=encoded(torch.where(hidden, 0.0, picture)),
        prompt_embeds=positive.rows,
        pooled_prompt_embeds=positive.pooled,
        negative_prompt_embeds=negative.rows,
        negative_pooled_prompt_embeds=negative.pooled,
        width=SIZE,
        height=SIZE,
        strength=strength,
        num_inference_steps=STEPS,
        guidance_scale=wanted.request.guidance,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="latent",
    ).images


async def test_it_draws_what_diffusers_inpaint_pipeline_draws(pipeline: SdxlPipeline, both: list[Checkpoint]) -> None:
    pictures = []
    for checkpoint in both:
        assert checkpoint.inpainting
        pipeline.load(checkpoint)
        # As A1111 the studio takes int(strength x steps) + 1 steps, diffusers one less.
        wanted = plan(
            checkpoint, sketch=GIVEN, mask=mask(), image="a" * 64, strength=0.625, steps=STEPS, schedule="Trailing"
        )
        latents = pipeline.denoise([wanted], 0, None, QuietWatch())
        bare = drawn_by_diffusers(pipeline, wanted, 0.75)
        assert (latents - bare).abs().max() < 1e-4
        pictures.append(pipeline.decode(latents, tiled=False))
        assert pictures[-1] == pipeline.decode(bare, tiled=False)
    assert [checkpoint.layout for checkpoint in both] == ["folder", "single-file"]
    assert pictures[0] == pictures[1]


async def test_the_mask_is_shown_to_it_in_batches(pipeline: SdxlPipeline, both: list[Checkpoint]) -> None:
    checkpoint = both[0]
    pipeline.load(checkpoint)

    def wanted(seed: int = SEED, given: Picture = GIVEN, **more: Any) -> Any:
        return plan(checkpoint, sketch=given, mask=mask(), image="a" * 64, steps=2, seed=seed, **more)

    alone = pipeline.render(wanted(), QuietWatch()).picture
    other = Picture.from_image(GIVEN.image().rotate(180))
    first, second = pipeline.render_batch([wanted(), wanted(8, other)], QuietWatch())
    assert isinstance(first, Rendered)
    assert isinstance(second, Rendered)
    for one, batch in ((alone, first), (pipeline.render(wanted(8, other), QuietWatch()).picture, second)):
        assert max(ImageChops.difference(one.image(), batch.picture.image()).getextrema())[1] <= 2


class Shown:
    """In the place of such a UNet: answers with the latents that it is shown."""

    config = SimpleNamespace(out_channels=4)

    def __call__(self, sample: Any, timestep: Any, added_cond_kwargs: Any, asked: Asked) -> Any:
        assert sample.shape[1:] == (9, 16, 16)
        return (sample[:, 5:],)


def test_each_tile_is_shown_its_own_part_and_each_prompt_the_same() -> None:
    import torch

    beside = torch.randn(2, 5, 24, 40)
    unet = InpaintUnet(TiledUnet(Shown(), 16, 8, 4, lambda: None), beside)
    (seen,) = unet(torch.zeros(4, 4, 24, 40), 0, added_cond_kwargs={"time_ids": torch.zeros(4, 6)}, asked=Asked(0, 0))
    assert torch.allclose(seen, torch.cat([beside[:, 1:]] * 2), atol=1e-5)


async def test_without_a_mask_everything_is_masked_and_the_picture_is_grey(
    pipeline: SdxlPipeline, both: list[Checkpoint]
) -> None:
    """As A1111 has it for such checkpoints: they draw from words, too."""
    import torch

    pipeline.load(both[0])
    from_words = plan(both[0], size=SIZE)
    over = plan(both[0], sketch=GIVEN, image="a" * 64, strength=0.5)
    with torch.no_grad():
        grey = pipeline._pipeline.vae.encode(torch.zeros(1, 3, SIZE, SIZE)).latent_dist.mode()
    for wanted in (from_words, over):
        shown = beside_latents(pipeline._codec, wanted.passes[0], pipeline._scale, tiled=False)
        assert torch.equal(shown[:, :1], torch.ones_like(shown[:, :1]))
        assert torch.allclose(shown[:, 1:], grey * pipeline._pipeline.vae.config.scaling_factor)
        assert pipeline.render(wanted, QuietWatch()).picture.width == SIZE
