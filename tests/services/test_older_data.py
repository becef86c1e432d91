"""A data folder of the version before opens, and loses nothing."""

import json
import shutil
from pathlib import Path

from illustrious_studio.adapters.files.disk import Disk
from illustrious_studio.adapters.files.gallery import FolderGallery
from studio_for_tests import studio_for_tests

VERSION_1 = Path(__file__).parents[1] / "data_of_version_1"


async def test_the_gallery_and_the_database_of_version_1_open_and_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(VERSION_1, folder)
    records = [json.loads(path.read_bytes()) for path in (folder / "gallery").glob("*.json")]
    async with studio_for_tests(folder) as made:
        studio = made.studio
        items = (await studio.gallery.page()).items
        assert {item.id for item in items} == {record["id"] for record in records}
        for record in records:
            item = await studio.gallery.get(record["id"])
            assert item.metadata.request.prompt == record["metadata"]["prompt"]
            assert item.favourite == record["favourite"]
            assert await studio.gallery.png(item.id)
            job = await studio.images.start_image(item.metadata.request)
            assert (await studio.jobs.wait(job.id)).metadata.request == job.request
        assert (await studio.gallery.reindex()).pictures == 2 * len(records)
        assert [session.id for session in await studio.chat.sessions()] == ["old"]
        assert len(await studio.jobs.recent(100)) == 2 * len(records)


async def test_a_picture_of_version_1_that_lost_its_json_is_read_from_the_png(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(VERSION_1, folder)
    before = {path.name: json.loads(path.read_bytes()) for path in (folder / "gallery").glob("*.json")}
    for name in before:
        (folder / "gallery" / name).unlink()
    files = FolderGallery(folder / "gallery", Disk())
    found = {item.id: item for item in (await files.scan()).items}
    assert found.keys() == {record["id"] for record in before.values()}
    for record in before.values():
        assert found[record["id"]].metadata.request.seed == record["metadata"]["seed"]
        assert found[record["id"]].metadata.device == record["metadata"]["device"]
