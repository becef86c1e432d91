"""Upscale and redraw: what becomes of a picture and its record; pictures that an upscaler makes larger first; sizes."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from illustrious_studio.domain.encoding import image_to_png, to_png
from illustrious_studio.domain.errors import InvalidRequest, NotAnImage, NotFound
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.pictures import Picture, open_picture
from illustrious_studio.domain.redrawing import Redraw
from illustrious_studio.domain.rendering import FromPicture
from illustrious_studio.domain.upscaling import BUILTIN_UPSCALER, UpscaleSettings
from samples import a_picture, metadata
from studio_for_tests import StudioForTests, studio_for_tests, with_own_checkpoint

FOUR_TIMES = UpscaleSettings(scale=4)


def start_of(made: StudioForTests) -> Picture:
    """What the last drawing started from."""
    start = made.engine.plans[-1].passes[0].start
    assert isinstance(start, FromPicture)
    return start.picture


async def test_a_picture_is_made_larger_and_drawn_over_by_its_record_and_again_from_the_new_one(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        studio = made.studio
        its = metadata(
            "a cat",
            seed=77,
            layout={"things": [{"what": "cat", "x": 0.5, "y": 0.5, "w": 0.3, "h": 0.3}]},
            sketch_strength=0.4,
            variation_strength=0.5,
            variation_seed=3,
        )
        kept = await studio.gallery.add(a_picture().image(), its)
        request = await studio.redrawing.request(kept.id, FOUR_TIMES, Redraw(strength=0.25))
        await studio.gallery.delete(kept.id)
        item = await studio.images.generate_image(request)
        asked = item.metadata.request
        assert (item.metadata.width, item.metadata.height) == (asked.width, asked.height) == (384, 256)
        same = {
            name: getattr(its.request, name) for name in ("negative_prompt", "seed", "sampler", "steps", "guidance")
        }
        assert {name: getattr(asked, name) for name in same} == same
        assert (asked.strength, asked.tile, asked.tile_overlap, asked.layout) == (0.25, 512, 128, None)
        assert (asked.variation_strength, asked.image_upscaler) == (0.0, BUILTIN_UPSCALER)
        (upscale,) = made.engine.upscales
        assert (upscale.picture, upscale.width, upscale.height) == (a_picture(), 384, 256)
        larger = a_picture().image().resize((384, 256), Image.Resampling.NEAREST)
        assert start_of(made) == Picture.from_image(larger), "it starts from what the upscaler made"
        first = made.engine.plans[-1]
        again = await studio.images.generate_image(item.metadata.request_with({}))
        assert made.engine.plans[-1] == first and again.metadata.request == asked


async def test_what_a_person_says_counts_more_than_the_record_and_what_nobody_says_is_the_checkpoints(
    tmp_path: Path,
) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        studio = made.studio
        plain = await studio.redrawing.request(to_png(a_picture()), UpscaleSettings(), Redraw())
        checkpoint = studio.models.checkpoint()
        assert (plain.prompt, plain.steps, plain.guidance) == ("", checkpoint.steps, checkpoint.guidance)
        assert plain.seed == -1
        kept = await studio.gallery.add(a_picture().image(), metadata("a cat"))
        said = Redraw(
            prompt="a dog", negative_prompt="", sampler="LMS", steps=5, seed=9, tile=256, tile_overlap=64, strength=0.5
        )
        told = await studio.redrawing.request(kept.id, UpscaleSettings(width=200, upscaler="Lanczos"), said)
        assert {name: getattr(told, name) for name in Redraw.model_fields} == said.model_dump()
        assert (told.width, told.height, told.image_upscaler) == (200, 128, "Lanczos"), "whole latents"


async def test_the_built_in_model_draws_less_over_than_others(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as made:
        strengths = {}
        for checkpoint in await made.studio.models.checkpoints():
            await made.studio.models.switch(checkpoint=checkpoint.name)
            request = await made.studio.redrawing.request(to_png(a_picture()), UpscaleSettings(), Redraw())
            strengths[checkpoint.sketch_strength is None] = request.strength
        assert strengths == {True: 0.3, False: 0.1}


@pytest.mark.parametrize(
    ("picture", "settings", "redraw", "error", "words"),
    [
        ("0" * 32, {}, {}, NotFound, "no such picture"),
        ("0" * 64, {}, {}, NotFound, "is not in this studio"),
        (b"GIF89a", {}, {}, NotAnImage, "not a picture"),
        (to_png(a_picture()), {"upscaler": "x"}, {}, NotFound, "There are: Lanczos, Real-ESRGAN anime"),
        (to_png(a_picture()), {"upscaler_2": "Lanczos"}, {}, InvalidRequest, "upscaler_2"),
        (to_png(a_picture()), {"width": 5000}, {}, InvalidRequest, "would become 5000 x 3328; at most 4096 pixels"),
        (to_png(a_picture(64, 40)), {"scale": 1}, {}, InvalidRequest, "too small"),
        (to_png(a_picture()), {}, {"tile": 256, "tile_overlap": 136}, InvalidRequest, "at most half of the tile"),
    ],
)
async def test_what_cannot_be_redrawn_is_refused_in_a_sentence(
    tmp_path: Path, picture: Any, settings: Any, redraw: Any, error: type[Exception], words: str
) -> None:
    async with studio_for_tests(tmp_path) as made:
        with pytest.raises(error, match=words):
            await made.studio.redrawing.request(picture, UpscaleSettings(**settings), Redraw(**redraw))


async def test_a_record_that_no_request_can_hold_is_refused_by_what_it_says(tmp_path: Path) -> None:
    text = "a dog\nSteps: 20, Sampler: PLMS, CFG scale: 5, Seed: 9, Size: 96x64, Model: other"
    async with studio_for_tests(tmp_path) as made:
        file = image_to_png(a_picture().image(), {"parameters": text})
        with pytest.raises(InvalidRequest, match="PLMS"):
            await made.studio.redrawing.request(file, UpscaleSettings(), Redraw())


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        ("crop", (192, 128), ((96, 64), (192, 128))),
        ("crop", (192, 192), ((64, 64), (192, 192))),
        ("stretch", (192, 64), ((96, 64), (192, 64))),
        ("stretch", (64, 128), ((64, 64), (64, 128))),
        ("fill", (192, 192), ((96, 64), (192, 128))),
        ("fill", (192, 64), None),
        ("crop", (64, 64), None),
        ("crop", (96, 64), None),
    ],
)
async def test_an_upscaler_makes_larger_only_what_grows_and_only_what_is_seen_of_it(
    tmp_path: Path, fit: str, size: tuple[int, int], expected: tuple[tuple[int, int], tuple[int, int]] | None
) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture()))
        wanted: dict[str, Any] = {"image": image, "fit": fit, "width": size[0], "height": size[1]}
        await made.studio.images.generate_image(ImageRequest(prompt="a cat", steps=1, **wanted))
        by_lanczos = start_of(made)
        assert not made.engine.upscales, "Lanczos's filter needs no engine"
        wanted |= {"image_upscaler": BUILTIN_UPSCALER}
        item = await made.studio.images.generate_image(ImageRequest(prompt="a cat", steps=1, **wanted))
        found = [((one.picture.width, one.picture.height), (one.width, one.height)) for one in made.engine.upscales]
        assert found == ([] if expected is None else [expected])
        start = start_of(made)
        assert (start.width, start.height) == size
        assert (start == by_lanczos) == (expected is None)
        assert item.metadata.request.image_upscaler == BUILTIN_UPSCALER


@pytest.mark.parametrize("area", ["whole", "masked"])
async def test_with_a_mask_what_is_drawn_is_made_larger_and_what_stays_keeps_its_pixels(
    tmp_path: Path, area: str
) -> None:
    hole = Image.new("L", (96, 64))
    hole.paste(255, (40, 20, 56, 36))
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture()))
        mask = await made.studio.inputs.keep_mask(to_png(Picture.from_image(hole)))
        request = ImageRequest(
            prompt="a cat", steps=1, width=192, height=128, image=image, mask=mask, mask_blur=0, mask_padding=0,
            mask_area="masked" if area == "masked" else "whole", image_upscaler="R-ESRGAN AnimeVideo",
        )  # fmt: skip
        item = await made.studio.images.generate_image(request)
        (upscale,) = made.engine.upscales
        whole = a_picture().image()
        if area == "masked":
            assert (upscale.picture.width, upscale.picture.height) == (24, 16), "the mask's surroundings in that shape"
            assert (item.metadata.width, item.metadata.height) == (96, 64)
        else:
            whole = whole.resize((192, 128), Image.Resampling.NEAREST)
        png = await made.studio.gallery.png(item.id)
        assert open_picture(png).picture.image().getpixel((2, 2)) == whole.getpixel((2, 2))


async def test_an_upscaler_that_is_not_there_is_refused_before_anything_is_queued(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture()))
        with pytest.raises(NotFound, match="There are: Lanczos, Real-ESRGAN anime"):
            await made.studio.images.start_image(ImageRequest(prompt="a cat", image=image, image_upscaler="Latent"))
        assert made.studio.jobs.active() == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"width": 2056}, "at most 2048 pixels to a side and 4.2 megapixels are drawn; with a tile up to 4096 and 8.4"),
        ({"width": 2048, "height": 2056}, "with a tile up to 4096"),
        ({"width": 4096, "height": 4096, "tile": 512}, "at most 4096 pixels to a side and 8.4 megapixels are drawn$"),
        ({"width": 4104, "tile": 512}, "less than or equal to 4096"),
        ({"tile": 2056}, "less than or equal to 2048"),
        ({"tile": 248}, "greater than or equal to 256"),
        ({"tile": 260}, "multiple of 8"),
        ({"tile": 512, "tile_overlap": 264}, "at most half of the tile, which is 512"),
    ],
)
def test_a_size_or_a_tile_beyond_the_limits_is_refused_by_what_is_possible(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ImageRequest(prompt="a cat", **asked)
    (problem,) = refused.value.errors()
    assert re.search(words, problem["msg"])


def test_in_tiles_a_picture_may_be_as_large_as_hires_fix_makes_one() -> None:
    assert ImageRequest(prompt="a cat", width=4096, height=2048, tile=1024).width == 4096
    assert HiresFix(scale=2).sizes((2048, 1024))[0] == (4096, 2048)


async def test_a_sampler_that_is_not_here_is_refused_until_another_is_said(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        its = metadata("a cat").model_copy(update={"unusable": {"sampler": "DPM fast"}})
        kept = await made.studio.gallery.add(a_picture().image(), its)
        with pytest.raises(InvalidRequest, match="sampler: DPM fast"):
            await made.studio.redrawing.request(kept.id, FOUR_TIMES, Redraw())
        assert (
            await made.studio.redrawing.request(kept.id, FOUR_TIMES, Redraw(sampler="Euler a"))
        ).sampler == "Euler a"
