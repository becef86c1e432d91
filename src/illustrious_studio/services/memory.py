"""Memory of the card that drawing and talking share: who must give way before a picture is drawn."""

from collections.abc import Sequence

import structlog

from illustrious_studio.domain.chat import ChatModel
from illustrious_studio.domain.models import Checkpoint, MemoryPolicy
from illustrious_studio.domain.rendering import ImageEngine

log = structlog.get_logger(__name__)

WORKING_BYTES = 3 * 1024**3
"""What drawing needs beside the weights: activations and the VAE of one 1024 x 1024 picture in half precision."""


class MemoryService:
    """Asks language models to leave the card when a picture would not fit beside them."""

    def __init__(self, engine: ImageEngine, chat_models: Sequence[ChatModel], policy: MemoryPolicy = "auto") -> None:
        self._engine = engine
        self._chat_models = chat_models
        self._policy = policy

    async def make_room(self, checkpoint: Checkpoint) -> None:
        """Free the card for a drawing. Measured, not estimated, except for what is not loaded yet."""
        if self._policy == "never" or self._engine.status.device_type != "cuda":
            return
        memory = self._engine.status.memory
        if self._policy == "auto" and memory is not None:
            free = memory.total - memory.used + memory.reserved  # what the drawing process holds, it draws with
            if free >= checkpoint.size_bytes + WORKING_BYTES:
                return
        for model in self._chat_models:
            if model.status.backend == "ollama" and model.status.ready:
                log.info("language model leaves the card", model=model.status.model)
                await model.release()
