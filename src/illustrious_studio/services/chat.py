"""Chat: keeps the messages, has a model answer them, and draws when one begins with `#generate`.

Where the chat model cannot see, a message with pictures is answered by the vision model in use, under its name.

Two messages at once in one session are answered one after the other; a drawing holds nobody up. Who stops listening
stops the model (its answer so far is kept as `interrupted`), but not a drawing: that goes on, and its message is
completed when the session is next read.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal
from weakref import WeakValueDictionary

import structlog

from illustrious_studio.domain.chat import (
    NEW_CHAT,
    ChatEvent,
    ChatModel,
    ChatOptions,
    ChatRequest,
    Done,
    DrawingStarted,
    DrawingStep,
    ImageReady,
    Message,
    Notice,
    Retract,
    Session,
    SessionStore,
    Thinking,
    Token,
)
from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError, Unavailable, UpstreamFailed
from illustrious_studio.domain.images import Origin
from illustrious_studio.domain.jobs import Job, Once
from illustrious_studio.domain.pictures import OpenedPicture
from illustrious_studio.services.answers import AnswerService
from illustrious_studio.services.context_window import SYSTEM, RecentPictures, trim_history
from illustrious_studio.services.images import ImageService
from illustrious_studio.services.jobs import JobQueue
from illustrious_studio.services.prompts import NOTHING_TO_WRITE, PromptService
from illustrious_studio.services.vision import VisionService

log = structlog.get_logger(__name__)

Way = Literal["api", "chat", "cli"]

LONGEST_TITLE = 60
COMMAND = re.compile(r"\s*#([a-z][\w-]*):?(?:\s+(.*))?\s*", re.IGNORECASE | re.DOTALL)
MEANT = ("generate", "draw", "imagine", "image", "picture", "help")
HOW_TO_DRAW = (
    "Write what to draw after `#generate`, for example: `#generate a red fox in the snow`. "
    "The picture then stands here, and in the gallery."
)


def _now() -> datetime:
    return datetime.now(UTC)


class ChatService:
    """Chats, and keeps the sessions."""

    def __init__(
        self,
        chat_model: Callable[[], ChatModel],
        answers: AnswerService,
        sessions: SessionStore,
        images: ImageService,
        jobs: JobQueue,
        prompts: PromptService,
        vision: VisionService,
        *,
        enhance: bool,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._chat_model = chat_model
        self._answers = answers
        self._sessions = sessions
        self._images = images
        self._jobs = jobs
        self._prompts = prompts
        self._vision = vision
        self._enhance = enhance
        self._clock = clock
        self._answering: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._recent = RecentPictures()
        self._keeping: set[asyncio.Task[None]] = set()

    async def handle_chat(
        self,
        request: ChatRequest,
        pictures: Sequence[OpenedPicture] = (),
        way: Way = "api",
        *,
        once: Once | None = None,
    ) -> AsyncGenerator[ChatEvent, None]:
        """Answer a message, event by event; the last event is Done. Close it to stop (`contextlib.aclosing`).

        The message is kept before anything is answered to it. With `once` a message that draws is drawn, and stands in
        the chat, once, however often it comes. Raises what the model raises, or the drawing;
        Conflict when the key of `once` came with another request. A chat that would begin with a refused drawing does
        not begin.
        """
        command = _command(request.message)
        if command is None:
            once = None
        if once is not None:
            await self._jobs.known(once, 1)  # a key that was another request's is refused before anything is kept
        user_message = Message(
            id=once.message_id("user") if once else uuid.uuid4().hex,
            session_id=request.session_id,
            role="user",
            content=request.message,
            created_at=self._clock(),
        )
        if command is None:
            # The history is read first, and the model begins while the message is written down: on a slow
            # disk that takes longer than all the rest.
            history = asyncio.create_task(self._history(user_message))
            kept = self._in_background(self._sessions.add_user_message(user_message, _title(user_message.content)))
            events = self._answer(request, user_message, pictures, history, kept)
        else:
            begins = not await self._is_kept(request.session_id)
            kept = self._in_background(self._sessions.add_user_message(user_message, _title(user_message.content)))
            await asyncio.shield(kept)
            events = self._run_command(user_message, command, way, once, begins=begins)
        try:
            async with aclosing(events):
                async for event in events:
                    await asyncio.shield(kept)
                    yield event
        finally:
            await asyncio.shield(kept)

    async def sessions(self, query: str = "") -> list[Session]:
        """Not deleted, the one last used first; `query` searches titles and messages."""
        return await self._sessions.list(query)

    async def messages(self, session_id: str) -> list[Message]:
        """The messages, oldest first. Drawings that ended while nobody listened are filled in. Raises NotFound."""
        return [await self._settled(message) for message in await self._sessions.messages(session_id)]

    async def create_session(self) -> Session:
        """An empty session; its title comes from the first message."""
        return await self._sessions.ensure(uuid.uuid4().hex, NEW_CHAT)

    async def rename(self, session_id: str, title: str) -> Session:
        """Raises NotFound, and InvalidRequest for an empty title."""
        title = " ".join(title.replace("\0", " ").split())[:200]
        if not title:
            raise InvalidRequest("The title is empty. Write at least one letter.")
        return await self._sessions.rename(session_id, title)

    async def delete(self, session_id: str) -> None:
        """Put a session out of sight; `restore` brings it back. Raises NotFound."""
        await self._sessions.delete(session_id)

    async def restore(self, session_id: str) -> Session:
        """Raises NotFound."""
        return await self._sessions.restore(session_id)

    async def settle(self) -> None:
        """Wait until every message is kept; to be called before the store closes."""
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _is_kept(self, session_id: str) -> bool:
        try:
            await self._sessions.messages(session_id)
        except NotFound:
            return False
        return True

    async def _history(self, user_message: Message) -> list[Message]:
        try:
            return await self._sessions.messages(user_message.session_id)
        except NotFound:  # it begins with this message
            return []

    def _run_command(
        self, user_message: Message, command: re.Match[str], way: Way, once: Once | None, *, begins: bool
    ) -> AsyncGenerator[ChatEvent, None]:
        if command[1].lower() != "generate":
            return self._explain(user_message, f"There is no command #{command[1]}. {HOW_TO_DRAW}")
        return (
            self._draw(user_message, command[2].strip(), way, once, begins=begins)
            if command[2]
            else self._explain(user_message, HOW_TO_DRAW)
        )

    async def _answer(
        self,
        request: ChatRequest,
        user_message: Message,
        pictures: Sequence[OpenedPicture],
        history: asyncio.Task[list[Message]],
        kept: asyncio.Task[None],
    ) -> AsyncGenerator[ChatEvent, None]:
        lock = self._answering.setdefault(user_message.session_id, asyncio.Lock())
        waits = lock.locked()
        async with lock:
            messages = await history
            if waits:  # the answer that was waited for belongs to it
                await asyncio.shield(kept)
                messages = await self._history(user_message)
            model = self._chat_model()
            status = model.status
            can_see = "vision" in status.capabilities
            if pictures:
                await self._recent.add(user_message, pictures)
            if not can_see:
                meant = pictures or self._recent.meant_by(user_message, messages)
                try:
                    seen = await self._vision.stream_each(meant, user_message.content) if meant else None
                except Unavailable as error:
                    seen = None
                    yield Notice(f"{status.model} cannot see pictures and answers to the words alone. {error.detail}")
                if seen is not None:
                    async for said in self._look(user_message, *seen):
                        yield said
                    return
            turns = trim_history(
                messages,
                user_message,
                context=status.context_length,
                reserve=request.max_tokens,
                pictures=self._recent.of(user_message.session_id) if can_see else {},
                # The embedded model's adapter has a system prompt that fits it, and what it must not make up.
                system="" if status.backend == "embedded" else SYSTEM,
            )
            options = ChatOptions(temperature=request.temperature, max_tokens=request.max_tokens, own_rules=True)
            answer = self._answers.begin(model, status.model, turns, options)
            state: Literal["complete", "interrupted"] = "interrupted"
            message = self._message(user_message, "", model=status.model)
            try:
                async with aclosing(answer.events()) as events:
                    async for event in events:
                        if isinstance(event, Token | Thinking | Retract):
                            yield event
                state = "complete"
            finally:
                kept_words = {
                    "content": answer.text,
                    "thinking": answer.thought,
                    "thinking_seconds": answer.thinking_seconds,
                }
                message = message.model_copy(update={"state": state, **kept_words})
                if message.content or message.thinking:
                    await self._keep(message)
            if not message.content:
                if not message.thinking:
                    raise UpstreamFailed(f"{status.model} gave an empty answer. Ask again, or ask differently.")
                yield Notice(f"{status.model} thought, but did not get to an answer. Allow more tokens, or ask again.")
            yield Done(message)

    async def _look(
        self, user_message: Message, name: str, pieces: AsyncGenerator[str, None]
    ) -> AsyncGenerator[ChatEvent, None]:
        """The vision model's answer, under its name."""
        message, text = self._message(user_message, "", model=name), ""
        state: Literal["complete", "interrupted"] = "interrupted"
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    text += piece
                    yield Token(piece)
            state = "complete"
        finally:
            message = message.model_copy(update={"content": text.strip(), "state": state})
            if message.content:
                self._recent.answered(message)
                await self._keep(message)
        if not message.content:
            raise UpstreamFailed(f"{name} said nothing about the picture. Ask again, or ask differently.")
        yield Done(message)

    async def _draw(
        self, user_message: Message, words: str, way: Way, once: Once | None, *, begins: bool
    ) -> AsyncGenerator[ChatEvent, None]:
        prompt = words
        if self._enhance and not (once and await self._jobs.known(once, 1)):
            enhanced = await self._prompts.enhance(words)
            prompt = enhanced.prompt
            if not enhanced.changed and enhanced.note != NOTHING_TO_WRITE:  # tags that are tags are no news
                yield Notice(enhanced.note)
        message = self._message(user_message, f"Drawing: {prompt}")
        if once is not None:
            message = message.model_copy(update={"id": once.message_id("assistant")})
        origin = Origin(way=way, words=words, session_id=user_message.session_id, message_id=message.id)
        try:
            (job,) = await self._images.start_images(self._images.suggested(prompt), 1, origin, once=once)
        except StudioError as error:
            if begins and isinstance(error, InvalidRequest):  # a chat in which nothing was said but this is none
                await asyncio.shield(self._in_background(self._sessions.delete(user_message.session_id)))
            else:
                await self._keep(_not_drawn(message, error.detail))
            raise
        prompt = job.request.prompt
        message = message.model_copy(update={"content": f"Drawing: {prompt}", "job_id": job.id})
        await self._keep(message)
        yield DrawingStarted(job.id, prompt)
        if words_left := self._images.not_drawn(job):
            yield Notice(f"{words_left}.")
        waits = held_up = False
        async for progress in self._jobs.watch(job.id):
            if progress.held_up and not held_up:
                held_up = True
                yield Notice(f"The picture waits. {progress.held_up}")
            elif progress.job.state == "queued" and progress.ahead and not waits:
                waits = True
                yield Notice(f"{progress.ahead} {'picture is' if progress.ahead == 1 else 'pictures are'} drawn first.")
            if progress.job.state == "running":
                yield DrawingStep(job.id, progress.step, progress.steps, progress.preview)
        try:
            item = await self._jobs.wait(job.id)
        except StudioError as error:
            await self._keep(_not_drawn(message, error.detail))
            raise
        message = _drawn(message, prompt, item.id)
        await self._keep(message)
        yield ImageReady(item)
        yield Done(message)

    async def _explain(self, user_message: Message, text: str) -> AsyncGenerator[ChatEvent, None]:
        message = self._message(user_message, text)
        await self._keep(message)
        yield Token(text)
        yield Done(message)

    async def _settled(self, message: Message) -> Message:
        """A message whose drawing ended while nobody listened, as it should stand; and kept like that."""
        if message.job_id is None or message.image_id is not None:
            return message
        try:
            job: Job | None = (await self._jobs.progress(message.job_id)).job
        except NotFound:
            job = None
        if job is not None and not job.finished:
            return message
        if job is not None and job.image_id is not None:
            message = _drawn(message, job.request.prompt, job.image_id)
        else:
            message = _not_drawn(message, job.error if job else "Its job is gone. Draw it again.")
        await self._keep(message)
        return message

    def _message(self, user_message: Message, content: str, *, model: str = "") -> Message:
        return Message(
            id=uuid.uuid4().hex,
            session_id=user_message.session_id,
            role="assistant",
            content=content,
            created_at=self._clock(),
            model=model,
        )

    async def _keep(self, message: Message) -> None:
        """Store it, even when the listener goes away in this moment."""
        await asyncio.shield(self._in_background(self._sessions.add(message)))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return task


def _command(message: str) -> re.Match[str] | None:
    """`#generate`, or what was surely meant to be it. Other words after a `#` (`#include`, `#todo`) are just words."""
    found = COMMAND.fullmatch(message)
    return found if found and get_close_matches(found[1].lower(), MEANT, cutoff=0.75) else None


def _title(message: str) -> str:
    """The first words of a session, as its title."""
    command = _command(message)
    words = " ".join(((command[2] or command[1]) if command else message).split())
    if len(words) <= LONGEST_TITLE:
        return words
    return words[:LONGEST_TITLE].rpartition(" ")[0].rstrip(".,;: ") + " ..." if " " in words else words[:LONGEST_TITLE]


def _drawn(message: Message, prompt: str, image_id: str) -> Message:
    return message.model_copy(update={"content": f"Here is your picture: {prompt}", "image_id": image_id})


def _not_drawn(message: Message, why: str) -> Message:
    content = f"The picture was not drawn. {why}"
    return message.model_copy(update={"content": content, "job_id": None, "state": "interrupted"})
