"""Outpainting as a request: settled, drawn on its canvas, recorded and drawn again."""

from pathlib import Path
from typing import Any

import pytest

from fakes import start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.pictures import open_picture
from samples import a_picture
from studio_for_tests import studio_for_tests


def outpainting(image: str, **changes: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat and a dog", "steps": 2, "image": image} | changes)


async def test_a_shape_is_settled_in_pixels_and_drawn_as_one_pass_by_a_mask(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        given = a_picture(160, 160)
        image = await made.studio.inputs.keep(to_png(given))
        asked = {"aspect": "2:1", "anchor": "left", "seam": 16, "content": "latent_noise"}
        item = await made.studio.images.generate_image(outpainting(image, outpaint=asked))
        request = item.metadata.request
        assert request.outpaint == Outpaint(right=160, seam=16, content="latent_noise")
        assert (request.width, request.height, request.strength, request.layout) == (320, 160, 1.0, None)
        (only,) = made.engine.plans[-1].passes
        assert (only.width, only.height, only.strength) == (320, 160, 1.0)
        start = start_picture(made.engine.plans[-1])
        assert start.content == "latent_noise"
        assert start.mask is not None
        assert [start.mask.image().getpixel((x, 80))[0] for x in (0, 143, 160, 319)] == [0, 0, 255, 255]  # type: ignore[index]
        done = open_picture(await made.studio.gallery.png(item.id)).picture.image()
        assert done.size == (320, 160)
        assert done.crop((0, 0, 144, 160)).tobytes() == given.image().crop((0, 0, 144, 160)).tobytes()


async def test_it_is_drawn_again_from_its_record_and_from_the_text_in_it(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture(101, 67)))
        wanted = outpainting(image, outpaint={"top": 30, "left": 8, "seam": 4}, seed=5, strength=0.7)
        first = await made.studio.images.generate_image(wanted)
        png = open_picture(await made.studio.gallery.png(first.id))
        assert (png.picture.width, png.picture.height) == (first.metadata.width, first.metadata.height) == (109, 97)
        recorded = recorded_settings({"parameters": png.text["parameters"]})
        assert recorded is not None
        assert (recorded.request, recorded.left_out) == (first.metadata.request, ())
        for request in (recorded.request, first.metadata.request_with({})):
            again = await made.studio.images.generate_image(request)
            assert open_picture(await made.studio.gallery.png(again.id)).picture == png.picture


async def test_a_picture_grows_by_its_record_and_what_has_grown_grows_again(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        first = await made.studio.images.generate_image(ImageRequest(prompt="a cat", width=160, height=128, seed=3))
        image = await made.studio.inputs.keep_from_gallery(first.id)
        wider = first.metadata.request_with({"image": image, "outpaint": {"right": 32}})
        second = await made.studio.images.generate_image(wider)
        assert (second.metadata.size, second.metadata.request.seed) == ((192, 128), 3)
        again = second.metadata.request_with({"image": await made.studio.inputs.keep_from_gallery(second.id)})
        assert (await made.studio.images.generate_image(again)).metadata.size == (224, 128)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outpaint": {"left": 2000}}, r"outpaint: the picture would become 2160 x 160; at most 2048 .* \(tile\)"),
        ({"outpaint": {"aspect": "1:1"}}, "outpaint: the picture is 160 x 160 and has that shape already"),
        (
            {"outpaint": {"left": 32}, "width": 512, "height": 512},
            "width: with outpaint .* here 192 x 160; leave it out",
        ),
    ],
)
async def test_what_cannot_be_added_is_said_before_anything_is_queued(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture(160, 160)))
        with pytest.raises(InvalidRequest, match=words):
            await made.studio.images.start_image(outpainting(image, **changes))
        assert await made.studio.jobs.recent() == []
        await made.studio.images.generate_image(outpainting(image, outpaint={"left": 32}))


async def test_a_large_canvas_is_drawn_in_tiles(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture(160, 160)))
        job = await made.studio.images.start_image(outpainting(image, outpaint={"left": 2000}, tile=512))
        await made.studio.jobs.wait(job.id)
        (only,) = made.engine.plans[-1].passes
        assert (only.width, only.height, only.tile) == (2160, 160, 512)
