"""Presets: within the limits of a request, and their words once in a prompt."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint, CheckpointOverride
from illustrious_studio.domain.presets import WORDS, Preset

OUTSIDE: dict[str, tuple[object, ...]] = {
    "width": (56, 1020, 4096),
    "height": (0, 1025),
    "steps": (0, 151),
    "guidance": (-1, 31),
    "guidance_rescale": (-0.1, 1.1),
    "clip_skip": (0, 13),
    "sampler": ("nobody",),
    "schedule": ("never",),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_it_has_the_limits_of_a_request(name: str) -> None:
    assert OUTSIDE.keys() | set(WORDS) == Preset.model_fields.keys()
    other = {"width": "height", "height": "width"}.get(name)
    for value in OUTSIDE[name]:
        both = {name: value} | ({other: 1024} if other else {})
        for model in (Preset, ImageRequest):
            if model is ImageRequest and value == 4096:
                continue  # in tiles, it may be
            with pytest.raises(ValidationError, match=name):
                model.model_validate({"prompt": "a cat"} | both if model is ImageRequest else both)


def test_what_does_not_go_together_is_refused() -> None:
    for wrong, words in (
        ({"width": 512}, "belong together"),
        ({"width": 2048, "height": 2048}, ""),
        ({"sampler": "LCM", "schedule": "Karras"}, "no schedule Karras"),
        ({"width": 2048, "height": 2056}, "less than or equal"),
        ({"before": "x" * 10_001}, "at most"),
        ({"seed": 1}, "Extra"),
    ):
        if words:
            with pytest.raises(ValidationError, match=words):
                Preset.model_validate(wrong)
        else:
            Preset.model_validate(wrong)
    assert TypeAdapter(Preset).validate_json('{"guidance": 5, "sampler": "k_euler_a"}').sampler == "Euler a"


QUALITY = Preset(before="score_9, score_8_up", after="masterpiece, absurdres", negative_prompt="lowres, bad hands")


@pytest.mark.parametrize(
    ("words", "together"),
    [
        ("", "score_9, score_8_up, masterpiece, absurdres"),
        ("1girl, solo", "score_9, score_8_up, 1girl, solo, masterpiece, absurdres"),
        ("1girl, ", "score_9, score_8_up, 1girl, masterpiece, absurdres"),
        ("score_9, 1girl, (masterpiece:1.2)", "score_8_up, score_9, 1girl, (masterpiece:1.2), absurdres"),
        ("1girl <lora:x:1>", "score_9, score_8_up, 1girl <lora:x:1>, masterpiece, absurdres"),
        ("Masterpiece <lora:x:1>, a", "score_9, score_8_up, Masterpiece <lora:x:1>, a, absurdres"),
    ],
)
def test_its_words_are_in_a_prompt_once(words: str, together: str) -> None:
    assert QUALITY.prompt(words) == together
    assert QUALITY.prompt(together) == together
    assert Preset().prompt(words) == words.strip().rstrip(",")


def test_the_negative_prompt_keeps_what_was_there() -> None:
    assert QUALITY.negative("text") == "lowres, bad hands, text"
    assert QUALITY.negative("lowres") == "bad hands, lowres"
    assert Preset().negative("") == ""


def test_a_checkpoint_with_a_preset_offers_its_settings_and_is_the_same_on_the_device() -> None:
    plain = Checkpoint(name="x", path=Path("x"), layout="single-file")
    assert plain.settings == {"steps": 30, "guidance": 7.5}
    preset = Preset(steps=25, sampler="Euler a", guidance_rescale=0.2, before="score_9")
    with_it = plain.with_override(CheckpointOverride(preset=preset))
    assert with_it.settings == {"steps": 25, "guidance": 7.5, "sampler": "Euler a", "guidance_rescale": 0.2}
    assert with_it.steps == 25
    assert with_it.same_weights(plain)
