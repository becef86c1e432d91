"""Chat sessions are kept, found, deleted and brought back."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.sessions import SqlSessions
from illustrious_studio.domain.chat import Message
from illustrious_studio.domain.errors import NotFound
from samples import NOON


@pytest.fixture
def sessions(database: Database) -> SqlSessions:
    return SqlSessions(database)


def message(content: str, session: str = "chat", name: str = "", second: float = 10**9, **fields: Any) -> Message:
    """Far in the future, unless given otherwise: after the session began."""
    at = NOON + timedelta(seconds=second)
    return Message(id=name or content, session_id=session, role="user", content=content, created_at=at, **fields)


async def test_what_was_said_is_there_after_a_restart(url: str) -> None:
    question = message("What is a cat?")
    answer = Message(
        id="answer", session_id="chat", role="assistant", content="An animal. 猫 \U0001f408", created_at=NOON,
        thinking="cat, hm", thinking_seconds=1.5, model="smollm2", state="interrupted", image_id="0" * 32,
    )  # fmt: skip
    async with Database(url) as database:
        await SqlSessions(database).ensure("chat")
        await SqlSessions(database).add(question)
        await SqlSessions(database).add(answer)
    async with Database(url) as database:
        assert await SqlSessions(database).messages("chat") == [question, answer]
        assert [(session.id, session.messages) for session in await SqlSessions(database).list()] == [("chat", 2)]


async def test_a_message_written_again_keeps_its_place(sessions: SqlSessions) -> None:
    await sessions.ensure("chat")
    for content in ("one", "two", "three"):
        await sessions.add(message(content))
    await sessions.add(message("two, complete", name="two"))
    assert [message.content for message in await sessions.messages("chat")] == ["one", "two, complete", "three"]
    assert (await sessions.list("complete"))[0].messages == 3


async def test_ensuring_twice_changes_nothing(sessions: SqlSessions) -> None:
    first = await sessions.ensure("chat", "About cats")
    assert await sessions.ensure("chat", "Something else") == first
    assert first.title == "About cats"


async def test_the_one_last_used_comes_first(sessions: SqlSessions) -> None:
    for name in ("a", "b", "c"):
        await sessions.ensure(name)
    await sessions.add(message("hello", "b", second=10**9))
    await sessions.add(message("hello again", "a", second=2 * 10**9))
    assert [session.id for session in await sessions.list()] == ["a", "b", "c"]


async def test_titles_and_messages_are_searched(sessions: SqlSessions) -> None:
    await sessions.ensure("a", "About cats")
    await sessions.ensure("b", "Dogs")
    await sessions.add(message("Which cats hunt rabbits?", "b"))
    await sessions.ensure("c", "Nothing")
    assert {session.id for session in await sessions.list("cat")} == {"a", "b"}
    assert [session.id for session in await sessions.list("rabbits hunt")] == ["b"]
    await sessions.rename("a", "About fish")
    assert [session.id for session in await sessions.list("cat")] == ["b"]
    assert [session.id for session in await sessions.list("fish")] == ["a"]


@pytest.mark.parametrize("typed", ['"', "(", "cat AND", "*", "%" * 60_000, "\0", "\ud800", "'; DROP TABLE sessions--"])
async def test_search_takes_anything_that_can_be_typed(sessions: SqlSessions, typed: str) -> None:
    await sessions.ensure("a", "About cats")
    await sessions.list(typed)
    assert len(await sessions.list()) == 1


async def test_a_deleted_session_is_gone_and_can_be_brought_back(sessions: SqlSessions) -> None:
    await sessions.ensure("chat", "About cats")
    await sessions.add(message("hello"))
    await sessions.delete("chat")
    assert await sessions.list() == await sessions.list("hello") == []
    for change in (sessions.messages("chat"), sessions.rename("chat", "x"), sessions.delete("chat")):
        with pytest.raises(NotFound):
            await change
    restored = await sessions.restore("chat")
    assert (restored.title, restored.messages) == ("About cats", 1)
    assert await sessions.list() == [restored]


async def test_an_answer_that_comes_after_the_deletion_is_kept_with_its_session(sessions: SqlSessions) -> None:
    await sessions.ensure("chat")
    await sessions.delete("chat")
    await sessions.add(message("late answer"))
    assert await sessions.list() == []
    assert (await sessions.restore("chat")).messages == 1


async def test_a_new_session_under_the_name_of_a_deleted_one_begins_empty(sessions: SqlSessions) -> None:
    await sessions.ensure("default")
    await sessions.add(message("something private", "default"))
    await sessions.delete("default")
    assert (await sessions.ensure("default")).messages == 0
    assert await sessions.messages("default") == []
    assert await sessions.list("private") == []


async def test_deleted_sessions_are_forgotten_after_seven_days(sessions: SqlSessions, database: Database) -> None:
    for name in ("old", "new"):
        await sessions.ensure(name)
        await sessions.add(message(f"hello {name}", name))
    await sessions.delete("old")
    eight_days = 8 * 24 * 3600 * 1_000_000
    await database.write(
        lambda connection: connection.execute(text(f"UPDATE sessions SET deleted_at = deleted_at - {eight_days}"))
    )
    await sessions.delete("new")
    assert (await sessions.restore("new")).messages == 1
    with pytest.raises(NotFound):
        await sessions.restore("old")
    left = await database.read(lambda connection: connection.execute(text("SELECT id FROM messages")).scalars().all())
    assert left == ["hello new"]


async def test_a_session_that_never_was_is_not_found(sessions: SqlSessions) -> None:
    with pytest.raises(NotFound):
        await sessions.add(message("hello", "nowhere"))
    for change in (sessions.messages("x"), sessions.rename("x", "y"), sessions.delete("x"), sessions.restore("x")):
        with pytest.raises(NotFound):
            await change
