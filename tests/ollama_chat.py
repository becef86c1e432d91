"""Chats with a stand-in Ollama server through the adapter, in a word or two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from illustrious_studio.adapters.chat.http_client import Pace
from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.domain.chat import ChatChunk, ChatOptions, ChatTurn, Ending
from ollama_server import OllamaServer

HI = [ChatTurn("user", "Hi")]


@asynccontextmanager
async def connected(
    server: OllamaServer, model: str | None = None, pace: Pace | None = None
) -> AsyncIterator[OllamaChat]:
    chat = OllamaChat(server.url, model, pace=pace or Pace())
    try:
        await chat.init_ollama()
        yield chat
    finally:
        await chat.aclose()


async def heard(chat: OllamaChat, turns: list[ChatTurn] | None = None, **options: object) -> list[ChatChunk]:
    """The pieces of an answer, but for its ending."""
    said = chat.chat_completion(turns or HI, ChatOptions(**options))  # type: ignore[arg-type]
    return [chunk async for chunk in said if chunk.ending is None]


async def ended(chat: OllamaChat, turns: list[ChatTurn] | None = None, **options: object) -> Ending | None:
    said = chat.chat_completion(turns or HI, ChatOptions(**options))  # type: ignore[arg-type]
    return [chunk async for chunk in said][-1].ending


async def said(chat: OllamaChat, **options: object) -> str:
    return "".join(chunk.text for chunk in await heard(chat, **options))
