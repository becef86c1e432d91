"""OpenAI's API, by the official client: image to image, and inpainting with a mask."""

import asyncio
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI
from openai.types import ImageEditCompletedEvent, ImageEditPartialImageEvent
from PIL import Image

from fakes import FakeEngine, start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.pictures import open_picture
from illustrious_studio.domain.rendering import FromPicture
from openai_client import client
from running_api import Api, running_api
from samples import a_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

PICTURE = a_picture(128, 96)
FILE = ("cat.png", to_png(PICTURE), "image/png")
LEFT, RIGHT = (0, 0, 56, 96), (72, 0, 128, 96)


def mask() -> tuple[str, bytes, str]:
    """Transparent in its right half, as OpenAI's clients say what is to be redrawn."""
    image = Image.new("RGBA", (128, 96), "black")
    image.paste((0, 0, 0, 0), (64, 0, 128, 96))
    file = io.BytesIO()
    image.save(file, "PNG")
    return "mask.png", file.getvalue(), "image/png"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("edits"), engine=FakeEngine(previews=True)) as running:
        yield running


def cat(**changes: Any) -> dict[str, Any]:
    return {"image": FILE, "prompt": "a cat", "size": "128x96", "extra_body": {"steps": 3, "mask_blur": 2}} | changes


def opened(text: str | None) -> Image.Image:
    return open_picture(b64decode(text or "")).picture.image()


async def test_by_a_mask_only_what_is_transparent_in_it_is_redrawn(api: Api) -> None:
    made = await client(api).images.edit(**cat(mask=mask()))
    assert made.data is not None
    done = opened(made.data[0].b64_json)
    assert (done.size, made.size, made.output_format) == ((128, 96), "128x96", "png")
    assert done.crop(LEFT).tobytes() == PICTURE.image().crop(LEFT).tobytes()
    assert done.crop(RIGHT).tobytes() != PICTURE.image().crop(RIGHT).tobytes()
    (kept, *_) = (await api.studio.gallery.page()).items
    assert (kept.metadata.request.prompt, kept.metadata.request.strength, kept.metadata.origin.words) == (
        "a cat",
        0.75,
        "a cat",
    )
    assert (made.data[0].model_extra or {})["seed"] == kept.metadata.request.seed


async def test_without_a_mask_it_is_an_image_to_image(api: Api) -> None:
    made = await client(api).images.edit(**cat(extra_body={"steps": 3, "strength": 0.4, "negative_prompt": "2"}))
    plan = api.engine.plans[-1]
    assert (plan.passes[0].start, plan.passes[0].strength) == (FromPicture(PICTURE), 0.4)
    assert (plan.request.steps, plan.request.negative_prompt) == (3, "2")
    assert opened((made.data or [])[0].b64_json).size == (128, 96)


async def test_the_client_that_waits_sends_the_same(api: Api) -> None:
    with OpenAI(base_url=f"{api.url}/v1", api_key="none", max_retries=0) as waiting:
        made = await asyncio.to_thread(waiting.images.edit, **cat(mask=mask(), n=2, output_format="webp"))
    pictures = [opened(one.b64_json) for one in made.data or ()]
    assert len({picture.tobytes() for picture in pictures}) == 2
    assert made.output_format == "webp"


async def test_the_size_left_out_is_the_pictures_shape(api: Api) -> None:
    for size in (openai.omit, "auto"):
        wide = ("wide.png", to_png(a_picture(200, 50)), "image/png")
        await client(api).images.edit(image=wide, prompt="a cat", size=size, extra_body={"steps": 1})
        width, height = api.engine.plans[-1].size
        assert width == 4 * height


async def test_around_the_mask_the_picture_keeps_its_own_size(api: Api) -> None:
    own = {"steps": 1, "mask_area": "masked", "mask_padding": 4, "mask_content": "fill"}
    made = await client(api).images.edit(**cat(mask=mask(), size="64x64", extra_body=own))
    assert (api.engine.plans[-1].size, made.size) == ((64, 64), "128x96")
    assert opened((made.data or [])[0].b64_json).size == (128, 96)


async def test_a_list_of_one_picture_is_that_picture_and_several_are_refused(api: Api) -> None:
    await client(api).images.edit(**cat(image=[FILE]))
    assert start_picture(api.engine.plans[-1]).picture == PICTURE
    for number in (2, 16):
        with pytest.raises(openai.BadRequestError, match="cannot be put together here"):
            await client(api).images.edit(**cat(image=[FILE] * number))


async def test_partial_pictures_stream_before_the_picture(api: Api) -> None:
    asked = cat(mask=mask(), extra_body={"steps": 12, "mask_blur": 2})
    seen, events = api.engine.hold(4, 8), []
    async for event in await client(api).images.edit(**asked, stream=True, partial_images=2):
        events.append(event)
        next(seen, asyncio.Event()).set()
    *partial, last = events
    assert all(isinstance(event, ImageEditPartialImageEvent) for event in partial)
    assert [event.partial_image_index for event in partial] == [0, 1]
    assert isinstance(last, ImageEditCompletedEvent)
    assert opened(last.b64_json).crop(LEFT).tobytes() == PICTURE.image().crop(LEFT).tobytes()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"image": ("cat.png", b"no picture", "image/png")}, "not a picture the studio can open"),
        ({"image": ("cat.png", FILE[1][:200], "image/png")}, "not a picture the studio can open"),
        ({"mask": ("mask.png", b"no picture", "image/png")}, "not a picture the studio can open"),
        ({"mask": FILE}, "no transparent pixels"),
        ({"prompt": " "}, "prompt: must not be empty"),
        ({"size": "1024"}, "size: must be auto, or width x height"),
        ({"n": 11}, "n: must be at most 10"),
        ({"quality": "best"}, "quality: must be one of"),
        ({"background": "transparent"}, "background: must be one of"),
        ({"input_fidelity": "high"}, "input_fidelity: must be one of 'low'"),
        ({"output_compression": 50}, "must have output_format jpeg or webp"),
        ({"stream": True, "n": 2}, "must have n = 1 with stream"),
        ({"extra_body": {"steps": 1000}}, "steps: must be at most 150"),
        ({"extra_body": {"steps": "many"}}, "steps: must be a whole number"),
        ({"extra_body": {"mask_area": "masked"}}, "mask_area: needs a mask"),
        ({"extra_body": {"layout": {"things": [{"what": "cat"}]}}}, "layout: "),
        ({"extra_body": {"cfg_scale": 7}}, "cfg_scale, which is not known here"),
    ],
)
async def test_what_cannot_be_drawn_so_is_refused_with_a_sentence(api: Api, asked: Any, sentence: str) -> None:
    before = len(api.engine.plans)
    with pytest.raises(openai.BadRequestError, match=sentence):
        await client(api).images.edit(**cat(**asked))
    assert len(api.engine.plans) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"prompt": "a cat", "image": "x"}},
        {"data": {"prompt": "a cat"}},
        {"data": {"prompt": "a cat", "image": "data:image/png;base64,AAAA"}},
        {"files": {"mask": FILE}, "data": {"prompt": "a cat"}},
        {"content": b"--x\r\nnonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"--x--", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"files": [("image", FILE)] * 21, "data": {"prompt": "a cat"}},
    ],
)
async def test_a_form_without_its_picture_is_told_what_is_wanted(api: Api, sent: dict[str, Any]) -> None:
    answer = await api.http.post("/v1/images/edits", **sent)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "image" in answer.json()["error"]["message"]


async def test_a_picture_of_several_megabytes_passes(api: Api) -> None:
    noise = Image.effect_noise((1600, 1200), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "PNG")
    assert len(file.getvalue()) > 2 * 1024 * 1024
    made = await client(api).images.edit(**cat(image=("large.png", file.getvalue(), "image/png")))
    assert made.data


async def test_pythons_words_for_yes_and_no_are_taken(api: Api) -> None:
    fields = {"prompt": "a cat", "size": "64x64", "steps": "1", "stream": "False"}
    answer = await api.http.post("/v1/images/edits", files={"image": FILE}, data=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


NAMES = (
    "prompt n size response_format output_format output_compression stream partial_images seed layout enhance strength"
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    fields=st.dictionaries(
        st.sampled_from([*NAMES.split(), "image", "mask", "layout[things][0]"]),
        st.text(max_size=8) | st.integers().map(str) | st.just("[" * 20_000) | st.just('{"a": NaN}'),
        min_size=1,
        max_size=4,
    )
)
async def test_no_form_is_a_fault_of_the_studio(api: Api, fields: dict[str, str]) -> None:
    usual = {"model": "no-such-model", "prompt": "a cat"}
    async with httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        answer = await http.post("/v1/images/edits", files={"image": FILE}, data=usual | fields)
    assert 400 <= answer.status_code < 500, fields
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
