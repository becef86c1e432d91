"""A sheet has room for what stands on it, whatever is written there and however many pictures there are."""

from itertools import pairwise

import pytest
from PIL import Image

from illustrious_studio.domain.grids.sheet import MOST_PIXELS, Sheet, grid_labels, sheet_plan
from illustrious_studio.domain.grids.values import Place, places_in

LONG = "a very long prompt, with many words, masterpiece, " * 10


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 1), (1, 5, 1), (2, 2, 5), (40, 25, 10)])
@pytest.mark.parametrize("label", ["", "Steps: 20", LONG, "銀髪の少女、猫耳", "x" * 300])
def test_every_cell_has_its_place_inside_and_overlaps_no_other(shape: Place, label: str) -> None:
    labels = grid_labels([[label] * many for many in shape], legend=True)
    plan = sheet_plan(shape, [(832, 1216)], labels, 8)
    width, height = plan.size
    assert width * height <= MOST_PIXELS
    (cell_width, cell_height), taken = plan.cell, set()
    for place in places_in(shape):
        left, top = plan.cell_at(place)
        assert 0 <= left <= width - cell_width and 0 <= top <= height - cell_height
        taken.add((left, top))
    assert len(taken) == shape[0] * shape[1] * shape[2]
    lefts, tops = sorted({left for left, _ in taken}), sorted({top for _, top in taken})
    assert all(after - before >= cell_width for before, after in pairwise(lefts))
    assert all(after - before >= cell_height for before, after in pairwise(tops))


def test_without_a_legend_and_margins_there_are_only_pictures() -> None:
    labels = grid_labels([["a", "b"], ["c"], None], legend=False)
    plan = sheet_plan((2, 1, 1), [(100, 60)], labels, 0)
    assert plan.size == (200, 60)
    sheet = Sheet(plan)
    sheet.add((0, 0, 0), Image.new("RGB", (100, 60), "red"))
    sheet.add((1, 0, 0), Image.new("RGB", (100, 60), "blue"))
    assert sheet.image.getpixel((99, 59)) == (255, 0, 0)
    assert sheet.image.getpixel((100, 0)) == (0, 0, 255)


def test_a_smaller_picture_stands_in_the_middle_of_its_cell() -> None:
    sheet = Sheet(sheet_plan((2, 1, 1), [(100, 60), (60, 60)], grid_labels([["", ""], None, None], legend=True), 0))
    sheet.add((1, 0, 0), Image.new("RGB", (60, 60), "blue"))
    assert [sheet.image.getpixel((x, 30)) for x in (119, 120, 179, 180)] == [
        (255, 255, 255), (0, 0, 255), (0, 0, 255), (255, 255, 255),
    ]  # fmt: skip


def test_labels_are_written_over_their_columns() -> None:
    plan = sheet_plan((2, 1, 1), [(200, 60)], grid_labels([["Steps: 20", ""], None, None], legend=True), 0)
    image = Sheet(plan).image
    assert image.crop((0, 0, 200, plan.top)).getextrema() != ((255, 255),) * 3
    assert image.crop((200, 0, 400, plan.top)).getextrema() == ((255, 255),) * 3
