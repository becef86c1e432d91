"""POST /sdapi/v1/txt2img and /img2img: pictures, and all about them in the forms that A1111's clients read."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from illustrious_studio.domain.encoding import to_file
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.jobs import Once
from illustrious_studio.domain.metadata.infotext import setting_fields, write_infotext
from illustrious_studio.domain.models import AUTOMATIC_VAE, Checkpoint, vae_file, vae_named
from illustrious_studio.domain.pictures import open_image, text_in
from illustrious_studio.interfaces.a1111.bodies import Img2ImgBody, Txt2ImgBody
from illustrious_studio.interfaces.a1111.common import ApiState, Options, StateIn, check_options
from illustrious_studio.interfaces.a1111.options import changed
from illustrious_studio.interfaces.a1111.xyz_plot import XyzPlot
from illustrious_studio.interfaces.http.once import once_of
from illustrious_studio.interfaces.http.sse import while_connected

router = APIRouter()

WITH_FIELDS_OF_THEIR_OWN = ("Steps", "Sampler", "CFG scale", "Seed", "Denoising strength", "Clip skip")
"""What A1111's account of a picture has fields for."""


@router.post("/txt2img")
async def txt2img(body: Txt2ImgBody, request: Request, state: StateIn) -> Response:
    """Closing the connection cancels what is not drawn yet. Every picture is kept in the gallery."""
    return JSONResponse(await while_connected(request, _made(body, request, state)))


@router.post("/img2img")
async def img2img(body: Img2ImgBody, request: Request, state: StateIn) -> Response:
    """The same over a picture; with a mask, white is redrawn."""
    return JSONResponse(await while_connected(request, _made(body, request, state)))


async def _made(body: Txt2ImgBody, request: Request, state: ApiState) -> dict[str, Any]:
    options, checkpoint = await _overridden(body, state)
    wanted = await body.request(state.studio, checkpoint, options)
    once = once_of(request, wanted, body.count, checkpoint.name)
    origin = Origin(way="api", words=wanted.prompt)
    if (plot := body.plot(wanted)) is not None:
        return await _plotted(plot, wanted, origin, checkpoint, body, options, state, once)
    with state.tasks.open(body.force_task_id) as task:
        task.jobs = await state.studio.images.start_images(
            wanted,
            body.count,
            origin,
            checkpoint.name,
            stay=False,
            once=once,
        )
        items = await state.tasks.finished(task, stay=once is not None)
    images = [] if body.send_images is False else [await _base64(item, options, state) for item in items]
    return {"images": images, "parameters": body.echo(), "info": json.dumps(_info(items, body))}


async def _plotted(
    plot: XyzPlot,
    wanted: ImageRequest,
    origin: Origin,
    checkpoint: Checkpoint,
    body: Txt2ImgBody,
    options: Options,
    state: ApiState,
    once: Once | None,
) -> dict[str, Any]:
    """The script "X/Y/Z plot": its sheet, then those of each z, then its pictures, as far as they are asked for. One
    that fails is a gap. Raises what the first failed with where none was drawn."""
    grids, stay = state.studio.grids, once is not None
    with state.tasks.open(body.force_task_id) as task:
        grid = await grids.start(wanted, plot.axes, origin, checkpoint.name, stay=False, once=once)
        task.jobs = await grids.jobs_of(grid)
        await grids.wait(grid.id, stay=stay)
    now = await grids.progress(grid.id)
    items = [await state.studio.gallery.get(cell.image_id) for cell in now.cells if cell.image_id is not None]
    if not items:
        await state.studio.jobs.wait(grid.jobs[0])
    sheets = [await grids.sheet(grid.id)]
    if plot.blocks:
        sheets += [await state.studio.sheets.drawn(now, block) for block in range(grid.shape[2])]
    images = [] if body.send_images is False else [await _base64_of(sheet, options) for sheet in sheets]
    if images and plot.pictures:
        images += [await _base64(item, options, state) for item in items]
    info = _info([items[0]] * len(sheets) + items, body)
    texts = [text_in(sheet)["parameters"] for sheet in sheets]
    info |= {"index_of_first_image": len(sheets), "infotexts": texts + info["infotexts"][len(sheets) :]}
    return {"images": images, "parameters": body.echo(), "info": json.dumps(info)}


async def _base64_of(sheet: bytes, options: Options) -> str:
    def encoded() -> str:
        png = options.kind == "png"
        file = sheet if png else to_file(open_image(sheet), options.kind, options.quality, text_in(sheet))
        return b64encode(file).decode("ascii")

    return await asyncio.to_thread(encoded)


async def _overridden(body: Txt2ImgBody, state: ApiState) -> tuple[Options, Checkpoint]:
    """The options for this request, and what draws it; for good, where A1111 is asked not to restore them afterwards.

    Raises InvalidRequest, NotFound (no such checkpoint), Unavailable.
    """
    settings = body.override_settings or {}
    check_options(settings)
    options, title = changed(state.options, settings), settings.get("sd_model_checkpoint")
    await state.studio.vaes.named(vae_named(options.sd_vae))
    checkpoint = await state.studio.models.checkpoint_named(str(title or ""))
    if body.override_settings_restore_afterwards is False:
        if title:
            await state.studio.models.switch(checkpoint=checkpoint.name)
        state.options = options
    return options, checkpoint


async def _base64(item: GalleryItem, options: Options, state: ApiState) -> str:
    data = await state.studio.gallery.file(item.id, options.kind, options.quality)
    return (await asyncio.to_thread(b64encode, data)).decode("ascii")


def _info(items: Sequence[GalleryItem], body: Txt2ImgBody) -> dict[str, Any]:
    """A1111's account of the pictures: what stands there once is that of the first."""
    made = items[0].metadata
    first = made.request
    every = [item.metadata.request for item in items]
    return {
        "prompt": first.prompt,
        "all_prompts": [one.prompt for one in every],
        "negative_prompt": first.negative_prompt,
        "all_negative_prompts": [one.negative_prompt for one in every],
        "seed": first.seed,
        "all_seeds": [one.seed for one in every],
        "subseed": _variation_seed(first),
        "all_subseeds": [_variation_seed(one) for one in every],
        "subseed_strength": first.variation_strength,
        "width": made.width,
        "height": made.height,
        "sampler_name": first.sampler,
        "cfg_scale": first.guidance,
        "steps": first.steps,
        "batch_size": body.batch_size or 1,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": made.checkpoint,
        "sd_model_hash": made.checkpoint_hash,
        "sd_vae_name": None if first.vae == AUTOMATIC_VAE else vae_file(first.vae),
        "sd_vae_hash": made.vae_hash,
        "seed_resize_from_w": first.seed_resize_from_width or -1,
        "seed_resize_from_h": first.seed_resize_from_height or -1,
        "denoising_strength": _strength(first),
        "extra_generation_params": _extra(first),
        "index_of_first_image": 0,
        "infotexts": [write_infotext(item.metadata) for item in items],
        "styles": [],
        "job_timestamp": made.created_at.astimezone().strftime("%Y%m%d%H%M%S"),
        "clip_skip": first.clip_skip,
        "is_using_inpainting_conditioning": False,
        "version": f"illustrious-studio {made.versions.get('illustrious-studio', '')}".strip(),
    }


def _variation_seed(request: ImageRequest) -> int:
    return request.seed if request.variation_seed is None else request.variation_seed


def _strength(request: ImageRequest) -> float | None:
    """Of hires fix, where there is a second pass; else of the picture, or of the sketch, that is drawn over."""
    if request.hires is not None:
        return request.hires.denoising
    return request.sketch_strength if request.strength is None else request.strength


def _extra(request: ImageRequest) -> dict[str, str]:
    """What else made the picture, by the keys of its text."""
    return {key: value for key, value in setting_fields(request).items() if key not in WITH_FIELDS_OF_THEIR_OWN}
