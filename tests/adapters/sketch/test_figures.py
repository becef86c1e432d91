from colorsys import rgb_to_hsv
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from illustrious_studio.adapters.sketch.figures import aspect_of, draw
from illustrious_studio.adapters.sketch.figures.palette import CLOTH, EYES, hair_tones
from illustrious_studio.adapters.sketch.figures.whole import part_at
from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.layout.figures import (
    Bangs,
    Colour,
    Ears,
    Expression,
    Extra,
    EyeColour,
    Figure,
    Framing,
    Garment,
    GarmentKind,
    HairColour,
    HairLength,
    HairStyle,
    Horns,
    Pose,
    Skin,
    Tail,
    Wings,
    completed,
)
from illustrious_studio.domain.layout.values import Layout, Placed

HEIGHT = 200
PLAIN = {
    "seed": 3, "hair": "brown", "hair_style": "straight", "hair_length": "medium", "bangs": "swept", "eyes": "blue",
    "skin": "fair", "expression": "neutral", "clothes": [{"kind": "shirt", "colour": "green"}], "pose": "standing",
    "framing": "upper_body",
}  # fmt: skip


def figure(**changes: object) -> Figure:
    return completed(Figure.model_validate(PLAIN | changes))


def pixels(one: Figure, height: int = HEIGHT) -> npt.NDArray[np.int16]:
    return np.asarray(draw(one, height)).astype(np.int16)


def differ(one: Figure, other: Figure) -> float:
    """The share of pixels that differ, of two figures laid over each other."""
    a, b = (draw(each, HEIGHT) for each in (one, other))
    if a.size != b.size:
        return 1
    return float((np.abs(np.asarray(a).astype(int) - np.asarray(b)).max(axis=2) > 12).mean())


def near(found: npt.NDArray[np.int16], colour: tuple[int, int, int], within: int = 70) -> float:
    """The share of the visible pixels that are near that colour."""
    visible = found[found[..., 3] > 200][:, :3]
    return float((np.abs(visible - np.array(colour)).sum(axis=1) < within).mean())


def around(one: Figure, part: str, reach: float, height: int = 300) -> npt.NDArray[np.int16]:
    """A square of the picture around a part of the figure."""
    picture = pixels(one, height)
    x, y = part_at(one, part)
    px, py, r = round(x * picture.shape[1]), round(y * height), max(2, round(reach * height))
    return picture[max(0, py - r) : py + r, max(0, px - r) : px + r]


def test_the_same_figure_is_the_same_to_the_pixel_and_another_seed_another() -> None:
    assert np.array_equal(pixels(figure()), pixels(figure()))
    assert differ(figure(), figure(seed=4)) > 0.02


@pytest.mark.parametrize("height", [97, 512])
@pytest.mark.parametrize("framing", get_args(Framing))
def test_it_is_as_high_as_asked_and_as_wide_as_foretold(framing: str, height: int) -> None:
    one = figure(framing=framing)
    drawn = draw(one, height)
    assert drawn.mode == "RGBA"
    assert drawn.height == height
    assert drawn.width == pytest.approx(aspect_of(one) * height, abs=1)


@pytest.mark.parametrize("hair", get_args(HairColour))
def test_the_hair_has_the_colour_asked_for(hair: HairColour) -> None:
    tones = hair_tones(hair)
    found = around(figure(hair=hair), "crown", 0.07)
    assert near(found, tones.base) + near(found, tones.shade) + near(found, tones.light) > 0.6


@pytest.mark.parametrize("eyes", get_args(EyeColour))
def test_the_eyes_have_the_colour_asked_for(eyes: EyeColour) -> None:
    within = 50 if eyes in ("black", "grey") else 90  # pupils and lashes are nearly so, too
    for part in ("left eye", "right eye"):
        found = around(figure(eyes=eyes, bangs="parted"), part, 0.05)
        plain = around(figure(eyes="blue" if eyes != "blue" else "red", bangs="parted"), part, 0.05)
        assert near(found, EYES[eyes], within) > 0.03
        assert near(found, EYES[eyes], within) > 2 * near(plain, EYES[eyes], within)


def test_each_eye_has_its_own_colour_when_there_are_two() -> None:
    one = figure(eyes="red", eyes_second="green", bangs="parted")
    assert near(around(one, "left eye", 0.05), EYES["red"], 90) > 0.03
    assert near(around(one, "right eye", 0.05), EYES["green"], 90) > 0.03


def test_closed_eyes_show_no_iris() -> None:
    open_, shut = (figure(eyes="green", bangs="parted", closed=closed) for closed in ("none", "both"))
    wink = figure(eyes="green", bangs="parted", closed="one")

    def seen(one: Figure) -> list[bool]:
        return [near(around(one, part, 0.05), EYES["green"], 90) > 0.01 for part in ("left eye", "right eye")]

    assert seen(open_) == [True, True]
    assert seen(shut) == [False, False]
    assert sorted(seen(wink)) == [False, True]


def test_two_coloured_hair_ends_in_the_second_colour() -> None:
    one = figure(hair="black", hair_second="pink", hair_length="long")
    whole = pixels(one)
    upper, lower = whole[: HEIGHT // 3], whole[2 * HEIGHT // 3 :]
    pink = hair_tones("pink").base
    assert near(lower, pink) > 0.05
    assert near(upper, pink) < 0.02


@pytest.mark.parametrize("extra", get_args(Extra))
def test_every_extra_shows(extra: Extra) -> None:
    assert differ(figure(), figure(extras=[extra])) > 0.0005


@pytest.mark.parametrize("extra", [one for one in get_args(Extra) if one in ("scarf", "cape", "hair_bow", "beret")])
def test_extras_have_the_colours_asked_for(extra: Extra) -> None:
    green = figure(extras=[extra], extra_colours=[(extra, "purple")])
    assert near(pixels(green), CLOTH["purple"]) > near(pixels(figure(extras=[extra])), CLOTH["purple"]) + 0.01


CHOICES = {
    "hair_style": HairStyle, "hair_length": HairLength, "bangs": Bangs, "expression": Expression, "ears": Ears,
    "horns": Horns, "wings": Wings, "skin": Skin, "pose": Pose, "framing": Framing,
}  # fmt: skip


@pytest.mark.parametrize("field", CHOICES)
def test_no_two_choices_of_a_kind_look_alike(field: str) -> None:
    seen = [pixels(figure(**{field: choice})).tobytes() for choice in get_args(CHOICES[field])]
    assert len(set(seen)) >= len(seen) - (field in ("pose", "hair_length"))  # sitting, very long: not seen here
    assert len({*seen, pixels(figure()).tobytes()}) >= len(set(seen))


@pytest.mark.parametrize("field", ["pose", "hair_length"])
def test_of_the_whole_body_every_choice_shows(field: str) -> None:
    seen = [pixels(figure(framing="full_body", **{field: choice})).tobytes() for choice in get_args(CHOICES[field])]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("tail", get_args(Tail))
def test_every_tail_shows(tail: Tail) -> None:
    assert differ(figure(framing="full_body"), figure(framing="full_body", tail=tail)) > 0.001


@pytest.mark.parametrize("who", ["girl", "boy"])
@pytest.mark.parametrize("kind", get_args(GarmentKind))
def test_every_garment_is_seen_in_its_colour(kind: GarmentKind, who: str) -> None:
    def dressed(colour: Colour) -> npt.NDArray[np.int16]:
        clothes = completed(Figure(clothes=(Garment(kind=kind, colour=colour),))).clothes
        worn = [{"kind": one.kind, "colour": one.colour if one.kind == kind else "white"} for one in clothes]
        return pixels(figure(who=who, framing="full_body", clothes=worn))

    assert near(dressed("purple"), CLOTH["purple"]) > 0.03 + near(dressed("red"), CLOTH["purple"])


def test_garments_of_one_colour_look_different() -> None:
    seen = {pixels(figure(framing="full_body", clothes=[{"kind": kind, "colour": "blue"}])).tobytes()
            for kind in get_args(GarmentKind)}  # fmt: skip
    assert len(seen) == len(get_args(GarmentKind))


def test_girls_and_boys_differ() -> None:
    girl, boy = (figure(who=who, framing="full_body", hair_length="short") for who in ("girl", "boy"))
    shoulders = [int((pixels(one, 400)[130, :, 3] > 200).sum()) for one in (girl, boy)]
    assert shoulders[1] > shoulders[0]
    assert differ(girl, boy) > 0.02


def test_a_chibi_has_a_large_head() -> None:
    assert aspect_of(figure(framing="full_body", chibi=True)) > 1.6 * aspect_of(figure(framing="full_body"))


def test_open_mouth_and_blush_are_red() -> None:
    def red(one: Figure) -> float:
        found = around(one, "mouth", 0.05)
        visible = found[found[..., 3] > 200][:, :3]
        hues = [rgb_to_hsv(*(part / 255 for part in pixel)) for pixel in visible.tolist()]
        return sum(1 for hue, saturation, _ in hues if (hue < 0.04 or hue > 0.93) and saturation > 0.45) / len(hues)

    assert red(figure(extras=["open_mouth"])) > red(figure()) + 0.05


def test_what_is_held_is_seen_whole_at_one_side() -> None:
    one = figure(pose="holding")
    thing = Image.new("RGBA", (50, 50), (255, 0, 255, 255))
    drawn = np.asarray(draw(one, 300, thing)).astype(int)
    ys, xs = np.nonzero(np.abs(drawn[..., :3] - (255, 0, 255)).sum(axis=2) < 30)
    assert abs(xs.mean() / drawn.shape[1] - 0.5) > 0.15
    wide, high = np.ptp(xs), np.ptp(ys)
    assert abs(wide - high) <= 4
    assert len(xs) > 0.5 * wide * high


async def test_a_layout_has_its_figure_on_the_lower_edge_of_its_box() -> None:
    someone = Figure(seed=2, framing="full_body", clothes=(Garment(kind="dress", colour="red"),))
    layout = Layout(things=(Placed(what="cat", x=0.3, y=0.5, w=0.4, h=0.8, figure=someone),))
    picture = await SpritePainter().paint(layout, 240, 200, 1)
    drawn = np.asarray(picture.image().convert("L")) < 240
    assert 170 < np.nonzero(drawn.any(axis=1))[0].max() < 184
    assert np.nonzero(drawn.any(axis=0))[0].max() < 0.5 * 240 + 3
    assert (
        near(np.dstack([np.asarray(picture.image()), np.full((200, 240), 255)]).astype(np.int16), CLOTH["red"]) > 0.02
    )


def test_a_layout_with_a_figure_is_read_back_from_its_json() -> None:
    someone = figure(extras=["scarf"], extra_colours=[("scarf", "red")], eyes_second="red")
    layout = Layout(things=(Placed(what="person", x=0.5, y=0.5, w=1, h=1, figure=someone),))
    assert Layout.model_validate_json(layout.model_dump_json()) == layout
    assert "figure" not in Placed(what="cat", x=0.5, y=0.5, w=1, h=1).model_dump()


async def test_what_somebody_holds_is_painted_from_its_drawing() -> None:
    def layout(holding: str) -> Layout:
        someone = Figure(seed=2, pose="holding", holding=holding)
        return Layout(things=(Placed(what="person", x=0.5, y=0.5, w=1, h=1, figure=someone),))

    painter = SpritePainter()
    apple, nothing = [await painter.paint(layout(what), 200, 200, 1) for what in ("red apple", "")]
    assert apple != nothing
