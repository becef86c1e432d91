"""Chat through an Ollama server: the studio's chat model on top of the connection in `ollama_server.py`."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from illustrious_studio.adapters.chat.http_client import DEFAULT_PACE, Pace
from illustrious_studio.adapters.chat.ollama_server import OLLAMAS_CONTEXT, Facts, OllamaServer
from illustrious_studio.domain.chat import ChatChunk, ChatOptions, ChatTurn
from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import Busy, NotFound, StudioError, Unavailable, UpstreamTimeout
from illustrious_studio.domain.models import LanguageModel, ModelStatus

log = structlog.get_logger(__name__)

PATIENCE = 3.0
PAUSE_AFTER_FAILURE = 15.0


class OllamaChat:
    """A ChatModel. The status follows the server: it may appear, lose its model, and go away at any time."""

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        *,
        context: int = 0,
        keep_alive: str = "",
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self.server = OllamaServer(base_url, pace, keep_alive)
        self._wanted = model
        self._context = context
        self._status = ModelStatus(backend="ollama", model=model or "", reason="It was not looked for yet.")
        self._connecting: asyncio.Task[ModelStatus] | None = None
        self._not_before = 0.0
        self._failed_probes = 0
        self._used_models: set[str] = set()

    @property
    def status(self) -> ModelStatus:
        return self._status

    async def check(self) -> ModelStatus:
        """Check again. Connecting goes on in the background when it takes long; the status says `loading` then."""
        if self._status.ready and await self._still_there():
            return self._status
        if self._connecting is None or self._connecting.done():
            if time.monotonic() < self._not_before:
                return self._status
            self._connecting = asyncio.create_task(self.init_ollama())
        await asyncio.wait([self._connecting], timeout=PATIENCE)
        return self._status

    async def init_ollama(self) -> ModelStatus:
        """Connect: is the server there, is the model on it, what can it do, and does it answer a small request?"""
        try:
            model = await self._choose()
            facts = await self.server.facts(model)
            self._status = ModelStatus(
                backend="ollama",
                model=model,
                state="loading",
                reason=f"Ollama is loading {model}.",
                capabilities=facts.capabilities,
                context_length=self._context_of(facts),
                remote=self.server.is_remote(model),
            )
            await self._sample(facts)
            loaded = await self.server.loaded_context(model) or self._context_of(facts)
            self._status = self._status.model_copy(update={"state": "ready", "reason": "", "context_length": loaded})
            log.info("ollama ready", model=model, capabilities=facts.capabilities)
        except StudioError as error:
            self._lose(error)
            if self._status.state == "failed":
                self._not_before = time.monotonic() + PAUSE_AFTER_FAILURE
        return self._status

    async def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        if options.model in ("", self._status.model) and self._status.context_length is None:
            raise Unavailable(f"Ollama cannot answer now. {self._status.reason}", retry_after=5)
        try:
            async with aclosing(self.answer_of(options.model or self._status.model, turns, options)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (Unavailable, NotFound) as error:
            if options.model in ("", self._status.model):
                self._lose(error)
            raise

    async def answer_of(
        self, model: str, turns: Sequence[ChatTurn], options: ChatOptions
    ) -> AsyncGenerator[ChatChunk, None]:
        """Of any model; `release` lets it go."""
        self._used_models.add(model)
        context = self.context_to_ask((await self.server.facts(model)).context_length)
        async with aclosing(self.server.answer(model, turns, options, context)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def embed(self, model: str, texts: Sequence[str], dimensions: int | None = None) -> Embeddings:
        self._used_models.add(model)
        return await self.server.embed(model, texts, dimensions)

    async def models(self) -> list[LanguageModel]:
        try:
            return await self.server.models()
        except StudioError:
            return []

    async def use(self, name: str) -> None:
        names = await self.server.names()
        if name not in names:
            raise NotFound(f"The model {name} is not installed on {self.server.name}. {_how_to_get(name, names)}")
        self._wanted = name
        self._not_before = 0.0
        self._failed_probes = 0
        await self._stop_connecting()
        await self.init_ollama()

    async def release(self) -> None:
        used, self._used_models = self._used_models, set()
        for model in {self._status.model, *used} - {""}:
            await self.server.unload(model)

    def context_to_ask(self, longest: int | None) -> int | None:
        """The context to ask for, of a model that can have so much; None leaves it to the Modelfile and to Ollama."""
        return min(longest or self._context, self._context) if self._context else None

    def _context_of(self, facts: Facts) -> int:
        """The context that the model will have, as far as that can be known before it is loaded."""
        usual = min(facts.set_context or OLLAMAS_CONTEXT, facts.context_length or OLLAMAS_CONTEXT)
        return self.context_to_ask(facts.context_length) or usual

    async def aclose(self) -> None:
        """Close the connections. The chat model is of no use afterwards."""
        await self._stop_connecting()
        await self.server.aclose()

    async def _choose(self) -> str:
        names = await self.server.names()
        if self._wanted:
            for name in (self._wanted, f"{self._wanted}:latest"):
                if name in names:
                    return name
            raise NotFound(
                f"The model {self._wanted} is not installed on {self.server.name}. {_how_to_get(self._wanted, names)}"
            )
        models = [one for one in await self.server.models() if "completion" in one.capabilities]
        for one in models:
            if not one.remote:
                return one.name
        if models:  # never taken by itself: what is written to it leaves this machine
            elsewhere = ", ".join(one.name for one in models)
            raise NotFound(
                f"{self.server.name} has only models that run in Ollama's cloud: {elsewhere}. "
                "Choose one under System if what you write may leave this machine, or type `ollama pull qwen3:4b`."
            )
        raise NotFound(f"{self.server.name} has no chat model. Type `ollama pull qwen3:4b` to get one.")

    async def _sample(self, facts: Facts) -> None:
        """Ask for one token; that loads the model, too."""
        turns = [ChatTurn("user", "Say OK.")]
        options = ChatOptions(temperature=0, max_tokens=1, think=False)
        context = self.context_to_ask(facts.context_length)
        async with aclosing(self.server.answer(self._status.model, turns, options, context)) as chunks:
            async for _ in chunks:
                pass

    async def _still_there(self) -> bool:
        try:
            there = self._status.model in await self.server.names()
            self._failed_probes = 0
            return there
        except StudioError as error:
            # A busy or slow server is no server that went away: only the second time in a row it counts as one.
            self._failed_probes += 1
            if self._failed_probes == 1 and isinstance(error, Busy | UpstreamTimeout):
                return True
            self._lose(error)
            return False

    def _lose(self, error: StudioError) -> None:
        state = "absent" if isinstance(error, Unavailable | NotFound) else "failed"
        if self._status.ready or self._status.reason != error.detail:
            log.warning("ollama cannot answer", reason=error.detail)
        self._status = self._status.model_copy(update={"state": state, "reason": error.detail})

    async def _stop_connecting(self) -> None:
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)


def _how_to_get(name: str, names: list[str]) -> str:
    return f"Type `ollama pull {name}`, or use one of those installed: {', '.join(names) or 'none'}."
