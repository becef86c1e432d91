"""How large a picture becomes, how often a network is run, and what becomes of what is transparent."""

from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from illustrious_studio.domain.encoding import image_to_png
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.upscaling import (
    Size,
    UpscaleRecord,
    UpscaleRequest,
    UpscaleSettings,
    by_lanczos,
    passes_needed,
    put_together,
    without_transparency,
)


@pytest.mark.parametrize(
    ("settings", "picture", "scaled", "kept"),
    [
        ({}, (832, 1216), (1664, 2432), (1664, 2432)),
        ({"scale": 1.0}, (512, 512), (512, 512), (512, 512)),
        ({"scale": 1.5}, (100, 100), (144, 144), (144, 144)),
        ({"scale": 1.1}, (1000, 800), (1096, 880), (1096, 880)),
        ({"scale": 4.0}, (1, 3), (8, 8), (8, 8)),
        ({"width": 1000}, (500, 250), (1000, 500), (1000, 500)),
        ({"height": 333}, (500, 250), (666, 333), (666, 333)),
        ({"width": 1024, "height": 1024}, (832, 1216), (1024, 1497), (1024, 1024)),
        ({"width": 1024, "height": 1024, "crop": False}, (832, 1216), (1024, 1496), (1024, 1496)),
        ({"width": 1001, "height": 101}, (500, 250), (1001, 500), (1001, 101)),
    ],
)
def test_the_size_is_that_of_a1111_rounded_down_to_eights_but_exact_where_it_is_named(
    settings: dict[str, Any], picture: Size, scaled: Size, kept: Size
) -> None:
    assert UpscaleSettings(**settings).sizes(picture) == (scaled, kept)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scale": 0.0}, "greater than or equal to 1"),
        ({"scale": 8.5}, "less than or equal to 8"),
        ({"scale": float("nan")}, "finite"),
        ({"scale": 2.0, "width": 100}, "a scale or a size, not both"),
        ({"width": 0}, "greater than or equal to 1"),
        ({"height": 20_000}, "less than or equal to 16384"),
        ({"upscaler_2_visibility": 2.0}, "less than or equal to 1"),
    ],
)
def test_what_is_out_of_range_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        UpscaleSettings(**settings)


def test_what_the_studio_could_not_open_again_is_refused() -> None:
    assert UpscaleSettings(scale=4.0).sizes((1250, 1250)) == ((5000, 5000), (5000, 5000))
    with pytest.raises(InvalidRequest, match=r"would become 5024 x 5000\. .* at most 25 megapixels"):
        UpscaleSettings(scale=4.0).sizes((1256, 1250))
    with pytest.raises(InvalidRequest, match="would become 1000 x 1000000"):
        UpscaleSettings(width=1000, height=10).sizes((10, 10_000))


@pytest.mark.parametrize(
    ("wanted", "scale", "passes"),
    [((200, 100), 4, 1), ((400, 200), 4, 1), ((401, 200), 4, 2), ((800, 400), 2, 3), ((3200, 1600), 2, 3),
     ((200, 100), 1, 1), ((50, 25), 4, 1)],
)  # fmt: skip
def test_a_network_is_run_until_both_sides_are_long_enough_and_three_times_at_most(
    wanted: Size, scale: int, passes: int
) -> None:
    assert passes_needed((100, 50), wanted, scale) == passes


def half_transparent() -> Image.Image:
    """Red on the left; on the right what nobody sees, and is green."""
    image = Image.new("RGBA", (64, 32), (255, 0, 0, 255))
    image.paste((0, 255, 0, 0), (32, 0, 64, 32))
    return image


def test_what_is_transparent_stays_so_and_its_unseen_colours_do_not_bleed_into_the_edge() -> None:
    image = half_transparent()
    file = image_to_png(image)
    colours = without_transparency(file)
    assert colours.image().getpixel((40, 16)) == (255, 0, 0)
    settings = UpscaleSettings(scale=2.0)
    larger = put_together(file, settings, by_lanczos(colours, (128, 64)))
    assert (larger.mode, larger.size) == ("RGBA", (128, 64))
    assert (larger.getpixel((10, 30)), larger.getpixel((120, 30))) == ((255, 0, 0, 255), (255, 0, 0, 0))
    seen = Image.alpha_composite(Image.new("RGBA", larger.size, "white"), larger)
    assert all(seen.getpixel((x, 30))[1] == seen.getpixel((x, 30))[2] for x in range(128))  # type: ignore[index]


def test_a_second_one_is_mixed_in_and_the_middle_is_kept() -> None:
    def plain(colour: str) -> Any:
        return by_lanczos(Picture.from_image(Image.new("RGB", (10, 10), colour)), (20, 20))

    settings = UpscaleSettings(width=20, height=10, upscaler_2="x", upscaler_2_visibility=0.25)
    mixed = put_together(image_to_png(Image.new("RGB", (10, 10))), settings, plain("black"), plain("white"))
    assert (mixed.size, mixed.getpixel((3, 3))) == ((20, 10), (63, 63, 63))


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"scale": 2.0}, {"Postprocess upscale by": "2", "Postprocess upscaler": "Lanczos"}),
        (
            {"width": 64, "height": 32, "upscaler_2": "other"},
            {
                "Postprocess upscale to": "64x32",
                "Postprocess crop to": "64x32",
                "Postprocess upscaler": "Lanczos",
                "Postprocess upscaler 2": "other",
            },
        ),
    ],
)
def test_it_is_recorded_by_a1111s_words(settings: dict[str, Any], fields: dict[str, str]) -> None:
    request = UpscaleRequest(image="0" * 64, upscaler="Lanczos", **settings)
    assert UpscaleRecord(request=request, from_width=8, from_height=8).fields == fields
