from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.layout.values import Layout, Placed
from illustrious_studio.domain.metadata.infotext import read_infotext, write_infotext
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.metadata.recorded import recorded_settings

METADATA = ImageMetadata(
    request=ImageRequest.model_validate(
        ImageRequest(prompt="").model_dump()
        | {
            "prompt": "1girl, solo",
            "negative_prompt": "lowres",
            "steps": 28,
            "guidance": 5.5,
            "seed": 12345,
            "width": 832,
            "height": 1216,
            "sampler": "Euler a",
            "clip_skip": 2,
        }
    ),
    width=832,
    height=1216,
    checkpoint="Illustrious-XL-v0.1",
    checkpoint_hash="e3c47aedb0",
    device="cuda:0",
    dtype="float16",
    vae_dtype="float32",
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
)


FACTS = ("checkpoint", "checkpoint_hash", "versions", "zero_terminal_snr")


def with_changes(**changes: Any) -> ImageMetadata:
    """Of the request, and of what drawing found out."""
    facts = {name: changes.pop(name) for name in FACTS if name in changes}
    return METADATA.model_copy(update={"request": METADATA.request.model_copy(update=changes), **facts})


def test_the_text_is_a1111s_to_the_letter() -> None:
    assert write_infotext(METADATA) == (
        "1girl, solo\n"
        "Negative prompt: lowres\n"
        "Steps: 28, Sampler: Euler a, Schedule type: Automatic, CFG scale: 5.5, Seed: 12345, Size: 832x1216, "
        "Model hash: e3c47aedb0, Model: Illustrious-XL-v0.1, Clip skip: 2, RNG: CPU, "
        "Version: illustrious-studio"
    )


def test_clip_skip_comes_back_from_the_text() -> None:
    for skip in (1, 2, 12):
        recorded = recorded_settings({"parameters": write_infotext(with_changes(clip_skip=skip))})
        assert recorded is not None
        assert recorded.request.clip_skip == skip


@pytest.mark.parametrize(("sampler", "key"), [("DDIM", "Eta DDIM"), ("Euler a", "Eta")])
def test_eta_stands_under_the_name_that_a1111_has_for_the_sampler(sampler: str, key: str) -> None:
    text = write_infotext(with_changes(sampler=sampler, eta=0.5))
    assert f", {key}: 0.5, " in text
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None
    assert recorded.request.eta == 0.5


def test_what_was_drawn_around_a_mask_has_the_size_of_the_drawing_and_a1111s_words() -> None:
    over = {"image": "a" * 64, "strength": 0.5, "fit": "crop", "mask": "b" * 64, "mask_blur": 4}
    part = {"mask_area": "masked", "mask_padding": 32, "width": 1024, "height": 768, "mask_content": "fill"}
    text = write_infotext(with_changes(**over, **part))
    assert "Size: 1024x768" in text
    assert "Mask blur: 4, Masked content: fill, Inpaint area: Only masked, Masked area padding: 32" in text
    plain = write_infotext(with_changes(**over, mask_area="whole", mask_content="original"))
    assert not [word for word in ("Inpaint area", "Masked area padding", "Masked content") if word in plain]


def test_what_is_not_there_is_not_written() -> None:
    text = write_infotext(with_changes(negative_prompt="", checkpoint_hash=None, clip_skip=1, guidance=7.0))
    assert "Negative prompt" not in text
    assert "Model hash" not in text
    assert "Clip skip" not in text
    assert "CFG scale: 7," in text


def test_a_picture_from_a_sketch_says_so() -> None:
    things = (Placed(what="cat", x=0.5, y=0.1234, w=0.3, h=0.2), Placed(what="fox", x=1, y=0, w=1, h=1, colour="blue"))
    layout = Layout(things=things, background="forest", time="night", unknown=("blorp", 'a "b"'), by="hand")
    changed = with_changes(sketch_strength=0.4, layout=layout, versions={"illustrious-studio": "0.1.0"})
    text = write_infotext(changed)
    assert "Denoising strength: 0.4, RNG: CPU, " in text
    assert text.endswith("Version: illustrious-studio 0.1.0")
    recorded = recorded_settings({"parameters": text})
    assert recorded is not None
    assert recorded.request == changed.request


def test_values_with_commas_and_colons_are_quoted() -> None:
    text = write_infotext(with_changes(checkpoint='my: "best", model'))
    assert r'Model: "my: \"best\", model"' in text
    assert read_infotext(text).fields["Model"] == 'my: "best", model'


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat\nNegative prompt: not really",
        "a cat\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64",
        "Negative prompt: at the start",
        "two\n\nparagraphs, with: colons",
        "",
    ],
)
def test_prompts_that_look_like_fields_come_back_whole(prompt: str) -> None:
    for metadata in (
        with_changes(prompt=prompt),
        with_changes(negative_prompt=prompt),
        with_changes(prompt=prompt, negative_prompt=""),
    ):
        said = read_infotext(write_infotext(metadata))
        assert (said.prompt, said.negative_prompt) == (metadata.request.prompt, metadata.request.negative_prompt)
        assert said.fields["Seed"] == "12345"


lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=120)
tricky = st.sampled_from(
    [
        "Negative prompt: x",
        "Steps: 1, Seed: 2, Size: 3x4",
        'Model: "a',
        "<lora:a:1>",
        "(a:1.2)",
        "",
        " ",
        "\\",
        '"',
        "\r",
    ]
)
prompts = st.lists(lines | tricky, max_size=5).map("\n".join)


@settings(max_examples=300)
@given(
    prompts, prompts, st.integers(1, 150), st.floats(0, 30), st.integers(0, MAX_SEED), lines, st.integers(1, 12),
    st.one_of(st.none(), st.floats(0.01, 1)),
)  # fmt: skip
def test_what_is_written_is_read_back(
    prompt: str, negative: str, steps: int, guidance: float, seed: int, model: str, skip: int, strength: float | None
) -> None:
    metadata = with_changes(
        prompt=prompt, negative_prompt=negative, steps=steps, guidance=guidance, seed=seed, checkpoint=model,
        clip_skip=skip, strength=strength, image=None if strength is None else "a" * 64,
    )  # fmt: skip
    said = read_infotext(write_infotext(metadata))
    assert said.prompt == plain(prompt)
    assert said.negative_prompt == plain(negative)
    assert float(said.fields["CFG scale"]) == guidance
    assert (int(said.fields["Steps"]), int(said.fields["Seed"])) == (steps, seed)
    assert (said.fields["Size-1"], said.fields["Size-2"]) == ("832", "1216")
    assert said.fields.get("Model", said.fields.get("Model-1")) is not None
    assert int(said.fields.get("Clip skip", 1)) == skip
    assert strength is None or float(said.fields["Denoising strength"]) == strength


def plain(prompt: str) -> str:
    return "\n".join(line.strip() for line in prompt.split("\n")).strip()


@pytest.mark.parametrize("before", ["1girl, rooftop ", "1girl, rooftop, "])
def test_words_and_fields_on_one_line_are_told_apart(before: str) -> None:
    said = read_infotext(f"{before}Steps: 27, Sampler: Euler a, CFG scale: 5.5, Seed: 1, Size: 832x1216")
    assert said.prompt == "1girl, rooftop"
    assert (said.fields["Steps"], said.fields["Size-1"]) == ("27", "832")


def test_a_last_line_with_two_pairs_belongs_to_the_prompt() -> None:
    said = read_infotext("a cat\nmood: calm, light: soft")
    assert (said.prompt, said.fields) == ("a cat\nmood: calm, light: soft", {})
    assert read_infotext("a cat\nmood: calm, light: soft, time: noon").fields["mood"] == "calm"


def test_a_text_of_a1111_with_everything_is_read() -> None:
    said = read_infotext(
        "masterpiece, <lora:foo:0.8>,\n1girl\n\nNegative prompt: bad,\nworse\n"
        "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 99, Size: 512x768, "
        'Lora hashes: "foo: 12ab, bar: 34cd", '
        "Hires upscale: 2, Version: v1.6.0\n"
    )
    assert said.prompt == "masterpiece, <lora:foo:0.8>,\n1girl"
    assert said.negative_prompt == "bad,\nworse"
    assert (said.fields["Sampler"], said.fields["Schedule type"]) == ("DPM++ 2M", "Karras")
    assert said.fields["Lora hashes"] == "foo: 12ab, bar: 34cd"
    assert (said.fields["Size-1"], said.fields["Size-2"]) == ("512", "768")


GARBAGE = {
    "letters": "a" * 5_000_000,
    "commas": "," * 5_000_000,
    "open quotes": 'aa: "' * 400_000,
    "pairs": "aa: b, " * 700_000,
    "backslashes": 'aa: "' + "\\" * 4_999_999,
    "lines": "\n" * 5_000_000,
    "negatives": "Negative prompt:" * 300_000,
    "brackets": "[" * 100_000,
    "deep": '{"prompt":' + "[" * 100_000 + "]" * 100_000 + "}",
    "colons": "a:" * 2_500_000,
    "spaces": "a" + " " * 4_999_999,
    "surrogates": "\ud800Steps: 1",
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.timeout(20)
def test_garbage_never_raises(name: str) -> None:
    read_infotext(GARBAGE[name])
    recorded_settings({"parameters": GARBAGE[name], "Comment": GARBAGE[name], "invokeai_metadata": GARBAGE[name]})


@settings(max_examples=150)
@given(st.lists(tricky | st.text(max_size=30), max_size=8).map("".join))
def test_any_text_can_be_read(text: str) -> None:
    read_infotext(text)


@pytest.mark.parametrize(
    ("changes", "said", "besides"),
    [
        ({}, "RNG: CPU", "Emphasis"),
        ({"prompt": "a (red:1.2) cat"}, "Emphasis: No norm", "UniPC"),
        ({"negative_prompt": "[blurry]"}, "Emphasis: No norm", "Noise Schedule"),
        ({"sampler": "UniPC"}, "UniPC variant: bh2, UniPC order: 2", "Emphasis"),
        ({"zero_terminal_snr": True}, "Noise Schedule: Zero Terminal SNR", "Emphasis"),
    ],
)
def test_a1111_is_told_what_it_needs_to_draw_the_same(changes: dict[str, Any], said: str, besides: str) -> None:
    text = write_infotext(with_changes(**changes))
    assert said in text
    assert besides not in text
