"""A chat as OpenAI's clients send it, whole in each request, and as the studio's models are given it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from illustrious_studio.domain.chat import ChatTurn, ToolCall
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture, picture_from_base64
from illustrious_studio.domain.values import Text
from illustrious_studio.interfaces.openai.common import Body

MOST_PICTURES = 16
LARGEST_PICTURE = 1280
"""More than models take. Pictures are scaled down one by one, so that many do not fill the memory."""


def _as_parts(content: Any) -> Any:
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _as_object(image_url: Any) -> Any:
    return {"url": image_url} if isinstance(image_url, str) else image_url


class ImageUrl(Body):
    """A picture, in the address itself."""

    url: str


class Part(Body):
    """A piece of a message."""

    type: Literal["text", "image_url"]
    text: Text = ""
    image_url: Annotated[ImageUrl | None, BeforeValidator(_as_object)] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type == "image_url" and self.image_url is None:
            raise ValueError("must have an image_url")
        return self


class CalledFunction(Body):
    name: Text
    arguments: Text


class Call(Body):
    """A call that the model asked for."""

    id: Text
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(Body):
    """One turn. Thoughts may come back under the names by which servers send them."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[list[Part], BeforeValidator(_as_parts)] = Field(default_factory=list)
    reasoning_content: Text | None = None
    reasoning: Text | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: Text | None = None


def turns_of(messages: list[Message]) -> list[ChatTurn]:
    """What the model is given. Raises InvalidRequest and NotAnImage. Blocking: it opens pictures."""
    if sum(part.image_url is not None for message in messages for part in message.content) > MOST_PICTURES:
        raise InvalidRequest(f"There are more than {MOST_PICTURES} pictures in the messages. Leave older ones out.")
    return [_turn(message) for message in messages]


def _turn(message: Message) -> ChatTurn:
    return ChatTurn(
        role="system" if message.role == "developer" else message.role,
        content="\n".join(part.text for part in message.content if part.type == "text"),
        pictures=tuple(_picture(part.image_url) for part in message.content if part.image_url is not None),
        thinking=message.reasoning_content or message.reasoning or "",
        tool_calls=tuple(
            ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()
        ),
        call_id=message.tool_call_id or "",
    )


def _picture(image: ImageUrl) -> Picture:
    if not image.url.startswith("data:"):
        raise InvalidRequest("The studio fetches no pictures from addresses. Send it as data:image/png;base64,...")
    return picture_from_base64(image.url, "image_url").picture.within(LARGEST_PICTURE)
