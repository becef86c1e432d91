"""Ollama's official client, but for what its types drop and its reading of a stream cannot do."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import ollama
from pydantic import BaseModel, ValidationInfo, field_validator


class _Details(BaseModel):
    family: str = ""
    context_length: int = 0


class InstalledModel(BaseModel):
    """A model of /api/tags, with what the official client's type drops: whether it runs elsewhere, what it can do."""

    model: str = ""
    size: int = 0
    digest: str = ""
    remote_model: str = ""
    remote_host: str = ""
    capabilities: tuple[str, ...] = ()
    details: _Details = _Details()

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[str(info.field_name)].default if value is None else value

    @property
    def remote(self) -> bool:
        return bool(self.remote_model or self.remote_host)


class InstalledModels(BaseModel):
    models: list[InstalledModel] = []


class LoadedModel(BaseModel):
    model: str = ""
    context_length: int | None = None


class LoadedModels(BaseModel):
    models: list[LoadedModel] = []


class OllamaClient(ollama.AsyncClient):
    """The client. Its methods raise what the official one's do."""

    async def installed(self) -> InstalledModels:
        return await self._request(InstalledModels, "GET", "/api/tags")

    async def loaded(self) -> LoadedModels:
        return await self._request(LoadedModels, "GET", "/api/ps")

    async def stream_chat(self, body: dict[str, Any]) -> AsyncGenerator[ollama.ChatResponse]:
        """The parts of an answer. The client's own types would drop most of a tool's schema, and the ids of calls; and
        it stumbles over empty lines, by which proxies keep a connection alive."""
        async with self._client.stream("POST", "/api/chat", json=body | {"stream": True}) as answer:
            if not answer.is_success:
                raise ollama.ResponseError((await answer.aread()).decode(errors="replace"), answer.status_code)
            async for line in answer.aiter_lines():
                if line.strip():
                    part = json.loads(line)
                    if isinstance(part, dict) and part.get("error"):
                        raise ollama.ResponseError(part["error"])
                    yield ollama.ChatResponse(**_with_objects(part))


def _with_objects(part: dict[str, Any]) -> dict[str, Any]:
    """The arguments of calls as objects; some servers send them as OpenAI's do, as JSON in a text."""
    for call in (part.get("message") or {}).get("tool_calls") or ():
        if isinstance(given := call["function"].get("arguments"), str):
            call["function"]["arguments"] = json.loads(given or "{}")
    return part
