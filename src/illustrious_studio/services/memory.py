"""Memory of the card that image and chat models share: who must give way before a picture is drawn."""

from collections.abc import Sequence

import structlog

from illustrious_studio.domain.accelerator.estimates import AT_ONCE, GIB, STEP, work_of
from illustrious_studio.domain.accelerator.placement import LAYERS
from illustrious_studio.domain.chat import ChatModel
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.models import Checkpoint, MemoryPolicy
from illustrious_studio.domain.rendering import ImageEngine, RenderPlan

log = structlog.get_logger(__name__)

UNET_SHARE = 0.74
"""Of an SDXL checkpoint's bytes; the rest need not be there while the UNet works."""
NUMBER = 2
"""Bytes of a number in half precision, in which a card draws."""
SPARED = 0.5
"""The share of free memory that more pictures may take."""
MOST_AT_ONCE = 4


class MemoryService:
    """Asks language models to leave the card when a picture would not fit beside them, and says how many pictures fit
    into one pass. `batch_size`: how many at most; 0: on a card as many as its memory allows, and at most four; on a CPU
    one, for four together take it as long as one after another, and the first would be seen last."""

    def __init__(
        self,
        engine: ImageEngine,
        chat_models: Sequence[ChatModel],
        policy: MemoryPolicy = "auto",
        batch_size: int = 0,
    ) -> None:
        self._engine = engine
        self._chat_models = chat_models
        self._policy = policy
        self._batch_size = batch_size

    def pictures_at_once(self, width: int, height: int) -> int:
        """How many pictures of that size in pixels are drawn in one go, where so many are wanted."""
        if self._batch_size:
            return self._batch_size
        status = self._engine.status
        if status.memory is None or status.device_type == "cpu":
            return 1
        free = status.memory.total - status.memory.used
        return max(1, min(MOST_AT_ONCE, int(free * SPARED / (width * height * STEP * AT_ONCE * NUMBER))))

    def check_beside(self, checkpoint: Checkpoint, parameters: int) -> None:
        """Models of so many weights, which steer a drawing at each of its steps, can be on the device beside what it
        needs at least of the checkpoint. Raises OutOfMemory, before anything is loaded."""
        status = self._engine.status
        if not parameters or status.memory is None:
            return
        steering = parameters * (4 if status.device_type == "cpu" else NUMBER)
        beside = LAYERS if status.device_type == "cuda" else checkpoint.size_bytes * UNET_SHARE
        if steering + beside > status.memory.total:
            raise OutOfMemory(
                f"The controls take {steering / GIB:.1f} GiB and the checkpoint at least {beside / GIB:.1f} GiB beside "
                f"them; the device has {status.memory.total / GIB:.1f} GiB. Use fewer of them, or smaller ones."
            )

    async def make_room(self, plans: Sequence[RenderPlan]) -> None:
        """Free the card for drawing these in one go: so much of it that the whole model has its place there, where it
        draws fastest. What is free is measured, what is needed counted."""
        if self._policy == "never" or self._engine.status.device_type != "cuda":
            return
        memory = self._engine.status.memory
        if self._policy == "auto" and memory is not None:
            free = memory.total - memory.used + memory.reserved  # what the drawing process holds, it draws with
            work = work_of(plans[0], pictures=len(plans))
            if free >= plans[0].checkpoint.size_bytes + max(work.steps, work.vae):
                return
        for model in self._chat_models:
            if model.status.backend == "ollama" and model.status.ready:
                log.info("language model leaves the card", model=model.status.model)
                await model.release()
