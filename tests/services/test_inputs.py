"""Pictures given to start from: kept with the job, recorded, and used again."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from fakes import start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest, NotAnImage, NotFound
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import MaskAlpha
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.pictures import Picture, open_picture
from illustrious_studio.domain.rendering import FromPicture
from samples import a_picture, metadata
from studio_for_tests import studio_for_tests

ID = "a" * 64


def image_request(**changes: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat and a dog", "steps": 2, "width": 96, "height": 64} | changes)


def a_mask(width: int = 96, height: int = 64) -> bytes:
    """Its right half is to be redrawn."""
    image = Image.new("L", (width, height))
    image.paste(255, (width // 2, 0, width, height))
    return to_png(Picture.from_image(image))


async def test_a_given_picture_takes_the_place_of_the_sketch(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        assert made.studio.models.checkpoint().sketch_strength is not None
        image = await made.studio.inputs.keep(to_png(a_picture()))
        item = await made.studio.images.generate_image(image_request(image=image))
        (only,) = made.engine.plans[-1].passes
        assert (only.start, only.strength) == (FromPicture(a_picture()), 0.75)
        request = item.metadata.request
        assert (request.layout, request.image, request.strength, request.fit) == (None, image, 0.75, "crop")
        plain = await made.studio.images.generate_image(image_request())
        assert plain.metadata.request.image is None


async def test_the_size_left_out_is_the_pictures_shape(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        native = made.studio.models.checkpoint().native_width
        image = await made.studio.inputs.keep(to_png(a_picture(200, 50)))
        job = await made.studio.images.start_image(image_request(image=image, width=None, height=None))
        assert (job.request.width, job.request.height) == (2 * native, native // 2)


async def test_picture_and_mask_survive_a_restart(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image, mask = await made.studio.inputs.keep(to_png(a_picture())), await made.studio.inputs.keep(a_mask())
        made.engine.go_on.clear()
        job = await made.studio.images.start_image(image_request(image=image, strength=0.5, mask=mask, mask_blur=0))
        await made.engine.drawing.wait()
    async with studio_for_tests(tmp_path) as made:
        await made.studio.jobs.wait(job.id)
        (only,) = made.engine.plans[-1].passes
        assert (only.start, only.strength) == (FromPicture(a_picture(), open_picture(a_mask()).picture), 0.5)


async def test_it_is_drawn_again_from_what_is_recorded_though_the_gallerys_picture_is_gone(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        first = await made.studio.images.generate_image(image_request())
        image = await made.studio.inputs.keep_from_gallery(first.id)
        mask = await made.studio.inputs.keep(a_mask())
        over = await made.studio.images.generate_image(
            image_request(image=image, mask=mask, mask_blur=7, fit="fill", strength=0.4, width=64)
        )
        await made.studio.gallery.delete(first.id)
        text = open_picture(await made.studio.gallery.png(over.id)).text
        recorded = recorded_settings({"parameters": text["parameters"]})
        assert recorded is not None
        assert recorded.request == over.metadata.request
        again = await made.studio.images.generate_image(recorded.request)
        one, other = made.engine.plans[-2:]
        assert one.passes == other.passes
        assert again.metadata.request == over.metadata.request


async def test_around_the_mask_the_drawing_has_its_size_and_the_picture_keeps_its_own(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        picture = a_picture(300, 200)
        image, mask = await made.studio.inputs.keep(to_png(picture)), await made.studio.inputs.keep(a_mask(300, 200))
        request = image_request(
            image=image, mask=mask, mask_blur=2, mask_area="masked", mask_padding=5, mask_content="fill"
        )
        item = await made.studio.images.generate_image(request)
        plan = made.engine.plans[-1]
        start = start_picture(plan)
        assert start.mask is not None
        pictures = start.picture, start.mask
        assert {plan.size, *((picture.width, picture.height) for picture in pictures)} == {(96, 64)}
        done = open_picture(await made.studio.gallery.png(item.id)).picture.image()
        left, right = (0, 0, 140, 200), (160, 0, 300, 200)
        assert (done.size, item.metadata.width, item.metadata.height) == ((300, 200), 300, 200)
        assert done.crop(left).tobytes() == picture.image().crop(left).tobytes()
        assert done.crop(right).tobytes() != picture.image().crop(right).tobytes()


async def test_it_is_drawn_again_around_the_mask_to_the_same_pixels(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image, mask = await made.studio.inputs.keep(to_png(a_picture())), await made.studio.inputs.keep(a_mask())
        around = {"mask_area": "masked", "mask_padding": 9, "mask_content": "fill", "width": 128, "height": 128}
        first = await made.studio.images.generate_image(image_request(image=image, mask=mask, seed=5, **around))
        png = open_picture(await made.studio.gallery.png(first.id))
        assert "Size: 128x128" in png.text["parameters"]
        assert "Masked content: fill, Inpaint area: Only masked, Masked area padding: 9" in png.text["parameters"]
        recorded = recorded_settings({"parameters": png.text["parameters"]})
        assert recorded is not None
        assert recorded.request == first.metadata.request
        assert around.items() <= recorded.request.model_dump().items()
        again = await made.studio.images.generate_image(recorded.request)
        assert open_picture(await made.studio.gallery.png(again.id)).picture == png.picture


async def test_a_mask_with_nothing_in_it_is_refused_when_asked_to_be_drawn_around(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        image = await made.studio.inputs.keep(to_png(a_picture()))
        mask = await made.studio.inputs.keep(to_png(Picture(96, 64, bytes(3 * 96 * 64))))
        with pytest.raises(InvalidRequest, match="leaves nothing to redraw"):
            await made.studio.images.start_image(image_request(image=image, mask=mask, mask_area="masked"))
        assert await made.studio.jobs.recent() == []


async def test_what_is_no_picture_or_not_there_is_refused_and_leaves_no_job(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        with pytest.raises(NotAnImage):
            await made.studio.inputs.keep(b"no picture")
        with pytest.raises(NotFound, match="Send the picture itself"):
            await made.studio.images.start_image(image_request(image=ID))
        image = await made.studio.inputs.keep(to_png(a_picture()))
        with pytest.raises(NotFound):
            await made.studio.images.start_image(image_request(image=image, mask=ID))
        with pytest.raises(NotFound):
            await made.studio.inputs.keep_from_gallery("0" * 32)
        assert await made.studio.jobs.recent() == []


async def test_transparent_parts_count_as_white(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as made:
        file = io.BytesIO()
        Image.new("RGBA", (96, 64), (255, 0, 0, 0)).save(file, "PNG")
        image = await made.studio.inputs.keep(file.getvalue())
        assert open_picture(await made.studio.inputs.file(image)).picture.rgb == b"\xff" * (3 * 96 * 64)


def a_file(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def seen_through(*opacities: int, grey: int = 255) -> bytes:
    """A row of pixels of one grey, each as opaque as said."""
    image = Image.new("LA", (len(opacities), 1))
    image.putdata([(grey, opacity) for opacity in opacities])
    return a_file(image.convert("RGBA"))


def row(*shades: int) -> bytes:
    image = Image.new("L", (len(shades), 1))
    image.putdata(shades)
    return a_file(image)


@pytest.mark.parametrize(
    ("file", "how", "redrawn"),
    [
        (row(0, 128, 129, 255), {}, [0, 128, 129, 255]),
        (row(0, 128, 129, 255), {"rounded": True}, [0, 0, 255, 255]),
        (row(0, 100, 255), {"inverted": True}, [255, 155, 0]),
        (row(0, 128, 255), {"rounded": True, "inverted": True}, [255, 255, 0]),
        (row(0, 200, 255), {"alpha": "opaque"}, [0, 200, 255]),
        (seen_through(255, 255, grey=40), {"alpha": "opaque"}, [40, 40]),
        (seen_through(0, 90, 255, grey=40), {"alpha": "opaque"}, [0, 90, 255]),
        (seen_through(0, 90, 255, grey=0), {"alpha": "opaque", "rounded": True}, [0, 0, 255]),
        (seen_through(0, 90, 255), {"alpha": "transparent"}, [255, 165, 0]),
        (seen_through(0, 255), {"alpha": "transparent", "inverted": True}, [0, 255]),
        (seen_through(0, 255, grey=0), {}, [255, 0]),
    ],
)
async def test_a_masks_file_is_kept_as_what_it_means(
    tmp_path: Path, file: bytes, how: dict[str, Any], redrawn: list[int]
) -> None:
    async with studio_for_tests(tmp_path) as made:
        name = await made.studio.inputs.keep_mask(file, **how)
        kept = open_picture(await made.studio.inputs.file(name)).picture.image()
        assert [kept.getpixel((x, 0)) for x in range(kept.width)] == [(shade,) * 3 for shade in redrawn]
        with Image.open(tmp_path / "inputs" / name) as stored:
            assert (stored.format, stored.mode) == ("PNG", "L")


@pytest.mark.parametrize("file", [row(0, 255), seen_through(255, 255), a_file(a_picture().image(), "JPEG")])
async def test_a_mask_that_should_be_transparent_somewhere_and_is_not_is_refused(tmp_path: Path, file: bytes) -> None:
    async with studio_for_tests(tmp_path) as made:
        with pytest.raises(InvalidRequest, match="Send a PNG with an alpha channel"):
            await made.studio.inputs.keep_mask(file, alpha="transparent")


@pytest.mark.parametrize("alpha", ["none", "opaque", "transparent"])
async def test_a_masks_file_is_opened_as_carefully_as_a_picture(tmp_path: Path, alpha: MaskAlpha) -> None:
    async with studio_for_tests(tmp_path) as made:
        for damaged in (b"no picture", to_png(a_picture())[:500], a_file(Image.new("L", (9, 9)), "GIF")):
            with pytest.raises(NotAnImage):
                await made.studio.inputs.keep_mask(damaged, alpha=alpha)
        with pytest.raises(InvalidRequest, match="at most 25 megapixels"):
            await made.studio.inputs.keep_mask(a_file(Image.new("1", (5001, 5000))), alpha=alpha)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("strength", {"strength": 0.5}),
        ("mask", {"mask": ID}),
        ("layout", {"image": ID, "layout": {"things": []}}),
        ("layout_from_words", {"image": ID, "layout_from_words": True}),
        ("sketch_strength", {"image": ID, "sketch_strength": 0.5}),
        ("image", {"image": "../../etc/passwd"}),
        ("strength", {"image": ID, "strength": -0.1}),
        ("mask_blur", {"image": ID, "mask": ID, "mask_blur": 65}),
        ("fit", {"image": ID, "fit": "latent"}),
        ("mask_content", {"image": ID, "mask_content": "fill"}),
        ("mask_content", {"image": ID, "mask": ID, "mask_content": "latent noise"}),
        ("mask_area", {"image": ID, "mask_area": "masked"}),
        ("mask_area", {"mask_area": "masked"}),
        ("mask_padding", {"image": ID, "mask": ID, "mask_area": "masked", "mask_padding": 257}),
    ],
)
def test_what_makes_no_sense_together_is_refused_by_name(field: str, values: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        image_request(**values)
    assert [problem["loc"][0] for problem in refused.value.errors()] == [field]


def test_a1111s_own_hash_names_no_picture_here_and_that_is_said() -> None:
    text = "a cat\nSteps: 20, Seed: 1, Denoising strength: 0.5, Mask blur: 4, Init image hash: " + "b" * 32
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None
    assert (recorded.request.image, recorded.request.strength, recorded.left_out) == (None, None, ("image",))


@pytest.mark.parametrize(
    ("said", "wanted", "left_out"),
    [
        ("Masked content: latent noise", {"mask_content": "latent_noise"}, ()),
        ("Masked content: the moon", {"mask_content": "original"}, ("mask_content",)),
        ("Masked content: original", {"mask_content": "original"}, ()),
        ("Inpaint area: Whole picture", {"mask_area": "whole"}, ()),
        ("Inpaint area: the moon", {"mask_area": "whole"}, ("mask_area",)),
        ("Inpaint area: Only masked, Masked area padding: 999", {"mask_area": "masked"}, ("mask_padding",)),
    ],
)
def test_what_a1111_says_of_a_mask_is_read_as_far_as_it_is_had_here(
    said: str, wanted: dict[str, object], left_out: tuple[str, ...]
) -> None:
    text = f"a cat\nSteps: 20, Seed: 1, Init image hash: {ID}, Mask hash: {ID}, {said}"
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None
    assert wanted.items() <= recorded.request.model_dump().items()
    assert recorded.left_out == left_out


def test_a_text_with_a_picture_and_a_layout_gives_one_of_them() -> None:
    text = write_infotext(metadata(schedule="Automatic", image=ID, strength=0.5, fit="crop"))
    recorded = recorded_settings({"parameters": f'{text}, Layout: "{{}}"'})
    assert recorded is not None
    assert (recorded.request.image, recorded.request.layout) == (ID, None)
    assert recorded.left_out == ("layout",)
