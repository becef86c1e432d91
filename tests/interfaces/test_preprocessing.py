"""What a control sees, by REST, A1111's extension API (with `webuiapi`) and MCP."""

import asyncio
import io
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy
import pytest
import pytest_asyncio
from mcp import Client
from PIL import Image
from webuiapi import WebUIApi

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.wiring import PREPROCESSORS
from running_api import Api, running_api
from samples import a_picture, metadata, owl
from tiny_onnx import depth_network

pytestmark = pytest.mark.asyncio(loop_scope="module")

T = TypeVar("T")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("preprocessing") / "data"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(folder: Path) -> AsyncIterator[Api]:
    async with running_api(folder) as running:
        yield running


async def sent() -> str:
    return b64encode(to_png(await owl())).decode()


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(text)))


async def edges(low: int = 100, high: int = 200) -> Any:
    return cv2.Canny(numpy.asarray((await owl()).image()), low, high)


async def test_a_picture_is_sent_named_in_the_gallery_or_named_as_it_was_kept(api: Api) -> None:
    kept = await api.studio.gallery.add((await owl()).image(), metadata("an owl", width=320, height=320))
    given = await api.studio.inputs.keep(to_png(await owl()))
    before = (await api.http.get("/gallery")).json()["items"]
    for image in (await sent(), f"data:image/png;base64,{await sent()}", kept.id, given):
        answer = await api.http.post("/preprocess", json={"image": image, "preprocessor": "canny"})
        body = answer.json()
        assert answer.status_code == 200, body
        assert (body["width"], body["height"], body["preprocessor"]) == (320, 320, "canny")
        assert (numpy.asarray(opened(body["image_base64"]))[..., 0] == await edges()).all()
    assert (await api.http.get("/gallery")).json()["items"] == before


async def test_who_takes_only_files_gets_one(api: Api) -> None:
    asked = {"image": await sent(), "preprocessor": "canny", "threshold_a": 30, "threshold_b": 60, "resolution": 640}
    answer = await api.http.post("/preprocess", json=asked, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    map = Image.open(io.BytesIO(answer.content))
    assert (map.format, map.size) == ("PNG", (320, 320))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"preprocessor": "softedge_hed"}, 404, "The nearest to it is softedge."),
        ({"preprocessor": "depth"}, 404, "Put it into"),
        ({"preprocessor": "openpose_full"}, 404, "yolox_l.onnx"),
        ({"threshold_a": 0}, 422, "threshold_a: must be from 1 to 255"),
        ({"resolution": 16}, 422, "resolution: must be at least 64"),
        ({"image": "0" * 32}, 404, "no such picture"),
        ({"image": "0" * 64}, 404, ""),
        ({"image": "AAAA"}, 400, "not a picture"),
        ({"image": "not base64!"}, 400, "image is not base64"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    answer = await api.http.post("/preprocess", json={"image": await sent(), "preprocessor": "canny"} | body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_the_list_says_what_each_takes_and_what_is_missing(api: Api, folder: Path) -> None:
    listed = {one["name"]: one for one in (await api.http.get("/preprocessors")).json()}
    assert list(listed)[:2] == ["none", "canny"]
    assert listed["canny"]["threshold_a"] == {
        "label": "Low Threshold", "minimum": 1, "maximum": 255, "default": 100, "step": 1
    }  # fmt: skip
    assert (listed["canny"]["union_type"], listed["canny"]["module"], listed["canny"]["missing"]) == (
        "canny",
        "canny",
        None,
    )
    assert "depth_anything_v2_vits.onnx" in listed["depth"]["missing"]
    assert listed["depth"]["missing"].endswith(f"Put it into the folder {PREPROCESSORS}.")
    file = depth_network(folder / PREPROCESSORS / "midas_small.onnx")
    assert {one["name"]: one for one in (await api.http.get("/preprocessors")).json()}["depth"]["missing"] is None
    made = await api.http.post("/preprocess", json={"image": await sent(), "preprocessor": "depth"})
    assert made.status_code == 200
    file.unlink()


async def client(api: Api, ask: Callable[[WebUIApi], T]) -> T:
    return await asyncio.to_thread(lambda: ask(WebUIApi(baseurl=f"{api.url}/sdapi/v1")))


async def test_webuiapi_finds_the_modules_and_detects_with_one(api: Api) -> None:
    modules = await client(api, lambda one: one.controlnet_module_list())
    assert modules[:3] == ["none", "canny", "lineart_standard"] and "depth" in modules and "openpose_full" in modules
    assert await client(api, lambda one: one.controlnet_version()) == 3
    picture = (await owl()).image()
    made = await client(api, lambda one: one.controlnet_detect([picture, picture], "canny", 320))
    assert made.info == "Success" and [one.size for one in made.images] == [(320, 320)] * 2
    assert (numpy.asarray(made.images[1])[..., 0] == await edges(64, 64)).all()  # webuiapi's own thresholds


async def test_detect_answers_in_the_size_of_the_processor_as_the_extension_does(api: Api) -> None:
    body = {"controlnet_input_images": [await sent()], "controlnet_module": "tile_resample"}
    for module, numbers, size in (
        ("canny", {}, 512),
        ("canny", {"controlnet_processor_res": 256, "controlnet_threshold_a": -1}, 256),
        ("invert (from white bg & black line)", {"controlnet_processor_res": 256}, 320),
    ):
        answer = await api.http.post("/controlnet/detect", json=body | {"controlnet_module": module} | numbers)
        assert answer.json()["info"] == "Success"
        assert opened(answer.json()["images"][0]).size == (size, size)


async def test_the_extensions_lists_have_its_shapes(api: Api) -> None:
    assert (await api.http.get("/controlnet/settings")).json() == {"control_net_unit_count": 3}
    by_alias = (await api.http.get("/controlnet/module_list?alias_names=true")).json()
    assert "lineart_standard (from white bg & black line)" in by_alias["module_list"]
    assert by_alias["module_detail"].keys() == set(by_alias["module_list"])
    assert by_alias["module_detail"]["canny"] == {
        "model_free": False,
        "sliders": [
            {"name": "Resolution", "value": 512, "min": 64, "max": 2048, "step": 8},
            {"name": "Low Threshold", "value": 100, "min": 1, "max": 255, "step": 1},
            {"name": "High Threshold", "value": 200, "min": 1, "max": 255, "step": 1},
        ],
    }
    types = (await api.http.get("/controlnet/control_types")).json()["control_types"]
    assert next(iter(types)) == "All" and types["All"]["default_option"] == "none"
    assert types["All"]["module_list"] == by_alias["module_list"]
    assert (
        types["Depth"]["module_list"] == ["none", "depth_midas"] and types["Depth"]["default_option"] == "depth_midas"
    )


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"controlnet_module": "canny"}, 404, "controlnet_input_images: no picture came"),
        ({"controlnet_module": "clip_vision", "controlnet_input_images": ["AAAA"]}, 404, "There are: none, canny"),
        ({"controlnet_module": "depth_midas", "controlnet_input_images": ["!"]}, 400, "not base64"),
        ({"controlnet_input_images": ["https://example.org/a.png"]}, 422, "fetches no pictures"),
        ({"controlnet_input_images": "AAAA"}, 422, "controlnet_input_images"),
    ],
)
async def test_what_the_extension_is_sent_wrongly_is_refused_in_a1111s_shape(
    api: Api, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await api.http.post("/controlnet/detect", json=body)
    assert answer.json().keys() == {"error", "detail", "body", "errors"}
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_a_page_of_another_site_cannot_ask(api: Api) -> None:
    answer = await api.http.get("/controlnet/version", headers={"Origin": "https://example.org"})
    assert (answer.status_code, answer.json().keys()) == (403, {"error", "detail", "body", "errors"})


async def test_an_mcp_host_is_shown_the_map(api: Api) -> None:
    kept = await api.studio.gallery.add(a_picture().image(), metadata())
    async with Client(f"{api.url}/mcp") as host:
        result = await host.call_tool("preprocess_image", {"image": kept.id, "preprocessor": "scribble_xdog"})
        assert result.structured_content == {"preprocessor": "scribble", "width": 96, "height": 64}
        preview, line = result.content
        assert opened(preview.data).size == (96, 64) and "96 x 64" in line.text
        refused = await host.call_tool("preprocess_image", {"image": kept.id, "preprocessor": "x"})
        assert refused.is_error and "There are: none, canny" in refused.content[0].text
