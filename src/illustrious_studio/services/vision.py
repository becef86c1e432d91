"""Analyzing pictures: asks the vision model in use, and reads the settings that a picture's file carries."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from illustrious_studio.domain.chat import Token
from illustrious_studio.domain.errors import UpstreamFailed
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.recorded import RecordedSettings, recorded_settings
from illustrious_studio.domain.pictures import OpenedPicture
from illustrious_studio.domain.thinking import ThinkingFilter
from illustrious_studio.domain.vision import DEFAULT_QUESTION, Analysis, VisionModel


class VisionService:
    """Answers questions about pictures. `vision_model` gives the model in use, or raises Unavailable."""

    def __init__(self, vision_model: Callable[[], VisionModel]) -> None:
        self._vision_model = vision_model

    async def analyze(self, picture: OpenedPicture, question: str = DEFAULT_QUESTION) -> Analysis:
        """The whole answer. Raises Unavailable, UpstreamFailed, UpstreamTimeout."""
        model = self._vision_model()
        name, answer = model.status.model, ThinkingFilter()
        async for piece in model.analyze(picture, question.strip() or DEFAULT_QUESTION):
            answer.feed(piece)
        answer.finish()
        if not answer.text.strip():
            raise UpstreamFailed(f"{name} said nothing about the picture. Ask again, or ask differently.")
        return Analysis(answer.text.strip(), name)

    async def stream(self, picture: OpenedPicture, question: str = DEFAULT_QUESTION) -> tuple[str, AsyncIterator[str]]:
        """Which model answers, and the pieces of its answer as they come, without what it thinks."""
        model = self._vision_model()
        return model.status.model, _without_thoughts(model.analyze(picture, question.strip() or DEFAULT_QUESTION))

    async def stream_each(
        self, pictures: Sequence[OpenedPicture], question: str
    ) -> tuple[str, AsyncGenerator[str, None]]:
        """The same for several, one after the other, each answer under its picture's number. Raises Unavailable."""
        model = self._vision_model()

        async def answers() -> AsyncGenerator[str, None]:
            for number, picture in enumerate(pictures, 1):
                if len(pictures) > 1:
                    yield f"{chr(10) * 2 if number > 1 else ''}**Picture {number}.** "
                async for piece in _without_thoughts(model.analyze(picture, question)):
                    yield piece

        return model.status.model, answers()

    def recorded(self, picture: OpenedPicture) -> RecordedSettings | None:
        """The settings in the file with everything that was found about them, for people to see."""
        return recorded_settings(picture.text)

    def settings_of(self, picture: OpenedPicture) -> ImageRequest | None:
        """The request recorded in the file, within the studio's own limits; None when there is none."""
        recorded = self.recorded(picture)
        return recorded.request if recorded and recorded.usable else None


async def _without_thoughts(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    answer = ThinkingFilter()
    async for piece in pieces:
        for event in answer.feed(piece):
            if isinstance(event, Token):
                yield event.text
    for event in answer.finish():
        if isinstance(event, Token):
            yield event.text
