"""A vision model in Ollama: the chat model itself, where it can see, or another one installed there."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from illustrious_studio.adapters.chat.ollama import OllamaChat
from illustrious_studio.domain.chat import ChatOptions, ChatTurn
from illustrious_studio.domain.errors import NotFound, StudioError, Unavailable
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture

LONGEST_DESCRIPTION = 768


class OllamaVision:
    """A VisionModel over the connection of an OllamaChat, which is checked before it."""

    def __init__(self, chat: OllamaChat) -> None:
        self._chat = chat
        self._status = ModelStatus(backend="ollama", reason="It was not looked for yet.")

    @property
    def status(self) -> ModelStatus:
        return self._status

    async def check(self) -> ModelStatus:
        chat = self._chat.status
        try:
            models = await self._chat.server.models()
        except StudioError as error:
            self._lose(error)
            return self._status
        models.sort(key=lambda model: model.name != chat.model)  # the chat model first: it is loaded already
        for model in models:
            # One that runs elsewhere sees a picture only where a person chose it for the chat.
            if "vision" in model.capabilities and (not model.remote or model.name == chat.model):
                self._status = ModelStatus(
                    backend="ollama",
                    model=model.name,
                    state="ready",
                    capabilities=model.capabilities,
                    context_length=self._chat.context_to_ask(model.context_length) or model.context_length,
                    remote=model.remote,
                )
                return self._status
        self._lose(NotFound("No model on Ollama can see. Type `ollama pull qwen2.5vl:3b` to get one."))
        return self._status

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncGenerator[str, None]:
        if not self._status.ready:
            raise Unavailable(f"Ollama cannot analyze pictures now. {self._status.reason}", retry_after=5)
        turns = [ChatTurn("user", question, (picture.picture,))]
        options = ChatOptions(temperature=0.2, max_tokens=LONGEST_DESCRIPTION, think=False)
        try:
            answer = self._chat.answer_of(self._status.model, turns, options)
            async with aclosing(answer) as chunks:
                async for chunk in chunks:
                    if chunk.text:
                        yield chunk.text
        except (Unavailable, NotFound) as error:
            self._lose(error)
            raise

    def _lose(self, error: StudioError) -> None:
        state = "absent" if isinstance(error, Unavailable | NotFound) else "failed"
        self._status = self._status.model_copy(update={"state": state, "reason": error.detail})
