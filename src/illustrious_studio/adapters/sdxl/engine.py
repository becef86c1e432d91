"""The picture engine as the rest of the studio sees it: it starts the worker process, keeps it alive, and asks it.

Torch is never imported here. A drawing that goes wrong in a way no program can mend (a poisoned CUDA context, the
system's out-of-memory killer, a hang) costs the process, not the studio: the picture fails with EngineDied, a new
process starts, the checkpoint is loaded again, the next picture works. Where a process dies while it loads the
checkpoint again, its successor goes on with that, and who wants to draw waits. Processes that die five times in five
minutes are given up until somebody chooses a checkpoint again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from illustrious_studio.adapters.sdxl import protocol
from illustrious_studio.adapters.sdxl.protocol import Frame
from illustrious_studio.adapters.sdxl.worker_process import WorkerProcess
from illustrious_studio.domain.errors import EngineDied, StudioError, Unavailable
from illustrious_studio.domain.models import Checkpoint, MemoryPolicy, ModelState, ModelStatus
from illustrious_studio.domain.rendering import Rendered, RenderPlan, Step
from illustrious_studio.domain.upscaling import Upscaled, UpscalePlan

# `python -m` would look in the current folder first, where any file may shadow a module, and would not find a package
# that only this process' path leads to. So: no current folder, and the package from where we have it.
WORKER = (
    "-P",
    "-c",
    f"import runpy, sys; sys.path.append({str(Path(__file__).parents[3])!r}); "
    "runpy.run_module('illustrious_studio.adapters.sdxl.worker.main', run_name='__main__')",
)
MOST_DEATHS = 5
WITHIN = 300.0
FIRST_PAUSE = 0.25

logger = logging.getLogger(__name__)


class SdxlEngine:
    """An ImageEngine on one device. Use as an async context manager: who opens it closes it.

    `hung_after`: seconds without a step and without work (or without a sign of life) until a worker counts as hung.
    `step_limit`: seconds that one step may take at all; full SDXL takes a minute a step on two slow cores.
    `cancel_grace`: seconds a cancelled drawing has to stop before its worker is killed. `worker`: what Python runs in
    the worker.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        threads: int | None = None,
        previews: bool = True,
        deterministic: bool = True,
        share_memory: MemoryPolicy = "auto",
        hung_after: float = 120.0,
        step_limit: float = 1800.0,
        cancel_grace: float = 120.0,
        worker: Sequence[str] = WORKER,
    ) -> None:
        self._arguments = [*worker, "--device", device]
        self._arguments += [] if threads is None else ["--threads", str(threads)]
        self._arguments += [] if previews else ["--no-previews"]
        self._arguments += [] if deterministic else ["--not-deterministic"]
        self._arguments += ["--share-memory", share_memory]
        self._limits = {"hung_after": hung_after, "step_limit": step_limit}
        self._cancel_grace = cancel_grace
        self._turn = asyncio.Lock()
        self._load_turn = asyncio.Lock()
        self._worker: WorkerProcess | None = None
        self._changed = asyncio.Event()
        self._background: set[asyncio.Task[Any]] = set()
        self._supervisor: asyncio.Task[None] | None = None
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._loaded: tuple[Checkpoint, WorkerProcess] | None = None
        self._wanted: Checkpoint | None = None
        self._resting: Checkpoint | None = None
        self.given_up = ""
        self._load_failed = ""
        self._closing = False

    async def __aenter__(self) -> Self:
        self._supervisor = asyncio.create_task(self._supervise())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._note_change()
        if self._supervisor is not None:
            self._supervisor.cancel()
        for task in list(self._background):
            task.cancel()
        if self._worker is not None:
            await self._worker.stop()
        ending = [task for task in (self._supervisor, *self._background) if task is not None]
        await asyncio.gather(*ending, return_exceptions=True)

    @property
    def status(self) -> ModelStatus:
        checkpoint = self._loaded[0] if self._loaded else self._wanted or self._resting
        state, reason = self._state()
        return ModelStatus(
            backend="sdxl",
            model=checkpoint.name if checkpoint else "",
            state=state,
            reason=reason,
            device=self._worker.device if self._worker else "",
            device_type=self._worker.device_type if self._worker else "",
            memory=self._worker.memory if self._worker else None,
        )

    def _state(self) -> tuple[ModelState, str]:
        if self.given_up:
            return "failed", self.given_up
        if self._loaded is not None and self._loaded[1] is self._worker and self._loaded[1].alive:
            return "ready", ""
        if self._wanted is not None:
            return "loading", f"Loading {self._wanted.name}."
        if self._load_failed:
            return "failed", self._load_failed
        if self._resting is not None:
            return "ready", f"{self._resting.name} has given up its memory; the next picture loads it again."
        return "absent", "No checkpoint is loaded. Choose one under System."

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        self.given_up = ""
        self._deaths.clear()
        self._note_change()
        async with self._turn:
            await self._with_loaded(checkpoint)

    async def render(self, plan: RenderPlan, on_step: Callable[[Step], None]) -> Rendered:
        (rendered,) = await self.render_batch([plan], on_step)
        if isinstance(rendered, StudioError):
            raise rendered
        return rendered

    async def render_batch(
        self, plans: Sequence[RenderPlan], on_step: Callable[[Step], None]
    ) -> list[Rendered | StudioError]:
        async with self._turn:
            worker = await self._to_draw_with(plans[0].checkpoint)
            answer = await worker.call(protocol.plans_frame(plans), _reporting(on_step), self._cancel_grace)
        return protocol.rendered_of(_good(answer))

    async def upscale(self, plan: UpscalePlan, on_step: Callable[[Step], None]) -> Upscaled:
        async with self._turn:
            worker = await self._living()
            answer = await worker.call(protocol.upscale_frame(plan), _reporting(on_step), self._cancel_grace)
        return protocol.upscaled_of(_good(answer))

    async def works(self) -> None:
        while self.given_up:
            await self._changed.wait()

    async def clear_cuda_memory(self) -> None:
        async with self._turn:
            if self._worker is not None and self._worker.alive:
                _good(await self._worker.call(Frame("clear")))

    async def unload(self) -> None:
        async with self._turn, self._load_turn:
            if self._loaded is None:
                return
            checkpoint, worker = self._loaded
            self._loaded, self._wanted, self._resting = None, None, checkpoint
            if worker.alive:
                _good(await worker.call(Frame("unload")))

    async def _to_draw_with(self, checkpoint: Checkpoint) -> WorkerProcess:
        """The same for a drawing, which is not to blame where a process dies while it loads what was in use before."""
        while True:
            try:
                return await self._with_loaded(checkpoint)
            except EngineDied:
                if not self.given_up and (self._wanted is None or not self._wanted.same_weights(checkpoint)):
                    raise

    async def _with_loaded(self, checkpoint: Checkpoint) -> WorkerProcess:
        """The living worker that holds this checkpoint. Loading goes on when the caller no longer waits for it."""
        return await asyncio.shield(self._in_background(self._load(checkpoint)))

    async def _load(self, checkpoint: Checkpoint) -> WorkerProcess:
        async with self._load_turn:
            worker = await self._living()
            held = self._loaded[0] if self._loaded is not None and self._loaded[1] is worker else None
            if held is not None and held.same_weights(checkpoint):
                self._loaded = checkpoint, worker
                return worker
            before = held or self._wanted
            if before is not None and before.same_weights(checkpoint):
                before = None
            try:
                await self._load_into(worker, checkpoint)
            except StudioError as error:
                self._load_failed = error.detail
                logger.warning("checkpoint %s was not loaded: %s", checkpoint.name, error.detail)
                died = isinstance(error, EngineDied)
                self._wanted = before or (checkpoint if died else None)  # what the next process loads
                if self.given_up:
                    self._wanted = None
                if before is not None and not died:
                    self._in_background(self._load_again(before))
                raise
            return worker

    async def _load_into(self, worker: WorkerProcess, checkpoint: Checkpoint) -> None:
        self._loaded, self._resting, self._load_failed = None, None, ""
        self._wanted = checkpoint
        frame = Frame("load", fields={"checkpoint": checkpoint.model_dump(mode="json")})
        _good(await worker.call(frame))
        self._loaded = checkpoint, worker
        logger.info("checkpoint %s is loaded on %s", checkpoint.name, worker.device)

    async def _load_again(self, checkpoint: Checkpoint) -> None:
        """After a death, or after another checkpoint could not be loaded. The status shows when it fails."""
        try:
            await self._load(checkpoint)
        except StudioError as error:
            logger.warning("checkpoint %s was not loaded again: %s", checkpoint.name, error.detail)

    async def _living(self) -> WorkerProcess:
        while True:
            if self._closing or self._supervisor is None:
                raise Unavailable("The picture engine is not running. Start the studio again.")
            if self.given_up:
                raise Unavailable(self.given_up)
            if self._worker is not None and self._worker.alive:
                return self._worker
            await self._changed.wait()

    async def _supervise(self) -> None:
        try:
            while True:
                await self._run_one()
                while self.given_up:
                    await self._changed.wait()
        except Exception:  # the top of this task
            logger.exception("the supervisor of the drawing process failed")
            self._give_up("The studio can no longer start its drawing process. The log says why; restart the studio.")

    async def _run_one(self) -> None:
        """Start a worker, and wait for its end."""
        worker = self._worker = await WorkerProcess.start(self._arguments, **self._limits)
        self._note_change()
        if self._wanted is not None:
            self._in_background(self._load_again(self._wanted))
        await worker.ended()
        if self._loaded is not None and self._loaded[1] is worker:
            self._wanted = self._loaded[0]
            self._loaded = None
        now = asyncio.get_running_loop().time()
        self._deaths.append(now)
        while now - self._deaths[0] > WITHIN:
            self._deaths.popleft()
        logger.error("the drawing process %d ended: %s", worker.pid, worker.last_words or "without a word")
        if worker.cannot_start:
            self._give_up(worker.cannot_start)
        elif len(self._deaths) == MOST_DEATHS:
            last_words = f" Its last words: {worker.last_words}" if worker.last_words else ""
            self._give_up(
                f"The drawing process ended {MOST_DEATHS} times within {WITHIN / 60:.0f} minutes and was left so."
                f"{last_words} Choose a checkpoint again to start it again."
            )
        else:
            await asyncio.sleep(FIRST_PAUSE * 2 ** (len(self._deaths) - 1))

    def _give_up(self, reason: str) -> None:
        self.given_up = reason
        self._wanted = None
        self._note_change()

    def _note_change(self) -> None:
        """Wake whoever waits for a living worker, or for a reason to start one."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waits for it has it, and otherwise the status shows it


def _reporting(on_step: Callable[[Step], None]) -> Callable[[Frame], None]:
    return lambda frame: on_step(protocol.step_of(frame))


def _good(answer: Frame) -> Frame:
    if answer.kind == "failed":
        raise protocol.error_of(answer.fields)
    if answer.kind == "cancelled":
        raise EngineDied("The drawing was stopped from inside. Draw again.")
    return answer
