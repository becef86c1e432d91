"""A body looked at before the app inside reads it, and an answer in its place. For ASGI apps that are not our own."""

import json

from starlette.types import Message, Receive, Send


async def whole_body(receive: Receive) -> bytes | None:
    """The body; None when the caller left in its middle. The guard has limited its size."""
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
    return None


def body_again(body: bytes, receive: Receive) -> Receive:
    """What to read it from now."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def answer_json(send: Send, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
