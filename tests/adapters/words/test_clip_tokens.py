"""The token meter counts what the text encoders read."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from illustrious_studio.adapters.sdxl.worker.loading import SDXL_CONFIG
from illustrious_studio.adapters.words.clip_tokens import ClipTokens

pytestmark = pytest.mark.model

PROMPTS = [
    "",
    "1girl, silver hair, looking at viewer, masterpiece, best quality, absurdres",
    "A  Cat\nin the\tSNOW!!! (it's 12:30) don't, we'll, I'm",
    "赤いりんご, ein roter Apfel, ÄÖÜ ß, café, naïve, 🐱🛋️",
    r"saber \(fate\), hatsune_miku, score_9, <3, :d, ^_^, o_o",
    "x" * 300,
    "a" * 3 + "\u0301" + "ﬁ ½ ² ａｂｃ",
]


@cache
def theirs() -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(SDXL_CONFIG / "tokenizer", local_files_only=True)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_same_tokens_as_transformers(prompt: str) -> None:
    assert ClipTokens()(prompt).input_ids == theirs()(prompt, add_special_tokens=False).input_ids


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_the_same_tokens_of_anything(prompt: str) -> None:
    assert ClipTokens()(prompt).input_ids == theirs()(prompt, add_special_tokens=False).input_ids
