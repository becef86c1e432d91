"""Prompt syntax is taken out whole and put back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from illustrious_studio.domain.protected import mask


@pytest.mark.parametrize(
    ("prompt", "masked", "spans"),
    [
        ("1girl, (red hair:1.2), smile", "1girl, KEEP1X, smile", ["(red hair:1.2)"]),
        ("cat <lora:foo_v1:0.8>", "cat KEEP1X", ["<lora:foo_v1:0.8>"]),
        ("a __colors__ and __animals/big-*__", "a KEEP1X and KEEP2X", ["__colors__", "__animals/big-*__"]),
        ("a {red|{dark|light} blue} cat", "a KEEP1X cat", ["{red|{dark|light} blue}"]),
        ("a cat BREAK a dog, BREAKFAST", "a cat KEEP1X a dog, BREAKFAST", ["BREAK"]),
        ("((very (big:1.1)) cat), [old|new]", "KEEP1X, KEEP2X", ["((very (big:1.1)) cat)", "[old|new]"]),
        (r"hatsune miku \(vocaloid\), singing", "KEEP1X, singing", [r"hatsune miku \(vocaloid\)"]),
        ("never (closed", "never (closed", []),
        ("a cat <lora:foo:0.8, in snow", "a cat KEEP1X", ["<lora:foo:0.8, in snow"]),
        ("a red embedding:my-style in snow", "a red KEEP1X in snow", ["embedding:my-style"]),
        ("KEEP calm, (x:2)", "KEEP calm, KEEPP1X", ["(x:2)"]),
    ],
)
def test_protected_syntax_is_masked_whole(prompt: str, masked: str, spans: list[str]) -> None:
    result = mask(prompt)
    assert result.text == masked
    assert list(result.spans) == spans


def test_tags_are_joined_by_commas_but_not_around_what_ends_a_chunk() -> None:
    masked = mask("red cat BREAK blue dog (big:1.2)")
    assert masked.joined(["red cat", "KEEP1X", "blue dog", "KEEP2X"]) == "red cat BREAK blue dog, (big:1.2)"


@given(st.lists(st.sampled_from([*"ab (){}[]<>_:|,\\1K", "BREAK", "lora", "__", "\\("]), max_size=60).map("".join))
def test_every_prompt_comes_back_byte_for_byte(prompt: str) -> None:
    result = mask(prompt)
    assert result.restore(result.text) == prompt


@pytest.mark.parametrize("sign", ["(", "[(", "__", "<", "\\", "!", "a ", "a\\(", "_ _"])
@pytest.mark.timeout(20)
def test_the_longest_prompt_of_nothing_but_signs_is_read_in_good_time(sign: str) -> None:
    prompt = (sign * 10_000)[:10_000]
    result = mask(prompt)
    assert result.restore(result.text) == prompt
