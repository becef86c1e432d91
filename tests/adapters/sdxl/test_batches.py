"""Several pictures drawn in one go: each is what its plan alone makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.adapters.sdxl.helpers import QuietWatch, plan
from tests.adapters.sdxl.test_oom_fallback import Faults, no_memory

from fakes import gradient
from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of, rendered_frame, rendered_of
from illustrious_studio.adapters.sdxl.worker.oom_fallback import SINGLY, BadNumbers, draw_batch
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import OutOfMemory, Unavailable
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromLatents, FromUpscaled, Rendered, RenderPlan, alike

pytestmark = pytest.mark.model

NEARLY = 2
"""Of 255: how far a pixel may be from that of the picture drawn alone. A batch adds up in another order."""


def pixels(picture: Picture) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    return np.asarray(picture.image()).astype(np.int16)


def seeds(checkpoint: Checkpoint, **fields: object) -> list[RenderPlan]:
    return [plan(checkpoint, seed=seed, **fields) for seed in (7, 8, 2**32 - 1)]  # type: ignore[arg-type]


def second_pass(wanted: RenderPlan, start: FromLatents | FromUpscaled) -> RenderPlan:
    first = wanted.passes[0]
    return replace(wanted, passes=(first, replace(first, width=96, height=96, start=start, strength=0.5)))


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ SDE", "DPM++ 2M SDE", "DPM2", "LCM", "UniPC"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_each_is_the_picture_of_its_own_seed(
    loaded: SdxlPipeline, builtin: Checkpoint, sampler: str, guidance: float
) -> None:
    plans = seeds(builtin, sampler=sampler, guidance=guidance)
    together = loaded.render_batch(plans, QuietWatch())
    for wanted, one in zip(plans, together, strict=True):
        alone = loaded.render(wanted, QuietWatch())
        assert isinstance(one, Rendered)
        assert one.batch_size == 3
        assert np.abs(pixels(one.picture) - pixels(alone.picture)).max() <= NEARLY
    first, second, _ = (pixels(one.picture) for one in together if isinstance(one, Rendered))
    assert np.abs(first - second).max() > 10 * NEARLY


def test_each_has_its_own_sketch_mask_and_second_pass(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    sketches = [gradient(64, 64, number) for number in (1, 2)]
    mask = Picture.from_image(
        gradient(64, 64, 3).image().convert("L").point(lambda grey: 255 * (grey > 90)).convert("RGB")
    )
    kinds = [
        [plan(builtin, "a [black|white] cat", seed=5, sketch=one, mask=mask) for one in sketches],
        [second_pass(plan(builtin, seed=number), FromLatents()) for number in (1, 2)],
        [second_pass(plan(builtin, seed=number), FromUpscaled((96, 96), None, 0, 0)) for number in (1, 2)],
        [plan(builtin, "a cat AND a very red dog with a hat :0.5", seed=number) for number in (1, 2)],
    ]
    for plans in kinds:
        for wanted, one in zip(plans, loaded.render_batch(plans, QuietWatch()), strict=True):
            assert isinstance(one, Rendered)
            alone = loaded.render(wanted, QuietWatch()).picture
            assert np.abs(pixels(one.picture) - pixels(alone)).max() <= NEARLY


def test_each_has_previews_of_its_own(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    watch = QuietWatch()
    loaded.render_batch(seeds(builtin), watch)
    last = watch.seen[-1]
    assert (last.step, last.steps, len(last.others)) == (4, 4, 2)
    assert len({last.of(number).preview for number in range(3)}) == 3
    assert last.of(1).others == ()


@pytest.mark.parametrize("fault", [no_memory(), BadNumbers("unet")])
def test_what_does_not_come_out_together_is_drawn_one_by_one(
    loaded: SdxlPipeline, builtin: Checkpoint, fault: Exception
) -> None:
    plans = seeds(builtin)
    watch = QuietWatch()
    drawn = draw_batch(Faults(loaded, steps=[fault]), plans, watch)
    for wanted, one in zip(plans, drawn, strict=True):
        assert not isinstance(one, Exception)
        assert (one.attempts, one.batch_size) == ((SINGLY,), 1)
        assert one.picture == loaded.render(wanted, QuietWatch()).picture
    assert [step.step for step in watch.seen] == list(range(1, 13))
    assert {step.steps for step in watch.seen} == {12}


def test_one_that_cannot_be_drawn_at_all_leaves_the_others_theirs(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    faults = Faults(loaded, steps=[no_memory(), None, no_memory(), no_memory(), None])
    first, second, third = draw_batch(faults, seeds(builtin), QuietWatch())
    assert isinstance(second, OutOfMemory)
    assert not isinstance(first, Exception)
    assert not isinstance(third, Exception)


def test_what_differs_in_more_than_its_seed_is_not_alike(builtin: Checkpoint) -> None:
    one, other = plan(builtin, seed=1, sketch=gradient(64, 64, 1)), plan(builtin, seed=2, sketch=gradient(64, 64, 2))
    assert alike(one, other)
    for changed in (
        {"prompt": "a dog"}, {"steps": 5}, {"guidance": 2.0}, {"negative_prompt": "x"}, {"size": 128}, {"clip_skip": 2},
        {"sampler": "Euler a"}, {"variation_strength": 0.5},
    ):  # fmt: skip
        assert not alike(one, plan(builtin, **{"seed": 2, "sketch": gradient(64, 64, 2), **changed}))  # type: ignore[arg-type]
    assert not alike(one, plan(builtin, seed=1))


def test_a_batch_travels_to_the_worker_and_back_unchanged(builtin: Checkpoint) -> None:
    plans = [plan(builtin, seed=seed, sketch=gradient(64, 64, seed)) for seed in (1, 2)]
    assert plans_of(plans_frame(plans)) == plans
    facts = {"device": "cpu", "dtype": "float32", "vae_dtype": "float32", "versions": {}, "seconds": 0.5}
    rendered = [Rendered(gradient(8, 8, seed), **facts, batch_size=2) for seed in (1, 2)]  # type: ignore[arg-type]
    back = rendered_of(rendered_frame([rendered[0], Unavailable("Not this one."), rendered[1]]))
    assert back[::2] == rendered
    assert isinstance(back[1], Unavailable)
    assert back[1].detail == "Not this one."
