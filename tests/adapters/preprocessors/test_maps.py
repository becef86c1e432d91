"""What preprocessors without a network show of pictures of which it is known."""

from pathlib import Path
from typing import Any

import cv2
import numpy
import pytest
from PIL import Image, ImageDraw

from illustrious_studio.adapters.preprocessors.annotator import OpenCvAnnotator
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.preprocessing import PREPROCESSORS
from illustrious_studio.services.preprocessing import PreprocessingService
from samples import a_picture, owl

SERVICE = PreprocessingService(OpenCvAnnotator(Path("nowhere")))
WITHOUT_NETWORK = [one.name for one in PREPROCESSORS.values() if one.network is None]


def array(picture: Picture) -> Any:
    return numpy.asarray(picture.image())


async def map_of(image: Image.Image, name: str, **numbers: float) -> Any:
    """Height x width: the maps of these are grey."""
    map = array(await SERVICE.run(name, Picture.from_image(image), **numbers))  # type: ignore[arg-type]
    assert map.shape[1::-1] == image.size
    assert (map[..., 0] == map[..., 1]).all() and (map[..., 0] == map[..., 2]).all()
    return map[..., 0]


def disc(side: int = 256, radius: int = 80, colour: str = "black", ground: str = "white") -> Image.Image:
    image = Image.new("RGB", (side, side), ground)
    middle = side / 2
    ImageDraw.Draw(image).ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=colour)
    return image


def from_rim(side: int, radius: float) -> Any:
    """How far each pixel is from the rim of that disc."""
    down, across = numpy.mgrid[:side, :side] + 0.5 - side / 2
    return numpy.abs(numpy.hypot(down, across) - radius)


def all_around(map: Any, light: int = 127) -> bool:
    """Whether in each of 36 directions from the middle there is something lighter than that."""
    down, across = numpy.nonzero(map > light)
    middle = (numpy.array(map.shape) - 1) / 2
    return len(set((numpy.degrees(numpy.arctan2(down - middle[0], across - middle[1])) // 10).tolist())) == 36


async def test_canny_is_opencvs() -> None:
    picture = await owl()
    for low, high in ((100, 200), (20, 255)):
        map = await map_of(picture.image(), "canny", threshold_a=low, threshold_b=high)
        assert (map == cv2.Canny(array(picture), low, high)).all()
    assert ((await map_of(picture.image(), "canny")) == cv2.Canny(array(picture), 100, 200)).all()


@pytest.mark.parametrize(("name", "reach"), [("canny", 2), ("softedge", 8), ("scribble", 12)])
@pytest.mark.parametrize("resolution", [None, 128, 512])
async def test_the_edge_of_a_disc_is_found_on_its_rim_and_nowhere_else(
    name: str, reach: int, resolution: int | None
) -> None:
    map = await map_of(disc(), name, **({"resolution": resolution} if resolution else {}))
    blurred_more = 2 if resolution == 128 else 1
    assert all_around(map)
    assert from_rim(256, 80)[map > 127].max() <= reach * blurred_more


async def test_a_drawn_line_is_white_in_line_art_and_the_paper_black() -> None:
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).ellipse((48, 48, 207, 207), outline="black", width=3)
    map = await map_of(image, "lineart")
    away = from_rim(256, 78.5)
    assert all_around(map, 100)
    assert map[away < 1].min() > 60 and map[away > 4].max() == 0
    assert (await map_of(Image.new("RGB", (64, 64), "gray"), "lineart")).max() == 0


async def test_soft_edges_are_stronger_where_the_contrast_is_and_leave_texture_out() -> None:
    strong = await map_of(disc(), "softedge")
    weak = await map_of(disc(colour="#d0d0d0"), "softedge")
    assert strong.max() > 240 and 20 < weak.max() < strong.max() - 40
    down, across = numpy.mgrid[:256, :256]
    texture = numpy.where((down // 2 + across // 2) % 2 == 0, 90, 130).astype(numpy.uint8)
    texture[:, 128:] += 100
    map = await map_of(Image.fromarray(texture).convert("RGB"), "softedge")
    assert map[:, 125:131].max(axis=1).min() > 150
    assert map[:, 10:118].max() < 60


async def test_inverting_twice_is_the_picture() -> None:
    picture = a_picture()
    once = await SERVICE.run("invert", picture)
    assert once.rgb[0] == 255 - picture.rgb[0]
    assert await SERVICE.run("invert", once) == picture


async def test_a_threshold_parts_light_from_dark() -> None:
    image = Image.fromarray(numpy.tile(numpy.arange(256, dtype=numpy.uint8), (64, 1))).convert("RGB")
    map = await map_of(image, "threshold", threshold_a=99)
    assert (map == numpy.where(numpy.arange(256) > 99, 255, 0)).all()
    coloured = Image.new("RGB", (64, 64), (255, 255, 50))
    assert (await map_of(coloured, "threshold")).max() == 0  # each of the three colours must be above it


def lightness(rgb: Any) -> Any:
    """CIE's L, from 0 to 1, of sRGB."""
    linear = numpy.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return numpy.where(y > 216 / 24389, 1.16 * numpy.cbrt(y) - 0.16, y * 24389 / 2700)


async def test_luminance_is_labs_l_and_gamma_bends_it() -> None:
    picture = a_picture()
    expected = lightness(array(picture) / 255) * 255
    map = await map_of(picture.image(), "recolor_luminance")
    assert numpy.abs(map - expected).max() <= 1.5
    darker = await map_of(picture.image(), "recolor_luminance", threshold_a=2)
    assert numpy.abs(darker - (map / 255.0) ** 2 * 255).max() <= 1


async def test_intensity_is_the_strongest_colour() -> None:
    picture = a_picture()
    assert ((await map_of(picture.image(), "recolor_intensity")) == array(picture).max(axis=2)).all()


async def test_a_tile_loses_its_detail_and_keeps_its_size() -> None:
    down, across = numpy.mgrid[:128, :192]
    checks = Image.fromarray(((down + across) % 2 * 255).astype(numpy.uint8)).convert("RGB")
    assert numpy.ptp(await map_of(checks, "tile", threshold_a=4)) <= 2
    assert ((await map_of(checks, "tile")) == numpy.asarray(checks)[..., 0]).all()  # at the usual rate of 1


async def test_a_blurred_picture_has_the_same_light_and_no_edge() -> None:
    image = disc()
    map = await map_of(image, "blur", threshold_a=9)
    assert abs(map.mean() - numpy.asarray(image).mean()) < 1
    assert numpy.abs(numpy.diff(map.astype(int), axis=1)).max() < 20


async def test_a_shuffled_picture_has_its_colours_elsewhere_the_same_way_each_time() -> None:
    picture = await owl()
    shuffled = await SERVICE.run("shuffle", picture)
    assert shuffled == await SERVICE.run("shuffle", picture)
    before, after = array(picture).astype(int), array(shuffled).astype(int)
    assert numpy.abs(before - after).mean() > 20
    assert numpy.abs(before.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() < 40


@pytest.mark.parametrize("resolution", [128, 512])
async def test_lines_stay_one_pixel_wide_in_another_size(resolution: int) -> None:
    map = await map_of(disc(), "canny", resolution=resolution)
    around = 2 * numpy.pi * 80
    assert set(numpy.unique(map)) == {0, 255}
    assert 0.6 * around < (map > 0).sum() < 1.4 * around


@pytest.mark.parametrize("name", ["scribble", "threshold"])
async def test_areas_have_sharp_edges_in_another_size(name: str) -> None:
    assert set(numpy.unique(await map_of(disc(), name, resolution=96))) == {0, 255}


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (64, 3), (33, 17)])
async def test_no_picture_is_too_small(size: tuple[int, int]) -> None:
    for name in WITHOUT_NETWORK:
        map = await SERVICE.run(name, Picture.from_image(Image.new("RGB", size, "olive")))
        assert (map.width, map.height) == size


async def test_a_strip_that_would_become_gigabytes_is_refused() -> None:
    strip = Picture.from_image(Image.new("RGB", (4000, 8)))
    with pytest.raises(InvalidRequest, match="resolution: this picture would become 1024000 x 2048"):
        await SERVICE.run("canny", strip, resolution=2048)


def test_a_large_picture_is_worked_on_in_2048_pixels() -> None:
    canny, invert = PREPROCESSORS["canny"], PREPROCESSORS["invert"]
    assert canny.working_size((4096, 5000), canny.numbers()) == (2048, 2500)
    assert canny.working_size((500, 400), canny.numbers()) == (500, 400)
    assert canny.working_size((500, 400), canny.numbers(512)) == (640, 512)
    assert invert.working_size((4096, 5000), invert.numbers(512)) == (4096, 5000)
