"""What the engine's tests share: plans to draw, a watch that keeps what it saw, and the faulty worker."""

from pathlib import Path
from typing import Any

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN
from illustrious_studio.adapters.sdxl.worker.controls import SteeredUnet
from illustrious_studio.adapters.sdxl.worker.loras import LoraMerger
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.prompt import PromptEncoder
from illustrious_studio.adapters.sdxl.worker.residence import Residence
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import MaskContent
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import FromPicture, RenderPlan
from illustrious_studio.domain.soft_inpainting import SoftInpainting
from illustrious_studio.services.render_plan import render_plan

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


def plan(
    checkpoint: Checkpoint,
    prompt: str = "a black cat",
    *,
    size: int = 64,
    sketch: Any = None,
    mask: Any = None,
    content: MaskContent = "original",
    soft: SoftInpainting | None = None,
    **fields: Any,
) -> RenderPlan:
    settings: dict[str, Any] = {"steps": 4, "guidance": 3.0, "seed": 7, "width": size, "height": size}
    request = ImageRequest(prompt=prompt, **{**settings, **fields})
    return render_plan(request, checkpoint, FromPicture(sketch, mask, content, soft) if sketch else None)


def encoder_of(pipeline: Any, device: Any) -> PromptEncoder:
    """A prompt encoder of diffusers' pipeline, which lies where it is."""
    residence = Residence(pipeline, device)
    return PromptEncoder(pipeline, device, LoraMerger(pipeline, residence), residence)


def unsteered(pipeline: SdxlPipeline) -> SteeredUnet:
    """The loaded UNet as a pass without controls asks it."""
    models = pipeline._controls
    assert models is not None
    return SteeredUnet(pipeline._pipeline.unet, models, (), (64, 64), 4, 1)
