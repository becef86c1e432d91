"""Upscaling by REST and by A1111's extras."""

import asyncio
import io
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.upscaling import BUILTIN_UPSCALER
from running_api import Api
from samples import a_picture, metadata
from tiny_models import put
from waiting import until

SENT = b64encode(to_png(a_picture())).decode()
LANCZOS = {"upscaler": "Lanczos"}
BY_LANCZOS = {"upscaler_1": "Lanczos", "image": SENT}


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(text)))


async def test_a_picture_is_upscaled_and_kept(api: Api) -> None:
    kept = await api.studio.gallery.add(a_picture().image(), metadata("a cat", seed=5))
    answer = await api.http.post("/upscale", json={"image_id": kept.id, "scale": 1.5})
    body = answer.json()
    assert (answer.status_code, body["width"], body["height"]) == (200, 144, 96), answer.text
    assert opened(body["image_base64"]).size == (144, 96)
    assert body["message"].startswith("Upscaled with Real-ESRGAN anime in")
    assert (body["metadata"]["seed"], body["metadata"]["upscale"]["request"]["scale"]) == (5, 1.5)
    assert (await api.http.get(body["url"])).content == b64decode(body["image_base64"])
    shown = (await api.http.get(f"/gallery/{body['image_id']}")).json()["metadata"]
    assert (shown["width"], shown["upscale"]["from_width"]) == (144, 96)
    assert "upscale" not in (await api.http.get(f"/gallery/{kept.id}")).json()["metadata"]


async def test_the_file_alone_comes_to_who_takes_only_files_and_a_size_can_be_named(api: Api) -> None:
    body = {"image_base64": f"data:image/png;base64,{SENT}", "width": 100, "height": 100, **LANCZOS}
    answer = await api.http.post("/upscale", json=body, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (100, 100)
    assert not api.engine.upscales


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "one picture"),
        ({"image_id": "0" * 32, "image_base64": SENT}, 422, "one picture"),
        ({"image_id": "0" * 32}, 404, "no such picture"),
        ({"image_base64": SENT[:200]}, 400, "not a picture"),
        ({"image_base64": SENT, "scale": 0}, 422, "scale: must be at least 1"),
        ({"image_base64": SENT, "scale": 8.01}, 422, "scale: must be at most 8"),
        ({"image_base64": SENT, "scale": 2, "width": 64}, 422, "a scale or a size, not both"),
        ({"image_base64": SENT, "width": 10_000}, 422, "at most 25 megapixels"),
        ({"image_base64": SENT, "upscaler": "4x-Sharp"}, 404, "There are: Lanczos, Real-ESRGAN anime"),
    ],
)
async def test_what_cannot_be_upscaled_is_a_sentence(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    answer = await api.http.post("/upscale", json=body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_lack_of_memory_is_507_and_a_closed_connection_cancels(api: Api) -> None:
    api.engine.faults.append(OutOfMemory("The device's memory does not hold it."))
    answer = await api.http.post("/upscale", json={"image_base64": SENT})
    assert (answer.status_code, answer.json()["code"]) == (507, "out_of_memory")
    api.engine.go_on.clear()
    asking = asyncio.create_task(api.http.post("/upscale", json={"image_base64": SENT}))
    await api.engine.midway.wait()
    (job,) = (await api.http.get("/jobs")).json()["active"]
    assert (job["step"], job["steps"], job["job"]["upscale"]["upscaler"]) == (1, 2, BUILTIN_UPSCALER)
    asking.cancel()
    await api.engine.stopped.wait()
    await until(lambda: not api.studio.jobs.active())


async def test_the_same_key_is_the_same_picture(api: Api) -> None:
    headers = {"Idempotency-Key": "once"}
    ask = {"json": {"image_base64": SENT, **LANCZOS}, "headers": headers}
    first, again = await asyncio.gather(*(api.http.post("/upscale", **ask) for _ in range(2)))  # type: ignore[arg-type]
    assert first.json()["image_id"] == again.json()["image_id"]
    other = await api.http.post("/upscale", json={"image_base64": SENT, **LANCZOS, "scale": 3}, headers=headers)
    assert other.status_code == 409


async def test_with_redraw_it_is_a_drawing_of_its_record_that_can_be_sent_again(api: Api) -> None:
    kept = await api.studio.gallery.add(a_picture().image(), metadata("a cat", seed=5))
    answer = await api.http.post("/upscale", json={"image_id": kept.id, "scale": 4, "redraw": {"strength": 0.2}})
    body = answer.json()
    assert (answer.status_code, body["width"], body["height"]) == (200, 384, 256), answer.text
    assert body["message"].startswith("Drawn over with illustrious-mini in")
    made = body["metadata"]
    assert (made["seed"], made["strength"], made["tile"], made["image_upscaler"]) == (5, 0.2, 512, BUILTIN_UPSCALER)
    assert "upscale" not in made or made["upscale"] is None
    assert "Tile size: 512, Tile overlap: 128" in opened(body["image_base64"]).info["parameters"]
    again = await api.http.post("/generate-image", json=made["request"])
    assert again.status_code == 200 and again.json()["metadata"]["request"] == made["request"]
    png = await api.http.post(
        "/upscale", json={"image_id": kept.id, "redraw": {"prompt": "a dog"}}, headers={"Accept": "image/png"}
    )
    assert Image.open(io.BytesIO(png.content)).info["parameters"].startswith("a dog\n")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"redraw": {"strength": 0}}, 422, "redraw.strength: must be at least 0.01"),
        ({"redraw": {"tile": 4096}}, 422, "redraw.tile: must be at most 2,048"),
        ({"redraw": {"tile": 256, "tile_overlap": 256}}, 422, "at most half of the tile, which is 256"),
        ({"redraw": {"denoise": 1}}, 422, "redraw.denoise"),
        ({"redraw": {}, "upscaler": "4x-Sharp"}, 404, "There are: Lanczos, Real-ESRGAN anime"),
        ({"redraw": {}, "width": 4200}, 422, "at most 4096 pixels to a side"),
        ({"redraw": {"prompt": "a <lora:none:1>"}}, 422, "There is no LoRA 'none'"),
    ],
)
async def test_what_cannot_be_redrawn_is_a_sentence(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    answer = await api.http.post("/upscale", json={"image_base64": SENT, **body})
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_a_redraw_with_a_key_is_one_picture(api: Api) -> None:
    ask = {"json": {"image_base64": SENT, "redraw": {"seed": -1}}, "headers": {"Idempotency-Key": "redraw"}}
    first, again = [(await api.http.post("/upscale", **ask)).json() for _ in range(2)]  # type: ignore[arg-type]
    assert first["image_id"] == again["image_id"]


async def test_the_upscalers_are_listed_with_what_is_refused(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "models" / "upscalers"
    (folder / "4x.pth").write_bytes(b"PK")
    put(folder / "bad.safetensors", {"layers.0.weight": [2, 2]})
    said = (await api.http.get("/upscalers")).json()
    assert [(one["name"], one["scale"], one["architecture"]) for one in said["upscalers"]] == [
        ("Lanczos", 1, ""),
        ("Real-ESRGAN anime", 4, "SRVGGNetCompact"),
    ]
    assert "path" not in said["upscalers"][1]
    assert [one["file"] for one in said["refused"]] == ["4x.pth", "bad.safetensors"]


async def test_a1111_extras_upscale_by_a_factor_or_to_a_size(api: Api) -> None:
    answer = await api.http.post("/sdapi/v1/extra-single-image", json={**BY_LANCZOS, "upscaling_resize": 3})
    body = answer.json()
    assert (answer.status_code, body.keys()) == (200, {"html_info", "image"}), answer.text
    assert body["html_info"] == "<p>Postprocess upscale by: 3, Postprocess upscaler: Lanczos</p>"
    image = opened(body["image"])
    assert (image.size, image.info["extras"]) == ((288, 192), body["html_info"][3:-4])
    sized = {**BY_LANCZOS, "resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 64}
    body = (await api.http.post("/sdapi/v1/extra-single-image", json=sized)).json()
    assert opened(body["image"]).size == (64, 64)
    assert "Postprocess upscale to: 64x64, Postprocess crop to: 64x64" in body["html_info"]
    body = (await api.http.post("/sdapi/v1/extra-single-image", json={**sized, "upscaling_crop": False})).json()
    assert opened(body["image"]).size == (96, 64)
    both = {**BY_LANCZOS, "upscaler_2": "R-ESRGAN AnimeVideo", "extras_upscaler_2_visibility": 0.5}
    body = (await api.http.post("/sdapi/v1/extra-single-image", json=both)).json()
    assert body["html_info"].endswith("Postprocess upscaler 2: Real-ESRGAN anime</p>")
    assert len((await api.studio.gallery.page()).items) == 4, "all of them are kept"


async def test_a1111_extras_without_an_upscaler_leave_the_picture_as_it_is(api: Api) -> None:
    for nothing in ({}, {"upscaler_1": "None"}, {"upscaler_1": None, "gfpgan_visibility": 0}):
        body = (await api.http.post("/sdapi/v1/extra-single-image", json={"image": SENT, **nothing})).json()
        assert body == {"html_info": "<p></p>", "image": SENT}
    assert (await api.studio.gallery.page()).items == []


async def test_a1111_extras_do_several_one_after_the_other(api: Api) -> None:
    files = [{"data": f"data:image/png;base64,{SENT}", "name": "a.png"}, {"data": SENT, "name": "b.png"}]
    body = (
        await api.http.post("/sdapi/v1/extra-batch-images", json={"upscaler_1": "Lanczos", "imageList": files})
    ).json()
    assert [opened(image).size for image in body["images"]] == [(192, 128)] * 2
    bad = [*files, {"data": "AAAA", "name": "c.png"}]
    answer = await api.http.post(
        "/sdapi/v1/extra-batch-images", json={"upscaler_1": BUILTIN_UPSCALER, "imageList": bad}
    )
    assert (answer.status_code, "not a picture" in answer.json()["detail"]) == (400, True)
    await until(lambda: not api.studio.jobs.active())  # what was done already is kept, and nothing else goes on


async def test_a1111_progress_and_interrupt_reach_an_upscale(api: Api) -> None:
    api.engine.go_on.clear()
    sent = {"image": SENT, "upscaler_1": BUILTIN_UPSCALER}
    asking = asyncio.create_task(api.http.post("/sdapi/v1/extra-single-image", json=sent))
    await api.engine.midway.wait()
    now = (await api.http.get("/sdapi/v1/progress")).json()
    assert (now["progress"], now["state"]["sampling_step"]) == (0.5, 1)
    await api.http.post("/sdapi/v1/interrupt")
    assert (await asking).status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"image": None}, 404, "image: no picture came"),
        ({"image": "http://example.org/a.png"}, 422, "fetches no pictures"),
        ({"gfpgan_visibility": 0.5}, 422, "gfpgan_visibility: is something that this studio does not do"),
        ({"codeformer_visibility": 1}, 422, "codeformer_visibility: is something"),
        ({"upscaling_resize": 0}, 422, "upscaling_resize: must be at least 1"),
        ({"upscaling_resize": 9}, 422, "upscaling_resize: must be at most 8"),
        ({"resize_mode": 2}, 422, "resize_mode: "),
        ({"upscaler_1": "R-ESRGAN 4x+"}, 404, "There is no upscaler 'R-ESRGAN 4x+'. There are: Lanczos"),
    ],
)
async def test_a1111_extras_say_what_is_wrong(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    answer = await api.http.post("/sdapi/v1/extra-single-image", json=BY_LANCZOS | body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_a1111_lists_the_upscalers(api: Api) -> None:
    listed = (await api.http.get("/sdapi/v1/upscalers")).json()
    assert [(one["name"], one["scale"]) for one in listed] == [("None", 4), ("Lanczos", 4), (BUILTIN_UPSCALER, 4)]
    assert set(listed[0]) == {"name", "model_name", "model_path", "model_url", "scale"}
