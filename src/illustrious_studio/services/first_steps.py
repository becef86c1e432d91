"""The way to real pictures on this machine: what is there of a checkpoint, Ollama and a graphics card.

It says nothing that was not found or measured. A time is that of a picture which was drawn on this machine's device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.machine import Machine, MachineFacts
from illustrious_studio.domain.models import Checkpoint, ModelStatus, RefusedFile
from illustrious_studio.services.gallery import GalleryService
from illustrious_studio.services.models import ModelService

LATELY = 8
"""How many of the last pictures are looked through for one that was measured."""


@dataclass(frozen=True)
class Measured:
    """A picture that was drawn on this machine, and how long it took."""

    width: int
    height: int
    steps: int
    seconds: float
    checkpoint: str


@dataclass(frozen=True)
class FirstSteps:
    """What was found. `own` are the checkpoints beside the built-in one; `checked` by a person's wish just now."""

    folder: Path
    machine: MachineFacts
    image: ModelStatus
    chat: ModelStatus
    vision: ModelStatus
    own: Sequence[Checkpoint] = ()
    refused: Sequence[RefusedFile] = ()
    measured: Measured | None = None
    checked: bool = False


class FirstStepsService:
    """Finds out about the first steps, and helps with them."""

    def __init__(self, machine: Machine, models: ModelService, gallery: GalleryService, folder: Path) -> None:
        self._machine = machine
        self._models = models
        self._gallery = gallery
        self._folder = folder

    async def now(self, *, checked: bool = False) -> FirstSteps | None:
        """None once a checkpoint of one's own is in use: there is nothing left to lead to."""
        try:
            if not self._models.checkpoint().builtin:
                return None
        except Unavailable:
            pass  # none at all can be used: the steps are what is needed then
        status = self._models.model_status()
        return FirstSteps(
            folder=self._folder,
            machine=self._machine.facts(),
            image=status.sdxl,
            chat=status.ollama,
            vision=status.multimodal,
            own=[one for one in await self._models.checkpoints() if not one.builtin],
            refused=await self._models.refused(),
            measured=await self._measured(status.sdxl.device),
            checked=checked,
        )

    async def check(self) -> FirstSteps | None:
        """The same after everything was looked for again."""
        await self._models.check_again()
        return await self.now(checked=True)

    async def show_folder(self) -> None:
        """Open the folder of the checkpoints on this machine's desktop. Raises Unavailable."""
        await self._machine.show_folder(self._folder)

    async def _measured(self, device: str) -> Measured | None:
        """The last picture that the model in use drew on the device in use: records may come from elsewhere."""
        in_use = self._models.model_status().sdxl.model
        for item in (await self._gallery.page(limit=LATELY)).items:
            record = item.metadata
            if record.upscale is not None:  # its time is that of the picture before
                continue
            if record.seconds and record.device == device and record.checkpoint == in_use and record.request.steps:
                return Measured(record.width, record.height, record.request.steps, record.seconds, record.checkpoint)
        return None
