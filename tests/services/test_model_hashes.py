"""Model files are found by their hashes, whatever they are called here, and nobody waits while they are hashed."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import hashes_in
from illustrious_studio.domain.regions import Region
from illustrious_studio.services.studio import Studio
from illustrious_studio.wiring import CHECKPOINTS, LORAS, VAES
from studio_for_tests import studio_for_tests
from tiny_models import SDXL, VAE, safetensors
from waiting import until

LORA = {
    "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": [4, 2048],
    "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_up.weight": [640, 4],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for place, name, tensors in (
        (CHECKPOINTS, "renamed", SDXL),
        (CHECKPOINTS, "another", SDXL | {"v_pred": [0]}),
        (VAES, "clear", VAE),
        (LORAS, "ink", LORA),
    ):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / f"{name}.safetensors").write_bytes(safetensors(tensors, {"note": name}))
    return tmp_path


@pytest_asyncio.fixture
async def studio(data: Path) -> AsyncIterator[Studio]:
    async with studio_for_tests(data) as tested:
        yield tested.studio


def sha256(path: Path, *, without_header: bool = False) -> str:
    data = path.read_bytes()
    return hashlib.sha256(data[8 + int.from_bytes(data[:8], "little") if without_header else 0 :]).hexdigest()


async def hashed(studio: Studio, digits: str) -> None:
    """Have all files hashed, by asking for one that is not there."""
    await until(lambda: studio.hashes.find(digits), lambda found: not found.unknown)


async def test_a_checkpoint_is_found_by_its_hash_whatever_it_is_called(studio: Studio, data: Path) -> None:
    whole = sha256(data / CHECKPOINTS / "renamed.safetensors")
    with pytest.raises(NotFound, match="not hashed yet, which is done now"):
        await studio.models.checkpoint_named(f"ponyDiffusionV6XL.safetensors [{whole[:10]}]")
    await hashed(studio, "00000000")
    for name in (f"pony.safetensors [{whole[:10]}]", whole[:10], whole, whole[:10].upper(), f" sub/x [{whole}] "):
        assert (await studio.models.checkpoint_named(name)).name == "renamed"
    # A name that another file has here now means the one with that hash, and the name where no file has it.
    assert (await studio.models.checkpoint_named(f"another [{whole[:10]}]")).name == "renamed"
    assert (await studio.models.checkpoint_named("another.safetensors [0123456789]")).name == "another"
    for name in ("0123456789", "x [0123456789]", whole[:7]):
        with pytest.raises(NotFound) as error:
            await studio.models.checkpoint_named(name)
        assert "not hashed yet" not in error.value.detail


async def test_a_vae_and_a_lora_are_found_by_theirs(studio: Studio, data: Path) -> None:
    await hashed(studio, "00000000")
    vae, lora = data / VAES / "clear.safetensors", data / LORAS / "ink.safetensors"
    found = await studio.vaes.named(f"other.vae.safetensors [{sha256(vae)[:10]}]")
    assert found is not None
    assert found.name == "clear"
    for digits in (sha256(lora)[:10], sha256(lora, without_header=True)[:12]):
        assert (await studio.loras.named(digits)).name == "ink"
    own = (await studio.models.checkpoints())[0]
    uses = await studio.loras.of(ImageRequest(prompt=f"a cat <lora:{sha256(lora, without_header=True)[:12]}:0.5>"), own)
    assert [(use.file.name, use.unet) for use in uses] == [("ink", 0.5)]


async def test_the_loras_of_another_programs_picture_are_found_by_their_recorded_hashes(
    studio: Studio, data: Path
) -> None:
    await hashed(studio, "00000000")
    digits = sha256(data / LORAS / "ink.safetensors", without_header=True)[:12]
    hashes = hashes_in(f'"old name: {digits}, gone: 0123456789ab, ink: ffffffffffff"')
    assert hashes == {"old name": digits, "gone": "0123456789ab", "ink": "ffffffffffff"}
    prompt = "a <lora:old name:0.8:0.5> b <lora:gone:1> <lora:ink:1>"
    found = "a <lora:ink:0.8:0.5> b <lora:gone:1> <lora:ink:1>"
    recorded = ImageRequest(prompt=prompt, negative_prompt=prompt, regions=(Region(prompt=prompt),))
    here = await studio.loras.by_hash(recorded, hashes)
    assert (here.prompt, here.negative_prompt, here.regions[0].prompt) == (found, found, found)
    assert await studio.loras.by_hash(ImageRequest(prompt="a cat"), hashes_in("")) == ImageRequest(prompt="a cat")


async def test_files_of_every_kind_are_searched(studio: Studio, data: Path) -> None:
    path = data / LORAS / "ink.safetensors"
    assert (await studio.hashes.find(sha256(path)[:8])).files == ()
    await hashed(studio, "00000000")
    found = (await studio.hashes.find(f"<{path.name}> [{sha256(path)[:10]}]")).files
    assert [(one.kind, one.name, one.auto_v2, one.auto_v3) for one in found] == [
        ("lora", "ink", sha256(path)[:10], sha256(path, without_header=True)[:12])
    ]
    assert (await studio.hashes.find(sha256(path)[:10], "checkpoint")).files == ()
    for wrong in ("", "no hash", "123", "g" * 10, "0" * 65):
        with pytest.raises(InvalidRequest, match="hash"):
            await studio.hashes.find(wrong)


async def test_what_was_hashed_is_known_after_a_restart_and_a_replaced_file_is_hashed_again(data: Path) -> None:
    path = data / CHECKPOINTS / "renamed.safetensors"
    before = sha256(path)
    async with studio_for_tests(data) as tested:
        await hashed(tested.studio, "00000000")
    async with studio_for_tests(data) as tested:
        assert (await tested.studio.models.checkpoint_named(before[:10])).name == "renamed"
        path.write_bytes(safetensors(SDXL, {"note": "a newer version"}))
        with pytest.raises(NotFound, match="One file is not hashed yet"):
            await tested.studio.models.checkpoint_named(before[:10])
        await hashed(tested.studio, "00000000")
        assert (await tested.studio.models.checkpoint_named(sha256(path)[:10])).name == "renamed"


async def test_a_file_that_cannot_be_hashed_holds_nothing_up(data: Path) -> None:
    async with studio_for_tests(data) as tested:
        gone = data / CHECKPOINTS / "renamed.safetensors"
        await tested.studio.hashes.start(gone, data / CHECKPOINTS / "another.safetensors")
        gone.unlink()
        other = data / CHECKPOINTS / "another.safetensors"
        await until(lambda: not tested.studio.hashes.hashing(other))
        assert (await tested.studio.hashes.of(other)).sha256 == sha256(other)
        assert (await tested.studio.hashes.of(gone)).sha256 is None
