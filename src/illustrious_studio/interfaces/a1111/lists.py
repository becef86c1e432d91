"""What there is to choose from, and, as empty lists, what A1111 has and the studio has not."""

from typing import Any

from fastapi import APIRouter

from illustrious_studio.domain.hires import LATENT_UPSCALERS
from illustrious_studio.domain.loras import LoraFile
from illustrious_studio.domain.models import vae_file
from illustrious_studio.domain.sampling import NOT_WITH_ZERO_SNR, SAMPLERS, SCHEDULES
from illustrious_studio.interfaces.a1111.common import DONE, NO_UPSCALER, ApiState, StateIn, title_of
from illustrious_studio.interfaces.a1111.sd_upscale import TITLE as SD_UPSCALE

router = APIRouter()

USUAL_SCALE = 4
"""What A1111 says of upscalers without a network, which have no scale of their own."""

DEFAULT_RHO = {"Karras": 7.0, "Polyexponential": 1.0}
NEED_INNER_MODEL = ("Uniform", "SGM Uniform", "Simple", "Normal", "DDIM", "Beta")
"""What A1111 says of its schedules."""


@router.get("/sd-models")
async def list_checkpoints(state: StateIn) -> list[dict[str, Any]]:
    """Where the files lie stays in the studio, and whole files are not read only for their hashes."""
    return [
        {
            "title": title_of(one),
            "model_name": one.name,
            "hash": None,
            "sha256": None,
            "filename": one.path.name,
            "config": None,
        }
        for one in await state.studio.models.checkpoints()
    ]


@router.get("/samplers")
async def list_samplers(state: StateIn) -> list[dict[str, Any]]:
    """Those that can draw with the checkpoint in use."""
    from_noise = _begins_at_noise(state)
    return [
        {"name": one.name, "aliases": list(one.aliases), "options": {}}
        for one in SAMPLERS.values()
        if one.zero_snr or not from_noise
    ]


@router.get("/schedulers")
async def list_schedulers(state: StateIn) -> list[dict[str, Any]]:
    """Those that can be used with the checkpoint in use."""
    from_noise = _begins_at_noise(state)
    return [
        {
            "name": name.lower().replace(" ", "_"),
            "label": name,
            "aliases": list(aliases) or None,
            "default_rho": DEFAULT_RHO.get(name, -1.0),
            "need_inner_model": name in NEED_INNER_MODEL,
        }
        for name, aliases in SCHEDULES.items()
        if not (from_noise and name in NOT_WITH_ZERO_SNR)
    ]


@router.get("/sd-vae")
async def list_vaes(state: StateIn) -> list[dict[str, Any]]:
    return [{"model_name": vae_file(one.name), "filename": one.path.name} for one in await state.studio.vaes.vaes()]


@router.get("/loras")
async def list_loras(state: StateIn) -> list[dict[str, Any]]:
    """By file, which is what prompts name; what else is known of one is in the studio's own GET /loras."""
    return [
        {"name": one.name, "alias": one.alias or one.name, "path": one.path.name, "metadata": _notes_of(one)}
        for one in await state.studio.loras.loras()
    ]


def _notes_of(lora: LoraFile) -> dict[str, str]:
    """By kohya's and the model specification's names, as far as it is known."""
    said = {
        "ss_output_name": lora.alias,
        "ss_sd_model_name": lora.base_name,
        "modelspec.trigger_phrase": ", ".join(lora.trigger_words),
    }
    return {name: value for name, value in said.items() if value}


@router.get("/upscalers")
async def list_upscalers(state: StateIn) -> list[dict[str, Any]]:
    """A1111's "None", which leaves a picture as it is, then the studio's."""
    networks = await state.studio.upscalers.upscalers()
    return [
        {
            "name": name,
            "model_name": name if architecture else None,
            "model_path": None,
            "model_url": None,
            "scale": scale,
        }
        for name, architecture, scale in [
            (NO_UPSCALER, "", USUAL_SCALE),
            *((one.name, one.architecture, one.scale if one.architecture else USUAL_SCALE) for one in networks),
        ]
    ]


@router.get("/latent-upscale-modes")
async def list_latent_upscalers() -> list[dict[str, Any]]:
    return [{"name": name} for name in LATENT_UPSCALERS]


@router.get("/hypernetworks")
@router.get("/face-restorers")
@router.get("/realesrgan-models")
@router.get("/prompt-styles")
@router.get("/sd-modules")
@router.get("/script-info")
@router.get("/extensions")
async def list_what_there_is_not() -> list[dict[str, Any]]:
    """A request that asks for one of these is refused, in a sentence."""
    return []


@router.get("/embeddings")
async def list_embeddings(state: StateIn) -> dict[str, Any]:
    """`shape` is the width of both text encoders' vectors together. What cannot be used is not described there."""
    nothing = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    loaded = {
        one.name: {**nothing, "shape": sum(one.widths), "vectors": one.vectors}
        for one in await state.studio.embeddings.embeddings()
    }
    return {"loaded": loaded, "skipped": {}}


@router.get("/scripts")
async def list_scripts() -> dict[str, Any]:
    return {"txt2img": list(DONE), "img2img": [SD_UPSCALE.lower(), *DONE]}


@router.get("/cmd-flags")
async def list_flags() -> dict[str, Any]:
    """What can be said of the program here: that it has this API, and no other page on this port."""
    return {"api": True, "nowebui": True}


@router.post("/refresh-checkpoints")
@router.post("/refresh-loras")
@router.post("/refresh-vae")
@router.post("/refresh-embeddings")
async def refresh() -> None:
    """The folders are read again whenever somebody asks what lies in them."""


def _begins_at_noise(state: ApiState) -> bool:
    status = state.studio.models.model_status().sdxl
    return status.ready and state.studio.models.checkpoint().zero_terminal_snr
