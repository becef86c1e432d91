"""A1111's script "X/Y/Z plot" as its clients send it: webuiapi's call, A1111 1.10's, and Forge's names."""

import io
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from PIL import Image

from illustrious_studio.domain.encoding import to_png
from running_api import Api
from samples import a_picture

SMALL = {"prompt": "a cat", "width": 128, "height": 64, "steps": 2, "seed": 5}
NOTHING = [0, "", ""]
FLAGS = [True, False, False, False]
"""Legend, single pictures, sub grids, keep -1."""


async def plotted(api: Api, args: list[Any], path: str = "txt2img", **body: Any) -> tuple[list[Image.Image], Any]:
    sent = {**SMALL, "script_name": "X/Y/Z plot", "script_args": args, **body}
    answer = await api.http.post(f"/sdapi/v1/{path}", json=sent)
    assert answer.status_code == 200, answer.text
    images = [Image.open(io.BytesIO(b64decode(image))) for image in answer.json()["images"]]
    return images, json.loads(answer.json()["info"])


async def test_webuiapis_call_by_places_in_the_list(api: Api) -> None:
    # As its README has it: places of A1111's list, 14 arguments.
    args = [4, "2,3", [], 9, "Euler, LMS", [], *NOTHING, *FLAGS, 0]
    images, info = await plotted(api, args)
    drawn = [(plan.request.steps, plan.request.sampler, plan.request.seed) for plan in api.engine.plans]
    assert drawn == [(2, "Euler", 5), (3, "Euler", 5), (2, "LMS", 5), (3, "LMS", 5)]
    assert (len(images), info["index_of_first_image"]) == (1, 1)
    assert 'X Type: Steps, X Values: "2, 3", Y Type: Sampler' in images[0].info["parameters"]
    assert info["infotexts"][0] == images[0].info["parameters"]
    assert info["all_seeds"] == [5] * 5


async def test_the_arguments_of_1_10_with_pictures_and_sub_grids(api: Api) -> None:
    args = [
        "Prompt S/R", "cat, dog", "", "Sampler", "", ["Euler", "Euler a"], "Seed", "1, 2, 3", "",
        True, True, True, False, False, False, False, 4, False,
    ]  # fmt: skip
    images, info = await plotted(api, args)
    assert (len(images), info["index_of_first_image"]) == (1 + 3 + 12, 4)
    assert [info["all_prompts"][at] for at in (4, 5)] == ["a cat", "a dog"]
    assert info["all_seeds"][4:] == [1] * 4 + [2] * 4 + [3] * 4
    assert [image.size for image in images[4:]] == [(128, 64)] * 12
    assert images[1].width * images[1].height < images[0].width * images[0].height / 3


async def test_seeds_that_vary_along_an_axis(api: Api) -> None:
    await plotted(api, ["Steps", "2, 3", "", "CFG Scale", "1, 2", "", *NOTHING, *FLAGS, True, True, False, 0, False])
    assert sorted(plan.request.seed for plan in api.engine.plans) == [5, 6, 7, 8]
    drawn = {(plan.request.steps, plan.request.guidance): plan.request.seed for plan in api.engine.plans}
    assert drawn == {(2, 1): 5, (3, 1): 6, (2, 2): 7, (3, 2): 8}


async def test_img2img_has_a_list_of_its_own_and_its_denoising_is_the_strength(api: Api) -> None:
    picture = b64encode(to_png(a_picture())).decode()
    args = ["Denoising", "0.2-0.6 (+0.2)", "", *NOTHING, *NOTHING, *FLAGS, 0]
    await plotted(api, args, "img2img", init_images=[picture])
    assert [plan.request.strength for plan in api.engine.plans] == [0.2, 0.4, 0.6]
    await plotted(api, [9, "Euler, LMS", "", *NOTHING, *NOTHING, *FLAGS, 0], "img2img", init_images=[picture])
    assert [plan.request.sampler for plan in api.engine.plans[-2:]] == ["Euler", "LMS"]


async def test_axes_of_hires_fix(api: Api) -> None:
    args = ["Denoising", "0.5, 0.6", "", "Hires upscaler", "", ["None", "Latent"], *NOTHING, *FLAGS, 0, False]
    await plotted(api, args, enable_hr=True)
    seconds = [(plan.request.hires.strength, plan.request.hires.upscaler) for plan in api.engine.plans]
    assert seconds == [(0.5, "Lanczos"), (0.6, "Lanczos"), (0.5, "Latent"), (0.6, "Latent")]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["Face restore", "CodeFormer", ""], "x_type is Face restore, which is something that this studio does not do"),
        (["Steps", "2", "", 20, "1", ""], "y_type is Schedule rho, which is something that this studio does not"),
        (["Stepps", "2", ""], "x_type is no axis of A1111's here; use one of: Seed, Var. seed"),
        ([99, "2", ""], "x_type is no axis"),
        (["Hires steps", "2", ""], "x_type is Hires steps, which needs enable_hr"),
        (["Steps", "2, many", ""], "x, value 2 (many): must be a whole number"),
        (["Steps", "", ""], "x.values: has no values"),
        (["Steps", "1-1000000", ""], "1,000,000 pictures"),
        (["Sampler", "Euler, Eular", ""], "x, value 2 (Eular): must be one of: Euler a"),
        (["Steps", "1", "", *NOTHING, *NOTHING, *FLAGS, 501], "margin: must be at most 500"),
        (["Steps", "1", ""] * 7, "has 21 entries"),
        ([*NOTHING], "names no axis"),
        ([], "has 0 entries"),
    ],
)
async def test_what_it_cannot_do_is_a_sentence_and_draws_nothing(api: Api, args: list[Any], sentence: str) -> None:
    sent = {**SMALL, "script_name": "x/y/z plot", "script_args": args}
    answer = await api.http.post("/sdapi/v1/txt2img", json=sent)
    assert (answer.status_code, sentence in answer.json()["detail"]) == (422, True), answer.text
    assert api.engine.plans == []


async def test_several_pictures_a_cell_are_refused(api: Api) -> None:
    sent = {**SMALL, "batch_size": 2, "script_name": "X/Y/Z plot", "script_args": ["Steps", "2", ""]}
    answer = await api.http.post("/sdapi/v1/txt2img", json=sent)
    assert (answer.status_code, "batch_size: a cell" in answer.json()["detail"]) == (422, True)


async def test_it_is_among_the_scripts(api: Api) -> None:
    there = (await api.http.get("/sdapi/v1/scripts")).json()
    assert there.keys() == {"txt2img", "img2img"}
    assert all("x/y/z plot" in names for names in there.values())
