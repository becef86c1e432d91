"""A client's calls to the studio over HTTP, each answer checked for what the client reads in it.

Whatever is not as it should be is raised as Failed, a sentence: which call, what was expected, what came.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr, ValidationError

from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.pictures import picture_from_base64
from illustrious_studio.interfaces.shared.overview import ModelList

SIDE = 128
STEPS = 2
PROMPT = "a red apple"
FEW_TOKENS = 24
_SHOWN = 160

Headers = Mapping[str, str]


class Failed(Exception):
    """What a client would stumble over, as a sentence."""


def failed(call: str, expected: str, came: object) -> Failed:
    return Failed(f"{call}: expected {expected}, came {short(came)}")


def short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


@dataclass(frozen=True)
class Answer:
    """The JSON that a call was answered with."""

    call: str
    body: Any

    def at(self, *path: str | int) -> Any:
        """What stands there."""
        found = self.body
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                raise failed(self.call, f"a value at {'.'.join(map(str, path))}", self.body) from None
        return found

    def has(self, name: str) -> bool:
        """Whether that field is there and says something."""
        if not isinstance(self.body, dict):
            raise failed(self.call, "an object", self.body)
        return self.body.get(name) is not None

    def text(self, *path: str | int) -> str:
        return str(self._of_kind(str, "text", *path))

    def whole_number(self, *path: str | int) -> int:
        return int(self._of_kind(int, "a whole number", *path))

    def count(self, *path: str | int) -> int:
        """How many entries the list there has."""
        found = self.at(*path)
        if not isinstance(found, list):
            raise failed(self.call, f"a list{' at ' if path else ''}{'.'.join(map(str, path))}", found)
        return len(found)

    def every(self, name: str, *path: str | int) -> list[str]:
        """That field of every entry of the list there."""
        return [self.text(*path, number, name) for number in range(self.count(*path))]

    async def picture(self, *path: str | int) -> str:
        """A picture of the size that the self-test asks for, in base64."""
        data = self.text(*path)
        await check_picture(self.call, data)
        return data

    def _of_kind(self, kind: type[Any], name: str, *path: str | int) -> Any:
        found = self.at(*path)
        if not isinstance(found, kind) or isinstance(found, bool):
            raise failed(self.call, f"{name} at {'.'.join(map(str, path))}", found)
        return found


async def check_picture(call: str, data: str) -> None:
    try:
        picture = (await asyncio.to_thread(picture_from_base64, data, "the picture")).picture
    except StudioError as error:
        raise failed(call, "a picture", error.detail) from None
    if (picture.width, picture.height) != (SIDE, SIDE):
        raise failed(call, f"a picture of {SIDE} x {SIDE}", f"one of {picture.width} x {picture.height}")


@dataclass(frozen=True)
class Calls:
    """`seed` is this test's own, so that its pictures can be told apart from a person's and put away again."""

    http: httpx.AsyncClient
    url: str
    key: SecretStr | None
    seed: int
    _known: dict[str, ModelList] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        return self.key.get_secret_value() if self.key else ""

    def bearer(self) -> dict[str, str]:
        """As clients of OpenAI's API send the key; without one they send any word."""
        return {"authorization": f"Bearer {self.secret or 'none'}"}

    def basic(self) -> dict[str, str]:
        """As A1111's clients do. Without a key they send the word alone."""
        both = f"user:{self.secret}" if self.secret else ""
        return {"authorization": f"Basic {base64.b64encode(both.encode()).decode()}".strip()}

    async def get(self, path: str, headers: Headers) -> Answer:
        return await self._ask("GET", path, headers)

    async def post(self, path: str, headers: Headers, body: object) -> Answer:
        return await self._ask("POST", path, headers, body)

    async def delete(self, path: str, headers: Headers) -> None:
        await self._asked("DELETE", path, headers)

    async def _ask(self, method: str, path: str, headers: Headers, body: object = None) -> Answer:
        response = await self._asked(method, path, headers, body)
        try:
            return Answer(f"{method} {path}", response.json())
        except ValueError:
            raise failed(f"{method} {path}", "JSON", response.text) from None

    async def _asked(self, method: str, path: str, headers: Headers, body: object = None) -> httpx.Response:
        call = f"{method} {path}"
        try:
            response = await self.http.request(method, self.url + path, headers=dict(headers), json=body)
        except httpx.HTTPError as error:
            raise no_answer(call, error) from None
        if not response.is_success:
            raise refusal(call, response.status_code, response.text)
        return response

    async def listed(self, chosen: str) -> None:
        """GET /v1/models, as clients do to offer what there is; the one that a person would choose is among them."""
        answer = await self.get("/v1/models", self.bearer())
        names = answer.every("id", "data")
        if chosen not in names:
            raise failed(answer.call, f"{chosen or 'a model in use'} among the models", names)

    async def in_use(self) -> ModelList:
        """What a person would choose: what is in use, so that nothing else has to be loaded."""
        if "models" not in self._known:
            answer = await self.get("/models", self.bearer())
            try:
                self._known["models"] = ModelList.model_validate_json(json.dumps(answer.body))
            except ValidationError as error:
                raise failed(answer.call, "a list of models", error.errors()[0]["msg"]) from None
        return self._known["models"]

    async def streamed_chat(self, body: Mapping[str, object]) -> None:
        """POST /v1/chat/completions as a stream, read as clients of OpenAI's API read it."""
        call = "POST /v1/chat/completions"
        answer, ended, lines = "", False, []
        try:
            async with self.http.stream(
                "POST", f"{self.url}/v1/chat/completions", headers=self.bearer(), json={**body, "stream": True}
            ) as response:
                if response.status_code != 200:
                    raise refusal(call, response.status_code, (await response.aread()).decode(errors="replace"))
                async for line in response.aiter_lines():
                    if line.startswith("data: "):
                        lines.append(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise no_answer(call, error) from None
        if not lines or lines.pop() != "[DONE]":
            raise failed(call, "a stream that ends with [DONE]", lines[-1] if lines else "none")
        for line in lines:
            try:
                chunk = Answer(call, json.loads(line))
            except ValueError:
                raise failed(call, "JSON in each chunk", line) from None
            for number in range(chunk.count("choices")):  # the chunk with the usage has none
                delta = Answer(call, chunk.at("choices", number, "delta"))
                answer += "".join(delta.text(name) for name in ("content", "reasoning_content") if delta.has(name))
                ended = ended or chunk.at("choices", number, "finish_reason") is not None
        if not answer.strip() or not ended:
            raise failed(call, "words, and a finish_reason", lines)


def refusal(call: str, status: int, text: str) -> Failed:
    """The studio's own sentence says why, whichever API's shape it comes in."""
    try:
        body = json.loads(text)
        reason = body["error"]["message"] if isinstance(body.get("error"), dict) else body["detail"]
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = short(text)
    return Failed(f"{call}: expected 200, came {status}: {reason}")


def no_answer(call: str, error: BaseException) -> Failed:
    return Failed(f"{call}: no answer ({error or type(error).__name__})")
