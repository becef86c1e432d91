"""Analyzing pictures: the question, the answer, and the port of vision models."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture

DEFAULT_QUESTION = "Describe this image in detail"


@dataclass(frozen=True)
class Analysis:
    """What a vision model answered, and which."""

    analysis: str
    model: str


class VisionModel(Protocol):
    """A vision model: answers questions about pictures."""

    @property
    def status(self) -> ModelStatus: ...

    async def check(self) -> ModelStatus:
        """Check whether it can answer now. Never raises StudioError."""
        ...

    def analyze(self, picture: OpenedPicture, question: str) -> AsyncIterator[str]:
        """Stream the answer. Raises Unavailable, UpstreamFailed, UpstreamTimeout."""
        ...
