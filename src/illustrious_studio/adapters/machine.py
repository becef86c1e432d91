"""The machine that the studio runs on: cores, memory, what is installed, and its file manager."""

import asyncio
import shutil
import sys
import webbrowser
from pathlib import Path

import psutil

from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.machine import MachineFacts

OPENERS = {"darwin": "open", "win32": "explorer"}


class ThisMachine:
    """Implements Machine."""

    def facts(self) -> MachineFacts:
        return MachineFacts(
            cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
            memory=psutil.virtual_memory().total,
            nvidia_driver=shutil.which("nvidia-smi") is not None,
            ollama_installed=shutil.which("ollama") is not None,
            desktop=_opener() is not None,
        )

    async def show_folder(self, folder: Path) -> None:
        opener = _opener()
        if opener is None:
            raise Unavailable(f"This machine has no desktop to open {folder} on. Open it yourself.")
        try:
            await asyncio.create_subprocess_exec(
                opener, str(folder), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(f"The file manager did not start ({error.strerror}). Open {folder} yourself.") from error


def _opener() -> str | None:
    """The program that shows a folder. On Linux only where there is a display: the standard library looks for one
    before it counts `xdg-open` among the browsers."""
    if sys.platform in OPENERS:
        return OPENERS[sys.platform]
    try:
        webbrowser.get("xdg-open")
    except webbrowser.Error:
        return None
    return shutil.which("xdg-open")
