"""OpenAI's API, by the official client: pictures."""

import asyncio
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent
from PIL import Image

from fakes import FakeChat, FakeEngine
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.pictures import open_picture
from openai_client import client
from running_api import Api, running_api
from studio_for_tests import with_own_checkpoint
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAT: dict[str, Any] = {"prompt": "a cat", "size": "128x96", "extra_body": {"steps": 3}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = with_own_checkpoint(tmp_path_factory.mktemp("openai") / "data")
    chat = FakeChat(["no humans, cat, fluffy cat, sitting, highly detailed"])
    async with running_api(folder, engine=FakeEngine(previews=True), chat=chat) as running:
        yield running


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


async def test_a_picture_comes_as_base64_and_is_in_the_gallery(api: Api) -> None:
    made = await client(api).images.generate(**CAT)
    assert made.data is not None
    image = opened(b64decode(made.data[0].b64_json or ""))
    assert (image.format, image.size) == ("PNG", (128, 96))
    assert (made.size, made.output_format, made.data[0].revised_prompt) == ("128x96", "png", None)
    (kept, *_) = (await api.studio.gallery.page()).items
    assert (kept.metadata.request.prompt, kept.metadata.request.steps, kept.metadata.origin.words) == (
        "a cat",
        3,
        "a cat",
    )
    assert (made.data[0].model_extra or {})["seed"] == kept.metadata.request.seed


async def test_several_pictures_differ_and_a_seed_makes_them_again(api: Api) -> None:
    made = await client(api).images.generate(**CAT, n=3)
    assert len({one.b64_json for one in made.data or ()}) == 3
    seeds = []
    for _ in range(2):
        again = await client(api).images.generate(**CAT | {"extra_body": {"steps": 3, "seed": 2**32 - 2}}, n=3)
        seeds.append([(one.model_extra or {})["seed"] for one in again.data or ()])
    assert seeds == [[2**32 - 2, 2**32 - 1, 0]] * 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_every_format_comes_as_base64_and_by_address_with_the_settings_inside(api: Api, kind: str) -> None:
    quality: dict[str, Any] = {} if kind == "png" else {"output_compression": 40}
    asked = CAT | {"output_format": kind, "extra_body": {"steps": 3, "seed": 5}} | quality
    inside = (await client(api).images.generate(**asked)).data or []
    data = b64decode(inside[0].b64_json or "")
    assert opened(data).format == kind.upper()
    assert "a cat" in open_picture(data).text["parameters"]
    by_address = (await client(api).images.generate(**asked, response_format="url")).data or []
    assert by_address[0].b64_json is None
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(by_address[0].url or "")
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{kind}")
    assert opened(answer.content).format == kind.upper()
    if kind != "png":
        whole = (await client(api).images.generate(**asked | {"output_compression": None})).data or []
        assert len(data) < len(b64decode(whole[0].b64_json or ""))


async def test_an_address_of_no_picture_is_not_found(api: Api) -> None:
    for name in ("0" * 32, "..%2f..%2fstudio", "x"):
        answer = await api.http.get(f"/v1/images/{name}.png")
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "not_found_error"


async def test_without_a_size_the_checkpoint_decides_and_a_named_one_draws(api: Api) -> None:
    for size in (None, "auto"):
        made = await client(api).images.generate(prompt="a cat", size=size, model="own", extra_body={"steps": 1})
        assert made.size == "x".join(map(str, api.engine.plans[-1].size))
        assert api.engine.plans[-1].checkpoint.name == "own"
    await client(api).images.generate(**CAT, model="illustrious-mini")
    assert api.engine.plans[-1].checkpoint.name == "illustrious-mini"
    with pytest.raises(openai.NotFoundError, match="There are: own, illustrious-mini"):
        await client(api).images.generate(**CAT, model="imagen-4")


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1"])
async def test_a_model_of_openais_is_the_checkpoint_in_use(api: Api, model: str) -> None:
    """Open WebUI sends dall-e-2 where its box for the model is empty."""
    await client(api).images.generate(**CAT, model=model)
    assert api.engine.plans[-1].checkpoint.name == api.studio.models.checkpoint().name


async def test_steps_of_0_are_none_said(api: Api) -> None:
    await client(api).images.generate(**CAT | {"extra_body": {"steps": 0}})
    assert api.engine.plans[-1].request.steps == api.studio.models.checkpoint().steps


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"size": "1024"}, "size: must be auto, or width x height"),
        ({"size": "100x100"}, "must be a multiple of 8"),
        ({"size": "4096x4096"}, "at most 2048 pixels to a side"),
        ({"n": 11}, "n: must be at most 10"),
        ({"n": 0}, "n: must be at least 1"),
        ({"prompt": " "}, "prompt: must not be empty"),
        ({"background": "transparent"}, "background: must be one of"),
        ({"quality": "best"}, "quality: must be one of"),
        ({"extra_body": {"input_fidelity": "high"}}, "input_fidelity: must be one of 'low'"),
        ({"style": "baroque"}, "style: must be one of"),
        ({"output_format": "gif"}, "output_format: must be one of"),
        ({"output_compression": 50}, "must have output_format jpeg or webp"),
        ({"stream": True, "n": 2}, "must have n = 1 with stream"),
        ({"extra_body": {"steps": 1000}}, "steps: must be at most 150"),
        ({"extra_body": {"cfg_scale": 7}}, "cfg_scale, which is not known here"),
        ({"extra_body": {"guidance_scale": 7}}, "guidance_scale, which is not known here"),
        ({"extra_body": {"num_inference_steps": 7}}, "num_inference_steps, which is not known here"),
        ({"extra_body": {"batch_size": 2}}, "batch_size, which is not known here"),
    ],
)
async def test_what_cannot_be_drawn_so_is_refused_with_a_sentence(api: Api, asked: Any, sentence: str) -> None:
    before = len(api.engine.plans)
    with pytest.raises(openai.BadRequestError, match=sentence):
        await client(api).images.generate(**CAT | asked)
    assert len(api.engine.plans) == before


async def test_what_changes_nothing_is_let_pass(api: Api) -> None:
    harmless = {"user": "me", "moderation": "low", "quality": "auto", "background": "auto"}
    more = {"metadata": {"a": "b"}, "trace_id": "x", "steps": 1}
    made = await client(api).images.generate(prompt="a cat", size="64x64", **harmless, extra_body=more)  # type: ignore[arg-type]
    assert made.data


@pytest.mark.parametrize("quality", ["low", "medium", "high", "standard", "hd", "auto"])
async def test_quality_and_style_are_another_models_and_leave_the_picture_as_it_is(api: Api, quality: Any) -> None:
    same = CAT | {"extra_body": {"steps": 1, "seed": 3}}
    plain = await client(api).images.generate(**same)
    asked = await client(api).images.generate(**same, quality=quality, style="vivid")
    pixels = [opened(b64decode((one.data or [])[0].b64_json or "")).tobytes() for one in (plain, asked)]
    assert pixels[0] == pixels[1]


async def test_the_studios_own_fields_are_taken_too(api: Api) -> None:
    own = {"negative_prompt": "dog", "steps": 2, "guidance": 3.5, "seed": 11}
    await client(api).images.generate(prompt="a cat", size="64x64", extra_body=own)
    assert own.items() <= api.engine.plans[-1].request.model_dump().items()


async def test_an_enhanced_prompt_is_told(api: Api) -> None:
    made = await client(api).images.generate(**CAT | {"extra_body": {"steps": 1, "enhance": True}})
    revised = (made.data or [])[0].revised_prompt
    assert revised and "fluffy cat" in revised
    assert api.engine.plans[-1].request.prompt == revised
    (kept, *_) = (await api.studio.gallery.page()).items
    assert kept.metadata.origin.words == "a cat"


@pytest.mark.parametrize("kind", ["png", "webp"])
async def test_partial_pictures_stream_before_the_picture(api: Api, kind: Any) -> None:
    asked = CAT | {"extra_body": {"steps": 12}, "output_format": kind}
    seen, events = api.engine.hold(4, 8), []
    async for event in await client(api).images.generate(**asked, stream=True, partial_images=2):
        events.append(event)
        next(seen, asyncio.Event()).set()
    *partial, last = events
    assert all(isinstance(event, ImageGenPartialImageEvent) for event in partial)
    assert isinstance(last, ImageGenCompletedEvent)
    assert [event.partial_image_index for event in partial] == [0, 1]
    assert partial[0].b64_json != partial[1].b64_json
    assert all(opened(b64decode(event.b64_json)).format == kind.upper() for event in events)
    assert (opened(b64decode(last.b64_json)).size, last.size) == ((128, 96), "128x96")


async def test_without_partial_pictures_the_stream_is_the_picture_alone(api: Api) -> None:
    events = [event async for event in await client(api).images.generate(**CAT, stream=True)]
    assert [event.type for event in events] == ["image_generation.completed"]


async def test_leaving_a_stream_or_a_request_stops_the_drawing(api: Api) -> None:
    api.engine.go_on.clear()
    asked = await client(api).images.generate(
        prompt="a cat", size="64x64", stream=True, partial_images=3, extra_body={"steps": 4}
    )
    async with asked:
        await anext(aiter(asked))
    await asyncio.wait_for(api.engine.stopped.wait(), 60)
    api.engine.stopped.clear()
    waiting = asyncio.create_task(client(api).images.generate(**CAT, n=2))
    await asyncio.wait_for(api.engine.drawing.wait(), 60)
    waiting.cancel()
    await asyncio.wait_for(api.engine.stopped.wait(), 60)
    await until(lambda: not api.studio.jobs.active())
    assert {job.state for job in await api.studio.jobs.recent(3)} == {"cancelled"}
    api.engine.go_on.set()


async def test_a_failed_drawing_is_said_as_an_error_and_not_tried_again(api: Api) -> None:
    api.engine.faults.append(OutOfMemory("It does not fit. Choose a smaller size."))
    with pytest.raises(openai.InternalServerError, match="smaller size") as caught:
        await client(api).with_options(max_retries=2).images.generate(**CAT)
    assert (caught.value.status_code, caught.value.code) == (507, "out_of_memory")
    api.engine.faults.append(OutOfMemory("It does not fit. Choose a smaller size."))
    with pytest.raises(openai.APIError, match="smaller size"):
        _ = [event async for event in await client(api).images.generate(**CAT, stream=True)]


async def test_a_full_queue_is_a_rate_limit(tmp_path: Path) -> None:
    async with running_api(tmp_path, queue_limit=2) as api:
        api.engine.go_on.clear()
        for streamed in (False, True):
            with pytest.raises(openai.RateLimitError) as caught:
                await client(api).images.generate(**CAT, n=1 if streamed else 3, stream=streamed)
            assert int(caught.value.response.headers["retry-after"]) > 0
            if not streamed:  # those of the three that were queued are not left behind
                assert api.studio.jobs.active() == []
                for _ in range(2):
                    await api.http.post("/jobs", json={"prompt": "a cat", "steps": 3})
        api.engine.go_on.set()
