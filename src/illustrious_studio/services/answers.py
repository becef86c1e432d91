"""Answers of language models, cleaned and with their thoughts apart; and chats that come whole with each request.

Nothing is kept here. Sessions are in `chat.py`, which gets its answers through this, too.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from illustrious_studio.domain.chat import (
    AnswerEvent,
    Chances,
    ChatChunk,
    ChatModel,
    ChatOptions,
    ChatTurn,
    Ending,
    Retract,
    Thinking,
    Token,
)
from illustrious_studio.domain.embeddings import EmbeddingModel, Embeddings
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.thinking import ThinkingFilter
from illustrious_studio.services.models import ModelService


class AnswerService:
    """Has language models answer, each by its name."""

    def __init__(self, models: ModelService) -> None:
        self._models = models
        self._starts_thinking: set[str] = set()

    async def answer(
        self, name: str, turns: Sequence[ChatTurn], options: ChatOptions
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Answer a whole chat, event by event. Close it to stop the model (`contextlib.aclosing`).

        Raises NotFound for an unknown name, with the names there are, and what the model raises.
        """
        model = await self._models.language_model(name)
        async with aclosing(self.begin(model, name, turns, replace(options, model=name)).events()) as events:
            async for event in events:
                yield event

    def begin(self, model: ChatModel, name: str, turns: Sequence[ChatTurn], options: ChatOptions) -> "Answer":
        """An answer that can be read while it comes in; `name` is that of the model that answers."""
        return Answer(model, name, list(turns), options, self._starts_thinking)

    async def embed(self, name: str, texts: Sequence[str], dimensions: int | None = None) -> Embeddings:
        """A vector for each text. Raises NotFound, InvalidRequest (it makes none), and what the model raises."""
        model = await self._models.language_model(name)
        if not isinstance(model, EmbeddingModel):
            raise InvalidRequest(
                f"{name} makes no embeddings. Install a model that does in Ollama: `ollama pull embeddinggemma`."
            )
        return await model.embed(name, texts, dimensions)


class Answer:
    """One answer as it comes in: its text and thought so far, and for how long the model thought."""

    def __init__(
        self, model: ChatModel, name: str, turns: list[ChatTurn], options: ChatOptions, starts_thinking: set[str]
    ) -> None:
        self._model, self._name, self._turns, self._options = model, name, turns, options
        self._starts_thinking = starts_thinking
        self._filter = ThinkingFilter(starts_thinking=name in starts_thinking)
        self._began: float | None = None
        self._seconds = 0.0

    @property
    def text(self) -> str:
        return self._filter.text.rstrip()

    @property
    def thought(self) -> str:
        return self._filter.thought.strip()

    @property
    def thinking_seconds(self) -> float:
        return round(self._seconds, 1) if self.thought else 0.0

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        ending = Ending()
        untold = self._options.logprobs is not None
        try:
            async with aclosing(self._model.chat_completion(self._turns, self._options)) as chunks:
                async for chunk in chunks:
                    if chunk.chances:
                        untold = False
                        yield Chances(chunk.chances)
                    elif untold and chunk.text:  # most servers drop what they do not know, and say nothing
                        raise InvalidRequest(f"{self._name} does not tell log probabilities. Leave logprobs out.")
                    for event in self._events_of(chunk):
                        yield event
                    for call in chunk.tool_calls:
                        yield call
                    ending = chunk.ending or ending
            for event in self._filter.finish():
                yield event
        finally:
            if self._filter.closed_unopened:
                self._starts_thinking.add(self._name)
        yield ending

    def _events_of(self, chunk: ChatChunk) -> list[Token | Thinking | Retract]:
        if self._began is None:
            self._began = time.monotonic()
        events = self._filter.think(_clean(chunk.thinking)) if chunk.thinking else []
        if chunk.text:
            events += self._filter.feed(_clean(chunk.text))
        if any(isinstance(event, Thinking | Retract) for event in events):
            self._seconds = time.monotonic() - self._began
        return events


def _clean(text: str) -> str:
    """Without what no store can hold: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
