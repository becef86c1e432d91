"""Details of a picture, drawn by the real small model: what they change, and what they leave."""

import io
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image
from tests.adapters.sdxl.helpers import QuietWatch
from tests.adapters.sdxl.test_oom_fallback import Faults, no_memory

from illustrious_studio.adapters.sdxl.detector_catalogue import DiskDetectors
from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.oom_fallback import AGAIN, draw
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.details import Detail, DetailBox, DetectorFile
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import prepare_part
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import FromPicture, Regions, RenderPlan
from illustrious_studio.services.render_plan import Enlarging, render_plan
from tiny_detectors import damaged, put_detector, red_detector

pytestmark = pytest.mark.model

SIZE = 96
LEFT = DetailBox(x=0.25, y=0.5, w=0.25, h=0.25)
RIGHT = DetailBox(x=0.75, y=0.5, w=0.25, h=0.25)
DETAIL: dict[str, Any] = {"width": 64, "height": 64, "strength": 0.6, "steps": 3, "padding": 8, "blur": 2}


def boxes(*regions: DetailBox, **others: Any) -> tuple[Detail, Regions]:
    return Detail(find="boxes", boxes=regions, **{**DETAIL, **others}), Regions(regions)


def plan(checkpoint: Checkpoint, *details: tuple[Detail, Regions], **fields: Any) -> RenderPlan:
    asked: dict[str, Any] = {"steps": 3, "guidance": 3.0, "seed": 7, "width": SIZE, "height": SIZE, **fields}
    request = ImageRequest(prompt="a black cat", details=tuple(detail for detail, _ in details), **asked)
    return render_plan(request, checkpoint, details=tuple(regions for _, regions in details))


def of_picture(checkpoint: Checkpoint, picture: Picture, *details: tuple[Detail, Regions], **fields: Any) -> RenderPlan:
    asked: dict[str, Any] = {"steps": 3, "guidance": 3.0, "seed": 7, **fields}
    every = tuple(detail for detail, _ in details)
    request = ImageRequest(prompt="a black cat", details=every, image="a" * 64, skip_img2img=True, **asked)
    return render_plan(request, checkpoint, FromPicture(picture), details=tuple(regions for _, regions in details))


def drawn(pipeline: SdxlPipeline, wanted: RenderPlan, watch: QuietWatch | None = None) -> Picture:
    return pipeline.render(wanted, watch or QuietWatch()).picture


def changed(one: Picture, other: Picture) -> Any:
    """Where they differ: height x width."""
    return (numpy.array(one.image()) != numpy.array(other.image())).any(axis=2)


CELL = 12
"""Pixels for one place of the detector, in a picture of this size."""


def with_red(*corners: tuple[int, int]) -> Picture:
    """A red square for each corner, as large as a place of the detector, which finds a box of twice its sides there."""
    image = Image.linear_gradient("L").resize((SIZE, SIZE)).convert("RGB")
    for x, y in corners:
        image.paste((255, 0, 0), (x, y, x + CELL, y + CELL))
    return Picture.from_image(image)


@pytest.fixture
async def detector(tmp_path: Path) -> DetectorFile:
    put_detector(tmp_path / "detectors" / "red.onnx")
    (found,) = await DiskDetectors([tmp_path / "checkpoints"]).list()
    return found


def finding(file: DetectorFile, **others: Any) -> tuple[Detail, Regions]:
    detail = Detail(find="detector", detector=file.name, **{**DETAIL, "blur": 0, "dilate": 0, **others})
    return detail, Regions(detector=file)


def test_details_of_nothing_change_nothing(loaded: SdxlPipeline, builtin: Checkpoint, detector: DetectorFile) -> None:
    without = drawn(loaded, plan(builtin))
    for nothing in (boxes(), finding(detector, confidence=1.0), boxes(LEFT, smallest=0.9)):
        assert drawn(loaded, plan(builtin, nothing)) == without
        assert drawn(loaded, of_picture(builtin, without, nothing)) == without


def test_nothing_beyond_the_soft_edges_of_its_regions_changes(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    without = drawn(loaded, plan(builtin))
    differ = changed(without, drawn(loaded, plan(builtin, boxes(LEFT, dilate=4, blur=2))))
    middle = slice(SIZE // 2 - 12, SIZE // 2 + 12), slice(SIZE // 4 - 12, SIZE // 4 + 12)
    assert differ[middle].mean() > 0.9, "the region itself was hardly drawn again"
    reach = 12 + 4 + 3 * 2 + 1
    differ[SIZE // 2 - reach : SIZE // 2 + reach, SIZE // 4 - reach : SIZE // 4 + reach] = False
    assert not differ.any()


def test_a_box_is_drawn_as_image_to_image_draws_only_what_is_masked(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    without = drawn(loaded, plan(builtin))
    detail, regions = boxes(RIGHT, dilate=0, sampler="Euler a", guidance=5.0, steps=4, negative_prompt="blurry")
    mask = Image.new("L", (SIZE, SIZE))
    mask.paste(255, (SIZE * 5 // 8, SIZE * 3 // 8, SIZE * 7 // 8, SIZE * 5 // 8))
    init = prepare_part(to_png(without), mask, (64, 64), padding=8, blur=2, fill=False)
    inpaint = ImageRequest(
        prompt="a black cat", negative_prompt="blurry", image="a" * 64, strength=0.6, steps=4, sampler="Euler a",
        guidance=5.0, seed=7, width=64, height=64,
    )  # fmt: skip
    wanted = init.finished(drawn(loaded, render_plan(inpaint, builtin, FromPicture(init.base, init.mask))))
    assert drawn(loaded, plan(builtin, (detail, regions))).rgb == wanted.tobytes()
    assert drawn(loaded, of_picture(builtin, without, (detail, regions))).rgb == wanted.tobytes()


def test_regions_and_kinds_are_drawn_one_after_another_each_over_the_last_and_with_the_next_seed(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    start = drawn(loaded, plan(builtin))
    together = drawn(loaded, of_picture(builtin, start, boxes(LEFT, RIGHT, prompt="a dog[SEP]a fox, [PROMPT]")))
    first = drawn(loaded, of_picture(builtin, start, boxes(LEFT, prompt="a dog")))
    second = boxes(RIGHT, prompt="a fox, a black cat")
    assert drawn(loaded, of_picture(builtin, first, second, seed=8)) == together
    twice = drawn(loaded, of_picture(builtin, start, boxes(LEFT, prompt="a dog"), second))
    assert twice == drawn(loaded, of_picture(builtin, first, second))
    assert twice != together, "the second region of a kind has the next seed"
    assert drawn(loaded, of_picture(builtin, start, boxes(LEFT, RIGHT, prompt="a dog[SEP] [SKIP]"))) == first


def test_a_detector_says_where_once_the_picture_is_there(
    loaded: SdxlPipeline, builtin: Checkpoint, detector: DetectorFile
) -> None:
    picture = with_red((24, 36), (72, 60))
    differ = changed(picture, drawn(loaded, of_picture(builtin, picture, finding(detector))))
    for left, top in ((18, 30), (66, 54)):
        found = slice(top, top + 2 * CELL), slice(left, left + 2 * CELL)
        assert differ[found].mean() > 0.9
        differ[found] = False
    assert not differ.any()


def test_progress_counts_the_regions_as_soon_as_they_are_known(
    loaded: SdxlPipeline, builtin: Checkpoint, detector: DetectorFile
) -> None:
    watch = QuietWatch()
    picture = with_red((24, 36), (72, 60))
    drawn(loaded, of_picture(builtin, picture, finding(detector), boxes(LEFT)), watch)
    assert [(one.step, one.steps) for one in watch.seen] == [(number, 6) for number in range(1, 7)]
    shown = Image.open(io.BytesIO(watch.seen[0].preview))
    assert shown.size == (SIZE, SIZE), "a region's preview is shown in its picture"
    known = QuietWatch()
    drawn(loaded, plan(builtin, boxes(LEFT, RIGHT)), known)
    assert {one.steps for one in known.seen} == {3 + 4}


def test_only_the_largest_are_drawn_where_that_is_wanted(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    start = drawn(loaded, plan(builtin))
    large = DetailBox(x=0.75, y=0.5, w=0.3, h=0.3)
    both = boxes(LEFT, large, most=1)
    assert drawn(loaded, of_picture(builtin, start, both)) == drawn(loaded, of_picture(builtin, start, boxes(large)))


def test_a_painted_region_is_drawn_as_far_as_it_is_painted(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    start = drawn(loaded, plan(builtin))
    mask = Image.new("L", (SIZE * 2, SIZE * 2))  # of another size than the picture
    mask.paste(255, (20, 20, 80, 80))
    detail = Detail(find="mask", mask="b" * 64, **{**DETAIL, "blur": 0, "dilate": 0})
    differ = changed(start, drawn(loaded, of_picture(builtin, start, (detail, Regions(mask=Picture.from_image(mask))))))
    assert differ[10:40, 10:40].mean() > 0.9
    differ[9:41, 9:41] = False
    assert not differ.any()


def test_details_come_after_hires_fix(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    hires = {"scale": 1.5, "upscaler": "Lanczos", "strength": 0.3, "steps": 2}
    detail, regions = boxes(LEFT)

    def large(details: tuple[Detail, ...]) -> Picture:
        request = ImageRequest(
            prompt="a black cat", steps=3, guidance=3.0, seed=7, width=64, height=64, hires=hires, details=details
        )
        found = (regions,) * len(details)
        return drawn(loaded, render_plan(request, builtin, enlarged_by=Enlarging(None, 0, 0), details=found))

    assert large((detail,)) == drawn(loaded, of_picture(builtin, large(()), (detail, regions)))


def test_pictures_drawn_in_one_go_have_their_own_details(
    loaded: SdxlPipeline, builtin: Checkpoint, detector: DetectorFile
) -> None:
    plans = [plan(builtin, boxes(LEFT, RIGHT), finding(detector), seed=seed) for seed in (3, 4)]
    together = loaded.render_batch(plans, QuietWatch())
    for one, alone in zip(together, plans, strict=True):
        apart = numpy.array(one.picture.image()).astype(int) - numpy.array(drawn(loaded, alone).image())  # type: ignore[union-attr]
        assert abs(apart).max() <= 2


def test_memory_that_runs_out_in_a_region_repeats_that_region_alone(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    wanted = plan(builtin, boxes(LEFT))
    faults = Faults(loaded, steps=[None, no_memory()])
    found = draw(faults, wanted, QuietWatch())
    assert found.attempts == (AGAIN,)
    assert (found.picture.width, found.picture.height) == (SIZE, SIZE)
    assert len(faults.ballast) == 3, "the picture itself was drawn once more"


def test_a_file_that_is_no_detector_after_all_fails_the_drawing_and_leaves_the_next_alone(
    loaded: SdxlPipeline, builtin: Checkpoint, detector: DetectorFile
) -> None:
    before = drawn(loaded, plan(builtin, finding(detector)))
    broken = detector.model_copy(update={"stamp": "another"})
    put_detector(detector.path, damaged(red_detector()))
    with pytest.raises(InvalidRequest, match=r"detector red cannot be used: .*Concut"):
        drawn(loaded, plan(builtin, finding(broken)))
    put_detector(detector.path)
    assert drawn(loaded, plan(builtin, finding(detector))) == before


def test_a_plan_with_details_crosses_to_the_worker_process_as_it_is(
    builtin: Checkpoint, detector: DetectorFile
) -> None:
    picture = with_red((24, 36))
    detail = Detail(find="mask", mask="b" * 64, **DETAIL)
    every = (finding(detector), boxes(LEFT, RIGHT), (detail, Regions(mask=picture)))
    for wanted in (plan(builtin, *every), of_picture(builtin, picture, *every)):
        assert plans_of(plans_frame([wanted])) == [wanted]
