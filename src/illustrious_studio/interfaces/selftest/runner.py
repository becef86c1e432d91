"""The self-test: every client's calls, one client after another, over HTTP and through the guard of a running studio.

What it draws is small and goes to the gallery's bin when it is over, as if a person had deleted it.
"""

import secrets
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass

import httpx

from illustrious_studio.interfaces.selftest.a1111 import A1111_CLIENT
from illustrious_studio.interfaces.selftest.calls import PROMPT, Calls, Failed
from illustrious_studio.interfaces.selftest.client import Access
from illustrious_studio.interfaces.selftest.curl import CURL
from illustrious_studio.interfaces.selftest.mcp_host import MCP_HOST
from illustrious_studio.interfaces.selftest.open_webui import OPEN_WEBUI
from illustrious_studio.interfaces.selftest.openai_sdk import OPENAI_SDK
from illustrious_studio.interfaces.selftest.sillytavern import SILLYTAVERN

CLIENTS = (MCP_HOST, OPEN_WEBUI, SILLYTAVERN, OPENAI_SDK, A1111_CLIENT, CURL)
PATIENCE = httpx.Timeout(600, connect=5)
"""A large checkpoint on a CPU loads for minutes before it draws."""


TIDYING_UP = "Tidying up"


@dataclass(frozen=True)
class Outcome:
    """How a client fared. `failure` is what it stumbled over; nothing when it passed."""

    name: str
    failure: str = ""

    @property
    def passed(self) -> bool:
        return not self.failure


async def replay_all(access: Access) -> AsyncGenerator[Outcome, None]:
    """The outcome of each client as it comes, and of tidying up. Who stops listening stops the test; what it drew is
    put away all the same."""
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        calls = Calls(http, access.url, access.key, secrets.randbelow(2**31) + 2**31)
        tidied = False
        try:
            for client in CLIENTS:
                yield await _outcome(client.name, client.replay(calls))
            tidied = True
            yield await _outcome(TIDYING_UP, _put_away(calls))
        finally:
            if not tidied:
                await _outcome(TIDYING_UP, _put_away(calls))


async def _outcome(name: str, work: Awaitable[None]) -> Outcome:
    try:
        await work
    except Failed as failure:
        return Outcome(name, str(failure))
    return Outcome(name)


async def _put_away(calls: Calls) -> None:
    """Every picture that this test made. Raises Failed."""
    found = await calls.get(f"/gallery?q={calls.seed}", calls.bearer())
    for number in range(found.count("items")):
        if found.at("items", number, "metadata", "prompt") == PROMPT:
            await calls.delete(f"/gallery/{found.text('items', number, 'id')}", calls.bearer())
