"""Reaching a language server over HTTP: one kind of client, one pace, one table of errors, one size of pictures.

Shared by the adapters that use an official client library (`ollama`, `openai`); it knows neither of the two.
The client never uses a proxy from the environment, follows no redirect, keeps no cookie, and reads no endless line.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from illustrious_studio.domain.embeddings import Embeddings
from illustrious_studio.domain.errors import (
    Busy,
    InvalidRequest,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from illustrious_studio.domain.pictures import Picture

T = TypeVar("T")

LONGEST_LINE = 1 << 20
LONGEST_ANSWER = 1_000_000
LARGEST_PICTURE = 1280
TEXTS_AT_ONCE = 8
"""Their vectors come in one line, which must not be longer than `LONGEST_LINE`: 8 of 4096 numbers are not."""
# JSON may hold these three inside strings as they are, but httpx breaks lines at them. Escaped, they mean the same.
LINE_BREAKS = ((b"\xc2\x85", rb"\u0085"), (b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"))


@dataclass(frozen=True)
class Pace:
    """How long to wait for a server, in seconds."""

    connect: float = 2.0
    first_token: float = 60.0
    between_tokens: float = 30.0


DEFAULT_PACE = Pace()


class MalformedResponse(Exception):
    """The server sent something that no server of its kind sends."""


class StreamTruncated(Exception):
    """The stream ended before the answer did."""


# What fails below a client library, and what a library raises on getting no JSON, or JSON of another shape.
FAILURES = (httpx.HTTPError, aiohttp.ClientError, OSError, MalformedResponse, StreamTruncated)
PARSE_ERRORS = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


def client_options(pace: Pace) -> dict[str, Any]:
    """Arguments for an `httpx.AsyncClient` (or a library that passes them on to one)."""
    return {
        "transport": _Transport(trust_env=False, client=_session),
        "trust_env": False,
        "follow_redirects": False,
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        "timeout": httpx.Timeout(None, connect=pace.connect, read=pace.first_token),
    }


def _session() -> aiohttp.ClientSession:
    # A connection for each request: a server may close an idle one in the moment in which it is used again.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


class _Transport(AiohttpTransport):
    """aiohttp below httpx: several times faster with many streams at once than what httpx brings along."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Lines(response.stream)
        return response


class _Lines(httpx.AsyncByteStream):
    """A body handed on in whole lines, none of them longer than `LONGEST_LINE`."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._stream:
            whole, newline, tail = chunk.rpartition(b"\n")
            if newline:
                yield _escaped(rest + whole + newline)
                rest = tail
            else:
                rest += tail
            if len(rest) > LONGEST_LINE:
                raise MalformedResponse("a line of more than a megabyte")
        if rest:
            yield _escaped(rest)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _escaped(lines: bytes) -> bytes:
    for raw, escape in LINE_BREAKS:
        if raw in lines:
            lines = lines.replace(raw, escape)
    return lines


async def paced(items: AsyncIterator[T], pace: Pace) -> AsyncGenerator[T, None]:
    """The same items; TimeoutError when one of them is too long in coming. Closing it closes `items`."""
    wait = pace.first_token
    try:
        while True:
            async with asyncio.timeout(wait):
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item
            wait = pace.between_tokens
    finally:
        if (close := getattr(items, "aclose", None)) is not None:
            await close()


async def embedded(texts: Sequence[str], embed: Callable[[Sequence[str]], Awaitable[Embeddings]]) -> Embeddings:
    """Vectors of any number of texts, a few at a time. Raises MalformedResponse when there are not as many."""
    vectors: list[tuple[float, ...]] = []
    tokens: int | None = 0
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        asked = texts[start : start + TEXTS_AT_ONCE]
        made = await embed(asked)
        if len(made.vectors) != len(asked):
            raise MalformedResponse("another number of vectors than of texts")
        vectors += made.vectors
        tokens = None if tokens is None or made.tokens is None else tokens + made.tokens
    return Embeddings(tuple(vectors), tokens)


def failure(error: BaseException, server: str, advice: str) -> StudioError:
    """What FAILURES and PARSE_ERRORS mean to a person. `advice` says what to do when the server is not there."""
    for link in _chain(error):  # httpx-aiohttp hides which of them it was
        if isinstance(link, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Unavailable(f"{server} cannot be reached. {advice}", retry_after=5)
        if isinstance(link, MalformedResponse):
            return UpstreamFailed(f"{server} sent {link}. Is it the right address?")
        if isinstance(link, TimeoutError | httpx.ReadTimeout):
            return UpstreamTimeout(
                f"{server} did not answer in time. It may still be loading the model: try again in a minute."
            )
    if any(
        isinstance(link, httpx.TransportError | aiohttp.ClientError | OSError | StreamTruncated)
        for link in _chain(error)
    ):
        return UpstreamFailed(f"{server} broke the connection off. Try again; its log may say why.")
    return UpstreamFailed(f"{server} answered with something that makes no sense. Is it the right address?")


def refusal(status: int, message: str, server: str) -> StudioError:
    """What an HTTP error status of a language server means to a person."""
    reason = _readable(message)
    if status in (429, 503):
        return Busy(f"{server} is busy{reason}. Try again in a moment.", retry_after=5)
    if status in (401, 403):
        return Unavailable(f"{server} refused access{reason}. Check its key.")
    if status in (400, 413, 422):
        return InvalidRequest(f"{server} refused the request{reason}. Ask differently, or switch to another model.")
    if 300 <= status < 400:
        return UpstreamFailed(f"{server} points to another address, which is not followed. Give the right address.")
    return UpstreamFailed(f"{server} failed{reason}. Try again; its log may say why.")


def _readable(message: str) -> str:
    """The server's own words, short and on one line; nothing when it sent a page instead of a sentence."""
    words = " ".join("".join(c if c.isprintable() else " " for c in message[:2000]).split())
    return "" if not words or words.startswith("<") else f": {words[:200].rstrip('.')}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def jpeg_of(picture: Picture) -> bytes:
    """A JPEG small enough to be sent often; vision models take less than this anyway."""
    image = picture.image()
    image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
