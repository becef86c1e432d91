"""The second pass of hires fix, with the real small model."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.upscaler_catalogue import BUILTIN as BUILTIN_FILE
from illustrious_studio.adapters.sdxl.worker.conditioning import conditioning_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.hires import LATENT_UPSCALERS, HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import RenderPlan
from illustrious_studio.services.render_plan import Enlarging, render_plan

pytestmark = pytest.mark.model

LANCZOS, NETWORK = Enlarging(None, 192, 16), Enlarging(str(BUILTIN_FILE), 192, 16)


def hires_plan(checkpoint: Checkpoint, by: Enlarging | None = None, **hires: Any) -> RenderPlan:
    settings: dict[str, Any] = {"upscaler": "Latent" if by is None else "by", **hires}
    request = ImageRequest(
        prompt="a black cat", steps=4, guidance=3.0, seed=7, width=64, height=64, hires=HiresFix(**settings)
    )
    return render_plan(request, checkpoint, enlarged_by=by)


@pytest.mark.parametrize("upscaler", LATENT_UPSCALERS)
def test_each_latent_upscaler_draws_a_larger_picture_of_its_own(
    loaded: SdxlPipeline, builtin: Checkpoint, upscaler: str
) -> None:
    watch = QuietWatch()
    picture = loaded.render(hires_plan(builtin, upscaler=upscaler, steps=3, strength=0.5), watch).picture
    assert (picture.width, picture.height) == (128, 128)
    assert [(step.step, step.steps) for step in watch.seen] == [(number, 7) for number in range(1, 8)]
    other = next(one for one in LATENT_UPSCALERS if one != upscaler)
    assert loaded.render(hires_plan(builtin, upscaler=other, steps=3, strength=0.5), QuietWatch()).picture != picture


@pytest.mark.parametrize("by", [LANCZOS, NETWORK], ids=["Lanczos", "network"])
def test_a_picture_is_made_larger_and_little_changed_at_a_low_strength(
    loaded: SdxlPipeline, builtin: Checkpoint, by: Enlarging
) -> None:
    from PIL import ImageChops, ImageStat

    small = loaded.render(plan(builtin), QuietWatch()).picture
    large = loaded.render(hires_plan(builtin, by, strength=0.05, steps=1, scale=1.5), QuietWatch()).picture
    assert (large.width, large.height) == (96, 96)
    apart = ImageChops.difference(small.image().resize((96, 96)), large.image())
    assert sum(ImageStat.Stat(apart).mean) / 3 < 25


def test_only_the_middle_of_another_shape_is_drawn(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    for by in (None, LANCZOS):
        wanted = hires_plan(builtin, by, width=128, height=64, steps=1)
        picture = loaded.render(wanted, QuietWatch()).picture
        assert (picture.width, picture.height) == (128, 64)


def test_the_second_pass_takes_a1111s_steps_with_the_seeds_own_noise(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    """By hand: the latents of the first pass, interpolated, noised at the last of the schedule's sigmas."""
    from diffusers.utils.torch_utils import randn_tensor

    from illustrious_studio.adapters.sdxl.worker.schedulers import scheduler_for

    wanted = hires_plan(builtin, steps=3, strength=0.4)
    _, second = wanted.passes
    assert (second.steps, second.taken) == (7, 3)  # int(3 / 0.4)
    latents = loaded.denoise([wanted], 0, None, QuietWatch())
    own = loaded._pipeline.scheduler
    whole = scheduler_for(second.sampler, second.schedule, own, 7)
    last = scheduler_for(second.sampler, second.schedule, own, 7, 0.4, taken=3)
    assert torch.equal(torch.as_tensor(last.sigmas), torch.as_tensor(whole.sigmas)[-4:])
    larger = torch.nn.functional.interpolate(latents, scale_factor=2, mode="bilinear")
    noise = randn_tensor(larger.shape, generator=torch.Generator("cpu").manual_seed(7), dtype=torch.float32)
    assert torch.equal(last.add_noise(larger, noise), larger + float(last.sigmas[0]) * noise)


def test_its_words_and_their_changes_are_its_own(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    wanted = hires_plan(builtin, prompt="a [red:green:0.5] fox", negative_prompt="blurry", steps=4, strength=0.5)
    first, second = wanted.passes
    assert loaded._encoder is not None
    told = conditioning_of(loaded._encoder, wanted, second, 4, guided=True)
    # In the second pass a share up to 1 has passed (A1111 counts 1.5 as its half).
    assert [one.text for one in told.positive[0].timed] == ["a green fox"]
    assert told.negative[0].timed[0].text == "blurry"
    assert conditioning_of(loaded._encoder, wanted, first, 4, guided=True).positive[0].timed[0].text == "a black cat"
    other = replace(wanted, passes=(first, replace(second, prompt="a green fox")))
    assert loaded.render(wanted, QuietWatch()).picture == loaded.render(other, QuietWatch()).picture


def test_a_plan_of_two_passes_travels_to_the_worker_unchanged(builtin: Checkpoint) -> None:
    for wanted in (hires_plan(builtin, upscaler="Latent (bicubic)"), hires_plan(builtin, NETWORK, sampler="Euler a")):
        assert plans_of(plans_frame([wanted])) == [wanted]
