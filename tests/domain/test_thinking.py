"""What a model thinks never stays in what it says, wherever the stream is cut into pieces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from illustrious_studio.domain.chat import Retract, Thinking, Token
from illustrious_studio.domain.thinking import ThinkingFilter

TAGS = ["<think>", "</think>", "<thinking>", "</THINKING>", "<Think>", "</think>"]
WORDS = ["a", " b ", "<", "</", "thin", "k>", "<b>", "x < y", "\n\n", "K", "é", "<think", "think>"]


def told(pieces: list[str], *, starts_thinking: bool = False) -> tuple[str, str]:
    """What a reader is left with who follows the events, after checking that the filter's own account agrees."""
    answer = ThinkingFilter(starts_thinking=starts_thinking)
    events = [event for piece in pieces for event in answer.feed(piece)] + answer.finish()
    text = ""
    for event in events:
        match event:
            case Token(piece):
                text += piece
            case Retract():
                text = ""
    assert answer.text == text
    return text, answer.thought


@pytest.mark.parametrize(
    ("said", "text", "thought"),
    [
        ("Just an answer.", "Just an answer.", ""),
        ("<think>hm</think>\n\nYes.", "Yes.", "hm"),
        ("<THINKING>hm</Thinking>Yes.", "Yes.", "hm"),
        ("Well <think>hm</think>yes.", "Well yes.", "hm"),
        ("<think>hm, and no end", "", "hm, and no end"),
        ("never opened</think>\nYes.", "Yes.", "never opened"),
        ("<think>a</think>b</think>c", "c", "ab"),
        ("<think><think>a</think>b", "b", "a"),
        ("1 < 2 and <thin", "1 < 2 and <thin", ""),
        ("<b>bold</b> <thinker>", "<b>bold</b> <thinker>", ""),
        ("", "", ""),
    ],
)
def test_thoughts_are_told_apart_from_the_answer(said: str, text: str, thought: str) -> None:
    assert told([said]) == (text, thought)
    assert told(list(said)) == (text, thought)


def test_text_streams_on_at_once_while_it_cannot_be_a_tag() -> None:
    answer = ThinkingFilter()
    assert answer.feed("Hello <b") == [Token("Hello <b")]
    assert answer.feed(" and <th") == [Token(" and ")]
    assert answer.feed("ink>hm") == [Thinking("hm")]


def test_a_thought_that_was_never_opened_is_taken_back_and_remembered() -> None:
    answer = ThinkingFilter()
    assert answer.feed("I wonder") == [Token("I wonder")]
    assert answer.feed("</think>Yes") == [Retract(), Token("Yes")]
    assert answer.closed_unopened


def test_a_model_known_to_open_no_thought_shows_none_of_it_as_text() -> None:
    answer = ThinkingFilter(starts_thinking=True)
    assert answer.feed("I wonder") == [Thinking("I wonder")]
    assert answer.feed("</think>Yes") == [Token("Yes")]
    assert answer.closed_unopened
    assert told(["No thought ", "this time"], starts_thinking=True) == ("No thought this time", "")


def test_thoughts_that_the_server_marks_stay_beside_the_text() -> None:
    answer = ThinkingFilter(starts_thinking=True)
    assert answer.think("hm") == [Thinking("hm")]
    assert answer.feed("Yes") == [Token("Yes")]
    assert (answer.text, answer.thought) == ("Yes", "hm")


@given(st.lists(st.sampled_from(TAGS + WORDS), max_size=12), st.data())
def test_the_same_words_are_told_the_same_however_they_are_cut(words: list[str], data: st.DataObject) -> None:
    said = "".join(words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=6)))
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    assert told(pieces) == told([said])


@given(st.lists(st.sampled_from(TAGS + WORDS), max_size=12))
def test_nothing_but_the_tags_is_lost(words: list[str]) -> None:
    said = "".join(words)
    text, thought = told([said])
    without_tags = re.sub(r"</?think(?:ing)?>", "", said, flags=re.IGNORECASE | re.ASCII)
    assert sorted((text + thought).replace("\n", "").replace(" ", "")) == sorted("".join(without_tags.split()))
