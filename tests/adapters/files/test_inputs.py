"""Input pictures as files: kept once, durable, and read by nothing but their names."""

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from illustrious_studio.adapters.files.disk import Disk
from illustrious_studio.adapters.files.inputs import FolderInputs
from illustrious_studio.domain.errors import NotFound, StorageFull, Unavailable


async def test_what_is_kept_is_found_by_its_hash_also_by_the_next_process(tmp_path: Path) -> None:
    kept = await FolderInputs(tmp_path / "inputs").keep(b"some picture")
    assert kept == hashlib.sha256(b"some picture").hexdigest()
    assert await FolderInputs(tmp_path / "inputs").read(kept) == b"some picture"


async def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    inputs = FolderInputs(tmp_path)
    assert await inputs.keep(b"one") == await inputs.keep(b"one") != await inputs.keep(b"two")
    assert len(list(tmp_path.iterdir())) == 2


async def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Send the picture itself"):
        await FolderInputs(tmp_path).read("0" * 64)


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be used"):
        await FolderInputs(tmp_path / "inputs").keep(b"one")


async def test_a_full_disk_is_said_and_nothing_half_is_left(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def sync(self, file: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageFull, match="Free some space"):
        await FolderInputs(tmp_path, FullDisk()).keep(b"one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
async def test_nobody_else_on_the_machine_may_read_what_was_given(tmp_path: Path) -> None:
    kept = await FolderInputs(tmp_path).keep(b"one")
    assert stat.S_IMODE((tmp_path / kept).stat().st_mode) == 0o600
