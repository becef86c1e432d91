"""What is tried when memory does not suffice, or when the numbers come out wrong.

One drawing has two stages, the steps and the decoding, and at most two attempts. Memory that runs out while decoding
costs only the decoding: the latents are kept, memory is cleared, and the VAE works tile by tile. If that is not enough,
or if it ran out during the steps, memory is cleared and all is drawn once more, on a GPU with the model moved there
part by part. Then it is OutOfMemory. A picture of no finite numbers, or of one single colour, is decoded
once more with the VAE in float32 and then refused. This module drives; `pipeline` does the work.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from illustrious_studio.adapters.sdxl.worker.memory import unless_out_of_memory
from illustrious_studio.domain.errors import OutOfMemory, Unavailable
from illustrious_studio.domain.images import RenderOrder, Step
from illustrious_studio.domain.pictures import Picture

TILED = "memory cleared, VAE decoded in tiles"
AGAIN = "memory cleared, everything drawn again, VAE decoded in tiles"
OFFLOADED = f"{AGAIN}, the model moved to the device part by part"
PRECISE = "VAE decoded again in float32"


class Stopped(Exception):
    """Somebody cancelled the drawing."""


class BadNumbers(Exception):
    """The VAE gave numbers that are no picture."""


class ProgressCallback(Protocol):
    """Whoever follows a drawing. Both raise Stopped once it was cancelled."""

    def check(self) -> None: ...
    def step(self, step: Step) -> None: ...
    def wants_preview(self) -> bool: ...


class PipelineStages(Protocol):
    """The two stages, and clearing between attempts. Latents are the pipeline's own matter."""

    def denoise(self, order: RenderOrder, watch: ProgressCallback) -> Any: ...
    def decode(self, latents: Any, *, tiled: bool, precise: bool) -> Picture: ...
    def enable_offload(self) -> bool:
        """Keep the model off the device but for the part that works; whether that is possible."""
        ...

    def clear(self) -> None: ...


@dataclass(frozen=True)
class Drawn:
    picture: Picture
    attempts: tuple[str, ...]


def draw(stages: PipelineStages, order: RenderOrder, watch: ProgressCallback) -> Drawn:
    """Raises OutOfMemory, Unavailable (bad numbers), Stopped."""
    tried: list[str] = []
    for offloaded in (False, True):
        if offloaded:
            stages.clear()
            tried.append(OFFLOADED if stages.enable_offload() else AGAIN)
        latents = unless_out_of_memory(lambda: stages.denoise(order, watch))
        if latents is None:
            continue
        watch.check()
        picture = _decoded(stages, latents, offloaded, tried)
        if picture is not None:
            return Drawn(picture, tuple(tried))
        del latents
    stages.clear()
    width, height = order.size
    raise OutOfMemory(
        f"The device's memory does not hold a picture of {width} x {height}, also after: {'; '.join(tried)}. "
        "Make the picture smaller, close other programs that use the device, or choose a smaller checkpoint."
    )


def _decoded(stages: PipelineStages, latents: Any, tiled: bool, tried: list[str]) -> Picture | None:
    try:
        picture = unless_out_of_memory(lambda: stages.decode(latents, tiled=tiled, precise=False))
        if picture is None and not tiled:
            stages.clear()
            tried.append(TILED)
            tiled = True
            picture = unless_out_of_memory(lambda: stages.decode(latents, tiled=True, precise=False))
        return picture
    except BadNumbers:
        tried.append(PRECISE)
    stages.clear()
    try:
        return unless_out_of_memory(lambda: stages.decode(latents, tiled=tiled, precise=True))
    except BadNumbers as error:
        raise Unavailable(
            "The checkpoint gave no picture: its numbers are not finite or all alike, also with its VAE in float32. "
            "Try another seed or a guidance below 15; if it stays so, choose another checkpoint."
        ) from error
