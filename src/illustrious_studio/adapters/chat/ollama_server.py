"""A connection to one Ollama server, over its native API with the official client.

What is installed on it, what each model can do, one stream of an answer, vectors; in the studio's values and errors.
The studio's chat model on top of it is in `ollama.py`, and its vision model in `adapters/vision/ollama.py`.
"""

import asyncio
import base64
import json
import re
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import ollama
import structlog

from illustrious_studio.adapters.chat.http_client import (
    FAILURES,
    LONGEST_ANSWER,
    PARSE_ERRORS,
    MalformedResponse,
    Pace,
    StreamTruncated,
    client_options,
    embedded,
    failure,
    jpeg_of,
    paced,
    refusal,
)
from illustrious_studio.adapters.chat.ollama_client import InstalledModel, OllamaClient
from illustrious_studio.domain.chat import (
    ChatChunk,
    ChatOptions,
    ChatTurn,
    Effort,
    Ending,
    TokenChance,
    Tool,
    ToolCall,
)
from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError
from illustrious_studio.domain.models import LanguageModel

log = structlog.get_logger(__name__)

ROOM_TO_THINK = 2048
OLLAMAS_CONTEXT = 4096
"""What Ollama gives a model of which nothing says more; on large cards it gives more."""
LEVELS: dict[bool | Effort, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""As Ollama's own door for OpenAI's clients has them."""
ADVICE = "Start it with `ollama serve`, or install it from https://ollama.com/download."


@dataclass(frozen=True)
class Facts:
    """What a model can do, as /api/show tells."""

    capabilities: tuple[str, ...] = ("completion",)
    context_length: int | None = None
    family: str = ""
    set_context: int | None = None
    """What its Modelfile says."""


class OllamaServer:
    """A connection to one Ollama server. Raises studio errors only."""

    def __init__(self, base_url: str, pace: Pace, keep_alive: str = "") -> None:
        self._client = OllamaClient(base_url, **client_options(pace))
        self._pace = pace
        self._facts: dict[tuple[str, str], Facts] = {}
        """By name and digest: a model that was pulled again may be another one."""
        self._installed: dict[str, InstalledModel] = {}
        """What the server listed last."""
        self._keep_alive = _number_or_text(keep_alive)
        self._refused_think: set[tuple[str, bool | str | None]] = set()
        self.name = f"Ollama at {base_url.rpartition('@')[2].removeprefix('http://').rstrip('/')}"

    async def names(self) -> list[str]:
        """The models on it, the latest changed first."""
        return list(await self._list())

    async def models(self) -> list[LanguageModel]:
        """The models on it, with what each can do; one of which Ollama cannot tell it is left out."""
        installed = await self._list()
        found = await asyncio.gather(
            *(self._told(name, one) for name, one in installed.items()), return_exceptions=True
        )
        models = []
        for (name, one), facts in zip(installed.items(), found, strict=True):
            if isinstance(facts, Facts):
                models.append(
                    LanguageModel(
                        name=name,
                        backend="ollama",
                        size_bytes=one.size,
                        capabilities=facts.capabilities,
                        context_length=facts.context_length,
                        remote=one.remote,
                    )
                )
            elif isinstance(facts, StudioError):
                log.warning("model left out", model=name, reason=facts.detail)
            else:
                raise facts
        return models

    async def _told(self, name: str, one: InstalledModel) -> Facts:
        """What the list tells of it; older servers tell that only of one model at a time."""
        if one.capabilities:
            return Facts(one.capabilities, one.details.context_length or None, one.details.family)
        return await self.facts(name)

    async def facts(self, model: str) -> Facts:
        """What a model can do; asked once for what is installed under its name. Where Ollama does not tell it, the
        model is taken to be a plain text model."""
        key = model, self._installed[model].digest if model in self._installed else ""
        if key not in self._facts:
            with self._errors(model):
                try:
                    shown = await self._client.show(model)
                except PARSE_ERRORS:
                    log.warning("ollama does not tell what a model can do", model=model)
                    return Facts()
                except ollama.ResponseError as error:
                    if error.status_code != 404 or model not in self._installed:
                        raise
                    log.warning("this server has no /api/show", model=model)  # for the model is there
                    return Facts()
            info = shown.modelinfo or {}
            lengths = [value for key, value in info.items() if key.endswith(".context_length")]
            self._facts[key] = Facts(
                capabilities=tuple(shown.capabilities or ("completion",)),
                context_length=lengths[0] if lengths and isinstance(lengths[0], int) else None,
                family=(shown.details.family if shown.details else "") or "",
                set_context=int(said[1]) if (said := _SET_CONTEXT.search(shown.parameters or "")) else None,
            )
        return self._facts[key]

    async def loaded_context(self, model: str) -> int | None:
        """The context with which the model is loaded, where the server tells it."""
        with suppress(ollama.ResponseError, *FAILURES, *PARSE_ERRORS):
            return next(
                (one.context_length for one in (await self._client.loaded()).models if one.model == model), None
            )
        return None

    def is_remote(self, model: str) -> bool:
        """Whether a model of the last list runs elsewhere, in Ollama's cloud."""
        return model in self._installed and self._installed[model].remote

    async def answer(
        self, model: str, turns: Sequence[ChatTurn], options: ChatOptions, context: int | None
    ) -> AsyncGenerator[ChatChunk, None]:
        """Stream an answer; `context` None is left to Ollama. A stream that ends without saying so is an error, never
        a short answer."""
        facts = await self.facts(model)
        _refuse(model, facts, turns, options)
        longest = options.max_tokens
        if longest is None:
            longest = context or facts.context_length or LONGEST_ANSWER
        thinking = self._think(model, facts, options.think)
        names = {call.id: call.name for turn in turns for call in turn.tool_calls}
        request: dict[str, Any] = {
            "model": model,
            "messages": [await _message(turn, names) for turn in turns],
            "tools": [_tool(tool) for tool in options.tools],
            "format": options.json_schema,
            "truncate": False,  # without a word it would forget how the chat began
            "keep_alive": self._keep_alive,
            "options": {
                # Always the same: another value makes Ollama load the model again.
                **({} if context is None else {"num_ctx": context}),
                "num_predict": longest + (ROOM_TO_THINK if thinking[0] else 0),
                "temperature": options.temperature,
                **options.sampling.given(),
            },
        }
        if options.logprobs is not None:
            request |= {"logprobs": True, "top_logprobs": options.logprobs}
        with self._errors(model):
            while True:
                try:
                    async with aclosing(self._stream(request, thinking[0], longest)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                    return
                except ollama.ResponseError as error:  # it checks what it is asked before it says a word
                    said = str(error.error)
                    if len(thinking) > 1 and error.status_code == 400 and _ABOUT_THINKING.search(said):
                        refused = thinking[:-1] if "does not support thinking" in said else thinking[:1]
                        self._refused_think |= {(model, value) for value in refused}
                        thinking = thinking[len(refused) :]
                    elif request["tools"] and not options.must_call and "does not support tools" in said:
                        request["tools"] = []
                    else:
                        raise

    async def unload(self, model: str) -> None:
        """Have Ollama free the model's memory at once. A server that is away holds none."""
        with suppress(ollama.ResponseError, *FAILURES, *PARSE_ERRORS):
            await self._client.generate(model, keep_alive=0)

    async def aclose(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _list(self) -> dict[str, InstalledModel]:
        with self._errors():
            self._installed = {one.model: one for one in (await self._client.installed()).models if one.model}
        return self._installed

    async def _stream(
        self, request: dict[str, Any], think: bool | str | None, max_tokens: int
    ) -> AsyncGenerator[ChatChunk, None]:
        length = spoken = 0
        said = {name: value for name, value in (request | {"think": think}).items() if value not in (None, [])}
        async with aclosing(paced(self._client.stream_chat(said), self._pace)) as parts:
            async for part in parts:
                text, thinking = part.message.content or "", part.message.thinking or ""
                calls = tuple(_call(call) for call in part.message.tool_calls or ())
                chances = tuple(_chance(one) for one in part.logprobs or ())
                if text or thinking or calls or chances:
                    yield ChatChunk(text, thinking, calls, chances=chances)
                if part.done:
                    reason: Literal["stop", "length"] = "length" if part.done_reason == "length" else "stop"
                    yield ChatChunk(ending=Ending(reason, part.prompt_eval_count, part.eval_count))
                    return
                length += len(text) + len(thinking)
                spoken += bool(text)
                if length > LONGEST_ANSWER:
                    raise MalformedResponse("an answer without end")
                if spoken >= max_tokens:  # the room for thoughts is none for a longer answer
                    yield ChatChunk(ending=Ending("length"))
                    return
        raise StreamTruncated

    async def embed(self, model: str, texts: Sequence[str], dimensions: int | None) -> Embeddings:
        """Vectors of texts. Ollama refuses a text that is too long for the model."""

        async def some(texts: Sequence[str]) -> Embeddings:
            async with asyncio.timeout(self._pace.first_token):
                found = await self._client.embed(
                    model, texts, truncate=False, dimensions=dimensions, keep_alive=self._keep_alive
                )
            return Embeddings(tuple(tuple(map(float, one)) for one in found.embeddings), found.prompt_eval_count)

        with self._errors(model):
            return await embedded(texts, some)

    def _think(self, model: str, facts: Facts, wanted: bool | Effort) -> list[bool | str | None]:
        """The `think` argument, and what to say where a server refuses that: older ones have no `max`, or no levels,
        or none but for gpt-oss. A model without the capability is not told anything."""
        if "thinking" not in facts.capabilities:
            return [None]
        level = LEVELS.get(wanted)
        if facts.family == "gptoss":  # it cannot stop thinking and knows levels only
            level = level or ("medium" if wanted is True else "low")
        lower: list[bool | str] = [level, "high"] if level == "max" else [level] if level else []
        asked = [*lower, wanted not in (False, "none"), None]
        return [value for value in asked if (model, value) not in self._refused_think]

    @contextmanager
    def _errors(self, model: str = "") -> Iterator[None]:
        """The one place where the client's errors become the studio's."""
        try:
            yield
        except ollama.ResponseError as error:
            said = str(error.error)
            if error.status_code == 404 and model and re.search(r"model .*not found", said):
                raise NotFound(
                    f"The model {model} is not installed on {self.name}. Type `ollama pull {model}`, "
                    "or choose another model."
                ) from error
            raise refusal(error.status_code, said, self.name) from error
        except (*FAILURES, *PARSE_ERRORS) as error:
            raise failure(error, self.name, ADVICE) from error


_SET_CONTEXT = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)
_ABOUT_THINKING = re.compile(r"\bthink(ing)?\b")


def _number_or_text(keep_alive: str) -> int | str | None:
    """Seconds as a number (-1: for ever), as Ollama wants them without a unit; nothing when nothing is said."""
    try:
        return int(keep_alive)
    except ValueError:
        return keep_alive or None


def _refuse(model: str, facts: Facts, turns: Sequence[ChatTurn], options: ChatOptions) -> None:
    """What Ollama would drop without a word. Raises InvalidRequest."""
    if "vision" not in facts.capabilities and any(turn.pictures for turn in turns):
        raise InvalidRequest(f"{model} does not support vision. Send words alone, or choose a model that can see.")
    if options.must_call and len(options.tools) > 1:
        raise InvalidRequest(
            "Ollama cannot make a model call a function. Leave the choice to the model (auto), or name one function: "
            "it is then offered alone."
        )


async def _message(turn: ChatTurn, names: Mapping[str, str]) -> dict[str, Any]:
    """`names` are those of the functions that were called, by the ids of the calls."""
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.pictures:
        pictures = [await asyncio.to_thread(jpeg_of, picture) for picture in turn.pictures]
        message["images"] = [base64.b64encode(picture).decode("ascii") for picture in pictures]
    if turn.thinking:
        message["thinking"] = turn.thinking
    if turn.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": _arguments(call)}} for call in turn.tool_calls
        ]
    if turn.role == "tool":
        message |= {"tool_call_id": turn.call_id, "tool_name": names.get(turn.call_id, "")}
    return message


def _chance(told: Any) -> TokenChance:
    others = tuple(TokenChance(one.token, one.logprob) for one in told.top_logprobs or ())
    return TokenChance(told.token, told.logprob, others)


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _call(call: ollama.Message.ToolCall) -> ToolCall:
    return ToolCall(f"call_{uuid.uuid4().hex}", call.function.name, json.dumps(call.function.arguments))


def _arguments(call: ToolCall) -> dict[str, Any]:
    """As an object, which is how Ollama wants them. Raises InvalidRequest."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise InvalidRequest(
            f"The arguments of the call of {call.name} are no JSON object. Send them as the model did."
        )
    return arguments
