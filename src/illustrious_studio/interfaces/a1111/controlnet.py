"""The API of A1111's extension sd-webui-controlnet, at /controlnet: which modules there are, and what one makes of
pictures. Units in `alwayson_scripts` are no part of it."""

import asyncio
from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AliasChoices, Field

from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.pictures import Picture, base64_bytes, open_picture
from illustrious_studio.domain.preprocessing import Parameter, Preprocessor
from illustrious_studio.interfaces.a1111.common import ApiState, Body, StateIn
from illustrious_studio.interfaces.a1111.image_info import sent
from illustrious_studio.interfaces.http.sse import while_connected

router = APIRouter()

API_VERSION = 3
"""That of the extension's 1.1.4xx, whose last one this follows."""
UNITS = 3
"""How many units its page has at first. Its API takes more."""
NO_MODEL = "None"
EVERY_TYPE = "All"


class DetectBody(Body):
    """Pictures, and the module that makes maps of them. A number outside of its range means the usual one."""

    controlnet_module: str | None = Field("none", max_length=200)
    controlnet_input_images: list[str] | None = Field(
        None,
        max_length=100,
        validation_alias=AliasChoices("controlnet_input_images", "controlnet_images"),  # the latter is webuiapi's
    )
    controlnet_processor_res: float | None = -1
    controlnet_threshold_a: float | None = -1
    controlnet_threshold_b: float | None = -1


@router.get("/version")
async def version() -> dict[str, int]:
    return {"version": API_VERSION}


@router.get("/settings")
async def settings() -> dict[str, int]:
    return {"control_net_unit_count": UNITS}


@router.get("/model_list")
async def model_list(state: StateIn) -> dict[str, list[str]]:
    """By the names that units have."""
    return {"model_list": await _models(state)}


@router.get("/module_list")
async def module_list(state: StateIn, alias_names: bool = False) -> dict[str, Any]:
    """By the names that units have, or (`alias_names`) by those that the extension's page shows."""
    named = {(one.module_label if alias_names else one.module): one for one in _modules(state)}
    details = {name: {"model_free": False, "sliders": _sliders(one)} for name, one in named.items()}
    return {"module_list": list(named), "module_detail": details}


@router.get("/control_types")
async def control_types(state: StateIn) -> dict[str, Any]:
    """Which modules go with which kind of model. What a model is for is in no file: each kind has all of them."""
    modules, models = _modules(state), await _models(state)
    types = sorted({one for module in modules for one in module.control_types})
    of_each = {kind: [one for one in modules if kind in one.control_types] for kind in types}
    return {
        "control_types": {
            kind: {
                "module_list": ["none", *(one.module_label for one in found if one.name != "none")],
                "model_list": [NO_MODEL, *models],
                "default_option": "none" if kind == EVERY_TYPE else found[0].module_label,
                "default_model": NO_MODEL,
            }
            for kind, found in ({EVERY_TYPE: modules} | of_each).items()
        }
    }


@router.post("/detect")
async def detect(body: DetectBody, request: Request, state: StateIn) -> Response:
    """The maps, in the size in which they are computed: as in the extension, `controlnet_processor_res` pixels to the
    shorter side, 512 where it says none."""
    images = await while_connected(request, _detected(body, state))
    return JSONResponse({"images": images, "info": "Success"})


async def _detected(body: DetectBody, state: ApiState) -> list[str]:
    service = state.studio.preprocessing
    module = service.named(body.controlnet_module or "none")
    if not body.controlnet_input_images:
        raise NotFound("controlnet_input_images: no picture came. Send PNG, JPEG or WebP files in base64.")
    numbers = module.numbers_of_a1111(
        body.controlnet_processor_res, body.controlnet_threshold_a, body.controlnet_threshold_b
    )
    maps = []
    for image in body.controlnet_input_images:
        file = base64_bytes(sent(image, "controlnet_input_images"), "controlnet_input_images")
        picture = (await asyncio.to_thread(open_picture, file)).picture
        maps.append(await asyncio.to_thread(_base64, await service.detect(module, picture, numbers)))
    return maps


def _base64(map: Picture) -> str:
    return b64encode(to_png(map)).decode("ascii")


async def _models(state: ApiState) -> list[str]:
    return [one.name for one in await state.studio.controls.controls()]


def _modules(state: ApiState) -> list[Preprocessor]:
    return state.studio.preprocessing.preprocessors()


def _sliders(module: Preprocessor) -> list[dict[str, Any]]:
    parameters = (module.resolution, module.threshold_a, module.threshold_b)
    return [_slider(one) for one in parameters if one is not None]


def _slider(one: Parameter) -> dict[str, Any]:
    return {"name": one.label, "value": one.default, "min": one.minimum, "max": one.maximum, "step": one.step}
