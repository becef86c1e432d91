"""Other implementations of the ports: quick, without models, and doing what a test tells them. Nothing is patched."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from illustrious_studio.domain.chat import ChatChunk, ChatOptions, ChatTurn
from illustrious_studio.domain.checkpoints.values import FileHash
from illustrious_studio.domain.encoding import to_file
from illustrious_studio.domain.errors import NotFound, StudioError, Unavailable
from illustrious_studio.domain.machine import MachineFacts
from illustrious_studio.domain.models import Checkpoint, Chosen, LanguageModel, ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture, Picture
from illustrious_studio.domain.rendering import FromPicture, Rendered, RenderPlan, Step
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan
from illustrious_studio.services.model_hashes import ModelHashes
from waiting import turns


def gradient(width: int, height: int, seed: int) -> Picture:
    """A picture that depends on its seed."""
    image = Image.linear_gradient("L").resize((width, height)).rotate(seed % 360)
    return Picture.from_image(Image.merge("RGB", (image, Image.eval(image, lambda v: (v + seed) % 256), image)))


def start_picture(plan: RenderPlan) -> FromPicture:
    """What a plan draws over."""
    start = plan.passes[0].start
    assert isinstance(start, FromPicture), "it starts from noise"
    return start


class FakeEngine:
    """Draws gradients. `faults` are raised by the next drawings, one each; while `go_on` is clear it stops `midway`.
    With `previews` every step has one of its own."""

    def __init__(self, *, ready: bool = True, steps_to_stop_at: int = 2, previews: bool = False) -> None:
        self.status = ModelStatus(backend="sdxl", state="absent", reason="Nothing is loaded yet.")
        self.faults: list[Exception] = []
        self.batch_faults: list[dict[int, StudioError]] = []
        self.plans: list[RenderPlan] = []
        self.upscales: list[UpscalePlan] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.drawing = asyncio.Event()
        self.midway = asyncio.Event()
        self.stopped = asyncio.Event()
        self._ready = ready
        self._stop_at = steps_to_stop_at
        self._previews = previews
        self._held: dict[int, asyncio.Event] = {}
        self.given_up = ""
        self._working = asyncio.Event()
        self._working.set()

    def hold(self, *steps: int) -> Iterator[asyncio.Event]:
        """Drawings stop at these steps, each until its event is set."""
        self._held = {step: asyncio.Event() for step in steps}
        return iter(list(self._held.values()))

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        self.given_up = ""
        self._working.set()
        state, reason = ("ready", "") if self._ready else ("failed", "The file is damaged. Download it again.")
        self.status = ModelStatus(
            backend="sdxl", model=checkpoint.name, state="ready" if state == "ready" else "failed",
            reason=reason, device="cpu",
        )  # fmt: skip

    async def render(self, plan: RenderPlan, on_step: Callable[[Step], None]) -> Rendered:
        self.plans.append(plan)
        if self.faults:
            raise self.faults.pop(0)
        if self.status.reason:
            await self.init_sdxl(plan.checkpoint)
        self.drawing.set()
        try:
            steps = sum(one.steps for one in plan.passes)
            for step in range(1, steps + 1):
                preview = to_file(gradient(64, 64, step).image(), "jpeg") if self._previews else None
                on_step(Step(step, steps, preview))
                if step == self._stop_at and not self.go_on.is_set():
                    self.midway.set()
                    await self.go_on.wait()
                if step in self._held:
                    await self._held.pop(step).wait()
                await turns()
                if self.given_up:
                    raise Unavailable(self.given_up)
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        finally:
            self.drawing.clear()
            self.midway.clear()
        return Rendered(
            picture=gradient(*plan.size, plan.request.seed),
            device="cpu",
            dtype="float32",
            vae_dtype="float32",
            versions={"fake": "1"},
            seconds=0.01,
        )

    async def render_batch(
        self, plans: Sequence[RenderPlan], on_step: Callable[[Step], None]
    ) -> list[Rendered | StudioError]:
        """The steps of the first. `batch_faults` are what the next batches make of single ones, by their numbers."""
        first = await self.render(plans[0], on_step)
        self.plans += plans[1:]
        faults = self.batch_faults.pop(0) if self.batch_faults else {}
        drawn = [replace(first, picture=gradient(*one.size, one.request.seed), batch_size=len(plans)) for one in plans]
        return [faults.get(number, one) for number, one in enumerate(drawn)]

    async def upscale(self, plan: UpscalePlan, on_step: Callable[[Step], None]) -> Upscaled:
        """By nearest neighbours, in two steps; it stops after the first while `go_on` is clear."""
        self.upscales.append(plan)
        if self.faults:
            raise self.faults.pop(0)
        self.drawing.set()
        try:
            on_step(Step(1, 2))
            if not self.go_on.is_set():
                self.midway.set()
                await self.go_on.wait()
            on_step(Step(2, 2))
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        finally:
            self.drawing.clear()
            self.midway.clear()
        size = plan.width, plan.height
        larger = plan.picture.image().resize(size, Image.Resampling.NEAREST)
        return Upscaled(Picture.from_image(larger), "cpu", "float32", 0.01)

    def give_up(self, reason: str) -> None:
        """As after too many deaths of the worker process, that of a drawing included; `init_sdxl` ends it."""
        self.given_up = reason
        self._working.clear()

    async def works(self) -> None:
        await self._working.wait()

    async def clear_cuda_memory(self) -> None:
        pass

    async def unload(self) -> None:
        reason = f"{self.status.model} has given up its memory; the next picture loads it again."
        self.status = self.status.model_copy(update={"reason": reason})


class FakeChosen:
    """Remembers as long as it is there."""

    def __init__(self) -> None:
        self.chosen = Chosen()

    async def read(self) -> Chosen:
        return self.chosen

    async def keep(self, chosen: Chosen) -> None:
        self.chosen = chosen


class FakeChat:
    """Answers with the scripts it was given, in turn (the last one again and again). A script is made of pieces of
    text, chunks and errors; while `go_on` is clear it stops before its last piece."""

    def __init__(
        self,
        *scripts: Sequence[str | ChatChunk | StudioError],
        name: str = "fake-chat",
        ready: bool = True,
        capabilities: tuple[str, ...] = (),
        backend: str = "ollama",
    ) -> None:
        self.backend = backend
        self.options: list[ChatOptions] = []
        self.scripts = list(scripts) or [["Hello", " there", "."]]
        self._name, self._ready, self._capabilities = name, ready, capabilities
        self._names = (name, "other-chat")
        self.asked: list[list[ChatTurn]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.speaking = asyncio.Event()
        self.closed = asyncio.Event()
        self.lists = 0
        self.slow_list: asyncio.Event | None = None
        """The next who asks for its models waits for this."""

    @property
    def status(self) -> ModelStatus:
        return ModelStatus(
            backend=self.backend,
            model=self._name,
            state="ready" if self._ready else "absent",
            reason="" if self._ready else "Start Ollama.",
            capabilities=self._capabilities,
            context_length=4096,
        )

    async def check(self) -> ModelStatus:
        return self.status

    async def chat_completion(self, turns: list[ChatTurn], options: ChatOptions) -> AsyncGenerator[ChatChunk, None]:
        self.asked.append(turns)
        self.options.append(options)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for number, piece in enumerate(script):
                if number == len(script) - 1:
                    self.speaking.set()
                    await self.go_on.wait()
                if isinstance(piece, StudioError):
                    raise piece
                yield piece if isinstance(piece, ChatChunk) else ChatChunk(text=piece)
        finally:
            self.closed.set()

    async def models(self) -> list[LanguageModel]:
        waited_for, self.slow_list = self.slow_list, None
        if waited_for is not None:
            await waited_for.wait()
        self.lists += 1
        return [LanguageModel(name=name, backend="ollama") for name in self._names]

    async def use(self, name: str) -> None:
        if name not in [model.name for model in await self.models()]:
            raise NotFound(f"There is no model {name!r}.")
        self._name = name

    async def release(self) -> None:
        pass


class FakeVision:
    """Says what it was asked, and the size of what it was shown."""

    def __init__(self, *, ready: bool = True) -> None:
        self._ready = ready
        self.shown: list[OpenedPicture] = []

    @property
    def status(self) -> ModelStatus:
        return ModelStatus(
            backend="builtin",
            model="fake-eyes",
            state="ready" if self._ready else "absent",
            reason="" if self._ready else "Get a model that can see: ollama pull llava.",
        )

    async def check(self) -> ModelStatus:
        return self.status

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncGenerator[str, None]:
        self.shown.append(picture)
        yield f"{question}: "
        yield f"{picture.picture.width} x {picture.picture.height}"


class FakeMachine:
    """Two cores, no card, no Ollama; a desktop unless told otherwise. Remembers which folders it was to show."""

    def __init__(self, **facts: int | bool) -> None:
        self._facts = MachineFacts(**{"cores": 2, "memory": 24 * 2**30, "desktop": True} | facts)  # type: ignore[arg-type]
        self.shown: list[Path] = []

    def facts(self) -> MachineFacts:
        return self._facts

    async def show_folder(self, folder: Path) -> None:
        if not self._facts.desktop:
            raise Unavailable("This machine has no desktop.")
        self.shown.append(folder)


class NoHashes:
    """Of no model file a hash is known, and none can be computed."""

    async def known(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        return {}

    async def of(self, path: Path, *, without_header: bool = False) -> str | None:
        return None


def no_hashes() -> ModelHashes:
    return ModelHashes(NoHashes(), {})
