"""Hires fix: sizes and step counts as A1111 has them."""

import pytest
from pydantic import ValidationError

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest


@pytest.mark.parametrize(
    ("hires", "first", "scaled", "kept"),
    [
        ({}, (1024, 1024), (2048, 2048), (2048, 2048)),
        ({"scale": 1.5}, (832, 1216), (1248, 1824), (1248, 1824)),
        ({"scale": 1.3}, (832, 1216), (1080, 1576), (1080, 1576)),  # 1081.6 x 1580.8, rounded down to eights
        ({"width": 1600}, (832, 1216), (1600, 2336), (1600, 2336)),  # 1600 * 1216 // 832 = 2338
        ({"height": 1600}, (832, 1216), (1088, 1600), (1088, 1600)),  # 1600 * 832 // 1216 = 1094
        ({"width": 1536, "height": 1536}, (832, 1216), (1536, 2240), (1536, 1536)),  # covered, and its middle kept
        ({"width": 2048, "height": 1024}, (1024, 1024), (2048, 2048), (2048, 1024)),
        ({"width": 1024, "height": 2048}, (1024, 1024), (2048, 2048), (1024, 2048)),
    ],
)
def test_sizes(hires: dict[str, float], first: tuple[int, int], scaled: tuple[int, int], kept: tuple[int, int]) -> None:
    assert HiresFix.model_validate(hires).sizes(first) == (scaled, kept)


@pytest.mark.parametrize(
    ("steps", "strength", "first", "of"),
    [
        (None, 0.7, 20, (28, 20)),  # int(20 / 0.7) of which A1111 takes 20 (setup_img2img_steps)
        (10, 0.5, 30, (20, 10)),
        (15, 0.35, 30, (42, 15)),
        (20, 1.0, 30, (20, 20)),  # 0.999, as there
        (7, 0.01, 30, (700, 7)),
        (150, 0.01, 30, (1000, 150)),  # no schedule has more
    ],
)
def test_steps_are_those_that_are_taken(steps: int | None, strength: float, first: int, of: tuple[int, int]) -> None:
    assert HiresFix(steps=steps, strength=strength).steps_of(first) == of


@pytest.mark.parametrize(
    ("hires", "first"), [({"scale": 4}, (1024, 1024)), ({"width": 4096}, (512, 1024)), ({"scale": 3}, (1024, 1024))]
)
def test_too_large_a_picture_is_refused(hires: dict[str, float], first: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest, match="hires: the picture would become"):
        HiresFix.model_validate(hires).sizes(first)


@pytest.mark.parametrize(
    "hires", [{"scale": 2, "width": 64}, {"scale": 0.5}, {"strength": 0}, {"steps": 0}, {"sampler": "Nothing"}]
)
def test_what_cannot_be_meant_is_refused(hires: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        HiresFix.model_validate(hires)


def test_it_is_for_pictures_from_words() -> None:
    with pytest.raises(ValidationError, match="cannot be used with hires"):
        ImageRequest(prompt="a cat", hires=HiresFix(), image="a" * 64)
