"""Soft inpainting: A1111's formulas, and what they do to a picture."""

import math
from typing import Any

import pytest
from PIL import Image
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of, rendered_frame, rendered_of
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.soft_inpainting import SoftMask, averaged, changed_pixels
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.inputs import prepare_whole
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Rendered
from illustrious_studio.domain.soft_inpainting import SoftInpainting
from samples import a_picture

pytestmark = pytest.mark.model
SIZE = 64
GIVEN = a_picture(SIZE, SIZE)


@pytest.mark.parametrize("settings", [SoftInpainting(), SoftInpainting(2, 3, 32), SoftInpainting(0, 0.1, 1)])
def test_latents_are_mixed_as_a1111_mixes_them(settings: SoftInpainting) -> None:
    import torch

    one, other, share = torch.randn(2, 4, 6, 5), 3 * torch.randn(2, 4, 6, 5), torch.rand(1, 1, 6, 5)
    share[..., 0], share[..., 1] = 0, 1
    sigma = torch.tensor(2.5)
    a, b, t = one.double(), other.double(), share.double()
    t = t ** (2.5**settings.schedule_bias * settings.preservation_strength)
    power = settings.transition_contrast_boost
    between = a * (1 - t) + b * t
    length = (a.norm(dim=1, keepdim=True) ** power * (1 - t) + b.norm(dim=1, keepdim=True) ** power * t) ** (1 / power)
    wanted = between * length / (between.norm(dim=1, keepdim=True) + 1e-5)
    mixed = SoftMask(settings, one, share).mix(other, sigma)
    assert (mixed - wanted).abs().max() < 1e-4
    assert (mixed[..., 0] - one[..., 0]).abs().max() < 1e-4


def slowly(values: Any, low: float, high: float) -> Any:
    """One place after the other, one value after the other, as it is said."""
    import numpy as np

    result = np.zeros_like(values)
    for y, x in np.ndindex(values.shape):
        near = []
        for dy, dx in np.ndindex(5, 5):
            row, column = y + dy - 2, x + dx - 2
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                end = math.exp(-9 / 2.25)
                bell = (math.exp(-((dy - 2) ** 2 + (dx - 2) ** 2) / 2.25) - end) / (1 - end)
                near.append((values[row, column], max(bell, 0)))
        near.sort()
        total = sum(weight for _, weight in near)
        first, last = total * low, total * high
        if last - first < 1:
            middle = (first + last) / 2
            first, last = middle - 0.5, middle + 0.5
            if last > total:
                first, last = total - 1, total
            if first < 0:
                first, last = 0, 1
        at, found, counted = 0.0, 0.0, 0.0
        for value, weight in near:
            part = max(min(at + weight, last) - max(at, first), 0)
            found, counted, at = found + value * part, counted + part, at + weight
        result[y, x] = found / counted
    return result


@pytest.mark.parametrize("percentiles", [(0.9, 1.0), (0.25, 0.75), (0.0, 0.1)])
def test_differences_are_averaged_over_a_window_by_their_rank(percentiles: tuple[float, float]) -> None:
    import numpy as np

    values = np.random.default_rng(3).random((9, 7)) ** 3
    assert np.abs(averaged(values, percentiles) - slowly(values, *percentiles)).max() < 1e-9


def test_where_nothing_was_changed_nothing_is_seen_and_where_much_was_all_is() -> None:
    import torch

    base = torch.randn(1, 4, 16, 16)
    drawn = base.clone()
    drawn[..., 8:] += 5
    share = torch.ones(1, 1, 16, 16)
    seen = changed_pixels(SoftInpainting(), base, drawn, share, (64, 64))
    assert [seen.getpixel((x, 32)) for x in (2, 61)] == [0, 254]
    threshold_of_nothing = SoftInpainting(difference_threshold=0)
    assert changed_pixels(threshold_of_nothing, base, drawn, share, (64, 64)).getextrema() == (255, 255)
    by_the_mask = SoftInpainting(mask_influence=1)
    assert changed_pixels(by_the_mask, base, drawn, share * 0, (64, 64)).getextrema() == (0, 0)


def test_its_settings_reach_the_worker_process_and_what_is_seen_comes_back(builtin: Checkpoint) -> None:
    wanted = plan(builtin, sketch=GIVEN, mask=GIVEN, content="latent_noise", soft=SoftInpainting(2), image="a" * 64)
    assert plans_of(plans_frame([wanted])) == [wanted]
    facts: dict[str, Any] = {
        "device": "cpu",
        "dtype": "float32",
        "vae_dtype": "float32",
        "versions": {},
        "seconds": 1.0,
    }
    answers = [Rendered(GIVEN, **facts, changed=a_picture(8, 16)), Rendered(GIVEN, **facts)]
    assert rendered_of(rendered_frame(answers)) == answers


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, grey: Image.Image, soft: SoftInpainting | None) -> Picture:
    ground = prepare_whole(to_png(GIVEN), grey, (SIZE, SIZE), "crop", 0, fill=False)
    wanted = plan(checkpoint, sketch=ground.base, mask=ground.mask, soft=soft, image="a" * 64, strength=0.8)
    rendered = pipeline.render(wanted, QuietWatch())
    assert (rendered.changed is None) == (soft is None)
    return Picture.from_image(ground.finished(rendered.picture, rendered.changed))


def test_grey_mixes_and_black_comes_back_to_the_pixel(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    ramp = Image.linear_gradient("L").rotate(90).resize((SIZE, SIZE))
    ramp.paste(0, (0, 0, SIZE // 4, SIZE))
    hard, soft = drawn(loaded, builtin, ramp, None), drawn(loaded, builtin, ramp, SoftInpainting())
    assert hard != soft
    black, white = (0, 0, SIZE // 4, SIZE), (3 * SIZE // 4, 0, SIZE, SIZE)
    assert soft.image().crop(black).tobytes() == GIVEN.image().crop(black).tobytes()
    assert soft.image().crop(white).tobytes() != GIVEN.image().crop(white).tobytes()
    kept = drawn(loaded, builtin, ramp, SoftInpainting(preservation_strength=8, difference_threshold=8))
    assert kept != soft
