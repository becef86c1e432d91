"""A setting that is declared once is there in every interface, and comes back from the picture. New ones, too."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import gradio
import pytest
import pytest_asyncio

from illustrious_studio.cli.parser import _parser
from illustrious_studio.domain.controls import Control
from illustrious_studio.domain.details import Detail
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.regions import Region
from illustrious_studio.domain.setting import value_types
from illustrious_studio.interfaces.mcp.tools import TOOLS, generate_image
from illustrious_studio.interfaces.web.form import Form
from illustrious_studio.wiring import DATA
from running_api import Api, running_api
from samples import metadata

GIVEN: dict[str, Any] = {
    "prompt": "a fox",
    "negative_prompt": "blurry",
    "sampler": "DPM++ 2M",
    "schedule": "Normal",
    "width": 128,
    "height": 64,
    "vae": "own",
    "image": "a" * 64,
    "image_upscaler": "Real-ESRGAN anime",
    "mask": "b" * 64,
    "loras": [{"name": "ink", "weight": 0.5, "text_encoder_weight": None}],
    "regions": [Region(prompt="a tree", x=0.25, w=0.5, feather=0).model_dump()],
    "region_split": "rows",
    "region_ratios": [1, 2],
    "hires": HiresFix(scale=1.5, upscaler="Lanczos", strength=0.5).model_dump(),
    "controls": [Control(model="canny", image="c" * 64, preprocessor="canny", weight=0.5).model_dump()],
    "details": [Detail(what="people", strength=0.3, width=512, height=512).model_dump(mode="json")],
    "outpaint": Outpaint(left=128, seam=16).model_dump(),
    "layout": {"things": [{"what": "cat", "x": 0.5, "y": 0.5, "w": 0.3, "h": 0.3}]},
}
"""Values for settings whose type alone does not say which values there are."""


def another(name: str) -> Any:
    """A value other than the default, within the setting's limits."""
    if name in GIVEN:
        return GIVEN[name]
    field = ImageRequest.model_fields[name]
    (kind, *_) = value_types(field.annotation)
    if kind is bool:
        return not field.default
    if get_origin(kind) is Literal:
        return next(value for value in get_args(kind) if value != field.default)
    low, high = (
        next((getattr(rule, side) for rule in field.metadata if hasattr(rule, side)), None) for side in ("ge", "le")
    )
    assert low is not None and high is not None, f"say in GIVEN what {name} may be"
    middle = (low + high) / 2
    return {int: int, float: lambda value: round(value, 2)}[kind](middle)  # type: ignore[operator]


def with_needs(name: str) -> dict[str, Any]:
    """The setting, and what gives it a meaning."""
    needed, _, value = SETTINGS[name].needs.partition("=")
    above = with_needs(needed) if needed else {}
    return above | ({needed: value} if value else {}) | {name: another(name)}


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    (tmp_path / "models" / "vae").mkdir(parents=True)
    shutil.copy(DATA / "mini/vae/diffusion_pytorch_model.safetensors", tmp_path / "models" / "vae" / "own.safetensors")
    async with running_api(tmp_path) as api:
        yield api


@pytest.mark.parametrize("name", [name for name in SETTINGS if SETTINGS[name].infotext])
def test_it_comes_back_from_the_text_in_the_picture(name: str) -> None:
    made = metadata(**with_needs(name))
    recorded = recorded_settings({"parameters": write_infotext(made)})
    assert recorded is not None
    assert getattr(recorded.request, name) == getattr(made.request, name) != getattr(ImageRequest(prompt=""), name)


PLAIN = [name for name in SETTINGS if SETTINGS[name].a1111 and not SETTINGS[name].needs and name != "image"]


@pytest.mark.parametrize(("name", "theirs"), [(name, theirs) for name in PLAIN for theirs in SETTINGS[name].a1111])
async def test_a1111s_clients_can_send_it_by_each_of_its_names(api: Api, name: str, theirs: str) -> None:
    if theirs == "CLIP_stop_at_last_layers":
        body: dict[str, Any] = {"override_settings": {theirs: another(name)}}
    else:
        body = {theirs: another(name)} | ({"sampler_name": GIVEN["sampler"]} if name == "schedule" else {})
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", "steps": 1, **body})
    assert answer.status_code == 200, answer.text
    assert getattr(api.engine.plans[-1].request, name) == another(name)


ELSEWHERE = ("image", "mask", "layout", "loras", "controls", "region_split")
REST = [name for name in SETTINGS if name not in ELSEWHERE and not SETTINGS[name].needs]
"""LoRAs are written into the prompt (`test_networks`), controls need files (`test_controls`), and a split is into
regions (`test_regions`)."""


@pytest.mark.parametrize("name", REST)
async def test_rest_takes_it_and_records_it(api: Api, name: str) -> None:
    body = {"prompt": "a cat", "steps": 1, **({"sampler": GIVEN["sampler"]} if name == "schedule" else {})}
    if name.startswith("seed_resize"):  # its two sides belong together
        body |= {one: another(one) for one in ("seed_resize_from_width", "seed_resize_from_height")}
    if name == "details":  # of a layout
        body |= {"layout": GIVEN["layout"]}
    answer = await api.http.post("/generate-image", json=body | {name: another(name)})
    assert answer.status_code == 200, answer.text
    recorded = answer.json()["metadata"]
    assert recorded["request"][name] == recorded[name] == another(name)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "prompt"])
def test_the_command_line_has_an_option_for_it(name: str) -> None:
    option, value = "--" + name.replace("_", "-"), another(name)
    in_json = name in ("loras", "hires", "controls", "details", "regions", "region_ratios", "outpaint")
    text = json.dumps(value) if in_json else "file" if isinstance(value, dict) else str(value)
    options = _parser()[0].parse_args(["generate", "a cat", *([option] if value is True else [option, text])])
    assert getattr(options, name) == value if in_json else str(getattr(options, name)) == text


@pytest.mark.parametrize("name", SETTINGS)
def test_mcps_hosts_see_it_among_the_arguments(name: str) -> None:
    draws = next(tool for tool in TOOLS if tool.does is generate_image)
    assert draws.declared().input_schema["properties"][name]["description"]


EDITED = ("image", "mask", "layout", "loras", "controls", "regions", "layout_as", "region_split", "region_ratios")
ON_THE_PAGE = [name for name in SETTINGS if name not in (*EDITED, "disable_extra_networks")]
"""Pictures, layouts, controls, regions and LoRAs have editors there; what switches LoRAs off is for A1111's clients."""


async def test_the_page_has_a_control_for_it_under_its_name() -> None:
    # A coroutine, for Gradio looks for an event loop, and makes one that nobody closes where none runs.
    with gradio.Blocks():
        form = Form()
    shown = {name: form.controls[name].label for name in ON_THE_PAGE}
    assert shown == {name: SETTINGS[name].label for name in ON_THE_PAGE}
