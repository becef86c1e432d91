"""How a given picture comes to the size of the drawing, and what a mask lets through."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageOps
from PIL.PngImagePlugin import PngInfo

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.inputs import (
    Box,
    PreparedInit,
    filled,
    fitted,
    fitted_file,
    prepare_part,
    prepare_whole,
    region_around,
    size_like,
    soft_mask,
    soft_mask_part,
)
from illustrious_studio.domain.pictures import ORIENTATION, Picture, open_grey, open_picture, open_to_see
from samples import a_picture

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


@pytest.mark.parametrize("strip", [(1_000_000, 1), (1, 1_000_000), (100_000, 10)])
def test_of_a_long_strip_the_middle_is_cut_without_making_all_of_it_large(strip: tuple[int, int]) -> None:
    image = Image.new("L", strip)
    image.paste(255, (strip[0] // 2 - 8, strip[1] // 2 - 8, strip[0] // 2 + 8, strip[1] // 2 + 8))
    assert fitted(image, (1024, 512), "crop").getpixel((512, 256)) == 255
    back = fitted(Image.new("L", (1024, 1024), 255), strip, "crop")
    assert (back.size, back.getextrema()) == (strip, (255, 255))


def test_a_picture_of_that_size_stays_to_the_pixel() -> None:
    assert all(fitted(stripes(), (96, 32), fit).tobytes() == stripes().tobytes() for fit in ("crop", "stretch", "fill"))


def test_the_size_left_out_has_the_pictures_shape_and_the_checkpoints_pixels() -> None:
    assert size_like((300, 300), (1024, 1024)) == (1024, 1024)
    width, height = size_like((1600, 900), (1024, 1024))
    assert width % 8 == height % 8 == 0
    assert abs(width / height - 16 / 9) < 0.02
    assert abs(width * height / 1024**2 - 1) < 0.02
    assert size_like((10_000, 10), (1024, 1024)) == (2048, 64)


def test_a_mask_follows_the_picture_and_its_edge_is_softened() -> None:
    half = Image.new("L", (48, 16))
    half.paste(255, (24, 0, 48, 16))
    mask = soft_mask(half, stripes().size, (64, 64), "crop", 0)
    assert (mask.getpixel((4, 32)), mask.getpixel((60, 32))) == (0, 255)
    soft = soft_mask(half, stripes().size, (64, 64), "crop", 4)
    assert 0 < soft.getpixel((30, 32)) < 255  # type: ignore[operator]
    assert (soft.getpixel((4, 32)), soft.getpixel((60, 32))) == (0, 255)


@st.composite
def boxes_in_pictures(draw: st.DrawFn) -> tuple[Box, tuple[int, int]]:
    width, height = draw(st.integers(1, 3000)), draw(st.integers(1, 3000))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return box, (width, height)


SIZES = st.tuples(*2 * [st.integers(8, 256).map(lambda side: 8 * side)])


@given(boxes_in_pictures(), st.integers(0, 256), SIZES)
def test_the_region_holds_the_box_and_its_padding_and_lies_in_the_picture(
    given: tuple[Box, tuple[int, int]], padding: int, size: tuple[int, int]
) -> None:
    box, (width, height) = given
    left, top, right, bottom = region_around(box, padding, size, (width, height))
    assert 0 <= left <= max(box[0] - padding, 0)
    assert 0 <= top <= max(box[1] - padding, 0)
    assert min(box[2] + padding, width) <= right <= width
    assert min(box[3] + padding, height) <= bottom <= height


@given(boxes_in_pictures(), st.integers(0, 256), SIZES)
def test_the_region_has_the_shape_of_the_drawing_or_ends_at_the_pictures_edges(
    given: tuple[Box, tuple[int, int]], padding: int, size: tuple[int, int]
) -> None:
    box, bounds = given
    left, top, right, bottom = region_around(box, padding, size, bounds)
    width, height = right - left, bottom - top
    wider, higher = width - height * size[0] / size[1], height - width * size[1] / size[0]
    in_shape = min(abs(wider), abs(higher)) < 1
    assert in_shape or (height == bounds[1] if wider > 0 else width == bounds[0])


@given(boxes_in_pictures(), st.integers(0, 256), SIZES)
def test_the_region_is_no_larger_than_shape_and_padding_make_it(
    given: tuple[Box, tuple[int, int]], padding: int, size: tuple[int, int]
) -> None:
    box, bounds = given
    left, top, right, bottom = region_around(box, padding, size, bounds)
    least = min(box[2] + padding, bounds[0]) - max(box[0] - padding, 0)
    lowest = min(box[3] + padding, bounds[1]) - max(box[1] - padding, 0)
    assert right - left == least or bottom - top == lowest


def a_mask(size: tuple[int, int], box: Box) -> Image.Image:
    image = Image.new("L", size)
    image.paste(255, box)
    return image


def painted(size: tuple[int, int]) -> Picture:
    """What was drawn, by an engine that knows one colour."""
    return Picture.from_image(Image.new("RGB", size, RED))


HOLE = (40, 20, 60, 40)


@pytest.mark.parametrize("blur", [0, 3])
@pytest.mark.parametrize("size", [(64, 64), (96, 64), (256, 128), (64, 512)])
def test_only_what_is_around_the_mask_is_drawn_and_the_rest_of_the_picture_stays(
    size: tuple[int, int], blur: int
) -> None:
    picture, mask = a_picture(), a_mask((96, 64), HOLE)
    ground = prepare_part(to_png(picture), mask, size, 8, blur, fill=False)
    assert (ground.base.width, ground.base.height) == size
    done = ground.finished(painted(size))
    blend_mask, _ = soft_mask_part(mask, picture.image().size, blur)
    assert done.size == (96, 64)
    assert done.getpixel((50, 30)) == RED
    stays = blend_mask.point(lambda grey: 255 if grey == 0 else 0)
    changed = ImageChops.difference(done, picture.image())
    changed.paste((0, 0, 0), mask=ImageChops.invert(stays))
    assert changed.getbbox() is None


def test_the_part_that_is_drawn_goes_back_to_where_it_was() -> None:
    """An engine that changes nothing gives the picture back, though it saw a part of it eight times as large."""
    picture = a_picture()
    ground = prepare_part(to_png(picture), a_mask((96, 64), HOLE), (320, 320), 10, 0, fill=False)
    back = ground.finished(ground.base)
    difference = ImageChops.difference(back, picture.image()).crop(HOLE)
    assert all(channel.getextrema()[1] <= 4 for channel in difference.split()[:2])


def test_a_mask_of_another_size_follows_the_picture_there_too() -> None:
    ground = prepare_part(to_png(a_picture()), a_mask((192, 128), (80, 40, 120, 80)), (64, 64), 0, 0, fill=False)
    done = ground.finished(painted((64, 64)))
    assert (done.getpixel((50, 30)), done.getpixel((10, 10))) == (RED, a_picture().image().getpixel((10, 10)))


@pytest.mark.parametrize("mask", [Image.new("L", (96, 64)), a_mask((96, 64), (5, 5, 6, 6))])
def test_a_mask_with_nothing_in_it_has_no_surroundings(mask: Image.Image) -> None:
    with pytest.raises(InvalidRequest, match="leaves nothing to redraw"):
        soft_mask_part(mask, a_picture().image().size, 64)


def test_filling_runs_the_colours_around_the_mask_into_it_and_leaves_the_rest() -> None:
    image = Image.new("RGB", (96, 64), GREEN)
    image.paste(BLUE, (48, 0, 96, 64))
    image.paste(RED, HOLE)
    result = filled(image, a_mask(image.size, HOLE))
    inside = [result.getpixel((x, y)) for x in range(40, 60) for y in range(20, 40)]
    assert all(red == 0 and green + blue > 200 for red, green, blue in inside)  # type: ignore[misc]
    assert result.getpixel((41, 30))[1] > result.getpixel((58, 30))[1]  # type: ignore[index]
    result.paste(RED, HOLE)
    assert result.tobytes() == image.tobytes()


def test_the_fill_is_redrawn_but_never_seen_where_the_picture_stays() -> None:
    picture, mask = a_picture(), a_mask((96, 64), HOLE)
    plain, fill = (prepare_whole(to_png(picture), mask, (96, 64), "crop", 4, fill) for fill in (False, True))
    assert (plain.base == picture, fill.base == picture) == (True, False)
    done = fill.finished(painted((96, 64)))
    assert done == plain.finished(painted((96, 64)))
    assert done.getpixel((38, 30)) not in (RED, picture.image().getpixel((38, 30)))


def turned_file(mode: str, orientation: int) -> bytes:
    """A picture of 600 rows, more than are worked on at once, all pixels different in each part of it."""
    width, height = 90, 600
    bands = [Image.linear_gradient("L").resize((width, height)), Image.linear_gradient("L").rotate(90), RADIAL, RADIAL]
    bands = [band.resize((width, height)) for band in bands]
    image = Image.merge("RGBA", bands)
    exif, file = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = orientation
    (image.quantize(40) if mode == "P" else image.convert(mode)).save(file, "PNG", exif=exif)
    return file.getvalue()


RADIAL = Image.radial_gradient("L")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "L", "1"])
def test_a_file_is_read_in_strips_as_if_it_were_turned_and_laid_on_white_at_once(mode: str, orientation: int) -> None:
    data = turned_file(mode, orientation)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    assert fitted_file(data, (64, 64), "crop").tobytes() == fitted(white, (64, 64), "crop").tobytes()
    grey, opacity = open_grey(data)
    assert grey.tobytes() == white.convert("L").tobytes()
    assert (opacity is None) == (mode in ("RGB", "L", "1"))
    assert opacity is None or opacity.tobytes() == upright.getchannel("A").tobytes()


def test_what_looks_at_a_large_picture_gets_a_small_one_that_knows_its_size_and_its_text() -> None:
    image, file, text = Image.linear_gradient("L").resize((2100, 1050)).convert("RGBA"), io.BytesIO(), PngInfo()
    image.putalpha(200)
    text.add_text("parameters", "a fox")
    image.save(file, "PNG", pnginfo=text)
    seen, whole = open_to_see(file.getvalue()), open_picture(file.getvalue())
    assert (seen.size, whole.size, seen.text, seen.format) == ((2100, 1050), (2100, 1050), whole.text, "PNG")
    small = whole.picture.image().resize((2048, 1024), Image.Resampling.LANCZOS)
    assert seen.picture == Picture.from_image(small)


@pytest.mark.parametrize("region", [(0, 0, 700, 900), (37, 11, 420, 805)])
def test_a_drawing_is_put_into_a_large_part_row_by_row_as_if_at_once(region: Box) -> None:
    ground = Image.new("RGB", (700, 900), GREEN)
    drawn = Image.effect_noise((96, 128), 90).convert("RGB")
    size = (region[2] - region[0], region[3] - region[1])
    prepared = PreparedInit(Picture.from_image(drawn), None, ground.copy, lambda: Image.new("L", size, 255), region)
    ground.paste(fitted(drawn, size, "crop"), region)
    difference = ImageChops.difference(prepared.finished(Picture.from_image(drawn)), ground)
    assert max(channel.getextrema()[1] for channel in difference.split()) <= 1  # Pillow rounds where a row begins


def test_grey_of_sixteen_bits_is_read_by_its_upper_eight() -> None:
    """Pillow cuts such numbers off at 255: nearly all would be white."""
    values = [65_535 * number // 255 for number in range(256)]
    deep, file = Image.new("I;16", (16, 16)), io.BytesIO()
    deep.putdata(values)
    deep.save(file, "PNG")
    assert open_picture(file.getvalue()).picture.image().convert("L").tobytes() == bytes(range(256))
    assert open_grey(file.getvalue())[0].getextrema() == (0, 255)
