"""The example scripts, run as a person runs them, against a real server."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from fakes import FakeChat, FakeEngine
from illustrious_studio.domain.errors import OutOfMemory
from running_api import Api, running_api
from waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples" / "api_examples"
NOBODY = "http://127.0.0.1:9"


async def run(script: str, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / script), *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_every_endpoint_of_a_running_studio_passes_the_check(tmp_path: Path) -> None:
    async with running_api(tmp_path, key="a-key-of-some-length") as api:
        code, said = await run("test_api.py", "--url", api.url, "--key", "a-key-of-some-length")
        assert code == 0, said
        assert "FAILED" not in said
        assert said.splitlines()[-1] == "Everything answers as it should."
        headers = {"x-api-key": "a-key-of-some-length"}
        assert (await api.http.get("/gallery", headers=headers)).json()["items"] == []
        schema = (await api.http.get("/openapi.json", headers=headers)).json()
        text = (EXAMPLES / "test_api.py").read_text("utf-8")
        for path in schema["paths"]:
            assert f'"/{path.split("/")[1]}' in text, path


async def test_the_check_fails_when_something_does_not_work(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.faults = [OutOfMemory("Too large. Choose a smaller size.")]
    async with running_api(tmp_path, engine=engine, chat=FakeChat()) as api:
        code, said = await run("test_api.py", "--url", api.url)
    assert code == 1
    assert "FAILED  generate_image" in said
    assert "Choose a smaller size." in said


@pytest.mark.parametrize("script", [("test_api.py",), ("batch_generate.py", "a cat")])
async def test_a_studio_that_is_not_there_is_a_sentence(script: tuple[str, ...], tmp_path: Path) -> None:
    more = ("--out", str(tmp_path)) if len(script) > 1 else ()
    code, said = await run(*script, *more, "--url", NOBODY)
    assert code == 1
    assert said == f"No studio answers at {NOBODY}. Start it with `python app.py`, or give --url.\n"


async def test_a_batch_is_drawn_three_at_a_time_and_saved_with_its_settings(api: Api, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("# animals\na fox\n\nan owl\na hare\n", "utf-8")
    out = tmp_path / "out"
    api.engine.go_on.clear()
    script = asyncio.create_task(
        run("batch_generate.py", "a cat", "--file", str(prompts), "--out", str(out), "--url", api.url,
            "--seed", "5", "--steps", "3", "--width", "64", "--height", "72")
    )  # fmt: skip
    await until(lambda: len(api.studio.jobs.active()) == 3)
    api.engine.go_on.set()
    code, said = await script
    assert code == 0, said
    assert "[4/4]" in said
    results = json.loads((out / "results.json").read_text("utf-8"))
    assert [result["request"]["prompt"] for result in results] == ["a cat", "a fox", "an owl", "a hare"]
    assert [result["seed"] for result in results] == [5, 6, 7, 8]
    for result in results:
        with Image.open(out / result["file"]) as image:
            assert image.size == (64, 72)
        assert result["metadata"]["prompt"] == result["request"]["prompt"]


async def test_a_prompt_that_fails_does_not_stop_the_batch(api: Api, tmp_path: Path) -> None:
    api.engine.faults = [OutOfMemory("Too large. Choose a smaller size.")]
    code, said = await run(
        "batch_generate.py", "a cat", "a dog", "a boat", "--out", str(tmp_path / "out"), "--url", api.url
    )
    assert code == 1
    assert "2 drawn, 1 not." in said
    results = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert [result["error"] for result in results if "error" in result] == ["Too large. Choose a smaller size."]
