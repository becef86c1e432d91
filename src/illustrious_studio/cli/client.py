"""How a command speaks to a studio: over the API, like any other client.

When a studio runs already on the same data folder, that one draws and answers (its models are loaded, and the card is
not filled twice). Otherwise the API is started in this process, on a free loopback port, for as long as the command
takes.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from rich.console import Console

from illustrious_studio import __version__
from illustrious_studio.domain.errors import Unavailable, error_from_code
from illustrious_studio.serve import serving_api
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import running_studio

console = Console(stderr=True)
POLL_SECONDS = 0.3


@contextlib.asynccontextmanager
async def studio_client(settings: Settings, *, needs: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running studio, or of one started for this command; waits until what it `needs` is ready."""
    async with contextlib.AsyncExitStack() as stack:
        running = running_studio(settings.data_dir)
        address = running.api if running else await stack.enter_async_context(serving_api(settings))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=address,
                headers={"User-Agent": f"illustrious/{__version__}"} | key_header(settings),
                timeout=httpx.Timeout(None, connect=5),
                trust_env=False,
            )
        )
        try:
            if needs:
                await _wait_until_ready(client, needs)
            yield client
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The studio at {address} does not answer any more. It may have been stopped: start it, and try again."
            ) from error


def key_header(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}


async def _wait_until_ready(client: httpx.AsyncClient, needs: str) -> None:
    with console.status("Loading the model"):
        while True:
            status = await get(client, "/status")
            if status["models"][needs]:
                return
            part = status["details"][needs]
            if part["state"] in ("failed", "absent") and part["reason"]:
                raise Unavailable(part["reason"])
            await asyncio.sleep(POLL_SECONDS)


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    return (await checked(await client.get(path, params=query))).json()


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    return (await checked(await client.post(path, json=body))).json()


async def checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        try:
            body = response.json()
            detail, code = body["detail"], body["code"]
        except (ValueError, KeyError):
            detail, code = f"The studio answered {response.status_code}.", "internal_error"
        raise error_from_code(code, detail)
    return response


async def events(
    client: httpx.AsyncClient, method: str, path: str, **options: Any
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Server-sent events as name and data. Raises the error that an `error` event carries."""
    async with client.stream(method, path, **options) as response:
        if response.is_error:
            await response.aread()
            await checked(response)
        event = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                if event == "error":
                    raise error_from_code(data["code"], data["detail"])
                yield event, data
