"""CLIP's tokens without PyTorch: how many a prompt has, counted as its text encoders will read it.

The same vocabulary and rules as transformers' CLIPTokenizer (OpenAI's byte-pair encoding, in small letters).
"""

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "sdxl" / "tokenizer"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class ClipTokens:
    """A `prompt_chunks.Tokenizer`."""

    def __call__(self, text: str, **_: Any) -> Any:
        return SimpleNamespace(input_ids=_tokenizer().encode(text, add_special_tokens=False).ids)


@cache
def _tokenizer() -> Any:
    """Reading the vocabulary takes a tenth of a second: when the first prompt is counted."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    model = models.BPE.from_file(
        str(DATA / "vocab.json"), str(DATA / "merges.txt"), end_of_word_suffix="</w>", unk_token="<|endoftext|>"
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer
