"""Words that are chosen before drawing, as Dynamic Prompts writes them."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.wildcards import chosen, has_choices

FILES = {
    "color": ["red", "2::green", "{dark|light} blue"],
    "leaf": ["a __color__ leaf"],
    "self": ["a __self__"],
    "one": ["__other__"],
    "other": ["__one__"],
}


def lines(name: str) -> Sequence[str]:
    return FILES[name.lower()]


def all_of(prompt: str, tries: int = 300) -> Counter[str]:
    return Counter(chosen(prompt, Random(seed), lines) for seed in range(tries))


@pytest.mark.parametrize(
    ("prompt", "can_be"),
    [
        ("a {red|green} apple", {"a red apple", "a green apple"}),
        ("{a {b|c}|d} e", {"a b e", "a c e", "d e"}),
        ("{red|} hat", {"red hat", " hat"}),
        ("{2$$a|b}", {"a, b", "b, a"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{1-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{-1$$a|b}", {"", "a", "b"}),
        ("{2-$$a|b}", {"a, b", "b, a"}),
        ("{9$$a|b}", {"a, b", "b, a"}),
        ("{$$a|b}", {"a", "b"}),
        ("__color__", {"red", "green", "dark blue", "light blue"}),
        ("__COLOR__ hat", {"red hat", "green hat", "dark blue hat", "light blue hat"}),
        ("__leaf__", {"a red leaf", "a green leaf", "a dark blue leaf", "a light blue leaf"}),
        ("{__color__|{pink|grey}}", {"red", "green", "dark blue", "light blue", "pink", "grey"}),
        ("[{red|green}:blue:0.5]", {"[red:blue:0.5]", "[green:blue:0.5]"}),
    ],
)
def test_each_choice_comes_and_no_other(prompt: str, can_be: set[str]) -> None:
    assert has_choices(prompt)
    assert set(all_of(prompt)) == can_be


def test_two_lines_of_a_file_differ() -> None:
    assert all(len(set(text.split(", "))) == 2 for text in all_of("{2$$__color__}"))


@pytest.mark.parametrize(("prompt", "twice"), [("{2::a|b}", "a"), ("{0.5::a|1::b}", "b"), ("{0::a|b}", "b")])
def test_weights_say_how_often(prompt: str, twice: str) -> None:
    counts = all_of(prompt, 3000)
    assert counts[twice] / 3000 == pytest.approx(1.0 if "0::" in prompt else 2 / 3, abs=0.04)


@pytest.mark.parametrize(
    "prompt",
    [
        *("{curly}, {{very curly}}", "{smile, :d}, {|o|}, {||_||}", r"\\{a|b\\}", r"\\__color__", "a|b", "{unclosed|a"),
        *(
            "name__with__lines",
            ">__<",
            "@__@",
            "__starts, ends__",
            "____",
            "__two  spaces__",
            "__ a__",
            "a {b",
            "b|c} d",
        ),
    ],
)
def test_words_that_only_look_like_it_stay(prompt: str) -> None:
    prompt = prompt.replace("\\\\", "\\")
    assert not has_choices(prompt)
    assert chosen(prompt, Random(1), lines) == prompt


def test_the_same_seed_chooses_the_same() -> None:
    prompt = "{a|b|c|d} {e|f|g} __color__"
    assert chosen(prompt, Random(5), lines) == chosen(prompt, Random(5), lines)
    assert len(all_of(prompt)) > 20


@pytest.mark.parametrize(
    ("prompt", "trail"), [("__self__", "__self__ > __self__"), ("__one__", "__one__ > __other__ > __one__")]
)
def test_a_wildcard_that_names_itself_is_refused_with_the_way_that_led_there(prompt: str, trail: str) -> None:
    with pytest.raises(InvalidRequest, match=trail):
        chosen(prompt, Random(1), lines)


def test_what_would_never_end_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="nested more than"):
        chosen("{1$$" * 60 + "a" + "}" * 60, Random(1), lines)
    with pytest.raises(InvalidRequest, match="choices"):
        chosen("{a|b}" * 3000, Random(1), lines)
    with pytest.raises(InvalidRequest, match="at most 10,000"):
        chosen("{3$$__x__}" * 10, Random(1), lambda _: ["y" * 400] * 9)


@given(st.text(alphabet="ab{}|$_-12:\\\\ ", max_size=200))
def test_any_prompt_comes_to_an_end(prompt: str) -> None:
    def one(_: str) -> Sequence[str]:
        return ["x"]

    try:
        text = chosen(prompt, Random(1), one)
    except InvalidRequest:
        return
    if not has_choices(prompt):
        assert text == prompt
