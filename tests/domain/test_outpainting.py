"""By how much a picture grows, and that it keeps its pixels beyond the seam."""

import pytest
from PIL import Image
from pydantic import ValidationError

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.outpainting import SIDES, Outpaint, prepare_outpaint
from illustrious_studio.domain.pictures import Picture
from samples import a_picture


@pytest.mark.parametrize(
    ("asked", "picture", "sides"),
    [
        ({"left": 10, "bottom": 3}, (100, 50), (10, 0, 0, 3)),
        ({"aspect": "16:9"}, (512, 512), (200, 200, 0, 0)),
        ({"aspect": "16:9", "anchor": "left"}, (512, 512), (0, 400, 0, 0)),
        ({"aspect": "2:3", "anchor": "bottom"}, (512, 512), (0, 0, 256, 0)),
        ({"aspect": "1:1"}, (300, 200), (0, 0, 52, 52)),
        ({"width": 640}, (512, 512), (64, 64, 0, 0)),
        ({"width": 641, "height": 520, "anchor": "top-right"}, (512, 512), (129, 0, 0, 8)),
        ({"width": 512, "height": 515}, (512, 512), (0, 0, 1, 2)),
    ],
)
def test_a_shape_or_a_size_is_so_many_pixels_on_each_side(
    asked: dict[str, object], picture: tuple[int, int], sides: tuple[int, int, int, int]
) -> None:
    settled = Outpaint.model_validate(asked).settled(picture)
    assert settled == Outpaint(**dict(zip(SIDES, sides, strict=True)))  # type: ignore[arg-type]
    assert settled.settled(picture) == settled


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "adds nothing: give left, right"),
        ({"left": 0, "right": 0, "top": 0, "bottom": 0}, "adds nothing"),
        ({"left": 8, "aspect": "16:9"}, "one of them"),
        ({"width": 640, "aspect": "16:9"}, "one of them"),
        ({"left": 8, "anchor": "left"}, "anchor goes with"),
        ({"aspect": "0:1"}, "a shape such as 16:9"),
        ({"aspect": "wide"}, "a shape such as 16:9"),
        ({"left": -8}, "greater than or equal to 0"),
        ({"left": 5000}, "less than or equal to 4096"),
        ({"left": 8, "content": "original"}, "'fill', 'latent_noise' or 'latent_nothing'"),
    ],
)
def test_what_adds_nothing_or_two_things_at_once_is_refused(asked: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Outpaint.model_validate(asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"aspect": "1:1"}, "has that shape already"),
        ({"width": 512, "height": 512}, "has that shape already"),
        ({"width": 256}, "outpainting only adds"),
        ({"aspect": "1000:1"}, "would become 512000 x 512; at most 4096 .* So add less"),
        ({"aspect": "1:9", "anchor": "top"}, "would become 512 x 4608; at most 4096"),
    ],
)
def test_a_picture_that_is_so_already_or_larger_is_said(asked: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        Outpaint.model_validate(asked).settled((512, 512))


@pytest.mark.parametrize(
    ("pixels", "in_tiles", "words"),
    [
        (1600, False, r"would become 2112 x 512; at most 2048 .* in tiles \(tile\), or add less"),
        (4000, False, r"would become 4512 x 512; at most 2048 .* So add less, or make the picture smaller"),
        (4000, True, r"would become 4512 x 512; at most 4096 .* So add less, or make the picture smaller"),
    ],
)
def test_a_canvas_too_large_to_be_drawn_says_what_to_do(pixels: int, in_tiles: bool, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        Outpaint(left=pixels).drawn((512, 512), in_tiles=in_tiles)
    assert Outpaint(left=1600).drawn((512, 512), in_tiles=True) == (2112, 512)


@pytest.mark.parametrize(
    ("sides", "seam"),
    [
        ({"left": 24, "top": 16}, 12),
        ({"right": 24, "bottom": 16}, 12),
        ({"left": 5, "right": 7, "top": 9, "bottom": 2}, 16),
        ({"top": 9}, 0),
    ],
)
def test_all_that_is_new_is_drawn_and_the_picture_keeps_its_pixels_beyond_the_seam(
    sides: dict[str, int], seam: int
) -> None:
    width, height = 101, 67  # no multiples of 8: a canvas is drawn in whole latents and cut
    given, outpaint = a_picture(width, height), Outpaint(**sides, seam=seam)  # type: ignore[arg-type]
    left, right, top, bottom = outpaint.sides
    size = outpaint.drawn((width, height), in_tiles=False)
    assert not [side for side in size if side % 8]
    prepared = prepare_outpaint(to_png(given), outpaint, size)
    assert (prepared.base.width, prepared.base.height) == size
    drawn = Image.new("RGB", size, (255, 0, 255))
    done = prepared.finished(Picture.from_image(drawn))
    assert done.size == (width + left + right, height + top + bottom)
    inside = [
        left + (seam if left else 0),
        top + (seam if top else 0),
        left + width - (seam if right else 0),
        top + height - (seam if bottom else 0),
    ]
    kept = tuple(side - (left, top)[number % 2] for number, side in enumerate(inside))
    assert done.crop(tuple(inside)).tobytes() == given.image().crop(kept).tobytes()
    expected = drawn.crop((0, 0, *done.size))
    expected.paste(done.crop((left, top, left + width, top + height)), (left, top))
    assert done.tobytes() == expected.tobytes(), "what is new is the drawing's, all of it"
    if seam:
        middle = (left + width - 1, inside[1]) if right else (left, inside[1]) if left else (inside[0], top)
        assert done.getpixel(middle) != given.image().getpixel((middle[0] - left, middle[1] - top))


def test_what_is_new_begins_with_the_colours_beside_it_also_far_away() -> None:
    image = Image.new("RGB", (64, 64), (250, 250, 20))
    outpaint = Outpaint(right=800, seam=8)
    prepared = prepare_outpaint(to_png(Picture.from_image(image)), outpaint, outpaint.drawn((64, 64), in_tiles=False))
    base = prepared.base.image()
    for x in (64, 300, 863):
        assert all(abs(one - other) < 12 for one, other in zip(base.getpixel((x, 30)), (250, 250, 20), strict=True))  # type: ignore[arg-type]


def test_the_lines_of_a_picture_go_on_in_what_is_new() -> None:
    image = Image.new("RGB", (64, 64), (20, 20, 200))
    image.paste((20, 160, 20), (0, 32, 64, 64))
    outpaint = Outpaint(left=40, seam=16)
    base = prepare_outpaint(to_png(Picture.from_image(image)), outpaint, (104, 64)).base.image()
    assert base.crop((48, 0, 104, 64)).tobytes() == image.crop((8, 0, 64, 64)).tobytes()
    above, below = base.getpixel((2, 12)), base.getpixel((2, 52))
    assert above[2] > 150 > 60 > below[2]  # type: ignore[index]
