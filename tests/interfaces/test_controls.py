"""Pictures that steer a drawing by every way in: by name, recorded, drawn again, refused before anything is queued."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
import webuiapi
from PIL import Image, ImageDraw

from illustrious_studio.domain.models import DeviceMemory
from illustrious_studio.domain.pictures import text_in
from running_api import Api, running_api
from scripts_of_the_project import script
from tiny_models import put

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL: dict[str, Any] = {"prompt": "a cat", "width": 64, "height": 64, "steps": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    models = tmp_path_factory.mktemp("controls") / "models"
    script("tiny_controls").main(models)
    put(
        models / "controlnet" / "sd15.safetensors",
        {"controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3], "down.attn2.to_k.weight": [8, 768]},
    )
    (models / "controlnet" / "old.pth").write_bytes(b"PK")
    async with running_api(models.parent) as running:
        await running.studio.models.switch(checkpoint="tiny-sdxl")
        yield running


def drawing(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A white disc on black."""
    image = Image.new("RGB", size)
    ImageDraw.Draw(image).ellipse((size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4), fill="white")
    return image


def as_base64(image: Image.Image) -> str:
    file = BytesIO()
    image.save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def control(model: str = "canny", **fields: Any) -> dict[str, Any]:
    return {"model": model, "image": as_base64(drawing()), **fields}


async def test_they_are_listed_with_what_they_are_and_why_not(api: Api) -> None:
    listed = {one["name"]: one["kind"] for one in (await api.http.get("/controls")).json()}
    assert listed == {
        "builtin-canny": "controlnet",
        "canny": "controlnet",
        "original": "controlnet",
        "repository": "controlnet",
        "t2i": "t2i-adapter",
        "t2i-tencent": "t2i-adapter",
        "union": "controlnet-union",
        "ip": "ip-adapter",
        "ip-plus": "ip-adapter",
    }
    refused = {one["file"]: one["reason"] for one in (await api.http.get("/models")).json()["refused"]}
    assert "Stable Diffusion 1" in refused["sd15.safetensors"] and "can run code" in refused["old.pth"]


async def test_the_model_gets_the_map_in_the_drawings_size_and_the_record_draws_it_again(api: Api) -> None:
    body = {**SMALL, "controls": [control(preprocessor="canny", weight=0.7, end=0.5, mode="prompt")]}
    answer = await api.http.post("/generate-image", json=body)
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    (use,) = plan.controls
    assert (use.file.name, use.weight, use.end, use.mode) == ("canny", 0.7, 0.5, "prompt")
    colours = {colour for _, colour in use.picture.image().getcolors() or []}
    assert (use.picture.width, use.picture.height) == (64, 64) and colours == {(0, 0, 0), (255, 255, 255)}
    made = answer.json()["metadata"]
    assert made["control_hashes"].keys() == {"canny"}
    again = await api.http.post("/generate-image", json={**SMALL, "controls": made["request"]["controls"]})
    assert again.status_code == 200, again.text
    assert api.engine.plans[-1].controls == plan.controls


async def test_the_text_in_the_picture_says_it_to_a1111_and_to_the_studio(api: Api) -> None:
    await api.http.post("/generate-image", json={**SMALL, "controls": [control(preprocessor="canny")]})
    (item, *_) = (await api.studio.gallery.page(limit=1)).items
    text = text_in(await api.studio.gallery.png(item.id))["parameters"]
    assert 'ControlNet 0: "Module: canny, Model: canny [' in text and "Control Mode: Balanced" in text
    answer = await api.http.post("/sdapi/v1/png-info", json={"image": as_base64(drawing())})
    assert answer.status_code == 200
    request = item.metadata.request
    assert json.loads(request.model_dump_json())["controls"][0]["image"] == request.controls[0].image


async def test_an_ip_adapter_gets_the_picture_as_it_is_and_its_encoder(api: Api) -> None:
    answer = await api.http.post("/generate-image", json={**SMALL, "controls": [control("ip-plus")]})
    assert answer.status_code == 200, answer.text
    (use,) = api.engine.plans[-1].controls
    assert (use.picture.width, use.picture.height) == (96, 64) and use.encoder is not None


async def test_without_a_picture_of_its_own_it_is_that_which_the_drawing_starts_from(api: Api) -> None:
    body = {**SMALL, "image": as_base64(drawing()), "controls": [{"model": "canny", "preprocessor": "invert"}]}
    answer = await api.http.post("/generate-image", json=body)
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    assert plan.request.controls[0].image == plan.request.image
    assert plan.controls[0].picture.image().getpixel((2, 2)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ([{"model": "nothing", "image": "x"}], "controls.0.image"),
        ([{"model": "canny", "image": ""}], "controls.0.image is empty. Leave it out, or send"),
        ([{"model": "canny", "image": "aGVsbG8="}], "controls.0.image: This is not a picture"),
        ([control("nothing")], "controls.0.model: There is no control model 'nothing'. There are: "),
        ([control("sd15")], "controls.0.model: The control model 'sd15' cannot be used."),
        ([control(), control(preprocessor="hed")], "controls.1.preprocessor: "),
        ([control(preprocessor="canny", threshold_a=300)], "controls.0.threshold_a: must be from 1 to 255"),
        ([control("union")], "controls.0.union_type: union reads several kinds of pictures"),
        ([control(union_type="depth")], "controls.0.union_type: canny is no ControlNet-Union"),
        ([control("ip", preprocessor="canny")], "controls.0.preprocessor: ip is an IP-Adapter"),
        ([{"model": "canny"}], "the first of them needs an image of its own"),
        ([{"model": "canny", "image": "0" * 64}], "controls.0.image: "),
        ([control(start=0.5, end=0.5)], "start (0.5) must be below end (0.5)"),
        ([control(weight=3)], "controls.0.weight"),
        ([control()] * 11, "at most 10"),
    ],
)
async def test_what_cannot_steer_is_refused_by_name_and_the_next_picture_is_drawn(
    api: Api, controls: list[dict[str, Any]], said: str
) -> None:
    drawn = len(api.engine.plans)
    answer = await api.http.post("/generate-image", json={**SMALL, "controls": controls})
    assert answer.status_code in (400, 422) and said in answer.json()["detail"], answer.text
    assert len(api.engine.plans) == drawn
    assert (await api.http.post("/generate-image", json=SMALL)).status_code == 200


async def test_ten_on_a_small_card_are_refused_before_anything_is_loaded(api: Api) -> None:
    status = api.engine.status
    small = DeviceMemory(device="card", total=1000, used=0)
    api.engine.status = status.model_copy(update={"memory": small, "device_type": "cuda"})
    try:
        answer = await api.http.post("/generate-image", json={**SMALL, "controls": [control()] * 10})
    finally:
        api.engine.status = status
    assert answer.status_code == 507 and "Use fewer of them" in answer.json()["detail"]


async def test_one_of_the_built_in_models_shape_steers_that(api: Api) -> None:
    await api.studio.models.switch(checkpoint=(await api.studio.models.checkpoints())[-1].name)
    try:
        answer = await api.http.post("/generate-image", json={**SMALL, "controls": [control("builtin-canny")]})
        assert answer.status_code == 200, answer.text
    finally:
        await api.studio.models.switch(checkpoint="tiny-sdxl")


async def test_a_plot_of_a1111_varies_a_unit(api: Api) -> None:
    unit = {"image": as_base64(drawing()), "model": "canny", "module": "canny"}
    nothing, flags = ["Nothing", "", ""], [True, False, False, False, False, False, False, 0, False]
    weight, end = ["[ControlNet] Weight", "0.4, 1.2", ""], ["[ControlNet] Guidance End", "0.5", ""]
    body = {
        **SMALL,
        "alwayson_scripts": {"ControlNet": {"args": [unit]}},
        "script_name": "x/y/z plot",
        "script_args": [*weight, *end, *nothing, *flags],
    }
    answer = await api.http.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code == 200, answer.text
    drawn = [plan.request.controls[0] for plan in api.engine.plans[-2:]]
    assert [(one.weight, one.end) for one in drawn] == [(0.4, 0.5), (1.2, 0.5)]


async def test_webuiapis_units_mean_the_same(api: Api) -> None:
    # It asks while it is made, and the studio answers in this loop.
    client = await asyncio.to_thread(webuiapi.WebUIApi, baseurl=f"{api.url}/sdapi/v1")
    unit = webuiapi.ControlNetUnit(
        image=drawing(),
        module="canny",
        model="canny [0123456789]",
        weight=0.5,
        guidance_end=0.8,
        control_mode=2,
        resize_mode="Just Resize",
        threshold_a=50,
        threshold_b=120,
    )
    result = await asyncio.to_thread(client.txt2img, **SMALL, controlnet_units=[unit])
    assert "ControlNet 0" in result.info["infotexts"][0]
    (made,) = api.engine.plans[-1].request.controls
    assert (made.model, made.preprocessor, made.weight, made.end, made.mode, made.fit) == (
        "canny", "canny", 0.5, 0.8, "control", "stretch",
    )  # fmt: skip
    assert (made.threshold_a, made.threshold_b, made.resolution) == (50, 120, 512)
    assert "canny" in " ".join(await asyncio.to_thread(client.controlnet_model_list))


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ({"model": "canny", "mask": "x"}, "mask"),
        ({"model": "canny", "hr_option": "Low res only"}, "hr_option"),
        ({"model": "None", "module": "reference_only"}, "There is no control model 'None'"),
        ({"model": "canny", "control_mode": "Strong"}, "control_mode"),
        ({"model": "canny", "weight": "much"}, "weight"),
        ("canny", "must be an object"),
    ],
)
async def test_a_unit_that_would_be_another_picture_is_refused_by_name(api: Api, unit: Any, said: str) -> None:
    unit = {"image": as_base64(drawing()), **unit} if isinstance(unit, dict) else unit
    body = {**SMALL, "alwayson_scripts": {"ControlNet": {"args": [unit]}}}
    answer = await api.http.post("/sdapi/v1/txt2img", json=body)
    assert answer.status_code in (404, 422) and said in answer.text


async def test_units_that_are_switched_off_are_none(api: Api) -> None:
    units = [{"enabled": False, "model": "x"}, {"enabled": "false"}]
    body = {**SMALL, "alwayson_scripts": {"controlnet": {"args": units}}}
    assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200
    assert api.engine.plans[-1].controls == ()
