"""The first run of app.py where it cannot succeed: it says what failed and what to do, and leaves nothing half done."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from program import ROOT

BASE_PYTHON = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
NOWHERE = "http://127.0.0.1:9/simple"


def copy_of_the_program(folder: Path) -> Path:
    for file in (ROOT / "app.py", *ROOT.glob("requirements*.txt")):
        shutil.copy(file, folder)
    return folder / "app.py"


def test_without_a_network_the_first_run_says_so_and_can_be_repeated(tmp_path: Path) -> None:
    app = copy_of_the_program(tmp_path)
    environment = {
        **os.environ,
        **{"PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0", "PIP_FIND_LINKS": str(tmp_path), "PIP_NO_CACHE_DIR": "1"},
    }
    # -S: whatever is installed on this machine is not seen.
    for _ in range(2):
        done = subprocess.run(
            [str(BASE_PYTHON), "-S", str(app)], capture_output=True, text=True, env=environment, timeout=300
        )
        assert done.returncode == 1
        assert "Check the network" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""  # a protocol may be spoken there
    assert not list((tmp_path / ".venv").glob(".set-up-*"))


def test_a_package_that_is_not_the_locked_one_is_not_installed(tmp_path: Path) -> None:
    app = copy_of_the_program(tmp_path)
    installer = (tmp_path / "requirements-uv.txt").read_text().split("==")[1].split()[0]
    with zipfile.ZipFile(tmp_path / f"uv-{installer}-py3-none-any.whl", "w") as wheel:
        for name, text in (("METADATA", f"Name: uv\nVersion: {installer}\n"), ("WHEEL", "Wheel-Version: 1.0\n")):
            wheel.writestr(f"uv-{installer}.dist-info/{name}", text)
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run(
        [str(BASE_PYTHON), "-S", str(app)], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "is not the file that was locked" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_set_up_already_is_used_as_it_is() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--version"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert "Setting up" not in done.stderr
