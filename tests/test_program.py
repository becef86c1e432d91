"""The real program, started as a person starts it: both addresses, the small models, Ctrl-C, crashes, second starts."""

import asyncio
import base64
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image, ImageChops

from illustrious_studio.domain.encoding import to_png
from program import ROOT, Program, pictures, running_program
from samples import owl

pytestmark = [pytest.mark.model, pytest.mark.timeout(400)]


def test_a_newcomer_draws_chats_and_analyzes_with_nothing_but_the_program(tmp_path: Path) -> None:
    with running_program(tmp_path / "data") as program:
        assert program.get("/status")["status"] == "running"  # before any model is loaded
        assert requests.get(program.web, timeout=60).ok
        program.wait_for_models("sdxl", "ollama", "multimodal")
        drawn = program.post("/generate-image", {"prompt": "a red apple", "steps": 20, "seed": 1}).json()
        picture = Image.open(io.BytesIO(base64.b64decode(drawn["image_base64"])))
        assert picture.size == (drawn["metadata"]["width"], drawn["metadata"]["height"])
        said = program.post("/chat", {"message": "Say hello.", "max_tokens": 16}).json()
        assert said["response"].strip()
        looked = program.post("/analyze-image", {"image_base64": drawn["image_base64"]}).json()
        assert "apple" in looked["analysis"].lower()  # the settings inside the file say so
        in_chat = program.post("/chat", {"message": "#generate a yellow banana", "session_id": "s"}).json()
        assert program.get("/gallery")["items"][0]["id"] == in_chat["image_id"]
        program.wait_until(lambda: "x-studio-starting" not in requests.get(program.web, timeout=60).headers)
        assert "gradio" in requests.get(program.web, timeout=60).text.lower()


def test_ctrl_c_ends_everything_at_once_also_while_drawing(tmp_path: Path) -> None:
    with running_program(tmp_path / "data") as program:
        program.wait_for_models("sdxl", "ollama")
        program.post("/jobs", {"prompt": "a red apple", "steps": 150, "seed": 1})
        program.wait_until(lambda: any(job["step"] for job in program.get("/jobs")["active"]))
        family = program.family()
        assert len(family) >= 3  # the servers, the image model, the chat model
        program.interrupt()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == []
        assert program.process.wait() == 0
    assert pictures(tmp_path / "data") == []  # nobody waited for the 150 steps


def test_a_crash_while_drawing_and_chatting_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with running_program(tmp_path / "data") as program:
        program.wait_for_models("sdxl", "ollama")
        kept = program.post("/generate-image", {"prompt": "a green frog", "steps": 4, "seed": 3}).json()
        chat = requests.post(
            program.api + "/chat",
            json={"message": "Count to a hundred.", "session_id": "crash", "max_tokens": 200, "stream": True},
            stream=True,
            timeout=60,
        )
        next(chat.iter_lines())
        slow = {"steps": 60, "width": 128, "height": 128}
        jobs = [
            program.post("/jobs", {"prompt": f"{count} red apples", "seed": count, **slow}).json() for count in (2, 3)
        ]
        program.wait_until(lambda: any(job["step"] for job in program.get("/jobs")["active"]))
        family = program.family()
        program.kill()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == []  # no orphan keeps the memory
    with running_program(tmp_path / "data") as program:
        assert program.get(f"/gallery/{kept['image_id']}")["metadata"]["seed"] == 3
        messages = program.get("/sessions/crash")["messages"]
        assert messages[0]["content"] == "Count to a hundred."
        for job in jobs:
            program.wait_until(lambda job=job: program.get(f"/jobs/{job['id']}")["job"]["state"] == "done")
        found = {item["metadata"]["prompt"] for item in program.get("/gallery")["items"]}
        assert found == {"a green frog", "2 red apples", "3 red apples"}


def test_the_command_line_draws_without_a_running_studio(tmp_path: Path) -> None:
    out = tmp_path / "cat.png"
    drawn = run_app(
        *("generate", "a black cat", "--steps", "8", "--seed", "4", "-o", str(out)),
        *("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none"),
    )
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(out) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("serve", "--host", "0.0.0.0"), 78, "ILLUSTRIOUS_KEY"),
        (("serve", "--web-port", "99999"), 78, "web_port"),
        (("generate", "a cat", "--sd-model", "/nowhere/model.safetensors"), 1, "/nowhere/model.safetensors"),
        (("generate", "a cat", "--layout", "/nowhere/layout.json"), 78, "/nowhere/layout.json"),
        (("bench", "no.such"), 78, "api.overhead"),
    ],
)
def test_a_bad_command_says_what_to_do(tmp_path: Path, options: tuple[str, ...], code: int, words: str) -> None:
    ended = run_app(*options, "--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    assert ended.returncode == code
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_doctor_finds_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    for folder in ("checkpoints", "vae"):
        (tmp_path / "models" / folder).mkdir(parents=True)
        (tmp_path / "models" / folder / f"old-{folder}.ckpt").write_bytes(b"\x80")
        (tmp_path / "models" / folder / f"{folder} [v2].gguf").write_bytes(b"GGUF")
    seen = run_app("doctor", "--data-dir", str(tmp_path), "--ollama-base-url", "http://127.0.0.1:9", COLUMNS="300")
    for words in ("Python", "torch", "GPU", "SmolLM2", "Ollama", "ollama serve", "Disk", "SQLite", "vae [v2].gguf"):
        assert words in seen.stdout, seen.stdout
    for name in ("old-checkpoints.ckpt", "old-vae.ckpt"):
        assert f"{name}: .ckpt files can run code" in seen.stdout, seen.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program") / "data"


@pytest.fixture(scope="module")
def program(folder: Path) -> Iterator[Program]:
    """One that runs, for those who only look at it or use it as everybody does."""
    with running_program(folder) as program:
        yield program


def test_a_second_studio_on_the_same_folder_is_refused_and_told_where_the_first_is(
    program: Program, folder: Path
) -> None:
    second = run_app("serve", "--data-dir", str(folder), "--web-port", "0", "--api-port", "0")
    assert second.returncode == 1
    assert str(program.process.pid) in second.stderr
    assert program.web in second.stderr


def test_a_taken_port_is_named(program: Program, tmp_path: Path) -> None:
    port = program.api.rpartition(":")[2]
    second = run_app("serve", "--data-dir", str(tmp_path / "other"), "--web-port", "0", "--api-port", port)
    assert second.returncode == 1
    assert f"Port {port}" in second.stderr


def test_the_command_line_uses_the_studio_that_runs(program: Program, folder: Path, tmp_path: Path) -> None:
    program.wait_for_models("sdxl")
    out = tmp_path / "cat.png"
    layout = tmp_path / "layout.json"
    layout.write_text('[{"what": "black cat", "x": 0.3, "y": 0.6, "w": 0.4, "h": 0.4}]', "utf-8")
    options = ("--steps", "8", "--seed", "4", "-o", str(out), "--data-dir", str(folder), "--layout", str(layout))
    drawn = run_app("generate", "a black cat", *options)
    assert drawn.returncode == 0, drawn.stderr
    recorded = program.get("/gallery")["items"][0]["metadata"]["layout"]
    assert (recorded["by"], recorded["things"][0]["x"]) == ("hand", 0.3)
    with Image.open(out) as picture:
        assert "a black cat" in picture.text["parameters"]
    assert program.get("/gallery")["items"][0]["metadata"]["prompt"] == "a black cat"
    mask = tmp_path / "mask.png"
    Image.linear_gradient("L").save(mask)
    over = {"strength": 0.5, "fit": "fill", "mask_blur": 1, "mask_content": "fill", "mask_area": "masked"}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in {**over, "mask_padding": 8}.items()]
    pictures = ("--image", str(out), "--mask", str(mask), "--width", "64", "--height", "64", "--steps", "2")
    drawn = run_app("generate", "a cat", *pictures, *options, "--data-dir", str(folder))
    assert drawn.returncode == 0, drawn.stderr
    assert over.items() <= program.get("/gallery")["items"][0]["metadata"].items()
    found = run_app("gallery", "list", "--data-dir", str(folder), "black")
    assert "a black cat" in found.stdout


def test_the_command_tells_what_a_checkpoint_is_and_keeps_its_preset(program: Program, folder: Path) -> None:
    where = ("--data-dir", str(folder))
    told = run_app("models", "--report", "illustrious-mini", *where, COLUMNS="200")
    for words in ("the velocity (v-prediction)", "16.6 million parameters", "the built-in model", "Its preset: none."):
        assert words in told.stdout, told.stdout + told.stderr
    assert "steps" in run_app("models", "--preset", "illustrious-mini", *where).stdout
    (mini,) = (one for one in program.get("/models")["checkpoints"] if one["builtin"])
    assert mini["override"]["preset"]["width"] == mini["native_width"]
    assert "none" in run_app("models", "--no-preset", "illustrious-mini", *where).stdout
    missing = run_app("models", "--report", "nobody", *where)
    assert "There is no checkpoint 'nobody'" in missing.stderr
    none = run_app("models", "--hash", "0123456789", *where)
    assert (none.returncode, none.stderr.strip()) == (1, "No model file has that hash.")


def test_the_command_cuts_a_picture_out_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(asyncio.run(owl())))
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    done = run_app("cutout", str(file), *where)
    assert done.stdout.split() == [str(tmp_path / "owl-cutout.png")], done.stderr
    with Image.open(tmp_path / "owl-cutout.png") as cutout:
        assert (cutout.mode, cutout.size) == ("RGBA", (320, 320))
    done = run_app("cutout", str(tmp_path / "none.png"), *where)
    assert (done.returncode, done.stdout) == (78, "")
    assert "cannot be read" in done.stderr


def test_the_command_shows_what_a_control_sees_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(asyncio.run(owl())))
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    done = run_app("preprocess", str(file), "--preprocessor", "lineart_standard", *where)
    assert done.stdout.split() == [str(tmp_path / "owl-lineart.png")], done.stderr
    with Image.open(tmp_path / "owl-lineart.png") as map:
        assert (map.size, map.getpixel((3, 3))) == ((320, 320), (0, 0, 0))
    wrong = ("--preprocessor", "canny", "--threshold-a", "900")
    done = run_app("preprocess", str(file), *wrong, "-o", str(tmp_path / "out.png"), *where)
    assert done.returncode != 0 and "threshold_a: must be from 1 to 255" in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_the_command_upscales_a_file_with_the_real_network(tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(asyncio.run(owl())))
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    done = run_app("upscale", str(file), "--scale", "1.5", *where)
    assert done.stdout.split() == [str(tmp_path / "owl-upscaled.png")], done.stderr
    with Image.open(tmp_path / "owl-upscaled.png") as larger:
        assert larger.size == (480, 480)
        assert larger.info["postprocessing"] == "Postprocess upscale by: 1.5, Postprocess upscaler: Real-ESRGAN anime"
    done = run_app("upscale", str(file), "--width", "400", "--upscaler", "Lanczos", *where)
    assert done.stdout.split() == [str(tmp_path / "owl-upscaled-2.png")], done.stderr  # over nothing that is there
    done = run_app("upscale", str(file), "--upscaler", "x", *where)
    assert (done.returncode != 0, "There are: Lanczos" in done.stderr) == (True, True)


def test_the_command_draws_a_grid_with_the_real_model_and_writes_its_sheet(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none", "-o", str(tmp_path / "sheet.png"))
    how = ("--steps", "2", "--width", "128", "--height", "128", "--seed", "1")
    done = run_app("grid", "a red apple", "-x", "guidance=1, 3", "-y", "search_replace=red, green", *how, *where)
    assert [line.partition("  ")[2] for line in done.stdout.splitlines()[:-1]] == [
        "CFG scale: 1, red", "CFG scale: 3, red", "CFG scale: 1, green", "CFG scale: 3, green",
    ], done.stderr  # fmt: skip
    assert done.stdout.splitlines()[-1] == str(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert 'X Type: CFG scale, X Values: "1, 3"' in sheet.info["parameters"]
    done = run_app("grid", "a red apple", "-x", "guidance=1, 99", *how, *where)
    assert (done.returncode, "x, value 2 (99): must be at most 30" in done.stderr) == (78, True)


def test_the_command_redraws_a_file_in_tiles(tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(asyncio.run(owl())))
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    how = ("--prompt", "an owl", "--tile", "256", "--strength", "0.05")
    done = run_app("upscale", "--redraw", str(file), "--scale", "1.1", *how, *where)
    assert done.stdout.split() == [str(tmp_path / "owl-upscaled.png")], done.stderr
    with Image.open(tmp_path / "owl-upscaled.png") as larger:
        assert larger.size == (352, 352)
        assert "Denoising strength: 0.05" in larger.text["parameters"]
        assert "Tile size: 256, Tile overlap: 128" in larger.text["parameters"]
    done = run_app("upscale", str(file), *how, *where)
    assert (done.returncode, "add --redraw" in done.stderr) == (78, True)


def run_app(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_command_draws_a_detail_of_a_file_again(tmp_path: Path) -> None:
    file = tmp_path / "owl.png"
    file.write_bytes(to_png(asyncio.run(owl())))
    where = ("--data-dir", str(tmp_path / "data"), "--ollama-base-url", "none")
    box = '[{"boxes": [{"x": 0.5, "y": 0.5, "w": 0.2, "h": 0.2}], "width": 64, "height": 64, "padding": 0}]'
    done = run_app("detail", str(file), "--details", box, *where)
    assert done.stdout.split() == [str(tmp_path / "owl-detail.png")], done.stderr
    with Image.open(tmp_path / "owl-detail.png") as drawn, Image.open(file) as before:
        changed = ImageChops.difference(drawn.convert("RGB"), before.convert("RGB")).getbbox()
        assert changed is not None and drawn.info["parameters"]
        assert changed[0] > 96 and changed[2] < 224, "only what is around the box"
