"""Pictures that people put into the gallery's folder, each case under the number of the report that it stands for."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.samples import a_picture, metadata
from tests.services.test_gallery import items, opened, pngs

from illustrious_studio.domain.encoding import to_file, to_png
from illustrious_studio.domain.pictures import open_picture
from illustrious_studio.services.gallery import GalleryService

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[GalleryService]:
    async with opened(tmp_path) as service:
        yield service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gallery"


FOREIGN = [
    pytest.param("a06_empty_prompt.png", "00012-424242.PNG", "", id="invoke-ai-3895-no-prompt"),
    pytest.param("j01_comfy.png", "ComfyUI_00001_.png", "1girl, silver hair, rooftop at dusk", id="MooshieUI-698"),
    pytest.param("c03_le_in_II_jpg.jpg", "猫 (1).JPG", "1girl, 猫耳, émile, 🎨", id="invoke-ai-3895-jpeg"),
    pytest.param("c07_no_prefix_webp.webp", "x.webp", "1girl, silver hair, rooftop at dusk", id="invoke-ai-3895-webp"),
]


@pytest.mark.parametrize(("case", "name", "prompt"), FOREIGN)
async def test_another_programs_picture_is_taken_in_with_its_settings(
    service: GalleryService, folder: Path, case: str, name: str, prompt: str
) -> None:
    shutil.copy(CASES / case, folder / name)
    found = await service.reindex()
    assert (found.pictures, found.imported, found.left_out) == (1, 1, [])
    (item,) = await items(service)
    request = item.metadata.request
    assert (request.prompt, request.steps, request.seed, request.guidance) == (prompt, 27, 424242, 5.5)
    expected = open_picture((CASES / case).read_bytes()).picture
    assert open_picture(await service.png(item.id)).picture == expected
    assert await service.thumbnail(item.id)
    if not name.lower().endswith(".png"):
        assert next((folder / ".imported").iterdir()).read_bytes() == (CASES / case).read_bytes()
    elif prompt:
        assert (folder / f"{item.stem}.png").read_bytes() == (CASES / case).read_bytes(), "its workflow is kept"
    shutil.copy(CASES / case, folder / name)
    again = await service.reindex()
    assert (again.pictures, again.imported) == (1, 0)
    assert [(one.file, one.reason) for one in again.left_out] == [(name, "It is in the gallery already.")]


async def test_a_picture_without_settings_is_found_by_name_and_time(service: GalleryService, folder: Path) -> None:
    (folder / "my holiday.png").write_bytes(to_png(a_picture()))
    then = datetime(2025, 3, 1, 10, 0, tzinfo=UTC)
    os.utime(folder / "my holiday.png", (then.timestamp(),) * 2)
    assert (await service.reindex()).imported == 1
    (item,) = await items(service, "holiday")
    assert item.metadata.created_at == then
    assert (item.metadata.width, item.metadata.request.prompt) == (96, "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is Unicode")
async def test_a_name_that_is_no_unicode_does_no_harm(service: GalleryService, folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(to_png(a_picture()))
    (folder / os.fsdecode(b"half\xe9.png")).write_bytes(b"")
    found = await service.reindex()
    assert found.imported == 1
    assert [one.file for one in found.left_out] == ["half?.png"]


@pytest.mark.parametrize("json_too", [True, False])
async def test_an_own_picture_that_was_renamed_is_found_under_its_id_photoprism_568(
    service: GalleryService, folder: Path, json_too: bool
) -> None:
    item = await service.add(a_picture().image(), metadata("a cup"))
    if json_too:
        item = await service.set_favourite(item.id, True)
    else:
        (folder / f"{item.stem}.json").unlink()
    (folder / f"{item.stem}.png").rename(folder / "my favourite cup.png")
    assert (await service.reindex()).pictures == 1
    assert await items(service) == [item]


async def test_an_own_picture_of_before_ids_were_written_is_found_by_its_json(
    service: GalleryService, folder: Path
) -> None:
    item = await service.add(a_picture().image(), metadata("a cup"))
    (folder / f"{item.stem}.png").unlink()
    text = {"illustrious": item.metadata.model_dump_json()}
    (folder / "cup.png").write_bytes(to_png(a_picture(), text))
    await service.reindex()
    assert await items(service) == [item]


async def test_what_cannot_be_taken_in_is_named_and_left_alone(service: GalleryService, folder: Path) -> None:
    whole = await service.add(a_picture().image(), metadata("a cup"))
    png = await service.png(whole.id)
    contents = {"half.png": png[:200], "empty.jpg": b"", "anim.gif": b"GIF89a", "copy of it.png": png}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "sorted").mkdir()
    (folder / "link.png").symlink_to(folder / f"{whole.stem}.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "notes.txt").write_text("mine")
    (folder / f"20260517-120000_{'0' * 32}.png").write_bytes(b"")
    found = await service.reindex()
    assert (found.pictures, found.imported) == (1, 0)
    reasons = {one.file: one.reason for one in found.left_out}
    assert reasons.keys() == {*contents, "sorted", "link.png", "pipe.png", f"20260517-120000_{'0' * 32}.png"}
    assert reasons["copy of it.png"] == "It is in the gallery already."
    assert all("a folder, a link or a pipe" in reasons[name] for name in ("sorted", "link.png"))
    assert {name: (folder / name).read_bytes() for name in contents} == contents
    assert await items(service) == [whole]


async def test_a_picture_that_was_taken_in_outlives_its_json(service: GalleryService, folder: Path) -> None:
    shutil.copy(CASES / "j01_comfy.png", folder / "x.png")
    (folder / "y.jpg").write_bytes(to_file(a_picture().image(), "jpeg"))
    await service.reindex()
    before = [item.metadata.request for item in await items(service)]
    for path in folder.glob("*.json"):
        path.unlink()
    assert (await service.reindex()).pictures == len(pngs(folder.parent)) == 2
    assert [item.metadata.request for item in await items(service)] == before
