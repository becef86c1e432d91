"""Drawing over a given picture through the API: how it may be given, and what is refused."""

import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fakes import start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.pictures import Picture, open_picture
from illustrious_studio.domain.rendering import FromPicture
from running_api import Api, running_api
from samples import a_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = base64.b64encode(to_png(a_picture())).decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(tmp_path_factory.mktemp("studio")) as api:
        yield api


def fields(**changes: Any) -> dict[str, Any]:
    return {"prompt": "a cat", "steps": 2, "width": 96, "height": 64, **changes}


async def test_a_picture_may_come_as_base64_as_a_data_url_from_the_gallery_or_by_its_name(api: Api) -> None:
    first = (await api.http.post("/generate-image", json=fields(image=PNG))).json()
    assert start_picture(api.engine.plans[-1]) == FromPicture(a_picture())
    name = first["metadata"]["image"]
    for image in (f"data:image/png;base64,{PNG}", name):
        again = (await api.http.post("/generate-image", json=fields(image=image))).json()
        assert (again["metadata"]["image"], start_picture(api.engine.plans[-1]).picture) == (name, a_picture())
    answer = await api.http.post("/jobs", json=fields(image=first["image_id"], strength=0.3))
    assert answer.status_code == 202
    await api.studio.jobs.wait(answer.json()["id"])
    assert answer.json()["request"]["strength"] == 0.3
    assert start_picture(api.engine.plans[-1]).picture != a_picture()


async def test_a_picture_of_several_megabytes_passes(api: Api) -> None:
    large = base64.b64encode(to_png(Picture(800, 600, os.urandom(3 * 800 * 600)))).decode()
    assert len(large) > 1024 * 1024
    answer = await api.http.post("/generate-image", json=fields(image=large, mask=PNG))
    assert answer.status_code == 200
    assert answer.json()["metadata"]["mask"]


async def test_around_a_mask_the_answer_has_the_pictures_size_and_says_that_of_the_drawing(api: Api) -> None:
    part = {"mask_area": "masked", "mask_padding": 0, "mask_content": "fill", "width": 128, "height": 64}
    drawn = (await api.http.post("/generate-image", json=fields(image=PNG, mask=PNG, **part))).json()
    told = drawn["metadata"]
    assert (told["width"], told["height"], told["drawn_width"], told["drawn_height"]) == (96, 64, 128, 64)
    png = open_picture(base64.b64decode(drawn["image_base64"])).picture
    assert (png.width, png.height) == (96, 64)


async def test_a_mask_that_says_nothing_is_refused_where_only_that_is_drawn(api: Api) -> None:
    black = base64.b64encode(to_png(Picture(8, 8, bytes(3 * 64)))).decode()
    answer = await api.http.post("/jobs", json=fields(image=PNG, mask=black, mask_area="masked"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    answer = await api.http.post("/jobs", json=fields(image=PNG, mask_area="masked"))
    assert (answer.status_code, answer.json()["detail"]) == (422, "mask_area: needs a mask")


@pytest.mark.parametrize("field", ["image", "mask"])
@pytest.mark.parametrize(
    ("text", "status"),
    [("file:///etc/passwd", 400), ("http://127.0.0.1:1/x.png", 400), ("/tmp/x.png", 400), ("", 400),
     (base64.b64encode(b"no picture").decode(), 400), ("0" * 32, 404), ("0" * 64, 404)],
)  # fmt: skip
async def test_only_pictures_and_names_of_known_ones_are_taken(api: Api, field: str, text: str, status: int) -> None:
    jobs = await api.studio.jobs.recent()
    answer = await api.http.post("/generate-image", json=fields(**{"image": PNG, field: text}))
    assert (answer.status_code, set(answer.json())) == (status, {"detail", "code"})
    assert text or f"{field} is empty" in answer.json()["detail"]
    assert await api.studio.jobs.recent() == jobs


async def test_picture_and_layout_exclude_each_other_before_anything_is_kept(api: Api, tmp_path: Path) -> None:
    answer = await api.http.post("/generate-image", json=fields(image=PNG, layout_from_words=True))
    assert answer.status_code == 422
    assert "layout_from_words: cannot be used with an image" in answer.json()["detail"]


async def test_names_of_samplers_and_schedules_are_checked_at_the_door(api: Api) -> None:
    answer = await api.http.post("/jobs", json=fields(sampler="DPM fast"))
    assert (answer.status_code, "sampler: must be one of: Euler a" in answer.json()["detail"]) == (422, True)
    answer = await api.http.post("/jobs", json=fields(sampler="Heun"))  # the built-in checkpoint begins at pure noise
    assert (answer.status_code, "Heun cannot draw with" in answer.json()["detail"]) == (422, True)
    drawn = (await api.http.post("/generate-image", json=fields(sampler="k_euler_a", clip_skip=2))).json()["metadata"]
    assert (drawn["sampler"], drawn["schedule"], drawn["clip_skip"]) == ("Euler a", "Trailing", 2)


async def test_several_pictures_come_together_or_are_queued_together(api: Api) -> None:
    drawn = (await api.http.post("/generate-image", json=fields(seed=7, n=3))).json()
    assert [drawn["seed"], *(other["seed"] for other in drawn["others"])] == [7, 8, 9]
    assert len({drawn["image_base64"], *(other["image_base64"] for other in drawn["others"])}) == 3
    kept = await api.http.get(f"/gallery/{drawn['others'][1]['image_id']}")
    assert kept.json()["metadata"]["seed"] == 9
    queued = (await api.http.post("/jobs", json=fields(seed=7, n=2))).json()
    assert [job["request"]["seed"] for job in (queued, *queued["others"])] == [7, 8]
    for job in (queued, *queued["others"]):
        await api.studio.jobs.wait(job["id"])
    for n in (0, 33, True, "2"):
        assert (await api.http.post("/jobs", json=fields(n=n))).status_code == 422
