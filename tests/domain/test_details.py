"""What a detail says, which of the regions that were found it means, and what their masks are."""

from typing import Any

import numpy
import pytest
from PIL import Image
from pydantic import ValidationError

from illustrious_studio.domain.details import Detail, DetailBox, Found, chosen, dilated, mask_of
from illustrious_studio.domain.images import ImageRequest

BOX = {"x": 0.5, "y": 0.5, "w": 0.2, "h": 0.2}
SIZE = (100, 50)


def test_what_is_given_says_what_is_to_be_found() -> None:
    given: list[dict[str, Any]] = [{}, {"detector": "face"}, {"boxes": [BOX]}, {"boxes": []}, {"mask": "a" * 64}]
    found = [Detail.model_validate(one).find for one in given]
    assert found == ["layout", "detector", "boxes", "boxes", "mask"]
    for one in given:
        detail = Detail.model_validate(one)
        assert Detail.model_validate_json(detail.model_dump_json()) == detail


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"find": "detector"}, "find is detector, so it needs detector"),
        ({"find": "boxes"}, "find is boxes, so it needs boxes"),
        ({"find": "mask"}, "find is mask, so it needs mask"),
        ({"find": "layout", "boxes": [BOX]}, "boxes means nothing"),
        ({"boxes": [{**BOX, "x": 0.95}]}, "reaches out of the picture"),
        ({"boxes": [{**BOX, "w": 0}]}, "boxes.0.w\n  Input should be greater than 0"),
        ({"boxes": [BOX] * 25}, "at most 24 items"),
        ({"strength": 0}, "strength\n  Input should be greater than or equal to 0.01"),
        ({"width": 100}, "width\n  Input should be a multiple of 8"),
        ({"height": 32}, "height\n  Input should be greater than or equal to 64"),
        ({"width": 2048, "height": 2056}, "height\n  Input should be less than or equal to 2048"),
        ({"smallest": 0.5, "largest": 0.4}, "smallest must not be above largest"),
        ({"sampler": "LCM", "schedule": "Nothing"}, "schedule"),
        ({"most": 0}, "most"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        Detail.model_validate(given)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"details": [{}] * 9}, "at most 8 items"),
        ({"details": [{}], "image": "a" * 64, "mask": "b" * 64}, "cannot be used with a mask"),
        ({"skip_img2img": True}, "needs an image"),
    ],
)
def test_a_request_refuses_what_does_not_go_with_its_details(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ImageRequest.model_validate({"prompt": "a cat", **given})


def test_regions_have_words_of_their_own() -> None:
    detail = Detail(prompt="smile[SEP]frown, [PROMPT] [SEP] [SKIP]", negative_prompt="ugly, [PROMPT]")
    said = [detail.words_for(number, "1girl", "blurry") for number in range(4)]
    assert said == [("smile", "ugly, blurry"), ("frown, 1girl", "ugly, blurry"), None, None]
    assert Detail().words_for(3, "1girl", "blurry") == ("1girl", "blurry")
    assert Detail(prompt="[SEP]frown").words_for(0, "1girl", "") == ("1girl", "")
    read = ImageRequest(prompt="1girl", details=(detail,)).prompts
    assert read["prompt of detail 1"].split() == ["smile", "frown,"]
    assert "[" not in read["prompt of detail 1"] + read["negative prompt of detail 1"]


def test_those_that_are_wanted_come_in_the_order_that_is_wanted() -> None:
    small, large, middle = Found((80, 0, 90, 10)), Found((0, 0, 40, 40)), Found((45, 20, 60, 30), name="hand")
    every = [small, large, middle]

    def which(**said: Any) -> list[Found]:
        return chosen(every, Detail.model_validate(said), SIZE)

    assert which() == every
    assert which(most=2) == [large, middle]
    assert which(smallest=0.025) == [large, middle]
    assert which(largest=0.025) == [small]
    assert which(order="left to right") == [large, middle, small]
    assert which(order="centre to edge") == [middle, large, small]
    assert which(order="largest first") == [large, middle, small]
    assert which(detector="any", what="hand") == [middle]


def test_a_region_grows_as_opencv_lets_it_and_shrinks_but_not_from_the_edges() -> None:
    import cv2

    assert mask_of(Found((10, 10, 20, 20)), SIZE, 4).getbbox() == (9, 9, 22, 22)
    assert mask_of(Found((10.4, 10.4, 10.4, 10.4)), SIZE, 0).getbbox() == (10, 10, 11, 11), "it is never empty"
    mask = Image.new("L", SIZE)
    mask.paste(255, (0, 0, 20, 50))
    mask.paste(200, (40, 10, 55, 30))
    for by in (1, 4, 5, -1, -4, -7):
        changed = (cv2.dilate if by > 0 else cv2.erode)(numpy.array(mask), numpy.ones((abs(by), abs(by)), numpy.uint8))
        assert (numpy.array(dilated(mask, by)) == changed).all()


def test_a_box_is_made_of_shares() -> None:
    assert DetailBox(x=0.5, y=0.5, w=1, h=1).edges == (0, 0, 1, 1)
