"""SillyTavern: characters chat through OpenAI's API and draw through A1111's."""

from typing import Any

from illustrious_studio.interfaces.selftest.calls import FEW_TOKENS, PROMPT, SIDE, STEPS, Calls, failed
from illustrious_studio.interfaces.selftest.client import IN_A_CONTAINER, KEY, Access, Client, InUse, Paste, Section

OFFERED_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "GenerateImage",
            "description": "Generate an image from a given text prompt.",
            "parameters": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
        },
    }
]
"""With "Enable function calling", what its extensions register goes with every chat."""


def settings(access: Access, in_use: InUse) -> list[Section]:
    auth = (Paste("Authentication", f"user:{KEY}"),) if access.key else ()
    return [
        Section(
            "Chat: API Connections",
            (
                Paste("API", "Chat Completion"),
                Paste("Source", "Custom (OpenAI-compatible)"),
                *access.addresses("Custom endpoint", "/v1"),
                Paste("Key", access.shown_key),
                Paste("Model", in_use.language_model),
            ),
            IN_A_CONTAINER,
        ),
        Section(
            "Images: Extensions, Image Generation",
            (
                Paste("Source", "Stable Diffusion Web UI (AUTOMATIC1111)"),
                *access.addresses("SD Web UI URL"),
                *auth,
            ),
            f"Then press Connect, and choose a resolution and steps that suit the checkpoint: {in_use.size} here.",
        ),
    ]


async def replay(calls: Calls) -> None:
    models = await calls.in_use()
    await calls.listed(models.language_model)
    await calls.streamed_chat(
        {
            "model": models.language_model,
            "messages": [
                {"role": "system", "content": "You are a friendly fox."},
                {"role": "user", "content": "Hello!"},
            ],
            "temperature": 1,
            "max_tokens": FEW_TOKENS,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_p": 1,
            "logit_bias": {},
            "n": 2,
            "tools": OFFERED_TOOLS,
            "tool_choice": "auto",
            "stop": ["\nFox:"],
        }
    )
    await _draw(calls)


async def _draw(calls: Calls) -> None:
    auth = calls.basic()
    await calls.get("/sdapi/v1/options", auth)
    samplers = (await calls.get("/sdapi/v1/samplers", auth)).every("name")
    schedulers = (await calls.get("/sdapi/v1/schedulers", auth)).every("name")
    if not samplers or not schedulers:
        raise failed("GET /sdapi/v1/samplers and schedulers", "some", [samplers, schedulers])
    (await calls.get("/sdapi/v1/upscalers", auth)).every("name")
    (await calls.get("/sdapi/v1/latent-upscale-modes", auth)).every("name")
    (await calls.get("/sdapi/v1/sd-vae", auth)).every("model_name")
    titles = (await calls.get("/sdapi/v1/sd-models", auth)).every("title")
    chosen = (await calls.get("/sdapi/v1/options", auth)).text("sd_model_checkpoint")
    if chosen not in titles:
        raise failed("GET /sdapi/v1/sd-models", f"the title {chosen}", titles)
    await calls.post("/sdapi/v1/options", auth, {"sd_model_checkpoint": chosen})
    progress = await calls.get("/sdapi/v1/progress", auth)
    progress.at("progress")
    progress.whole_number("state", "job_count")
    drawn = await calls.post(
        "/sdapi/v1/txt2img",
        auth,
        {
            **picture(calls.url, "Euler a" if "Euler a" in samplers else samplers[0], schedulers[0]),
            **{"prompt": PROMPT, "steps": STEPS, "width": SIDE, "height": SIDE, "seed": calls.seed},
        },
    )
    await drawn.picture("images", 0)


def picture(url: str, sampler: str, scheduler: str) -> dict[str, Any]:
    """What its Image Generation extension sends to draw, with its settings as they come."""
    return {
        "url": url,
        "prompt": "a red apple on a table",
        "negative_prompt": "lowres, blurry",
        "sampler_name": sampler,
        "scheduler": scheduler,
        "steps": 20,
        "cfg_scale": 7,
        "width": 512,
        "height": 512,
        "restore_faces": False,
        "enable_hr": False,
        "hr_upscaler": "Latent",
        "hr_scale": 1,
        "hr_additional_modules": [],
        "denoising_strength": 0.7,
        "hr_second_pass_steps": 0,
        "override_settings": {"CLIP_stop_at_last_layers": 1},
        "override_settings_restore_afterwards": True,
        "clip_skip": 1,
        "save_images": True,
        "send_images": True,
        "do_not_save_grid": False,
        "do_not_save_samples": False,
    }


SILLYTAVERN = Client(
    name="SillyTavern",
    about="Characters use the studio's language model, its Image Generation extension the image model.",
    path="/v1 and /sdapi/v1",
    settings=settings,
    tried="the models, a streamed chat, A1111's lists and options, a picture",
    replay=replay,
)
