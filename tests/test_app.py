"""The first run of app.py where it cannot succeed: it says what failed and what to do, and leaves nothing half done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from program import ROOT

BASE_PYTHON = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
NOWHERE = "http://127.0.0.1:9/simple"


def copy_of_the_program(folder: Path) -> Path:
    for name in ("app.py", "requirements.txt", "requirements-dev.txt", "requirements-models.txt"):
        shutil.copy(ROOT / name, folder)
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


def test_what_is_set_up_already_is_used_as_it_is() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--version"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert "Setting up" not in done.stderr
