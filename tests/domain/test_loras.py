"""How a prompt names LoRAs."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import LoraChoice, loras_in, with_loras, without_lora, without_loras


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a cat", []),
        ("a cat <lora:ink>", [("ink", 1.0, 1.0)]),
        ("<lora:ink:0.8> a cat", [("ink", 0.8, 0.8)]),
        ("<lora:ink:0.5:0.8>", [("ink", 0.8, 0.5)]),  # A1111: the text encoders' first
        ("<lora:ink:te=0.5:unet=0.8>", [("ink", 0.8, 0.5)]),
        ("<lora:ink:unet=0>", [("ink", 0.0, 1.0)]),
        ("<lora:ink:-1.5>", [("ink", -1.5, -1.5)]),
        ("<lyco:ink:1>, <LoRA:Some Name (v1.2):0.3>", [("ink", 1.0, 1.0), ("Some Name (v1.2)", 0.3, 0.3)]),
        ("[<lora:a:1>:<lora:b:2>:0.5]", [("a", 1.0, 1.0), ("b", 2.0, 2.0)]),
        ("<lora:sub/ink:1>", [("sub/ink", 1.0, 1.0)]),
        ("i <3 lora, <o>, lora:x", []),
    ],
)
def test_tags_are_read_as_a1111_reads_them(prompt: str, found: list[tuple[str, float, float]]) -> None:
    assert [(one.name, *one.weights) for one in loras_in(prompt)] == found


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a cat <lora:x", "<lora:x, which is not closed"),
        ("<lora:x <lora:y:1>", "not closed"),
        ("<lora::1>", "names no LoRA"),
        ("<lora:x:strong>", "has the weight 'strong'"),
        ("<lora:x:nan>", "has the weight 'nan'"),
        ("<lora:x:11>", "from -10 to 10"),
        ("<lora:x:1:1:4>", "has '4', which is not done here"),
        ("<lora:x:1:lbw=OUTALL>", "has 'lbw', which is not done here"),
    ],
)
def test_a_tag_that_cannot_be_meant_is_refused(prompt: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        loras_in(prompt)


def test_the_words_are_what_is_left() -> None:
    assert without_loras("a cat, <lora:ink:0.8>, snow <lyco:x>") == "a cat, , snow "


def weight() -> st.SearchStrategy[float]:
    return st.integers(-1000, 1000).map(lambda hundredths: hundredths / 100)


@given(
    st.text("ab c.()[]{}_-é", min_size=1).filter(lambda name: name == name.strip() != ""),
    weight(),
    st.none() | weight(),
)
def test_what_is_written_into_a_prompt_is_read_from_it(name: str, unet: float, encoders: float | None) -> None:
    choice = LoraChoice(name=name, weight=unet, text_encoder_weight=encoders)
    (read,) = loras_in(with_loras("a cat", [choice]))
    assert (read.name, read.weights) == (choice.name, choice.weights)
    assert without_loras(with_loras("a cat", [choice])) == "a cat "


@pytest.mark.parametrize("piece", ["<lora:", "<lora:a:1>", "<", "<lora:a:1:"])
def test_a_prompt_full_of_beginnings_hangs_nothing(piece: str) -> None:
    with contextlib.suppress(InvalidRequest):
        loras_in(piece * 100_000)
    without_loras(piece * 100_000)


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("a fox, blue paint <lora:ink:0.8>", "a fox"),
        ("a fox, Blue Paint, <lora:ink:0.8>, snow", "a fox, snow"),
        ("<lora:ink:0.8>, a cat", "a cat"),
        ("a fox, <lora:ink:0.8>, snow", "a fox, snow"),
        ("a fox, <lora:ink:0.8>", "a fox,"),
        ("a <lora:ink:0.8> cat <lora:ink:wrong>", "a cat"),
        ("a cat <lora:other:1> <lora:ink:1> BREAK a dog", "a cat <lora:other:1> BREAK a dog"),
    ],
)
def test_a_lora_is_taken_out_with_the_words_that_came_with_it_and_leaves_no_trace(prompt: str, left: str) -> None:
    assert without_lora(prompt, {"ink"}, ["blue paint"]) == left
