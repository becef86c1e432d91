"""The request that makes a picture again, as it was or changed."""

from typing import Any

import pytest
from pydantic import ValidationError

from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.layout.values import Layout, LayoutWriter, Placed
from samples import metadata


def laid_out(by: LayoutWriter) -> dict[str, Any]:
    return {"layout": Layout(things=(Placed(what="cat", x=0.5, y=0.5, w=0.3, h=0.3),), by=by), "sketch_strength": 0.5}


def test_what_is_not_changed_is_as_recorded() -> None:
    made = metadata("a cat", **laid_out("words"))
    again = made.request_with({"steps": 9})
    assert again == made.request.model_copy(update={"steps": 9})
    assert (again.layout, again.sketch_strength, again.seed) == (made.request.layout, 0.5, made.request.seed)


@pytest.mark.parametrize("by", ["words", "model"])
def test_other_words_are_laid_out_again(by: LayoutWriter) -> None:
    again = metadata("a cat", **laid_out(by)).request_with({"prompt": "a dog"})
    assert (again.layout, again.layout_from_words, again.sketch_strength) == (None, True, 0.5)


@pytest.mark.parametrize("side", ["seed_resize_from_width", "seed_resize_from_height"])
def test_seed_resize_wants_both_sides(side: str) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        ImageRequest.model_validate({"prompt": "a cat", side: 512})


def test_what_a_hand_has_placed_stays_also_for_other_words() -> None:
    made = metadata("a cat", **laid_out("hand"))
    assert made.request_with({"prompt": "a dog"}).layout == made.request.layout


def test_a_layout_that_is_given_counts() -> None:
    given = [{"what": "dog", "x": 0.5, "y": 0.5, "w": 0.3, "h": 0.3}]
    again = metadata("a cat", **laid_out("words")).request_with({"prompt": "a dog", "layout": given})
    assert again.layout == ImageRequest(prompt="a dog", layout=given).layout  # type: ignore[arg-type]


def test_a_picture_without_a_sketch_gets_none_by_other_words() -> None:
    again = metadata("a cat").request_with({"prompt": "a dog"})
    assert (again.layout, again.layout_from_words) == (None, False)


def test_every_setting_is_told_by_one_key_and_known_to_other_programs_by_names_of_its_own() -> None:
    keys = [setting.infotext for setting in SETTINGS.values() if setting.infotext and not setting.needs]
    assert len(keys) == len(set(keys))
    names = [name for setting in SETTINGS.values() for name in setting.a1111]
    assert len(names) == len(set(names))


def test_every_field_of_a_request_is_in_the_list_of_settings() -> None:
    assert ImageRequest.model_fields.keys() - SETTINGS.keys() == {"layout_from_words"}
