"""The real worker around the real pipeline, with faults: what the negative prompt says happens.

`die at K`, `hang at K`, `spin at K`, `break at K`: at step K. `memory N`: the first N attempts run out of memory.
`memory decode`: the first decoding does. Anything else draws as usual.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from illustrious_studio.adapters.sdxl.worker import main as worker
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.progress import ProgressCallback
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import RenderPlan, Step


class FaultyWatch:
    """Passes on what it is told, until the step of the fault."""

    def __init__(self, watch: ProgressCallback, fault: str, at: int) -> None:
        self._watch = watch
        self._fault = fault
        self._at = at
        self.check = watch.check
        self.wants_preview = watch.wants_preview

    def step(self, step: Step) -> None:
        self._watch.step(step)
        if step.step != self._at:
            return
        match self._fault:
            case "die":
                os._exit(9)
            case "hang":
                threading.Event().wait()
            case "spin":
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    pass
            case "break":
                raise LookupError("a fault of the program")


class FaultyPipeline(SdxlPipeline):
    _failed = 0

    def load(self, checkpoint: Checkpoint) -> None:
        """The file that LOADS_THAT_DIE names says how many loads still end the process."""
        if (count := Path(os.environ.get("LOADS_THAT_DIE", "/dev/null"))).is_file() and (
            left := int(count.read_text())
        ):
            count.write_text(str(left - 1))
            os._exit(9)
        super().load(checkpoint)

    def render(self, plan: RenderPlan, watch: ProgressCallback) -> Any:
        self._failed = 0
        return super().render(plan, watch)

    def denoise(self, plans: Sequence[RenderPlan], number: int, before: Any, watch: ProgressCallback) -> Any:
        import torch

        fault, _, what = plans[0].request.negative_prompt.partition(" ")
        if fault == "memory" and what.isdigit() and self._failed < int(what):
            self._failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        self._decode_fails = (fault, what) == ("memory", "decode")
        if what.startswith("at "):
            watch = FaultyWatch(watch, fault, int(what.removeprefix("at ")))
        return super().denoise(plans, number, before, watch)

    def decode(self, latents: Any, *, tiled: bool) -> Any:
        import torch

        if self._decode_fails and not tiled:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().decode(latents, tiled=tiled)


def main() -> None:
    worker.main(sys.argv[1:], FaultyPipeline)
