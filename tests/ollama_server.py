"""A stand-in for an Ollama server on a real loopback socket: it knows models, answers like Ollama, and fails on order.

    async with OllamaServer([Model("llama3.2")]) as ollama:
        ollama.say("Hel", "lo")                              # every following answer
        ollama.next("/api/chat", Reply(503, [b'{"error":"server busy"}']))   # one answer, then as before
        ... ollama.url ... ollama.requests ...

The parts of a Reply are bytes to send, an asyncio.Event to wait for, SILENCE to say nothing more until the caller hangs
up, or CUT / RESET to end the connection there. It is no model: it repeats what it was told to say.
"""

import asyncio
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from waiting import turns

CUT = object()
RESET = object()
SILENCE = object()
Part = bytes | asyncio.Event | object


@dataclass(frozen=True)
class Model:
    name: str
    capabilities: tuple[str, ...] = ("completion",)
    context_length: int = 4096
    family: str = "llama"
    size: int = 2_000_000_000
    remote: str = ""
    """Where it really runs; Ollama lists a model of its cloud among the others."""
    digest: str = ""
    told_in_tags: bool = False
    """Newer servers tell the capabilities in /api/tags."""
    parameters: str = ""
    """What its Modelfile sets."""


@dataclass(frozen=True)
class Reply:
    status: int = 200
    parts: list[Part] = field(default_factory=list)
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def line(
    content: str = "", *, thinking: str = "", calls: Iterable[object] = (), done: bool = False, **more: object
) -> bytes:
    """A line of an /api/chat stream, as Ollama writes it."""
    message: dict[str, object] = {"role": "assistant", "content": content}
    message |= {"thinking": thinking} if thinking else {}
    message |= {"tool_calls": list(calls)} if calls else {}
    said: dict[str, object] = {"model": "m", "created_at": "2026-11-22T10:00:00.123456789Z", "message": message}
    end = {"done_reason": "stop", "total_duration": 1, "prompt_eval_count": 7, "eval_count": 1} if done else {}
    return json.dumps(said | {"done": done} | end | more, ensure_ascii=False).encode() + b"\n"


def stream(parts: Iterable[Part]) -> Reply:
    return Reply(200, list(parts), "application/x-ndjson")


def chunk(text: str = "", *, finish: str | None = None, **delta: object) -> bytes:
    """An event of a /v1/chat/completions stream, as Ollama and llama.cpp write it."""
    choice = {"index": 0, "delta": ({"content": text} if text else {}) | delta, "finish_reason": finish}
    said = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(said, ensure_ascii=False).encode() + b"\n\n"


def events(parts: Iterable[Part]) -> Reply:
    return Reply(200, list(parts), "text/event-stream")


def vector_of(text: str) -> list[float]:
    """What stands for the meaning of a text here."""
    return [float(len(text)), float(text.count(" ")), 0.5]


class OllamaServer:
    def __init__(self, models: Iterable[Model] = (), port: int = 0) -> None:
        self.models = list(models)
        self.requests: list[Request] = []
        self.loaded: dict[str, int] = {}
        self.loads = 0
        self.hung_up = asyncio.Event()
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._next: dict[str, deque[Reply]] = defaultdict(deque)
        self._text: tuple[str, ...] = ("Hello", " there", ".")
        self._thoughts: tuple[str, ...] = ()
        self._slices = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def say(self, *text: str, thoughts: Iterable[str] = ()) -> None:
        """What every chat from now on answers, token by token."""
        self._text, self._thoughts = text, tuple(thoughts)

    def next(self, path: str, *replies: Reply) -> None:
        """Answer the next requests to a path like this instead."""
        self._next[path].extend(replies)

    def slice(self, size: int) -> None:
        """Send every following body in pieces of so many bytes."""
        self._slices = size

    def asked(self, path: str) -> list[dict[str, Any]]:
        return [request.body for request in self.requests if request.path == path]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away, connections included; `async with` or `__aenter__` brings it back on the same port."""
        if self._server is not None:
            self._server.close()
            self._server = None
        open_now = list(self._connections)
        for connection in open_now:
            connection.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                if not await self._send(reader, writer, self._reply(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    def _reply(self, request: Request) -> Reply:
        if self._next[request.path]:
            return self._next[request.path].popleft()
        match request.method, request.path:
            case "GET", "/":
                return Reply(200, [b"Ollama is running"], "text/plain")
            case "GET", "/api/version":
                return _json({"version": "0.12.0"})
            case "GET", "/api/tags":
                return _json({"models": [_tag(model) for model in self.models]})
            case "GET", "/api/ps":
                held = [_tag(model) for model in self.models if model.name in self.loaded]
                return _json({"models": [one | {"context_length": self.loaded[str(one["name"])]} for one in held]})
            case "POST", "/api/show" | "/api/chat" | "/api/generate":
                name = request.body.get("model")
                model = next((one for one in self.models if one.name == name), None)
                if model is None:
                    return _json({"error": f"model '{name}' not found"}, 404)
                return _show(model) if request.path == "/api/show" else self._chat(model, request)
            case "POST", "/api/embed":
                return self._embed(request.body)
            case "POST", "/v1/embeddings":
                made = [{"object": "embedding", "index": n, "embedding": vector_of(text)}
                        for n, text in enumerate(request.body["input"])]  # fmt: skip
                counted = {"prompt_tokens": 5, "total_tokens": 5}
                return _json({"object": "list", "model": "m", "data": made[::-1], "usage": counted})
            case "GET", "/v1/models":
                listed = [{"id": one.name, "object": "model", "created": 1, "owned_by": "o"} for one in self.models]
                return _json({"object": "list", "data": listed})
            case "POST", "/v1/chat/completions":
                if request.body.get("model") not in [one.name for one in self.models]:
                    said = {"message": f"model '{request.body.get('model')}' not found", "type": "not_found_error"}
                    return _json({"error": said | {"param": None, "code": None}}, 404)
                thoughts = [chunk(reasoning=thought) for thought in self._thoughts]
                text = [chunk(piece) for piece in self._text[: request.body.get("max_tokens")]]
                return events([*thoughts, *text, chunk(finish="stop"), b"data: [DONE]\n\n"])
        return Reply(404, [b"404 page not found"], "text/plain")

    def _embed(self, body: dict[str, Any]) -> Reply:
        model = next((one for one in self.models if one.name == body["model"]), None)
        if model is None:
            return _json({"error": f"model '{body['model']}' not found"}, 404)
        if "embedding" not in model.capabilities:
            return _json({"error": "this model does not support embeddings"}, 400)
        made = [vector_of(text)[: body.get("dimensions")] for text in body["input"]]
        return _json({"model": model.name, "embeddings": made, "prompt_eval_count": 5})

    def _chat(self, model: Model, request: Request) -> Reply:
        body = request.body
        messages = body.get("messages") or []
        refusals = {
            "thinking": bool(body.get("think")),
            "tools": bool(body.get("tools")),
            "vision": any(message.get("images") for message in messages),
        }
        for capability, asked in refusals.items():
            if asked and capability not in model.capabilities:
                return _json({"error": f'"{model.name}" does not support {capability}'}, 400)
        if not messages and not body.get("prompt"):
            if body.get("keep_alive") == 0:
                self.loaded.pop(model.name, None)
                return _empty(request.path, "unload")
            return _empty(request.path, "load")
        context = body.get("options", {}).get("num_ctx", 4096)
        if self.loaded.get(model.name) != context:
            self.loads += 1
            self.loaded[model.name] = context
        thoughts = self._thoughts if body.get("think", "thinking" in model.capabilities) else ()
        longest = body.get("options", {}).get("num_predict", -1)
        text = self._text if longest < 0 else self._text[:longest]
        lines = [line(thinking=thought) for thought in thoughts] + [line(piece) for piece in text]
        if body.get("stream") is False:
            return Reply(200, [line("".join(text), thinking="".join(thoughts), done=True)])
        return stream([*lines, line(done=True)])

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> bool:
        """Send it, chunked as Ollama does; false when the connection ended with it."""
        head = [f"HTTP/1.1 {reply.status} X", f"Content-Type: {reply.content_type}"]
        head += [f"{name}: {value}" for name, value in reply.headers]
        if reply.status != 204:
            head.append("Transfer-Encoding: chunked")
        writer.write("\r\n".join([*head, "", ""]).encode())
        for part in reply.parts:
            if part is CUT or part is RESET:
                if part is RESET:
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if isinstance(part, asyncio.Event):
                await _first(part.wait(), reader.read(1))
            elif part is SILENCE:
                await reader.read(1)
            elif isinstance(part, bytes):
                size = self._slices or len(part) or 1
                for start in range(0, len(part), size):
                    piece = part[start : start + size]
                    writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    await writer.drain()
                    await turns()
            if reader.at_eof():  # a client says no more than one request before it has its answer
                raise ConnectionResetError
        if reply.status != 204:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


async def _first(*things: Any) -> None:
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *rest = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest if one)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, json.loads(body) if body else {})


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, [json.dumps(value).encode()])


def _empty(path: str, reason: str) -> Reply:
    answer: dict[str, object] = {
        "model": "m",
        "created_at": "2026-11-22T10:00:00Z",
        "done": True,
        "done_reason": reason,
    }
    said = {"message": {"role": "assistant", "content": ""}} if path == "/api/chat" else {"response": ""}
    return _json(answer | said)


def _tag(model: Model) -> dict[str, object]:
    elsewhere = {"remote_model": model.name, "remote_host": model.remote} if model.remote else {}
    details: dict[str, object] = {"parent_model": "", "format": "gguf", "family": model.family}
    details["families"] = [model.family]
    told: dict[str, object] = {}
    if model.told_in_tags:
        details["context_length"] = model.context_length
        told = {"capabilities": list(model.capabilities)}
    return (
        elsewhere
        | told
        | {
            "name": model.name,
            "model": model.name,
            "modified_at": "2026-10-01T10:00:00.123456789+02:00",
            "size": model.size,
            "digest": model.digest or "0" * 64,
            "details": details,
        }
    )


def _show(model: Model) -> Reply:
    return _json(
        {
            "license": "MIT",
            "template": "{{ .Prompt }}",
            "parameters": model.parameters,
            "details": {"family": model.family, "families": [model.family], "format": "gguf"},
            "model_info": {
                "general.architecture": model.family,
                f"{model.family}.context_length": model.context_length,
            },
            "capabilities": list(model.capabilities),
            "modified_at": "2026-10-01T10:00:00.123456789+02:00",
        }
    )
