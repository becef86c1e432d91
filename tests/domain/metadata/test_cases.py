"""Pictures made from public reports to other programs, each under its report's number: what they carry is read.

The inputs are our own, in `tests/cases`. "Right" is what the program that wrote the file meant by it.
"""

from pathlib import Path
from typing import Any

import pytest

from illustrious_studio.domain.details import Detail
from illustrious_studio.domain.errors import NotAnImage
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.metadata.recorded import RecordedSettings, recorded_settings
from illustrious_studio.domain.pictures import open_picture
from illustrious_studio.domain.setting import given

CASES = Path(__file__).parents[2] / "cases"
STANDARD: dict[str, Any] = {
    "prompt": "1girl, silver hair, rooftop at dusk",
    "negative_prompt": "lowres, bad hands",
    "steps": 27,
    "sampler": "Euler a",
    "guidance": 5.5,
    "seed": 424242,
    "width": 832,
    "height": 1216,
}
FULL = {**STANDARD, "clip_skip": 2}
JAPANESE = {**FULL, "prompt": "1girl, 猫耳, émile, 🎨"}
KARRAS = {"sampler": "DPM++ 2M SDE", "schedule": "Karras"}


FACES = Detail(
    find="detector",
    detector="face_yolov8n",
    confidence=0.3,
    prompt="smiling face, Steps: 3",
    negative_prompt="ugly, x",
    width=832,
    height=1216,
)
"""Its steps and CFG scale are of no use without the switches that are not on."""
HIRES = HiresFix(scale=1.5, upscaler="R-ESRGAN 4x+ Anime6B", steps=12, strength=0.35, prompt="other, words")


def case(file: str, right: dict[str, Any], *, id: str, source: str = "A1111 parameters", out: str = "") -> Any:
    return pytest.param(file, source, right, tuple(filter(None, out.split(", "))), id=f"{id}-{file.partition('.')[0]}")


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in FULL.items() if name not in names}


READ = [
    # K1: where the settings stand, and what stands in them
    case("a02_newline_in_value.png", STANDARD, id="AUTOMATIC1111-12128"),
    case(
        "a04_civitai_resources.png",
        {**FULL, "sampler": "DPM++ 2M", "schedule": "Karras"},
        id="AUTOMATIC1111-15712",
    ),
    case("a07_single_line.png", FULL, id="AUTOMATIC1111-14545"),
    # K2: a picture without a prompt has settings all the same
    case("a06_empty_prompt.png", {**FULL, "prompt": ""}, id="AUTOMATIC1111-10221"),
    case("a21_long_prompt.png", {**FULL, "prompt": ""}, id="long-prompt", out="prompt"),
    # K3: Exif's UserComment in every form that programs write
    case("c03_le_in_II_jpg.jpg", JAPANESE, id="civitai-2424"),
    *(case(f"c05_utf8_under_UNICODE_{end}", JAPANESE, id="ambit-195") for end in ("jpg.jpg", "webp.webp")),
    *(case(f"c07_no_prefix_{end}", FULL, id="Fooocus-3301") for end in ("jpg.jpg", "webp.webp")),
    *(case(f"c09_in_ifd0_byte_{end}", JAPANESE, id="IIB-942") for end in ("jpg.jpg", "webp.webp")),
    *(case(f"c10_bom_be_in_II_{end}", JAPANESE, id="ambit-195-bom") for end in ("jpg.jpg", "webp.webp")),
    *(case(f"c12_image_description_{end}", FULL, id="save-image-extended-45") for end in ("jpg.jpg", "webp.webp")),
    case("e03_swarm_webp.webp", {**FULL, "schedule": "Karras"}, id="civitai-2009", source="SwarmUI"),
    # K4: other programs' records
    case("j01_comfy.png", {**STANDARD, "schedule": "Normal"}, id="IIB-202", source="ComfyUI"),
    case("g04_stealth_a1111.png", FULL, id="prompt-reader-73"),
    case("h01_easydiffusion.png", {**FULL, "vae": "automatic"}, id="easydiffusion-966", source="Easy Diffusion"),
    case("i01_drawthings.png", STANDARD, id="breadmachine-2", source="Draw Things"),
    case("d04_fooocus_mre.png", {**FULL, **KARRAS}, id="IIB-394", source="Fooocus"),
    case(
        "d01_fooocus.png",
        {**FULL, **KARRAS, "clip_skip": 3, "vae": "automatic", "prompt": f"{FULL['prompt']} <lora:add:0.1>"},
        id="DiffusionToolkit-202",
        source="Fooocus",
    ),
    case("e01_swarm.png", {**FULL, "schedule": "Karras"}, id="DiffusionToolkit-230", source="SwarmUI"),
    case(
        "f01_invoke.png",
        {**FULL, "sampler": "DPM++ 2M", "schedule": "Karras", "clip_skip": 1, "guidance_rescale": 0},
        id="DiffusionToolkit-18",
        source="InvokeAI",
    ),
    # K5: one odd chunk is no reason to refuse the picture
    case("b05_zTXt_huge_workflow.png", FULL, id="Pillow-8363"),
    # What was right before, and stays so
    *(
        case(file, FULL, id="right")
        for file in (
            "a01_standard.png",
            "a11_crlf.png",
            "a23_trailing_comma.png",
            "a27_img2img.png",
            "a30_key_lower.png",
            "a31_negative_nospace.png",
            "b04_zTXt.png",
            "b09_postprocessing.png",
            "c06_ascii_jpg.jpg",
            "c06_ascii_webp.webp",
            "j03_comfy_and_parameters.png",
        )
    ),
    case("a05_hires_adetailer.png", {**STANDARD, **KARRAS, "hires": HIRES, "details": (FACES,)}, id="right"),
    case("a08_two_negative_lines.png", {**FULL, "negative_prompt": "lowres, bad hands\nsecond"}, id="right"),
    case("a12_seed64.png", without("seed"), id="right", out="seed"),
    case("a14_unknown_sampler.png", {**without("sampler"), "schedule": "Beta"}, id="right", out="sampler"),
    case("a15_odd_size.png", without("width", "height"), id="right", out="width, height"),
    case("a16_big_size.png", without("width", "height"), id="right", out="width, height"),
    case("a17_nan.png", without("guidance", "steps"), id="right", out="guidance, steps"),
    case("a26_forge_distilled.png", {**FULL, "guidance": 1}, id="right"),
    case("b02_latin1_tEXt.png", {**FULL, "prompt": "1girl, émile café"}, id="right"),
    case("c01_be_in_MM_jpg.jpg", JAPANESE, id="right"),
    case("c01_be_in_MM_webp.webp", JAPANESE, id="right"),
    case("f02_invoke_euler_a.png", {**FULL, "clip_skip": 1, "guidance_rescale": 0}, id="right", source="InvokeAI"),
    case(
        "g01_novelai.png",
        {**STANDARD, "schedule": "Karras", "guidance_rescale": 0},
        id="right",
        source="NovelAI",
        out="character prompts",
    ),
]


def read(file: str) -> RecordedSettings | None:
    return recorded_settings(open_picture((CASES / file).read_bytes()).text)


@pytest.mark.parametrize(("file", "source", "right", "left_out"), READ)
def test_what_a_picture_carries_is_read(file: str, source: str, right: dict[str, Any], left_out: tuple[str]) -> None:
    recorded = read(file)
    assert recorded is not None
    assert (recorded.source, given(recorded.request)) == (source, right)
    assert set(recorded.left_out) == set(left_out)
    assert "Steps:" not in recorded.request.prompt + recorded.request.negative_prompt


@pytest.mark.parametrize(
    ("file", "prompt"),
    [
        ("a19_quotes.png", 'a sign saying "Hello, Size: 5x5"'),
        ("a20_inline_negative.png", "poster with the words Negative prompt: nothing"),
        ("a32_negative_case.png", "1girl, silver hair, rooftop at dusk\nnegative prompt: "),
    ],
)
def test_a_prompt_that_looks_like_settings_stays_a_prompt(file: str, prompt: str) -> None:
    recorded = read(file)
    assert recorded is not None
    assert recorded.request.prompt.startswith(prompt)
    assert (recorded.request.steps, recorded.request.seed) == (27, 424242)


@pytest.mark.parametrize("file", ["k03_bad_text_crc.png", "k05_palette.png", "k06_16bit_grey.png", "k09_apng.png"])
def test_a_picture_without_settings_is_opened_all_the_same(file: str) -> None:
    assert read(file) is None


@pytest.mark.parametrize("file", ["k01_zero.png", "k02_truncated.png", "k04_gif_named_png.png"])
def test_what_is_no_whole_picture_gets_one_clear_sentence(file: str) -> None:
    with pytest.raises(NotAnImage, match="it must be a whole PNG, JPEG or WebP file"):
        read(file)


def test_people_see_the_fields_by_the_names_they_know() -> None:
    recorded = read("j01_comfy.png")
    assert recorded is not None
    names = [name for name, _ in recorded.named_fields]
    assert names == [
        *(
            "Prompt",
            "Negative prompt",
            "Steps",
            "Sampler",
            "Schedule type",
            "CFG scale",
            "Seed",
            "Width",
            "Height",
            "Model",
        )
    ]
