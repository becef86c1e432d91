"""Reports, presets and hashes of model files, by every API."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from illustrious_studio.wiring import CHECKPOINTS, LORAS
from running_api import Api, running_api
from tiny_models import SDXL, safetensors
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PONY = "ponyDiffusionV6XL"
HOSTILE = "mark <b>up"
NOTES = {"modelspec.title": "<script>alert(1)</script>", "modelspec.license": "a\nb", "modelspec.thumbnail": "data:,"}
SMALL = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("reports")
    for place, name, tensors, notes in (
        (CHECKPOINTS, f"sub/{PONY}", SDXL, None),
        (CHECKPOINTS, HOSTILE, SDXL | {"v_pred": [0]}, NOTES),
        (LORAS, "ink", {"lora_unet_mid_block_attn2_to_k.lora_down.weight": [4, 2048]}, None),
    ):
        path = data / place / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(safetensors(tensors, notes))
    (data / LORAS / "old.ckpt").write_bytes(b"no")
    async with running_api(data) as running:
        yield running


async def report(api: Api, name: str) -> dict[str, Any]:
    async def asked() -> dict[str, Any]:
        answer = await api.http.get(f"/models/checkpoints/{name}/report")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return await until(asked, lambda found: not found["hashing"])


async def test_a_report_is_read_by_any_name_and_by_its_hash(api: Api) -> None:
    found = await report(api, PONY)
    assert (found["family"], found["certainty"], found["offered"]["steps"]) == ("Pony", "name", 25)
    short = found["hashes"]["sha256"][:10]
    for name in (f"sub/{PONY}.safetensors", f"old name [{short}]", short):
        assert (await report(api, name))["name"] == PONY
    assert (await report(api, ""))["name"] == api.studio.models.checkpoint().name
    for name in ("nobody", "old.ckpt"):
        answer = await api.http.get(f"/models/checkpoints/{name}/report")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_what_a_header_says_is_sent_as_text_and_without_paths(api: Api) -> None:
    found = await report(api, HOSTILE)
    assert {note["label"]: note["text"] for note in found["notes"]} == {
        "Title": "<script>alert(1)</script>",
        "Licence": "a b",
    }
    assert CHECKPOINTS not in json.dumps(found)
    assert (await api.http.get(f"/models/checkpoints/{HOSTILE}/thumbnail")).status_code in (400, 404)


async def test_a_preset_is_kept_changed_and_reset(api: Api) -> None:
    kept = await api.http.post(f"/models/checkpoints/{PONY}/preset")
    assert kept.status_code == 200
    assert kept.json()["override"]["preset"] == (await report(api, PONY))["offered"]
    assert (kept.json()["steps"], kept.json()["guidance"]) == (25, 7.0)
    changed = await api.http.patch(
        f"/models/checkpoints/{PONY}", json={"preset": {"steps": 12, "sampler": "k_euler_a"}}
    )
    assert (
        changed.json()["override"]["preset"] | {"steps": 12, "sampler": "Euler a"}
        == changed.json()["override"]["preset"]
    )
    other = await api.http.patch(f"/models/checkpoints/{PONY}", json={"zero_terminal_snr": False})
    assert other.json()["override"]["preset"]["steps"] == 12
    for wrong, words in (
        ({"steps": 0}, "steps"),
        ({"sampler": "nobody"}, "sampler"),
        ({"width": 512}, "width and height belong together"),
        ({"sampler": "LCM", "schedule": "Karras"}, "no schedule Karras"),
        ({"nothing": 1}, "nothing"),
        ("text", "preset"),
    ):
        answer = await api.http.patch(f"/models/checkpoints/{PONY}", json={"preset": wrong})
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
    assert (await report(api, PONY))["preset"]["steps"] == 12
    reset = await api.http.patch(f"/models/checkpoints/{PONY}", json={"preset": None, "zero_terminal_snr": None})
    assert (reset.json()["steps"], reset.json()["override"]["preset"]) == (30, None)
    assert (await api.http.post("/models/checkpoints/nobody/preset")).status_code == 404


async def test_what_belongs_to_a_checkpoint_is_not_taken_for_another_ones_name(api: Api) -> None:
    for what in ("report", "thumbnail", "preset"):
        assert (await api.http.patch(f"/models/checkpoints/{PONY}/{what}", json={})).status_code == 405
    assert (await api.http.patch(f"/models/checkpoints/sub/{PONY}", json={})).status_code == 200


async def test_programs_draw_with_a_preset_unless_they_say_otherwise(api: Api) -> None:
    preset = {"steps": 9, "guidance": 3.0, "guidance_rescale": 0.2, "sampler": "LCM", "before": "score_9"}
    await api.http.patch(f"/models/checkpoints/{PONY}", json={"preset": preset})

    async def drawn(path: str, body: dict[str, Any]) -> tuple[object, ...]:
        answer = await api.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        made = (await api.studio.gallery.page()).items[0].metadata.request
        assert made.prompt == "a cat", "words are added nowhere unseen"
        return made.steps, made.guidance, made.guidance_rescale, made.sampler

    openai = {"model": PONY, "prompt": "a cat", "size": "64x64"}
    assert await drawn("/v1/images/generations", openai) == (9, 3.0, 0.2, "LCM")
    assert await drawn("/v1/images/generations", {**openai, "sampler": "Euler a", "steps": 2}) == (
        2,
        3.0,
        0.2,
        "Euler a",
    )
    a1111 = {"prompt": "a cat", "width": 64, "height": 64, "override_settings": {"sd_model_checkpoint": PONY}}
    assert await drawn("/sdapi/v1/txt2img", a1111) == (9, 3.0, 0.2, "Euler")
    await api.http.patch(f"/models/checkpoints/{PONY}", json={"preset": None})


async def test_model_files_are_found_by_a_hash(api: Api) -> None:
    path = next(Path(one.path) for one in await api.studio.loras.loras())
    digits = hashlib.sha256(path.read_bytes()).hexdigest()

    async def asked() -> dict[str, Any]:
        return dict((await api.http.get("/models/files", params={"hash": f"anything [{digits[:10]}]"})).json())

    found = await until(asked, lambda one: one["files"])
    assert [(one["kind"], one["name"], one["sha256"]) for one in found["files"]] == [("lora", "ink", digits)]
    for wrong in ("", "zz", "1234567"):
        answer = await api.http.get("/models/files", params={"hash": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a1111s_list_has_the_hashes_that_are_known_and_a_title_with_another_name_finds_the_file(api: Api) -> None:
    digits = (await report(api, PONY))["hashes"]["sha256"]
    listed = {one["model_name"]: one for one in (await api.http.get("/sdapi/v1/sd-models")).json()}
    assert (listed[PONY]["hash"], listed[PONY]["sha256"], listed[PONY]["title"]) == (digits[:10], digits, PONY)
    assert listed["illustrious-mini"]["hash"] is None
    body = {**SMALL, "override_settings": {"sd_model_checkpoint": f"as it was.safetensors [{digits[:10]}]"}}
    assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200
    assert api.engine.plans[-1].checkpoint.name == PONY


async def test_a_host_gets_the_same_report(api: Api) -> None:
    expected = await report(api, PONY)
    async with (
        httpx2.AsyncClient(timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{api.url}/mcp", http_client=http)) as client,
    ):
        found = await client.call_tool("checkpoint_report", {"name": PONY})
        assert found.structured_content == expected
        wrong = await client.call_tool("checkpoint_report", {"name": "nobody"})
        assert wrong.is_error


async def test_what_cannot_be_used_is_listed_with_what_it_lies_among(api: Api) -> None:
    refused = (await api.http.get("/models")).json()["refused"]
    assert [(one["kind"], one["file"]) for one in refused] == [("lora", "old.ckpt")]
