"""Chat as a person meets it: answers, thoughts, stopping, failing, drawing, and what is left after a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from fakes import FakeChat, FakeEngine, FakeVision, gradient
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.sessions import SqlSessions
from illustrious_studio.domain.chat import (
    ChatEvent,
    ChatRequest,
    Done,
    DrawingStarted,
    DrawingStep,
    ImageReady,
    Message,
    Notice,
    Retract,
    Thinking,
    Token,
)
from illustrious_studio.domain.errors import (
    InvalidRequest,
    NotFound,
    NothingKnown,
    OutOfMemory,
    Unavailable,
    UpstreamFailed,
)
from illustrious_studio.domain.pictures import OpenedPicture
from illustrious_studio.services.chat import ChatService
from studio_for_tests import StudioForTests, studio_for_tests
from waiting import until

TAGS = "a red fox, snow, winter, forest, outdoors, highly detailed"


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[StudioForTests]:
    async with studio_for_tests(tmp_path) as opened:
        yield opened


async def heard(chat: ChatService, message: str, session_id: str = "default", **more: object) -> list[ChatEvent]:
    request = ChatRequest(message=message, session_id=session_id)
    return [event async for event in chat.handle_chat(request, **more)]  # type: ignore[arg-type]


async def history(chat: ChatService, session_id: str = "default") -> list[tuple[str, str, str]]:
    return [(one.role, one.content, one.state) for one in await chat.messages(session_id)]


async def test_an_answer_streams_and_is_kept(opened: StudioForTests) -> None:
    events = await heard(opened.studio.chat, "Hi")
    assert events[:-1] == [Token("Hello"), Token(" there"), Token(".")]
    assert isinstance(events[-1], Done)
    assert await history(opened.studio.chat) == [("user", "Hi", "complete"), ("assistant", "Hello there.", "complete")]
    assert events[-1].message == (await opened.studio.chat.messages("default"))[1]
    assert events[-1].message.model == "fake-chat"


async def test_the_model_is_told_what_was_said_before(opened: StudioForTests) -> None:
    await heard(opened.studio.chat, "My name is Mira")
    await heard(opened.studio.chat, "Who am I?")
    turns = opened.chat.asked[-1]
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user"]
    assert [turn.content for turn in turns[1:]] == ["My name is Mira", "Hello there.", "Who am I?"]
    await heard(opened.studio.chat, "And here?", "another")
    assert [turn.content for turn in opened.chat.asked[-1][1:]] == ["And here?"]


async def test_only_the_last_turns_that_fit_are_sent(opened: StudioForTests) -> None:
    for number in range(12):
        await heard(opened.studio.chat, f"{number} " + "words and more words " * 60)
    turns = opened.chat.asked[-1]
    assert 3 <= len(turns) < 24
    assert turns[-1].content.startswith("11 ")
    assert turns[-2].role == "assistant"
    assert turns[1].role == "user"
    assert sum(len(turn.content) for turn in turns) // 4 < 4096 - 256


async def test_a_message_longer_than_the_model_can_take_is_refused_but_kept(opened: StudioForTests) -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        await heard(opened.studio.chat, "9" * 5000)
    assert (await history(opened.studio.chat))[0][0] == "user"
    assert opened.chat.asked == []


async def test_thoughts_are_kept_beside_the_answer(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(["<thi", "nk>hm", "</think>\n", "Yes."])) as opened:
        events = await heard(opened.studio.chat, "Hi")
        assert events[:-1] == [Thinking("hm"), Token("Yes.")]
        message = (await opened.studio.chat.messages("default"))[1]
        assert (message.content, message.thinking) == ("Yes.", "hm")


async def test_a_thought_never_opened_is_taken_back_once_and_then_expected(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(["I wonder", "</think>", "Yes."])) as opened:
        first = await heard(opened.studio.chat, "Hi")
        assert first[:-1] == [Token("I wonder"), Retract(), Token("Yes.")]
        second = await heard(opened.studio.chat, "Again")
        assert second[:-1] == [Thinking("I wonder"), Token("Yes.")]
        for message in (await opened.studio.chat.messages("default"))[1::2]:
            assert (message.content, message.thinking) == ("Yes.", "I wonder")


async def test_an_answer_that_is_all_thought_says_so(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(["<think>on and on"])) as opened:
        events = await heard(opened.studio.chat, "Hi")
        assert isinstance(events[-2], Notice)
        message = (await opened.studio.chat.messages("default"))[1]
        assert (message.content, message.thinking) == ("", "on and on")


async def test_an_empty_answer_is_an_error_not_silence(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat([""])) as opened:
        with pytest.raises(UpstreamFailed):
            await heard(opened.studio.chat, "Hi")
        assert await history(opened.studio.chat) == [("user", "Hi", "complete")]


async def test_closing_stops_the_model_and_keeps_what_it_said(opened: StudioForTests) -> None:
    opened.chat.go_on.clear()
    async with aclosing(opened.studio.chat.handle_chat(ChatRequest(message="Hi"))) as events:
        async for event in events:
            if event == Token(" there"):
                break
    assert opened.chat.closed.is_set()
    assert (await history(opened.studio.chat))[1] == ("assistant", "Hello there", "interrupted")


async def test_cancelling_the_listener_keeps_what_was_said(opened: StudioForTests) -> None:
    opened.chat.go_on.clear()
    listening = asyncio.create_task(heard(opened.studio.chat, "Hi"))
    await opened.chat.speaking.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert (await history(opened.studio.chat))[1] == ("assistant", "Hello there", "interrupted")


async def test_a_model_that_breaks_off_leaves_its_words_and_raises(tmp_path: Path) -> None:
    broken = FakeChat(["Hel", "lo", UpstreamFailed("It broke. Try again.")])
    async with studio_for_tests(tmp_path, chat=broken) as opened:
        with pytest.raises(UpstreamFailed, match="It broke"):
            await heard(opened.studio.chat, "Hi")
        assert (await history(opened.studio.chat))[1] == ("assistant", "Hello", "interrupted")


async def test_without_a_model_the_message_is_kept_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(ready=False)) as opened:
        with pytest.raises(Unavailable, match=r"Start Ollama\."):
            await heard(opened.studio.chat, "Hi")
        assert await history(opened.studio.chat) == [("user", "Hi", "complete")]


async def test_two_messages_at_once_are_answered_one_after_the_other(opened: StudioForTests) -> None:
    opened.chat.go_on.clear()
    first = asyncio.create_task(heard(opened.studio.chat, "One"))
    await opened.chat.speaking.wait()
    second = asyncio.create_task(heard(opened.studio.chat, "Two"))
    await until(lambda: history(opened.studio.chat), lambda messages: len(messages) == 2)
    assert len(opened.chat.asked) == 1
    opened.chat.go_on.set()
    await asyncio.gather(first, second)
    assert [turn.content for turn in opened.chat.asked[1][1:]] == ["One", "Hello there.", "Two"]
    assert len(await history(opened.studio.chat)) == 4


async def test_a_session_is_named_by_its_first_message(opened: StudioForTests) -> None:
    chat = opened.studio.chat
    empty = await chat.create_session()
    assert empty.title == "New chat"
    await heard(chat, "Tell me\nabout foxes, please. " + "They are fascinating " * 10, empty.id)
    await heard(chat, "And wolves", empty.id)
    await heard(chat, "#generate a boat", "other")
    titles = {one.id: one.title for one in await chat.sessions()}
    assert titles[empty.id].startswith("Tell me about foxes, please. They are")
    assert len(titles[empty.id]) <= 64
    assert titles["other"] == "a boat"


async def test_sessions_can_be_renamed_deleted_and_brought_back(opened: StudioForTests) -> None:
    chat = opened.studio.chat
    await heard(chat, "Hi", "one")
    assert (await chat.rename("one", "  My\nchat ")).title == "My chat"
    with pytest.raises(InvalidRequest):
        await chat.rename("one", "  ")
    await chat.delete("one")
    with pytest.raises(NotFound):
        await chat.messages("one")
    await chat.restore("one")
    assert [one.title for one in await chat.sessions("chat")] == ["My chat"]
    assert len(await history(chat, "one")) == 2


async def test_what_a_model_says_is_kept_whatever_it_is(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(["nul\0 and \ud800half ", "\U0001f98a"])) as opened:
        await heard(opened.studio.chat, "Hi")
        assert (await history(opened.studio.chat))[1][1] == "nul and half \U0001f98a"


async def test_pictures_go_to_a_model_that_can_see_also_with_the_next_question(tmp_path: Path) -> None:
    picture = OpenedPicture(gradient(64, 48, 1), "PNG")
    async with studio_for_tests(tmp_path, chat=FakeChat(capabilities=("vision",))) as opened:
        await heard(opened.studio.chat, "What is this?", pictures=[picture])
        await heard(opened.studio.chat, "And its colour?")
        assert opened.chat.asked[0][-1].pictures == (picture.picture,)
        assert [len(turn.pictures) for turn in opened.chat.asked[1]] == [0, 1, 0, 0]


async def test_where_the_model_cannot_see_the_vision_model_answers_and_is_named(opened: StudioForTests) -> None:
    picture = OpenedPicture(gradient(64, 48, 1), "PNG", {"parameters": "a fox"})
    events = await heard(opened.studio.chat, "What is this?", pictures=[picture])
    assert [type(event) for event in events] == [Token, Token, Done]
    answer = (await opened.studio.chat.messages("default"))[-1]
    assert (answer.content, answer.model, answer.state) == ("What is this?: 64 x 48", "fake-eyes", "complete")
    assert opened.vision.shown == [picture]
    assert opened.chat.asked == []


async def test_the_next_question_about_that_picture_goes_to_it_too_and_any_other_does_not(
    opened: StudioForTests,
) -> None:
    picture = OpenedPicture(gradient(64, 48, 1), "PNG", {"parameters": "a fox"})
    await heard(opened.studio.chat, "What is this?", pictures=[picture])
    await heard(opened.studio.chat, "What colour has the picture?")
    await heard(opened.studio.chat, "Thank you.")
    await heard(opened.studio.chat, "Is the picture nice?", "another")
    models = [message.model for message in await opened.studio.chat.messages("default")]
    assert models == ["", "fake-eyes", "", "fake-eyes", "", "fake-chat"]
    assert [one.text for one in opened.vision.shown] == [picture.text] * 2
    assert len(opened.chat.asked) == 2


async def test_a_question_that_goes_on_from_an_answer_about_a_picture_goes_to_the_vision_model(
    opened: StudioForTests,
) -> None:
    picture = OpenedPicture(gradient(64, 48, 1), "PNG", {"parameters": "a fox"})
    said = [
        "What is this?", "and what colour is its hat?", "Is she smiling?", "Is the answer 64?",
        "Write a poem about it.", "Is it good?",
    ]  # fmt: skip
    await heard(opened.studio.chat, said[0], pictures=[picture])
    for question in said[1:]:
        await heard(opened.studio.chat, question)
    models = [message.model for message in await opened.studio.chat.messages("default") if message.role == "assistant"]
    assert models == ["fake-eyes", "fake-eyes", "fake-eyes", "fake-chat", "fake-chat", "fake-chat"]


async def test_a_thank_you_in_between_changes_no_subject(opened: StudioForTests) -> None:
    await heard(opened.studio.chat, "What is this?", pictures=[OpenedPicture(gradient(64, 48, 1), "PNG")])
    for said in ("Thanks, nice!", "And what colour is its hat?"):
        await heard(opened.studio.chat, said)
    answers = [message.model for message in await opened.studio.chat.messages("default") if message.role == "assistant"]
    assert answers == ["fake-eyes", "fake-chat", "fake-eyes"]


@pytest.mark.parametrize("question", ["How do I use it?", "What time is it?", "Who wrote Faust?", "Thank you."])
async def test_any_other_question_after_it_goes_to_the_chat_model(opened: StudioForTests, question: str) -> None:
    await heard(opened.studio.chat, "What is this?", pictures=[OpenedPicture(gradient(64, 48, 1), "PNG")])
    await heard(opened.studio.chat, question)
    assert (await opened.studio.chat.messages("default"))[-1].model == "fake-chat"


async def test_several_pictures_are_answered_one_after_the_other(opened: StudioForTests) -> None:
    pictures = [OpenedPicture(gradient(64, side, 1), "PNG") for side in (48, 32)]
    await heard(opened.studio.chat, "Size", pictures=pictures)
    answer = (await opened.studio.chat.messages("default"))[-1].content
    assert answer == "**Picture 1.** Size: 64 x 48\n\n**Picture 2.** Size: 64 x 32"


async def test_a_picture_that_nobody_can_see_is_said_so(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, vision=FakeVision(ready=False)) as opened:
        picture = OpenedPicture(gradient(64, 48, 1), "PNG")
        events = await heard(opened.studio.chat, "What is this?", pictures=[picture])
        assert isinstance(events[0], Notice)
        assert "cannot see pictures and answers to the words alone" in events[0].text
        assert "ollama pull" in events[0].text
        assert opened.chat.asked[0][-1].pictures == ()


async def test_the_embedded_model_gets_no_system_prompt_but_its_own(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(backend="embedded")) as opened:
        await heard(opened.studio.chat, "Hello?")
        assert [turn.role for turn in opened.chat.asked[0]] == ["user"]


@pytest.mark.parametrize("message", ["#generate", "#generate   ", "#GENERATE:", "#help", "#draw a cat"])
async def test_a_command_without_words_or_unknown_is_explained(opened: StudioForTests, message: str) -> None:
    events = await heard(opened.studio.chat, message)
    assert isinstance(events[0], Token)
    assert "#generate a red fox" in events[0].text
    assert isinstance(events[1], Done)
    assert opened.studio.jobs.active() == []
    assert opened.engine.plans == []
    assert opened.chat.asked == []


@pytest.mark.parametrize(
    "message", ["# Heading", "#1 is it?", "I like #generate", "#include <stdio.h>", "#todo buy milk"]
)
async def test_a_hash_alone_is_no_command(opened: StudioForTests, message: str) -> None:
    assert Token("Hello") in await heard(opened.studio.chat, message)


@pytest.mark.parametrize(
    "message", ["#generate a red fox in snow", "#Generate: a red fox in snow", "#generate\na red fox in snow"]
)
async def test_generate_draws_with_a_better_prompt_and_leads_back(tmp_path: Path, message: str) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat([TAGS])) as opened:
        events = await heard(opened.studio.chat, message, "foxes", way="chat")
        started = next(event for event in events if isinstance(event, DrawingStarted))
        assert started.prompt == "red fox, snow, winter, forest, outdoors, highly detailed"
        steps = [event.step for event in events if isinstance(event, DrawingStep)]
        assert steps[-1] == opened.studio.models.checkpoint().steps
        ready, done = events[-2:]
        assert isinstance(ready, ImageReady)
        assert isinstance(done, Done)
        item = await opened.studio.gallery.get(ready.item.id)
        assert item.metadata.request.prompt == started.prompt
        assert item.metadata.origin.words == "a red fox in snow"
        assert item.metadata.origin.session_id == "foxes"
        assert item.metadata.origin.message_id == done.message.id
        said, shown = await opened.studio.chat.messages("foxes")
        assert said.content == message
        assert (shown.image_id, shown.job_id, shown.content) == (
            item.id, started.job_id, f"Here is your picture: {started.prompt}",
        )  # fmt: skip


async def test_a_prompt_that_could_not_be_enhanced_is_drawn_as_it_is_and_that_is_said(opened: StudioForTests) -> None:
    events = await heard(opened.studio.chat, "#generate a boat")
    assert isinstance(events[0], Notice)
    assert "stays as it is" in events[0].text
    assert opened.engine.plans[0].request.prompt == "a boat"


async def test_drawing_needs_no_language_model(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(ready=False)) as opened:
        events = await heard(opened.studio.chat, "#generate a boat")
        assert isinstance(events[-2], ImageReady)


async def test_the_drawing_message_is_kept_before_the_picture_is_there(opened: StudioForTests) -> None:
    opened.engine.go_on.clear()
    async with aclosing(opened.studio.chat.handle_chat(ChatRequest(message="#generate a boat"))) as events:
        async for event in events:
            if isinstance(event, DrawingStarted):
                message = (await opened.studio.chat.messages("default"))[1]
                assert (message.job_id, message.image_id) == (event.job_id, None)
                opened.engine.go_on.set()


async def test_a_drawing_goes_on_when_nobody_listens_and_its_message_is_filled_in(opened: StudioForTests) -> None:
    opened.engine.go_on.clear()
    async with aclosing(opened.studio.chat.handle_chat(ChatRequest(message="#generate a boat"))) as events:
        job_id = (await _started(events)).job_id
    assert (await opened.studio.chat.messages("default"))[1].image_id is None
    opened.engine.go_on.set()
    item = await opened.studio.jobs.wait(job_id)
    assert (await opened.studio.chat.messages("default"))[1].image_id == item.id


async def _started(events: AsyncIterator[ChatEvent]) -> DrawingStarted:
    async for event in events:
        if isinstance(event, DrawingStarted):
            return event
    raise AssertionError("nothing was drawn")


async def test_a_chat_is_not_held_up_by_its_drawing(opened: StudioForTests) -> None:
    opened.engine.go_on.clear()
    drawing = asyncio.create_task(heard(opened.studio.chat, "#generate a boat"))
    await opened.engine.drawing.wait()
    assert Token("Hello") in await heard(opened.studio.chat, "Meanwhile, hi")
    opened.engine.go_on.set()
    assert isinstance((await drawing)[-1], Done)


async def test_a_failed_drawing_raises_and_its_message_says_why(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.faults = [OutOfMemory("It does not fit. Draw smaller.")]
    async with studio_for_tests(tmp_path, engine=engine) as opened:
        with pytest.raises(OutOfMemory):
            await heard(opened.studio.chat, "#generate a boat")
        message = (await opened.studio.chat.messages("default"))[1]
        assert message.content == "The picture was not drawn. It does not fit. Draw smaller."
        assert message.job_id is None


async def test_a_drawing_that_cannot_start_leaves_a_message_that_says_why(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, engine=FakeEngine(ready=False)) as opened:
        with pytest.raises(Unavailable):
            await heard(opened.studio.chat, "#generate a boat")
        assert "not drawn" in (await history(opened.studio.chat))[1][1]


async def test_who_waits_in_the_queue_is_told(opened: StudioForTests) -> None:
    opened.engine.go_on.clear()
    first = asyncio.create_task(heard(opened.studio.chat, "#generate a boat", "one"))
    await opened.engine.drawing.wait()
    told: list[str] = []
    async with aclosing(
        opened.studio.chat.handle_chat(ChatRequest(message="#generate a cat", session_id="two"))
    ) as events:
        async for event in events:
            if isinstance(event, Notice):
                told.append(event.text)
                if "drawn first" in event.text:
                    opened.engine.go_on.set()
    assert "1 picture is drawn first." in told
    await first


async def test_after_a_restart_talks_are_there_and_an_unfinished_drawing_comes_through(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as opened:
        await heard(opened.studio.chat, "Remember me")
        opened.engine.go_on.clear()
        drawing = asyncio.create_task(heard(opened.studio.chat, "#generate a boat"))
        await opened.engine.drawing.wait()
        drawing.cancel()
    async with studio_for_tests(tmp_path) as opened:
        before = await opened.studio.chat.messages("default")
        assert [one.content for one in before[:2]] == ["Remember me", "Hello there."]
        job_id = before[3].job_id
        assert job_id is not None
        item = await opened.studio.jobs.wait(job_id)
        assert (await opened.studio.chat.messages("default"))[3].image_id == item.id


async def test_a_drawing_whose_job_is_gone_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as opened:
        events = await heard(opened.studio.chat, "Hi")
        assert isinstance(events[-1], Done)
    async with Database(f"sqlite:///{tmp_path / 'studio.db'}") as database:
        lost = Message(**events[-1].message.model_dump() | {"content": "Drawing: a boat", "job_id": "gone"})
        await SqlSessions(database).add(lost)
    async with studio_for_tests(tmp_path) as opened:
        assert "not drawn" in (await history(opened.studio.chat))[1][1]


async def test_words_that_are_not_drawn_are_named_when_the_drawing_begins(opened: StudioForTests) -> None:
    events = await heard(opened.studio.chat, "#generate 1girl, silver hair, looking at viewer, masterpiece")
    started = next(at for at, event in enumerate(events) if isinstance(event, DrawingStarted))
    assert events[started + 1] == Notice("Not drawn: looking at viewer, masterpiece.")


async def test_words_of_which_none_is_known_are_not_drawn_and_the_message_says_so(opened: StudioForTests) -> None:
    await heard(opened.studio.chat, "Hello")
    with pytest.raises(NothingKnown):
        await heard(opened.studio.chat, "#generate masterpiece, best quality")
    *_, answered = await opened.studio.chat.messages("default")
    assert answered.content.startswith("The picture was not drawn. There is no drawing for any of this: masterpiece")


async def test_a_chat_that_would_begin_with_a_refused_drawing_does_not_begin(opened: StudioForTests) -> None:
    for words in ("#generate masterpiece, best quality", "#generate <lora:x:1> a cat"):
        with pytest.raises(InvalidRequest):
            await heard(opened.studio.chat, words)
    assert await opened.studio.chat.sessions() == []
    created = await opened.studio.chat.create_session()
    with pytest.raises(NothingKnown):
        await heard(opened.studio.chat, "#generate masterpiece", created.id)
    assert [one.id for one in await opened.studio.chat.sessions()] == [created.id]


async def test_with_the_embedded_model_rules_write_the_tags_of_a_drawing(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, chat=FakeChat(backend="embedded")) as opened:
        events = await heard(opened.studio.chat, "#generate a cat sleeping on a red sofa at night")
        started = next(event for event in events if isinstance(event, DrawingStarted))
        assert started.prompt == "cat, sleeping, red couch, night"
        assert opened.chat.asked == []
