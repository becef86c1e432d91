"""Embeddings: which are found, and what a prompt that names one is to the text encoders."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.adapters.sdxl.helpers import QuietWatch, encoder_of, plan

from illustrious_studio.adapters.sdxl.embedding_catalogue import DiskEmbeddings
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.prompt_chunks import chunks, parse
from illustrious_studio.domain.textual_inversion import EmbeddingFile
from scripts_of_the_project import script
from tiny_models import put

TINY = script("tiny_loras")
pytestmark = pytest.mark.model


def catalogue(folder: Path) -> DiskEmbeddings:
    return DiskEmbeddings(folder, [], FileHashes())


async def test_both_namings_are_found_and_others_are_named(tmp_path: Path) -> None:
    TINY.make_embeddings(tmp_path)
    put(tmp_path / "sd1.safetensors", {"emb_params": [8, 768]})
    put(tmp_path / "odd.safetensors", {"clip_l": [8, 768], "clip_g": [4, 1280]})
    put(tmp_path / "much.safetensors", {"clip_l": [80, 768], "clip_g": [80, 1280]})
    (tmp_path / "old.pt").write_bytes(b"\x80\x02")
    found = catalogue(tmp_path)
    assert [(one.name, one.vectors, one.widths) for one in await found.list()] == [
        ("tiny style", 3, (96, 128)),
        ("tinynegative", 2, (96, 128)),
    ]
    reasons = {one.path.name: one.reason for one in await found.refused()}
    assert "Stable Diffusion 1" in reasons["sd1.safetensors"]
    assert all("no embedding that can be used" in reasons[f"{name}.safetensors"] for name in ("odd", "much"))
    assert "can run code" in reasons["old.pt"]


def words_as_embedding(pipeline: Any, text: str, path: Path) -> EmbeddingFile:
    """An embedding of what the encoders know for these words already."""
    rows = []
    for tokenizer, encoder in (
        (pipeline.tokenizer, pipeline.text_encoder),
        (pipeline.tokenizer_2, pipeline.text_encoder_2),
    ):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        rows.append(encoder.get_input_embeddings()(torch.tensor(ids)).detach().clone())
    save_file({"clip_l": rows[0], "clip_g": rows[1]}, path)
    widths = (rows[0].shape[1], rows[1].shape[1])
    return EmbeddingFile(name=path.stem, path=path, vectors=len(rows[0]), widths=widths)


@pytest.mark.parametrize(
    ("prompt", "same"),
    [
        ("my cat", "{}"),
        ("a red my cat in the snow", "a red {} in the snow"),
        ("(my cat:1.3), snow", "({}:1.3), snow"),
        ("EMBEDDING:My Cat, snow", "{}, snow"),
        ("my cat my cat", "{} {}"),
        ("snow BREAK my cat", "snow BREAK {}"),
        ("my cats, amy cat", "my cats, amy cat"),
    ],
)
def test_an_embedding_of_known_words_is_as_if_they_stood_there(
    loaded: SdxlPipeline, tmp_path: Path, prompt: str, same: str
) -> None:
    words = "a fluffy black cat"
    encoder = encoder_of(loaded._pipeline, loaded.device)
    (expected,) = encoder.encode([same.format(words, words)])
    encoder.use([words_as_embedding(loaded._pipeline, words, tmp_path / "my cat.safetensors")])
    (found,) = encoder.encode([prompt])
    assert torch.equal(found.rows, expected.rows)
    assert torch.equal(found.pooled, expected.pooled)
    encoder.use([])
    assert torch.equal(encoder.encode([same.format(words, words)])[0].rows, expected.rows)


def test_brackets_in_its_name_are_escaped_in_a_prompt(loaded: SdxlPipeline, tmp_path: Path) -> None:
    encoder = encoder_of(loaded._pipeline, loaded.device)
    (expected,) = encoder.encode(["a black cat, snow"])
    encoder.use([words_as_embedding(loaded._pipeline, "black cat", tmp_path / "cat (v1).safetensors")])
    assert torch.equal(encoder.encode([r"a cat \(v1\), snow"])[0].rows, expected.rows)
    assert not torch.equal(encoder.encode(["a cat (v1), snow"])[0].rows, expected.rows)


def test_an_embedding_that_does_not_fit_begins_a_chunk(loaded: SdxlPipeline) -> None:
    tokenizer = loaded._pipeline.tokenizer
    vectors = {"tiny": torch.zeros(4, 96)}
    done = chunks(parse("cat " * 73 + "tiny dog"), tokenizer, vectors)
    assert [len(ids) for ids, _ in done] == [73, 5]
    fits = chunks(parse("cat " * 71 + "tiny dog"), tokenizer, vectors)
    assert [len(ids) for ids, _ in fits] == [75, 1]


def test_it_changes_the_picture_and_leaves_nothing_behind(
    loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path
) -> None:
    TINY.make_embeddings(tmp_path)
    path = tmp_path / "tinynegative.safetensors"
    file = EmbeddingFile(name="tinynegative", path=path, vectors=2, widths=(96, 128))
    wanted = plan(builtin, negative_prompt="blurry, tinynegative")
    without = loaded.render(wanted, QuietWatch()).picture
    with_it = loaded.render(replace(wanted, embeddings=(file,)), QuietWatch()).picture
    assert with_it != without
    assert loaded.render(wanted, QuietWatch()).picture == without


@pytest.mark.parametrize("kind", ["widths", "nan", "gone"])
def test_a_bad_one_is_refused_and_the_next_picture_unharmed(
    loaded: SdxlPipeline, builtin: Checkpoint, tmp_path: Path, kind: str
) -> None:
    path, number = tmp_path / "bad.safetensors", float("nan") if kind == "nan" else 1.0
    first = 768 if kind == "widths" else 96
    save_file({"clip_l": torch.full((2, first), number), "clip_g": torch.ones(2, 128)}, path)
    file = EmbeddingFile(name="bad", path=path, vectors=2, widths=(first, 128))
    if kind == "gone":
        path.unlink()
    wanted = plan(builtin, "a black cat, bad")
    before = loaded.render(wanted, QuietWatch()).picture
    with pytest.raises(InvalidRequest, match="The embedding bad"):
        loaded.render(replace(wanted, embeddings=(file,)), QuietWatch())
    assert loaded.render(wanted, QuietWatch()).picture == before
