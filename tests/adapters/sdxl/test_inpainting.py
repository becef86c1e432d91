"""Image to image and inpainting, with the real small model."""

from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.inputs import prepare_whole
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from samples import a_picture

pytestmark = pytest.mark.model

SIZE = 64
GIVEN = a_picture(SIZE, SIZE)


def mask(*boxes: tuple[int, int, int, int], grey: int = 255) -> Picture:
    image = Image.new("L", (SIZE, SIZE))
    for box in boxes:
        image.paste(grey, box)
    return Picture.from_image(image)


RIGHT = (SIZE // 2, 0, SIZE, SIZE)


def apart(one: Picture, other: Picture, box: tuple[int, int, int, int]) -> float:
    difference = ImageChops.difference(one.image().crop(box), other.image().crop(box))
    return sum(ImageStat.Stat(difference).mean) / 3


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, given: Picture, **more: Any) -> Picture:
    """The picture after its masked part was redrawn, as the studio does it."""
    ground = prepare_whole(to_png(GIVEN), given.image().convert("L"), (SIZE, SIZE), "crop", 0, fill=False)
    wanted = plan(checkpoint, sketch=ground.base, mask=ground.mask, image="a" * 64, **{"strength": 0.8, **more})
    return Picture.from_image(ground.finished(pipeline.render(wanted, QuietWatch()).picture))


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DPM++ 2M SDE", "DDIM", "UniPC"])
def test_what_is_not_masked_comes_back_to_the_pixel_and_the_rest_is_drawn(
    loaded: SdxlPipeline, builtin: Checkpoint, sampler: str
) -> None:
    done = drawn(loaded, builtin, mask(RIGHT), strength=1.0, sampler=sampler)
    left = (0, 0, SIZE // 2, SIZE)
    assert done.image().crop(left).tobytes() == GIVEN.image().crop(left).tobytes()
    assert apart(done, GIVEN, RIGHT) > 10


def test_what_is_drawn_knows_what_stays(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    """The same hole in a dark and in a light picture is filled differently, though neither is seen in it."""
    hole = (24, 24, 40, 40)
    filled = []
    for shade in (b"\x10", b"\xf0"):
        around = Picture(SIZE, SIZE, shade * (3 * SIZE * SIZE))
        grey = around.image()
        grey.paste((128, 128, 128), hole)
        given = Picture.from_image(grey)
        wanted = plan(builtin, sketch=given, mask=mask(hole), image="a" * 64, strength=1.0, steps=8)
        filled.append(loaded.render(wanted, QuietWatch()).picture)
    dark, light = (ImageStat.Stat(picture.image().convert("L").crop(hole)).mean[0] for picture in filled)
    assert dark + 10 < light


def test_a_soft_mask_mixes_and_an_empty_one_gives_the_picture_back(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    assert drawn(loaded, builtin, mask()) == GIVEN
    whole, half = drawn(loaded, builtin, mask(RIGHT)), drawn(loaded, builtin, mask(RIGHT, grey=128))
    assert apart(half, GIVEN, RIGHT) < apart(whole, GIVEN, RIGHT)


def test_strength_says_how_much_is_redrawn(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    everything = (0, 0, SIZE, SIZE)
    watches = [QuietWatch(), QuietWatch()]
    little, much = (
        loaded.render(plan(builtin, sketch=GIVEN, image="a" * 64, strength=strength, steps=8), watch).picture
        for strength, watch in zip((0.25, 0.9), watches, strict=True)
    )
    assert [len(watch.seen) for watch in watches] == [3, 8]
    assert apart(little, GIVEN, everything) < apart(much, GIVEN, everything)


@pytest.mark.parametrize("content", ["latent_noise", "latent_nothing"])
def test_under_the_mask_latents_begin_as_in_a1111(loaded: SdxlPipeline, builtin: Checkpoint, content: Any) -> None:
    """`init` of its `modules/processing.py`: with the seed's noise, whatever it is led to, or with nothing."""
    import numpy as np
    import torch

    grey = Image.linear_gradient("L").resize((SIZE, SIZE))
    led = {"variation_strength": 0.5, "variation_seed": 3}
    wanted = plan(
        builtin, sketch=GIVEN, mask=Picture.from_image(grey), content=content, image="a" * 64, strength=1.0, **led
    )
    base = loaded._base([wanted], 0, None, QuietWatch())
    assert base is not None
    rows, columns = base.shape[-2:]
    masked = torch.from_numpy(np.around(np.array(grey.resize((columns, rows)), dtype=np.float32) / 255))
    noise = torch.randn(base.shape, generator=torch.Generator("cpu").manual_seed(wanted.request.seed))
    under = noise if content == "latent_noise" else torch.zeros(1)
    before = loaded._codec.encode(GIVEN, (SIZE, SIZE), tiled=False)
    assert torch.equal(base, before * (1 - masked) + under * masked)
    original = plan(builtin, sketch=GIVEN, mask=Picture.from_image(grey), image="a" * 64, strength=1.0, **led)
    assert loaded.render(wanted, QuietWatch()).picture != loaded.render(original, QuietWatch()).picture
