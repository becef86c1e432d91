"""Every sampler with every schedule it goes with, drawing with the real small model."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.sampling import AUTOMATIC, SAMPLERS

pytestmark = pytest.mark.model

HALVES = Picture(64, 64, (bytes(3 * 32) + b"\xff" * (3 * 32)) * 64)


def halves_stayed(picture: Picture) -> bool:
    image = picture.image().convert("L").resize((2, 1))
    return bool(image.getpixel((0, 0)) + 80 < image.getpixel((1, 0)))


@pytest.fixture(scope="module")
def ordinary(builtin: Checkpoint) -> Checkpoint:
    """The same model as a checkpoint without zero terminal SNR: most SDXL checkpoints are such."""
    return builtin.model_copy(update={"zero_terminal_snr": False})


@pytest.fixture(scope="module")
def loaded_ordinary(builtin: Checkpoint) -> SdxlPipeline:
    from diffusers import EulerDiscreteScheduler

    pipeline = SdxlPipeline("cpu")
    pipeline.load(builtin)
    own = pipeline._pipeline.scheduler.config
    pipeline._pipeline.scheduler = EulerDiscreteScheduler.from_config(own, rescale_betas_zero_snr=False)
    return pipeline


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_draws_from_a_sketch_and_leaves_it_recognisable(
    loaded_ordinary: SdxlPipeline, ordinary: Checkpoint, sampler: str
) -> None:
    schedules = SAMPLERS[sampler].schedules if sampler == "DPM++ 2M" else (AUTOMATIC,)  # each of both once
    for schedule in schedules:
        wanted = plan(ordinary, steps=6, guidance=1.0, sketch=HALVES, sampler=sampler, schedule=schedule)
        done = loaded_ordinary.render(wanted, QuietWatch())
        assert halves_stayed(done.picture), schedule
        assert done.picture != HALVES


def test_each_that_may_draws_from_pure_noise(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    for sampler in (one.name for one in SAMPLERS.values() if one.zero_snr):
        for schedule, steps in ((AUTOMATIC, 1), (AUTOMATIC, 4), ("KL Optimal" if sampler != "LCM" else AUTOMATIC, 4)):
            wanted = plan(builtin, steps=steps, guidance=1.0, sampler=sampler, schedule=schedule)
            image = loaded.render(wanted, QuietWatch()).picture.image()
            mean, spread = ImageStat.Stat(image).mean[0], ImageStat.Stat(image).stddev[0]
            assert 60 < mean < 253, f"{sampler}, {schedule}, {steps} steps: the picture went out of range"
            assert spread < 90, f"{sampler}, {schedule}, {steps} steps: it is noise"


def test_samplers_make_different_pictures(loaded_ordinary: SdxlPipeline, ordinary: Checkpoint) -> None:
    drawn = [
        loaded_ordinary.render(plan(ordinary, steps=6, guidance=1.0, sampler=name), QuietWatch()).picture
        for name in SAMPLERS
        if name != "Restart"  # which is Heun below 20 steps
    ]
    assert len({picture.rgb for picture in drawn}) == len(drawn)


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M", "DPM2", "LCM"])
def test_previews_show_what_becomes_of_the_picture(
    loaded_ordinary: SdxlPipeline, ordinary: Checkpoint, sampler: str
) -> None:
    watch = QuietWatch()
    done = loaded_ordinary.render(plan(ordinary, size=96, steps=8, guidance=1.0, sampler=sampler), watch)
    previews = [Image.open(io.BytesIO(step.preview)).convert("RGB") for step in watch.seen if step.preview]
    assert len(previews) == len(watch.seen)
    last = previews[-1].resize((16, 16))
    apart = ImageChops.difference(last, done.picture.image().resize((16, 16)))
    assert sum(ImageStat.Stat(apart).mean) / 3 < 40
