"""Chat through any server that speaks OpenAI's chat protocol, with the official client.

The embedded language model is used through this, too. It knows the protocol and nothing about a particular server.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx

from illustrious_studio.adapters.chat.http_client import (
    DEFAULT_PACE,
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
from illustrious_studio.domain.chat import (
    ANY_OBJECT,
    ChatChunk,
    ChatOptions,
    ChatTurn,
    Ending,
    TokenChance,
    ToolCall,
)
from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import NotFound, StudioError, Unavailable
from illustrious_studio.domain.models import LanguageModel, ModelStatus

if TYPE_CHECKING:
    from openai import APIError, AsyncOpenAI
    from openai.types.chat.chat_completion_chunk import Choice, ChoiceDeltaToolCall

LOCAL_SAMPLING = ("top_k", "min_p", "repeat_penalty")
"""Not in OpenAI's protocol, but in what most servers made of it."""


class OpenAIChat:
    """A ChatModel. `capabilities` may name `vision`, which the protocol has no way to show."""

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        model: str | None = None,
        backend_name: Literal["openai", "embedded"] = "openai",
        *,
        context: int = 8192,
        capabilities: tuple[str, ...] = ("completion",),
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._wanted = model
        self._backend: Literal["openai", "embedded"] = backend_name
        self._pace = pace
        self._opened = False
        self._name = "The embedded language model"
        if backend_name == "openai":
            self._name = f"The language server at {urlsplit(base_url).netloc.rpartition('@')[2]}"
        self._status = ModelStatus(
            backend=backend_name,
            model=model or "",
            reason="It was not looked for yet.",
            capabilities=capabilities,
            context_length=context,
        )

    @property
    def status(self) -> ModelStatus:
        return self._status

    async def check(self) -> ModelStatus:
        try:
            names = await self._names()
            if self._wanted and self._wanted not in names:
                raise NotFound(f"{self._name} has no model {self._wanted}. It has: {', '.join(names) or 'none'}.")
            if not names:
                raise NotFound(f"{self._name} has no model. Load one there.")
        except StudioError as error:
            self._lose(error)
        else:
            model = self._wanted or names[0]
            self._status = self._status.model_copy(update={"model": model, "state": "ready", "reason": ""})
        return self._status

    async def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        sampling = options.sampling.given()
        request: dict[str, Any] = {
            "model": options.model or self._status.model,
            "messages": [await _message(turn) for turn in turns],
            "temperature": options.temperature,
            "extra_body": {name: sampling.pop(name) for name in LOCAL_SAMPLING if name in sampling},
            **sampling,
        }
        if options.max_tokens is not None:
            request["max_tokens"] = options.max_tokens
        if isinstance(options.think, str):
            request["reasoning_effort"] = options.think
        if options.json_schema == ANY_OBJECT:
            request["response_format"] = {"type": "json_object"}
        elif options.json_schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": options.json_schema, "strict": True},
            }
        if options.tools:
            request["tools"] = [{"type": "function", "function": asdict(tool)} for tool in options.tools]
            request["tool_choice"] = "required" if options.must_call else "auto"
        if options.logprobs is not None:
            request |= {"logprobs": True, "top_logprobs": options.logprobs}
        try:
            with self._errors():
                async with aclosing(self._stream(request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
        except (Unavailable, NotFound) as error:
            self._lose(error)
            raise

    async def embed(self, model: str, texts: Sequence[str], dimensions: int | None = None) -> Embeddings:
        wanted: dict[str, Any] = {} if dimensions is None else {"dimensions": dimensions}

        async def some(texts: Sequence[str]) -> Embeddings:
            async with asyncio.timeout(self._pace.first_token):
                found = await self._client.embeddings.create(
                    model=model, input=list(texts), encoding_format="float", **wanted
                )
            in_order = sorted(found.data, key=lambda one: one.index)
            counted = found.usage.prompt_tokens if found.usage else None
            return Embeddings(tuple(tuple(map(float, one.embedding)) for one in in_order), counted)

        with self._errors():
            return await embedded(texts, some)

    async def models(self) -> list[LanguageModel]:
        try:
            names = await self._names()
        except StudioError:
            return []
        return [LanguageModel(name=name, backend=self._backend) for name in names]

    async def use(self, name: str) -> None:
        names = await self._names()
        if name not in names:
            raise NotFound(f"{self._name} has no model {name}. It has: {', '.join(names) or 'none'}.")
        self._wanted = name
        await self.check()

    async def release(self) -> None:
        """Nothing: the protocol has no word for it."""

    async def aclose(self) -> None:
        if self._opened:
            await self._client.close()

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI

        self._opened = True
        return AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._api_key or "none",
            max_retries=0,
            # It takes httpx as well as httpx2, which its types do not say; so there is one transport for all.
            http_client=httpx.AsyncClient(**client_options(self._pace)),  # type: ignore[arg-type]
        )

    async def _names(self) -> list[str]:
        with self._errors():
            async with asyncio.timeout(self._pace.between_tokens):
                return [model.id async for model in self._client.models.list()]

    async def _stream(self, request: dict[str, Any]) -> AsyncGenerator[ChatChunk, None]:
        length = 0
        calls: dict[int, ToolCall] = {}
        ended = usage = None
        async with asyncio.timeout(self._pace.first_token):
            stream = await self._begun(request)
        async with stream, aclosing(paced(aiter(stream), self._pace)) as parts:
            async for part in parts:
                usage = part.usage or usage  # in a part of its own, after the last word
                for choice in part.choices[:1]:
                    delta = choice.delta
                    # Ollama and llama.cpp disagree about the name; OpenAI's own client knows neither.
                    more = delta.model_extra or {}
                    thinking = more.get("reasoning_content") or more.get("reasoning") or ""
                    text = delta.content or ""
                    for piece in delta.tool_calls or ():
                        calls[piece.index] = _joined(calls.get(piece.index), piece)
                        length += len(piece.function.arguments or "") if piece.function else 0
                    length += len(text) + len(thinking)
                    chances = _chances(choice)
                    if text or thinking or chances:
                        yield ChatChunk(text, thinking, chances=chances)
                    ended = choice.finish_reason or ended
                    if length > LONGEST_ANSWER:
                        raise MalformedResponse("an answer without end")
        if ended is None:
            raise StreamTruncated
        counted = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
        yield ChatChunk(
            tool_calls=tuple(calls[index] for index in sorted(calls)),
            ending=Ending("length" if ended == "length" else "stop", *counted),
        )

    async def _begun(self, request: dict[str, Any]) -> Any:
        """The stream. A model that has no tools is not offered any; which one has, the protocol does not tell."""
        from openai import BadRequestError

        asked: dict[str, Any] = {**request, "stream": True, "stream_options": {"include_usage": True}}
        try:
            return await self._client.chat.completions.create(**asked)
        except BadRequestError as error:
            if request.get("tool_choice") != "auto" or "support tools" not in _error_message(error):
                raise
            words_alone = {name: value for name, value in asked.items() if name not in ("tools", "tool_choice")}
            return await self._client.chat.completions.create(**words_alone)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The one place where the client's errors become the studio's."""
        import openai

        advice = "Start it, or check its address in the settings."
        try:
            yield
        except openai.APIStatusError as error:
            if error.status_code == 404 and self._status.model and self._status.model in _error_message(error):
                raise NotFound(f"{self._name} has no model {self._status.model}. Choose another.") from error
            raise refusal(error.status_code, _error_message(error), self._name) from error
        except openai.APIConnectionError as error:
            raise failure(error, self._name, advice) from error
        except openai.APIError as error:  # an error line in the middle of a stream
            raise refusal(500, _error_message(error), self._name) from error
        except (*FAILURES, *PARSE_ERRORS) as error:
            raise failure(error, self._name, advice) from error

    def _lose(self, error: StudioError) -> None:
        state = "absent" if isinstance(error, Unavailable | NotFound) else "failed"
        self._status = self._status.model_copy(update={"state": state, "reason": error.detail})


def _error_message(error: "APIError") -> str:
    """The server's own words."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return message if isinstance(message, str) else error.message


def _joined(call: ToolCall | None, piece: "ChoiceDeltaToolCall") -> ToolCall:
    """A call with the next piece of it."""
    call = call or ToolCall("", "", "")
    function = piece.function
    name, arguments = (function.name or "", function.arguments or "") if function else ("", "")
    return ToolCall(call.id or piece.id or "", call.name + name, call.arguments + arguments)


def _chances(choice: "Choice") -> tuple[TokenChance, ...]:
    """Those that the server tells with a piece."""
    told = choice.logprobs.content if choice.logprobs else None
    return tuple(
        TokenChance(
            one.token,
            one.logprob,
            tuple(TokenChance(other.token, other.logprob) for other in one.top_logprobs or ()),
        )
        for one in told or ()
    )


async def _message(turn: ChatTurn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.pictures:
        message["content"] = [{"type": "text", "text": turn.content}]
    for picture in turn.pictures:
        encoded = base64.b64encode(await asyncio.to_thread(jpeg_of, picture)).decode()
        message["content"].append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded}"}})
    if turn.thinking:
        message["reasoning_content"] = turn.thinking
    if turn.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.tool_calls
        ]
    if turn.role == "tool":
        message["tool_call_id"] = turn.call_id
    return message
