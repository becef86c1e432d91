"""What people say of checkpoints counts more than their files, and is remembered."""

import asyncio
import errno
import json
from pathlib import Path

import pytest

from illustrious_studio.adapters.files.checkpoint_overrides import OverriddenCheckpoints
from illustrious_studio.adapters.files.disk import Disk
from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DiskCheckpoints
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.models import Checkpoint, CheckpointOverride

EPSILON = CheckpointOverride(prediction_type="epsilon", zero_terminal_snr=False)


def catalogue(folder: Path) -> OverriddenCheckpoints:
    return OverriddenCheckpoints(DiskCheckpoints([], BUILTIN), folder / "overrides.json")


async def test_it_is_remembered_and_can_be_taken_back(tmp_path: Path) -> None:
    found = catalogue(tmp_path)
    (before,) = await found.list()
    await found.set_override(before, EPSILON)
    for again in (found, catalogue(tmp_path)):
        (now,) = await again.list()
        assert (now.prediction_type, now.zero_terminal_snr, now.override) == ("epsilon", False, EPSILON)
        assert now.same_weights(before)
    await found.set_override(before, CheckpointOverride())
    assert await catalogue(tmp_path).list() == [before]


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"x": {"prediction_type": "sample"}}', b"\xff"])
async def test_a_damaged_file_costs_only_what_it_said(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "overrides.json").write_bytes(damage)
    found = catalogue(tmp_path)
    (before,) = await found.list()
    assert before.override == CheckpointOverride()
    await found.set_override(before, EPSILON)
    assert (await catalogue(tmp_path).list())[0].override == EPSILON
    assert (tmp_path / "overrides.bad").read_bytes() == damage


async def test_several_that_are_set_at_once_are_all_kept(tmp_path: Path) -> None:
    found = catalogue(tmp_path)
    (one,) = await found.list()
    several = [one.model_copy(update={"path": tmp_path / str(number)}) for number in range(20)]
    await asyncio.gather(*(found.set_override(each, EPSILON) for each in several))
    kept = json.loads((tmp_path / "overrides.json").read_text())
    assert kept.keys() == {str(each.path) for each in several}


async def test_what_cannot_be_written_is_said_and_does_not_count(tmp_path: Path) -> None:
    found = OverriddenCheckpoints(DiskCheckpoints([], BUILTIN), tmp_path / "nowhere" / "overrides.json")
    (before,) = await found.list()
    with pytest.raises(Unavailable, match=r"overrides\.json cannot be written"):
        await found.set_override(before, EPSILON)
    assert await found.list() == [before]


async def test_a_full_disk_leaves_what_was_set_before(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def rename(self, source: Path, target: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "overrides.json"
    (one,) = await catalogue(tmp_path).list()
    await catalogue(tmp_path).set_override(one, EPSILON)
    full = OverriddenCheckpoints(DiskCheckpoints([], BUILTIN), file, FullDisk())
    with pytest.raises(Unavailable, match="No space left"):
        await full.set_override(one, CheckpointOverride())
    assert (await full.list())[0].override == (await catalogue(tmp_path).list())[0].override == EPSILON
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "hinted"),
    [("NoobAI-XL-Vpred-v1.0", True), ("some_v-pred_merge", True), ("animeXLvpred", True), ("very predictable", False)],
)
def test_a_name_that_says_v_prediction_is_offered_as_a_hint(name: str, hinted: bool) -> None:
    checkpoint = Checkpoint(name=name, path=Path("x.safetensors"), layout="single-file")
    assert bool(checkpoint.hint) == hinted
    assert not checkpoint.with_override(CheckpointOverride(prediction_type="epsilon")).hint
    assert not checkpoint.model_copy(update={"prediction_type": "v_prediction"}).hint
