"""The gallery over its real folder and database: nothing that was kept is lost, whatever happens in between."""

import asyncio
import io
import random
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text
from tests.services.crashes import FIRST, SECOND, crashes_of_a_gallery

from illustrious_studio.adapters.files.gallery import FolderGallery
from illustrious_studio.adapters.sql.database import Database
from illustrious_studio.adapters.sql.gallery_index import SqlGalleryIndex
from illustrious_studio.domain.errors import NotFound, StorageFull
from illustrious_studio.domain.gallery import GalleryItem, GalleryQuery, Scan
from illustrious_studio.domain.metadata.infotext import read_infotext
from illustrious_studio.domain.pictures import Picture, open_picture
from illustrious_studio.services.gallery import ONE_BY_ONE, GalleryService
from samples import a_picture, an_item, metadata
from waiting import turns


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[GalleryService]:
    """As at the start of the studio."""
    async with Database(f"sqlite:///{place}/studio.db") as database:
        service = GalleryService(await FolderGallery.open(place / "gallery"), SqlGalleryIndex(database))
        await service.reconcile()
        yield service


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[GalleryService]:
    async with opened(tmp_path) as service:
        yield service


def pngs(place: Path) -> list[Path]:
    return sorted((place / "gallery").glob("*.png"))


async def items(service: GalleryService, q: str = "") -> list[GalleryItem]:
    return (await service.page(GalleryQuery(q=q), limit=200)).items


async def test_a_kept_picture_is_found_shown_and_whole(service: GalleryService) -> None:
    picture = a_picture()
    item = await service.add(picture.image(), metadata("a fox in the snow"))
    assert await service.get(item.id) == item
    assert await items(service, "fox snow") == [item]
    assert open_picture(await service.png(item.id)).picture == picture
    assert Image.open(io.BytesIO(await service.thumbnail(item.id))).format == "WEBP"


@pytest.mark.parametrize("noisy", [False, True])
async def test_a_preview_is_small_whatever_is_in_the_picture(service: GalleryService, noisy: bool) -> None:
    picture = Picture(1216, 832, random.Random(1).randbytes(1216 * 832 * 3)) if noisy else a_picture(1216, 832)
    item = await service.add(picture.image(), metadata("a fox in the snow"))
    file = await service.preview(item.id)
    preview = Image.open(io.BytesIO(file))
    assert (preview.format, len(file) <= 200_000) == ("WEBP", True)
    assert preview.width / preview.height == pytest.approx(1216 / 832, rel=0.01)
    assert preview.width <= 768 if noisy else preview.size == (768, 525)


@pytest.mark.parametrize("prompt", ["a fox", "日本の猫 \U0001f408", "Zürich, café", 'two\nlines, "quoted", a: b', ""])
async def test_the_png_carries_its_settings_for_any_program(service: GalleryService, prompt: str) -> None:
    of = metadata(prompt)
    item = await service.add(a_picture().image(), of)
    carried = open_picture(await service.png(item.id)).text
    told = read_infotext(carried["parameters"])
    assert (told.prompt, told.negative_prompt, told.fields["Seed"]) == (prompt, "blurry", "1234")
    assert type(of).model_validate_json(carried["illustrious"]) == of


async def test_adding_the_same_picture_twice_keeps_one(service: GalleryService, tmp_path: Path) -> None:
    first = await service.add(a_picture().image(), metadata("first"), FIRST)
    assert await service.add(a_picture().image(), metadata("drawn again", second=60), FIRST) == first
    assert len(pngs(tmp_path)) == 1


async def test_a_rerun_before_the_start_up_sweep_makes_no_second_picture(tmp_path: Path) -> None:
    """The crash came after the file and before the row."""
    async with opened(tmp_path) as service:
        first = await service.add(a_picture().image(), metadata("first"), FIRST)
    (tmp_path / "studio.db").unlink()
    async with Database(f"sqlite:///{tmp_path}/studio.db") as database:
        service = GalleryService(await FolderGallery.open(tmp_path / "gallery"), SqlGalleryIndex(database))
        assert await service.add(a_picture().image(), metadata("drawn again", second=60), FIRST) == first
    assert len(pngs(tmp_path)) == 1


async def test_a_picture_whose_file_somebody_removed_can_be_deleted(service: GalleryService, tmp_path: Path) -> None:
    """invoke-ai 3895: its entry went only at the next start."""
    item = await service.add(a_picture().image(), metadata())
    next(tmp_path.rglob(f"{item.stem}.png")).unlink()
    await service.delete(item.id)
    assert await items(service) == []
    with pytest.raises(NotFound):
        await service.delete(item.id)


async def test_deleting_can_be_undone(service: GalleryService) -> None:
    item = await service.add(a_picture().image(), metadata())
    item = await service.set_favourite(item.id, True)
    png = await service.png(item.id)
    await service.delete(item.id)
    assert await items(service) == []
    for look in (service.get, service.png, service.thumbnail, service.delete):
        with pytest.raises(NotFound):
            await look(item.id)
    assert await service.restore(item.id) == item
    assert await service.png(item.id) == png
    assert await items(service) == [item]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\Windows\\win.ini",
        "\\\\host\\share",
        "a\0.png",
        "a.png::$DATA",
        "CON",
        "a.",
        "a.png/",
        "x" * 300,
        "",
        ".",
        "*",
        "%",
        "0" * 32,
        "A" * 32,
        "１" * 32,
    ],
)
async def test_names_from_outside_find_nothing_61_62(service: GalleryService, tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    canary.write_text("here")
    item = await service.add(a_picture().image(), metadata())
    for look in (service.get, service.png, service.thumbnail, service.delete, service.restore):
        with pytest.raises(NotFound):
            await look(name)
    with pytest.raises(NotFound):
        await service.set_favourite(name, True)
    assert canary.exists()
    assert await items(service) == [item]


async def test_the_gallery_is_the_same_after_its_database_was_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        for second in range(5):
            await service.add(a_picture().image(), metadata(f"number {second}", second=second))
        loved = (await items(service))[2]
        await service.set_favourite(loved.id, True)
        before = await items(service)
    (tmp_path / "studio.db").unlink()
    async with opened(tmp_path) as service:
        assert await items(service) == before
        assert (await service.page(GalleryQuery(favourites=True))).items == [before[2]]


async def test_reindexing_keeps_everything_favourites_too(service: GalleryService, tmp_path: Path) -> None:
    for second in range(5):
        await service.add(a_picture().image(), metadata(f"number {second}", second=second))
    await service.set_favourite((await items(service))[2].id, True)
    await service.delete((await items(service))[0].id)
    before = await items(service)
    (tmp_path / "gallery" / f"{an_item().stem}.png").write_bytes(b"damaged")
    assert (await service.reindex()).pictures == 4
    assert await items(service) == before
    assert await items(service, "number 3") == before[:1]


@pytest.mark.parametrize("count", [3, ONE_BY_ONE + 20])
async def test_files_that_came_or_went_behind_its_back_are_noticed_at_the_next_start(
    tmp_path: Path, count: int
) -> None:
    async with opened(tmp_path) as service:
        gone = await service.add(a_picture().image(), metadata("gone"))
        stays = await service.add(a_picture().image(), metadata("stays", second=-1))
        png = await service.png(stays.id)
    (tmp_path / "gallery" / f"{gone.stem}.png").unlink()
    for second in range(count):
        (tmp_path / "gallery" / f"{an_item(second=second).stem}.png").write_bytes(png)
    foreign = tmp_path / "gallery" / "holiday.png"
    foreign.write_bytes(png)
    async with opened(tmp_path) as service:
        found = await items(service)
    assert foreign.exists(), "what somebody put there is taken in only when somebody asks"
    foreign.unlink()
    assert stays in found
    assert gone.id not in {item.id for item in found}
    assert len(found) == len(pngs(tmp_path)) == count + 1


async def test_what_changes_during_reindexing_is_not_lost(tmp_path: Path) -> None:
    class SlowFolder(FolderGallery):
        """When the folder was read and before the index is written, a picture comes in, another is loved, one goes."""

        async def scan(self, ids: Set[str] | None = None) -> Scan:
            found = await super().scan(ids)
            if ids is None:
                await service.add(a_picture().image(), metadata("late"))
                await service.set_favourite(early.id, True)
                await service.delete(gone.id)
            return found

    async with Database(f"sqlite:///{tmp_path}/studio.db") as database:
        service = GalleryService(await SlowFolder.open(tmp_path / "gallery"), SqlGalleryIndex(database))
        early = await service.add(a_picture().image(), metadata("early", second=-5))
        gone = await service.add(a_picture().image(), metadata("gone", second=-9))
        async with asyncio.timeout(30):  # whoever reads the folder keeps nobody from changing a picture
            await service.reindex()
        found = [(item.metadata.request.prompt, item.favourite) for item in await items(service)]
        assert found == [("late", False), ("early", True)]


async def test_cancelling_leaves_file_and_row_or_neither(tmp_path: Path) -> None:
    async with opened(tmp_path) as service:
        for count in range(12):
            adding = asyncio.create_task(service.add(a_picture().image(), metadata(f"number {count}", second=count)))
            await turns(count)
            adding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adding
        assert [f"{item.stem}.png" for item in reversed(await items(service))] == [path.name for path in pngs(tmp_path)]


async def test_a_picture_whose_row_found_no_space_is_there_after_the_next_start_f6(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/studio.db") as database:
        service = GalleryService(await FolderGallery.open(tmp_path / "gallery"), SqlGalleryIndex(database))
        await database.read(lambda connection: connection.execute(text("PRAGMA max_page_count = 1")))

        async def add_many() -> None:
            for second in range(100):
                await service.add(a_picture().image(), metadata(f"number {second} " + "x" * 4000, second=second))

        with pytest.raises(StorageFull):
            await add_many()
    async with opened(tmp_path) as service:
        assert len(await items(service)) == len(pngs(tmp_path)) > 0


async def test_ending_at_any_step_loses_nothing_that_was_acknowledged_f2_f48(tmp_path: Path) -> None:
    places = await crashes_of_a_gallery(tmp_path / "in use", tmp_path)
    assert len(places) > 60
    for place in places:
        await check_after_crash(place)


async def check_after_crash(place: Path) -> None:
    file = place / "acknowledged"
    acknowledged = file.read_text().splitlines() if file.exists() else []
    async with opened(place) as service:
        present = {item.id: item for item in await items(service)}
        for item_id, item in present.items():
            assert open_picture(await service.png(item_id)).picture == a_picture()
            assert await service.thumbnail(item_id)
            assert (place / "gallery" / f"{item.stem}.json").exists()
        assert len(pngs(place)) == len(present)
        for path in (place / "gallery").glob("*.json"):  # no settings without a picture, here or in the trash
            assert list((place / "gallery").rglob(f"{path.stem}.png")), path
        # What was acknowledged holds, unless the step that was cut off was to change just that.
        match acknowledged:
            case []:
                assert SECOND not in present
            case [*_, "first there"]:
                assert set(present) == {FIRST}
            case [*_, "first loved"]:
                assert FIRST in present
            case [*_, "second there"]:
                assert SECOND in present
                if FIRST not in present:
                    present[FIRST] = await service.restore(FIRST)
            case [*_, "first deleted"]:
                assert SECOND in present
                if FIRST not in present:
                    present[FIRST] = await service.restore(FIRST)
            case [*_, "first restored"]:
                assert FIRST in present
                if SECOND not in present:
                    present[SECOND] = await service.restore(SECOND)
            case [*_, "second deleted"]:
                assert set(present) == {FIRST}
        assert "first loved" not in acknowledged or present[FIRST].favourite
        # The job of the second picture runs again: there is one of it afterwards, not two.
        await service.add(a_picture().image(), metadata("second", second=90), SECOND)
        assert len([path for path in pngs(place) if SECOND in path.name]) == 1
        assert (await service.reindex()).pictures == len(pngs(place)) == len(await items(service))
