"""The tokenizer: a byte-level BPE in CLIP's form, trained on the prompts and on the names of what can be drawn.

Lower case, 77 positions, padded with the end token, as CLIP's own. Words it never saw are spelled in bytes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.mini import scenes
from training.mini.shipped import PACKAGE

ENTRIES = 3072
POSITIONS = 77
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def train_tokenizer(work: Path) -> Any:
    """A CLIPTokenizer, also kept in `work/tokenizer`."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    learner.decoder = decoders.ByteLevel()
    learner.train_from_iterator(
        _words(work),
        trainers.BpeTrainer(
            vocab_size=ENTRIES - 2 - len(alphabet),
            min_frequency=2,
            initial_alphabet=alphabet,
            end_of_word_suffix="</w>",
            show_progress=False,
        ),
    )
    pairs = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    pieces = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in pairs), BEGIN, END]
    folder = work / "tokenizer"
    folder.mkdir(exist_ok=True)
    numbered = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    (folder / "vocab.json").write_text(json.dumps(numbered, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in pairs), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    tokenizer = CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=POSITIONS, pad_token=END
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def tokenizer_of(work: Path) -> Any:
    """The trained one, or else the shipped one."""
    from transformers import CLIPTokenizer

    own = work / "tokenizer"
    return CLIPTokenizer.from_pretrained(own if own.exists() else PACKAGE / "tokenizer", local_files_only=True)


def _words(work: Path) -> Iterator[str]:
    for shard in scenes.shards(work / "scenes"):
        for prompt, _ in scenes.words_of(work / "scenes", shard):
            yield prompt
    for known in scenes.painter().objects():
        yield from [known.name] * 10
        yield from (*known.synonyms, *known.tags)
    for words in scenes.painter().backgrounds().values():
        yield from words
