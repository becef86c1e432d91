"""Chat: sessions and their messages, the events of an answer, and the ports of what answers and of what keeps them."""

from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.models import LanguageModel, ModelStatus
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import NonEmptyPrompt, Text, Value

Role = Literal["system", "user", "assistant"]


class ChatRequest(Value):
    """A message that a person sends."""

    message: NonEmptyPrompt = Field(description="The message. `#generate <words>` draws a picture.")
    session_id: str = Field(
        "default",
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="The chat session it belongs to.",
    )
    temperature: float = Field(0.7, ge=0, le=2, description="0 answers the same each time; higher is freer.")
    max_tokens: int = Field(256, ge=1, le=8192, description="Longest answer, in tokens.")


@dataclass(frozen=True)
class Tool:
    """A function that a model may ask to have called; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolCall:
    """A function that a model asks to have called. `arguments` is JSON, as it wrote it; `id` is for the reply."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ChatTurn:
    """One turn of a chat as a model is given it, with pictures for models that can see.

    An answer of the model has the calls that it asked for; a `tool` turn has what the call `call_id` came to.
    """

    role: Role | Literal["tool"]
    content: str
    pictures: tuple[Picture, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class Sampling:
    """How the next token is picked, beside the temperature. None is left to the model's server."""

    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def given(self) -> dict[str, object]:
        """What was asked for, under the names that all servers share."""
        given: dict[str, object] = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return given | ({"stop": list(self.stop)} if self.stop else {})


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ANY_OBJECT: dict[str, object] = {"type": "object"}
"""The schema that asks for JSON, of whatever shape."""


@dataclass(frozen=True)
class ChatOptions:
    """How to answer. `json_schema` asks for JSON of that shape, where the model can.

    Without `max_tokens` the model stops when it is done, or its context is full. `think` may say how much. `model`
    names another one of the same backend than the one in use. `tools` are an offer, and left out for a model that has
    none; with `must_call` the answer is a call of one of them. `logprobs` asks for the log probability of each token,
    and of that many others that might have stood there.
    """

    temperature: float = 0.7
    max_tokens: int | None = 256
    think: bool | Effort = True
    json_schema: dict[str, object] | None = None
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    logprobs: int | None = None
    model: str = ""
    own_rules: bool = False


@dataclass(frozen=True)
class Ending:
    """How an answer ended, and how many tokens were read and written, where the model's server counts them."""

    reason: Literal["stop", "length"] = "stop"
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


@dataclass(frozen=True)
class TokenChance:
    """A token and the log of its probability; `others` are those that were the likeliest there."""

    token: str
    logprob: float
    others: tuple["TokenChance", ...] = ()


@dataclass(frozen=True)
class ChatChunk:
    """A piece of an answer: text, or a thought, as the model gives it (tags not yet removed); calls; the end.

    `chances` are of the tokens of that piece, where they were asked for and the model's server tells them.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    ending: Ending | None = None
    chances: tuple[TokenChance, ...] = ()


class ChatModel(Protocol):
    """A chat model."""

    @property
    def status(self) -> ModelStatus: ...

    async def check(self) -> ModelStatus:
        """Check whether it can answer now, starting or connecting what that needs. Never raises StudioError."""
        ...

    def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        """Stream the answer; the last piece has the ending. Closing the iterator stops the model.

        Raises Unavailable, Busy, UpstreamFailed, UpstreamTimeout, NotFound (the model is gone), and InvalidRequest
        when the model refuses what it is asked (pictures that it cannot see, tools that it cannot call, say).
        """
        ...

    async def models(self) -> list[LanguageModel]:
        """The models one can switch to; empty when it cannot be reached."""
        ...

    async def use(self, name: str) -> None:
        """Switch to that model. Raises NotFound with the names there are."""
        ...

    async def release(self) -> None:
        """Give up the memory the model holds; it comes back when it is next needed."""
        ...


class Message(Value):
    """A message of a session, as kept. `content` never holds thinking tags; `thinking` is what the model thought."""

    id: str
    session_id: str
    role: Role
    content: Text
    created_at: datetime
    thinking: Text = ""
    thinking_seconds: float = 0.0
    model: str = Field("", description="Which model answered.")
    state: Literal["complete", "interrupted"] = "complete"
    job_id: str | None = Field(None, description="The drawing this message stands for, while it runs.")
    image_id: str | None = Field(None, description="The picture that stands here.")


class Session(Value):
    """A chat session."""

    id: str
    title: Text
    created_at: datetime
    updated_at: datetime
    messages: int = 0


NEW_CHAT = "New chat"
"""The title of a session before its first message."""


class SessionStore(Protocol):
    """Keeps sessions and their messages. Every method is durable when it returns."""

    async def ensure(self, session_id: str, title: str = NEW_CHAT) -> Session: ...
    async def rename(self, session_id: str, title: str) -> Session: ...
    async def delete(self, session_id: str) -> None: ...
    async def restore(self, session_id: str) -> Session: ...
    async def messages(self, session_id: str) -> list[Message]:
        """Oldest first. Raises NotFound."""
        ...

    async def add_user_message(self, message: Message, title: str) -> None:
        """Append it in one step; a session that begins with it, or has no title yet, gets this one."""
        ...

    async def add(self, message: Message) -> None:
        """Append, or replace the message of the same id."""
        ...

    async def list(self, query: str = "") -> list[Session]:
        """Not deleted, the one last used first; `query` searches titles and messages."""
        ...


@dataclass(frozen=True)
class Token:
    """A piece of the answer, thinking already taken out."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """A piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True)
class Retract:
    """All text of this answer so far was thinking: show it as that. (Some models close a thought they never opened.)"""


@dataclass(frozen=True)
class Notice:
    """Something the person should know: enhancement gave nothing, the picture waits in the queue."""

    text: str


@dataclass(frozen=True)
class DrawingStarted:
    """A picture was queued; its progress is the job's. `prompt` is what will be drawn."""

    job_id: str
    prompt: str


@dataclass(frozen=True)
class DrawingStep:
    """The picture of this answer moved on."""

    job_id: str
    step: int
    steps: int
    preview: bytes | None = None


@dataclass(frozen=True)
class ImageReady:
    """The picture is in the gallery."""

    item: GalleryItem


@dataclass(frozen=True)
class Done:
    """The answer is complete and kept as `message`."""

    message: Message


@dataclass(frozen=True)
class Chances:
    """How likely the tokens were that come with the next event; those of thoughts are among them."""

    tokens: tuple[TokenChance, ...]


AnswerEvent = Token | Thinking | Retract | ToolCall | Chances | Ending
"""What happens while a chat that comes whole is answered; the last is the Ending."""
ChatEvent = Token | Thinking | Retract | Notice | DrawingStarted | DrawingStep | ImageReady | Done
