"""Which files are offered as checkpoints, what is read from them, and why the others are not."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DECLARED, UNET_INPUT, DiskCheckpoints
from illustrious_studio.adapters.sdxl.file_hashes import FileHashes
from tiny_models import SDXL, framed, safetensors


def replace(path: Path, data: bytes) -> None:
    """By another file of its size and of its time."""
    state = path.stat()
    assert len(data) == state.st_size
    other = path.with_suffix(".new")
    other.write_bytes(data)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)


ENTRY = '{"dtype":"U8","shape":[4],"data_offsets":[0,4]}'


async def test_the_built_in_checkpoint_says_what_it_is() -> None:
    (mini,) = await DiskCheckpoints([]).list()
    assert (mini.name, mini.builtin, mini.layout) == ("illustrious-mini", True, "folder")
    declared = json.loads((BUILTIN / "studio.json").read_text(encoding="utf-8"))
    for fact in ("native_width", "native_height", "sketch_strength", "steps", "guidance"):
        assert getattr(mini, fact) == declared[fact]
    assert (mini.prediction_type, mini.zero_terminal_snr) == ("v_prediction", True)
    assert mini.examples
    assert mini.latent_rgb is not None
    assert len(mini.latent_rgb) == 3
    assert "Apache" in mini.licence


async def test_single_files_are_found_in_folders_and_by_name_with_the_built_in_one_last(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.safetensors").write_bytes(safetensors(SDXL))
    (tmp_path / "two.SafeTensors").write_bytes(safetensors(SDXL))
    named = tmp_path.parent / f"{tmp_path.name}-named.safetensors"
    named.write_bytes(safetensors(SDXL))
    listed = await DiskCheckpoints([named, tmp_path, tmp_path]).list()
    assert [checkpoint.name for checkpoint in listed] == [named.stem, "two", "one", "illustrious-mini"]
    assert (listed[1].layout, listed[1].native_width, listed[1].prediction_type) == ("single-file", 1024, "epsilon")
    assert listed[1].size_bytes == (tmp_path / "two.SafeTensors").stat().st_size


@pytest.mark.parametrize(
    ("markers", "metadata", "facts"),
    [
        ({}, None, ("epsilon", False)),
        ({"v_pred": [0]}, None, ("v_prediction", False)),
        ({"v_pred": [0], "ztsnr": [0]}, None, ("v_prediction", True)),
        ({}, {"modelspec.prediction_type": "v"}, ("v_prediction", False)),
        ({}, {"modelspec.prediction_type": "epsilon"}, ("epsilon", False)),
    ],
)
async def test_the_prediction_type_is_read_from_the_file(
    tmp_path: Path, markers: dict[str, list[int]], metadata: dict[str, str] | None, facts: tuple[str, bool]
) -> None:
    (tmp_path / "model.safetensors").write_bytes(safetensors(SDXL | markers, metadata))
    checkpoint = (await DiskCheckpoints([tmp_path]).list())[0]
    assert (checkpoint.prediction_type, checkpoint.zero_terminal_snr) == facts


BAD = {
    "empty": (b"", "half downloaded"),
    "four-bytes": (b"\1\0\0\0", "half downloaded"),
    "length-only": (struct.pack("<Q", 8), "half downloaded"),
    "length-2-63": (struct.pack("<Q", 2**63) + b"{}", "half downloaded"),
    "header-3-mib": (framed(b'{"a":"' + b"x" * (3 << 20) + b'"}'), "more than such a file"),
    "not-json": (framed(b"{not json at all"), "cannot be read"),
    "not-utf8": (framed(b'{"\xff\xfe":1}'), "cannot be read"),
    "deep": (framed(b"[" * 100_000), "cannot be read"),
    "list": (framed(b"[1, 2]"), "no list of names and values"),
    "half": (safetensors(SDXL)[:-3], "half downloaded"),
    "trailing": (safetensors(SDXL) + b"more", "its size is not"),
    "hole": (framed(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}', bytes(8)), "leave gaps"),
    "overlap": (framed(f'{{"a":{ENTRY},"b":{ENTRY}}}'.encode(), bytes(4)), "overlap"),
    "twice": (framed(f'{{"a":{ENTRY},"a":{ENTRY}}}'.encode(), bytes(4)), "twice"),
    "negative": (framed(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}'), "do not agree"),
    "bad-dtype": (framed(b'{"a":{"dtype":"X9","shape":[4],"data_offsets":[0,4]}}', bytes(4)), "do not agree"),
    "overflow": (framed(b'{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}'), "do not agree"),
    "dunder": (framed(f'{{"a.__class__":{ENTRY}}}'.encode(), bytes(4)), "Python internal"),
    "many": (safetensors({f"t{number}": [0] for number in range(20_001)}), "tensors, more than any"),
    "metadata": (framed(b'{"__metadata__":{"a":[1]}}'), "metadata"),
    "pickle": (b"\x80\x04\x95" + bytes(200), "pickle"),
    "zip": (b"PK\x03\x04" + bytes(200), "pickle"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_damaged_file_is_left_out_with_a_sentence(tmp_path: Path, kind: str) -> None:
    data, reason = BAD[kind]
    (tmp_path / "bad.safetensors").write_bytes(data)
    catalogue = DiskCheckpoints([tmp_path], builtin=None)
    assert await catalogue.list() == []
    (refused,) = await catalogue.refused()
    assert refused.path == tmp_path / "bad.safetensors"
    assert reason in refused.reason
    assert refused.reason.endswith(".")


OTHERS = {
    "lora": ({"lora_unet_down.lora_down.weight": [4]}, "LoRA"),
    "sd15": ({"cond_stage_model.transformer.x": [4], UNET_INPUT: [8, 4, 3, 3]}, "Stable Diffusion 1"),
    "unet-only": ({UNET_INPUT: [8, 4, 3, 3]}, "lacks a text encoder"),
    "editing": (SDXL | {UNET_INPUT: [8, 8, 3, 3]}, "for editing pictures"),
    "vae": ({"decoder.conv_in.weight": [4]}, "not an SDXL checkpoint"),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_other_kinds_of_model_are_told_apart(tmp_path: Path, kind: str) -> None:
    tensors, reason = OTHERS[kind]
    (tmp_path / "other.safetensors").write_bytes(safetensors(tensors))
    (refused,) = await DiskCheckpoints([tmp_path], builtin=None).refused()
    assert reason in refused.reason


async def test_a_checkpoint_for_inpainting_is_known_by_the_channels_of_its_unet(tmp_path: Path) -> None:
    (tmp_path / "plain.safetensors").write_bytes(safetensors(SDXL))
    (tmp_path / "inpainting.safetensors").write_bytes(safetensors(SDXL | {UNET_INPUT: [8, 9, 3, 3]}))
    folder = tmp_path / "folder" / "unet" / "config.json"
    for channels in (9, 8):
        shutil.rmtree(folder.parents[1], ignore_errors=True)
        shutil.copytree(BUILTIN, folder.parents[1])
        folder.write_text(json.dumps(json.loads(folder.read_text()) | {"in_channels": channels}))
        catalogue = DiskCheckpoints([tmp_path], builtin=None)
        found = {checkpoint.path.stem: checkpoint.inpainting for checkpoint in await catalogue.list()}
        assert found == {"plain": False, "inpainting": True} | ({"folder": True} if channels == 9 else {})
    (refused,) = await catalogue.refused()
    assert "for editing pictures" in refused.reason


@pytest.mark.parametrize("ending", [".ckpt", ".pt", ".pth", ".bin", ".pkl", ".PT"])
async def test_formats_that_can_run_code_are_not_offered(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"model{ending}").write_bytes(safetensors(SDXL))
    catalogue = DiskCheckpoints([tmp_path], builtin=None)
    assert await catalogue.list() == []
    assert "Only .safetensors" in (await catalogue.refused())[0].reason


async def test_a_folder_that_names_foreign_classes_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(BUILTIN, folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"unet": ["os", "system"]}))
    (refused,) = await DiskCheckpoints([tmp_path], builtin=None).refused()
    assert "its unet is not a UNet2DConditionModel" in refused.reason


async def test_a_folder_of_pickled_weights_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(BUILTIN, folder)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").rename(folder / "vae" / "diffusion_pytorch_model.bin")
    (refused,) = await DiskCheckpoints([tmp_path], builtin=None).refused()
    assert "Its vae has no .safetensors" in refused.reason


async def test_a_folder_without_studio_json_is_described_by_its_configs(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(BUILTIN, folder)
    (folder / "studio.json").unlink()
    (checkpoint,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    assert (checkpoint.name, checkpoint.native_width, checkpoint.builtin) == ("plain", 256, False)
    assert checkpoint.sketch_strength is None


async def test_a_wrong_studio_json_is_said_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(BUILTIN, folder)
    (folder / "studio.json").write_text('{"steps": "many"}')
    (refused,) = await DiskCheckpoints([tmp_path], builtin=None).refused()
    assert "studio.json is wrong at steps" in refused.reason


async def test_a_single_file_may_say_the_same_in_its_header(tmp_path: Path) -> None:
    for name, said in (("fine", '{"steps": 12, "sketch_strength": 0.6}'), ("wrong", '{"steps": "many"}'), ("cut", "{")):
        (tmp_path / f"{name}.safetensors").write_bytes(safetensors(SDXL, {DECLARED: said}))
    catalogue = DiskCheckpoints([tmp_path], builtin=None)
    (fine,) = await catalogue.list()
    assert (fine.name, fine.steps, fine.sketch_strength) == ("fine", 12, 0.6)
    cut, wrong = sorted(refused.reason for refused in await catalogue.refused())
    assert "note on itself is damaged" in cut
    assert "note on itself is wrong at steps" in wrong


async def test_two_of_the_same_name_can_be_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b", "b/c", "d/c"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "same.safetensors").write_bytes(safetensors(SDXL))
    names = [checkpoint.name for checkpoint in await DiskCheckpoints([tmp_path], builtin=None).list()]
    assert names == ["same", "same (b)", "same (c)", "same (c) 2"]


async def test_the_hash_is_the_files_sha256_and_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(SDXL))
    catalogue = DiskCheckpoints([tmp_path])
    checkpoint, mini = await catalogue.list()
    assert await catalogue.hash_of(checkpoint) == hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    assert await catalogue.hash_of(mini) is None
    path.write_bytes(safetensors(SDXL | {"v_pred": [0]}))
    assert await catalogue.hash_of(checkpoint) == hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    assert (await catalogue.list())[0].prediction_type == "v_prediction"


async def test_no_picture_is_lost_for_want_of_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(SDXL))
    catalogue = DiskCheckpoints([path], builtin=None, hashes=FileHashes(tmp_path / "nowhere" / "hashes.json"))
    (checkpoint,) = await catalogue.list()
    assert await catalogue.hash_of(checkpoint) == hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    path.unlink()  # moved away while it was drawn with
    assert await catalogue.hash_of(checkpoint) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}'])
async def test_a_hash_is_kept_over_a_restart_and_its_file_may_be_damaged(tmp_path: Path, damage: str) -> None:
    path, hashes = tmp_path / "model.safetensors", tmp_path / "hashes.json"
    path.write_bytes(safetensors(SDXL))
    before = DiskCheckpoints([path], builtin=None, hashes=FileHashes(hashes))
    expected = await before.hash_of((await before.list())[0])
    if damage:
        hashes.write_text(damage)
    else:
        stat = path.stat()
        path.write_bytes(bytes(stat.st_size))  # whoever read it again would get another hash
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = DiskCheckpoints([path], builtin=None, hashes=FileHashes(hashes))
    assert await after.hash_of((await before.list())[0]) == expected


async def test_a_mended_file_is_offered_without_restart(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(SDXL)[:-1])
    catalogue = DiskCheckpoints([tmp_path], builtin=None)
    assert await catalogue.list() == []
    path.write_bytes(safetensors(SDXL))
    assert [checkpoint.name for checkpoint in await catalogue.list()] == ["model"]
    path.unlink()
    assert await catalogue.list() == []


async def test_a_file_replaced_by_one_of_its_size_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(SDXL, {"modelspec.prediction_type": "epsilon     "}))
    catalogue = DiskCheckpoints([path], builtin=None, hashes=FileHashes(tmp_path / "hashes.json"))
    (before,) = await catalogue.list()
    hash_before = await catalogue.hash_of(before)
    assert before.same_weights((await catalogue.list())[0])
    replace(path, safetensors(SDXL, {"modelspec.prediction_type": "v_prediction"}))
    (after,) = await catalogue.list()
    assert (before.prediction_type, after.prediction_type) == ("epsilon", "v_prediction")
    assert not before.same_weights(after)
    assert await catalogue.hash_of(after) == hashlib.sha256(path.read_bytes()).hexdigest()[:10] != hash_before


@pytest.mark.parametrize("part", ["unet/config.json", "vae/diffusion_pytorch_model.safetensors"])
async def test_a_folder_of_which_one_file_was_replaced_is_another_one(tmp_path: Path, part: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUILTIN, folder)
    catalogue = DiskCheckpoints([folder], builtin=None)
    (before,) = await catalogue.list()
    replace(folder / part, (folder / part).read_bytes())
    (after,) = await catalogue.list()
    assert not before.same_weights(after)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
async def test_a_dead_link_and_a_missing_place_are_said_and_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "dead.safetensors").symlink_to(tmp_path / "nowhere")
    catalogue = DiskCheckpoints([tmp_path, tmp_path / "missing"], builtin=None)
    assert await catalogue.list() == []
    assert {refused.path.name for refused in await catalogue.refused()} == {"dead.safetensors", "missing"}


def test_the_parent_side_needs_no_torch() -> None:
    heavy = ("torch", "diffusers", "transformers", "numpy", "safetensors")
    program = "\n".join(
        [
            f"import sys; sys.modules.update(dict.fromkeys({heavy!r}))",
            "from illustrious_studio.adapters.sdxl.engine import SdxlEngine",
            "from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints",
            "import asyncio; print(asyncio.run(DiskCheckpoints([]).list())[0].name, SdxlEngine().status.state)",
        ]
    )
    source = BUILTIN.parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=source, check=False)
    assert done.stdout.split() == ["illustrious-mini", "absent"], done.stderr
