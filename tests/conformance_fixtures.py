"""What MCP's conformance suite (`@modelcontextprotocol/conformance`, its scenarios' own descriptions) asks to be there:
tools, resources and prompts of these names, on the studio's endpoint in place of its own."""

import io
import json
import wave
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    INVALID_PARAMS,
    AudioContent,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ContentBlock,
    EmbeddedResource,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    Tool,
    UnsubscribeRequestParams,
)

from fakes import gradient
from illustrious_studio.domain.encoding import to_png

Context = ServerRequestContext[Any, Any]
PNG = b64encode(to_png(gradient(8, 8, 1))).decode()


def _wav() -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 80)
    return b64encode(file.getvalue()).decode()


def _text(said: str) -> TextContent:
    return TextContent(text=said)


def _image() -> ImageContent:
    return ImageContent(data=PNG, mime_type="image/png")


def _embedded(uri: str, kind: str, said: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=kind, text=said))


async def with_logging(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message("info", said, related_request_id=context.request_id)
    return [_text("Said three times.")]


async def with_progress(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
    for part in (0, 50, 100):
        await context.session.report_progress(part, 100)
    return [_text("Done.")]


async def sampling(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
    question = SamplingMessage(role="user", content=_text(given["prompt"]))
    answer = await context.session.create_message(
        messages=[question], max_tokens=100, related_request_id=context.request_id
    )
    return [_text(f"LLM response: {answer.content}")]


def eliciting(properties: dict[str, Any], required: tuple[str, ...] = ()) -> "Does":
    async def elicits(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
        schema = {"type": "object", "properties": properties, "required": list(required)}
        answer = await context.session.elicit_form(
            given.get("message", "Please fill this in"), schema, related_request_id=context.request_id
        )
        return [_text(f"Elicitation completed: action={answer.action}, content={answer.content}")]

    return elicits


async def reconnection(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
    return [_text("Reconnected.")]


async def failing(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
    raise ValueError("This tool intentionally returns an error for testing")


def saying(*content: ContentBlock) -> "Does":
    async def says(context: Context, given: dict[str, Any]) -> list[ContentBlock]:
        return list(content)

    return says


Does = Callable[[Context, dict[str, Any]], Awaitable[list[ContentBlock]]]
TITLED = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
PLAIN = {"type": "string", "enum": ["option1", "option2", "option3"]}
TOOLS: dict[str, Does] = {
    "test_simple_text": saying(_text("This is a simple text response for testing.")),
    "test_image_content": saying(_image()),
    "test_audio_content": saying(AudioContent(data=_wav(), mime_type="audio/wav")),
    "test_embedded_resource": saying(
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": saying(
        _text("Multiple content types test:"),
        _image(),
        _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_tool_with_logging": with_logging,
    "test_tool_with_progress": with_progress,
    "test_error_handling": failing,
    "test_sampling": sampling,
    "test_elicitation": eliciting(
        {"username": {"type": "string"}, "email": {"type": "string"}}, required=("username", "email")
    ),
    "test_elicitation_sep1034_defaults": eliciting(
        {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
    ),
    "test_elicitation_sep1330_enums": eliciting(
        {
            "untitledSingle": PLAIN,
            "titledSingle": {"type": "string", "oneOf": TITLED},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": PLAIN},
            "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
        }
    ),
    "test_reconnection": reconnection,
    "json_schema_2020_12_tool": saying(_text("Seen.")),
}
ANYTHING: dict[str, Any] = {"type": "object"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}
        },
        "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
        "additionalProperties": False,
    }
}


def _asked(*content: ContentBlock) -> GetPromptResult:
    return GetPromptResult(messages=[PromptMessage(role="user", content=one) for one in content])


PROMPTS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, str]], GetPromptResult]]] = {
    "test_simple_prompt": ((), lambda given: _asked(_text("This is a simple prompt for testing."))),
    "test_prompt_with_arguments": (
        ("arg1", "arg2"),
        lambda given: _asked(_text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")),
    ),
    "test_prompt_with_embedded_resource": (
        ("resourceUri",),
        lambda given: _asked(
            _embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing."),
            _text("Please process the embedded resource above."),
        ),
    ),
    "test_prompt_with_image": ((), lambda given: _asked(_image(), _text("Please analyze the image above."))),
}
TEXT, BINARY, WATCHED = "test://static-text", "test://static-binary", "test://watched-resource"
BEFORE, AFTER = "test://template/", "/data"


def conformance_server() -> Server[Any]:
    watched: set[str] = set()

    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(
            tools=[Tool(name=name, description=name, input_schema=SCHEMAS.get(name, ANYTHING)) for name in TOOLS]
        )

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name}")
        try:
            return CallToolResult(content=await TOOLS[params.name](context, params.arguments or {}))
        except ValueError as error:
            return CallToolResult(content=[_text(str(error))], is_error=True)

    async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[Resource(uri=uri, name=uri) for uri in (TEXT, BINARY, WATCHED)])

    async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        template = ResourceTemplate(uri_template=f"{BEFORE}{{id}}{AFTER}", name="template")
        return ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        uri = str(params.uri)
        if uri == BINARY:
            return ReadResourceResult(contents=[BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)])
        if uri in (TEXT, WATCHED):
            kind, said = "text/plain", "This is the content of the static text resource."
        elif uri.startswith(BEFORE) and uri.endswith(AFTER):
            one = uri.removeprefix(BEFORE).removesuffix(AFTER)
            kind, said = (
                "application/json",
                json.dumps({"id": one, "templateTest": True, "data": f"Data for ID: {one}"}),
            )
        else:
            raise MCPError(INVALID_PARAMS, f"There is nothing at {uri}")
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=kind, text=said)])

    async def subscribe(context: Context, params: SubscribeRequestParams) -> EmptyResult:
        watched.add(str(params.uri))
        return EmptyResult()

    async def unsubscribe(context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        watched.discard(str(params.uri))
        return EmptyResult()

    async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(
            prompts=[
                Prompt(
                    name=name,
                    description=name,
                    arguments=[PromptArgument(name=argument, required=True) for argument in arguments],
                )
                for name, (arguments, _) in PROMPTS.items()
            ]
        )

    async def get_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult:
        return PROMPTS[params.name][1](params.arguments or {})

    async def complete(context: Context, params: CompleteRequestParams) -> CompleteResult:
        return CompleteResult(completion=Completion(values=[]))

    async def set_level(context: Context, params: SetLevelRequestParams) -> EmptyResult:
        return EmptyResult()

    return Server(
        "conformance",
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=subscribe,
        on_unsubscribe_resource=unsubscribe,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_set_logging_level=set_level,
    )
