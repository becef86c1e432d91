"""Drawing in tiles, with the real small model: 64 pixels of it are 16 latents."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.oom_fallback import draw
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.progress import Stopped
from illustrious_studio.adapters.sdxl.worker.tiles import shares
from illustrious_studio.adapters.sdxl.worker.upscaling import spans
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import RenderPlan
from illustrious_studio.services.render_plan import Enlarging, render_plan
from samples import a_picture

pytestmark = pytest.mark.model


def tiled(whole: RenderPlan, tile: int, overlap: int = 16) -> RenderPlan:
    """In tiles smaller than a request may ask for."""
    return replace(whole, passes=tuple(replace(one, tile=tile, overlap=overlap) for one in whole.passes))


@contextmanager
def asked_of(pipeline: SdxlPipeline) -> Iterator[list[tuple[tuple[int, ...], list[float]]]]:
    """What the UNet is given each time: the shape of the latents, and the sizes that it is told of each."""
    seen: list[tuple[tuple[int, ...], list[float]]] = []

    def note(unet: Any, args: Any, kwargs: Any) -> None:
        seen.append((tuple(args[0].shape), kwargs["added_cond_kwargs"]["time_ids"][0].tolist()))

    hook = pipeline._pipeline.unet.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("length", "tile", "overlap"), [(64, 16, 4), (65, 16, 8), (17, 16, 0), (48, 16, 0), (8, 16, 4)]
)
def test_of_every_place_the_tiles_are_one_together_and_all_of_one_length(length: int, tile: int, overlap: int) -> None:
    tiles = spans(length, tile, overlap)
    total = torch.zeros(length)
    for (begin, end), share in zip(tiles, shares(tiles), strict=True):
        total[begin:end] += share
    assert torch.allclose(total, torch.ones(length))
    assert {end - begin for begin, end in tiles} == {min(tile, length)} and tiles[-1][1] == length


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"guidance": 1.0, "sampler": "Heun", "schedule": "Normal", "zero_terminal_snr": False},
        {"prompt": "a [black:red:0.5] cat AND a house :0.6", "negative_prompt": "dog", "guidance_rescale": 0.5},
    ],
)
def test_one_tile_over_all_gives_the_same_pixels_as_none(
    loaded: SdxlPipeline, builtin: Checkpoint, settings: dict[str, Any]
) -> None:
    whole = plan(builtin, **settings)
    assert draw(loaded, tiled(whole, 64), QuietWatch()) == draw(loaded, whole, QuietWatch())


def test_the_unet_never_sees_more_than_a_tile_and_is_told_its_size(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    whole = plan(builtin, width=192, height=96, steps=2)
    with asked_of(loaded) as seen:
        picture = loaded.render(tiled(whole, 64), QuietWatch()).picture
    assert (picture.width, picture.height) == (192, 96)
    assert {shape for shape, _ in seen} == {(2, 4, 16, 16)}
    assert len(seen) == 2 * 4 * 2, "steps, tiles in a row, rows"
    assert all(sizes == [64, 64, 0, 0, 64, 64] for _, sizes in seen)
    with asked_of(loaded) as seen:
        loaded.render(whole, QuietWatch())
    assert seen[0] == ((2, 4, 24, 48), [96, 192, 0, 0, 96, 192])


def steepness_at_edges(picture: Picture, overlap: int) -> float:
    """How much more neighbouring columns differ where a tile begins or ends than elsewhere."""
    pixels = np.asarray(picture.image()).astype(float)
    steps = np.abs(np.diff(pixels, axis=1)).mean((0, 2))
    tiles = [(4 * begin, 4 * end) for begin, end in spans(picture.width // 4, 16, overlap // 4)]
    edges = {begin - 1 for begin, _ in tiles[1:]} | {end - 1 for _, end in tiles[:-1]}
    others = [step for at, step in enumerate(steps) if at not in edges]
    return float(np.mean([steps[at] for at in edges]) / np.mean(others))


def test_what_is_drawn_over_in_tiles_has_no_seam(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    start = a_picture(256, 64)
    over = plan(builtin, width=256, height=64, steps=6, sketch=start, image="a" * 64, strength=0.6)
    found = {overlap: steepness_at_edges(draw(loaded, tiled(over, 64, overlap), QuietWatch()).picture, overlap)
             for overlap in (0, 32)}  # fmt: skip
    assert found[32] < 1.1
    assert found[0] > 2, "without an overlap there is one, so that this would be seen"


def test_what_a_mask_spares_stays_in_tiles_too(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    start = a_picture(128, 64)
    nothing = Picture(128, 64, bytes(3 * 128 * 64))
    over = plan(builtin, width=128, height=64, sketch=start, mask=nothing, image="a" * 64, strength=0.9)
    kept = loaded.render(tiled(over, 64), QuietWatch()).picture
    assert kept == loaded.render(over, QuietWatch()).picture, "nothing is drawn, in tiles or not"


def test_hires_fix_draws_its_second_pass_in_tiles(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    request = ImageRequest(
        prompt="a black cat", steps=1, seed=7, width=256, height=64, tile=256, hires=HiresFix(upscaler="Lanczos")
    )
    wanted = render_plan(request, builtin, enlarged_by=Enlarging(None, 192, 16))
    assert [one.tile for one in wanted.passes] == [None, 256]
    assert plans_of(plans_frame([wanted])) == [wanted]
    with asked_of(loaded) as seen:
        picture = loaded.render(wanted, QuietWatch()).picture
    assert (picture.width, picture.height) == (512, 128)
    assert {shape[2:] for shape, _ in seen} == {(16, 64), (32, 64)}


def test_a_cancelled_drawing_stops_between_two_tiles(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    class Impatient(QuietWatch):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks == 5:
                raise Stopped

    with asked_of(loaded) as seen, pytest.raises(Stopped):
        draw(loaded, tiled(plan(builtin, width=512, height=64, steps=1), 64), Impatient())
    assert 0 < len(seen) < 10


def test_the_vae_takes_tiles_only_above_what_is_drawn_as_a_whole(builtin: Checkpoint) -> None:
    def last(**settings: int) -> bool:
        return render_plan(ImageRequest(prompt="", tile=512, **settings), builtin).passes[-1].coded_in_tiles

    assert not last(width=2048, height=2048)
    assert last(width=2056, height=2048)
