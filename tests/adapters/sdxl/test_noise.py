"""The noise of a seed, with variations and seed resize, against A1111's rules written out."""

import pytest
import torch
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.worker.noise import first_noise
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint

pytestmark = pytest.mark.model

SHAPE = (1, 4, 8, 12)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def noise(**fields: object) -> torch.Tensor:
    request = ImageRequest.model_validate({"prompt": "a cat", "seed": 5, **fields})
    return first_noise(request, SHAPE, 8, seeded(5))


def test_a_seed_alone_is_its_own_noise() -> None:
    assert torch.equal(noise(), torch.randn(SHAPE, generator=seeded(5)))
    assert torch.equal(noise(variation_seed=9, variation_strength=0.0), noise())


def test_a_variation_is_on_the_arc_between_two_columns() -> None:
    first, other = torch.randn(SHAPE, generator=seeded(5)), torch.randn(SHAPE, generator=seeded(9))
    found = noise(variation_seed=9, variation_strength=0.25)
    for channel, column in ((0, 0), (3, 11)):
        a, b = first[0, channel, :, column], other[0, channel, :, column]
        angle = torch.acos(a @ b / (a.norm() * b.norm()))
        expected = (torch.sin(0.75 * angle) * a + torch.sin(0.25 * angle) * b) / torch.sin(angle)
        assert torch.allclose(found[0, channel, :, column], expected, atol=1e-5)
    assert torch.allclose(noise(variation_seed=9, variation_strength=1.0), other, atol=1e-5)
    # A1111 takes a straight line between noises that point the same way.
    assert torch.allclose(noise(variation_seed=5, variation_strength=0.3), first, atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (160, 128), (64, 128), (160, 64)])
def test_seed_resize_keeps_the_middle(size: tuple[int, int]) -> None:
    columns, rows = size[0] // 8, size[1] // 8
    small = torch.randn((1, 4, rows, columns), generator=seeded(5))
    found = noise(seed_resize_from_width=size[0], seed_resize_from_height=size[1])
    expected = torch.randn(SHAPE, generator=seeded(5))
    for row in range(8):
        for column in range(12):
            y, x = row - (8 - rows) // 2, column - (12 - columns) // 2
            if 0 <= y < rows and 0 <= x < columns:
                expected[0, :, row, column] = small[0, :, y, x]
    assert torch.equal(found, expected)


def test_a_little_variation_is_a_little_another_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    from PIL import ImageChops, ImageStat

    def drawn(**fields: object) -> object:
        return loaded.render(plan(builtin, **fields), QuietWatch()).picture.image()  # type: ignore[arg-type]

    def apart(one: object) -> float:
        difference = ImageChops.difference(one, plain)  # type: ignore[arg-type]
        return sum(ImageStat.Stat(difference).mean)

    plain = drawn()
    little, much = (drawn(variation_seed=9, variation_strength=strength) for strength in (0.05, 0.9))
    assert 0 < apart(little) < apart(much)
