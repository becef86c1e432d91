import json
from typing import Any

import pytest

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.metadata.recorded import recorded_settings

SAME = {"seed": 7, "steps": 20, "width": 832, "height": 1216}
SWARM = {"prompt": "a cat", "negativeprompt": "bad", "cfgscale": 5.5, **SAME}
FOOOCUS = {"prompt": "a cat", "negative_prompt": "bad", "guidance_scale": 5.5, "seed": "7", "steps": 20}
INVOKE = {"positive_prompt": "a cat", "negative_prompt": "bad", "cfg_scale": 5.5, **SAME}
TEXTGEN = {"prompt": "a cat", "negative_prompt": "bad", "cfg_scale": 5.5, **SAME}
NOVEL = {"uc": "bad", "scale": 5.5, **SAME}
A1111 = "a cat\nNegative prompt: bad\nSteps: 20, CFG scale: 5.5, Seed: 7, Size: 832x1216"


def test_people_read_a_size_as_one() -> None:
    recorded = recorded_settings({"parameters": A1111})
    assert recorded is not None
    assert recorded.fields["Size"] == "832x1216"
    assert "Size-1" not in recorded.fields


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("A1111 parameters", {"parameters": A1111}),
        ("SwarmUI", {"parameters": json.dumps({"sui_image_params": SWARM, "sui_extra_data": {}})}),
        ("Fooocus", {"parameters": json.dumps({**FOOOCUS, "resolution": "(832, 1216)"})}),
        ("InvokeAI", {"invokeai_metadata": json.dumps(INVOKE)}),
        ("TextGen", {"image_gen_settings": json.dumps(TEXTGEN)}),
        ("NovelAI", {"Description": "a cat", "Comment": json.dumps(NOVEL)}),
    ],
)
def test_settings_of_each_program_make_the_same_request(source: str, text: dict[str, str]) -> None:
    recorded = recorded_settings(text)
    assert recorded is not None
    assert recorded.source == source
    assert recorded.request == ImageRequest(
        prompt="a cat", negative_prompt="bad", steps=20, guidance=5.5, seed=7, width=832, height=1216
    )
    assert recorded.left_out == ()


@pytest.mark.parametrize(
    "text",
    [
        {
            "parameters": json.dumps(
                {"sui_image_params": SWARM | {"loras": ["sub/ink.safetensors", "oil"], "loraweights": ["0.5", "1"]}}
            )
        },
        {"parameters": json.dumps(FOOOCUS | {"loras": [["ink.safetensors", 0.5, "ab"], ["oil.safetensors", 1]]})},
        {
            "invokeai_metadata": json.dumps(
                INVOKE | {"loras": [{"model": {"name": "ink"}, "weight": 0.5}, {"model": {"name": "oil"}, "weight": 1}]}
            )
        },
    ],
    ids=["SwarmUI", "Fooocus", "InvokeAI"],
)
def test_loras_of_each_program_are_in_the_prompt(text: dict[str, str]) -> None:
    recorded = recorded_settings(text)
    assert recorded is not None
    assert (recorded.request.prompt, recorded.left_out) == ("a cat <lora:ink:0.5> <lora:oil:1>", ())


@pytest.mark.parametrize("loras", [[{"model": 3}], ["<x>"], [[None, 1]], [["ink", "strong"]], [["ink", 99]]])
def test_a_lora_that_cannot_be_meant_is_named(loras: list[Any]) -> None:
    for text in (
        {"parameters": json.dumps(FOOOCUS | {"loras": loras})},
        {"invokeai_metadata": json.dumps(INVOKE | {"loras": loras})},
    ):
        recorded = recorded_settings(text)
        assert recorded is not None
        assert recorded.request.prompt == "a cat"


def test_what_is_out_of_range_is_left_out_and_named() -> None:
    recorded = recorded_settings(
        {"parameters": "a cat\nSteps: 9999, CFG scale: -3, Seed: 7, Size: 100000x64, Model: x"}
    )
    assert recorded is not None
    assert recorded.request == ImageRequest(prompt="a cat", seed=7)
    assert set(recorded.left_out) == {"steps", "guidance", "width", "height"}
    assert recorded.fields["Steps"] == "9999"


def test_too_many_pixels_together_are_left_out_together() -> None:
    recorded = recorded_settings({"parameters": "a cat\nSteps: 20, Seed: 7, Size: 2048x2056"})
    assert recorded is not None
    assert (recorded.request.width, recorded.request.height) == (None, None)
    assert recorded.left_out == ("width", "height")


@pytest.mark.parametrize("value", ["NaN", "1e400", "true", "", "-", "9" * 30, "²", "0x10", "1_000", "inf"])
def test_odd_numbers_are_left_out(value: str) -> None:
    recorded = recorded_settings({"parameters": f"a cat\nSteps: {value}, CFG scale: {value}, Seed: {value}"})
    assert recorded is not None
    assert recorded.request == ImageRequest(prompt="a cat")


@pytest.mark.parametrize(
    "text",
    [
        {},
        {"parameters": ""},
        {"parameters": "  \n"},
        {"invokeai_metadata": "not json"},
        {"Comment": "made with a camera"},
    ],
)
def test_nothing_usable_is_nothing(text: dict[str, str]) -> None:
    assert recorded_settings(text) is None


@pytest.mark.parametrize(
    ("text", "source", "left_out"),
    [
        ({"parameters": "x" * 10_001}, "A1111 parameters", "prompt"),
        ({"parameters": '{"prompt": 5}'}, "Fooocus", "prompt"),
        ({"parameters": "[1, 2]\0"}, "A1111 parameters", "prompt"),
        ({"workflow": "{}"}, "ComfyUI", "workflow"),
        ({"Dream": "a cat -s 50"}, "InvokeAI", "Dream"),
    ],
)
def test_what_is_there_and_not_usable_is_named(text: dict[str, str], source: str, left_out: str) -> None:
    recorded = recorded_settings(text)
    assert recorded is not None
    assert (recorded.source, recorded.usable, recorded.left_out) == (source, False, (left_out,))


def test_long_values_are_shown_short() -> None:
    recorded = recorded_settings({"parameters": f'a cat\nSteps: 20, Seed: 1, Note: "{"n" * 9000}"'})
    assert recorded is not None
    assert len(recorded.fields["Note"]) <= 500


def test_a1111s_controlnet_is_named_since_its_pictures_are_not_in_the_text() -> None:
    recorded = recorded_settings(
        {"parameters": 'a cat\nSteps: 20, Seed: 7, Size: 64x64, ControlNet 0: "Module: canny, Model: x [0123]"'}
    )
    assert recorded is not None and recorded.left_out == ("controls",)
    assert recorded.not_usable == "Not usable here: ControlNet."
