"""Answers that are being given. They belong to the studio, not to the page that asked: a refresh does not stop one.

A page follows one with `follow`; it ends by itself when the answer is complete or somebody presses Stop.
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
from illustrious_studio.services.studio import Studio

PAUSE = 0.05
"""Seconds between two updates of a page: tokens that come faster are shown together."""


@dataclass
class Generation:
    """One answer as it grows. `error` is the sentence to show when it failed."""

    user_message: str
    pictures: int = 0
    text: str = ""
    thinking: str = ""
    notices: list[str] = field(default_factory=list)
    job_id: str | None = None
    prompt: str = ""
    image_id: str | None = None
    error: str = ""
    finished: bool = False
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def began(self) -> bool:
        return bool(self.text or self.thinking or self.job_id)

    def publish(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class ActiveReplies:
    """The answers being given, one a session at most, and the last one of each for its notices."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._generations: dict[str, Generation] = {}

    def of(self, session_id: str) -> Generation | None:
        return self._generations.get(session_id)

    def start(self, request: ChatRequest, pictures: Sequence[OpenedPicture]) -> Generation:
        """Begin an answer; the one before in the same session is stopped."""
        self.stop(request.session_id)
        generation = Generation(user_message=request.message, pictures=len(pictures))
        self._generations[request.session_id] = generation
        generation.task = asyncio.create_task(self._listen(generation, request, pictures))
        return generation

    def stop(self, session_id: str) -> None:
        generation = self._generations.get(session_id)
        if generation is not None and generation.task is not None:
            generation.task.cancel()

    def forget(self, session_id: str) -> None:
        """The session was deleted."""
        self.stop(session_id)
        self._generations.pop(session_id, None)

    async def follow(self, generation: Generation) -> AsyncIterator[Generation]:
        """The answer each time it grew, not too often, the last time when it is finished."""
        while not generation.finished:
            changed = generation.changed
            yield generation
            await asyncio.sleep(PAUSE)
            if not generation.finished:
                await changed.wait()
        yield generation

    async def _listen(self, generation: Generation, request: ChatRequest, pictures: Sequence[OpenedPicture]) -> None:
        try:
            async with aclosing(self._studio.chat.handle_chat(request, pictures, "chat")) as events:
                async for event in events:
                    match event:
                        case Token(text):
                            generation.text += text
                        case Thinking(text):
                            generation.thinking += text
                        case Retract():
                            generation.thinking, generation.text = generation.thinking + generation.text, ""
                        case Notice(text):
                            generation.notices.append(text)
                        case DrawingStarted(job_id, prompt):
                            generation.job_id, generation.prompt = job_id, prompt
                        case ImageReady(item):
                            generation.image_id = item.id
                        case DrawingStep() | Done():
                            continue
                    generation.publish()
        except Exception as error:  # noqa: BLE001 - the top of a task; `error_message` logs what is a bug
            generation.error = error_message(error)
        finally:
            generation.finished = True
            generation.publish()
