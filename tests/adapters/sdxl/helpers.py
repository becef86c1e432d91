"""What the engine's tests share: orders to draw, a watch that keeps what it saw, and the faulty worker."""

from pathlib import Path
from typing import Any

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN
from illustrious_studio.domain.images import ImageRequest, RenderOrder
from illustrious_studio.domain.models import Checkpoint

HERE = Path(__file__).parent
PLACES = [str(BUILTIN.parents[2]), str(HERE)]
FAULTY = ("-P", "-c", f"import sys; sys.path += {PLACES!r}; import faulty_worker; faulty_worker.main()")


class QuietWatch:
    """Follows a drawing and keeps what it saw. Asks for every preview."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def check(self) -> None:
        pass

    def step(self, step: Any) -> None:
        self.seen.append(step)

    def wants_preview(self) -> bool:
        return True


def order(
    checkpoint: Checkpoint,
    prompt: str = "a black cat",
    *,
    size: int = 64,
    sketch: Any = None,
    mask: Any = None,
    **fields: Any,
) -> RenderOrder:
    settings: dict[str, Any] = {"steps": 4, "guidance": 3.0, "seed": 7, "width": size, "height": size}
    request = ImageRequest(prompt=prompt, **{**settings, **fields})
    return RenderOrder(
        request, checkpoint, sketch, (request.strength or checkpoint.sketch_strength) if sketch else None, mask
    )
