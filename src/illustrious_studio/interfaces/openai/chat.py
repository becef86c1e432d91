"""POST /v1/chat/completions: an answer to a chat that comes whole. Nothing of it is kept."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BeforeValidator, Field

from illustrious_studio.domain.chat import (
    ANY_OBJECT,
    AnswerEvent,
    ChatOptions,
    Effort,
    Ending,
    Retract,
    Sampling,
    Thinking,
    Token,
    Tool,
    ToolCall,
)
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.values import Text
from illustrious_studio.interfaces.http.sse import EventStream, Sent, while_connected
from illustrious_studio.interfaces.openai.common import Body, Data, End, NotHad, StudioIn, failed
from illustrious_studio.interfaces.openai.messages import Message, turns_of

router = APIRouter()

MOST_TOKENS = 1_000_000
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


class StreamOptions(Body):
    include_usage: bool | None = None


class ChatBody(Body):
    """The fields that the studio has, those that it refuses; all others change nothing."""

    model: Text
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS)
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
    parallel_tool_calls: Literal[True] | None = None
    reasoning_effort: Effort | None = None
    n: Literal[1] | None = None
    modalities: list[Literal["text"]] | None = None
    verbosity: Literal["medium"] | None = None
    audio: NotHad = None
    best_of: NotHad = None
    chat_template_kwargs: NotHad = None
    function_call: NotHad = None
    functions: NotHad = None
    grammar: NotHad = None
    logit_bias: NotHad = None
    logprobs: NotHad = None
    reasoning: NotHad = None
    top_logprobs: NotHad = None
    web_search_options: NotHad = None

    def options(self) -> ChatOptions:
        """Raises InvalidRequest."""
        usual = ChatOptions()
        return ChatOptions(
            temperature=usual.temperature if self.temperature is None else self.temperature,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            think=self.reasoning_effort or usual.think,
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
        )

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
    events = studio.answers.answer(body.model, turns, options)
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": body.model}
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return await EventStream.open(_chunks(head, events, with_usage), failed=failed)
    return JSONResponse(await while_connected(request, _completion(head, events)))


async def _completion(head: dict[str, object], events: AsyncGenerator[AnswerEvent, None]) -> dict[str, object]:
    text = thought = ""
    calls: list[ToolCall] = []
    ending = Ending()
    async with aclosing(events):
        async for event in events:
            match event:
                case Token(piece):
                    text += piece
                case Thinking(piece):
                    thought += piece
                case Retract():
                    text, thought = "", text
                case ToolCall():
                    calls.append(event)
                case Ending():
                    ending = event
    message: dict[str, object] = {"role": "assistant", "content": text if text or not calls else None}
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(ending, calls)}
    return head | {"object": "chat.completion", "choices": [choice], "usage": _usage(ending)}


async def _chunks(
    head: dict[str, object], events: AsyncGenerator[AnswerEvent, None], with_usage: bool
) -> AsyncGenerator[Sent, None]:
    """The first chunk has the role; it comes with the first word, so that a failure before is an ordinary error."""
    head = head | {"object": "chat.completion.chunk"}
    role: dict[str, object] = {"role": "assistant"}
    calls: list[ToolCall] = []

    def chunk(delta: dict[str, object], finish: str | None = None) -> Data:
        nonlocal role
        delta, role = role | delta, {}
        return Data(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    async with aclosing(events):
        async for event in events:
            match event:
                case Token(piece):
                    yield chunk({"content": piece})
                case Thinking(piece):
                    yield chunk({"reasoning_content": piece})
                case Retract():
                    pass  # what was sent is sent; the next answer of this model starts as a thought
                case ToolCall():
                    yield chunk({"tool_calls": [{"index": len(calls), **_call(event)}]})
                    calls.append(event)
                case Ending():
                    yield chunk({}, _finish(event, calls))
                    if with_usage:
                        yield Data(head | {"choices": [], "usage": _usage(event)})
    yield End()


def _call(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(ending: Ending, calls: list[ToolCall]) -> str:
    return "tool_calls" if calls and ending.reason == "stop" else ending.reason


def _usage(ending: Ending) -> dict[str, int] | None:
    """None where the model's server does not count."""
    if ending.prompt_tokens is None or ending.answer_tokens is None:
        return None
    return {
        "prompt_tokens": ending.prompt_tokens,
        "completion_tokens": ending.answer_tokens,
        "total_tokens": ending.prompt_tokens + ending.answer_tokens,
    }
