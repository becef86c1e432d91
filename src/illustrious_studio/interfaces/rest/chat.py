"""Chat: POST /chat, as JSON or as a stream, and the sessions it keeps."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.chat import (
    ChatRequest,
    Done,
    DrawingStarted,
    DrawingStep,
    ImageReady,
    Message,
    Notice,
    Retract,
    Session,
    Thinking,
    Token,
)
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.values import NonEmptyPrompt, Value
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import EVENT_STREAM, EventStream, Frame, while_connected
from illustrious_studio.interfaces.rest.common import StudioIn, errors, errors_of_body, errors_of_drawing, image_link
from illustrious_studio.services.studio import Studio

router = APIRouter(tags=["Chat"])


class ChatBody(ChatRequest):
    """A message that a person sends, and how the answer should come."""

    stream: bool = Field(False, description="Answer as server-sent events, piece by piece.")

    def words(self) -> ChatRequest:
        return ChatRequest(**self.model_dump(exclude={"stream"}))


class ChatAnswer(BaseModel):
    """The whole answer. The picture's fields are there when one was drawn."""

    response: str
    session_id: str
    model: str = ""
    notices: list[str] = Field(default_factory=list, description="What else the person should know.")
    image_base64: str | None = Field(None, description="The PNG file.")
    image_id: str | None = None
    url: str | None = None
    prompt: str | None = Field(None, description="What was drawn, after enhancement.")
    job_id: str | None = None


class SessionList(BaseModel):
    """Sessions, the one last used first."""

    sessions: list[Session]


class SessionWithMessages(BaseModel):
    """A session and its messages, oldest first."""

    session: Session
    messages: list[Message]


class NewTitle(Value):
    """What a session is called."""

    title: NonEmptyPrompt = Field(max_length=200)


@router.post(
    "/chat",
    summary="Send a message",
    response_model=ChatAnswer,
    response_model_exclude_none=True,
    responses={**errors_of_drawing(409, 502, 503, 504, 507), **EVENT_STREAM},
)
async def chat(body: ChatBody, request: Request, studio: StudioIn) -> ChatAnswer | Response:
    """`#generate <words>` draws. With `"stream": true`, or `Accept: text/event-stream`, the answer comes as the events
    token, thinking, retract, notice, drawing, step, image, done, error. Closing the connection stops the model."""
    if body.stream or "text/event-stream" in request.headers.get("accept", ""):
        return await EventStream.open(_frames(studio, body.words(), request))
    return await while_connected(request, _whole_answer(studio, body.words(), request))


async def _whole_answer(studio: Studio, words: ChatRequest, request: Request) -> ChatAnswer:
    answer = ChatAnswer(response="", session_id=words.session_id)
    async with contextlib.aclosing(_frames(studio, words, request)) as frames:
        async for frame in frames:
            match frame.event:
                case "notice":
                    answer.notices.append(str(frame.data["text"]))
                case "drawing" | "image" | "done":
                    answer = answer.model_copy(
                        update={name: value for name, value in frame.data.items() if name in ChatAnswer.model_fields}
                    )
    return answer


async def _frames(studio: Studio, words: ChatRequest, request: Request) -> AsyncGenerator[Frame, None]:
    """The events of an answer, in the words of this API."""
    events = studio.chat.handle_chat(words, once=once_of(request, words))
    async with contextlib.aclosing(events) as open_events:
        async for event in open_events:
            match event:
                case Token(text):
                    yield Frame("token", {"text": text})
                case Thinking(text):
                    yield Frame("thinking", {"text": text})
                case Retract():
                    yield Frame("retract", {})
                case Notice(text):
                    yield Frame("notice", {"text": text})
                case DrawingStarted(job_id, prompt):
                    yield Frame("drawing", {"job_id": job_id, "prompt": prompt})
                case DrawingStep(job_id, step, steps, preview):
                    shown = {"preview_base64": b64encode(preview).decode("ascii")} if preview else {}
                    yield Frame("step", {"job_id": job_id, "step": step, "steps": steps, **shown})
                case ImageReady(item):
                    yield Frame("image", await _image(studio, item, request))
                case Done(message):
                    yield Frame(
                        "done",
                        {
                            "response": message.content,
                            "session_id": message.session_id,
                            "message_id": message.id,
                            "model": message.model,
                        },
                    )


async def _image(studio: Studio, item: GalleryItem, request: Request) -> dict[str, object]:
    png = await studio.gallery.png(item.id)
    return {
        "image_id": item.id,
        "url": image_link(request, item.id),
        "prompt": item.metadata.request.prompt,
        "seed": item.metadata.request.seed,
        "image_base64": (await asyncio.to_thread(b64encode, png)).decode("ascii"),
    }


@router.get("/sessions", summary="List or search sessions", responses=errors())
async def list_sessions(
    studio: StudioIn, q: Annotated[str, Query(max_length=500, description="Words in titles and messages.")] = ""
) -> SessionList:
    return SessionList(sessions=await studio.chat.sessions(q))


@router.post("/sessions", summary="Start a session", status_code=201)
async def create_session(studio: StudioIn) -> Session:
    return await studio.chat.create_session()


@router.get("/sessions/{session_id}", summary="Read a session", responses=errors(404))
async def read_session(session_id: str, studio: StudioIn) -> SessionWithMessages:
    found = [session for session in await studio.chat.sessions() if session.id == session_id]
    if not found:
        raise NotFound("There is no session with this id. GET /sessions lists those there are.")
    return SessionWithMessages(session=found[0], messages=await studio.chat.messages(session_id))


@router.patch("/sessions/{session_id}", summary="Rename a session", responses=errors_of_body(404))
async def rename_session(session_id: str, body: NewTitle, studio: StudioIn) -> Session:
    return await studio.chat.rename(session_id, body.title)


@router.delete("/sessions/{session_id}", summary="Delete a session", status_code=204, responses=errors(404))
async def delete_session(session_id: str, studio: StudioIn) -> None:
    """`POST /sessions/{session_id}/restore` brings it back."""
    await studio.chat.delete(session_id)


@router.post("/sessions/{session_id}/restore", summary="Bring a deleted session back", responses=errors(404))
async def restore_session(session_id: str, studio: StudioIn) -> Session:
    return await studio.chat.restore(session_id)
