"""Programs for A1111's API, of which `webuiapi` for Python stands for many."""

import json
from typing import Any

from illustrious_studio.interfaces.selftest.calls import PROMPT, SIDE, STEPS, Answer, Calls, failed
from illustrious_studio.interfaces.selftest.client import KEY, Access, Client, InUse, Paste, Section

_PROGRAM = """import webuiapi

studio = webuiapi.WebUIApi(host="{host}", port={port}{auth})
print(studio.util_get_current_model())
made = studio.txt2img(prompt="a red fox in the snow", seed=42, steps=20, width={width}, height={height})
made.image.save("fox.png")"""

_SENT: dict[str, Any] = {
    "prompt": PROMPT,
    "styles": [],
    "subseed": -1,
    "subseed_strength": 0.0,
    "seed_resize_from_h": 0,
    "seed_resize_from_w": 0,
    "batch_size": 1,
    "n_iter": 1,
    "steps": STEPS,
    "cfg_scale": 7.0,
    "width": SIDE,
    "height": SIDE,
    "restore_faces": False,
    "tiling": False,
    "do_not_save_samples": False,
    "do_not_save_grid": False,
    "negative_prompt": "",
    "eta": 1.0,
    "s_churn": 0,
    "s_tmax": 0,
    "s_tmin": 0,
    "s_noise": 1,
    "override_settings": {},
    "override_settings_restore_afterwards": True,
    "sampler_name": "Euler a",
    "scheduler": "automatic",
    "sampler_index": "Euler a",
    "script_name": None,
    "script_args": [],
    "send_images": True,
    "save_images": False,
    "alwayson_scripts": {},
}
"""What `webuiapi` sends for a picture, whatever the program asked for."""
_ALSO_WITHOUT_A_PICTURE: dict[str, Any] = {
    "enable_hr": False,
    "hr_scale": 2,
    "hr_upscaler": "Latent",
    "hr_second_pass_steps": 0,
    "hr_resize_x": 0,
    "hr_resize_y": 0,
    "hr_checkpoint_name": None,
    "hr_sampler_name": None,
    "hr_scheduler": None,
    "hr_prompt": "",
    "hr_negative_prompt": "",
    "denoising_strength": 0.7,
    "firstphase_width": 0,
    "firstphase_height": 0,
}
_ALSO_WITH_A_PICTURE: dict[str, Any] = {
    "resize_mode": 0,
    "denoising_strength": 0.75,
    "mask_blur": 4,
    "inpainting_fill": 0,
    "inpaint_full_res": True,
    "inpaint_full_res_padding": 0,
    "inpainting_mask_invert": 0,
    "initial_noise_multiplier": 1,
    "image_cfg_scale": 1.5,
    "include_init_images": False,
}


def settings(access: Access, in_use: InUse) -> list[Section]:
    auth = f', username="user", password="{KEY}"' if access.key else ""
    width, height = in_use.size.split("x")
    program = _PROGRAM.format(host=access.host, port=access.port, auth=auth, width=width, height=height)
    fields = [Paste("WebUI URL", access.url), Paste("API root", f"{access.url}/sdapi/v1")]
    if access.key:
        fields.append(Paste("User and password", f"user:{KEY}"))
    return [
        Section("In programs with a field for the WebUI's address", tuple(fields)),
        Section("In a program (pip install webuiapi)", (Paste("Python", program, code=True),)),
    ]


async def replay(calls: Calls) -> None:
    auth = calls.basic() if calls.secret else {}
    (await calls.get("/sdapi/v1/scripts", auth)).at("txt2img")
    current = (await calls.get("/sdapi/v1/options", auth)).text("sd_model_checkpoint")
    titles = (await calls.get("/sdapi/v1/sd-models", auth)).every("title")
    if current not in titles:
        raise failed("GET /sdapi/v1/sd-models", f"the title {current}", titles)
    (await calls.get("/sdapi/v1/samplers", auth)).every("name")
    sent = _SENT | {"seed": calls.seed}
    drawn = await calls.post("/sdapi/v1/txt2img", auth, sent | _ALSO_WITHOUT_A_PICTURE)
    picture = await _made(calls, drawn)
    over = {"init_images": [f"data:image/png;base64,{picture}"]}
    await _made(calls, await calls.post("/sdapi/v1/img2img", auth, sent | _ALSO_WITH_A_PICTURE | over))


async def _made(calls: Calls, drawn: Answer) -> str:
    """The picture; beside it the account of it, which is JSON in a string, and what was sent."""
    drawn.at("parameters")
    try:
        info = Answer(drawn.call, json.loads(drawn.text("info")))
    except ValueError:
        raise failed(drawn.call, "JSON in info", drawn.at("info")) from None
    if (seed := info.whole_number("seed")) != calls.seed:
        raise failed(drawn.call, f"the seed {calls.seed} in info", seed)
    return await drawn.picture("images", 0)


A1111_CLIENT = Client(
    name="A1111 clients",
    about="Programs, bots and plug-ins made for AUTOMATIC1111's web UI draw here instead.",
    path="/sdapi/v1",
    settings=settings,
    tried="scripts, options and lists, a picture, one from that (image to image)",
    replay=replay,
)
