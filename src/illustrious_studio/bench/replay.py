"""Servers for chat.added and interfaces.overhead, each in a process of its own.

Started by `python -m ...bench.replay KIND PORT [URL]`.

`ollama` answers like an Ollama server, `max_tokens` tokens at the rate the model's name says (`at-50`, `flat-out`).
`relay` passes `/api/chat` on to URL, byte for byte: raw ASGI and aiohttp, about the least a proxy in Python can do.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

FIRST = {"at-50:latest": 0.0, "thinks-100-ms:latest": 0.1, "flat-out:latest": 0.0}
"""Seconds before the first token, for each model."""
PAUSE = {"at-50:latest": 0.02, "thinks-100-ms:latest": 0.02, "flat-out:latest": 0.0}
"""Seconds between two tokens."""


def ollama() -> ASGIApp:
    """The few addresses of Ollama that the studio asks."""

    async def tags(_: Request) -> JSONResponse:
        return JSONResponse({"models": [{"name": name, "model": name, "size": 1} for name in PAUSE]})

    async def show(_: Request) -> JSONResponse:
        return JSONResponse(
            {"capabilities": ["completion"], "model_info": {"general.architecture": "x", "x.context_length": 8192}}
        )

    async def chat(request: Request) -> JSONResponse | StreamingResponse:
        asked = await request.json()
        head = {"model": asked["model"], "created_at": "2026-01-01T00:00:00Z"}
        end = {**head, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        if not asked.get("stream", True) or not asked["messages"]:
            return JSONResponse({**end, "message": {"role": "assistant", "content": "yes"}})
        count = asked.get("options", {}).get("num_predict", 1)
        pause = PAUSE[asked["model"]]

        async def lines() -> AsyncIterator[bytes]:
            await asyncio.sleep(FIRST[asked["model"]])
            for number in range(count):
                if pause and number:
                    await asyncio.sleep(pause)
                yield (
                    json.dumps({**head, "message": {"role": "assistant", "content": "tok "}, "done": False}).encode()
                    + b"\n"
                )
            yield json.dumps(end).encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return Starlette(
        routes=[
            Route("/api/tags", tags),
            Route("/api/show", show, methods=["POST"]),
            Route("/api/chat", chat, methods=["POST"]),
        ]
    )


def relay(url: str) -> ASGIApp:
    """Passes a request on and streams the answer back, unread."""
    session: aiohttp.ClientSession | None = None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal session
        session = session or aiohttp.ClientSession()
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message["body"]
            if not message.get("more_body"):
                break
        async with session.post(url + scope["path"], data=body) as answer:
            await send({"type": "http.response.start", "status": answer.status, "headers": []})
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


if __name__ == "__main__":
    made = ollama() if sys.argv[1] == "ollama" else relay(sys.argv[3])
    uvicorn.run(made, port=int(sys.argv[2]), log_level="error", lifespan="off")
