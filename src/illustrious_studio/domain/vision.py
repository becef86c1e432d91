"""Looking at pictures: the question, and the port of whatever looks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture

DEFAULT_QUESTION = "Describe this image in detail"


@dataclass(frozen=True)
class Analysis:
    """What was seen, and which model looked."""

    analysis: str
    model: str


class VisionModel(Protocol):
    """Whatever looks at pictures."""

    @property
    def status(self) -> ModelStatus: ...

    async def check(self) -> ModelStatus:
        """Look whether it can see now. Never raises StudioError."""
        ...

    def look(self, picture: OpenedPicture, question: str) -> AsyncIterator[str]:
        """Stream the answer. Raises Unavailable, UpstreamFailed, UpstreamTimeout."""
        ...
