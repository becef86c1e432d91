"""A1111's API: latent contents, the script Soft Inpainting, and its two scripts that outpaint."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fakes import start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.soft_inpainting import SoftInpainting, soft_inpainting_of
from running_api import Api, running_api
from samples import a_picture


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(tmp_path) as api:
        yield api


def encoded(picture: Picture) -> str:
    return b64encode(to_png(picture)).decode()


GIVEN = encoded(a_picture(100, 64))
MASK = encoded(a_picture(100, 64))


async def drawn(api: Api, **body: Any) -> Any:
    """The plan that a request comes to."""
    answer = await api.http.post(
        "/sdapi/v1/img2img", json={"init_images": [GIVEN], "prompt": "a cat", "steps": 1, **body}
    )
    assert answer.status_code == 200, answer.text
    return api.engine.plans[-1]


@pytest.mark.parametrize(("number", "content"), [(2, "latent_noise"), (3, "latent_nothing")])
async def test_latent_contents_reach_the_engine_and_the_text(api: Api, number: int, content: str) -> None:
    plan = await drawn(api, mask=MASK, inpainting_fill=number, inpaint_full_res=False)
    assert (plan.request.mask_content, start_picture(plan).content) == (content, content)
    (newest,) = (await api.studio.gallery.page(limit=1)).items
    png = await api.http.post(
        "/sdapi/v1/png-info", json={"image": b64encode(await api.studio.gallery.png(newest.id)).decode()}
    )
    assert f"Masked content: {content.replace('_', ' ')}" in png.json()["info"]


@pytest.mark.parametrize("name", ["Soft Inpainting", "soft inpainting"])
async def test_the_arguments_of_soft_inpainting_are_its_settings_in_their_order(api: Api, name: str) -> None:
    scripts = {name: {"args": [True, 2, 0.25, 8, 0.1, 1, 3]}}
    plan = await drawn(api, mask=MASK, alwayson_scripts=scripts)
    wanted = SoftInpainting(2, 0.25, 8, 0.1, 1, 3)
    assert soft_inpainting_of(plan.request) == start_picture(plan).soft == wanted
    greys = start_picture(plan).mask.image().convert("L").getcolors()
    assert greys is not None
    assert len(greys) > 20, "the mask is not rounded then"
    plain = await drawn(api, mask=MASK, alwayson_scripts={name: {"args": [False, 2]}})
    assert (plain.request.soft_inpainting, start_picture(plain).soft) == (False, None)
    few = await drawn(api, mask=MASK, alwayson_scripts={name: {"args": [True]}})
    assert start_picture(few).soft == SoftInpainting()
    without = await drawn(api, alwayson_scripts=scripts)
    assert without.request.soft_inpainting is False, "as there: without a mask it does nothing"


@pytest.mark.parametrize(
    ("script", "args", "wanted"),
    [
        ("Outpainting mk2", ["", 128, 8, ["left"], 1, 0.05], Outpaint(left=156, seam=64)),
        ("outpainting mk2", [], Outpaint(left=142, right=142, top=128, bottom=128, seam=64)),
        (
            "Poor man's outpainting",
            [64, 4, 2, ["right", "down"]],
            Outpaint(right=92, bottom=64, seam=24, content="latent_noise"),
        ),
        (
            "Poor man's outpainting",
            [8, 0, "latent nothing", ["up"]],
            Outpaint(top=64, seam=0, content="latent_nothing"),
        ),
    ],
)
async def test_its_scripts_that_outpaint_add_as_many_pixels_as_there(
    api: Api, script: str, args: list[Any], wanted: Outpaint
) -> None:
    plan = await drawn(api, script_name=script, script_args=args, width=512, height=512, denoising_strength=0.8)
    assert plan.request.outpaint == wanted
    assert plan.passes[0].strength == 0.8


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"script_args": ["", 128, 8, ["left"], 2, 0.05]}, "script_args: the fifth and sixth of Outpainting mk2"),
        ({"script_args": ["", 300]}, "script_args: the pixels to expand must be a whole number from 8 to 256"),
        ({"script_args": ["", 128, "soft"]}, "script_args: the mask blur must be"),
        ({"script_args": ["", 128, 8, []]}, "script_args: the directions must be a list of some of: left, right, up"),
        ({"script_args": ["", 128, 8, ["north"]]}, "script_args: the directions"),
        ({"mask": MASK}, "script_name: Outpainting mk2 sees to the whole picture; send no mask"),
        (
            {"script_name": "Poor man's outpainting", "script_args": [128, 4, 1]},
            "script_args: original as masked content begins with black there",
        ),
        ({"script_name": "", "mask": MASK, "inpainting_fill": 4}, "inpainting_fill: must be at most 3"),
        (
            {"script_name": "", "mask": MASK, "alwayson_scripts": {"Soft Inpainting": {"args": [True, "much"]}}},
            "alwayson_scripts: the argument 2 of soft inpainting must be a number",
        ),
        (
            {"script_name": "", "mask": MASK, "alwayson_scripts": {"Soft Inpainting": {"args": [True, 99]}}},
            "soft_inpainting_schedule_bias: must be at most 8",
        ),
    ],
)
async def test_what_they_cannot_do_is_a_sentence(api: Api, body: dict[str, Any], words: str) -> None:
    sent = {"init_images": [GIVEN], "prompt": "a cat", "script_name": "Outpainting mk2", **body}
    answer = await api.http.post("/sdapi/v1/img2img", json=sent)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert api.engine.plans == []
