"""How a given picture comes to the size of the drawing, and what a mask lets through."""

import pytest
from PIL import Image

from illustrious_studio.domain.inputs import fitted, repainted, size_like
from illustrious_studio.domain.pictures import Picture

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def stripes() -> Image.Image:
    """96 x 32: red, green and blue squares side by side."""
    image = Image.new("RGB", (96, 32))
    for number, colour in enumerate((RED, GREEN, BLUE)):
        image.paste(colour, (32 * number, 0, 32 * number + 32, 32))
    return image


def test_cropping_keeps_the_middle_in_its_shape() -> None:
    image = fitted(stripes(), (64, 64), "crop")
    assert [image.getpixel(at) for at in ((8, 32), (32, 8), (56, 56))] == [GREEN, GREEN, GREEN]


def test_stretching_keeps_everything_and_no_shape() -> None:
    image = fitted(stripes(), (64, 64), "stretch")
    assert [image.getpixel(at) for at in ((4, 60), (32, 4), (60, 60))] == [RED, GREEN, BLUE]


@pytest.mark.parametrize("size", [(96, 96), (192, 32), (100, 64)])
def test_filling_keeps_everything_in_its_shape_and_goes_on_from_the_edges(size: tuple[int, int]) -> None:
    image = fitted(stripes(), size, "fill")
    middle = size[1] // 2
    assert image.size == size
    assert [image.getpixel((x, middle)) for x in (0, size[0] // 2, size[0] - 1)] == [RED, GREEN, BLUE]
    assert [image.getpixel((x, 0)) for x in (0, size[0] // 2, size[0] - 1)] == [RED, GREEN, BLUE]


def test_a_picture_of_that_size_stays_to_the_pixel() -> None:
    assert all(fitted(stripes(), (96, 32), fit).tobytes() == stripes().tobytes() for fit in ("crop", "stretch", "fill"))


def test_the_size_left_out_has_the_pictures_shape_and_the_checkpoints_pixels() -> None:
    assert size_like(Picture(300, 300, b""), (1024, 1024)) == (1024, 1024)
    width, height = size_like(Picture(1600, 900, b""), (1024, 1024))
    assert width % 8 == height % 8 == 0
    assert abs(width / height - 16 / 9) < 0.02
    assert abs(width * height / 1024**2 - 1) < 0.02
    assert size_like(Picture(10_000, 10, b""), (1024, 1024)) == (2048, 64)


def test_a_mask_follows_the_picture_and_its_edge_is_softened() -> None:
    half = Image.new("L", (48, 16))
    half.paste(255, (24, 0, 48, 16))
    mask = repainted(Picture.from_image(half), Picture.from_image(stripes()), (64, 64), "crop", 0)
    assert (mask.getpixel((4, 32)), mask.getpixel((60, 32))) == (0, 255)
    soft = repainted(Picture.from_image(half), Picture.from_image(stripes()), (64, 64), "crop", 4)
    assert 0 < soft.getpixel((30, 32)) < 255  # type: ignore[operator]
    assert (soft.getpixel((4, 32)), soft.getpixel((60, 32))) == (0, 255)
