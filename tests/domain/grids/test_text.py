"""A line of values is read as A1111's X/Y/Z plot reads it, and counted before it is built."""

import pytest

from illustrious_studio.domain.grids.axes import values_of


@pytest.mark.parametrize(
    ("setting", "text", "values"),
    [
        # A1111's own examples, of the wiki page on the script.
        ("steps", "1-5", [1, 2, 3, 4, 5]),
        ("steps", "1-5 (+2)", [1, 3, 5]),
        ("steps", "10-5 (-3)", [10, 7]),
        ("guidance", "1-3 (+0.5)", [1.0, 1.5, 2.0, 2.5, 3.0]),
        ("steps", "1-10 [5]", [1, 3, 5, 7, 10]),
        ("guidance", "0.0-1.0 [6]", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ("steps", " 20 ,  30,40 ", [20, 30, 40]),
        ("steps", "20, 1 - 3, 7,", [20, 1, 2, 3, 7]),
        ("steps", "5-1", [5, 4, 3, 2, 1]),
        ("guidance", "0.1-0.5 (+0.1)", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("guidance", "1-2 (+0.3)", [1.0, 1.3, 1.6, 1.9]),
        ("guidance", "7, 7.5", [7, 7.5]),
        ("seed", "-1, -1", [-1, -1]),
        ("seed", "7-7", [7]),
        ("seed", "1-9 [1]", [1]),
        ("prompt", '"a cat, red", "say ""hi""", dog', ["a cat, red", 'say "hi"', "dog"]),
        ("search_replace", "cat,,a dog", ["cat", "", "a dog"]),
        ("search_replace", "1-3, cat", ["1-3", "cat"]),
        ("sampler", "Euler, , LMS", ["Euler", "LMS"]),
        ("search_replace", "one\ntwo, three", ["one", "two", "three"]),
        ("lora:ink", "0.5-1 (+0.25)", [0.5, 0.75, 1.0]),
        ("tile", "512, Whole picture, none", [512, None, None]),
        ("mask_area", "Only masked, whole", ["masked", "whole"]),
        ("hires.strength", "0.3, automatic", [0.3, None]),
    ],
)
def test_a_line_says_these_values(setting: str, text: str, values: list[object]) -> None:
    assert list(values_of(setting, text)) == values


def test_a_range_is_counted_without_being_built() -> None:
    assert values_of("seed", "1-999999999999999999, 5").count == 10**18
    assert values_of("seed", ", ".join(["1-999999999999999999"] * 900)).count == 900 * (10**18 - 1)
    assert values_of("guidance", "0-1 (+0.000000000000000001)").count > 10**17
    assert values_of("prompt_order", "a, b, c, d, e, f, g, h").count == 40_320


@pytest.mark.parametrize("text", ["", " , ,", "1-5 (+0)", "1-5 [0]", "x" * 20_001])
def test_a_line_without_values_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        values_of("steps", text)
