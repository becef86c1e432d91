"""MCP over standard input and output, for hosts that start a program: each request is handed on to a studio's `/mcp`.

Each opens its own exchange with the studio, so that one which was started again in between is found again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequest,
    CompleteResult,
    GetPromptRequest,
    GetPromptResult,
    ListPromptsRequest,
    ListPromptsResult,
    ListResourcesRequest,
    ListResourcesResult,
    ListResourceTemplatesRequest,
    ListResourceTemplatesResult,
    ListToolsRequest,
    ListToolsResult,
    ReadResourceRequest,
    ReadResourceResult,
    Request,
    RequestParams,
    Result,
)
from mcp.types.version import LATEST_MODERN_VERSION

from illustrious_studio.interfaces.mcp.results import text
from illustrious_studio.interfaces.mcp.server import INSTRUCTIONS, NAME, TITLE

T = TypeVar("T", bound=Result)
Context = ServerRequestContext[Any, Any]
Handler = Callable[[Context, Any], Awaitable[T]]

GONE = "The studio does not answer. It may have been stopped: start it, and try again."


async def relay(address: str, headers: Mapping[str, str], version: str) -> None:
    """Serve whoever is at the other end of stdin and stdout, until they close it."""
    timeout = httpx2.Timeout(None, connect=5)
    async with httpx2.AsyncClient(headers=dict(headers), timeout=timeout, trust_env=False) as http:
        server = _server(_Studio(f"{address.rstrip('/')}/mcp", http), version)
        try:
            async with stdio_server() as (reads, writes):
                await server.run(reads, writes, server.create_initialization_options())
        except* BrokenPipeError:
            pass  # they closed it while an answer was on its way


class _Studio:
    """The studio's `/mcp`, asked one request at a time."""

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        self._url, self._http = url, http

    async def ask(self, context: Context, request: Request[Any, Any], gives: type[T]) -> T:
        """Raises MCPError. Being cancelled, it closes the exchange, which cancels the work in the studio."""
        transport = streamable_http_client(self._url, http_client=self._http, max_sse_event_size=None)
        answer: T | MCPError
        try:
            async with Client(transport, mode=LATEST_MODERN_VERSION) as client:
                try:
                    answer = await client.session.send_request(
                        request, gives, progress_callback=context.session.report_progress
                    )
                except MCPError as error:  # raised in here, it would come out as a group
                    answer = error
        except* httpx2.HTTPError:
            answer = MCPError(CONNECTION_CLOSED, GONE)
        if isinstance(answer, MCPError):
            raise answer
        return answer


def _server(studio: _Studio, version: str) -> Server[Any]:
    def handed_on(asks: type[Request[Any, Any]], gives: type[T]) -> Handler[T]:
        async def handler(context: Context, params: RequestParams | None) -> T:
            # The host's `_meta` is about its own exchange with us: the studio's has another.
            return await studio.ask(context, asks(params=params and params.model_copy(update={"meta": None})), gives)

        return handler

    call = handed_on(CallToolRequest, CallToolResult)

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        try:
            return await call(context, params)
        except MCPError as error:
            if error.code != CONNECTION_CLOSED:
                raise
            return CallToolResult(content=[text(GONE)], is_error=True)

    return Server(
        NAME,
        title=TITLE,
        version=version,
        instructions=INSTRUCTIONS,
        on_list_tools=handed_on(ListToolsRequest, ListToolsResult),
        on_call_tool=call_tool,
        on_list_resources=handed_on(ListResourcesRequest, ListResourcesResult),
        on_list_resource_templates=handed_on(ListResourceTemplatesRequest, ListResourceTemplatesResult),
        on_read_resource=handed_on(ReadResourceRequest, ReadResourceResult),
        on_list_prompts=handed_on(ListPromptsRequest, ListPromptsResult),
        on_get_prompt=handed_on(GetPromptRequest, GetPromptResult),
        on_completion=handed_on(CompleteRequest, CompleteResult),
    )
