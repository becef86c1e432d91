"""POST /v1/chat/completions: an answer, or several, to a chat that comes whole. Nothing of it is kept.

How answers are written down is in `completions.py`.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field, model_validator

from illustrious_studio.domain.chat import (
    ANY_OBJECT,
    AnswerEvent,
    ChatOptions,
    Effort,
    Sampling,
    Tool,
    ToolCall,
)
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.values import Text
from illustrious_studio.interfaces.http.sse import EventStream, while_connected
from illustrious_studio.interfaces.openai.common import Body, NotHad, StudioIn, failed
from illustrious_studio.interfaces.openai.completions import chunks, completion
from illustrious_studio.interfaces.openai.messages import Message, turns_of

router = APIRouter()

MOST_TOKENS = 1_000_000
MOST_ANSWERS = 8
MOST_CHANCES = 20
NO_LIMIT = (-1, 0)
"""What clients send as `max_tokens` for no limit: -1 llama.cpp's and Ollama's, 0 those whose field was left empty."""
Schema = dict[str, object]


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


class Function(Body):
    name: Text = Field(min_length=1)
    description: Text | None = None
    parameters: Schema | None = None


class FunctionTool(Body):
    type: Literal["function"]
    function: Function


class FunctionName(Body):
    name: str


class ThisTool(Body):
    type: Literal["function"]
    function: FunctionName


class NamedSchema(Body):
    schema_: Schema | None = Field(None, alias="schema")


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    def schema_asked_for(self) -> Schema | None:
        if self.type == "text":
            return None
        named = self.json_schema.schema_ if self.json_schema else None
        if self.type == "json_schema" and named is None:
            raise InvalidRequest("response_format.json_schema.schema is missing: say which shape the JSON must have.")
        return named if self.type == "json_schema" else ANY_OBJECT


class TemplateArguments(Body):
    """What a model's template is given, of which servers share one thing."""

    enable_thinking: bool | None = None


class StreamOptions(Body):
    include_usage: bool | None = None


class ChatBody(Body):
    """The fields that the studio has, those that it refuses; all others change nothing."""

    model: Text
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=-1, le=MOST_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=-1, le=MOST_TOKENS)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=0, le=MOST_TOKENS)
    min_p: float | None = Field(None, ge=0, le=1)
    repeat_penalty: float | None = Field(None, ge=0, le=10)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: Annotated[list[Text] | None, BeforeValidator(_as_list)] = Field(None, max_length=16)
    response_format: ResponseFormat | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | ThisTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Effort | None = None
    chat_template_kwargs: TemplateArguments | None = None
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_CHANCES)
    modalities: list[Literal["text"]] | None = None
    audio: NotHad = None
    best_of: NotHad = None
    function_call: NotHad = None
    functions: NotHad = None
    grammar: NotHad = None
    reasoning: NotHad = None
    web_search_options: NotHad = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("must have logprobs = true with top_logprobs")
        return self

    def options(self) -> ChatOptions:
        """Raises InvalidRequest."""
        usual = ChatOptions()
        return ChatOptions(
            temperature=usual.temperature if self.temperature is None else self.temperature,
            max_tokens=self._longest(),
            think=self._think(),
            json_schema=self.response_format.schema_asked_for() if self.response_format else None,
            sampling=Sampling(
                top_p=self.top_p,
                top_k=self.top_k,
                min_p=self.min_p,
                repeat_penalty=self.repeat_penalty,
                presence_penalty=self.presence_penalty,
                frequency_penalty=self.frequency_penalty,
                seed=self.seed,
                stop=tuple(self.stop or ()),
            ),
            tools=self._tools(),
            must_call=self.tool_choice == "required" or isinstance(self.tool_choice, ThisTool),
            logprobs=(self.top_logprobs or 0) if self.logprobs else None,
        )

    def _longest(self) -> int | None:
        given = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return None if given in NO_LIMIT else given

    def _think(self) -> bool | Effort:
        if self.reasoning_effort is not None:
            return self.reasoning_effort
        asked = self.chat_template_kwargs.enable_thinking if self.chat_template_kwargs else None
        return ChatOptions().think if asked is None else asked

    def _tools(self) -> tuple[Tool, ...]:
        """Those that may be called: a choice of one is a choice from one."""
        functions = [tool.function for tool in self.tools or ()]
        if isinstance(self.tool_choice, ThisTool):
            functions = [one for one in functions if one.name == self.tool_choice.function.name]
        if not functions and self.tool_choice not in (None, "auto", "none"):
            raise InvalidRequest("tool_choice asks for a function that is not among the tools.")
        if self.tool_choice == "none":
            return ()
        return tuple(Tool(one.name, one.description or "", one.parameters or {}) for one in functions)


@router.post("/chat/completions")
async def create_completion(body: ChatBody, request: Request, studio: StudioIn) -> Response:
    """Closing the connection stops the model."""
    options = body.options()
    turns = await asyncio.to_thread(turns_of, body.messages)
    answers = [studio.answers.answer(body.model, turns, one) for one in _each(options, body.n or 1)]
    if body.parallel_tool_calls is False:
        answers = [_with_one_call(answer) for answer in answers]
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": body.model}
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return await EventStream.open(chunks(head, answers, with_usage), failed=failed)
    return JSONResponse(await while_connected(request, completion(head, answers)))


def _each(options: ChatOptions, n: int) -> list[ChatOptions]:
    """How to answer each time. One seed for all would give one answer n times."""
    seed = options.sampling.seed
    if seed is None:
        return [options] * n
    return [replace(options, sampling=replace(options.sampling, seed=seed + number)) for number in range(n)]


async def _with_one_call(events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[AnswerEvent, None]:
    """The same, without the second and further calls: a model cannot be told to make one alone."""
    called = False
    async with aclosing(events):
        async for event in events:
            if called and isinstance(event, ToolCall):
                continue
            called = called or isinstance(event, ToolCall)
            yield event
