"""The prompt language: what counts how much, what is read at all, and that it reaches the picture."""

from typing import Any

import pytest
from tests.adapters.sdxl.helpers import QuietWatch, encoder_of, plan

from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.prompt_chunks import PromptSpan, chunks, parse

pytestmark = pytest.mark.model


def weighed(prompt: str) -> list[tuple[str | None, float]]:
    return [(part.text, round(part.weight, 3)) for part in parse(prompt)]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (cat)", [("a ", 1), ("cat", 1.1)]),
        ("a ((cat))", [("a ", 1), ("cat", 1.21)]),
        ("a [cat] now", [("a ", 1), ("cat", 0.909), (" now", 1)]),
        ("(red hair:1.3), blue", [("red hair", 1.3), (", blue", 1)]),
        ("(a (b:2):0.5)", [("a ", 0.5), ("b", 1)]),
        ("(a: .5 )", [("a", 0.5)]),
        ("(open", [("open", 1.1)]),
        ("[open", [("open", 0.909)]),
        ("shut) it]", [("shut) it]", 1)]),
        (r"ganyu \(genshin impact\)", [("ganyu (genshin impact)", 1)]),
        (r"\[x\] \\", [("[x] \\", 1)]),
        ("time 12:30) x", [("time 12:30) x", 1)]),
        ("a BREAK b", [("a ", 1), (None, 1), (" b", 1)]),
        ("BREAKFAST", [("BREAKFAST", 1)]),
        ("(x:1e9) ", [("x:1e9", 1.1), (" ", 1)]),
        ("(x:99999)", [("x", 10)]),
        ("", []),
    ],
)
def test_weights_are_read_as_people_write_them(prompt: str, parts: list[tuple[str | None, float]]) -> None:
    assert weighed(prompt) == parts


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(SDXL_CONFIG / "tokenizer", local_files_only=True)


def test_the_packaged_vocabulary_is_clips(tokenizer: Any) -> None:
    # "a photo of a cat" in OpenAI's CLIP.
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]


def test_a_long_prompt_is_cut_into_chunks_after_a_comma_and_loses_nothing(tokenizer: Any) -> None:
    prompt = ", ".join(f"tag number {number}" for number in range(60))
    cut = chunks(parse(prompt), tokenizer)
    assert [token for ids, _ in cut for token in ids] == tokenizer(prompt, add_special_tokens=False).input_ids
    assert len(cut) > 2
    comma = tokenizer(",", add_special_tokens=False).input_ids[0]
    assert all(len(ids) <= 75 for ids, _ in cut)
    assert all(ids[-1] == comma for ids, _ in cut[:-1])


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("a cat BREAK", [2]), ("a cat BREAK BREAK a dog", [2, 0, 2]), ("BREAK a cat", [0, 2]), ("BREAK", [0]), ("", [0])],
)
def test_a_break_at_the_end_starts_nothing(tokenizer: Any, prompt: str, tokens: list[int]) -> None:
    """As in A1111, where only text makes a chunk, and a BREAK ends one."""
    assert [len(ids) for ids, _ in chunks(parse(prompt), tokenizer)] == tokens


def test_break_starts_a_new_chunk(tokenizer: Any) -> None:
    assert [
        len(ids) for ids, _ in chunks([PromptSpan("cat"), PromptSpan(None), PromptSpan("dog house")], tokenizer)
    ] == [1, 2]


def test_a_plain_prompt_is_encoded_as_diffusers_does(loaded: SdxlPipeline) -> None:
    import torch

    pipe = loaded._pipeline
    encoder = encoder_of(pipe, loaded.device)
    (ours,), (negative,) = encoder.encode(["a black cat in the snow"]), encoder.encode(["blurry"], negative=True)
    with torch.no_grad():
        rows, other_rows, pooled, other_pooled = pipe.encode_prompt(
            "a black cat in the snow", negative_prompt="blurry", device="cpu"
        )
    assert torch.equal(ours.rows, rows)
    assert torch.equal(ours.pooled, pooled)
    assert torch.equal(negative.rows, other_rows)
    assert torch.equal(negative.pooled, other_pooled)


def test_clip_skip_counts_as_a1111_does_and_one_and_two_are_sdxls_own_layer(loaded: SdxlPipeline) -> None:
    import torch

    encoder = encoder_of(loaded._pipeline, loaded.device)
    one, two, three = (encoder.encode(["a black cat"], skip)[0] for skip in (1, 2, 3))
    assert torch.equal(one.rows, two.rows)
    assert torch.equal(one.rows, encoder.encode(["a black cat"])[0].rows)
    with torch.no_grad():
        rows, *_ = loaded._pipeline.encode_prompt("a black cat", negative_prompt="", device="cpu", clip_skip=1)
    assert torch.equal(three.rows, rows)
    assert not torch.equal(three.rows, two.rows)


def test_a_clip_skip_beyond_the_layers_is_refused(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    assert drawn(loaded, builtin, "a cat", clip_skip=3) != drawn(loaded, builtin, "a cat", clip_skip=2)
    with pytest.raises(InvalidRequest, match="Use at most 3"):
        drawn(loaded, builtin, "a cat", clip_skip=4)


def test_the_pooled_embedding_is_the_first_chunks(loaded: SdxlPipeline) -> None:
    import torch

    encoder = encoder_of(loaded._pipeline, loaded.device)
    both, first, second = (encoder.encode([text])[0] for text in ("a cat BREAK a dog", "a cat", "a dog"))
    assert both.rows.shape[1] == 2 * 77
    assert torch.allclose(both.pooled, first.pooled, atol=1e-5)
    assert not torch.allclose(both.pooled, second.pooled, atol=1e-3)


def test_texts_that_take_turns_are_filled_up_to_the_longest(loaded: SdxlPipeline) -> None:
    encoder = encoder_of(loaded._pipeline, loaded.device)
    width = loaded._pipeline.unet.config.cross_attention_dim
    assert [one.rows.shape for one in encoder.encode(["cat " * 200, "cat"])] == [(1, 3 * 77, width)] * 2
    assert encoder.encode(["cat"])[0].rows.shape == (1, 77, width)


def drawn(pipeline: SdxlPipeline, checkpoint: Checkpoint, prompt: str, **fields: Any) -> Picture:
    return pipeline.render(plan(checkpoint, prompt, **fields), QuietWatch()).picture


def test_weights_change_the_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    plain = drawn(loaded, builtin, "a black cat in the snow")
    assert drawn(loaded, builtin, "a (black:1.4) cat in the snow") != plain
    assert drawn(loaded, builtin, "a (black:1.0) cat in the snow") == plain


def test_an_escaped_bracket_is_a_bracket_and_no_weight(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    assert drawn(loaded, builtin, r"a \(red\) cat") != drawn(loaded, builtin, "a (red) cat")
    assert weighed(r"a \(red\) cat") == [("a (red) cat", 1)]


def test_words_beyond_77_tokens_change_the_picture(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    start = "snow, " * 60
    assert drawn(loaded, builtin, start + "a red apple") != drawn(loaded, builtin, start + "a green frog")


def test_without_guidance_the_negative_prompt_does_nothing(loaded: SdxlPipeline, builtin: Checkpoint) -> None:
    same = [drawn(loaded, builtin, "a cat", guidance=1.0, negative_prompt=text) for text in ("", "a dog")]
    assert same[0] == same[1]
    assert drawn(loaded, builtin, "a cat", negative_prompt="a dog") != drawn(loaded, builtin, "a cat")
