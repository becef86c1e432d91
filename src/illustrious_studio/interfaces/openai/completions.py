"""Answers as OpenAI's clients read them, whole or in the chunks of a stream. Several come one after the other: the
embedded model has no room for two at once, and others are not faster so.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from illustrious_studio.domain.chat import (
    AnswerEvent,
    Chances,
    Ending,
    Retract,
    Thinking,
    Token,
    TokenChance,
    ToolCall,
)
from illustrious_studio.interfaces.http.sse import Sent
from illustrious_studio.interfaces.openai.common import Data, End

Answer = AsyncGenerator[AnswerEvent, None]


async def completion(head: dict[str, object], answers: Sequence[Answer]) -> dict[str, object]:
    choices, endings = [], []
    for index, answer in enumerate(answers):
        choice, ending = await _choice(index, answer)
        choices.append(choice)
        endings.append(ending)
    return head | {"object": "chat.completion", "choices": choices, "usage": _usage(endings)}


async def _choice(index: int, answer: Answer) -> tuple[dict[str, object], Ending]:
    text = thought = ""
    calls: list[ToolCall] = []
    chances: list[TokenChance] = []
    ending = Ending()
    async with aclosing(answer):
        async for event in answer:
            match event:
                case Token(piece):
                    text += piece
                case Thinking(piece):
                    thought += piece
                case Retract():
                    text, thought = "", text
                case ToolCall():
                    calls.append(event)
                case Chances(tokens):
                    chances += tokens
                case Ending():
                    ending = event
    message: dict[str, object] = {"role": "assistant", "content": text if text or not calls else None}
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    finish = _finish(ending, calls)
    return {"index": index, "message": message, "logprobs": _logprobs(chances), "finish_reason": finish}, ending


async def chunks(head: dict[str, object], answers: Sequence[Answer], with_usage: bool) -> AsyncGenerator[Sent, None]:
    head = head | {"object": "chat.completion.chunk"}
    endings: list[Ending] = []
    for index, answer in enumerate(answers):
        async with aclosing(_chunks_of(head, index, answer, endings)) as made:
            async for chunk in made:
                yield chunk
    if with_usage:
        yield Data(head | {"choices": [], "usage": _usage(endings)})
    yield End()


async def _chunks_of(
    head: dict[str, object], index: int, answer: Answer, endings: list[Ending]
) -> AsyncGenerator[Sent, None]:
    """The first chunk has the role; it comes with the first word, so that a failure before is an ordinary error."""
    role: dict[str, object] = {"role": "assistant"}
    calls: list[ToolCall] = []
    chances: list[TokenChance] = []

    def chunk(delta: dict[str, object], finish: str | None = None) -> Data:
        nonlocal role
        delta, role = role | delta, {}
        told = {"logprobs": _logprobs(chances)} if chances else {}
        chances.clear()
        return Data(head | {"choices": [{"index": index, "delta": delta, **told, "finish_reason": finish}]})

    async with aclosing(answer):
        async for event in answer:
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
                case Chances(tokens):
                    chances += tokens
                case Ending():
                    endings.append(event)
                    yield chunk({}, _finish(event, calls))


def _call(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(ending: Ending, calls: list[ToolCall]) -> str:
    return "tool_calls" if calls and ending.reason == "stop" else ending.reason


def _logprobs(chances: Sequence[TokenChance]) -> dict[str, object] | None:
    if not chances:
        return None
    told = [{**_chance(one), "top_logprobs": [_chance(other) for other in one.others]} for one in chances]
    return {"content": told, "refusal": None}


def _chance(one: TokenChance) -> dict[str, object]:
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode("utf-8", "replace"))}


def _usage(endings: Sequence[Ending]) -> dict[str, int] | None:
    """None where the model's server does not count. Several answers have one prompt, as OpenAI counts."""
    prompt = endings[0].prompt_tokens
    written = [ending.answer_tokens for ending in endings if ending.answer_tokens is not None]
    if prompt is None or len(written) < len(endings):
        return None
    return {"prompt_tokens": prompt, "completion_tokens": sum(written), "total_tokens": prompt + sum(written)}
