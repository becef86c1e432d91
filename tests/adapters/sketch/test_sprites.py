import pytest
from PIL import Image, ImageChops, ImageStat

from illustrious_studio.adapters.sketch.sprites import FOLDERS, SPRITES, SpritePainter
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.pictures import Picture

PAINTER = SpritePainter()


def cat(**changes: object) -> Layout:
    values = {"what": "cat", "x": 0.5, "y": 0.5, "w": 0.8, "h": 0.8} | changes
    return Layout(things=(Placed.model_validate(values),))


def mean(picture: Picture) -> list[float]:
    return ImageStat.Stat(picture.image()).mean


def test_every_object_has_its_drawing_in_both_styles() -> None:
    assert len(PAINTER.objects()) == 557
    for style in FOLDERS:
        for known in PAINTER.objects():
            sprite = PAINTER._sprite(known.name, style)
            assert sprite.mode == "RGBA"
            assert min(sprite.size) >= 20
    assert "Microsoft" in (SPRITES / "NOTICE").read_text("utf-8")
    assert "Google" in (SPRITES / "NOTICE").read_text("utf-8")


async def test_the_same_layout_size_and_seed_give_the_same_pixels() -> None:
    layout = Layout(things=cat().things, background="forest", time="night")
    pictures = [await PAINTER.paint(layout, 96, 128, seed) for seed in (7, 7, 8)]
    assert pictures[0] == pictures[1] != pictures[2]
    assert (pictures[0].width, pictures[0].height) == (96, 128)


async def test_a_thing_stays_in_its_box_and_keeps_its_shape() -> None:
    picture = await PAINTER.paint(cat(x=0.25, y=0.25, w=0.4, h=0.4), 400, 200, 1)
    box = ImageChops.invert(picture.image().convert("L")).point(lambda v: 255 if v > 12 else 0).getbbox()
    assert box is not None
    assert box[0] >= 15
    assert box[2] <= 185
    assert box[1] >= 5
    assert box[3] <= 95
    assert 0.8 < (box[2] - box[0]) / (box[3] - box[1]) < 1.2


@pytest.mark.parametrize(
    ("colour", "strongest", "weakest"), [("blue", 2, 0), ("red", 0, 2), ("green", 1, 2), ("purple", 2, 1)]
)
async def test_a_colour_word_colours_the_thing(colour: str, strongest: int, weakest: int) -> None:
    red, green, blue = (255 - part for part in mean(await PAINTER.paint(cat(colour=colour), 128, 128, 1)))
    missing = [red, green, blue]  # on white, a colour is what is left when the others are taken away
    assert missing[strongest] == min(missing)
    assert missing[weakest] == max(missing)


async def test_dark_and_light_colours_are_dark_and_light() -> None:
    black, own, white = [sum(mean(await PAINTER.paint(cat(colour=c), 128, 128, 1))) for c in ("black", "", "white")]
    assert black < own < white


async def test_styles_differ() -> None:
    flat = await PAINTER.paint(cat(), 128, 128, 1)
    cartoon = await PAINTER.paint(cat().model_copy(update={"style": "cartoon"}), 128, 128, 1)
    assert flat != cartoon


async def test_later_things_cover_earlier_ones() -> None:
    square = {"x": 0.5, "y": 0.5, "w": 0.6, "h": 0.6}
    things = tuple(Placed.model_validate({"what": what, **square}) for what in ("blue square", "red square"))
    red, _, blue = (await PAINTER.paint(Layout(things=things), 64, 64, 1)).image().getpixel((32, 32))  # type: ignore[misc]
    assert red > 180 > blue


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (1216, 832)])
async def test_any_size_can_be_painted(size: tuple[int, int]) -> None:
    picture = await PAINTER.paint(cat().model_copy(update={"background": "city"}), *size, 1)
    assert (picture.width, picture.height) == size
    assert isinstance(picture.image(), Image.Image)
