"""A1111's API, by `webuiapi`, the client in Python that people use."""

import asyncio
import io
import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from PIL import Image
from webuiapi import WebUIApi

from fakes import FakeEngine, gradient, start_picture
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.metadata.recorded import request_in_infotext
from illustrious_studio.wiring import DATA
from running_api import Api, running_api
from studio_for_tests import with_own_checkpoint
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

T = TypeVar("T")
CASES = Path(__file__).parents[1] / "cases"
SMALL: dict[str, Any] = {"width": 128, "height": 96, "steps": 3}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = with_own_checkpoint(tmp_path_factory.mktemp("a1111") / "data")
    async with running_api(folder, engine=FakeEngine(previews=True)) as running:
        yield running


async def asked(api: Api, ask: Callable[[WebUIApi], T], **options: Any) -> T:
    """What the client gets: it blocks, so it asks from a thread, as a program of its own would."""

    def work() -> T:
        return ask(WebUIApi(baseurl=f"{api.url}/sdapi/v1", **options))

    return await asyncio.to_thread(work)


def picture(width: int = 128, height: int = 96, seed: int = 1) -> Image.Image:
    return gradient(width, height, seed).image()


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return b64encode(file.getvalue()).decode()


async def refusal(api: Api, path: str, body: dict[str, Any]) -> tuple[int, str]:
    answer = await api.http.post(f"/sdapi/v1/{path}", json=body)
    said = answer.json()
    assert set(said) == {"error", "detail", "body", "errors"}, "the shape of A1111's errors"
    return answer.status_code, said["detail"]


async def test_txt2img_draws_with_all_that_is_sent(api: Api) -> None:
    made = await asked(
        api,
        lambda client: client.txt2img(
            prompt="a cat", negative_prompt="dog", seed=41, cfg_scale=5.5, sampler_name="Euler a", **SMALL
        ),
    )
    assert (made.image.format, made.image.size) == ("PNG", (128, 96))
    sent = api.engine.plans[-1].request
    assert (sent.prompt, sent.negative_prompt, sent.seed) == ("a cat", "dog", 41)
    assert (sent.guidance, sent.steps, sent.sampler, sent.width, sent.height) == (5.5, 3, "Euler a", 128, 96)
    assert made.parameters["cfg_scale"] == 5.5
    assert (made.info["seed"], made.info["all_seeds"], made.info["sampler_name"]) == (41, [41], "Euler a")
    parameters = made.image.info["parameters"]
    assert parameters.startswith("a cat\nNegative prompt: dog\nSteps: 3, Sampler: Euler a")
    assert made.info["infotexts"] == [parameters]
    (kept, *_) = (await api.studio.gallery.page()).items
    assert kept.metadata.request.seed == 41, "it stands in the gallery as well"


@pytest.mark.parametrize("prompt", [{}, {"prompt": ""}, {"prompt": None}])
async def test_nothing_need_be_said_as_in_a1111(api: Api, prompt: dict[str, Any]) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={**prompt, **SMALL})
    assert answer.status_code == 200
    assert api.engine.plans[-1].request.prompt == ""


async def test_a_batch_has_a_seed_more_for_each_picture(api: Api) -> None:
    made = await asked(api, lambda client: client.txt2img(prompt="a cat", seed=7, batch_size=2, n_iter=2, **SMALL))
    assert made.info["all_seeds"] == [7, 8, 9, 10]
    assert len({image.tobytes() for image in made.images}) == 4
    assert made.info["index_of_first_image"] == 0, "there is no grid before them"


async def test_what_is_left_out_is_as_the_checkpoint_wants_it(api: Api) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", "send_images": False})
    assert answer.json()["images"] == []
    sent, checkpoint = api.engine.plans[-1].request, api.engine.plans[-1].checkpoint
    assert (sent.steps, sent.guidance, sent.width) == (checkpoint.steps, checkpoint.guidance, checkpoint.native_width)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"sampler_name": "DPM++ 2M SGM Uniform"}, ("DPM++ 2M", "SGM Uniform")),
        ({"sampler_name": "k_euler_ancestral", "scheduler": "sgm_uniform"}, ("Euler a", "SGM Uniform")),
        ({"sampler_index": "UniPC", "scheduler": "automatic"}, ("UniPC", "Trailing")),
        ({"sampler_name": None, "scheduler": None}, ("Euler", "Trailing")),
    ],
)
async def test_samplers_and_schedules_are_known_by_every_name(
    api: Api, said: dict[str, Any], meant: tuple[str, str]
) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL, **said})
    assert answer.status_code == 200
    sent = api.engine.plans[-1].request
    assert (sent.sampler, sent.schedule) == meant


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"sampler_name": "DPM fast"}, "sampler_name: must be one of: Euler a"),
        ({"scheduler": "Turbo"}, "scheduler: must be one of"),
        ({"scheduler": "Beta"}, "The schedule Beta does not suit"),
        ({"steps": 1000}, "steps: must be at most 150"),
        ({"cfg_scale": 99}, "cfg_scale: must be at most 30"),
        ({"prompt": "a cat <lora:fluffy:0.8>"}, "There is no LoRA 'fluffy'"),
        ({"enable_hr": True, "hr_scale": 9}, "hr_scale: must be at most 4"),
        ({"enable_hr": True, "hr_sampler_name": "Nothing"}, "hr_sampler_name: must be one of"),
        ({"enable_hr": True, "hr_checkpoint_name": "other"}, "hr_checkpoint_name: is something"),
        ({"enable_hr": True, "denoising_strength": 0}, "denoising_strength: must be at least 0.01"),
        ({"restore_faces": True}, "restore_faces: is something"),
        ({"tiling": True}, "tiling: is something"),
        ({"styles": ["cinematic"]}, "styles: is something"),
        ({"subseed_strength": 1.3}, "subseed_strength: must be at most 1"),
        ({"seed_resize_from_w": 32, "seed_resize_from_h": 512}, "seed_resize_from_width: must be at least 64"),
        ({"refiner_checkpoint": "refiner"}, "refiner_checkpoint: is something"),
        ({"script_name": "X/Y/Z plot"}, "script_name: is something"),
        ({"alwayson_scripts": {"ControlNet": {"args": [{}]}}}, "alwayson_scripts: has ControlNet"),
        ({"tiling": int("9" * 400)}, "tiling: is something"),
        ({"sampler_name": "DDIM", "eta": 2.0}, "eta: must be at most 1"),
        ({"override_settings": {"eta_ddim": 1}}, "eta_ddim: is no option of this studio"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 13}}, "CLIP_stop_at_last_layers: must be at most 12"),
        ({"batch_size": 50, "n_iter": 3}, "must ask for at most 100 pictures"),
        ({"steps": "many"}, "steps: must be a whole number"),
    ],
)
async def test_what_would_change_the_picture_and_is_not_done_here_is_refused(
    api: Api, body: dict[str, Any], sentence: str
) -> None:
    drawn = len(api.engine.plans)
    status, detail = await refusal(api, "txt2img", {"prompt": "a cat", **SMALL, **body})
    assert status == 422
    assert sentence in detail
    assert len(api.engine.plans) == drawn


async def test_networks_that_are_disabled_are_only_words(api: Api) -> None:
    body = {"prompt": "a <lora:cat:1>", "disable_extra_networks": True, **SMALL}
    assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({}, {"upscaler": "Latent", "strength": 0.75}),
        (
            {"hr_scale": 1.5, "hr_upscaler": "Latent (bicubic)", "hr_second_pass_steps": 2, "denoising_strength": 0.5},
            {"scale": 1.5, "upscaler": "Latent (bicubic)", "steps": 2, "strength": 0.5},
        ),
        ({"hr_resize_x": 96, "hr_resize_y": 0, "hr_scale": 2}, {"width": 96, "upscaler": "Latent", "strength": 0.75}),
        ({"hr_upscaler": "None"}, {"upscaler": "Lanczos", "strength": 0.75}),
        ({"hr_upscaler": "R-ESRGAN AnimeVideo"}, {"upscaler": "R-ESRGAN AnimeVideo", "strength": 0.75}),
        (
            {
                "hr_sampler_name": "DPM++ 2M",
                "hr_scheduler": "Simple",
                "hr_prompt": "a fox",
                "hr_checkpoint_name": "Use same checkpoint",
            },
            {"sampler": "DPM++ 2M", "schedule": "Simple", "prompt": "a fox", "upscaler": "Latent", "strength": 0.75},
        ),
        (
            {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"},
            {"upscaler": "Latent", "strength": 0.75},
        ),
    ],
)
async def test_hires_fix_by_a1111s_names(api: Api, body: dict[str, Any], right: dict[str, Any]) -> None:
    sent = {"prompt": "a cat", "enable_hr": True, **SMALL, **body}
    answer = await api.http.post("/sdapi/v1/txt2img", json=sent)
    assert answer.status_code == 200, answer.text
    plan = api.engine.plans[-1]
    assert plan.request.hires == HiresFix.model_validate(right)
    assert len(plan.passes) == 2
    info = json.loads(answer.json()["info"])
    assert info["denoising_strength"] == right["strength"]
    assert f"Hires upscaler: {right.get('upscaler', 'Latent')}" in info["infotexts"][0]
    read, unusable = request_in_infotext(info["infotexts"][0])
    assert (read.hires, unusable) == (plan.request.hires.model_copy(update={"scale": read.hires.scale}), {})


async def test_an_upscaler_that_is_not_there_is_named(api: Api) -> None:
    sent = {"prompt": "a cat", "enable_hr": True, "hr_upscaler": "4x-Nothing", **SMALL}
    status, detail = await refusal(api, "txt2img", sent)
    assert (status, "There is no upscaler '4x-Nothing'" in detail, "Latent" in detail) == (404, True, True)


async def test_latent_upscalers_are_listed(api: Api) -> None:
    modes = (await api.http.get("/sdapi/v1/latent-upscale-modes")).json()
    assert [one["name"] for one in modes][:2] == ["Latent", "Latent (antialiased)"]


async def test_variations_of_one_seed_have_seeds_of_their_own(api: Api) -> None:
    resize = {"seed_resize_from_w": 128, "seed_resize_from_h": 96}
    body = {"prompt": "a cat", "seed": 5, "subseed": 8, "subseed_strength": 0.3, "batch_size": 2, **resize, **SMALL}
    info = json.loads((await api.http.post("/sdapi/v1/txt2img", json=body)).json()["info"])
    assert (info["all_seeds"], info["all_subseeds"], info["subseed_strength"]) == ([5, 5], [8, 9], 0.3)
    assert (info["seed_resize_from_w"], info["seed_resize_from_h"]) == (128, 96)
    text = info["infotexts"][1]
    assert "Variation seed: 9, Variation seed strength: 0.3, Seed resize from: 128x96" in text
    read, unusable = request_in_infotext(text)
    assert (read.variation_seed, read.variation_strength, unusable) == (9, 0.3, {})
    assert (read.seed_resize_from_width, read.seed_resize_from_height) == (128, 96)
    plain = {"prompt": "a cat", "seed": 5, "subseed": -1, "subseed_strength": 0, "seed_resize_from_w": -1, **SMALL}
    info = json.loads((await api.http.post("/sdapi/v1/txt2img", json=plain)).json()["info"])
    assert (info["subseed_strength"], info["seed_resize_from_w"]) == (0, -1)
    assert "Variation" not in info["infotexts"][0]


async def test_parameters_fill_what_was_not_sent(api: Api) -> None:
    text = (
        "a red fox, forest\nNegative prompt: blurry\n"
        "Steps: 4, Sampler: DPM++ 2M, Schedule type: Simple, CFG scale: 3.5, Seed: 99, Size: 64x72, Clip skip: 2"
    )
    await api.http.post("/sdapi/v1/txt2img", json={"infotext": text, "seed": 100})
    sent = api.engine.plans[-1].request
    assert (sent.prompt, sent.negative_prompt, sent.seed, sent.width, sent.height) == (
        *("a red fox, forest", "blurry", 100, 64, 72),
    )
    assert (sent.steps, sent.sampler, sent.schedule, sent.guidance, sent.clip_skip) == (4, "DPM++ 2M", "Simple", 3.5, 2)


async def test_what_is_sent_wins_over_options_and_these_over_parameters_and_these_over_what_is_set(api: Api) -> None:
    await api.http.post("/sdapi/v1/options", json={"CLIP_stop_at_last_layers": 3})
    skipped = []
    for body in (
        {},
        {"infotext": "a fox\nSteps: 4, Seed: 1, Clip skip: 4"},
        {"infotext": "a fox\nSteps: 4, Seed: 1, Clip skip: 4", "override_settings": {"CLIP_stop_at_last_layers": 5}},
        {
            "infotext": "a fox\nSteps: 4, Seed: 1, CFG scale: 3",
            "override_settings": {"CLIP_stop_at_last_layers": 5},
            "clip_skip": 6,
        },
        {"override_settings": {"CLIP_stop_at_last_layers": None}},
    ):
        await api.http.post("/sdapi/v1/txt2img", json=SMALL | body)
        skipped.append(api.engine.plans[-1].request.clip_skip)
    await api.http.post("/sdapi/v1/options", json={"CLIP_stop_at_last_layers": 1})
    assert skipped == [3, 4, 5, 6, 3]


async def test_parameters_say_how_a_picture_is_drawn_over(api: Api) -> None:
    text = (
        "a fox\nSteps: 4, Seed: 5, Size: 64x64, Denoising strength: 0.4, Resize mode: Crop and resize, Mask blur: 9, "
        "Masked content: original, Inpaint area: Whole picture, Init image hash: 0123456789abcdef0123456789abcdef"
    )
    body = {"infotext": text, "init_images": [encoded(picture())]}
    await api.http.post("/sdapi/v1/img2img", json=body)
    sent = api.engine.plans[-1].request
    assert (sent.strength, sent.fit, sent.mask) == (0.4, "crop", None)
    await api.http.post("/sdapi/v1/img2img", json=body | {"mask": encoded(picture()), "mask_blur": 2})
    sent = api.engine.plans[-1].request
    assert (sent.mask_blur, sent.mask_content, sent.mask_area, sent.seed) == (2, "original", "whole", 5)
    await api.http.post(
        "/sdapi/v1/img2img", json={"init_images": [encoded(picture())], "mask": encoded(picture()), **SMALL}
    )
    sent = api.engine.plans[-1].request
    assert (sent.fit, sent.mask_content, sent.mask_area, sent.mask_padding) == ("stretch", "fill", "masked", 0)
    await api.http.post("/sdapi/v1/txt2img", json={"infotext": text})
    assert api.engine.plans[-1].request.strength is None


async def test_the_eta_of_ddim_has_a_name_of_its_own(api: Api) -> None:
    made = await asked(api, lambda client: client.txt2img(prompt="a cat", sampler_name="DDIM", eta=0.5, **SMALL))
    assert made.info["extra_generation_params"]["Eta DDIM"] == "0.5"


async def test_settings_can_be_overridden_for_one_request(api: Api) -> None:
    override = {"CLIP_stop_at_last_layers": 3, "samples_format": "webp", "sd_model_checkpoint": "own"}
    made = await asked(api, lambda client: client.txt2img(prompt="a cat", override_settings=override, **SMALL))
    assert made.image.format == "WEBP"
    assert (made.info["clip_skip"], made.info["sd_model_name"]) == (3, "own")
    after = await asked(api, lambda client: client.txt2img(prompt="a cat", **SMALL))
    assert (after.image.format, after.info["clip_skip"]) == ("PNG", 1)


async def test_a_vae_is_an_option_by_its_files_name(tmp_path: Path) -> None:
    (tmp_path / "models" / "vae").mkdir(parents=True)
    shutil.copy(DATA / "mini/vae/diffusion_pytorch_model.safetensors", tmp_path / "models" / "vae" / "own.safetensors")
    async with running_api(tmp_path) as api:
        listed = (await api.http.get("/sdapi/v1/sd-vae")).json()
        assert listed == [{"model_name": "own.safetensors", "filename": "own.safetensors"}]
        body = {"prompt": "a cat", "override_settings": {"sd_vae": listed[0]["filename"]}, **SMALL}
        made = (await api.http.post("/sdapi/v1/txt2img", json=body)).json()
        assert json.loads(made["info"])["sd_vae_name"] == "own.safetensors"
        assert json.loads(made["info"])["extra_generation_params"]["VAE"] == "own.safetensors"
        (infotext,) = json.loads(made["info"])["infotexts"]
        assert "VAE: own.safetensors, " in infotext
        digest = sha256((tmp_path / "models" / "vae" / "own.safetensors").read_bytes()).hexdigest()[:10]
        assert f"VAE hash: {digest}" in infotext
        assert json.loads(made["info"])["sd_vae_hash"] == digest
        for field in ({"infotext": infotext}, {"prompt": "a cat", "sd_vae": "own", **SMALL}):
            assert (await api.http.post("/sdapi/v1/txt2img", json=field)).status_code == 200
            assert api.engine.plans[-1].request.vae == "own"
        field = {"infotext": infotext, "override_settings": {"sd_vae": "Automatic"}}
        assert (await api.http.post("/sdapi/v1/txt2img", json=field)).status_code == 200
        assert api.engine.plans[-1].request.vae == "automatic", "as in A1111 an option that is sent wins"
        for own in ("Automatic", "None", ""):
            field = {"prompt": "a cat", "sd_vae": own, **SMALL}
            assert (await api.http.post("/sdapi/v1/txt2img", json=field)).status_code == 200
            assert api.engine.plans[-1].request.vae == "automatic"
        assert (await api.http.post("/sdapi/v1/options", json={"sd_vae": "own"})).status_code == 200
        made = (await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL})).json()
        assert json.loads(made["info"])["sd_vae_name"] == "own.safetensors"
        unknown = {"prompt": "a cat", "override_settings": {"sd_vae": "nobody"}, **SMALL}
        kept = unknown | {"override_settings_restore_afterwards": False}
        for body in (unknown, kept):
            assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 404
        good = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL})
        assert good.status_code == 200, "what cannot be used is not kept for the next request"


async def test_img2img_starts_from_the_picture(api: Api) -> None:
    made = await asked(
        api, lambda client: client.img2img(images=[picture()], prompt="a cat", denoising_strength=0.6, **SMALL)
    )
    plan = api.engine.plans[-1]
    assert made.image.size == (128, 96)
    assert (plan.passes[0].strength, plan.request.fit) == (0.6, "stretch")
    assert start_picture(plan).picture.image().tobytes() == picture().tobytes()
    assert made.info["denoising_strength"] == 0.6
    assert "init_images" not in made.parameters, "pictures do not go back and forth for nothing"


@pytest.mark.parametrize(("mode", "fit"), [(0, "stretch"), (1, "crop"), (2, "fill")])
async def test_every_resize_mode_has_its_fit(api: Api, mode: int, fit: str) -> None:
    await asked(
        api, lambda client: client.img2img(images=[picture(64, 128)], prompt="a cat", resize_mode=mode, **SMALL)
    )
    assert api.engine.plans[-1].request.fit == fit


async def test_a_mask_is_white_where_it_is_redrawn(api: Api) -> None:
    mask = Image.new("L", (128, 96))
    mask.paste(255, (0, 0, 64, 96))
    made = await asked(
        api,
        lambda client: client.img2img(
            images=[picture()], mask_image=mask, inpainting_fill=1, inpaint_full_res=False, mask_blur=0,
            inpainting_mask_invert=1, prompt="a cat", **SMALL,
        ),
    )  # fmt: skip
    plan = api.engine.plans[-1]
    mask = start_picture(plan).mask
    assert mask is not None
    grey = mask.image().convert("L")
    assert (grey.getpixel((10, 10)), grey.getpixel((120, 10))) == (0, 255), "inverted, as was asked for"
    assert (plan.request.mask_content, plan.request.mask_area) == ("original", "whole")
    assert made.image.size == (128, 96)


async def test_a_mask_with_a_see_through_part_says_it_by_that(api: Api) -> None:
    mask = Image.new("RGBA", (128, 96), (255, 255, 255, 0))
    mask.paste((0, 0, 0, 255), (64, 0, 128, 96))
    await asked(
        api,
        lambda client: client.img2img(
            images=[picture()], mask_image=mask, inpaint_full_res=False, mask_blur=0, prompt="a cat", **SMALL
        ),
    )
    plan = api.engine.plans[-1]
    mask = start_picture(plan).mask
    assert mask is not None
    grey = mask.image().convert("L")
    assert (grey.getpixel((10, 10)), grey.getpixel((120, 10))) == (0, 255)
    assert plan.request.mask_content == "fill", "A1111's default"


async def test_the_masked_part_alone_comes_back_in_the_whole_picture(api: Api) -> None:
    mask = Image.new("L", (256, 192))
    mask.paste(255, (100, 50, 140, 90))
    given = picture(256, 192)
    made = await asked(
        api, lambda client: client.img2img(images=[given], mask_image=mask, mask_blur=0, prompt="a cat", **SMALL)
    )
    assert made.image.size == (256, 192)
    assert made.image.convert("RGB").crop((0, 0, 90, 192)).tobytes() == given.crop((0, 0, 90, 192)).tobytes()


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 404, "init_images: no picture came"),
        ({"init_images": []}, 404, "init_images: no picture came"),
        ({"init_images": ["http://example.org/a.png"]}, 422, "init_images: the studio fetches no pictures"),
        ({"init_images": ["bm90IGEgcGljdHVyZQ=="]}, 400, "not a picture"),
        ({"init_images": ["%%%"]}, 400, "init_images is not base64"),
        ({"resize_mode": 3}, 422, "resize_mode: latent upscaling is not done here"),
        ({"inpainting_fill": 2}, 422, "inpainting_fill: latent noise and nothing"),
        ({"mask_blur_x": 4, "mask_blur_y": 8}, 422, "mask_blur_x: must be the same as mask_blur_y"),
        ({"denoising_strength": 3}, 422, "denoising_strength: must be at most 1"),
        ({"initial_noise_multiplier": 1.2}, 422, "initial_noise_multiplier: is something"),
    ],
)
async def test_img2img_says_what_is_wrong(api: Api, body: dict[str, Any], status: int, sentence: str) -> None:
    white = b64encode(to_png(gradient(64, 64, 1))).decode("ascii")
    whole = {"prompt": "a cat", "init_images": [white], "mask": white, **SMALL}
    given = body if "init_images" in body or not body else whole | body
    assert (await refusal(api, "img2img", {"prompt": "a cat", **given}))[0] == status
    assert sentence in (await refusal(api, "img2img", {"prompt": "a cat", **given}))[1]


async def test_progress_shows_a_preview_and_is_idle_afterwards(api: Api) -> None:
    idle = await asked(api, lambda client: client.get_progress())
    assert (idle["progress"], idle["state"]["job_count"], idle["current_image"]) == (0.0, 0, None)
    api.engine.go_on.clear()
    drawing = asyncio.create_task(asked(api, lambda client: client.txt2img(prompt="a cat", n_iter=2, **SMALL)))
    await api.engine.midway.wait()
    seen = (await api.http.get("/sdapi/v1/progress")).json()
    assert seen["state"]["sampling_step"] == 2
    assert (seen["progress"], seen["state"]["job_count"], seen["state"]["job_no"]) == (pytest.approx(1 / 3), 2, 0)
    assert Image.open(io.BytesIO(b64decode(seen["current_image"]))).format == "PNG"
    without = (await api.http.get("/sdapi/v1/progress", params={"skip_current_image": True})).json()
    assert without["current_image"] is None
    api.engine.go_on.set()
    assert len((await drawing).images) == 2
    assert (await asked(api, lambda client: client.get_progress()))["progress"] == 0.0


async def test_a_task_can_be_followed_by_its_own_id(api: Api) -> None:
    name = "task(txt2img-ABC1234)"
    api.engine.go_on.clear()
    body = {"prompt": "a cat", "force_task_id": name, **SMALL}
    drawing = asyncio.create_task(api.http.post("/sdapi/v1/txt2img", json=body))
    asked_for = {"id_task": name, "id_live_preview": -1}
    await api.engine.midway.wait()
    seen = (await api.http.post("/internal/progress", json=asked_for)).json()
    assert (seen["active"], seen["queued"], seen["completed"]) == (True, False, False)
    assert seen["live_preview"].startswith("data:image/png;base64,")
    assert (await api.http.get("/internal/pending-tasks")).json() == {"size": 1, "tasks": [name]}
    status, detail = await refusal(api, "txt2img", body)
    assert (status, "already" in detail) == (409, True)
    api.engine.go_on.set()
    assert (await drawing).status_code == 200
    over = (await api.http.post("/internal/progress", json=asked_for)).json()
    assert (over["active"], over["completed"], over["progress"]) == (False, True, None)
    never = (await api.http.post("/internal/progress", json={"id_task": "other"})).json()
    assert (never["active"], never["queued"], never["completed"]) == (False, False, False)


async def test_skip_leaves_one_picture_out(api: Api) -> None:
    api.engine.go_on.clear()
    drawing = asyncio.create_task(asked(api, lambda client: client.txt2img(prompt="a cat", seed=1, n_iter=2, **SMALL)))
    await api.engine.midway.wait()
    assert await asked(api, lambda client: client.skip()) is None
    api.engine.go_on.set()
    made = await drawing
    assert made.info["all_seeds"] == [2]


async def test_interrupt_stops_the_request_and_not_what_others_draw(api: Api) -> None:
    api.engine.go_on.clear()
    api.engine.drawing.clear()
    drawing = asyncio.create_task(
        api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", "n_iter": 3, "seed": 5, **SMALL})
    )
    await api.engine.drawing.wait()
    other = asyncio.create_task(api.http.post("/generate-image", json={"prompt": "a dog", **SMALL}))
    await until(lambda: "a dog" in [live.job.request.prompt for live in api.studio.jobs.active()])
    assert await asked(api, lambda client: client.interrupt()) == {}
    stopped = await drawing
    assert (stopped.status_code, stopped.json()["detail"]) == (409, "The picture was cancelled.")
    assert await asked(api, lambda client: client.interrupt()) == {}, "there is nothing of this API any more"
    api.engine.go_on.set()
    assert (await other).status_code == 200


async def test_who_goes_away_needs_no_picture(api: Api) -> None:
    api.engine.go_on.clear()
    api.engine.stopped.clear()
    api.engine.drawing.clear()
    asking = asyncio.create_task(api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL}))
    await api.engine.drawing.wait()
    asking.cancel()
    await api.engine.stopped.wait()
    api.engine.go_on.set()

    async def pending() -> object:
        return (await api.http.get("/internal/pending-tasks")).json()

    await until(pending, {"size": 0, "tasks": []}.__eq__)


async def test_a_failure_comes_in_a1111s_shape(api: Api) -> None:
    api.engine.faults = [OutOfMemory("The picture does not fit. Draw it smaller.")]
    assert await refusal(api, "txt2img", {"prompt": "a cat", **SMALL}) == (
        *(507, "The picture does not fit. Draw it smaller."),
    )
    assert (await refusal(api, "no-such-thing", {}))[0] == 404


async def test_options_name_the_checkpoint_and_switch_it(api: Api) -> None:
    options = await asked(api, lambda client: client.get_options())
    first = options["sd_model_checkpoint"]
    titles = [one["title"] for one in await asked(api, lambda client: client.get_sd_models())]
    assert first in titles
    other = next(title for title in titles if title != first)
    assert (
        await asked(api, lambda client: client.set_options({"sd_model_checkpoint": f"{other}.safetensors [0123abcd]"}))
        is None
    )
    assert (await asked(api, lambda client: client.get_options()))["sd_model_checkpoint"] == other
    assert api.studio.models.checkpoint().name == other, "for every way in"
    status, detail = await refusal(api, "options", {"sd_model_checkpoint": "unheard-of"})
    assert (status, first in detail) == (404, True)
    assert await asked(api, lambda client: client.set_options({"sd_model_checkpoint": first})) is None


async def test_options_that_are_set_hold_for_the_next_requests(api: Api) -> None:
    before = await asked(api, lambda client: client.get_options())
    await asked(api, lambda client: client.set_options({"CLIP_stop_at_last_layers": 2, "samples_format": "jpg"}))
    made = await asked(api, lambda client: client.txt2img(prompt="a cat", **SMALL))
    assert (made.image.format, made.info["clip_skip"]) == ("JPEG", 2)
    status, detail = await refusal(api, "options", {"sd_vae": "other.safetensors"})
    assert (status, "There is no VAE 'other'" in detail) == (404, True)
    status, detail = await refusal(api, "options", {"outdir_samples": "/tmp"})
    assert (status, "is no option of this studio" in detail) == (422, True)
    assert await asked(api, lambda client: client.set_options(before)) is None, "the whole dictionary back"
    assert await asked(api, lambda client: client.get_options()) == before


async def test_schedules_are_described_as_in_a1111(api: Api) -> None:
    path = f"/models/checkpoints/{api.studio.models.checkpoint().name}"
    await api.http.patch(path, json={"zero_terminal_snr": False})
    schedules = await asked(api, lambda client: client.get_schedulers())
    await api.http.patch(path, json={"zero_terminal_snr": None})
    rho = {one["label"]: one["default_rho"] for one in schedules if one["default_rho"] != -1}
    assert rho == {"Karras": 7.0, "Polyexponential": 1.0}
    assert {one["label"] for one in schedules if one["need_inner_model"]} == {
        *("Uniform", "SGM Uniform", "Simple", "Normal", "DDIM", "Beta"),
    }


async def test_settings_that_are_not_restored_stay(api: Api) -> None:
    before = (await api.http.get("/sdapi/v1/options")).json()
    body = {"override_settings": {"sd_model_checkpoint": "own"}, "override_settings_restore_afterwards": False}
    await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL, **body})
    assert (await api.http.get("/sdapi/v1/options")).json()["sd_model_checkpoint"] == "own"
    await api.http.post("/sdapi/v1/options", json=before)


async def test_every_list_has_what_can_be_chosen(api: Api) -> None:
    samplers = await asked(api, lambda client: client.get_samplers())
    assert {"name": "Euler a", "aliases": [*samplers[0]["aliases"]], "options": {}} in samplers
    assert "k_euler_a" in samplers[0]["aliases"]
    schedulers = await asked(api, lambda client: client.get_schedulers())
    for sampler in samplers:
        body = {"prompt": "a cat", "sampler_name": sampler["name"], **SMALL}
        assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200, sampler["name"]
    for schedule in schedulers:
        body = {"prompt": "a cat", "sampler_name": "UniPC", "scheduler": schedule["name"], **SMALL}
        assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200, schedule["name"]
    (model, *_) = await asked(api, lambda client: client.get_sd_models())
    assert set(model) == {"title", "model_name", "hash", "sha256", "filename", "config"}
    assert "/" not in model["filename"], "where the files lie stays in the studio"


async def test_what_there_is_not_comes_as_empty_lists(api: Api) -> None:
    def lists(client: WebUIApi) -> list[Any]:
        return [
            client.get_loras(), client.get_prompt_styles(),
            client.get_sd_vae(), client.get_hypernetworks(), client.get_face_restorers(),
            client.get_realesrgan_models(),
        ]  # fmt: skip

    assert await asked(api, lists) == [[]] * 6
    assert await asked(api, lambda client: client.get_embeddings()) == {"loaded": {}, "skipped": {}}
    regional = ["regional prompter", "forge couple"]
    scripts = {"txt2img": regional, "img2img": ["sd upscale", *regional]}
    assert await asked(api, lambda client: client.get_scripts()) == scripts


async def test_its_extras_upscale(api: Api) -> None:
    names = [one["name"] for one in await asked(api, lambda client: client.get_upscalers())]
    assert names == ["None", "Lanczos", "Real-ESRGAN anime"]
    larger = await asked(api, lambda client: client.extra_single_image(picture(), upscaler_1=names[2]))
    assert (larger.image.size, larger.info) == (
        (256, 192),
        "<p>Postprocess upscale by: 2, Postprocess upscaler: Real-ESRGAN anime</p>",
    )
    several = await asked(
        api, lambda client: client.extra_batch_images([picture(), picture(64, 64)], upscaler_1=names[1])
    )
    assert [image.size for image in several.images] == [(256, 192), (128, 128)]
    with pytest.raises(RuntimeError, match="There are: Lanczos, Real-ESRGAN anime"):
        await asked(api, lambda client: client.extra_single_image(picture(), upscaler_1="R-ESRGAN 4x+"))


OFF_UNITS: list[Any] = [False, False, {"ad_model": "None"}]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"restore_faces": "False", "tiling": "false", "enable_hr": "False"}, id="AUTOMATIC1111-9467"),
        pytest.param({"styles": [""], "subseed_strength": 0, "seed_resize_from_w": 0}, id="AUTOMATIC1111-10221"),
        pytest.param({"alwayson_scripts": {"ADetailer": {"args": OFF_UNITS}}}, id="sdwebuiapi-179"),
        pytest.param({"alwayson_scripts": {"ControlNet": {"args": [{"enabled": False, "image": None}] * 3}}}, id="off"),
        pytest.param({"alwayson_scripts": {"Refiner": {"args": []}, "Seed": {"args": None}}}, id="empty"),
        pytest.param({"alwayson_scripts": {"Sampler": {"args": [20, "DPM++ 2M", "Automatic"]}}}, id="of its own page"),
        pytest.param({"script_name": "None", "refiner_checkpoint": "", "s_churn": "0", "s_noise": 1}, id="neutral"),
    ],
)
async def test_what_says_that_nothing_is_wanted_is_neutral(api: Api, fields: dict[str, Any]) -> None:
    answer = await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", **SMALL, **fields})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        pytest.param("txt2img", {"s_noise": 0}, "s_noise", id="AUTOMATIC1111-10889"),
        pytest.param("img2img", {"initial_noise_multiplier": 0}, "initial_noise_multiplier", id="AUTOMATIC1111-10889i"),
        pytest.param("txt2img", {"restore_faces": True}, "restore_faces", id="faces"),
        pytest.param("txt2img", {"restore_faces": "True"}, "restore_faces", id="faces as text"),
        pytest.param("txt2img", {"styles": ["", "Anime"]}, "styles", id="a style"),
        pytest.param("txt2img", {"alwayson_scripts": {"ADetailer": {"args": [True, {}]}}}, "ADetailer", id="ADetailer"),
        pytest.param(
            "txt2img", {"alwayson_scripts": {"ControlNet": {"args": [{"module": "canny"}]}}}, "ControlNet", id="unit"
        ),
        pytest.param("txt2img", {"alwayson_scripts": "x"}, "alwayson_scripts", id="no scripts"),
        pytest.param("txt2img", {"steps": True}, "steps: must be a number", id="true is no number"),
        pytest.param("txt2img", {"cfg_scale": False}, "cfg_scale: must be a number", id="false is no number"),
    ],
)
async def test_what_would_change_the_picture_is_refused_by_name(
    api: Api, path: str, fields: dict[str, Any], named: str
) -> None:
    body = {"prompt": "a cat", "init_images": [encoded(picture())], **SMALL, **fields}
    status, detail = await refusal(api, path, body)
    assert status == 422
    assert named in detail


async def test_a_script_that_does_not_say_it_sends_json_is_understood(api: Api) -> None:
    """`requests.post(url, data=json.dumps(...))`, which many scripts do."""
    body = json.dumps({"prompt": "a cat", **SMALL}).encode()
    assert (await api.http.post("/sdapi/v1/txt2img", content=body)).status_code == 200


@pytest.mark.parametrize(("given", "drawn"), [(500, 496), (511, 504), (64, 64), ("130", 128)])
async def test_sizes_are_cut_to_whole_latents_as_a1111_does(api: Api, given: Any, drawn: int) -> None:
    body = {"prompt": "a cat", "steps": 2, "width": given, "height": 64}
    assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200
    assert api.engine.plans[-1].size == (drawn, 64)


async def test_open_webuis_steps_of_0_are_none_said(api: Api) -> None:
    assert (await api.http.post("/sdapi/v1/txt2img", json={"prompt": "a cat", "steps": 0})).status_code == 200
    assert api.engine.plans[-1].request.steps == api.studio.models.checkpoint().steps


async def test_a_schedule_that_is_joined_to_the_sampler_wins(api: Api) -> None:
    """As in `get_sampler_and_scheduler` of A1111 and Forge."""
    body = {"prompt": "a cat", "sampler_name": "DPM++ 2M SGM Uniform", "scheduler": "automatic", **SMALL}
    assert (await api.http.post("/sdapi/v1/txt2img", json=body)).status_code == 200
    assert api.engine.plans[-1].request.schedule == "SGM Uniform"


async def test_a_denoising_strength_of_nothing_draws_one_step(api: Api) -> None:
    body = {"prompt": "a cat", "init_images": [encoded(picture())], "denoising_strength": 0, **SMALL}
    assert (await api.http.post("/sdapi/v1/img2img", json=body)).status_code == 200
    assert api.engine.plans[-1].passes[0].strength == 0


@pytest.mark.parametrize(
    ("file", "clip_skip"), [("d01_fooocus.png", "3"), ("e01_swarm.png", "2"), ("j01_comfy.png", None)]
)
async def test_png_info_gives_other_programs_settings_by_a1111s_names(
    api: Api, file: str, clip_skip: str | None
) -> None:
    """DiffusionToolkit 202 and 230: by whichever way a picture comes in, the same is read."""
    image = b64encode((CASES / file).read_bytes()).decode()
    told = (await api.http.post("/sdapi/v1/png-info", json={"image": image})).json()
    fields = told["parameters"]
    lora = " <lora:add:0.1>" if "fooocus" in file else ""
    assert fields["Prompt"] == f"1girl, silver hair, rooftop at dusk{lora}"
    assert fields["Negative prompt"] == "lowres, bad hands"
    assert (fields["Steps"], fields["CFG scale"], fields["Seed"]) == ("27", "5.5", "424242")
    assert (fields["Size-1"], fields["Size-2"], fields.get("Clip skip")) == ("832", "1216", clip_skip)
    assert told["info"].startswith(
        f"1girl, silver hair, rooftop at dusk{lora}\nNegative prompt: lowres, bad hands\nSteps: 27, "
    )


async def test_png_info_reads_what_a_picture_says_about_itself(api: Api) -> None:
    made = await asked(api, lambda client: client.txt2img(prompt="a cat, sitting", seed=3, **SMALL))
    told = await asked(api, lambda client: client.png_info(made.image))
    assert told.info == made.info["infotexts"][0]
    assert (told.parameters["Prompt"], told.parameters["Seed"]) == ("a cat, sitting", "3")
    assert told.json["items"]["parameters"] == told.info
    bare = await asked(api, lambda client: client.png_info(picture()))
    assert (bare.info, bare.parameters) == ("", {})
    assert (await refusal(api, "png-info", {}))[0] == 404


async def test_interrogate_says_what_a_picture_shows(api: Api) -> None:
    told = await asked(api, lambda client: client.interrogate(picture()))
    assert told.info
    status, detail = await refusal(api, "interrogate", {"image": "AAAA", "model": "blip-9"})
    assert (status, detail) == (422, "model: must be one of 'clip' or 'deepdanbooru'")


async def test_the_checkpoint_can_be_let_go_and_taken_up_again(api: Api) -> None:
    assert (await api.http.post("/sdapi/v1/unload-checkpoint")).json() == {}
    assert (await api.http.post("/sdapi/v1/reload-checkpoint")).json() == {}
    assert (await asked(api, lambda client: client.txt2img(prompt="a cat", **SMALL))).image.size == (128, 96)
    assert await asked(api, lambda client: client.refresh_checkpoints()) is None
    memory = await asked(api, lambda client: client.get_memory())
    assert memory["ram"]["total"] > memory["ram"]["used"] > 0
    assert memory["cuda"] == {"error": "unavailable"}
    assert (await asked(api, lambda client: client.get_cmd_flags()))["api"] is True


async def test_the_key_goes_as_the_password(tmp_path: Path) -> None:
    async with running_api(tmp_path / "data", key="a-key-of-sixteen-or-more") as api:
        known = await asked(
            api, lambda client: client.get_options(), username="me", password="a-key-of-sixteen-or-more"
        )
        assert known["sd_model_checkpoint"] == "illustrious-mini"
        refused = await asked(api, lambda client: client.get_options(), username="me", password="wrong")
        assert set(refused) == {"error", "detail", "body", "errors"}
        assert "asks for a key" in refused["detail"]


async def test_img2img_makes_a_small_picture_larger_by_the_options_upscaler(api: Api) -> None:
    body = {"init_images": [encoded(picture())], "width": 256, "height": 192, "steps": 1}
    for settings, name in (({}, "Lanczos"), ({"upscaler_for_img2img": "R-ESRGAN AnimeVideo"}, "Real-ESRGAN anime")):
        made = await api.http.post("/sdapi/v1/img2img", json={**body, "override_settings": settings})
        assert made.status_code == 200, made.text
        assert api.engine.plans[-1].request.image_upscaler == name
    status, said = await refusal(api, "img2img", body | {"override_settings": {"upscaler_for_img2img": "x"}})
    assert (status, "There are: Lanczos" in said) == (404, True)
    assert (await api.http.get("/sdapi/v1/options")).json()["upscaler_for_img2img"] == "None"


@pytest.mark.parametrize(
    ("args", "size", "overlap", "upscaler"),
    [
        (["", 32, "R-ESRGAN AnimeVideo", 3], (1800, 1200), 32, "Real-ESRGAN anime"),
        ([None, 100, 2, 1.5], (896, 600), 96, "Real-ESRGAN anime"),
        ([None, 64, "Lanczos"], (1200, 800), 64, "Lanczos"),
        ([], (600, 400), 64, "Lanczos"),
        (["", 0, "None", 4], (600, 400), 0, "Lanczos"),
    ],
)
async def test_the_script_sd_upscale_redraws_in_tiles_of_the_size_that_is_sent(
    api: Api, args: list[Any], size: tuple[int, int], overlap: int, upscaler: str
) -> None:
    body = {
        "init_images": [encoded(picture(600, 400))], "prompt": "a cat", "width": 512, "height": 448, "steps": 1,
        "denoising_strength": 0.2, "script_name": "sd upscale", "script_args": args,
    }  # fmt: skip
    answer = await api.http.post("/sdapi/v1/img2img", json=body)
    assert answer.status_code == 200, answer.text
    drawn = api.engine.plans[-1].request
    assert (drawn.width, drawn.height, drawn.tile, drawn.tile_overlap) == (*size, 448, overlap)
    assert (drawn.image_upscaler, drawn.strength) == (upscaler, 0.2)
    assert json.loads(answer.json()["info"])["extra_generation_params"]["Tile size"] == "448"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"script_args": ["", "x", 0, 2]}, 422, "script_args: the second, the tile overlap"),
        ({"script_args": ["", 64, 0, 9]}, 422, "script_args: the fourth, the scale factor"),
        ({"script_args": ["", 64, 3, 2]}, 422, "its place from 0 to 2 among: None, Lanczos, Real-ESRGAN anime"),
        ({"script_args": ["", 64, "4x-UltraSharp", 2]}, 404, "There are: Lanczos"),
        ({"mask": encoded(picture())}, 422, "send no mask"),
        ({"width": 4096, "height": 4096}, 422, "tile: must be at most 2,048"),
        ({"script_name": "Ultimate SD upscale"}, 422, "script_name: is something that this studio does not do"),
    ],
)
async def test_what_the_script_cannot_do_is_a_sentence(api: Api, body: dict[str, Any], status: int, words: str) -> None:
    sent = {"init_images": [encoded(picture())], "script_name": "SD upscale", "width": 512, "height": 512, **body}
    found, said = await refusal(api, "img2img", sent)
    assert (found, words in said) == (status, True), said
