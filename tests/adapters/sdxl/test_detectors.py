"""Which detectors there are, by the headers of their files, and what the answers of one mean."""

from pathlib import Path

import numpy
import pytest
from PIL import Image

from illustrious_studio.adapters.sdxl.detector_catalogue import DiskDetectors
from illustrious_studio.adapters.sdxl.worker.detectors import Detectors
from illustrious_studio.domain.details import DetectorFile, Found
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import Picture
from tiny_detectors import damaged, model, put_detector, red_detector


def with_red(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Picture:
    image = Image.new("RGB", size, "white")
    for box in boxes:
        image.paste((255, 0, 0), box)
    return Picture.from_image(image)


async def only(folder: Path, data: bytes) -> DetectorFile:
    put_detector(folder / "detectors" / "red.onnx", data)
    (found,) = await DiskDetectors([folder / "checkpoints"]).list()
    return found


def boxes(found: list[Found]) -> list[tuple[float, ...]]:
    return [tuple(round(edge, 3) for edge in one.box) for one in found]


async def test_files_lie_in_the_studios_folder_and_in_those_of_other_programs(tmp_path: Path) -> None:
    for place in ("detectors/face.onnx", "adetailer/hand.onnx", "ultralytics/bbox/face.onnx", "other/no.onnx"):
        put_detector(tmp_path / place, red_detector(names="{0: 'face', 1: 'hand'}"))
    put_detector(tmp_path / "ultralytics" / "segm" / "person.onnx", red_detector(masks=True, names=None))
    found = await DiskDetectors([tmp_path / "checkpoints"]).list()
    assert [(one.name, one.finds, one.masks, one.side) for one in found] == [
        ("hand", ("face", "hand"), False, 64),
        ("face", ("face", "hand"), False, 64),
        ("face (bbox)", ("face", "hand"), False, 64),
        ("person", (), True, 64),
    ]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("face.pt", b"PK", "yolo export model=face.pt format=onnx"),
        ("face.onnx", b"", "no ONNX file"),
        ("face.onnx", b"\x80\x04hello", "no ONNX file"),
        ("face.onnx", red_detector()[:1500], "half downloaded"),
        ("face.onnx", red_detector(shape=(1, 1000)), "no detector of the YOLO family"),
        ("face.onnx", red_detector(shape=(1, 300, 6)), "no detector of the YOLO family"),
        ("face.onnx", model([], [], [], None), "no ONNX file"),
    ],
)
async def test_what_cannot_be_used_is_named_with_its_reason(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    put_detector(tmp_path / "detectors" / name, data)
    catalogue = DiskDetectors([tmp_path / "checkpoints"])
    (refused,) = await catalogue.refused()
    assert words in refused.reason and not await catalogue.list()


async def test_sides_without_a_fixed_length_are_those_of_the_picture_it_is_given(tmp_path: Path) -> None:
    found = await only(tmp_path, red_detector(shape=(1, "numbers", "places")))
    assert boxes(Detectors().find(found, with_red((64, 64), (16, 16, 24, 24)), 0.5)) == [(12, 12, 28, 28)]


@pytest.mark.parametrize(
    ("size", "red", "box"),
    [
        ((64, 64), (16, 24, 24, 32), (12, 20, 28, 36)),
        ((128, 128), (32, 48, 48, 64), (24, 40, 56, 72)),  # scaled down by half
        ((128, 64), (32, 16, 48, 32), (24, 8, 56, 40)),  # with grey above and below
        ((64, 128), (16, 32, 32, 48), (8, 24, 40, 56)),  # and at both sides
        ((64, 64), (0, 0, 8, 8), (0, 0, 12, 12)),  # a box that would reach out of the picture
    ],
)
async def test_a_box_comes_back_in_the_pixels_of_the_picture(
    tmp_path: Path, size: tuple[int, int], red: tuple[int, int, int, int], box: tuple[int, int, int, int]
) -> None:
    found = Detectors().find(await only(tmp_path, red_detector()), with_red(size, red), 0.5)
    assert (boxes(found), found[0].name) == ([box], "face")


async def test_of_boxes_that_cover_each_other_the_surest_stays(tmp_path: Path) -> None:
    picture = with_red((64, 64), (0, 0, 8, 8), (8, 0, 16, 8), (48, 48, 56, 56))
    image = picture.image()
    image.paste((255, 60, 60), (8, 0, 16, 8))
    picture = Picture.from_image(image)
    large = await only(tmp_path, red_detector(box=60))  # shifted by 8 of 60 they share 0.76
    assert boxes(Detectors().find(large, picture, 0.3)) == [(0, 0, 34, 34), (22, 22, 64, 64)]
    small = await only(tmp_path, red_detector(box=16))
    assert len(Detectors().find(small, picture, 0.3)) == 3
    assert len(Detectors().find(small, picture, 0.9)) == 2, "the paler one is less sure"


async def test_an_outline_is_that_of_the_thing_within_its_box(tmp_path: Path) -> None:
    found = Detectors().find(await only(tmp_path, red_detector(masks=True)), with_red((128, 64), (48, 16, 64, 32)), 0.5)
    assert boxes(found) and found[0].outline is not None
    seen = numpy.array(found[0].outline) > 0
    rows, columns = numpy.nonzero(seen)
    left, top, _, bottom = found[0].box
    assert (rows.min(), rows.max() + 1, columns.min()) == (top, bottom, left)
    assert 60 <= columns.max() <= 67, "its left half is the thing"


async def test_a_file_that_cannot_be_run_is_said_by_its_name(tmp_path: Path) -> None:
    file = await only(tmp_path, damaged(red_detector()))
    with pytest.raises(InvalidRequest, match="detector red cannot be used"):
        Detectors().find(file, with_red((64, 64)), 0.5)
