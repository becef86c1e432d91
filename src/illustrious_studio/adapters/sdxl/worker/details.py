"""Drawing the details of a finished picture again (`domain/details.py`): what is found in it, region by region.

Each region is a drawing of its own over a part of the picture, so it is done as such: the part goes through the
picture's 8 bits to the VAE and back, as with "only masked" in image to image, which gives the same pixels.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from PIL import Image

from illustrious_studio.adapters.sdxl.worker.progress import PlanProgress, ProgressCallback
from illustrious_studio.domain.details import DetectorFile, Found, boxes_found, chosen, mask_of
from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.inputs import Box, PreparedInit, prepare_region
from illustrious_studio.domain.pictures import Picture, open_image
from illustrious_studio.domain.rendering import DetailPass, FromPicture, RenderPlan, Step
from illustrious_studio.domain.sampling import img2img_steps

PREVIEW_SIDE = 512


class Drawing(Protocol):
    """What draws and what looks."""

    def redrawn(self, plan: RenderPlan, watch: ProgressCallback) -> Picture:
        """A region, by a plan of one pass."""
        ...

    def detect(self, file: DetectorFile, picture: Picture, confidence: float) -> list[Found]: ...


def with_details(plan: RenderPlan, picture: Picture, drawing: Drawing, progress: PlanProgress) -> Picture:
    """The picture after all of the plan's details were drawn; itself where nothing is found."""
    for detail in plan.details:
        image = picture.image()
        masks = list(_masks(detail, picture, drawing))
        each = img2img_steps(detail.drawn.steps, detail.drawn.strength)
        progress.to_come += len(masks) * each - detail.expected_steps
        changed = False
        for number, mask in enumerate(masks):
            size = detail.drawn.width, detail.drawn.height
            region = prepare_region(image, mask, size, detail.detail.padding, detail.detail.blur)
            request = _request_for(plan.request, detail, number)
            if region is None or request is None:
                progress.to_come -= each
                continue
            with progress.of_pass(each) as watch:
                drawn = drawing.redrawn(
                    _plan_for(plan, detail, request, region), _InPicture(watch, image, region.region)
                )
            image = region.finished(drawn)
            changed = True
        picture = Picture.from_image(image) if changed else picture
    return picture


def _masks(detail: DetailPass, picture: Picture, drawing: Drawing) -> Iterator[Image.Image]:
    """Grey, in the picture's size, one for each region, all of them found before any is drawn."""
    size, where = (picture.width, picture.height), detail.regions
    if where.mask is not None:
        painted = where.mask.image().convert("L").resize(size, Image.Resampling.BILINEAR)
        box = painted.getbbox()
        found = [] if box is None else [Found(box, painted)]
    elif where.detector is not None:
        found = drawing.detect(where.detector, picture, detail.detail.confidence)
    else:
        found = boxes_found(where.boxes, size)
    for one in chosen(found, detail.detail, size):
        yield mask_of(one, size, detail.detail.dilate)


def _request_for(request: ImageRequest, detail: DetailPass, number: int) -> ImageRequest | None:
    """The picture's request for one of the regions, counted from 0: each has the next seed, as in ADetailer. None where
    it is left as it is."""
    words = detail.detail.words_for(number, request.prompt, request.negative_prompt)
    if words is None:
        return None
    prompt, negative_prompt = words
    guidance = request.guidance if detail.detail.guidance is None else detail.detail.guidance
    varied = request.variation_seed
    return request.model_copy(
        update={
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "guidance": guidance,
            "regions": (),
            "seed": (request.seed + number) % (MAX_SEED + 1),
            "variation_seed": None if varied is None else (varied + number) % (MAX_SEED + 1),
        }
    )


def _plan_for(plan: RenderPlan, detail: DetailPass, request: ImageRequest, region: PreparedInit) -> RenderPlan:
    """What steers the whole picture is not of the size or the place of a region: it counts nothing there, and stays
    loaded for the next picture."""
    one = replace(detail.drawn, start=FromPicture(region.base, region.mask))
    controls = tuple(replace(control, weight=0.0) for control in plan.controls)
    alone = replace(plan, request=request, passes=(one,), details=(), picture=None)
    return replace(alone, controls=controls, region_masks=(), region_loras=())


class _InPicture:
    """Follows the drawing of a region: its previews are shown in the picture."""

    def __init__(self, watch: ProgressCallback, image: Image.Image, region: Box) -> None:
        self._watch = watch
        self._small = image.copy()
        self._small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        scales = [small / side for small, side in zip(self._small.size, image.size, strict=True)] * 2
        self._region = [round(edge * scale) for edge, scale in zip(region, scales, strict=True)]
        self.check = watch.check
        self.wants_preview = watch.wants_preview

    def step(self, step: Step) -> None:
        self._watch.step(replace(step, preview=self._shown(step.preview)) if step.preview else step)

    def _shown(self, preview: bytes) -> bytes:
        image = self._small.copy()
        left, top, right, bottom = self._region
        image.paste(open_image(preview).resize((max(1, right - left), max(1, bottom - top))), (left, top))
        target = io.BytesIO()
        image.save(target, "JPEG", quality=80)
        return target.getvalue()
