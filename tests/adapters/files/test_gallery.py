"""The gallery's folder: what is in it is whole, and what goes wrong leaves nothing behind."""

import errno
import io
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image
from tests.adapters.small_files import save_with_small_files

from illustrious_studio.adapters.files.disk import Disk
from illustrious_studio.adapters.files.gallery import FolderGallery
from illustrious_studio.domain.encoding import to_png, to_thumbnail
from illustrious_studio.domain.errors import NotFound, StorageFull, Unavailable
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.metadata.infotext import write_infotext
from samples import a_picture, an_item

PNG_TEXT = {"parameters": "a cat\nSteps: 28, Sampler: Euler a, CFG scale: 5.5, Seed: 7, Size: 96x64, Model: mini"}


@pytest.fixture
async def gallery(tmp_path: Path) -> FolderGallery:
    return await FolderGallery.open(tmp_path / "gallery")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gallery"


async def save(gallery: FolderGallery, item: GalleryItem, text: dict[str, str] | None = None) -> bytes:
    picture = a_picture()
    everything = {"parameters": write_infotext(item.metadata), "illustrious": item.metadata.model_dump_json()}
    png = to_png(picture, everything if text is None else text)
    await gallery.save(item, png, to_thumbnail(picture.image()))
    return png


def files(folder: Path) -> list[str]:
    """Everything there is, whatever its name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


class CountingDisk(Disk):
    """Fails at the call of that number, once, and keeps account of the order of calls."""

    def __init__(self, fail_at: int = 0, error: int = errno.ENOSPC) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._fail_at = fail_at
        self._error = error

    def _count(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) == self._fail_at:
            raise OSError(self._error, os.strerror(self._error))

    def create(self, path: Path) -> int:
        self._count("create")
        return super().create(path)

    def write(self, file: int, data: memoryview) -> int:
        if len(self.calls) + 1 == self._fail_at:
            super().write(file, data[: len(data) // 2])
        self._count("write")
        return super().write(file, data)

    def sync(self, file: int) -> None:
        self._count("sync")
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._count(f"rename {target.suffix}")
        super().rename(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync folder")
        super().sync_folder(folder)


async def test_a_saved_picture_is_two_plain_files_and_a_thumbnail(gallery: FolderGallery, folder: Path) -> None:
    item = an_item()
    png = await save(gallery, item)
    assert files(folder) == [
        f".thumbnails/{item.id}.webp",
        f"20260517-120000_{item.id}.json",
        f"20260517-120000_{item.id}.png",
    ]
    assert (folder / f"{item.stem}.png").read_bytes() == png == await gallery.read(item)
    assert json.loads((folder / f"{item.stem}.json").read_text())["metadata"]["request"]["prompt"] == "a cat on a mat"
    assert (await gallery.scan()).items == [item]
    assert await gallery.ids() == {item.id}


async def test_bytes_are_on_the_disk_before_their_name_is_f3(tmp_path: Path) -> None:
    disk = CountingDisk()
    gallery = await FolderGallery.open(tmp_path, disk)
    disk.calls.clear()
    await save(gallery, an_item())
    first = disk.calls.index("rename .png")
    assert disk.calls[:first].count("sync") == 2
    assert "create" not in disk.calls[first:]
    assert disk.calls[-1] == "sync folder"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
async def test_a_failing_disk_leaves_nothing_at_whatever_call_it_fails_f4_f5(tmp_path: Path, error: int) -> None:
    disk = CountingDisk()
    await save(await FolderGallery.open(tmp_path / "whole", disk), an_item())
    await FolderGallery.open(tmp_path / "opened", opening := CountingDisk())
    steps = range(len(opening.calls) + 1, len(disk.calls) + 1)
    assert len(steps) > 10
    for step in steps:
        folder = tmp_path / f"{step}"
        gallery = await FolderGallery.open(folder, CountingDisk(step, error))
        with pytest.raises(Unavailable if error == errno.EIO else StorageFull):
            await save(gallery, an_item())
        assert files(folder) == [], step
        item = an_item()
        await save(gallery, item)  # there is space again
        assert (await gallery.scan()).items == [item]


async def test_the_systems_own_limit_of_a_file_leaves_nothing_f5(tmp_path: Path) -> None:
    """The kernel writes a first part and then refuses, as it does at the end of a full disk."""
    answer = tmp_path / "answer"
    child = multiprocessing.get_context("forkserver").Process(
        target=save_with_small_files, args=(tmp_path / "gallery", answer)
    )
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert answer.read_text() == "storage_full"
    assert files(tmp_path / "gallery") == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
async def test_a_full_device_is_said_so_f5(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def create(self, path: Path) -> int:
            super().close(super().create(path))
            return os.open("/dev/full", os.O_WRONLY)

    gallery = await FolderGallery.open(tmp_path)
    full = FolderGallery(tmp_path, FullDisk())
    with pytest.raises(StorageFull, match="same seed"):
        await save(full, an_item())
    assert files(tmp_path) == []
    assert (await gallery.scan()).items == []


async def test_a_full_disk_still_shows_pictures_without_thumbnails(tmp_path: Path) -> None:
    item = an_item()
    await save(await FolderGallery.open(tmp_path), item)
    (tmp_path / ".thumbnails" / f"{item.id}.webp").unlink()

    class NoSpace(Disk):
        def create(self, path: Path) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert (await FolderGallery(tmp_path, NoSpace()).thumbnail(item)).startswith(b"RIFF")


async def test_a_thumbnail_is_small_and_made_again_where_it_is_missing(gallery: FolderGallery, folder: Path) -> None:
    item = an_item()
    await gallery.save(item, to_png(a_picture(1000, 500)), b"")  # empty: the power failed before it was on the disk
    data = await gallery.thumbnail(item)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("WEBP", (384, 192))
    assert (folder / ".thumbnails" / f"{item.id}.webp").read_bytes() == data


async def test_a_damaged_picture_has_no_thumbnail(gallery: FolderGallery) -> None:
    item = an_item()
    await gallery.save(item, to_png(a_picture())[:100], b"")
    with pytest.raises(NotFound, match="damaged"):
        await gallery.thumbnail(item)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda png: b"", id="nothing in it, after a full disk"),
        pytest.param(lambda png: png[:-20], id="cut off"),
        pytest.param(lambda png: png[:200] + b"\0\0\0\0" + png[204:], id="a bad block"),
    ],
)
async def test_a_damaged_file_is_said_to_be_and_never_sent(
    gallery: FolderGallery, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    item = an_item()
    path = folder / f"{item.stem}.png"
    path.write_bytes(damage(await save(gallery, item)))
    with pytest.raises(NotFound, match="damaged"):
        await gallery.read(item)


@pytest.mark.parametrize("size", [0, 100])
async def test_a_file_that_was_cut_off_is_left_out_though_its_json_is_good(
    gallery: FolderGallery, folder: Path, size: int
) -> None:
    item, other = an_item(), an_item("another")
    await save(gallery, other)
    (folder / f"{item.stem}.png").write_bytes((await save(gallery, item))[:size])
    assert (await gallery.scan()).items == [other]


async def test_updating_writes_the_json_and_nothing_else(gallery: FolderGallery, folder: Path) -> None:
    item = an_item()
    png = await save(gallery, item)
    loved = item.model_copy(update={"favourite": True})
    await gallery.update(loved)
    assert (await gallery.scan()).items == [loved]
    assert await gallery.read(loved) == png
    assert len(files(folder)) == 3
    with pytest.raises(NotFound):
        await gallery.update(an_item())
    assert len(files(folder)) == 3


async def test_the_trash_gives_back_what_it_took(gallery: FolderGallery) -> None:
    item = an_item(favourite=True)
    png = await save(gallery, item)
    await gallery.trash(item)
    assert (await gallery.scan()).items == []
    for look in (gallery.read, gallery.trash):
        with pytest.raises(NotFound):
            await look(item)
    assert await gallery.restore(item.id) == item
    assert await gallery.read(item) == png
    with pytest.raises(NotFound):
        await gallery.restore(item.id)


async def test_the_trash_is_emptied_after_seven_days(gallery: FolderGallery, folder: Path) -> None:
    old, young = an_item("old"), an_item("young")
    today = folder / ".trash" / date.today().isoformat()
    for item, days in ((old, 8), (young, 6)):
        await save(gallery, item)
        await gallery.trash(item)
        today.rename(folder / ".trash" / (date.today() - timedelta(days=days)).isoformat())
    again = await FolderGallery.open(folder)
    with pytest.raises(NotFound, match="seven days"):
        await again.restore(old.id)
    assert not [name for name in files(folder) if old.id in name]
    assert await again.restore(young.id) == young


async def test_old_parts_are_swept_up_and_young_ones_are_somebodys(gallery: FolderGallery, folder: Path) -> None:
    old, young = folder / ".parts" / "old.part", folder / ".parts" / "young.part"
    for part in (old, young):
        part.write_bytes(b"half a pic")
    os.utime(old, (old.stat().st_mtime - 7200,) * 2)
    again = await FolderGallery.open(folder)
    assert files(folder) == [".parts/young.part"]
    assert (await again.scan()).items == []


@pytest.mark.parametrize("damage", ["missing", "", "{}", "[" * 100_000, '{"id": "x"}', "\0\xff", "another's"])
async def test_a_picture_without_its_json_is_read_from_the_png(
    gallery: FolderGallery, folder: Path, damage: str
) -> None:
    item = an_item("日本, a cat\nin two lines", image="a" * 64, strength=0.4, attempts=("tiled VAE",))
    await save(gallery, item)
    path = folder / f"{item.stem}.json"
    match damage:
        case "missing":
            path.unlink()
        case "another's":
            path.write_text(an_item().model_dump_json())
        case _:
            path.write_text(damage, encoding="latin-1")
    assert (await gallery.scan()).items == [item]
    assert GalleryItem.model_validate_json(path.read_bytes()) == item  # and it is there again


async def test_a_picture_saved_by_another_program_is_read_from_the_fields_usual_text(
    gallery: FolderGallery, folder: Path
) -> None:
    item = an_item()
    await save(gallery, item, PNG_TEXT)
    (folder / f"{item.stem}.json").unlink()
    (found,) = (await gallery.scan()).items
    assert (found.id, found.stem) == (item.id, item.stem)
    request = found.metadata.request
    assert (request.prompt, request.seed, request.steps, request.guidance) == ("a cat", 7, 28, 5.5)
    assert "clip_skip" not in request.model_fields_set  # what the text does not say is not made up
    assert (found.metadata.checkpoint, found.metadata.device) == ("mini", "")
    assert (found.metadata.width, found.metadata.height) == (96, 64)


async def test_what_of_the_text_no_request_can_hold_is_kept_as_it_stands(gallery: FolderGallery, folder: Path) -> None:
    item = an_item()
    await save(gallery, item, {"parameters": "a\nSteps: x, Seed: 1, CFG scale: nan, Size: 1x1"})
    (folder / f"{item.stem}.json").unlink()
    (found,) = (await gallery.scan()).items
    assert (found.metadata.request.prompt, found.metadata.request.seed) == ("a", 1)
    assert found.metadata.unusable == {"steps": "x", "guidance": "nan", "width": "1", "height": "1"}


@pytest.mark.parametrize(("area", "drawn"), [({}, (96, 64)), ({"mask_area": "masked", "mask_padding": 9}, (64, 128))])
async def test_what_was_drawn_by_a_mask_can_be_drawn_again_from_the_usual_text(
    gallery: FolderGallery, folder: Path, area: dict[str, object], drawn: tuple[int, int]
) -> None:
    over = {"image": "a" * 64, "strength": 0.5, "fit": "crop", "mask": "b" * 64, "mask_blur": 2, "mask_content": "fill"}
    item = an_item(**over, **area)
    request = item.metadata.request.model_copy(update={"width": drawn[0], "height": drawn[1]})
    item = item.model_copy(update={"metadata": item.metadata.model_copy(update={"request": request})})
    await save(gallery, item, {"parameters": write_infotext(item.metadata)})
    (folder / f"{item.stem}.json").unlink()
    (found,) = (await gallery.scan()).items
    assert found.metadata.request == item.metadata.request
    assert (found.metadata.width, found.metadata.height) == (96, 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        to_png(a_picture())[:60],
        to_png(a_picture()),
        to_png(a_picture(), {"illustrious": "[" * 99999}),
        b"<svg/>",
    ],
)
async def test_damaged_files_are_left_out_and_left_alone(gallery: FolderGallery, folder: Path, content: bytes) -> None:
    item, other = an_item(), an_item("another")
    path = folder / f"{item.stem}.png"
    path.write_bytes(content)
    await save(gallery, other)
    assert (await gallery.scan()).items == [other]
    assert path.read_bytes() == content


async def test_only_plain_files_of_its_own_names_are_pictures(
    gallery: FolderGallery, folder: Path, tmp_path: Path
) -> None:
    link, pipe, directory, whole = (an_item() for _ in range(4))
    await save(gallery, whole)
    shutil.copy(folder / f"{whole.stem}.png", tmp_path / "outside.png")
    (folder / f"{link.stem}.png").symlink_to(tmp_path / "outside.png")
    os.mkfifo(folder / f"{pipe.stem}.png")
    (folder / f"{directory.stem}.png").mkdir()
    shutil.copy(tmp_path / "outside.png", folder / "holiday.png")
    (folder / "notes.txt").write_text("mine")
    assert (await gallery.scan()).items == [whole]
    assert await gallery.ids() == {whole.id}
    for item in (link, pipe, directory):
        with pytest.raises(NotFound):
            await gallery.read(item)
        with pytest.raises(NotFound):
            await gallery.thumbnail(item)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../../canary", "/etc/passwd", "*", "?" * 32, "a\0b", "x" * 300, "0" * 32, "A" * 32]
)
async def test_names_from_outside_reach_no_file(gallery: FolderGallery, folder: Path, name: str) -> None:
    canary = folder.parent / "canary"
    canary.write_text("here")
    item = an_item()
    await save(gallery, item)
    await gallery.trash(item)
    before = files(folder)
    with pytest.raises(NotFound):
        await gallery.restore(name)
    assert files(folder) == before
    assert canary.exists()


async def test_a_folder_that_cannot_be_used_is_said_so_f8(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="gallery folder"):
        await FolderGallery.open(tmp_path / "file" / "gallery")


async def test_a_folder_that_went_away_is_said_so(gallery: FolderGallery, folder: Path) -> None:
    item = an_item()
    await save(gallery, item)
    shutil.rmtree(folder)
    with pytest.raises(Unavailable, match="gallery folder"):
        await gallery.ids()
    with pytest.raises(Unavailable, match="gallery folder"):
        await save(gallery, item)
    with pytest.raises(NotFound):
        await gallery.read(item)


async def test_two_programs_may_use_one_folder(folder: Path) -> None:
    left, right = await FolderGallery.open(folder), await FolderGallery.open(folder)
    items = [an_item(f"number {number}") for number in range(6)]
    for number, item in enumerate(items):
        await save((left, right)[number % 2], item)
    by_id = sorted(items, key=lambda item: item.id)

    def ordered(found: Iterable[GalleryItem]) -> list[GalleryItem]:
        return sorted(found, key=lambda item: item.id)

    assert ordered((await left.scan()).items) == ordered((await right.scan()).items) == by_id
    assert ordered((await left.scan({items[2].id})).items) == [items[2]]
