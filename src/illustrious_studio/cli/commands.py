"""What the `illustrious` command does with a studio, each by its name; and those two that converse."""

import argparse
import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from rich.markup import escape

from illustrious_studio.cli.client import console, events, get, key_header, studio_client
from illustrious_studio.cli.drawing import generate, grid
from illustrious_studio.cli.models import models
from illustrious_studio.cli.pictures import analyze, cutout, detail, gallery, preprocess, upscale
from illustrious_studio.domain.errors import StudioError
from illustrious_studio.settings import Settings


async def chat(settings: Settings, options: argparse.Namespace) -> int:
    """Send one message, or chat until the input ends."""
    async with studio_client(settings, needs="ollama") as client:
        if options.message is not None:
            await _say(client, options.message, options.session)
            return 0
        console.print("Chat. #generate <words> draws; Ctrl-D ends.", style="dim")
        while True:
            message = await _typed("> ")
            if message is None:
                return 0
            if message.strip():
                try:
                    await _say(client, message, options.session)
                except StudioError as error:
                    console.print(escape(error.detail), style="red")


async def mcp(settings: Settings, options: argparse.Namespace) -> int:
    """Speak MCP on stdin and stdout, until who started this closes it."""
    async with studio_client(settings) as client:
        version = (await get(client, "/status"))["version"]  # says so, too, when the key is wrong
        from illustrious_studio.interfaces.mcp.relay import relay

        await relay(str(client.base_url), key_header(settings), version)
    return 0


async def _typed(prompt: str) -> str | None:
    """A line from the terminal; None at its end. Unlike with `to_thread`, Ctrl-C does not wait for who reads."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()

    def read() -> None:
        try:
            text = input(prompt)
        except (EOFError, OSError, ValueError):
            text = None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(lambda: None if line.done() else line.set_result(text))

    threading.Thread(target=read, name="terminal", daemon=True).start()
    return await line


async def _say(client: httpx.AsyncClient, message: str, session: str) -> None:
    body = {"message": message, "session_id": session, "stream": True}
    async for event, data in events(client, "POST", "/chat", json=body):
        if event == "token":
            print(data["text"], end="", flush=True)
        elif event == "thinking":
            console.print(escape(data["text"]), style="dim italic", end="")
        elif event == "notice":
            console.print(escape(data["text"]), style="yellow")
        elif event == "drawing":
            console.print(f"Drawing: {escape(data['prompt'])}", style="dim")
        elif event == "image":
            print(f"Picture {data['image_id']}, seed {data['seed']}: {data['url']}", end="")
        elif event == "done":
            print(flush=True)


COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]] = {
    "generate": generate,
    "grid": grid,
    "chat": chat,
    "analyze": analyze,
    "cutout": cutout,
    "preprocess": preprocess,
    "upscale": upscale,
    "detail": detail,
    "models": models,
    "gallery": gallery,
    "mcp": mcp,
}
