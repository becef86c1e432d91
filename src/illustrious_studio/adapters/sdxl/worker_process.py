"""One worker process as its parent sees it: started, asked, watched, ended.

Slow and hung look alike from outside, so the worker process says every second how much processor time it has used.
It counts as hung when nothing comes from it, when it has neither finished a step nor used its processor for a while, or
when one step takes longer than any machine needs. Whether a new one is started is the engine's matter.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from illustrious_studio.adapters.sdxl import protocol
from illustrious_studio.adapters.sdxl.protocol import Frame
from illustrious_studio.domain.errors import EngineDied, Unavailable
from illustrious_studio.domain.models import DeviceMemory

TICK = 1.0
IDLE_SHARE = 0.005
"""Below this share of one core a process is not working: its heartbeat alone takes a tenth of that."""
IMPORT_PATIENCE = 120.0
"""Seconds; libraries read from a cold disk come slowly, and while they load nothing else in the process runs."""
END_GRACE = 2.0
TAIL = 2000
LEVELS = {"INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR, "CRITICAL": logging.CRITICAL}

logger = logging.getLogger(__name__)


@dataclass
class _Call:
    """What was asked: its answers as they come (None: no more will), when it last went on, and whether it is over."""

    number: int
    progressed: float
    over: bool = False
    frames: "asyncio.Queue[Frame | None]" = field(default_factory=asyncio.Queue)


class WorkerProcess:
    """A running worker. `device` is empty until it has imported what it needs."""

    def __init__(self, process: asyncio.subprocess.Process, hung_after: float, step_limit: float) -> None:
        self._process = process
        self._hung_after = hung_after
        self._step_limit = step_limit
        self._loop = asyncio.get_running_loop()
        self._calls = 0
        self._unanswered: dict[int, _Call] = {}
        self._heard = self._worked = self._loop.time()
        self._processor_time = 0.0
        self._stderr = ""
        self._gone = False
        self.device = self.device_type = ""
        self.memory: DeviceMemory | None = None
        self.cannot_start = ""
        self._tasks = [asyncio.create_task(self._read_frames()), asyncio.create_task(self._read_log())]

    @classmethod
    async def start(cls, arguments: list[str], *, hung_after: float, step_limit: float) -> "WorkerProcess":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)
        return cls(process, hung_after, step_limit)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.returncode is None

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr."""
        lines = [line for line in self._stderr.splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else ""

    async def call(self, frame: Frame, on_frame: Callable[[Frame], None] | None = None, grace: float = 60.0) -> Frame:
        """Ask, and wait for the answer; frames before it go to `on_frame`. Raises EngineDied, Unavailable.

        When the awaiting task is cancelled, the worker is asked to stop, and this returns once it did; after `grace`
        seconds it is killed.
        """
        self._calls += 1
        call = _Call(self._calls, self._loop.time())
        self._unanswered[call.number] = call
        try:
            await self._send(replace(frame, call=call.number))
            while (answer := await self._next_frame(call)).kind == "step":
                if on_frame is not None:
                    on_frame(answer)
            return answer
        finally:
            if call.over:
                del self._unanswered[call.number]
            else:  # who asked was cancelled, mostly; shielded: a second time must not leave it drawing for nobody
                await asyncio.shield(asyncio.create_task(self._cancel(call, grace)))

    async def _next_frame(self, call: "_Call") -> Frame:
        """What it sends next. Raises EngineDied: it ended, or it hung and was ended."""
        while True:
            asked = self._loop.time()
            try:
                frame = await asyncio.wait_for(call.frames.get(), TICK)
            except TimeoutError:
                now = self._loop.time()
                if now - asked > 5 * TICK:  # we ourselves stood still (a debugger, a laptop asleep): count again
                    call.progressed = self._heard = self._worked = now
                elif why := self._hung(now - call.progressed):
                    self.kill()
                    call.over = True
                    raise EngineDied(
                        f"The drawing process hung ({why}) and was ended. A new one is starting; draw again."
                    ) from None
                continue
            if frame is None:
                call.over = True
                raise self._died()
            call.progressed = self._loop.time()
            call.over = frame.kind != "step"
            return frame

    def _hung(self, since_progress: float) -> str:
        now = self._loop.time()
        patience = self._hung_after if self.device else max(self._hung_after, IMPORT_PATIENCE)
        if now - self._heard > patience:
            return f"no sign of life for {patience:.0f} s"
        if min(since_progress, now - self._worked) > patience:
            return f"no step and no work for {patience:.0f} s"
        if since_progress > self._step_limit:
            return f"one step took more than {self._step_limit:.0f} s"
        return ""

    async def _cancel(self, call: "_Call", grace: float) -> None:
        """One that hangs already is not waited for anew: its time goes on from its last step."""
        try:
            async with asyncio.timeout(grace):
                await self._send(Frame("cancel", fields={"of": call.number}))
                while (await self._next_frame(call)).kind == "step":
                    pass
        except TimeoutError:
            logger.warning("the drawing process did not stop within %.0f s and was ended", grace)
            self.kill()
        except Unavailable:
            pass  # it ended, or hung and was ended; the engine notices by itself
        finally:
            del self._unanswered[call.number]

    async def _send(self, frame: Frame) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame.encode())
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise self._died() from error

    def _died(self) -> Unavailable:
        if self.cannot_start:
            return Unavailable(self.cannot_start)
        return EngineDied(
            "The drawing process ended in the middle of this; most often the system has no memory left for it. "
            "A new one is starting: close what you can, and draw again."
        )

    async def _read_frames(self) -> None:
        assert self._process.stdout is not None
        try:
            while (frame := await protocol.read_frame(self._process.stdout)) is not None:
                self._heard = self._loop.time()
                self._take(frame)
        except ValueError:
            logger.exception("worker %d: sent what is no frame, and is ended", self.pid)
            self.kill()
        self._gone = True
        for call in self._unanswered.values():
            call.frames.put_nowait(None)

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case "alive":
                self._note_pulse(frame.fields)
            case "hello":
                self.device = frame.fields["device"]
                self.device_type = frame.fields["device_type"]
            case "cannot_start":
                self.cannot_start = frame.fields["detail"]
            case _ if frame.call in self._unanswered:
                self._unanswered[frame.call].frames.put_nowait(frame)

    def _note_pulse(self, fields: dict[str, Any]) -> None:
        now = self._loop.time()
        worked = fields["worked"] - self._processor_time
        if worked > IDLE_SHARE:
            self._worked = now
        self._processor_time = fields["worked"]
        self.memory = protocol.memory_of(fields["memory"])

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        rest, level = "", logging.DEBUG
        while data := await self._process.stderr.read(8192):
            text = data.decode(errors="replace")
            self._stderr = (self._stderr + text)[-TAIL:]
            *lines, rest = (rest + text).splitlines(keepends=True) or [""]
            if rest.endswith("\n"):
                lines, rest = [*lines, rest], ""
            for line in lines:
                # Without a level of its own a line after an error is of its traceback; libraries write to debug.
                level = LEVELS.get(line.split(" ", 1)[0], level if level >= logging.ERROR else logging.DEBUG)
                logger.log(level, "worker %d: %s", self.pid, line.rstrip())

    async def ended(self) -> None:
        """Wait until the process has ended and all its output was read."""
        await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        self._gone = True
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """End it: it goes by itself when its stdin closes, and is killed when it does not."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_GRACE)
        except TimeoutError:
            self.kill()
        await self.ended()
