"""Answers that are being given. They belong to the studio, not to the page that asked: a refresh does not stop one.

A page follows a talk with `follow`; the talk itself ends when the answer is complete or somebody presses Stop.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from illustrious_studio.domain.chat import (
    ChatRequest,
    Done,
    DrawingStarted,
    DrawingStep,
    ImageReady,
    Notice,
    Retract,
    Thinking,
    Token,
)
from illustrious_studio.domain.pictures import OpenedPicture
from illustrious_studio.interfaces.web.error_handling import error_message
from illustrious_studio.interfaces.web.views.create import unknown_words
from illustrious_studio.services.studio import Studio

PAUSE = 0.05
"""Seconds between two updates of a page: tokens that come faster are shown together."""


@dataclass
class Talk:
    """One answer as it grows. `error` is the sentence to show when it failed."""

    said: str
    pictures: int = 0
    text: str = ""
    thinking: str = ""
    notices: list[str] = field(default_factory=list)
    job_id: str | None = None
    prompt: str = ""
    image_id: str | None = None
    error: str = ""
    over: bool = False
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def began(self) -> bool:
        return bool(self.text or self.thinking or self.job_id)

    def publish(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Talks:
    """The answers being given, one a session at most, and the last one of each for its notices."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._talks: dict[str, Talk] = {}

    def of(self, session_id: str) -> Talk | None:
        return self._talks.get(session_id)

    def start(self, request: ChatRequest, pictures: Sequence[OpenedPicture]) -> Talk:
        """Begin an answer; the one before in the same session is stopped."""
        self.stop(request.session_id)
        talk = Talk(said=request.message, pictures=len(pictures))
        self._talks[request.session_id] = talk
        talk.task = asyncio.create_task(self._listen(talk, request, pictures))
        return talk

    def stop(self, session_id: str) -> None:
        talk = self._talks.get(session_id)
        if talk is not None and talk.task is not None:
            talk.task.cancel()

    def forget(self, session_id: str) -> None:
        """The session was deleted."""
        self.stop(session_id)
        self._talks.pop(session_id, None)

    async def follow(self, talk: Talk) -> AsyncIterator[Talk]:
        """The talk each time it grew, not too often, the last time when it is over."""
        while not talk.over:
            changed = talk.changed
            yield talk
            await asyncio.sleep(PAUSE)
            if not talk.over:
                await changed.wait()
        yield talk

    async def _listen(self, talk: Talk, request: ChatRequest, pictures: Sequence[OpenedPicture]) -> None:
        try:
            async with aclosing(self._studio.chat.handle_chat(request, pictures, "chat")) as events:
                async for event in events:
                    match event:
                        case Token(text):
                            talk.text += text
                        case Thinking(text):
                            talk.thinking += text
                        case Retract():
                            talk.thinking, talk.text = talk.thinking + talk.text, ""
                        case Notice(text):
                            talk.notices.append(text)
                        case DrawingStarted(job_id, prompt):
                            talk.job_id, talk.prompt = job_id, prompt
                        case ImageReady(item):
                            talk.image_id = item.id
                            layout = item.metadata.request.layout
                            if layout and (words := unknown_words(layout, self._studio)):
                                talk.notices.append(words)
                        case DrawingStep() | Done():
                            continue
                    talk.publish()
        except Exception as error:  # noqa: BLE001 - the top of a task; `sentence` logs what is a bug
            talk.error = error_message(error)
        finally:
            talk.over = True
            talk.publish()
