"""Enhancing a prompt gives a good one or leaves it as it was, whatever the model says."""

from collections.abc import Sequence

import pytest

from fakes import FakeChat
from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.chat import ChatModel
from illustrious_studio.domain.errors import StudioError, Unavailable, UpstreamTimeout
from illustrious_studio.services.prompts import Enhanced, PromptService
from illustrious_studio.services.sketch import SketchService

SKETCHES = SketchService(SpritePainter())
GIRL = "a girl with silver hair sitting in a cafe at night"


async def enhanced(prompt: str, *answer: str | StudioError) -> Enhanced:
    model = FakeChat(list(answer))
    return await PromptService(lambda: model, SKETCHES.tags).enhance(prompt)


@pytest.mark.parametrize(
    "answer",
    [
        "1girl, solo, silver hair, long hair, sitting, cafe, coffee cup, window, night, masterpiece, best quality",
        "Here are the tags:\n\n1girl, solo, silver_hair, long hair, sitting, cafe, coffee cup, window, night, "
        "masterpiece, best quality.",
        "<think>She sits, so: (sitting:1.3)</think>\n`masterpiece, best quality, 1girl, solo, silver hair, long hair, "
        "sitting, a cafe, coffee cup, window, night`",
    ],
)
async def test_prose_becomes_tags_in_the_trained_order(answer: str) -> None:
    result = await enhanced(GIRL, *answer)
    assert result.prompt == (
        "1girl, solo, silver hair, long hair, sitting, cafe, coffee cup, window, night, masterpiece, best quality"
    )
    assert result.changed
    assert result.model == "fake-chat"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I'm sorry, but I can't help with that.",
        "The image shows a girl with silver hair who is sitting in a cafe, and it is night. She looks happy.",
        "1girl, solo, sitting, cafe, night, coffee",  # her hair is gone
        "1girl, silver hair, sitting, cafe, night, cafe, cafe, cafe, cafe, cafe, cafe, cafe",
        "<think>1girl, solo, silver hair, sitting, cafe, night, coffee",
        "null",
        "girl, silver hair, sitting, cafe, night",  # nothing is new
        "1girl, silver hair, sitting, cafe, night, " + ", ".join("x" * 60 for _ in range(9)),
        "1girl, silver hair, sitting, cafe, night, <lora:evil:1>, (blood:2), http://x.y/?a=b",
    ],
)
async def test_a_useless_answer_leaves_the_prompt_as_it_was_and_says_so(answer: str) -> None:
    result = await enhanced(GIRL, answer)
    assert result.prompt == GIRL
    assert not result.changed
    assert "stays as it is" in result.note


async def test_protected_syntax_comes_back_as_it_was() -> None:
    prompt = r"a cat with (red fur:1.25) in __place__, {a|b} <lora:Foo_v1:0.8>, saber \(fate\)"
    answer = "cat, KEEP1X, keep2x, KEEP3X, KEEP4X, KEEP5X, whiskers, animal focus, highly detailed"
    result = await enhanced(prompt, answer)
    assert result.prompt == (
        r"cat, (red fur:1.25), __place__, {a|b}, <lora:Foo_v1:0.8>, saber \(fate\), "
        "whiskers, animal focus, highly detailed"
    )


@pytest.mark.parametrize(
    "answer",
    [
        "cat, whiskers, outdoors, garden, tree",  # lost
        "cat, KEEP1X, KEEP1X garden, whiskers, outdoors",  # twice
        "cat, KEEP1X, KEEP2X, whiskers, outdoors",  # invented
        "cat, (red fur:1.2), whiskers, outdoors",  # guessed
    ],
)
async def test_an_answer_that_touches_protected_syntax_is_refused(answer: str) -> None:
    result = await enhanced("a cat with (red fur:1.25)", answer)
    assert result.prompt == "a cat with (red fur:1.25)"
    assert not result.changed


async def test_words_do_not_wander_over_a_break() -> None:
    prompt = "a red cat BREAK a blue dog"
    good = await enhanced(prompt, "red cat, whiskers, KEEP1X, blue dog, collar, leash")
    assert good.prompt == "red cat, whiskers BREAK blue dog, collar, leash"
    bad = await enhanced(prompt, "blue dog, collar, KEEP1X, red cat, whiskers, leash")
    assert bad.prompt == prompt


async def test_a_flawed_answer_may_add_only_what_is_harmless() -> None:
    said = "1girl, cyberpunk street, neon signs, neon lights, dragon, a cat, cat, dragon, highly detailed"
    result = await enhanced("cyberpunk street with neon signs", said)
    assert result.prompt == "cyberpunk street, neon signs, neon lights, highly detailed"


async def test_words_that_belong_together_stay_together_in_a_flawed_answer() -> None:
    result = await enhanced("two cats on a red sofa", "two cats, red, sofa, sofa, highly detailed")
    assert result.prompt == "two cats on a red sofa"


async def test_the_examples_shown_to_the_model_do_not_come_back_as_tags() -> None:
    result = await enhanced("a lake at dawn", "no humans, lake, dawn, roman numerals, gears, mist, calm water")
    assert result.prompt == "no humans, lake, dawn, mist, calm water"


async def test_the_model_sees_no_protected_syntax_and_is_stopped_when_it_repeats_itself() -> None:
    model = FakeChat(["cat, ", *(["cat, "] * 500)])
    await PromptService(lambda: model, SKETCHES.tags).enhance("a cat, (very secret:1.4), <lora:x:1>")
    assert model.asked[0][-1].content == "a cat, KEEP1X, KEEP2X"
    assert model.closed.is_set()


@pytest.mark.parametrize("error", [UpstreamTimeout("Too slow. Wait."), Unavailable("Gone. Start it.")])
async def test_a_failing_model_leaves_the_prompt_as_it_was(error: StudioError) -> None:
    result = await enhanced(GIRL, "1girl, silver hair, ", error)
    assert (result.prompt, result.changed) == (GIRL, False)
    assert error.detail in result.note


async def test_without_a_language_model_rules_write_the_tags_and_the_note_says_what_to_do() -> None:
    def nobody() -> ChatModel:
        raise Unavailable("Nobody can answer now. Start Ollama.")

    result = await PromptService(nobody, SKETCHES.tags).enhance("a cat on a red sofa at night")
    assert (result.prompt, result.changed, result.model) == ("cat on red couch, night", True, "")
    assert "by rules" in result.note
    assert "Start Ollama" in result.note


async def test_the_embedded_model_is_not_asked_for_rules_are_better() -> None:
    model = FakeChat(["nonsense"], name="tiny", backend="embedded")
    result = await PromptService(lambda: model, SKETCHES.tags).enhance(GIRL)
    assert (result.prompt, result.changed, result.model) == ("1girl, silver hair, sitting, cafe, night", True, "")
    assert "by rules" in result.note
    assert "tiny is too small" in result.note
    assert model.asked == []


@pytest.mark.parametrize("prompt", ["1girl, silver hair, masterpiece", "猫と赤い家", "x" * 9000])
async def test_what_the_rules_cannot_write_stays_and_says_so(prompt: str) -> None:
    model = FakeChat(backend="embedded")
    result = await PromptService(lambda: model, SKETCHES.tags).enhance(prompt)
    assert (result.prompt, result.changed) == (prompt, False)
    assert "stays as it is" in result.note


async def test_a_prompt_too_long_for_the_model_is_not_sent() -> None:
    model = FakeChat(["a, b"])
    result = await PromptService(lambda: model, SKETCHES.tags).enhance("fox " * 2000)
    assert result.prompt == "fox " * 2000
    assert "too long" in result.note
    assert model.asked == []


def test_nothing_secret_stands_in_the_instructions(pytestconfig: pytest.Config) -> None:
    from illustrious_studio.services import context_window, prompts

    texts: Sequence[str] = (prompts.INSTRUCTION, context_window.SYSTEM)
    for text in texts:
        assert not {"key", "token", "password", str(pytestconfig.rootpath)} & set(text.lower().split())
