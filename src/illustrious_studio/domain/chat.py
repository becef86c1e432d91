"""Talking: messages, sessions, what happens during an answer, and the ports of whatever answers and keeps."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.models import LanguageModel, ModelStatus
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.values import SpokenPrompt, Text, Value

Role = Literal["system", "user", "assistant"]


class ChatRequest(Value):
    """One thing a person says."""

    message: SpokenPrompt = Field(description="What to say. `#generate <words>` draws a picture.")
    session_id: str = Field(
        "default", min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$", description="Which talk it belongs to."
    )
    temperature: float = Field(0.7, ge=0, le=2, description="0 answers the same each time; higher is freer.")
    max_tokens: int = Field(256, ge=1, le=8192, description="Longest answer, in tokens.")


@dataclass(frozen=True)
class ChatTurn:
    """What a model is told: one turn of a talk, with pictures for models that can see."""

    role: Role
    content: str
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class ChatOptions:
    """How to answer. `json_schema` asks for JSON of that shape, where the model can."""

    temperature: float = 0.7
    max_tokens: int = 256
    think: bool = True
    json_schema: dict[str, object] | None = None


@dataclass(frozen=True)
class ChatChunk:
    """A piece of an answer: text, or a thought, as the model gives it (tags not yet removed)."""

    text: str = ""
    thinking: str = ""


class ChatModel(Protocol):
    """Whatever answers."""

    @property
    def status(self) -> ModelStatus: ...

    async def check(self) -> ModelStatus:
        """Look whether it can answer now, starting or connecting what that needs. Never raises StudioError."""
        ...

    def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        """Stream the answer. Closing the iterator stops the model.

        Raises Unavailable, Busy, UpstreamFailed, UpstreamTimeout, NotFound (the model is gone), and InvalidRequest
        when the model refuses what it is asked (pictures that it cannot see, say).
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
    """A message as kept. `content` never holds thinking tags; `thinking` is what was thought."""

    id: str
    session_id: str
    role: Role
    content: Text
    created_at: datetime
    thinking: Text = ""
    thinking_seconds: float = 0.0
    model: str = Field("", description="Which model spoke.")
    state: Literal["complete", "interrupted"] = "complete"
    job_id: str | None = Field(None, description="The drawing this message stands for, while it runs.")
    image_id: str | None = Field(None, description="The picture that stands here.")


class Session(Value):
    """A talk."""

    id: str
    title: Text
    created_at: datetime
    updated_at: datetime
    messages: int = 0


NEW_CHAT = "New chat"
"""What a talk is called before anything was said in it."""


class SessionStore(Protocol):
    """Keeps talks. Every method is durable when it returns."""

    async def ensure(self, session_id: str, title: str = NEW_CHAT) -> Session: ...
    async def rename(self, session_id: str, title: str) -> Session: ...
    async def delete(self, session_id: str) -> None: ...
    async def restore(self, session_id: str) -> Session: ...
    async def messages(self, session_id: str) -> list[Message]:
        """Oldest first. Raises NotFound."""
        ...

    async def say(self, message: Message, title: str) -> None:
        """Append what a person said, all in one step; a talk that begins with it, or has no name yet, gets `title`."""
        ...

    async def add(self, message: Message) -> None:
        """Append, or replace the message of the same id."""
        ...

    async def list(self, query: str = "") -> list[Session]:
        """Not deleted, last talked to first; `query` searches titles and messages."""
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


ChatEvent = Token | Thinking | Retract | Notice | DrawingStarted | DrawingStep | ImageReady | Done
