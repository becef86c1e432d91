"""The process that draws: what `python -m illustrious_studio.adapters.sdxl.worker.main` runs, started by `engine`.

It reads frames from its stdin and answers on what was its stdout; anything a library prints goes to stderr, which the
engine logs. One thread reads (so that a cancellation is seen while a step runs, and so that the process ends when its
parent is gone), one says every second that it is alive and how much work it did, the main one draws. It keeps no
state that matters: the engine may kill it at any moment.
"""

import argparse
import gc
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from illustrious_studio.adapters.sdxl import protocol
from illustrious_studio.adapters.sdxl.protocol import Frame
from illustrious_studio.adapters.sdxl.worker import memory
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.progress import Stopped
from illustrious_studio.adapters.sdxl.worker.upscaling import upscale
from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.rendering import Step

BEAT = 1.0
PREVIEW_PAUSE = 0.2
ALLOCATOR = "expandable_segments:True"
CANNOT_START = 3

logger = logging.getLogger(__name__)


class Channel:
    """Both directions to the engine. Sending is safe from any thread."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, frame: Frame) -> None:
        try:
            with self._lock:
                self._writer.write(frame.encode())
                self._writer.flush()
        except OSError:
            os._exit(0)  # the engine is gone

    def read(self) -> Frame | None:
        return protocol.read_frame_blocking(self._reader)


def _own_channel() -> Channel:
    """Take stdin and stdout for ourselves; what others read is empty, and what they print goes to stderr."""
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return Channel(os.fdopen(reader, "rb"), os.fdopen(writer, "wb"))


class JobWatch:
    """Follows one drawing for the engine."""

    def __init__(self, channel: Channel, call: int, cancelled: set[int], previews: bool) -> None:
        self._channel = channel
        self._call = call
        self._cancelled = cancelled
        self._previews = previews
        self._shown = time.monotonic()

    def check(self) -> None:
        if self._call in self._cancelled:
            raise Stopped

    def wants_preview(self) -> bool:
        return self._previews and time.monotonic() - self._shown >= PREVIEW_PAUSE

    def step(self, step: Step) -> None:
        if step.preview:
            self._shown = time.monotonic()
        self._channel.send(protocol.step_frame(self._call, step))
        self.check()


class Worker:
    """Does what the frames ask, one after another."""

    def __init__(self, channel: Channel, pipeline: SdxlPipeline, previews: bool, cancelled: set[int]) -> None:
        self._channel = channel
        self._pipeline = pipeline
        self._previews = previews
        self._cancelled = cancelled

    def answer(self, frame: Frame) -> Frame:
        try:
            return replace(self._done(frame), call=frame.call)
        except Stopped:
            return Frame("cancelled", frame.call)
        except StudioError as error:
            return protocol.failed_frame(frame.call, error)
        finally:
            self._cancelled.discard(frame.call)

    def _done(self, frame: Frame) -> Frame:
        match frame.kind:
            case "load":
                gc.unfreeze()
                self._pipeline.load(protocol.checkpoint_of(frame))
                gc.collect()
                gc.freeze()  # what is loaded stays: collecting before each picture then takes no time
                return Frame("done")
            case "render":
                watch = JobWatch(self._channel, frame.call, self._cancelled, self._previews)
                plans = protocol.plans_of(frame)
                if len(plans) == 1:
                    return protocol.rendered_frame([self._pipeline.render(plans[0], watch)])
                return protocol.rendered_frame(self._pipeline.render_batch(plans, watch))
            case "upscale":
                watch = JobWatch(self._channel, frame.call, self._cancelled, previews=False)
                plan = protocol.upscale_plan_of(frame)
                return protocol.upscaled_frame(upscale(plan, self._pipeline.device, self._pipeline.device_name, watch))
            case "clear":
                self._pipeline.clear()
                return Frame("done")
            case "unload":
                gc.unfreeze()
                self._pipeline.unload()
                return Frame("done")
        raise AssertionError(f"the engine sent a frame of unknown kind {frame.kind}")


class Pulse(threading.Thread):
    """Says every second that the process lives, how much processor time it has used, and how its memory is."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(name="pulse", daemon=True)
        self._channel = channel
        self.device: Any = None

    def run(self) -> None:
        while True:
            self.beat()
            time.sleep(BEAT)

    def beat(self) -> None:
        fields: dict[str, Any] = {"worked": time.process_time(), "memory": None}
        if self.device is not None:
            fields["memory"] = memory.measure(self.device)
        self._channel.send(Frame("alive", fields=fields))


def _listen(channel: Channel, tasks: "queue.Queue[Frame]", cancelled: set[int]) -> None:
    while frame := channel.read():
        if frame.kind == "cancel":
            cancelled.add(frame.fields["of"])
        else:
            tasks.put(frame)
    os._exit(0)  # the engine closed our stdin, or is gone: nobody waits for what is being drawn


def _prepare_torch(threads: int | None) -> None:
    import psutil
    import torch

    # One less than the physical cores: torch's threads spin while they wait, and the servers need a core.
    torch.set_num_threads(threads or max(1, (psutil.cpu_count(logical=False) or 2) - 1))
    torch.set_num_interop_threads(1)


def _environment() -> None:
    """What libraries only take from the environment, before they are imported. An allocator the user chose stays."""
    if "PYTORCH_CUDA_ALLOC_CONF" not in os.environ and "PYTORCH_ALLOC_CONF" not in os.environ:
        os.environ.update(PYTORCH_CUDA_ALLOC_CONF=ALLOCATOR, PYTORCH_ALLOC_CONF=ALLOCATOR)
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TRANSFORMERS_VERBOSITY="error")


def main(arguments: Sequence[str] | None = None, make_pipeline: Callable[..., SdxlPipeline] = SdxlPipeline) -> None:
    parser = argparse.ArgumentParser(description="Draws for the studio's engine; not meant to be started by hand.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-previews", action="store_true")
    parser.add_argument("--not-deterministic", action="store_true")
    parser.add_argument("--share-memory", default="auto")
    options = parser.parse_args(arguments)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the engine ends us in its order
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    channel = _own_channel()
    _environment()
    tasks: queue.Queue[Frame] = queue.Queue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(channel, tasks, cancelled), name="listen", daemon=True).start()
    pulse = Pulse(channel)
    pulse.start()
    try:
        _prepare_torch(options.threads)
        pipeline = make_pipeline(
            options.device, deterministic=not options.not_deterministic, share_memory=options.share_memory
        )
        pulse.device = pipeline.device
    except (StudioError, ImportError) as error:
        reason = error.detail if isinstance(error, StudioError) else f"PyTorch or diffusers cannot be imported: {error}"
        channel.send(Frame("cannot_start", fields={"detail": reason}))
        sys.exit(CANNOT_START)
    channel.send(Frame("hello", fields={"device": pipeline.device_name, "device_type": pipeline.device.type}))
    worker = Worker(channel, pipeline, not options.no_previews, cancelled)
    while True:
        frame = tasks.get()
        try:
            answer = worker.answer(frame)
        except Exception as error:  # the top of this process
            logger.exception("%s failed", frame.kind)
            detail = f"{type(error).__name__}: {error}"
            answer = Frame("failed", frame.call, {"code": "internal_error", "detail": detail})
        pulse.beat()
        channel.send(answer)
        if answer.kind == "failed" and not _device_works(pipeline.device):
            sys.exit("the device no longer answers; a new process will try again")


def _device_works(device: Any) -> bool:
    """After some CUDA errors every further call fails until the process ends."""
    if device.type != "cuda":
        return True
    import torch

    try:
        torch.cuda.synchronize(device)
        torch.zeros(1, device=device).add(1).item()
    except RuntimeError:
        logger.exception("the device is lost")
        return False
    return True


if __name__ == "__main__":
    main()
