"""The machine that the studio runs on: what matters of it to somebody who sets the studio up, and its port."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class MachineFacts:
    """What was found. `nvidia_driver` and `ollama_installed` say only that the programs are there."""

    cores: int
    memory: int
    nvidia_driver: bool = False
    ollama_installed: bool = False
    desktop: bool = False
    """Whether a folder can be shown to the person who sits before this machine."""


class Machine(Protocol):
    """The machine."""

    def facts(self) -> MachineFacts: ...

    async def show_folder(self, folder: Path) -> None:
        """Open it in the desktop's file manager. Raises Unavailable where there is none."""
        ...
