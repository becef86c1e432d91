"""The MCP server over a Studio: hands each request to a tool, a resource or a prompt, and says failures in MCP's words.

A tool's failure is a result with `isError` and the sentence, so that the host's model can do something about it.
Which wire it speaks on is not known here.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import structlog
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError
from illustrious_studio.interfaces.http.errors import sentences
from illustrious_studio.interfaces.http.sse import until_stopped
from illustrious_studio.interfaces.mcp.completions import completed
from illustrious_studio.interfaces.mcp.prompts import TASKS
from illustrious_studio.interfaces.mcp.resources import TEMPLATES, list_pictures, read_picture
from illustrious_studio.interfaces.mcp.results import text
from illustrious_studio.interfaces.mcp.tools import TOOLS
from illustrious_studio.services.studio import Studio

log = structlog.get_logger(__name__)

T = TypeVar("T")
Context = ServerRequestContext[Any, Any]

NAME = "illustrious-studio"
TITLE = "Illustrious AI Studio"
INSTRUCTIONS = (
    "A studio on this machine that draws pictures with Stable Diffusion XL, and keeps them in a gallery. "
    "generate_image draws; refine_image draws a picture again with some settings changed. A result shows a preview of "
    "at most 768 pixels; the whole PNG is the resource it links to. When something fails, the result says what to do."
)
OUR_FAULT = "Something went wrong inside the studio; this is a fault of its own. Its log says more."


def create_mcp_server(studio: Studio) -> Server[Any]:
    """The server. It starts nothing and holds nothing of its own: the studio is opened and closed by the caller."""
    tools = {tool.name: tool for tool in TOOLS}
    tasks = {task.name: task for task in TASKS}
    declared_tools = ListToolsResult(tools=[tool.declared() for tool in TOOLS])
    declared_tasks = ListPromptsResult(prompts=[task.declared() for task in TASKS])

    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return declared_tools

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name!r}. There are: {', '.join(tools)}.")
        try:
            request = tool.given(params.arguments or {})
        except ValidationError as error:
            return _failed(sentences(error.errors()))
        try:
            answer = await _in_own_task(tool.does(studio, request, context.session.report_progress))
        except StudioError as error:
            return _failed(error.detail)
        except Exception:  # the top of a tool's call
            log.exception("tool failed", tool=tool.name)
            return _failed(OUR_FAULT)
        return CallToolResult(content=answer.content(), structured_content=to_jsonable_python(answer.found))

    async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        async with _protocol_errors():
            return await list_pictures(studio, params.cursor if params else None)

    async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return TEMPLATES

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        async with _protocol_errors({"uri": params.uri}):
            return await read_picture(studio, params.uri)

    async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        return declared_tasks

    async def get_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult:
        async with _protocol_errors():
            if params.name not in tasks:
                raise NotFound(f"There is no prompt {params.name!r}. There are: {', '.join(tasks)}.")
            return tasks[params.name].asked(params.arguments or {})

    async def complete(context: Context, params: CompleteRequestParams) -> CompleteResult:
        async with _protocol_errors():
            return CompleteResult(completion=await completed(studio, params))

    return Server(
        NAME,
        title=TITLE,
        version=studio.version,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
    )


def _failed(sentence: str) -> CallToolResult:
    return CallToolResult(content=[text(sentence)], is_error=True)


@asynccontextmanager
async def _protocol_errors(about: dict[str, str] | None = None) -> AsyncIterator[None]:
    """Resources and prompts have no result for a failure: there it is an error of the protocol, with what it is about
    as its data."""
    try:
        yield
    except (InvalidRequest, NotFound) as error:
        raise MCPError(INVALID_PARAMS, error.detail, about) from error
    except StudioError as error:
        raise MCPError(INTERNAL_ERROR, error.detail, about) from error


async def _in_own_task(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled, and waited for, when the host cancels. Raises Unavailable at a stop.

    The SDK cancels by anyio's scopes, in which every further `await` is cancelled, too. A task of its own is cancelled
    once, and may do what it does last, such as keeping the half of an answer that was given.
    """
    task = asyncio.create_task(until_stopped(work))
    try:
        return await asyncio.shield(task)
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({task})
