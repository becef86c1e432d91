"""What is tried when memory runs out or numbers are wrong, with faults around the real pipeline."""

import weakref
from typing import Any

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, order

from illustrious_studio.adapters.sdxl.worker.oom_fallback import AGAIN, PRECISE, TILED, Stopped, draw
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import OutOfMemory, Unavailable
from illustrious_studio.domain.models import Checkpoint

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
        self.enable_offload = real.enable_offload

    def denoise(self, order: Any, watch: Any) -> Any:
        ballast = Ballast()
        self.ballast.append(weakref.ref(ballast))
        self._fail(self._steps)
        return self._real.denoise(order, watch)

    def decode(self, latents: Any, *, tiled: bool, precise: bool) -> Any:
        self.tiled.append(tiled)
        if self._decodings and self._decodings[0] == "nan":
            self._decodings.pop(0)
            return self._real.decode(latents * float("nan"), tiled=tiled, precise=precise)
        self._fail(self._decodings)
        return self._real.decode(latents, tiled=tiled, precise=precise)

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
    assert draw(Faults(loaded), order(builtin), QuietWatch()).attempts == ()


def test_out_of_memory_in_the_steps_is_drawn_again_after_its_frames_are_gone(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    faults = Faults(loaded, steps=[no_memory()])
    plain = draw(Faults(loaded), order(builtin), QuietWatch()).picture
    drawn = draw(faults, order(builtin), QuietWatch())
    assert drawn.attempts == (AGAIN,)
    assert faults.alive_when_cleared == [0], "the failed attempt's tensors were still held while memory was cleared"
    assert faults.tiled == [True]
    assert (drawn.picture.width, drawn.picture.height) == (plain.width, plain.height)


def test_out_of_memory_in_the_decoding_keeps_the_steps_and_decodes_in_tiles(
    loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    watch = QuietWatch()
    faults = Faults(loaded, decodings=[no_memory()])
    drawn = draw(faults, order(builtin, size=128), watch)
    assert drawn.attempts == (TILED,)
    assert faults.tiled == [False, True]
    assert len(watch.seen) == 4


def test_a_tiled_picture_is_the_same_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    from PIL import ImageChops, ImageStat

    plain = draw(Faults(loaded), order(builtin, size=128), QuietWatch()).picture.image()
    tiled = draw(Faults(loaded, decodings=[no_memory()]), order(builtin, size=128), QuietWatch()).picture.image()
    difference = ImageStat.Stat(ImageChops.difference(plain, tiled))
    assert max(difference.mean) < 6


def test_out_of_memory_in_tiles_too_draws_once_more_sparingly(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    drawn = draw(Faults(loaded, decodings=[no_memory(), no_memory()]), order(builtin), QuietWatch())
    assert drawn.attempts == (TILED, AGAIN)


def test_after_two_attempts_it_is_out_of_memory(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    faults = Faults(loaded, steps=[no_memory(), no_memory(), no_memory()])
    with pytest.raises(OutOfMemory, match="Make the picture smaller"):
        draw(faults, order(builtin), QuietWatch())
    assert len(faults.ballast) == 2


@pytest.mark.parametrize(
    "words", ["DefaultCPUAllocator: can't allocate memory: you tried to allocate", "MPS backend out of memory"]
)
def test_lack_of_memory_is_known_by_its_words_where_there_is_no_class(
    loaded: SdxlPipeline, builtin: Checkpoint, words: str
) -> None:
    drawn = draw(Faults(loaded, steps=[RuntimeError(words)]), order(builtin), QuietWatch())
    assert drawn.attempts == (AGAIN,)


def test_another_error_is_not_taken_for_lack_of_memory(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        draw(
            Faults(loaded, steps=[RuntimeError("mat1 and mat2 shapes cannot be multiplied")]),
            order(builtin),
            QuietWatch(),
        )


def test_numbers_that_are_no_picture_are_decoded_once_more(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    drawn = draw(Faults(loaded, decodings=["nan"]), order(builtin), QuietWatch())
    assert drawn.attempts == (PRECISE,)


def test_no_black_picture_is_ever_handed_out(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    with pytest.raises(Unavailable, match="choose another checkpoint"):
        draw(Faults(loaded, decodings=["nan", "nan"]), order(builtin), QuietWatch())


def test_stopping_between_steps_and_decoding_stops(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    class StoppedAtTheEnd(QuietWatch):
        def check(self) -> None:
            if len(self.seen) == 4:
                raise Stopped

    faults = Faults(loaded)
    with pytest.raises(Stopped):
        draw(faults, order(builtin), StoppedAtTheEnd())
    assert faults.tiled == []
