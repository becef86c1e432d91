"""The model folder as people find it: by A1111's titles, and with the reason why a file cannot be used."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from illustrious_studio.adapters.sdxl.catalogue import UNET_INPUT
from illustrious_studio.wiring import CHECKPOINTS, VAES
from running_api import Api, running_api
from tiny_models import VAE, put

pytestmark = pytest.mark.asyncio(loop_scope="module")

NESTED = "f05_nested"
OTHER = "same (Style B)"
TITLES = {
    "sub/deeper/f05_nested.safetensors [0123456789]": NESTED,
    "sub\\deeper\\f05_nested.safetensors": NESTED,
    "sub_deeper_f05_nested": NESTED,
    "Style B/same.safetensors": OTHER,
}
REFUSED = {
    "d01_sd15": "Stable Diffusion 1",
    "d02_no_vae": "the VAE",
    "d03_lora": "LoRA",
    "d04_refiner": "not an SDXL checkpoint",
    "e08.gguf": "GGUF is not read here",
    "e01.ckpt": "can run code",
}
SMALL = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("names")
    place = data / CHECKPOINTS
    for file in ("sub/deeper/f05_nested.safetensors", "Style A/same.safetensors", "Style B/same.safetensors"):
        put(place / file)
    put(place / "d01_sd15.safetensors", {"cond_stage_model.transformer.x": [4], UNET_INPUT: [8, 4, 3, 3]})
    put(place / "d02_no_vae.safetensors", {UNET_INPUT: [8, 4, 3, 3]})
    put(place / "d03_lora.safetensors", {"lora_unet_down.lora_down.weight": [4]})
    put(place / "d04_refiner.safetensors", {"conditioner.embedders.0.model.x": [4]})
    for file in ("e08.gguf", "e01.ckpt"):
        (place / file).write_bytes(b"nothing")
    put(data / VAES / "f07.vae.safetensors", VAE)
    put(data / VAES / "flux.safetensors", {**VAE, "decoder.conv_in.weight": [8, 16, 3, 3]})
    async with running_api(data) as running:
        yield running


async def used(api: Api, way: str, name: str) -> str:
    """The checkpoint that draws, or is switched to, when a client asks for it in this way by that name."""
    if way == "override_settings":
        body: dict[str, Any] = {**SMALL, "override_settings": {"sd_model_checkpoint": name}}
        assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200
        return api.engine.plans[-1].checkpoint.name
    if way == "openai":
        body = {"model": name, "prompt": "a cat", "size": "64x64", "steps": 1}
        assert (await api.http.post("/v1/images/generations", json=body)).status_code == 200
        return api.engine.plans[-1].checkpoint.name
    if way == "override":
        answer = await api.http.patch(f"/models/checkpoints/{name}", json={})
        return str(answer.json()["name"])
    await api.http.post("/models/switch", json={"checkpoint": "illustrious-mini"})
    path, field = {
        "options": ("/sdapi/v1/options", "sd_model_checkpoint"),
        "switch": ("/models/switch", "checkpoint"),
    }[way]
    assert (await api.http.post(path, json={field: name})).status_code == 200
    return api.studio.models.checkpoint().name


@pytest.mark.parametrize("way", ["override_settings", "options", "switch", "openai", "override"])
@pytest.mark.parametrize("title", TITLES)
async def test_a_title_finds_the_file_at_that_place(api: Api, way: str, title: str) -> None:
    assert await used(api, way, title) == TITLES[title]


@pytest.mark.parametrize("name", REFUSED)
async def test_the_reason_why_a_file_cannot_be_used_is_said_where_it_is_asked_for(api: Api, name: str) -> None:
    file = name if "." in name else f"{name}.safetensors"
    for asked in (file, f"{file} [0123456789]"):
        answer = await api.http.post("/models/switch", json={"checkpoint": asked})
        assert answer.status_code == 404
        assert REFUSED[name] in answer.json()["detail"]
    listed = {one["file"]: one["reason"] for one in (await api.http.get("/models")).json()["refused"]}
    assert REFUSED[name] in listed[file]


async def test_the_same_holds_for_vaes(api: Api) -> None:
    assert (await api.http.post("/generate-image", json={**SMALL, "vae": "f07.vae.safetensors"})).status_code == 200
    answer = await api.http.post("/generate-image", json={**SMALL, "vae": "flux.SAFETENSORS"})
    assert answer.status_code == 404
    assert "16 latent channels" in answer.json()["detail"]
    assert "flux.safetensors" in [one["file"] for one in (await api.http.get("/models")).json()["refused"]]


async def test_where_files_lie_stays_in_the_studio(api: Api) -> None:
    assert CHECKPOINTS not in (await api.http.get("/models")).text
