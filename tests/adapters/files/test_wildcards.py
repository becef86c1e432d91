"""The folder of wildcards: which files a name means, and what of them is a choice."""

import os
from pathlib import Path
from random import Random

import pytest

from illustrious_studio.adapters.files.wildcards import LARGEST, WildcardFolder
from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.wildcards import chosen


def folder(root: Path) -> WildcardFolder:
    (root / "clothes").mkdir(parents=True)
    (root / "color.txt").write_text("\ufeffred\r\n\n# not this\n  green  \n", encoding="utf-8")
    (root / "clothes" / "Hat.TXT").write_text("top hat\ncap\n", encoding="utf-8")
    (root / "season_warm.txt").write_text("été\n", encoding="utf-8")
    (root / "season_cold.txt").write_text("winter\n", encoding="utf-8")
    (root / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    (root / "notes.md").write_text("no", encoding="utf-8")
    return WildcardFolder(root)


async def lines(found: WildcardFolder, name: str) -> list[str]:
    return await found.with_lines(lambda read: list(read(name)))


async def test_names_are_paths_without_their_endings(tmp_path: Path) -> None:
    assert await folder(tmp_path / "w").names() == ["clothes/hat", "color", "empty", "season_cold", "season_warm"]
    assert await WildcardFolder(tmp_path / "nowhere").names() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("color", ["red", "green"]),
        ("COLOR", ["red", "green"]),
        ("clothes/hat", ["top hat", "cap"]),
        ("hat", ["top hat", "cap"]),
        ("season*", ["winter", "été"]),
        ("*hat", ["top hat", "cap"]),
    ],
)
async def test_a_name_means_files(tmp_path: Path, name: str, expected: list[str]) -> None:
    assert await lines(folder(tmp_path / "w"), name) == expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("colour", "Nearest: __color__. Put a file colour.txt into"),
        ("../color", "There is no wildcard"),
        ("x*", "There is no wildcard"),
        ("empty", "has no lines"),
    ],
)
async def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path, name: str, sentence: str) -> None:
    found = folder(tmp_path / "w")
    with pytest.raises(NotFound, match=sentence):
        await lines(found, name)


async def test_a_changed_file_is_read_again_and_one_that_is_too_large_is_not(tmp_path: Path) -> None:
    found = folder(tmp_path / "w")
    assert await lines(found, "color") == ["red", "green"]
    (tmp_path / "w" / "color.txt").write_text("blue\n", encoding="utf-8")
    assert await lines(found, "color") == ["blue"]
    os.truncate(tmp_path / "w" / "color.txt", LARGEST + 1)
    with pytest.raises(InvalidRequest, match="larger than 4 MB"):
        await lines(found, "color")


async def test_what_cannot_be_read_is_said_and_never_waited_for(tmp_path: Path) -> None:
    found = folder(tmp_path / "w")
    os.mkfifo(tmp_path / "w" / "pipe.txt")
    with pytest.raises(InvalidRequest, match=r"pipe\.txt cannot be read: it is no regular file"):
        await lines(found, "pipe")


async def test_a_folder_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    found = folder(tmp_path / "w")
    for number in range(6):
        (tmp_path / "w" / f"loop{number}").symlink_to(tmp_path / "w", target_is_directory=True)
    assert await lines(found, "color") == ["red", "green"]


async def test_a_file_in_another_encoding_is_said_to_be(tmp_path: Path) -> None:
    found = folder(tmp_path / "w")
    (tmp_path / "w" / "season_warm.txt").write_bytes("été\n".encode("latin-1"))
    with pytest.raises(InvalidRequest, match=r"season_warm\.txt is not in UTF-8"):
        await lines(found, "season_warm")


async def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    found = folder(tmp_path / "w")
    (tmp_path / "w" / "color.txt").write_bytes(b"red\ngr\0een\n")
    with pytest.raises(InvalidRequest, match=r"color\.txt has zero bytes"):
        await lines(found, "color")


async def test_a_name_may_have_spaces_and_what_no_prompt_can_name_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "hair colour.txt").write_text("blue\n", encoding="utf-8")
    (tmp_path / "two  spaces (old).txt").write_text("x\n", encoding="utf-8")
    found = WildcardFolder(tmp_path)
    assert await found.names() == ["hair colour"]
    assert await found.with_lines(lambda read: chosen("__hair colour__ hair", Random(1), read)) == "blue hair"
