"""Grids over HTTP: asked for, followed, shown, cancelled."""

import io
from typing import Any

import pytest
from PIL import Image

from running_api import Api
from waiting import until

CAT = {"prompt": "a cat", "steps": 2, "width": 128, "height": 64, "seed": 3}
GRID: dict[str, Any] = {
    **CAT,
    "x": {"setting": "steps", "values": "2-4"},
    "y": {"setting": "search_replace", "values": ["cat", "dog"]},
}


async def finished(api: Api, grid_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        return (await api.http.get(f"/grids/{grid_id}")).json()

    return await until(look, lambda grid: grid["finished"])


async def test_a_grid_is_queued_followed_and_shown(api: Api) -> None:
    answer = await api.http.post("/grids", json=GRID)
    assert answer.status_code == 202, answer.text
    queued = answer.json()
    assert answer.headers["location"] == f"{api.url}/grids/{queued['id']}"
    assert (queued["pictures"], queued["sheet_url"] is None or queued["finished"]) == (6, True)
    assert queued["x"] == {
        "setting": "steps", "label": "Steps", "values": [2, 3, 4], "labels": ["Steps: 2", "Steps: 3", "Steps: 4"],
    }  # fmt: skip
    assert queued["z"] is None
    done = await finished(api, queued["id"])
    assert (done["done"], done["failed"], done["step"], done["steps"]) == (6, 0, done["steps"], done["steps"])
    assert [(cell["x"], cell["y"], cell["label"]) for cell in done["cells"]][3:5] == [
        (0, 1, "Steps: 2, dog"), (1, 1, "Steps: 3, dog"),
    ]  # fmt: skip
    sheet = await api.http.get(done["sheet_url"])
    assert sheet.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(sheet.content)).info["parameters"].startswith("a cat\n")
    entry = (await api.http.get(f"/gallery/{done['cells'][4]['image_id']}")).json()
    assert entry["metadata"]["origin"]["grid_id"] == queued["id"]
    assert (entry["metadata"]["prompt"], entry["metadata"]["steps"], entry["metadata"]["seed"]) == ("a dog", 3, 3)
    found = (await api.http.get("/gallery", params={"grid_id": queued["id"]})).json()["items"]
    assert {one["id"] for one in found} == {cell["image_id"] for cell in done["cells"]}
    assert (await api.http.get("/grids")).json()["grids"] == [done]


async def test_a_grid_is_cancelled_as_one(api: Api) -> None:
    api.engine.go_on.clear()
    queued = (await api.http.post("/grids", json=GRID)).json()
    await api.engine.midway.wait()
    early = await api.http.get(f"/grids/{queued['id']}/sheet")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert (await api.http.delete(f"/grids/{queued['id']}")).status_code == 204
    done = await finished(api, queued["id"])
    assert (done["done"], done["failed"]) == (0, 6)
    assert (await api.http.get(done["sheet_url"])).status_code == 200
    assert (await api.http.delete(f"/grids/{queued['id']}")).status_code == 409


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        (
            {"x": {"setting": "seed", "values": "1-1000000"}, "y": None},
            422,
            "The grid has 1,000,000 pictures, and 100 may",
        ),
        ({"x": {"setting": "steps", "values": [1, 500]}}, 422, "x, value 2 (500): must be at most 150"),
        (
            {"x": {"setting": "picture", "values": [1]}},
            422,
            "x.setting: is no setting that a grid can vary; use one of",
        ),
        ({"x": None}, 422, "x: must be a JSON object"),
        ({"x": {"setting": "checkpoint", "values": ["gone"]}}, 404, "x, value 1 (gone): There is no checkpoint"),
        (
            {"x": {"setting": "steps", "values": [1, 2]}, "y": {"setting": "search_replace", "values": "pear,fig"}},
            422,
            "x, value 1 (1) and y, value 1 (pear): 'pear', the first value of the search and replace, is in no prompt.",
        ),
        ({"x": {"setting": "loras", "values": "none, nope"}, "y": None}, 422, "x, value 2 (nope): There is no LoRA"),
        ({"x": {"setting": "lora:nope", "values": "1"}, "y": None}, 404, "x, lora:nope: There is no LoRA 'nope'"),
        ({"x": {"setting": "size", "values": "64x64, 0x0"}, "y": None}, 422, "x, value 2 (0x0): width: must be"),
        ({"x": {"setting": "guidance", "values": "nan"}, "y": None}, 422, "x, value 1 (nan): must be a finite number"),
        ({"y": {"setting": "steps", "values": [1]}}, 422, "x and y both vary steps; let each axis vary its own"),
        ({"x": {"setting": "steps", "values": [1] * 10_001}}, 422, "x.values"),
        ({"n": 2}, 422, "n: is not known here"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_queued(
    api: Api, changes: dict[str, Any], status: int, sentence: str
) -> None:
    answer = await api.http.post("/grids", json=GRID | changes)
    assert (answer.status_code, sentence in answer.json()["detail"]) == (status, True), answer.text
    assert (await api.http.get("/grids")).json() == {"grids": []}
    assert (await api.http.post("/generate-image", json=CAT)).status_code == 200


async def test_a_grid_that_is_not_there_is_said_to_be_so(api: Api) -> None:
    for path in ("/grids/nothing", f"/grids/{'0' * 32}", f"/grids/{'0' * 32}/sheet"):
        answer = await api.http.get(path)
        assert (answer.status_code, "There is no" in answer.json()["detail"]) == (404, True)
