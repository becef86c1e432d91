"""What the settings of a picture do to it, on the real small model."""

import copy

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.models import Checkpoint, CheckpointOverride
from illustrious_studio.domain.pictures import Picture

pytestmark = pytest.mark.model


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, **settings: object) -> Picture:
    return pipeline.render(plan(checkpoint, **settings), QuietWatch()).picture


@pytest.mark.parametrize("rescale", [0.0, 0.7])
def test_cfg_rescale_is_that_of_diffusers(loaded: SdxlPipeline, builtin: Checkpoint, rescale: float) -> None:
    import torch
    from diffusers import StableDiffusionXLPipeline

    wanted = plan(builtin, guidance=9.0, guidance_rescale=rescale)
    request = wanted.request
    assert loaded._encoder is not None
    (positive,) = loaded._encoder.encode([request.prompt])
    (negative,) = loaded._encoder.encode([request.negative_prompt], negative=True)
    scheduler = copy.deepcopy(loaded._pipeline.scheduler)
    bare = StableDiffusionXLPipeline(**{**loaded._pipeline.components, "scheduler": scheduler}, add_watermarker=False)
    latents = bare(
        prompt_embeds=positive.rows,
        pooled_prompt_embeds=positive.pooled,
        negative_prompt_embeds=negative.rows,
        negative_pooled_prompt_embeds=negative.pooled,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps,
        guidance_scale=9.0,
        guidance_rescale=rescale,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        output_type="latent",
    ).images
    assert loaded.decode(latents, tiled=False) == drawn(loaded, builtin, guidance=9.0, guidance_rescale=rescale)


def test_cfg_rescale_changes_the_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    assert drawn(loaded, builtin, guidance=9.0, guidance_rescale=0.7) != drawn(loaded, builtin, guidance=9.0)


def test_a_v_prediction_file_without_a_marker_can_be_told_to_be_one(
    pipeline: SdxlPipeline, builtin: Checkpoint
) -> None:
    pipeline.load(builtin)
    right = drawn(pipeline, builtin)
    unmarked = builtin.model_copy(update={"prediction_type": "epsilon", "zero_terminal_snr": False})
    pipeline.load(unmarked)
    assert drawn(pipeline, unmarked) != right
    assert drawn(pipeline, unmarked, prediction_type="v_prediction", zero_terminal_snr=True) == right
    kept = unmarked.with_override(CheckpointOverride(prediction_type="v_prediction", zero_terminal_snr=True))
    assert drawn(pipeline, kept) == right
    assert drawn(pipeline, kept, prediction_type="epsilon", zero_terminal_snr=False) == drawn(pipeline, unmarked)
