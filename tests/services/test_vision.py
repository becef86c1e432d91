import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image, PngImagePlugin

from illustrious_studio.domain.errors import Unavailable, UpstreamFailed
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture, open_picture
from illustrious_studio.domain.vision import DEFAULT_QUESTION, VisionModel
from illustrious_studio.services.vision import VisionService


class Parrot:
    """A VisionModel that repeats the question, word by word."""

    status = ModelStatus(backend="builtin", model="parrot", state="ready")

    async def check(self) -> ModelStatus:
        return self.status

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncIterator[str]:
        for word in question.split():
            yield f"{word} "


def opened(parameters: str = "") -> OpenedPicture:
    file = io.BytesIO()
    chunks = PngImagePlugin.PngInfo()
    if parameters:
        chunks.add_text("parameters", parameters)
    Image.new("RGB", (16, 16)).save(file, "PNG", pnginfo=chunks)
    return open_picture(file.getvalue())


async def test_an_answer_comes_whole_or_in_pieces_with_the_models_name() -> None:
    vision = VisionService(Parrot)
    analysis = await vision.analyze(opened(), "is it red?")
    assert (analysis.analysis, analysis.model) == ("is it red?", "parrot")
    model, pieces = await vision.stream(opened(), "is it red?")
    assert (model, [piece async for piece in pieces]) == ("parrot", ["is ", "it ", "red? "])


async def test_no_question_is_the_usual_one() -> None:
    assert (await VisionService(Parrot).analyze(opened(), "  ")).analysis == DEFAULT_QUESTION


async def test_a_model_that_says_nothing_is_an_error_and_no_empty_answer() -> None:
    class Mute(Parrot):
        async def analyze(self, picture: OpenedPicture, question: str) -> AsyncIterator[str]:
            yield " "

    with pytest.raises(UpstreamFailed, match="said nothing"):
        await VisionService(Mute).analyze(opened())


async def test_without_a_model_it_says_so() -> None:
    def nobody() -> VisionModel:
        raise Unavailable("No model can look at pictures now.")

    with pytest.raises(Unavailable):
        await VisionService(nobody).analyze(opened())


def test_recorded_settings_become_a_request() -> None:
    vision = VisionService(Parrot)
    request = vision.settings_of(opened("a cat\nSteps: 12, Seed: 5, Size: 64x96"))
    assert request is not None
    assert (request.prompt, request.steps, request.seed, request.width, request.height) == ("a cat", 12, 5, 64, 96)
    assert vision.settings_of(opened()) is None
    damaged = vision.recorded(opened("a cat\nSteps: 9999, Seed: 5, Size: 64x96"))
    assert damaged is not None
    assert (damaged.left_out, damaged.not_usable) == (("steps",), "Not usable here: Steps.")


async def test_what_a_model_thinks_is_no_part_of_its_answer() -> None:
    vision = VisionService(Parrot)
    question = "<think> hm, a square </think> A black square."
    assert (await vision.analyze(opened(), question)).analysis == "A black square."
    _, pieces = await vision.stream(opened(), question)
    assert "".join([piece async for piece in pieces]).strip() == "A black square."
