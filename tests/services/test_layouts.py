"""Who lays a picture out: the words, a language model that can, and what happens to what it answers."""

import json

import pytest
from structlog.testing import capture_logs

from fakes import FakeChat
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.adapters.sketch.sprites import SpritePainter
from illustrious_studio.domain.errors import StudioError, Unavailable, UpstreamFailed, UpstreamTimeout
from illustrious_studio.domain.layout.values import MAX_THINGS, Placed
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.services.layouts import LaidOut, LayoutService, can_write_layouts
from illustrious_studio.services.sketch import SketchService
from ollama_server import Model, OllamaServer, Reply

SKETCHES = SketchService(SpritePainter())
PROMPT = "a catamaran beside a gazebo"
"""The rules know neither word."""


def thing(what: str = "sailboat", x: float = 0.5, y: float = 0.6, w: float = 0.4, h: float = 0.4) -> dict[str, object]:
    return {"what": what, "x": x, "y": y, "w": w, "h": h, "colour": ""}


def said(*things: object, background: str = "sea", time: str = "day") -> str:
    return json.dumps({"things": things, "background": background, "time": time})


def service(chat: FakeChat, patience: float = 60) -> LayoutService:
    return LayoutService(SKETCHES, lambda: chat, patience=patience)


async def written(answer: str, prompt: str = PROMPT, aspect: float = 1.0) -> LaidOut:
    return await service(FakeChat([answer])).lay_out(prompt, 7, aspect, "model")


def inside(one: Placed) -> bool:
    edges = (one.x - one.w / 2, one.x + one.w / 2, one.y - one.h / 2, one.y + one.h / 2)
    return all(-0.001 <= edge <= 1.001 for edge in edges)


def test_the_rules_do_not_know_the_words_of_these_tests() -> None:
    assert SKETCHES.layout(PROMPT, 1).unknown == ("catamaran", "gazebo")


async def test_words_that_the_rules_know_are_laid_out_without_a_model() -> None:
    chat = FakeChat()
    laid = await service(chat).lay_out("a cat and a dog", 7, 1.0)
    assert (laid.layout, laid.model, chat.asked) == (SKETCHES.layout("a cat and a dog", 7), "", [])


async def test_unknown_words_are_laid_out_by_a_model_that_can() -> None:
    chat = FakeChat([said(thing(), thing("tower", 0.8, 0.4, 0.2, 0.6) | {"what": "castle"})])
    laid = await service(chat).lay_out(PROMPT, 7, 1.0)
    assert (laid.layout.by, laid.model, laid.note) == ("model", "fake-chat", "")
    assert [one.what for one in laid.layout.things] == ["sailboat", "castle"]
    assert (laid.layout.background, laid.layout.unknown) == ("sea", ())
    told, asked = chat.asked[0]
    assert "sailboat, " in told.content
    assert PROMPT in asked.content
    assert chat.options[0].json_schema is not None
    assert chat.options[0].think is False


async def test_words_alone_ask_nobody() -> None:
    chat = FakeChat()
    laid = await service(chat).lay_out(PROMPT, 7, 1.0, "words")
    assert (laid.layout.by, laid.layout.unknown, chat.asked) == ("words", ("catamaran", "gazebo"), [])


async def test_the_embedded_model_is_not_asked_and_says_why_when_it_must() -> None:
    chat = FakeChat(backend="embedded")
    laid = await service(chat).lay_out(PROMPT, 7, 1.0)
    assert (laid.layout.by, laid.note, chat.asked) == ("words", "", [])
    with pytest.raises(Unavailable, match="too small"):
        await service(chat).lay_out(PROMPT, 7, 1.0, "model")


@pytest.mark.parametrize(
    ("backend", "state", "context", "can"),
    [
        ("ollama", "ready", 8192, True),
        ("openai", "ready", None, True),
        ("ollama", "loading", 8192, False),
        ("ollama", "ready", 2048, False),
        ("embedded", "ready", 8192, False),
    ],
)
def test_which_models_can(backend: str, state: str, context: int | None, can: bool) -> None:
    status = ModelStatus.model_validate({"backend": backend, "state": state, "context_length": context})
    assert can_write_layouts(status) is can


async def test_names_are_looked_up_loosely_and_nonsense_is_left_out() -> None:
    laid = await written(
        said(thing("kittens", 0.2), thing("a brown puppy", 0.5), thing("xqzzy", 0.8), thing("elefant", 0.8), "words", 7)
    )
    assert [(one.what, one.colour) for one in laid.layout.things] == [("cat", ""), ("dog", "brown"), ("elephant", "")]


async def test_boxes_come_into_the_frame_and_into_the_shape_of_their_drawing() -> None:
    laid = await written(said(thing("cat", 1.3, -0.2, 3, 0.5), thing("dog", 0, 1, 0, 0), thing("bus", 0.5, 0.5, 1, 1)))
    assert all(inside(one) for one in laid.layout.things)
    SKETCHES.check(laid.layout)
    for aspect in (0.5, 1.0, 2.0):
        bus = (await written(said(thing("bus", 0.5, 0.5, 1, 1)), aspect=aspect)).layout.things[0]
        known = next(one for one in SKETCHES.objects() if one.name == "bus")
        assert bus.w * aspect / bus.h == pytest.approx(known.aspect, rel=0.01)


@pytest.mark.parametrize("wrong", [None, "0.5", True, float("nan"), 55, -40])
async def test_a_thing_without_usable_numbers_is_left_out(wrong: object) -> None:
    laid = await written(said(thing("cat") | {"x": wrong}, thing("dog")))
    assert [one.what for one in laid.layout.things] == ["dog"]


async def test_what_is_said_twice_is_one_and_too_much_is_cut_off() -> None:
    laid = await written(said(thing("cat"), thing("cat"), thing("dog")))
    assert [one.what for one in laid.layout.things] == ["cat", "dog"]
    many = [thing("star", 0.1 + 0.03 * at, 0.1 + 0.8 * (at % 2), 0.1, 0.1) for at in range(28)]
    assert len((await written(said(*many))).layout.things) == MAX_THINGS


async def test_a_place_that_the_words_name_stays() -> None:
    laid = await written(said(thing()), "a catamaran in the desert at night")
    assert (laid.layout.background, laid.layout.time) == ("desert", "night")
    odd = await written(said(thing(), background="atlantis", time="noon"))
    assert (odd.layout.background, odd.layout.time) == ("white", "day")


@pytest.mark.parametrize(
    "around", ["<think>A boat {{}} needs a sea.</think>{}", "```json\n{}\n```", "Here you are:\n{}\nHave fun!"]
)
async def test_thoughts_and_fences_around_the_json_do_not_matter(around: str) -> None:
    laid = await written(around.format(said(thing())))
    assert [one.what for one in laid.layout.things] == ["sailboat"]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I am sorry.",
        "{",
        '{"things": 7}',
        '{"things": []}',
        '{"things": [null]}',
        "[1]",
        "[" * 9000,
        '{"a": ' * 9000,
    ],
)
async def test_garbage_is_an_error_and_leaves_it_to_the_words(answer: str) -> None:
    with pytest.raises(UpstreamFailed, match="fake-chat"):
        await written(answer)
    with capture_logs() as logs:
        laid = await service(FakeChat([answer])).lay_out(PROMPT, 7, 1.0)
    assert laid.layout == SKETCHES.layout(PROMPT, 7)
    assert "without the language model" in laid.note
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["layout left to the words"]


@pytest.mark.parametrize("error", [UpstreamFailed("It broke."), UpstreamTimeout("Silence."), Unavailable("Gone.")])
async def test_a_model_that_fails_leaves_it_to_the_words_and_that_is_said(error: StudioError) -> None:
    laid = await service(FakeChat(["{", error])).lay_out(PROMPT, 7, 1.0)
    assert (laid.layout.by, error.detail in laid.note) == ("words", True)
    with pytest.raises(type(error)):
        await service(FakeChat(["{", error])).lay_out(PROMPT, 7, 1.0, "model")


async def test_a_model_that_takes_too_long_is_stopped() -> None:
    chat = FakeChat(["{", "}"])
    chat.go_on.clear()
    with pytest.raises(UpstreamTimeout, match="took longer"):
        await service(chat, patience=0.05).lay_out(PROMPT, 7, 1.0, "model")
    assert chat.closed.is_set()
    laid = await service(chat, patience=0.05).lay_out(PROMPT, 7, 1.0)
    assert laid.layout.by == "words"


async def test_a_prompt_too_long_for_the_model_is_left_to_the_words() -> None:
    chat = FakeChat()
    laid = await service(chat).lay_out("a catamaran, " * 500, 7, 1.0)
    assert (laid.layout.by, "too long" in laid.note, chat.asked) == ("words", True, [])


async def test_an_ollama_server_writes_a_layout_and_its_failure_is_survived() -> None:
    async with OllamaServer([Model("llama3.2", context_length=8192)]) as server:
        chat = OllamaChat(server.url)
        try:
            await chat.check()
            layouts = LayoutService(SKETCHES, lambda: chat)
            server.say(*said(thing()).partition("sail"))
            laid = await layouts.lay_out(PROMPT, 7, 1.0)
            assert (laid.layout.by, laid.model) == ("model", "llama3.2")
            body = server.asked("/api/chat")[-1]
            assert body["format"]["properties"]["things"]["items"]["properties"]["what"]["enum"][0] == "smiley face"
            assert body["options"]["temperature"] == 0
            server.next("/api/chat", Reply(500, [b'{"error":"out of memory"}']))
            laid = await layouts.lay_out(PROMPT, 7, 1.0)
            assert (laid.layout.by, "out of memory" in laid.note) == ("words", True)
        finally:
            await chat.aclose()


async def test_people_look_as_the_words_say_wherever_a_model_puts_them() -> None:
    girl, boy = thing("girl", 0.2, 0.5, 0.3, 0.8), thing("man", 0.7, 0.5, 0.3, 0.8)
    prompt = "1girl, silver hair, 1boy, holding an umbrella, catamaran"
    laid = await written(said(girl, boy, thing("umbrella", 0.9), thing("woman", 0.5, 0.5, 0.3, 0.8)), prompt)
    first, second, _, other = laid.layout.things
    assert first.figure is not None
    assert second.figure is not None
    assert other.figure is not None
    assert (first.what, first.figure.hair, first.figure.framing) == ("girl", "silver", "full_body")
    assert (second.what, second.figure.holding) == ("boy", "")
    assert (other.what, other.figure.hair, other.figure.framing) == ("girl", "", "full_body")
