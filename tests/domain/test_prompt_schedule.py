"""Prompts that change while drawing and prompts drawn together, as A1111 reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from illustrious_studio.domain.prompt_schedule import Composed, at_evaluation, composed, scheduled

OF_A1111 = {
    "test": {10: "test"},
    "a [b:3]": {3: "a ", 10: "a b"},
    "a [b: 3]": {3: "a ", 10: "a b"},
    "a [b:3 ]": {3: "a ", 10: "a b"},
    "a [[[b]]:2]": {2: "a ", 10: "a [[b]]"},
    "[(a:2):3]": {3: "", 10: "(a:2)"},
    "a [b : c : 1] d": {1: "a b  d", 10: "a  c  d"},
    "a[b:[c:d:2]:1]e": {1: "abe", 2: "ace", 10: "ade"},
    "a [unbalanced": {10: "a [unbalanced"},
    "a [b:.5] c": {5: "a  c", 10: "a b c"},
    "((a][:b:c [d:3]": {3: "((a][:b:c ", 10: "((a][:b:c d"},
    "[fe|]male": {1: "female", 2: "male", 3: "female", 4: "male", 5: "female", 6: "male", 7: "female", 8: "male",
                  9: "female", 10: "male"},
    "[fe|||]male": {1: "female", 4: "male", 5: "female", 8: "male", 9: "female", 10: "male"},
}  # fmt: skip
"""Its own examples (`get_learned_conditioning_prompt_schedules`), ten steps; what stays the same is one entry here."""

FURTHER = {
    "[a::4] b": {4: "a b", 10: " b"},
    "[a:b:0]": {10: "b"},
    "[a:b:-2]": {10: "b"},
    "[a:b:1.0]": {10: "a"},
    "[a:b:99]": {10: "a"},
    "[a:b:1e0]": {1: "a", 10: "b"},
    "[a:b:c:0.5]": {10: "[a:b:c:0.5]"},
    "[title: words] (b:1.2) [a, b]": {10: "[title: words] (b:1.2) [a, b]"},
    r"\\[red:green:0.5\\] \\(x\\)": {10: r"\\[red:green:0.5\\] \\(x\\)"},
    "(a [red:green:0.5] apple:1.2)": {5: "(a red apple:1.2)", 10: "(a green apple:1.2)"},
    "[x [y:z] w:0.5]": {10: "[x [y:z] w:0.5]"},
    "a|b [c:d:0.5]": {5: "a|b c", 10: "a|b d"},
    "[[a|b]:c:2]": {1: "a", 2: "b", 10: "c"},
    "[猫|犬:0.5]": {10: "[猫|犬:0.5]"},
    "12:30 [a:5]": {5: "12:30 ", 10: "12:30 a"},
}


@pytest.mark.parametrize("prompt", [*OF_A1111, *FURTHER])
def test_words_change_where_a1111_changes_them(prompt: str) -> None:
    assert {one.until: one.text for one in scheduled(prompt, 10)} == {**OF_A1111, **FURTHER}[prompt]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a [b:.5] c", {10: "a b c"}),
        ("a [b:1.5] c", {5: "a  c", 10: "a b c"}),
        ("a [b:3] c", {10: "a b c"}),
        ("a [b:14] c", {4: "a  c", 10: "a b c"}),
    ],
)
def test_a_second_pass_counts_on_from_the_first(prompt: str, expected: dict[int, str]) -> None:
    assert {one.until: one.text for one in scheduled(prompt, 10, after=10)} == expected


def test_the_first_entry_holds_for_one_evaluation_more_as_in_a1111() -> None:
    """There the evaluations count from 0 and the entries from 1: `reconstruct_cond_batch`."""
    timed = scheduled("[a:b:2]", 5)
    assert [timed[at_evaluation(timed, number)].text for number in range(6)] == ["a", "a", "a", "b", "b", "b"]
    turns = scheduled("[a|b]", 5)
    assert "".join(turns[at_evaluation(turns, number)].text for number in range(6)) == "aababa"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a cat :3", [("a cat :3", 1.0)]),
        ("a cat AND a dog", [("a cat ", 1.0), (" a dog", 1.0)]),
        ("a cat :1.2 AND a dog: -.5", [("a cat", 1.2), (" a dog", -0.5)]),
        ("cat\n:2. AND dog", [("cat", 2.0), (" dog", 1.0)]),
        ("AND", [("", 1.0), ("", 1.0)]),
        ("ROCK AND ROLL, ANDROID and BAND", [("ROCK AND ROLL, ANDROID and BAND", 1.0)]),
        ("(a:1.2) AND (b:1.3)", [("(a:1.2) ", 1.0), (" (b:1.3)", 1.0)]),
    ],
)
def test_and_parts_prompts_and_a_number_behind_one_is_its_weight(
    prompt: str, expected: list[tuple[str, float]]
) -> None:
    assert composed(prompt) == tuple(Composed(*one) for one in expected)


@given(st.text(alphabet="ab[](){}:|0.5\\ ,", max_size=200), st.integers(1, 30))
def test_any_prompt_has_words_up_to_the_last_step_and_loses_no_plain_text(prompt: str, steps: int) -> None:
    timed = scheduled(prompt, steps)
    assert timed[-1].until == steps
    assert [one.until for one in timed] == sorted({one.until for one in timed})
    if not set(prompt) & set("[\\"):
        assert [one.text for one in timed] == [prompt]


@pytest.mark.parametrize(
    "prompt",
    [
        *(
            "[" * 100_000,
            "([" * 50_000,
            "[" * 50_000 + ")" * 50_000,
            "([" * 30_000 + "]" * 30_000,
            "[a:" * 50_000 + "]" * 50_000,
        ),
        *(
            "[" * 50_000 + "a" + ":b:0.5]" * 50_000,
            "[a|" * 30_000 + "b" + "]" * 30_000,
            ":" * 100_000,
            "a AND " * 20_000,
        ),
    ],
    ids=range(9),
)
def test_a_hundred_thousand_brackets_are_read(prompt: str) -> None:
    """Reading them once is half a second; anything that grows faster than the prompt would not come back."""
    assert scheduled(prompt, 20)[-1].until == 20
    assert composed(prompt)
