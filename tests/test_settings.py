"""Where settings come from, and what a person is told about a wrong one."""

import subprocess
import sys
from pathlib import Path

import pytest

from fakes import FakeChat, FakeEngine
from illustrious_studio.adapters.sdxl.catalogue import BUILTIN
from illustrious_studio.cli.parser import BAD_CONFIGURATION, main
from illustrious_studio.settings import CONFIG_FILE, Settings
from illustrious_studio.wiring import open_studio
from program import ROOT


def test_the_environment_comes_before_the_file_and_an_option_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG_FILE).write_text('web_port = 1\napi_port = 1\nthreads = 1\n[model_paths]\nsd_model = "mine"\n')
    monkeypatch.setenv("ILLUSTRIOUS_API_PORT", "2")
    monkeypatch.setenv("ILLUSTRIOUS_THREADS", "2")
    settings = Settings(threads=3)
    assert (settings.web_port, settings.api_port, settings.threads, settings.sd_model) == (1, 2, 3, "mine")


@pytest.mark.parametrize("text", ["{no toml", "model_paths = 3", "web_port = 'x'", "no_such_setting = 1", b"\xff"])
def test_a_wrong_file_is_told_in_a_sentence(
    text: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIG_FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["models"]) == BAD_CONFIGURATION
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert said.strip()


def test_an_address_that_is_none_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--ollama-base-url", "http://[bad"]) == BAD_CONFIGURATION
    assert "ollama_base_url: is no address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "options", "code", "sentence"),
    [
        ("data", ("--allowed-hosts", "http://studio.lan"), BAD_CONFIGURATION, "'http://studio.lan' is no name"),
        ("file/data", (), 1, "cannot be written"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(
    folder: str, options: tuple[str, ...], code: int, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, str(ROOT / "app.py"), "--data-dir", str(tmp_path / folder), *options]
    command += ["--web-port", "0", "--api-port", "0", "--ollama-base-url", "none"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_checkpoint_may_be_named_by_any_way_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").symlink_to(BUILTIN)
    for way in ("mine", "./mine", f"{tmp_path}/mine/"):
        settings = Settings(data_dir=tmp_path / "data", sd_model=way, ollama_base_url="none")
        async with open_studio(settings, engine=FakeEngine(), chat_models=[FakeChat()], vision_models=[]) as studio:
            await studio.models.check_again()
            assert studio.models.checkpoint().path == tmp_path / "mine"
