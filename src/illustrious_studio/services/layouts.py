"""Who lays a picture out: the rules that read the words or, when those do not know some of them, a language model.

What a model answers is read in `domain/layout/from_llm`. It is never needed: without a model that can, the words
decide.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

import structlog
from pydantic import Field

from illustrious_studio.domain.chat import ChatModel, ChatOptions, ChatTurn
from illustrious_studio.domain.errors import StudioError, Unavailable, UpstreamFailed, UpstreamTimeout
from illustrious_studio.domain.layout.from_llm import Drawings, answer_schema, instruction, question, read_answer
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.loras import without_loras
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.textual_inversion import pieces
from illustrious_studio.domain.thinking import ThinkingFilter
from illustrious_studio.domain.values import Value
from illustrious_studio.services.context_window import estimated_tokens
from illustrious_studio.services.embeddings import EmbeddingService
from illustrious_studio.services.guesses import GuessService
from illustrious_studio.services.sketch import PAINTED_COLOURS, SketchService

log = structlog.get_logger(__name__)

PATIENCE = 20.0
LONGEST_ANSWER = 1500
SMALLEST_CONTEXT = 4096
LONGEST_PROMPT = 800
"""Tokens of the words that fit beside the names of everything and the answer, in the smallest context."""

By = Literal["auto", "words", "model"]


class LaidOut(Value):
    """A layout, and how it came about. `layout.by` says who wrote it."""

    layout: Layout
    model: str = Field("", description="The language model that wrote it, if one did.")
    note: str = Field("", description="Why a language model was asked in vain.")


def can_write_layouts(status: ModelStatus) -> bool:
    """Whether a language model can be trusted with a layout: the embedded one is far too small, and its context too."""
    return (
        status.ready
        and status.backend in ("ollama", "openai")
        and (status.context_length or SMALLEST_CONTEXT) >= SMALLEST_CONTEXT
    )


class LayoutService:
    """Lays words out."""

    def __init__(
        self,
        sketches: SketchService,
        chat_model: Callable[[], ChatModel],
        guesses: GuessService | None = None,
        embeddings: EmbeddingService | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._sketches = sketches
        self._chat_model = chat_model
        self._guesses = guesses
        self._embeddings = embeddings
        self._patience = patience

    async def lay_out(self, prompt: str, seed: int, aspect: float, by: By = "auto") -> LaidOut:
        """Where the things of the prompt stand. `auto` asks a model when the rules do not know some of the words.

        By a model alone, it raises Unavailable when there is none that can, and UpstreamFailed, UpstreamTimeout and
        what the model's port raises when it fails; `auto` then leaves it to the words, and `note` says why.
        """
        prompt = await self.words_of(prompt)
        words = self._sketches.layout(prompt, seed, aspect)
        if by == "words" or (by == "auto" and not words.unknown):
            return LaidOut(layout=await self._guessed(words, prompt, seed, aspect))
        if by == "model":
            return await self._written(self._writer(), prompt, words, aspect)
        try:
            model = self._writer()
        except Unavailable:  # nothing is missing that anybody asked for
            return LaidOut(layout=await self._guessed(words, prompt, seed, aspect))
        try:
            return await self._written(model, prompt, words, aspect)
        except StudioError as error:
            log.warning("layout left to the words", model=model.status.model, reason=error.detail)
            words = await self._guessed(words, prompt, seed, aspect)
            return LaidOut(layout=words, note=f"The words were laid out without the language model. {error.detail}")

    async def words_of(self, prompt: str) -> str:
        """The prompt without what names a file and says nothing to a sketch: LoRAs, and embeddings, but those whose
        plain name is of something that can be drawn."""
        prompt = without_loras(prompt)
        if self._embeddings is None:
            return prompt
        names = [file.name for file in await self._embeddings.embeddings()]
        return "".join(
            words
            for words, name in pieces(prompt, names)
            if name is None or (words.lower() == name.lower() and self._sketches.draws(name))
        )

    async def _guessed(self, layout: Layout, prompt: str, seed: int, aspect: float) -> Layout:
        """The layout, laid out again with what its unknown words were taken for, if they were taken for anything."""
        if self._guesses is None or not layout.unknown:
            return layout
        guesses = await self._guesses.guesses(self._sketches.unknown(prompt))
        return self._sketches.layout(prompt, seed, aspect, guesses) if guesses else layout

    def _writer(self) -> ChatModel:
        model = self._chat_model()
        if not can_write_layouts(model.status):
            raise Unavailable(
                f"{model.status.model or 'The language model'} is too small to lay a picture out. Start Ollama with a "
                "larger one, or leave the layout to the words."
            )
        return model

    async def _written(self, model: ChatModel, prompt: str, words: Layout, aspect: float) -> LaidOut:
        name = model.status.model
        if estimated_tokens(prompt) > LONGEST_PROMPT:
            raise UpstreamFailed(f"The prompt is too long for {name} to lay out. Use fewer words.")
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._ask(model, prompt, aspect)
        except TimeoutError:
            raise UpstreamTimeout(
                f"{name} took longer than {self._patience:g} s to lay the picture out. "
                "Choose a quicker model, or leave it to the words."
            ) from None
        layout = await asyncio.to_thread(read_answer, answer, words, self._drawings(), aspect)
        if layout is None:
            raise UpstreamFailed(f"{name} named nothing that can be painted. Leave the layout to the words.")
        layout = self._sketches.completed(layout, prompt, aspect, words.seed or 0)
        log.info("layout written", model=name, things=len(layout.things), seconds=round(time.monotonic() - began, 1))
        return LaidOut(layout=layout, model=name)

    async def _ask(self, model: ChatModel, prompt: str, aspect: float) -> str:
        drawings = self._drawings()
        turns = [ChatTurn("system", instruction(drawings)), ChatTurn("user", question(prompt, aspect))]
        schema = answer_schema(drawings, PAINTED_COLOURS)
        options = ChatOptions(temperature=0, max_tokens=LONGEST_ANSWER, think=False, json_schema=schema)
        answer = ThinkingFilter()
        async with aclosing(model.chat_completion(turns, options)) as chunks:
            async for chunk in chunks:
                answer.feed(chunk.text)
        answer.finish()
        return answer.text

    def _drawings(self) -> Drawings:
        aspects = {known.name: known.aspect for known in self._sketches.objects()}
        return Drawings(aspects, self._sketches.backgrounds(), self._sketches.named)
