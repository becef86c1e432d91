"""Which LoRAs are found, what is known of them, and which are refused, without loading any."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from illustrious_studio.adapters.sdxl.lora_catalogue import DiskLoras
from scripts_of_the_project import script
from tiny_models import SDXL, put, safetensors

TINY = script("tiny_loras")
SDXL_LORA = {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": [4, 2048]}


def loras(folder: Path, *checkpoints: Path, kept: bool = False) -> DiskLoras:
    return DiskLoras(folder, checkpoints, FileHashes(), facts_file=folder.parent / "loras.json" if kept else None)


async def test_folders_links_and_any_letters_are_found(tmp_path: Path) -> None:
    put(tmp_path / "loras" / "ink.safetensors", SDXL_LORA)
    put(tmp_path / "loras" / "styles" / "Oil Paint (v1.2).SAFETENSORS", SDXL_LORA)
    put(tmp_path / "elsewhere" / "far.safetensors", SDXL_LORA)
    (tmp_path / "loras" / "linked").symlink_to(tmp_path / "elsewhere")
    put(tmp_path / "forge" / "Lora" / "beside.safetensors", SDXL_LORA)
    (tmp_path / "forge" / "Stable-diffusion").mkdir()
    found = await loras(tmp_path / "loras", tmp_path / "forge" / "Stable-diffusion").list()
    assert sorted(one.name for one in found) == ["Oil Paint (v1.2)", "beside", "far", "ink"]
    assert {one.base for one in found} == {"SDXL"}


async def test_the_same_name_twice_gets_its_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        put(tmp_path / folder / "ink.safetensors", SDXL_LORA)
    assert [one.name for one in await loras(tmp_path).list()] == ["ink", "ink (b)"]


REFUSED = {
    "sd1": ({"lora_unet_down_blocks_0_attentions_0_attn2_to_k.lora_down.weight": [4, 768]}, "Stable Diffusion 1"),
    "sd1 loha": ({"lora_unet_x_attn2_to_v.hada_w1_b": [4, 768]}, "Stable Diffusion 1"),
    "sd1 lokr": ({"unet.x.attn2.to_v.lokr_w1": [8, 8], "unet.x.attn2.to_v.lokr_w2": [40, 96]}, "Stable Diffusion 1"),
    "sd1 encoder": ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": [4, 768]}, "Stable Diffusion 1"),
    "sd2": ({"unet.x.attn2.to_k.lora_A.weight": [4, 1024]}, "Stable Diffusion 2"),
    "flux": ({"lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": [4, 3072]}, "Flux"),
    "flux peft": ({"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": [4, 3072]}, "Flux"),
    "checkpoint": (SDXL, "whole checkpoint"),
    "nothing": ({"clip_l": [4, 768]}, "It is no LoRA"),
    "oft": ({"lora_unet_x.oft_blocks": [4, 4, 4]}, "of a kind that is not done here"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_for_other_models_is_named_by_its_header(tmp_path: Path, name: str) -> None:
    tensors, sentence = REFUSED[name]
    put(tmp_path / f"{name}.safetensors", tensors)
    catalogue = loras(tmp_path)
    assert await catalogue.list() == []
    (refused,) = await catalogue.refused()
    assert sentence in refused.reason


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("cut.safetensors", safetensors(SDXL_LORA)[:-5], "half downloaded"),
        ("page.safetensors", b"<!doctype html>" * 9, "damaged"),
        ("old.pt", b"\x80\x02", "can run code"),
        ("a:b.safetensors", safetensors(SDXL_LORA), "A prompt cannot name it"),
    ],
)
async def test_bad_files_are_named(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    (refused,) = await loras(tmp_path).refused()
    assert sentence in refused.reason


async def test_notes_beside_it_say_more(tmp_path: Path) -> None:
    TINY.make(tmp_path)
    found = {one.name: one for one in await loras(tmp_path).list()}
    assert found.keys() == TINY.KINDS.keys()
    kohya, peft = found["kohya"], found["peft"]
    assert (kohya.trigger_words, kohya.weight, kohya.base) == (("blue paint",), 0.8, "built-in")
    assert kohya.preview is not None and kohya.preview.name == "kohya.preview.png"
    assert (peft.trigger_words, peft.base_name) == (("thick lines", "flat colours"), "Illustrious")
    assert (peft.description, peft.alias, peft.preview) == ("A test.", "peft v1", None)


@pytest.mark.parametrize("notes", ["", "[]", '{"activation text": 3, "preferred weight": "much"}', "[" * 100_000])
async def test_notes_that_cannot_be_read_are_as_none(tmp_path: Path, notes: str) -> None:
    put(tmp_path / "ink.safetensors", SDXL_LORA)
    (tmp_path / "ink.json").write_text(notes)
    (tmp_path / "ink.civitai.info").write_text(notes)
    (found,) = await loras(tmp_path).list()
    assert (found.trigger_words, found.weight, found.description) == ((), None, "")


async def test_the_hash_is_kohyas_and_new_notes_change_nothing(tmp_path: Path) -> None:
    path = put(tmp_path / "ink.safetensors", SDXL_LORA)
    catalogue = loras(tmp_path)
    (before,) = await catalogue.list()
    expected = hashlib.sha256(bytes(4 * 2048)).hexdigest()[:12]
    assert await catalogue.hash_of(before) == expected
    path.write_bytes(safetensors(SDXL_LORA, {"ss_output_name": "another"}))
    (after,) = await catalogue.list()
    assert await catalogue.hash_of(after) == expected
    assert (before.alias, after.alias) == ("", "another")


async def test_a_folder_of_five_hundred_is_listed_from_what_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    many = {
        f"lora_unet_input_blocks_4_1_transformer_blocks_{at}_attn1_to_k.lora_up.weight": [1, 1] for at in range(700)
    }
    data = safetensors({**SDXL_LORA, **many}, {"ss_tag_frequency": json.dumps({"tags": "x" * 100_000})})
    for number in range(500):
        (folder / f"style {number}.safetensors").write_bytes(data)
    assert len(await loras(folder, kept=True).list()) == 500
    for path in folder.iterdir():
        state = path.stat()
        path.write_bytes(bytes(state.st_size))  # who read it again would find no LoRA
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    again = loras(folder, kept=True)  # as after a restart
    assert len(await again.list()) == 500
    (folder / "style 7.safetensors").unlink()
    assert len(await again.list()) == 499
