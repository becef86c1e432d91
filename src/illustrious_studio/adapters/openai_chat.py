"""Talking through any server that speaks OpenAI's chat protocol, with the official client.

The embedded language model is spoken to by this, too. It knows the protocol and nothing about a particular server.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx

from illustrious_studio.adapters.upstream import (
    DEFAULT_PACE,
    FAILURES,
    LONGEST_ANSWER,
    NONSENSE,
    CutOff,
    Garbage,
    Pace,
    client_options,
    failure,
    jpeg_of,
    paced,
    refusal,
)
from illustrious_studio.domain.chat import ChatChunk, ChatOptions, ChatTurn
from illustrious_studio.domain.errors import NotFound, StudioError, Unavailable
from illustrious_studio.domain.models import LanguageModel, ModelStatus

if TYPE_CHECKING:
    from openai import APIError, AsyncOpenAI


class OpenAIChat:
    """A ChatModel. `capabilities` may name `vision`, which the protocol has no way to tell."""

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
        request: dict[str, Any] = {
            "model": self._status.model,
            "messages": [await _message(turn) for turn in turns],
            "temperature": options.temperature,
            "max_tokens": options.max_tokens,
        }
        if options.json_schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": options.json_schema, "strict": True},
            }
        try:
            with self._errors():
                async with aclosing(self._stream(request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
        except (Unavailable, NotFound) as error:
            self._lose(error)
            raise

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
        async with asyncio.timeout(self._pace.first_token):
            stream = await self._client.chat.completions.create(**request, stream=True)
        async with stream, aclosing(paced(aiter(stream), self._pace)) as parts:
            async for part in parts:
                for choice in part.choices[:1]:
                    delta = choice.delta
                    # Ollama and llama.cpp disagree about the name; OpenAI's own client knows neither.
                    more = delta.model_extra or {}
                    thinking = more.get("reasoning_content") or more.get("reasoning") or ""
                    text = delta.content or ""
                    length += len(text) + len(thinking)
                    if text or thinking:
                        yield ChatChunk(text, thinking)
                    if choice.finish_reason:
                        return
                    if length > LONGEST_ANSWER:
                        raise Garbage("an answer without end")
        raise CutOff

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The one place where the client's errors become the studio's."""
        import openai

        advice = "Start it, or check its address in the settings."
        try:
            yield
        except openai.APIStatusError as error:
            if error.status_code == 404 and self._status.model and self._status.model in _said(error):
                raise NotFound(f"{self._name} has no model {self._status.model}. Choose another.") from error
            raise refusal(error.status_code, _said(error), self._name) from error
        except openai.APIConnectionError as error:
            raise failure(error, self._name, advice) from error
        except openai.APIError as error:  # an error line in the middle of a stream
            raise refusal(500, _said(error), self._name) from error
        except (*FAILURES, *NONSENSE) as error:
            raise failure(error, self._name, advice) from error

    def _lose(self, error: StudioError) -> None:
        state = "absent" if isinstance(error, Unavailable | NotFound) else "failed"
        self._status = self._status.model_copy(update={"state": state, "reason": error.detail})


def _said(error: "APIError") -> str:
    """The server's own words."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return said if isinstance(said, str) else error.message


async def _message(turn: ChatTurn) -> dict[str, Any]:
    if not turn.pictures:
        return {"role": turn.role, "content": turn.content}
    parts: list[dict[str, Any]] = [{"type": "text", "text": turn.content}]
    for picture in turn.pictures:
        encoded = base64.b64encode(await asyncio.to_thread(jpeg_of, picture)).decode()
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{encoded}"}})
    return {"role": turn.role, "content": parts}
