from random import Random

import pytest
from PIL import ImageStat

from illustrious_studio.adapters.sketch.backgrounds import COLOURS, PLACE_WORDS, background_words, draw_background

PLACES = [*PLACE_WORDS, "night", "sunset", "rain", "fog"]


def test_there_are_twenty_one_places_and_fifteen_colours_and_no_word_means_two() -> None:
    assert (len(PLACES), len(COLOURS)) == (21, 15)
    words = [word for name in background_words() for word in background_words()[name]]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", PLACES)
def test_places_are_drawn_with_some_variety(name: str) -> None:
    first, again, other = (draw_background(name, "day", 160, 120, Random(seed)) for seed in (1, 1, 2))
    assert first.size == (160, 120)
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert sum(ImageStat.Stat(first).stddev) > 15


@pytest.mark.parametrize("name", list(PLACE_WORDS))
def test_night_is_darker_and_evening_warmer(name: str) -> None:
    day, night, sunset = (
        ImageStat.Stat(draw_background(name, time, 96, 96, Random(3))).mean for time in ("day", "night", "sunset")
    )
    if name not in ("space", "cave"):  # which are dark by day
        assert sum(night) < 0.75 * sum(day)
    assert sunset[0] - sunset[2] > day[0] - day[2]


@pytest.mark.parametrize("weather", ["rain", "fog", "snow"])
def test_weather_changes_a_place_and_stays_out_of_a_room(weather: str) -> None:
    def drawn(name: str, weather: str) -> bytes:
        return draw_background(name, "day", 96, 96, Random(3), weather).tobytes()

    assert drawn("city", weather) != drawn("city", "")
    if weather != "fog":
        assert drawn("room", weather) == drawn("room", "")


def test_a_room_at_night_has_no_stars_on_its_wall() -> None:
    def brightest(name: str) -> float:
        above = draw_background(name, "night", 256, 256, Random(3)).crop((0, 0, 256, 100))
        return above.convert("L").getextrema()[1]  # type: ignore[return-value]

    assert brightest("room") < 130 < 200 < brightest("meadow")


@pytest.mark.parametrize(("name", "colour"), COLOURS.items())
def test_colours_are_plain(name: str, colour: tuple[int, int, int]) -> None:
    colours = draw_background(name, "day", 20, 10, Random(1)).getcolors() or []
    assert len(colours) == 1
    assert max(abs(a - b) for a, b in zip(colours[0][1], colour, strict=True)) <= 8  # type: ignore[arg-type]
