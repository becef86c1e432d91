"""JSON-RPC's request ids, which the SDK does not look at: a request with an impossible one would pass for a
notification, be answered 202, and leave its sender waiting.

JSON-RPC 2.0 allows texts, numbers and null, and advises against null and fractions; MCP allows texts and whole numbers.
"""

import asyncio
import json

from pydantic_core import from_json
from starlette.types import Message, Receive, Send

INVALID_REQUEST = -32600
LARGE = 1024 * 1024
"""Bytes; above, reading takes long enough to be done in a thread."""


async def checked(receive: Receive, send: Send) -> Receive | None:
    """What to read the body from now that it was looked at; None when its id is impossible, and that was answered."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return _again(message, receive)
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if await asyncio.to_thread(_impossible, body) if len(body) > LARGE else _impossible(body):
        await _refuse(send)
        return None
    return _again({"type": "http.request", "body": body, "more_body": False}, receive)


def _impossible(body: bytes) -> bool:
    try:
        call = from_json(body)
    except ValueError:
        return False  # the SDK says so
    if not isinstance(call, dict) or "method" not in call or "id" not in call:
        return False
    return isinstance(call["id"], bool) or not isinstance(call["id"], int | str)


async def _refuse(send: Send) -> None:
    error = {"code": INVALID_REQUEST, "message": "id: must be text or a whole number"}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _again(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
