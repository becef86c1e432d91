"""Claude Desktop and other MCP hosts: over HTTP, or by starting a program."""

import asyncio
from importlib import import_module

from illustrious_studio.interfaces.selftest.calls import Calls, Failed, failed, no_answer, refusal
from illustrious_studio.interfaces.selftest.client import KEY, Access, Client, InUse, Paste, Section, json_block

CALL = "POST /mcp"
TOOLS = {"generate_image", "refine_image", "analyze_image", "chat", "status"}


def settings(access: Access, in_use: InUse) -> list[Section]:
    url = f"{access.url}/mcp"
    over_http: dict[str, object] = {"type": "http", "url": url}
    command, *arguments = access.program
    started: dict[str, object] = {"command": command, "args": arguments}
    if access.key:
        over_http["headers"] = {"Authorization": f"Bearer {KEY}"}
        started["env"] = {"ILLUSTRIOUS_KEY": KEY}
    return [
        Section(
            "Hosts that call an address",
            (
                Paste("Address", url),
                Paste("Cursor's mcp.json, Claude Code's .mcp.json", json_block("mcpServers", over_http), code=True),
                Paste("VS Code's mcp.json", json_block("servers", over_http), code=True),
            ),
        ),
        Section(
            "Hosts that start a program",
            (Paste("Claude Desktop's claude_desktop_config.json", json_block("mcpServers", started), code=True),),
            "Claude Desktop: Settings, Developer, Edit Config opens that file. Start the host again afterwards.",
        ),
    ]


async def replay(calls: Calls) -> None:
    """By the protocol's own client, with a session, as hosts open one."""
    await asyncio.to_thread(import_module, "mcp")  # half a second, during which the studio goes on answering
    import httpx2
    from mcp import Client as Host
    from mcp import MCPError
    from mcp.client.streamable_http import streamable_http_client

    refused: list[Failed] = []

    async def note(response: httpx2.Response) -> None:
        if response.is_error:  # the protocol's client does not pass on what it was answered
            refused.append(refusal(CALL, response.status_code, (await response.aread()).decode(errors="replace")))

    headers = {"authorization": f"Bearer {calls.secret}"} if calls.secret else {}
    timeout = httpx2.Timeout(calls.http.timeout.read, connect=calls.http.timeout.connect)
    hooks = {"response": [note]}
    failure: Failed | None = None
    try:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks=hooks, trust_env=False) as http,
            Host(streamable_http_client(f"{calls.url}/mcp", http_client=http), mode="legacy") as host,
        ):
            tools = {tool.name for tool in (await host.list_tools()).tools}
            status = await host.call_tool("status")
    except* httpx2.HTTPError as errors:
        failure = no_answer(CALL, first(errors))
    except* MCPError as errors:
        failure = refused[0] if refused else failed(CALL, "an answer", str(first(errors)))
    if failure:
        raise failure
    if missing := TOOLS - tools:
        raise failed(f"{CALL} tools/list", f"the tool {min(missing)}", sorted(tools))
    if status.is_error or (status.structured_content or {}).get("status") != "running":
        raise failed(f"{CALL} tools/call status", "a studio that runs", status.model_dump(mode="json"))


def first(errors: BaseExceptionGroup[Exception]) -> Exception:
    """The innermost: the protocol's client wraps what goes wrong in groups of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error


MCP_HOST = Client(
    name="MCP hosts",
    about="Claude Desktop, Cursor, VS Code and agents generate and analyze pictures, chat, and search the gallery.",
    path="/mcp",
    settings=settings,
    tried="initialize, tools/list, the tool status",
    replay=replay,
)
