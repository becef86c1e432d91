"""What is tried when memory runs out or numbers are wrong, with faults around the real pipeline."""

import weakref
from dataclasses import replace
from typing import Any

import pytest
from PIL import ImageChops, ImageStat
from tests.adapters.sdxl.helpers import QuietWatch, plan

from illustrious_studio.adapters.sdxl.protocol import plans_frame, plans_of
from illustrious_studio.adapters.sdxl.worker.oom_fallback import AGAIN, DECODED_AGAIN, TILED, draw
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.adapters.sdxl.worker.progress import Stopped
from illustrious_studio.domain.errors import OutOfMemory
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.rendering import FromLatents, RenderPlan
from samples import a_picture

pytestmark = pytest.mark.model


class Ballast:
    """Stands for what a failing frame holds: gone only when nothing refers to that frame any more."""


class Faults:
    """The real stages, failing where a list says so: one entry a call, None for success."""

    def __init__(self, real: SdxlPipeline, steps: list[Any] = [], decodings: list[Any] = []) -> None:  # noqa: B006
        self._real = real
        self._steps = list(steps)
        self._decodings = list(decodings)
        self.ballast: list[weakref.ref[Ballast]] = []
        self.alive_when_cleared: list[int] = []
        self.tiled: list[bool] = []
        self.place_thriftier = real.place_thriftier
        self.code_in_tiles = real.code_in_tiles
        self.upcast = real.upcast
        self.detect = real.detect

    @property
    def codes_in_tiles(self) -> bool:
        return self._real.codes_in_tiles

    def denoise(self, plans: Any, number: int, before: Any, watch: Any) -> Any:
        ballast = Ballast()
        self.ballast.append(weakref.ref(ballast))
        self._fail(self._steps)
        return self._real.denoise(plans, number, before, watch)

    def decode(self, latents: Any, *, tiled: bool) -> Any:
        self.tiled.append(tiled)
        self._fail(self._decodings)
        return self._real.decode(latents, tiled=tiled)

    def clear(self) -> None:
        self._real.clear()
        self.alive_when_cleared.append(sum(reference() is not None for reference in self.ballast))

    @staticmethod
    def _fail(faults: list[Any]) -> None:
        if faults and (error := faults.pop(0)) is not None:
            raise error


def no_memory() -> Exception:
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_without_faults_nothing_is_tried(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    assert draw(Faults(loaded), plan(builtin), QuietWatch()).attempts == ()


def test_out_of_memory_in_the_steps_is_drawn_again_after_its_frames_are_gone(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    faults = Faults(loaded, steps=[no_memory()])
    plain = draw(Faults(loaded), plan(builtin), QuietWatch()).picture
    drawn = draw(faults, plan(builtin), QuietWatch())
    assert drawn.attempts == (AGAIN,)
    assert faults.alive_when_cleared == [0], "the failed attempt's tensors were still held while memory was cleared"
    assert faults.tiled == [True]
    assert (drawn.picture.width, drawn.picture.height) == (plain.width, plain.height)


def test_out_of_memory_in_the_decoding_keeps_the_steps_and_decodes_in_tiles(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    watch = QuietWatch()
    faults = Faults(loaded, decodings=[no_memory()])
    drawn = draw(faults, plan(builtin, size=128), watch)
    assert drawn.attempts == (TILED,)
    assert faults.tiled == [False, True]
    assert len(watch.seen) == 4


def test_a_tiled_picture_is_the_same_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    plain = draw(Faults(loaded), plan(builtin, size=128), QuietWatch()).picture.image()
    tiled = draw(Faults(loaded, decodings=[no_memory()]), plan(builtin, size=128), QuietWatch()).picture.image()
    difference = ImageStat.Stat(ImageChops.difference(plain, tiled))
    assert max(difference.mean) < 6


def test_out_of_memory_in_tiles_too_decodes_once_more_sparingly(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    drawn = draw(Faults(loaded, decodings=[no_memory(), no_memory()]), plan(builtin), QuietWatch())
    assert drawn.attempts == (TILED, DECODED_AGAIN)


def test_after_two_attempts_it_is_out_of_memory(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    faults = Faults(loaded, steps=[no_memory(), no_memory(), no_memory()])
    with pytest.raises(OutOfMemory, match="Make the picture smaller"):
        draw(faults, plan(builtin), QuietWatch())
    assert len(faults.ballast) == 2


@pytest.mark.parametrize(
    "words", ["DefaultCPUAllocator: can't allocate memory: you tried to allocate", "MPS backend out of memory"]
)
def test_lack_of_memory_is_known_by_its_words_where_there_is_no_class(
    loaded: SdxlPipeline, builtin: Checkpoint, words: str
) -> None:
    drawn = draw(Faults(loaded, steps=[RuntimeError(words)]), plan(builtin), QuietWatch())
    assert drawn.attempts == (AGAIN,)


def test_another_error_is_not_taken_for_lack_of_memory(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        draw(
            Faults(loaded, steps=[RuntimeError("mat1 and mat2 shapes cannot be multiplied")]),
            plan(builtin),
            QuietWatch(),
        )


def test_stopping_between_steps_and_decoding_stops(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    class StoppedAtTheEnd(QuietWatch):
        def check(self) -> None:
            if len(self.seen) == 4:
                raise Stopped

    faults = Faults(loaded)
    with pytest.raises(Stopped):
        draw(faults, plan(builtin), StoppedAtTheEnd())
    assert faults.tiled == []


def two_passes(checkpoint: Checkpoint) -> RenderPlan:
    """Four steps from noise, then the latents at twice the size for half of four steps, which A1111 makes three."""
    small = plan(checkpoint)
    return replace(
        small, passes=(*small.passes, replace(small.passes[0], width=128, height=96, start=FromLatents(), strength=0.5))
    )


def test_a_pass_goes_on_from_the_latents_of_the_one_before_and_its_steps_are_counted_on(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    watch = QuietWatch()
    drawn = draw(Faults(loaded), two_passes(builtin), watch)
    assert (drawn.picture.width, drawn.picture.height, drawn.attempts) == (128, 96, ())
    assert [(step.step, step.steps) for step in watch.seen] == [(number, 7) for number in range(1, 8)]
    other_start = replace(plan(builtin, seed=8), passes=two_passes(builtin).passes)
    assert draw(Faults(loaded), other_start, QuietWatch()).picture != drawn.picture
    small = draw(Faults(loaded), plan(builtin), QuietWatch()).picture.image().resize((32, 24))
    difference = ImageChops.difference(small, drawn.picture.image().resize((32, 24)))
    assert max(ImageStat.Stat(difference).mean) < 40, "it is not the picture of the first pass any more"


def test_only_the_pass_that_ran_out_of_memory_is_repeated(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    plain = draw(Faults(loaded), two_passes(builtin), QuietWatch()).picture
    watch, faults = QuietWatch(), Faults(loaded, steps=[None, no_memory()])
    drawn = draw(faults, two_passes(builtin), watch)
    assert (len(faults.ballast), drawn.attempts) == (3, (AGAIN,))
    assert [step.step for step in watch.seen] == [1, 2, 3, 4, 5, 6, 7]
    assert (drawn.picture.width, drawn.picture.height) == (plain.width, plain.height)


def test_a_drawing_has_one_second_chance_for_all_its_passes(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    faults = Faults(loaded, steps=[no_memory(), None, no_memory()])
    with pytest.raises(OutOfMemory, match="a picture of 128 x 96, also after: memory cleared"):
        draw(faults, two_passes(builtin), QuietWatch())


def test_a_drawing_is_stopped_between_its_passes(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    class StoppedAfterTheFirst(QuietWatch):
        def check(self) -> None:
            if len(self.seen) == 4:
                raise Stopped

    watch = StoppedAfterTheFirst()
    with pytest.raises(Stopped):
        draw(Faults(loaded), two_passes(builtin), watch)
    assert len(watch.seen) == 4


def test_a_plan_comes_through_the_pipe_as_it_was(builtin: Checkpoint) -> None:
    masked = plan(builtin, sketch=a_picture(), mask=a_picture(64, 48), image="a" * 64)
    for sent in (plan(builtin), two_passes(builtin), masked):
        assert plans_of(plans_frame([sent])) == [sent]
