"""ADetailer's arguments and texts, and the details that they mean."""

from typing import Any

import pytest
from pydantic import ValidationError

from illustrious_studio.domain.adetailer import arguments_in, detail_of, text_of
from illustrious_studio.domain.details import Detail, DetailBox
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.metadata.infotext import write_infotext
from illustrious_studio.domain.metadata.recorded import recorded_settings
from samples import metadata

FACES = {"ad_model": "face_yolov8n.pt"}


def detail(**said: Any) -> Detail:
    found = detail_of({**FACES, **said}, (832, 1216))
    assert found is not None
    return found


def test_what_is_not_said_is_as_in_adetailer() -> None:
    assert detail() == Detail(detector="face_yolov8n", width=832, height=1216)


def test_each_argument_that_it_has_is_meant() -> None:
    said: dict[str, Any] = {
        "ad_prompt": "smile", "ad_negative_prompt": "ugly", "ad_confidence": 0.5, "ad_mask_k": 2,
        "ad_mask_filter_method": "Area", "ad_mask_min_ratio": 0.01, "ad_mask_max_ratio": 0.5, "ad_dilate_erode": -2,
        "ad_mask_blur": 8, "ad_denoising_strength": 0.3, "ad_inpaint_only_masked_padding": 64,
        "ad_use_inpaint_width_height": True, "ad_inpaint_width": 1027, "ad_inpaint_height": 768,
        "ad_use_steps": True, "ad_steps": 12, "ad_use_cfg_scale": True, "ad_cfg_scale": 4, "ad_use_sampler": True,
        "ad_sampler": "DPM++ 2M Karras", "ad_scheduler": "Use same scheduler", "is_api": [],
    }  # fmt: skip
    assert detail(**said) == Detail(
        detector="face_yolov8n", prompt="smile", negative_prompt="ugly", confidence=0.5, most=2, smallest=0.01,
        largest=0.5, dilate=-2, blur=8, strength=0.3, padding=64, width=1024, height=768, steps=12, guidance=4,
        sampler="DPM++ 2M", schedule="Karras",
    )  # fmt: skip


def test_what_no_switch_is_on_for_is_not_meant() -> None:
    off = {"ad_steps": 12, "ad_cfg_scale": 4, "ad_sampler": "LMS", "ad_inpaint_width": 64, "ad_checkpoint": "other"}
    assert detail(**off, ad_use_sampler=False, ad_mask_k_largest=0.0) == detail()
    same = {"ad_use_sampler": True, "ad_sampler": "Use same sampler", "ad_scheduler": "Karras"}
    assert (detail(**same).sampler, detail(**same).schedule) == (None, "Karras")
    assert detail(ad_mask_k_largest=2.0).most == 2


@pytest.mark.parametrize("said", [{}, {"ad_model": "None"}, {**FACES, "ad_tab_enable": False}])
def test_a_tab_that_is_off_is_none(said: dict[str, Any]) -> None:
    assert detail_of(said) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ad_model": "mediapipe_face_full"}, "ad_model: MediaPipe"),
        ({"ad_model": "yolov8x-worldv2.pt", "ad_model_classes": "cat"}, "ad_model_classes"),
        ({"ad_mask_k": 1, "ad_mask_filter_method": "Confidence"}, "ad_mask_filter_method"),
        ({"ad_x_offset": 3}, "ad_x_offset"),
        ({"ad_y_offset": -3}, "ad_y_offset"),
        ({"ad_mask_merge_invert": "Merge"}, "ad_mask_merge_invert"),
        ({"ad_inpaint_only_masked": False}, "ad_inpaint_only_masked"),
        ({"ad_use_checkpoint": True, "ad_checkpoint": "other"}, "ad_use_checkpoint"),
        ({"ad_use_vae": True, "ad_vae": "other"}, "ad_use_vae"),
        ({"ad_use_clip_skip": True, "ad_clip_skip": 1}, "ad_use_clip_skip"),
        ({"ad_use_noise_multiplier": True, "ad_noise_multiplier": 1.1}, "ad_use_noise_multiplier"),
        ({"ad_restore_face": True}, "ad_restore_face"),
        ({"ad_controlnet_model": "tile"}, "ad_controlnet_model"),
        ({"ad_denoising": 0.5}, "ad_denoising: is no argument"),
    ],
)
def test_what_would_make_another_picture_is_refused_by_name(said: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        detail(**said)


def test_numbers_beyond_a_details_limits_are_refused() -> None:
    for said in ({"ad_denoising_strength": 0}, {"ad_mask_blur": 65}, {"ad_confidence": "high"}):
        with pytest.raises(ValidationError):
            detail(**said)


DETECTED = Detail(detector="face_yolov8n", width=1024, height=1024, strength=0.4)
BOXES = Detail(boxes=(DetailBox(x=0.5, y=0.5, w=0.2, h=0.2),), width=512, height=512, strength=0.1)


@pytest.mark.parametrize(
    "details",
    [
        (DETECTED,),
        (
            DETECTED.model_copy(update={"prompt": "smile, wink", "most": 1, "steps": 9, "guidance": 4.5}),
            DETECTED.model_copy(update={"detector": "hand", "sampler": "LMS", "schedule": "Karras", "dilate": 0}),
            DETECTED.model_copy(update={"schedule": "Exponential", "smallest": 0.01, "confidence": 0.55}),
            *(DETECTED,) * 2,
        ),
        (BOXES,),
        (BOXES.model_copy(update={"boxes": ()}),),
        (DETECTED, Detail(what="people", prompt="[PROMPT], smile", width=512, height=512, strength=0.1)),
        (DETECTED.model_copy(update={"order": "left to right"}),),
    ],
)
def test_details_come_back_from_a_pictures_text(details: tuple[Detail, ...]) -> None:
    text = write_infotext(metadata(details=details))
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None and not recorded.left_out
    assert recorded.request.details == details


def test_the_text_is_adetailers_where_it_can_say_it() -> None:
    said = text_of((DETECTED, DETECTED))
    assert said is not None
    assert (said["ADetailer model"], said["ADetailer model 2nd"]) == ("face_yolov8n.pt",) * 2
    assert (said["ADetailer confidence"], said["ADetailer dilate erode"]) == ("0.3", "4")
    assert (said["ADetailer use inpaint width height"], said["ADetailer inpaint width"]) == ("True", "1024")
    assert "ADetailer steps" not in said and "ADetailer prompt" not in said
    assert len(arguments_in(said)) == 2
    assert text_of((BOXES,)) is None


def test_what_of_a_text_cannot_be_done_is_named() -> None:
    text = "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, ADetailer model: mediapipe_face_full, Seed: 1"
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None
    assert (recorded.request.steps, recorded.request.details, recorded.left_out) == (20, (), ("details",))
    assert recorded.not_usable == "Not usable here: Details."
