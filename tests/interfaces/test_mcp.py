"""MCP on the API's port, with the SDK's own client, in both of the protocol's eras: with sessions, and without."""

import asyncio
import io
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CallToolResult,
    ImageContent,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    TextContent,
)
from PIL import Image
from structlog.testing import capture_logs

from fakes import FakeChat, FakeVision
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.pictures import OpenedPicture
from running_api import Api, running_api
from samples import a_picture, metadata, owl
from waiting import until

KEY = "a-key-of-some-length"
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
CAT: dict[str, Any] = {"prompt": "a cat", "steps": 5, "seed": 7, "width": 1024, "height": 768}
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
SPEAKS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@asynccontextmanager
async def host(api: Api, era: str = "auto", **headers: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{api.url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


def sentence(result: CallToolResult) -> str:
    """What a failure says."""
    assert result.is_error
    (said,) = result.content
    assert isinstance(said, TextContent)
    return said.text


def shown(result: CallToolResult) -> tuple[Image.Image, str, str]:
    """What a picture's result shows: the preview, the line about it, and where the PNG is."""
    assert not result.is_error, result.content
    *_, preview, line, link = result.content
    assert isinstance(preview, ImageContent) and isinstance(line, TextContent) and isinstance(link, ResourceLink)
    assert (preview.mime_type, link.mime_type) == ("image/webp", "image/png")
    file = b64decode(preview.data)
    assert len(file) <= 200_000
    return Image.open(io.BytesIO(file)), line.text, link.uri


async def test_every_tool_says_truly_what_it_does_and_none_deletes_or_sets_anything(api: Api) -> None:
    async with host(api) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    reads = {
        "analyze_image",
        "preprocess_image",
        "enhance_prompt",
        "search_gallery",
        "get_image",
        "list_models",
        "status",
    }
    reads |= {"checkpoint_report"}
    draws = {
        "generate_image",
        "refine_image",
        "draw_grid",
        "draw_details",
        "upscale_image",
        "remove_background",
        "chat",
    }
    assert tools.keys() == reads | draws
    for name, tool in tools.items():
        assert tool.title and tool.description and tool.annotations and tool.output_schema
        assert tool.annotations.read_only_hint is (name in reads)
        assert tool.annotations.destructive_hint is False
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert '"null"' not in json.dumps(tool.input_schema)  # hosts that cannot read `anyOf` send numbers as text
    steps = tools["generate_image"].input_schema["properties"]["steps"]
    assert (steps["minimum"], steps["maximum"], steps["default"]) == (1, 150, 30)
    refined = tools["refine_image"].input_schema
    assert refined["required"] == ["image_id"]
    assert not [name for name, field in refined["properties"].items() if "default" in field]


async def test_a_grid_comes_as_its_sheet_and_what_is_not_drawn_is_said(api: Api) -> None:
    axes = {"x": {"setting": "steps", "values": "2-4"}, "y": {"setting": "sampler", "values": ["Euler", "LMS"]}}
    api.engine.faults.append(OutOfMemory("Too large."))
    told: list[float] = []

    async def tell(done: float, total: float | None, words: str | None) -> None:
        told.append(done)

    async with host(api) as client:
        result = await client.call_tool("draw_grid", CAT | {"width": 128, "height": 64} | axes, progress_callback=tell)
        assert not result.is_error, result.content
        preview, line, lost, link = result.content
        assert isinstance(preview, ImageContent) and isinstance(line, TextContent) and isinstance(link, ResourceLink)
        assert "5 of 6 pictures. x Steps: Steps: 2, Steps: 3, Steps: 4; y Sampler: Euler, LMS." in line.text
        assert isinstance(lost, TextContent) and lost.text == "Not drawn: Steps: 2, Euler: Too large."
        found = result.structured_content
        assert (found["done"], found["failed"], found["sheet_url"]) == (5, 1, link.uri)
        assert told == sorted(told)
        (whole,) = (await client.read_resource(link.uri)).contents
        assert Image.open(io.BytesIO(b64decode(whole.blob))).info["illustrious_grid"]
        wrong = {"x": {"setting": "steps", "values": "1, 500"}}
        assert "x, value 2 (500): must be at most 150" in sentence(await client.call_tool("draw_grid", CAT | wrong))


@ERAS
async def test_a_picture_comes_as_a_preview_a_link_to_the_png_and_all_of_its_settings(api: Api, era: str) -> None:
    async with host(api, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        result = await client.call_tool("generate_image", CAT)
        preview, line, uri = shown(result)
        (png,) = (await client.read_resource(uri)).contents
    found = result.structured_content
    jsonschema.validate(found, tools["generate_image"].output_schema or {})
    assert max(preview.size) == 768
    assert found["id"] in line and "seed 7" in line
    assert {name: found["metadata"][name] for name in CAT} == CAT
    entry = (await api.http.get(f"/gallery/{found['id']}")).json()
    assert found["metadata"] == entry["metadata"]
    assert b64decode(png.model_dump()["blob"]) == (await api.http.get(entry["url"])).content


@ERAS
async def test_steps_are_told_as_they_happen(api: Api, era: str) -> None:
    api.engine.go_on.clear()
    told: list[tuple[float, float | None]] = []
    halfway = asyncio.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))
        if progress == 2:
            halfway.set()

    async with host(api, era) as client:
        call = asyncio.create_task(client.call_tool("generate_image", CAT, progress_callback=tell))
        await asyncio.wait_for(halfway.wait(), 30)  # it still draws
        assert not call.done()
        api.engine.go_on.set()
        assert not (await call).is_error
    assert {total for progress, total in told if progress} == {CAT["steps"]}
    steps = [progress for progress, _ in told]
    assert steps == sorted(set(steps))
    assert told[-1] == (5, 5)


async def test_ids_are_completed_newest_first_and_free_words_are_not(api: Api) -> None:
    async with host(api) as client:
        ids = []
        for seed in (1, 2):
            drawn = await client.call_tool("generate_image", CAT | {"seed": seed})
            ids.append(drawn.structured_content["id"])
        picture = ResourceTemplateReference(uri="studio://images/{image_id}")
        change = PromptReference(name="change")
        asked = [(picture, "image_id", ""), (change, "image_id", ids[0][:9]), (change, "change", "sno")]
        found = [(await client.complete(ref, {"name": name, "value": typed})).completion for ref, name, typed in asked]
        assert [one.values for one in found] == [ids[::-1], [ids[0]], []]
        for ref, name in ((change, "colour"), (PromptReference(name="fly"), "image_id")):
            with pytest.raises(MCPError, match="There is no argument"):
                await client.complete(ref, {"name": name, "value": ""})


@ERAS
async def test_cancelling_stops_the_drawing(api: Api, era: str) -> None:
    api.engine.go_on.clear()
    async with host(api, era) as client:
        call = asyncio.create_task(client.call_tool("generate_image", CAT))
        await asyncio.wait_for(api.engine.drawing.wait(), 30)
        call.cancel()
        await asyncio.wait_for(api.engine.stopped.wait(), 30)
        await until(lambda: not api.studio.jobs.active())
        assert [job.state for job in await api.studio.jobs.recent()] == ["cancelled"]
        api.engine.go_on.set()
        assert not (await client.call_tool("generate_image", CAT)).is_error


async def test_leaving_stops_the_drawing_too(api: Api) -> None:
    api.engine.go_on.clear()
    async with host(api) as client:
        call = asyncio.create_task(client.call_tool("generate_image", CAT))
        await asyncio.wait_for(api.engine.drawing.wait(), 30)
    await asyncio.wait_for(api.engine.stopped.wait(), 30)
    with pytest.raises(MCPError):
        await call


@ERAS
async def test_a_cancelled_answer_is_kept_as_far_as_it_was_spoken(api: Api, era: str) -> None:
    api.chat.go_on.clear()
    async with host(api, era) as client:
        call = asyncio.create_task(client.call_tool("chat", {"message": "hello", "session_id": "s"}))
        await asyncio.wait_for(api.chat.speaking.wait(), 30)
        call.cancel()
        await asyncio.wait_for(api.chat.closed.wait(), 30)
    answer = (await until(lambda: api.studio.chat.messages("s"), lambda told: len(told) == 2))[-1]
    assert (answer.content, answer.state) == ("Hello there", "interrupted")


class TidyVision(FakeVision):
    """Looks for ever, and has something to do when it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.looking, self.tidied = asyncio.Event(), asyncio.Event()

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncGenerator[str, None]:
        try:
            self.looking.set()
            await asyncio.Event().wait()
            yield ""
        finally:
            await asyncio.to_thread(str)  # something that takes more than one turn of the event loop
            self.tidied.set()


@ERAS
async def test_who_is_cancelled_may_tidy_up(tmp_path: Path, era: str) -> None:
    vision = TidyVision()
    async with running_api(tmp_path, vision=vision) as api, host(api, era) as client:
        kept = await api.studio.gallery.add(a_picture().image(), metadata())
        call = asyncio.create_task(client.call_tool("analyze_image", {"image_id": kept.id}))
        await asyncio.wait_for(vision.looking.wait(), 30)
        call.cancel()
        await asyncio.wait_for(vision.tidied.wait(), 30)


async def test_refining_draws_again_with_only_the_given_changes(api: Api) -> None:
    async with host(api) as client:
        first = (await client.call_tool("generate_image", CAT)).structured_content
        result = await client.call_tool("refine_image", {"image_id": first["id"], "steps": 9, "guidance": 3})
        shown(result)
        again = result.structured_content
    assert again["id"] != first["id"]
    changed = {name for name in first["metadata"] if first["metadata"][name] != again["metadata"][name]}
    assert changed - {"seconds", "created_at", "request"} == {"steps", "guidance"}
    assert (await api.http.get(f"/gallery/{first['id']}")).status_code == 200


async def test_an_image_to_image_is_refined_without_its_picture_being_given_again(api: Api) -> None:
    given = b64encode(to_png(a_picture())).decode()
    async with host(api) as client:
        first = (await client.call_tool("generate_image", CAT | {"image": given})).structured_content
        again = await client.call_tool("refine_image", {"image_id": first["id"], "strength": 0.4})
        shown(again)
        assert again.structured_content["metadata"]["strength"] == 0.4
        changes = {"mask": given, "mask_area": "masked", "mask_content": "fill", "width": 64, "height": 64}
        part = (await client.call_tool("refine_image", {"image_id": first["id"], **changes})).structured_content
        assert (part["metadata"]["image"], part["metadata"]["drawn_width"]) == (first["metadata"]["image"], 64)
        alone = await client.call_tool("refine_image", {"image_id": first["id"], "mask_area": "masked"})
        assert sentence(alone) == "mask_area: needs a mask"


async def test_what_was_recorded_beyond_the_limits_is_said_and_can_be_changed(api: Api) -> None:
    old = await api.studio.gallery.add(a_picture().image(), metadata(unusable={"steps": "200"}))
    async with host(api) as client:
        again = await client.call_tool("refine_image", {"image_id": old.id})
        assert "its record says steps: 200" in sentence(again)
        shown(await client.call_tool("refine_image", {"image_id": old.id, "steps": 5}))


async def test_a_picture_of_the_gallery_or_one_that_is_sent_can_be_looked_at(api: Api) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    sent = b64encode(file.getvalue()).decode()
    async with host(api) as client:
        kept = (await client.call_tool("generate_image", CAT)).structured_content["id"]
        seen = await client.call_tool("analyze_image", {"image_id": kept, "question": "How large?"})
        assert seen.structured_content == {"analysis": "How large?: 1024 x 768", "model": "fake-eyes"}
        seen = await client.call_tool("analyze_image", {"image_base64": sent})
        assert seen.structured_content["analysis"].endswith("40 x 30")
        for both in ({}, {"image_id": kept, "image_base64": sent}):
            assert "one picture" in sentence(await client.call_tool("analyze_image", both))


async def test_a_picture_is_upscaled_with_its_steps_reported(api: Api) -> None:
    kept = await api.studio.gallery.add(a_picture().image(), metadata("a cat"))
    steps: list[tuple[float, float | None, str | None]] = []

    async def note(step: float, of: float | None, words: str | None) -> None:
        steps.append((step, of, words))

    async with host(api) as client:
        result = await client.call_tool("upscale_image", {"image_id": kept.id}, progress_callback=note)
        preview, line, uri = shown(result)
        assert preview.size == (192, 128)
        assert "192 x 128 pixels" in line and "upscaled with Real-ESRGAN anime" in line
        assert result.structured_content["metadata"]["upscale"]["from_width"] == 96
        assert uri.endswith(result.structured_content["id"]) and result.structured_content["id"] != kept.id
        assert (steps[-1][0], steps[-1][2]) == (2, "Upscaling")
        sent = {"image_base64": b64encode(to_png(a_picture())).decode(), "scale": "3", "upscaler": "Lanczos"}
        assert (await client.call_tool("upscale_image", sent)).structured_content["metadata"]["width"] == 288
        assert "There are: Lanczos" in sentence(await client.call_tool("upscale_image", {**sent, "upscaler": "x"}))
        redrawn = await client.call_tool("upscale_image", {"image_id": kept.id, "redraw": {"strength": 0.2}})
        made = redrawn.structured_content["metadata"]
        assert (made["width"], made["prompt"], made["strength"], made["tile"]) == (192, "a cat", 0.2, 512)


async def test_a_background_is_removed_preview_first_and_the_png_is_a_resource(api: Api) -> None:
    kept = await api.studio.gallery.add((await owl()).image(), metadata(width=320, height=320))
    sent = b64encode(to_png(await owl())).decode()
    async with host(api) as client:
        for arguments in ({"image_id": kept.id}, {"image_base64": sent}):
            result = await client.call_tool("remove_background", arguments)
            preview, line, uri = shown(result)
            assert (preview.mode, preview.size) == ("RGBA", (320, 320))
            assert "transparent" in line
            assert result.structured_content == {"uri": uri, "width": 320, "height": 320}
            (png,) = (await client.read_resource(uri)).contents
            cutout = Image.open(io.BytesIO(b64decode(png.blob)))
            assert (cutout.mode, cutout.getpixel((10, 10))[3], cutout.getpixel((160, 160))[3]) == ("RGBA", 0, 255)
        assert "one picture" in sentence(await client.call_tool("remove_background", {}))
        with pytest.raises(MCPError, match="no such picture"):
            await client.read_resource("studio://cutouts/../../etc/passwd")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"steps": "2", "width": "128", "guidance": "5.5", "seed": "7"}, id="azure-devops-mcp-853"),
        pytest.param({"image": "", "mask": ""}, id="empty texts"),
        pytest.param({"negative_prompt": None, "seed": None, "image": None, "strength": None}, id="nulls"),
    ],
)
async def test_what_hosts_fill_in_is_taken_as_they_mean_it(api: Api, arguments: dict[str, Any]) -> None:
    async with host(api) as client:
        drawn = await client.call_tool("generate_image", CAT | arguments)
    shown(drawn)
    if "steps" in arguments:
        asked = drawn.structured_content["metadata"]["request"]
        assert (asked["steps"], asked["width"], asked["guidance"], asked["seed"]) == (2, 128, 5.5, 7)


@pytest.mark.parametrize(("name", "value"), [("steps", "2.5"), ("steps", "x"), ("width", "128px"), ("prompt", None)])
async def test_what_is_no_number_is_refused_by_name(api: Api, name: str, value: Any) -> None:
    async with host(api) as client:
        assert name in sentence(await client.call_tool("generate_image", CAT | {name: value}))


async def test_chatting_and_drawing_in_a_chat(api: Api) -> None:
    async with host(api) as client:
        said = await client.call_tool("chat", {"message": "hello", "session_id": "mine"})
        assert said.content == [TextContent(text="Hello there.")]
        assert said.structured_content["model"] == "fake-chat"
        assert said.structured_content["picture"] is None
        drawn = await client.call_tool("chat", {"message": "#generate a red fox", "session_id": "mine"})
        shown(drawn)
    picture = drawn.structured_content["picture"]
    messages = (await api.http.get("/sessions/mine")).json()["messages"]
    assert messages[-1]["image_id"] == picture["id"]
    assert len(messages) == 4


async def test_a_prompt_is_enhanced(tmp_path: Path) -> None:
    better = "1girl, solo, a fox, snow, forest, highly detailed"
    async with running_api(tmp_path, chat=FakeChat([better])) as api, host(api) as client:
        answer = (await client.call_tool("enhance_prompt", {"prompt": "a fox, snow"})).structured_content
        assert (answer["changed"], answer["model"]) == (True, "fake-chat")
        assert "forest" in answer["prompt"]


async def test_the_gallery_is_searched_page_by_page_and_shows_its_pictures(api: Api) -> None:
    async with host(api) as client:
        for number in range(3):
            await client.call_tool("generate_image", CAT | {"prompt": f"cat number {number}"})
        await client.call_tool("generate_image", CAT | {"prompt": "a dog"})
        page = await client.call_tool("search_gallery", {"q": "cat", "limit": 2})
        rest = await client.call_tool(
            "search_gallery", {"q": "cat", "limit": 2, "cursor": page.structured_content["cursor"]}
        )
        items = [*page.structured_content["items"], *rest.structured_content["items"]]
        assert [item["metadata"]["prompt"] for item in items] == [f"cat number {number}" for number in (2, 1, 0)]
        assert rest.structured_content["cursor"] is None
        assert [type(block) for block in rest.content] == [TextContent, ResourceLink]
        got = await client.call_tool("get_image", {"image_id": items[0]["id"]})
        assert shown(got)[2].endswith(items[0]["id"])
        assert got.structured_content == items[0]
        none = await client.call_tool("search_gallery", {"q": "zebra"})
        assert none.structured_content == {"items": [], "cursor": None}


async def test_models_and_status_are_those_of_the_api(api: Api) -> None:
    async with host(api) as client:
        models = (await client.call_tool("list_models")).structured_content
        status = (await client.call_tool("status")).structured_content
    assert models == (await api.http.get("/models")).json()
    assert status == (await api.http.get("/status")).json()


@ERAS
@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("generate_image", {"prompt": "a cat", "steps": 151}, "steps: must be at most 150"),
        ("generate_image", {"prompt": "a cat", "steps": "20.5"}, "steps: must be a whole number"),
        ("generate_image", {"prompt": "a cat", "stepz": 3}, "stepz: is not known here; check its spelling"),
        ("generate_image", {"prompt": " "}, "prompt: must not be empty"),
        ("generate_image", {}, "prompt: is required"),
        ("generate_image", {"prompt": "x", "layout": [{"what": "zzz", "x": 0.5, "y": 0.5, "w": 0.1, "h": 0.1}]}, "zzz"),
        ("refine_image", {"image_id": "0" * 32}, "no such picture"),
        ("get_image", {"image_id": "../../etc/passwd"}, "no such picture"),
        ("analyze_image", {"image_base64": "AAAA"}, "not a picture"),
        ("search_gallery", {"cursor": "nonsense"}, "cursor"),
    ],
)  # fmt: skip
async def test_a_failure_is_a_result_with_a_sentence(
    api: Api, era: str, tool: str, arguments: dict[str, Any], words: str
) -> None:
    async with host(api, era) as client:
        assert words in sentence(await client.call_tool(tool, arguments))
        assert api.engine.plans == []


class BrokenVision(FakeVision):
    """Has a fault of its own."""

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncGenerator[str, None]:
        raise RuntimeError("at /home/somebody")
        yield ""


async def test_a_drawing_that_fails_says_what_to_do_and_a_bug_says_nothing_of_the_inside(tmp_path: Path) -> None:
    async with running_api(tmp_path, vision=BrokenVision()) as api, host(api) as client:
        api.engine.faults = [OutOfMemory("Too large. Choose a smaller size."), RuntimeError("at /home/somebody")]
        assert sentence(await client.call_tool("generate_image", CAT)) == "Too large. Choose a smaller size."
        assert "somebody" not in sentence(await client.call_tool("generate_image", CAT))
        kept = (await client.call_tool("generate_image", CAT)).structured_content["id"]
        with capture_logs() as logs:
            broken = sentence(await client.call_tool("analyze_image", {"image_id": kept}))
        assert "Its log says more" in broken and "somebody" not in broken
        assert "tool failed" in [line["event"] for line in logs]


async def test_what_is_not_there_is_an_error_of_the_protocol(api: Api) -> None:
    async with host(api) as client:
        with pytest.raises(MCPError, match="There is no tool 'delete_image'"):
            await client.call_tool("delete_image", {})
        for uri in ("studio://images/" + "0" * 32, "studio://images/../x", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="There is n") as missing:
                await client.read_resource(uri)
            assert (missing.value.code, missing.value.data) == (-32602, {"uri": uri})
        with pytest.raises(MCPError, match="There is no prompt"):
            await client.get_prompt("nothing")


async def test_the_gallery_is_listed_as_resources(api: Api) -> None:
    async with host(api) as client:
        drawn = (await client.call_tool("generate_image", CAT)).structured_content
        (resource,) = (await client.list_resources()).resources
        template, *others = (await client.list_resource_templates()).resource_templates
    assert [one.uri_template for one in others] == ["studio://cutouts/{image_id}", "studio://grids/{grid_id}"]
    assert resource.uri == template.uri_template.replace("{image_id}", drawn["id"])
    assert (resource.mime_type, resource.title) == ("image/png", "a cat")


async def test_the_usual_tasks_can_be_picked_as_prompts(api: Api) -> None:
    async with host(api) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for prompt in (await client.list_prompts()).prompts:
            arguments = {argument.name: f"<{argument.name}>" for argument in prompt.arguments or ()}
            (message,) = (await client.get_prompt(prompt.name, arguments)).messages
            assert isinstance(message.content, TextContent)
            assert all(value in message.content.text for value in arguments.values())
            assert any(tool in message.content.text for tool in tools)
            with pytest.raises(MCPError, match="is required"):
                await client.get_prompt(prompt.name, {})


async def test_only_who_shows_the_key_gets_in(tmp_path: Path) -> None:
    async with running_api(tmp_path, key=KEY) as api:
        for method in ("POST", "GET", "DELETE", "OPTIONS"):
            for headers in ({}, {"authorization": "Bearer something-else-entirely"}):
                answer = await api.http.request(method, "/mcp", headers=SPEAKS | headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "key_needed")
        with pytest.RaisesGroup(MCPError, flatten_subgroups=True):
            async with host(api):
                pass
        for name, value in (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)):
            async with host(api, **{name: value}) as client:
                assert (await client.call_tool("status")).structured_content["status"] == "running"


async def test_other_hosts_and_pages_of_other_sites_are_refused(api: Api) -> None:  # rows 60 and 122
    for headers, status in (
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ):
        for method in ("POST", "GET", "DELETE"):
            answer = await api.http.request(method, "/mcp", json=HELLO, headers=SPEAKS | headers)
            assert answer.status_code == status, (headers, method)


@pytest.mark.parametrize("impossible", ["null", "{}", "[1]", "true", "1.5"])
@pytest.mark.parametrize("padding", [0, 2_000_000])
async def test_a_request_whose_id_is_impossible_is_an_error_and_no_notification(
    api: Api, impossible: str, padding: int
) -> None:
    body = f'{{"jsonrpc": "2.0", "id": {impossible}, "method": "ping"{" " * padding}}}'
    answer = await api.http.post("/mcp", content=body, headers=SPEAKS)
    assert answer.status_code == 400
    assert answer.json() == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32600, "message": "id: must be text or a whole number"},
    }


@pytest.mark.parametrize(
    ("method", "headers", "body", "statuses"),
    [
        pytest.param("POST", {"accept": "text/plain"}, b"{}", (406,), id="124-accept"),
        pytest.param("POST", {"content-type": "text/plain"}, b"{}", (400, 415), id="124-type"),
        pytest.param("POST", {"mcp-session-id": "0" * 32}, b"{}", (404,), id="127-unknown-session"),
        pytest.param("POST", {}, b" " * (36 * 1024 * 1024 + 1), (413,), id="129-large"),
        pytest.param("POST", {}, b"[" * 100_000, (400,), id="31-deep"),
        pytest.param("POST", {"mcp-protocol-version": "1999-01-01"}, b"{}", (400,), id="130-version"),
        pytest.param("PUT", {}, b"{}", (405,), id="130-method"),
        pytest.param("GET", {}, b"", (400,), id="130-no-session"),
    ],
)
async def test_nonsense_is_refused_and_the_server_lives_on(
    api: Api, method: str, headers: dict[str, str], body: bytes, statuses: tuple[int, ...]
) -> None:
    answer = await api.http.request(method, "/mcp", content=body, headers=SPEAKS | headers)
    assert answer.status_code in statuses, answer.text
    assert "Traceback" not in answer.text
    async with host(api) as client:
        assert not (await client.call_tool("status")).is_error


async def test_a_host_that_breaks_off_does_not_disturb_the_others(api: Api) -> None:  # row 126
    api.engine.go_on.clear()
    async with host(api, "legacy") as client:
        api.engine.drawing.clear()
        calling = asyncio.create_task(api.http.post("/mcp", json=opening("generate_image", CAT), headers=MODERN))
        await asyncio.wait_for(api.engine.drawing.wait(), 30)
        calling.cancel()
        await asyncio.wait_for(api.engine.stopped.wait(), 30)
        api.engine.go_on.set()
        assert not (await client.call_tool("generate_image", CAT)).is_error


MODERN = SPEAKS | {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "generate_image"}


def opening(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as a host writes it on the wire."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


async def test_a_door_that_cannot_open_says_so_at_once_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(studio: object) -> None:
        raise ImportError("the SDK is damaged")

    monkeypatch.setattr("illustrious_studio.interfaces.mcp.endpoint._session_manager", broken)
    async with running_api(tmp_path) as api:
        for _ in range(2):
            answer = await api.http.post("/mcp", json={}, timeout=10)
            assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert (await api.http.get("/status")).status_code == 200
