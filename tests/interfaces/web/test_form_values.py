"""The form's values: to a request and back, and what a browser remembers of them. No page is needed for that."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from illustrious_studio.domain.chat import ChatRequest
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.layout.figures import Figure
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.models import Checkpoint, CheckpointOverride
from illustrious_studio.domain.presets import Preset
from illustrious_studio.interfaces.web.error_handling import error_message
from illustrious_studio.interfaces.web.form_values import POSITIONAL, FormValues
from illustrious_studio.interfaces.web.held import HeldLayout, HeldPicture
from illustrious_studio.interfaces.web.layout_editor import automatic_strength
from illustrious_studio.services.render_plan import strength_of

PICTURE = HeldPicture(image="a" * 64).text()
PAINTED = HeldPicture(image="a" * 64, mask="b" * 64).text()


def checkpoint(name: str = "one", **more: Any) -> Checkpoint:
    return Checkpoint(name=name, path=Path("model.safetensors"), layout="single-file", **more)


def form(**values: Any) -> FormValues:
    return FormValues.of(FormValues.fresh(checkpoint()).by_name() | {"prompt": "a boat"} | values)


def layout(by: str = "words") -> str:
    boat = Placed(what="sailboat", x=0.5, y=0.5, w=0.4, h=0.4, colour="")
    made = Layout(things=(boat,), by=by)  # type: ignore[arg-type]
    return HeldLayout(layout=made, prompt="a boat", seed=-1, width=1024, height=1024).text()


def test_a_new_page_asks_for_what_the_checkpoint_suggests() -> None:
    own = checkpoint(steps=8, guidance=2.0, native_width=512, native_height=512)
    request = FormValues.of(FormValues.fresh(own).by_name() | {"prompt": "a boat"}).request(own)
    assert request == ImageRequest(prompt="a boat", steps=8, guidance=2.0, width=512, height=512)


@pytest.mark.parametrize(
    "request_",
    [
        ImageRequest(prompt="a boat", width=832, height=1216, seed=7, sampler="DPM++ 2M", schedule="Karras"),
        ImageRequest(prompt="a boat", negative_prompt="rain", width=640, height=648, clip_skip=2, steps=12, guidance=3),
        ImageRequest(prompt="a boat", width=1024, height=1024, image="a" * 64, strength=0.4, fit="fill"),
        ImageRequest(
            prompt="a boat", width=1024, height=1024, image="a" * 64, strength=0.4, mask="b" * 64,
            mask_area="masked", mask_content="fill", mask_padding=8, mask_blur=0,
        ),
        ImageRequest(prompt="a boat", width=1024, height=1024, layout_from_words=True, sketch_strength=0.6),
    ],
)  # fmt: skip
def test_the_settings_of_a_picture_make_the_same_request_again(request_: ImageRequest) -> None:
    again = FormValues.of_request(request_, checkpoint()).request(checkpoint())
    assert again.model_dump() == request_.model_dump() | {"layout": again.layout}


def test_what_the_browser_remembers_comes_back_whole() -> None:
    values = form(held_picture=PAINTED, mask_area="masked", shape="custom", width=320, count=4, sampler="Euler a")
    assert FormValues.remembered(json.dumps(values.by_name()), checkpoint()) == values


def test_a_value_that_no_longer_fits_falls_back_alone() -> None:
    saved = form(steps=12, guidance=4.5).by_name() | {
        "sampler": "one that was taken away", "steps": 9000, "width": "wide", "seed": None, "gone": 1,
    }  # fmt: skip
    values = FormValues.remembered(json.dumps(saved), checkpoint())
    assert values == form(guidance=4.5)


def test_a_form_saved_before_a_setting_came_keeps_all_the_others() -> None:
    saved = form(steps=12, mask_blur=9).by_name()
    del saved["mask_blur"]
    assert FormValues.remembered(json.dumps(saved), checkpoint()) == form(steps=12)


def test_a_list_as_pages_kept_it_once_is_read_by_its_order() -> None:
    values = form(
        negative_prompt="rain", steps=12, guidance=4.5, seed=3, strength=0.4, fit="stretch", mask_area="masked",
        held_picture=PICTURE, count=2, held_layout=layout("hand"), layout_from_words=True, sketch_strength=0.7,
    )  # fmt: skip
    saved = [values.by_name()[name] for name in POSITIONAL]
    assert FormValues.remembered(json.dumps(saved), checkpoint()) == values


@pytest.mark.parametrize("saved", ["", "null", "{", "[1, 2]", "3", '"text"'])
def test_what_is_of_no_use_is_a_new_page(saved: str) -> None:
    assert FormValues.remembered(saved, checkpoint()) == FormValues.fresh(checkpoint())


def test_another_checkpoint_brings_its_size_steps_and_cfg_and_the_rest_stays() -> None:
    values = form(
        steps=12, guidance=4.5, sampler="Euler a", width=320, held_picture=PICTURE, seed=5, sketch_strength=0.7
    )
    other = checkpoint("other", steps=20, guidance=6.0, native_width=512, native_height=512, sketch_strength=0.5)
    changed = FormValues.remembered(json.dumps(values.by_name()), other)
    assert changed.by_name() == values.by_name() | {
        "steps": 20, "guidance": 6.0, "width": 512, "height": 512, "sketch_strength": None, "checkpoint": "other",
    }  # fmt: skip


def test_what_concerns_a_picture_is_asked_for_only_where_there_is_one() -> None:
    masked = {"mask_area": "masked", "mask_content": "fill", "strength": 0.3}
    assert form(**masked).request(checkpoint()).image is None
    over = form(held_picture=PICTURE, **masked).request(checkpoint())
    assert (over.strength, over.mask, over.mask_area) == (0.3, None, "whole")
    painted = form(held_picture=PAINTED, **masked).request(checkpoint())
    assert (painted.mask, painted.mask_area, painted.mask_content) == ("b" * 64, "masked", "fill")


def test_a_layout_is_used_where_it_is_wanted_and_no_picture_is_held() -> None:
    held = layout()
    assert form(held_layout=held).request(checkpoint()).layout is None
    assert form(held_layout=held, layout_from_words=True).request(checkpoint()).layout is not None
    assert form(held_layout=held).request(checkpoint(sketch_strength=0.8)).layout is not None
    assert form(held_layout=held, layout_from_words=True, held_picture=PICTURE).request(checkpoint()).layout is None


def test_a_sketch_strength_left_out_follows_what_is_drawn_and_a_given_one_stays() -> None:
    own = checkpoint(sketch_strength=0.4)
    girl = Placed(what="girl", x=0.5, y=0.5, w=0.3, h=0.9, colour="", figure=Figure())
    request = ImageRequest(prompt="1girl", width=1024, height=1024, layout=Layout(things=(girl,)))
    for said, kept in ((0.1, None), (0.4, 0.4), (None, None)):
        values = FormValues.of_request(request.model_copy(update={"sketch_strength": said}), own)
        assert values.sketch_strength == kept
        assert values.request(own).sketch_strength == kept
    assert strength_of(request.model_copy(update={"sketch_strength": 0.4}), own) == 0.4


def test_an_empty_sketch_strength_says_how_much_is_redrawn() -> None:
    assert automatic_strength(checkpoint(sketch_strength=0.4)) == "Automatic: 0.4, 0.1 where people are"
    assert automatic_strength(checkpoint()) == "Automatic: 0.8"
    assert automatic_strength(None) == "Automatic"


def test_a_layout_follows_the_words_unless_a_hand_made_it() -> None:
    other = {"prompt": "a cat", "layout_from_words": True}
    assert form(held_layout=layout("words"), **other).request(checkpoint()).layout is None
    assert form(held_layout=layout("hand"), **other).request(checkpoint()).layout is not None


def test_an_emptied_number_is_left_out_but_a_size_of_ones_own_is_asked_for() -> None:
    assert form(seed=None).request(checkpoint()).seed == -1
    with pytest.raises(InvalidRequest, match="width and a height"):
        form(shape="custom", width=None).request(checkpoint())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 9000}, "Steps: must be at most 150."),
        ({"guidance": "much", "mask_blur": -1, "held_picture": PAINTED},
         "CFG scale: must be a finite number; Mask blur: must be at least 0."),
        ({"shape": "custom", "width": 8}, "Width: must be at least 64."),
        ({"seed": 1.5}, "Seed: must be a whole number."),
        ({"hires": True, "hires_steps": 900}, "Hires fix, steps: must be at most 150."),
        ({"regions_wanted": True, "held_regions": '[{"prompt": "a cat"}, {"prompt": ""}]'},
         "Regions 2, prompt: must not be empty."),
    ],
)  # fmt: skip
def test_what_is_beyond_the_limits_is_told_by_the_names_on_the_page(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        form(**wrong).request(checkpoint())
    assert error_message(raised.value) == said


def test_a_message_that_is_too_long_is_told_so() -> None:
    with pytest.raises(ValidationError) as raised:
        ChatRequest(message="x" * 10_001)
    assert error_message(raised.value) == "The message: must have at most 10,000 characters."


PRESET = Preset(
    width=832,
    height=1216,
    steps=25,
    sampler="Euler a",
    guidance=5.0,
    clip_skip=2,
    after="absurdres",
    negative_prompt="lowres",
)


def test_a_new_page_begins_with_the_checkpoints_preset_and_without_its_words() -> None:
    own = checkpoint().with_override(CheckpointOverride(preset=PRESET))
    fresh = FormValues.fresh(own)
    assert (fresh.shape, fresh.width, fresh.height, fresh.prompt, fresh.negative_prompt) == (
        "portrait",
        832,
        1216,
        "",
        "",
    )
    made = FormValues.of(fresh.by_name() | {"prompt": "a boat"}).request(own)
    assert (made.steps, made.sampler, made.guidance, made.width, made.clip_skip) == (25, "Euler a", 5.0, 832, 2)


def test_another_checkpoint_brings_what_its_preset_sets_and_leaves_the_rest() -> None:
    before = form(sampler="DPM++ 2M", eta=0.5, shape="landscape", negative_prompt="rain")
    other = checkpoint("two").with_override(CheckpointOverride(preset=PRESET))
    after = before.with_checkpoint(other)
    assert (after.settings["sampler"], after.settings["eta"], after.shape) == ("Euler a", 0.5, "portrait")
    assert (after.prompt, after.negative_prompt) == ("a boat", "rain")
    without = before.with_checkpoint(checkpoint("two", steps=12))
    assert (without.settings["sampler"], without.settings["steps"], without.shape) == ("DPM++ 2M", 12, "landscape")


def test_a_preset_is_put_into_the_form_with_its_words_once() -> None:
    own = checkpoint().with_override(CheckpointOverride(preset=PRESET))
    filled = form(negative_prompt="rain", eta=0.5).with_preset(own)
    assert (filled.prompt, filled.negative_prompt) == ("a boat, absurdres", "lowres, rain")
    assert (filled.shape, filled.settings["steps"], filled.settings["eta"]) == ("portrait", 25, 0.5)
    assert filled.with_preset(own) == filled
    size_alone = checkpoint().with_override(CheckpointOverride(preset=Preset(steps=12)))
    assert form(shape="landscape").with_preset(size_alone).shape == "landscape"
