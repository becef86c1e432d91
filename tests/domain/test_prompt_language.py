"""What of other programs' prompt language is refused, and which words only look like it."""

import pytest

from illustrious_studio.domain.prompt_language import not_done_here

REFUSED = {
    "cat <hypernet:x:1>": "<hypernet:x:1> (a hypernetwork)",
}

WORDS = [
    "",
    "a cat <lora:x:1>",
    "1girl, :D, :3, :|, |_|, ||_||, >:), ;), |o|",
    "a [red:green:0.5] apple, [red|green], cat AND dog",
    "{curly}, {{very curly}}, {smile, :d}, {|o|}",
    "[word], [[less]], [a, b]",
    "a|b outside, red|green, (a|b)",
    "black and white, Salt And Pepper, ANDROID, BAND",
    "ROCK AND ROLL, a poster that says LOVE AND PEACE",
    "name__with__lines, >__<, @__@, ^__^, -__-, ____, __",
    "hatsune_miku, __starts, ends__",
    r"\[red:green:0.5\], \{a|b\}, saber \(fate\)",
    "[unclosed:0.5, (a:1.2), a:b:0.5, 12:30",
    "[title: words], [ratio 16:9 wide]",
    "embedding: a jewel, embedding",
    "a <3 b, <o>, i<3u, <lora>",
    "[red:green:0.5",
    "a cat BREAK a dog",
    "(smile, :D:1.2), (:1.3), (time 12:30)",
]


@pytest.mark.parametrize("prompt", REFUSED)
def test_what_would_be_another_picture_is_named(prompt: str) -> None:
    assert REFUSED[prompt] in not_done_here(prompt)


@pytest.mark.parametrize("prompt", WORDS)
def test_words_that_only_look_like_it_are_let_pass(prompt: str) -> None:
    assert not_done_here(prompt) == ""


def test_a_long_prompt_is_read_in_no_time_and_shown_in_part() -> None:
    for piece in ("[", "[a:", "__a", "{a|", "<lora:", "AND ", "(", "\\"):
        not_done_here((piece * 10_000)[:10_000])
    assert len(not_done_here("<hypernet:" + "x" * 9_000 + ">")) < 200
