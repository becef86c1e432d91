"""Models: which image, chat and vision model is in use; watching over them and switching between them.

For chat and vision there are candidates in order of preference (Ollama before the built-in ones). The first that is
ready is used; one that goes away is replaced by the next, and taken back when it returns, without a restart.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import structlog

from illustrious_studio.domain.chat import ChatModel
from illustrious_studio.domain.errors import NotFound, StudioError, Unavailable
from illustrious_studio.domain.model_names import why_refused
from illustrious_studio.domain.models import (
    Checkpoint,
    Chosen,
    ChosenModels,
    LanguageModel,
    ModelStatus,
    OverridableCatalogue,
    RefusedFile,
)
from illustrious_studio.domain.rendering import ImageEngine
from illustrious_studio.domain.values import Value
from illustrious_studio.domain.vision import VisionModel
from illustrious_studio.services.model_hashes import ModelHashes

log = structlog.get_logger(__name__)


class StudioStatus(Value):
    """How image, chat and vision model are, now. The fields have the names of the first description of this system."""

    version: str
    sdxl: ModelStatus
    ollama: ModelStatus
    multimodal: ModelStatus

    @property
    def cuda_available(self) -> bool:
        return self.sdxl.device_type == "cuda"

    @property
    def gpu_backend(self) -> str:
        """What pictures are drawn with: cuda, mps, or cpu."""
        return self.sdxl.device_type or "cpu"


class ModelService:
    """An async context manager: while it is open, models are loaded and looked after in the background."""

    def __init__(
        self,
        version: str,
        engine: ImageEngine,
        catalogue: OverridableCatalogue,
        chat_models: Sequence[ChatModel],
        vision_models: Sequence[VisionModel],
        *,
        chosen: ChosenModels,
        hashes: ModelHashes,
        wanted_checkpoint: str = "",
        wanted_language_model: str = "",
        check_every: float = 5.0,
        look_after: asyncio.Event | None = None,
    ) -> None:
        self._version = version
        self._engine = engine
        self._catalogue = catalogue
        self._chat_models = list(chat_models)
        self._vision_models = list(vision_models)
        self._chosen = chosen
        self._hashes = hashes
        self._wanted = wanted_checkpoint
        self._wanted_language_model = wanted_language_model
        self._remembered: str | None = None
        """The language model to go back to; empty once it is in use, or where another is wanted."""
        self._check_every = check_every
        self._look_after = look_after
        self._checkpoint: Checkpoint | None = None
        self._no_checkpoint = ""
        self._hashing: asyncio.Task[str | None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._checked = False
        self._overriding = asyncio.Lock()
        """Held while an override is read, changed and kept, so that of two changes neither is lost."""

    async def __aenter__(self) -> Self:
        self._loading = asyncio.create_task(self._start())
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._loading, self._watching, self._hashing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def model_status(self) -> StudioStatus:
        """Which image, chat and vision model is in use, and how each is."""
        sdxl = self._engine.status
        if sdxl.state == "absent" and self._loading is not None and not self._loading.done():
            sdxl = sdxl.model_copy(update={"state": "loading", "reason": "The checkpoint is being loaded."})
        if self._checkpoint is not None:  # the engine may hold another, that a single request asked for
            sdxl = sdxl.model_copy(update={"model": self._checkpoint.name})
        if self._checkpoint is not None and self._checkpoint.builtin:
            sdxl = sdxl.model_copy(update={"hint": self._checkpoint.about})
        if self._no_checkpoint:
            sdxl = sdxl.model_copy(update={"state": "absent", "reason": self._no_checkpoint})
        return StudioStatus(
            version=self._version,
            sdxl=sdxl,
            ollama=self._known(_best([model.status for model in self._chat_models])),
            multimodal=self._known(_best([model.status for model in self._vision_models])),
        )

    def _known(self, status: ModelStatus) -> ModelStatus:
        """Before the first round has ended, nobody knows yet that a model is absent."""
        if self._checked or status.state != "absent":
            return status
        return status.model_copy(update={"state": "loading", "reason": "It is being looked for."})

    def checkpoint(self) -> Checkpoint:
        """The one that draws, also while it still loads. Raises Unavailable when none can."""
        status = self.model_status().sdxl
        if self._checkpoint is None or status.state == "failed":
            reason = status.reason or "The checkpoint is still being looked for."
            raise Unavailable(f"No picture can be drawn now. {reason}", retry_after=5)
        return self._checkpoint

    async def loaded_checkpoint(self, name: str = "") -> Checkpoint:
        """The one that draws, once it is loaded; or another by its name (a picture may have been asked for before a
        switch), which the engine loads when it draws with it. Raises Unavailable, and NotFound when that one is gone.

        The one that draws is as its files are now, so that the engine loads it again where they were replaced. Where
        they are gone, it is as it was loaded: it still draws.
        """
        if self._loading is not None and not self._loading.done():
            await asyncio.wait([self._loading])
        in_use = self.checkpoint()
        if name not in ("", in_use.name):
            return await self.checkpoint_named(name)
        now = next((one for one in await self._catalogue.list() if one.path == in_use.path), in_use)
        if self._checkpoint is in_use:  # nobody has switched meanwhile
            self._checkpoint = now
        return now

    async def checkpoint_named(self, name: str) -> Checkpoint:
        """One of those one can switch to, by any of its names (`domain/model_names.py`) or by its hash; without a name
        that in use.

        Raises NotFound, with the reason where there is a file of that name that is not offered, else the names there
        are.
        """
        if not name:
            return self.checkpoint()
        found = await self._catalogue.list()
        if (one := await self._hashes.named(name, found)) is not None:
            return one
        if reason := why_refused(name, await self._catalogue.refused()):
            raise NotFound(f"The checkpoint {name!r} cannot be used. {reason}")
        names = ", ".join(one.name for one in found)
        raise NotFound(f"There is no checkpoint {name!r}. There are: {names}.{await self._hashes.not_yet(name, found)}")

    def chat_model(self) -> ChatModel:
        """The one in use. Raises Unavailable with what to do."""
        for model in self._chat_models:
            if model.status.ready:
                return model
        status = self.model_status().ollama
        reason = status.reason or "The language model is still loading."
        raise Unavailable(f"Nobody can answer now. {reason}", retry_after=5)

    async def language_model(self, name: str) -> ChatModel:
        """Whatever runs the language model of this name, in use or not. Raises NotFound with the names there are."""
        for model in self._chat_models:
            if model.status.ready and model.status.model == name:
                return model
        for model in self._chat_models:
            if any(known.name == name for known in await model.models()):
                return model
        known_names = ", ".join(known.name for known in await self.language_models()) or "none"
        raise NotFound(f"There is no language model {name!r}. There are: {known_names}.")

    def vision_model(self) -> VisionModel:
        """The one in use. Raises Unavailable with what to do."""
        for model in self._vision_models:
            if model.status.ready:
                return model
        reason = self.model_status().multimodal.reason or "The vision model is still loading."
        raise Unavailable(f"No picture can be analyzed now. {reason}", retry_after=5)

    async def checkpoints(self) -> list[Checkpoint]:
        """All that can be switched to."""
        return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among the checkpoints and cannot be used, each with its reason."""
        return await self._catalogue.refused()

    async def language_models(self) -> list[LanguageModel]:
        """All that can be switched to, of every backend that answers."""
        found = await asyncio.gather(*(model.models() for model in self._chat_models))
        return [model for models in found for model in models]

    async def switch(self, checkpoint: str | None = None, language_model: str | None = None) -> None:
        """Change the image model or the chat model, also for the next start. Raises NotFound with the names there are,
        and what loading raises.

        A checkpoint that cannot be loaded leaves the one before in place.
        """
        if language_model is not None:
            await self._switch_language_model(language_model)
            await self._remember(language_model=language_model)
        if checkpoint is not None:
            await self._switch_checkpoint(checkpoint)
            await self._remember(checkpoint=self.checkpoint().name)

    async def set_override(self, name: str, changes: Mapping[str, Any]) -> Checkpoint:
        """Change these fields of a checkpoint's override, which says what its file does not. It holds from the next
        picture on.

        Raises NotFound, also without a name, InvalidRequest (a preset that it cannot be drawn with), Unavailable.
        """
        if not name:
            raise NotFound("Name the checkpoint: PATCH /models/checkpoints/{name}. GET /models lists those there are.")
        async with self._overriding:
            checkpoint = await self.checkpoint_named(name)
            override = checkpoint.override.model_copy(update=dict(changes))
            if override.preset is not None and changes.get("preset") is not None:
                override.preset.check_with(checkpoint)
            await self._catalogue.set_override(checkpoint, override)
            changed = await self.checkpoint_named(name)
        if self._checkpoint is not None and self._checkpoint.path == changed.path:
            self._checkpoint = changed
        return changed

    async def unload_checkpoint(self) -> None:
        """Free the memory of what draws; the next picture loads it again."""
        await self._engine.unload()

    async def check_again(self) -> StudioStatus:
        """Check everything now instead of at the next round."""
        await self._check()
        if self._checkpoint is None or self._engine.status.state == "failed":
            await self._load_first_checkpoint()
        return self.model_status()

    async def _remember(self, **switched: str) -> None:
        async with self._overriding:
            await self._chosen.keep((await self._chosen.read()).model_copy(update=switched))

    async def _switch_language_model(self, name: str) -> None:
        model = await self.language_model(name)
        await model.use(name)
        self._remembered = ""
        self._chat_models.remove(model)
        self._chat_models.insert(0, model)
        await self._check()
        log.info("language model switched", model=name)

    async def _switch_checkpoint(self, name: str) -> None:
        chosen = await self.checkpoint_named(name)
        before, self._checkpoint = self._checkpoint, chosen
        try:
            await self._load(chosen)
        except BaseException:  # also when who asked went away: what cannot be loaded must not stay the chosen one
            self._checkpoint = before or chosen
            raise

    async def _load(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._no_checkpoint = ""
        await self._engine.init_sdxl(checkpoint)
        # Reading gigabytes for the hash now, in the background, keeps the first picture from waiting for it.
        self._hashing = asyncio.create_task(self._catalogue.hash_of(checkpoint))

    async def _start(self) -> None:
        try:
            await self._load_first_checkpoint()
        except Exception:
            log.exception("checkpoint not loaded")

    async def _load_first_checkpoint(self) -> None:
        found = await self._catalogue.list()
        before = (await self._chosen.read()).checkpoint
        chosen = (await self._hashes.named(before, found) if before else None) or (found[0] if found else None)
        if self._wanted:
            chosen = await self._hashes.named(self._wanted, found)
            if chosen is None:
                reason = why_refused(self._wanted, await self._catalogue.refused()) or "It is not there."
                self._no_checkpoint = (
                    f"The checkpoint {self._wanted} cannot be used: {reason} "
                    f"Give --sd-model a .safetensors file or one of: {', '.join(one.name for one in found)}."
                )
                return
        if chosen is None:
            self._no_checkpoint = "There is no checkpoint. Give --sd-model a .safetensors file."
            return
        try:
            await self._load(chosen)
        except StudioError as error:
            log.warning("checkpoint not loaded", checkpoint=chosen.name, reason=error.detail)

    async def _watch(self) -> None:
        if self._look_after is not None:
            await self._look_after.wait()
        while True:
            try:
                await self._check()
            except Exception:
                log.exception("models could not be checked")
            await asyncio.sleep(self._check_every)

    async def _back_to_the_chosen(self) -> None:
        """The language model that was chosen before the start, as soon as what runs it is there."""
        if self._remembered is None:
            chosen = Chosen() if self._wanted_language_model else await self._chosen.read()
            self._remembered = chosen.language_model
        for model in self._chat_models if self._remembered else ():
            if any(known.name == self._remembered for known in await model.models()):
                await model.use(self._remembered)
                self._chat_models.remove(model)
                self._chat_models.insert(0, model)
                self._remembered = ""
                return

    async def _check(self) -> None:
        try:
            await self._back_to_the_chosen()
            await _check_in_order(self._chat_models)
            await _check_in_order(self._vision_models)
        finally:
            self._checked = True


async def _check_in_order(models: Sequence[ChatModel] | Sequence[VisionModel]) -> None:
    """Check until one is ready: the built-in ones are not even started while Ollama answers."""
    for model in models:
        if (await model.check()).ready:
            return


def _best(statuses: Sequence[ModelStatus]) -> ModelStatus:
    """The first that is ready, else the first that loads, else the first with a reason.

    When it is not the preferred one, the hint says what keeps that from doing it.
    """
    for state in ("ready", "loading", "failed", "absent"):
        for status in statuses:
            if status.state == state:
                better = statuses[0]
                return status if status is better else status.model_copy(update={"hint": better.reason})
    return ModelStatus(backend="", reason="Nothing is configured.")
