"""From a resolved request to the plan that an engine carries out. Pure: nothing is read, drawn or waited for here."""

from dataclasses import dataclass, replace

from illustrious_studio.domain.details import USUAL_STRENGTH, Detail
from illustrious_studio.domain.hires import LATENT_UPSCALERS, HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import LoraUse
from illustrious_studio.domain.models import Checkpoint, VaeFile
from illustrious_studio.domain.outpainting import Outpaint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import (
    DetailPass,
    FromLatents,
    FromNoise,
    FromPicture,
    FromUpscaled,
    Pass,
    Regions,
    RenderPlan,
)
from illustrious_studio.domain.sampling import AUTOMATIC, resolved_schedule
from illustrious_studio.domain.textual_inversion import EmbeddingFile

SKETCH_STRENGTH = 0.8
"""How much a checkpoint that declares nothing changes a sketch: the layout stays, the drawing is its own."""
PEOPLE_STRENGTH = 0.1
"""How much the built-in model, which starts from a sketch, redraws where people are, unless a request says it: above
that it loses their faces, the colour of the eyes first (measured in docs/models.md)."""
STRENGTH = 0.75
"""How much of a given picture is redrawn when the request does not say it, as in A1111."""
OUTPAINT_STRENGTH = 0.9
"""The same of what outpainting adds, which begins with nothing but colours."""


@dataclass(frozen=True)
class Enlarging:
    """What makes a picture larger: a network by its file's path (None: Lanczos's filter), and in which tiles."""

    network: str | None
    tile: int
    overlap: int


def size_of(request: ImageRequest, checkpoint: Checkpoint) -> tuple[int, int]:
    """Width and height in pixels that the request means; what it leaves open is the checkpoint's native size."""
    return request.width or checkpoint.native_width, request.height or checkpoint.native_height


def render_plan(
    request: ImageRequest,
    checkpoint: Checkpoint,
    start: FromPicture | None = None,
    vae: VaeFile | None = None,
    loras: tuple[LoraUse, ...] = (),
    embeddings: tuple[EmbeddingFile, ...] = (),
    enlarged_by: Enlarging | None = None,
    details: tuple[Regions, ...] = (),
    region_masks: tuple[Picture | None, ...] = (),
    region_loras: tuple[tuple[LoraUse, ...], ...] = (),
) -> RenderPlan:
    """`start` is the sketch of the request's layout, or the request's picture, in the request's size (in its own, where
    its details alone are drawn); `vae` what is used instead of the checkpoint's own; `loras` and
    `embeddings` what its prompts name; `enlarged_by` makes it larger before a second pass, unless latents are;
    `details` where those of the request are, in their order; `region_masks` and `region_loras` are those of its
    regions."""
    width, height = size_of(request, checkpoint)
    drawn_as = as_asked(request, checkpoint)
    one = Pass(
        width=width,
        height=height,
        steps=request.steps,
        sampler=request.sampler,
        schedule=resolved_schedule(request.sampler, request.schedule, drawn_as),
        start=start or FromNoise(),
        strength=1.0 if start is None else strength_of(request, checkpoint),
    )
    passes = (one,) if request.hires is None else (one, _second_pass(request.hires, one, drawn_as, enlarged_by))
    detail_passes = tuple(
        DetailPass(detail, where, _in_tiles(detail_pass(detail, request, drawn_as), request))
        for detail, where in zip(request.details, details, strict=True)
    )
    plan = RenderPlan(
        request,
        drawn_as,
        tuple(_in_tiles(each, request) for each in passes),
        vae,
        loras,
        region_loras,
        embeddings,
        details=detail_passes,
        region_masks=region_masks,
    )
    if request.skip_img2img:
        assert start is not None, "there is no picture of which the details are drawn"
        return replace(plan, passes=(), picture=start.picture)
    return plan


def detail_pass(detail: Detail, request: ImageRequest, checkpoint: Checkpoint) -> Pass:
    """Over each of its regions. Raises InvalidRequest for a sampler that does not go with the checkpoint."""
    sampler = detail.sampler or request.sampler
    asked = detail.schedule or (request.schedule if detail.sampler is None else AUTOMATIC)
    return Pass(
        width=detail.width or checkpoint.native_width,
        height=detail.height or checkpoint.native_height,
        steps=detail.steps or request.steps,
        sampler=sampler,
        schedule=resolved_schedule(sampler, asked, checkpoint),
        strength=detail.strength or USUAL_STRENGTH,
    )


def _in_tiles(whole: Pass, request: ImageRequest) -> Pass:
    """The pass in the tiles that the request wants, if it is larger than one."""
    if request.tile is None or max(whole.width, whole.height) <= request.tile:
        return whole
    return replace(whole, tile=request.tile, overlap=request.tile_overlap)


def _second_pass(hires: HiresFix, first: Pass, checkpoint: Checkpoint, enlarged_by: Enlarging | None) -> Pass:
    scaled, (width, height) = hires.sizes((first.width, first.height))
    steps, taken = hires.steps_of(first.steps)
    sampler = hires.sampler or first.sampler
    start: FromLatents | FromUpscaled
    if hires.enlarged_by in LATENT_UPSCALERS:
        start = FromLatents(scaled, *LATENT_UPSCALERS[hires.enlarged_by])
    else:
        assert enlarged_by is not None, "nothing was found that makes it larger"
        start = FromUpscaled(scaled, enlarged_by.network, enlarged_by.tile, enlarged_by.overlap)
    asked = hires.schedule or (first.schedule if hires.sampler is None else AUTOMATIC)
    return Pass(
        width=width,
        height=height,
        steps=steps,
        sampler=sampler,
        schedule=resolved_schedule(sampler, asked, checkpoint),
        start=start,
        strength=hires.denoising,
        taken=taken,
        prompt=hires.prompt,
        negative_prompt=hires.negative_prompt,
    )


def settled_detail(detail: Detail, checkpoint: Checkpoint) -> Detail:
    """With the size and the strength that are left out. With a checkpoint that always begins with a sketch more than
    this strength would lose what is drawn from the sketch alone."""
    usual = {
        "strength": USUAL_STRENGTH if checkpoint.sketch_strength is None else PEOPLE_STRENGTH,
        "width": checkpoint.native_width,
        "height": checkpoint.native_height,
    }
    return detail.model_copy(update={name: value for name, value in usual.items() if getattr(detail, name) is None})


def as_asked(request: ImageRequest, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with what the request says of its prediction: the weights stay the same."""
    asked = {
        "prediction_type": None if request.prediction_type == "auto" else request.prediction_type,
        "zero_terminal_snr": request.zero_terminal_snr,
    }
    return checkpoint.model_copy(update={name: value for name, value in asked.items() if value is not None})


def strength_of(request: ImageRequest, checkpoint: Checkpoint) -> float:
    """How much of its picture, or else of its sketch, the request has redrawn."""
    if request.image is not None:
        if request.strength is not None:
            return request.strength
        return STRENGTH if request.outpaint is None else usual_outpaint_strength(request.outpaint, checkpoint)
    people = request.layout is not None and any(one.figure for one in request.layout.things)
    return request.sketch_strength or usual_sketch_strength(checkpoint, people=people)


def usual_outpaint_strength(outpaint: Outpaint, checkpoint: Checkpoint) -> float:
    """How much is redrawn where a picture grows: all of what begins without its colours; of these as much as a
    checkpoint that starts from sketches can draw."""
    if outpaint.content != "fill":
        return 1.0
    return OUTPAINT_STRENGTH if checkpoint.sketch_strength is None else checkpoint.sketch_strength


def usual_sketch_strength(checkpoint: Checkpoint, *, people: bool) -> float:
    """How much of a sketch is redrawn with this checkpoint, unless the request says it."""
    if checkpoint.sketch_strength is None:
        return SKETCH_STRENGTH
    return PEOPLE_STRENGTH if people else checkpoint.sketch_strength
