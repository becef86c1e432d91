"""Model files as people keep them, each case under the number of the report to another program that it stands for."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from illustrious_studio.adapters.sdxl.catalogue import DiskCheckpoints
from illustrious_studio.adapters.sdxl.vae_catalogue import DiskVaes
from tiny_models import VAE, put

links = pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")


def linked_folder(place: Path, elsewhere: Path) -> None:
    put(elsewhere / "deep" / "model.safetensors")
    (place / "linked").symlink_to(elsewhere)


def linked_to_itself(place: Path, elsewhere: Path) -> None:
    put(place / "model.safetensors")
    (place / "loop").symlink_to(place)
    (place / "up").symlink_to(place.parent)


def linked_twice(place: Path, elsewhere: Path) -> None:
    linked_folder(place, elsewhere)
    (place / "again").symlink_to(elsewhere / "deep")
    (place / "model-too.safetensors").symlink_to(elsewhere / "deep" / "model.safetensors")


def linked_in_a_ring(place: Path, elsewhere: Path) -> None:
    linked_folder(place, elsewhere)
    (elsewhere / "back").symlink_to(place)


LINKED = [
    pytest.param(linked_folder, "model", id="AUTOMATIC1111-10346"),
    pytest.param(linked_to_itself, "model", id="Fooocus-386-loop"),
    pytest.param(linked_twice, "model-too", id="StabilityMatrix-931-twice"),
    pytest.param(linked_in_a_ring, "model", id="StabilityMatrix-931-ring"),
]


@links
@pytest.mark.parametrize(("make", "name"), LINKED)
async def test_linked_folders_are_followed_and_each_file_is_offered_once(
    tmp_path: Path, make: Callable[[Path, Path], None], name: str
) -> None:
    (place := tmp_path / "models").mkdir()
    make(place, tmp_path.parent / f"{tmp_path.name}-disk")
    catalogue = DiskCheckpoints([place], builtin=None)
    assert [one.name for one in await catalogue.list()] == [name]
    assert await catalogue.refused() == []


@links
async def test_what_lies_in_the_place_itself_keeps_its_path_whatever_links_to_it(tmp_path: Path) -> None:
    model = put(tmp_path / "sorted" / "deep" / "model.safetensors")
    (tmp_path / "a-link").symlink_to(tmp_path / "sorted")
    (found,) = await DiskCheckpoints([tmp_path], builtin=None).list()
    assert found.path == model


@links
async def test_vaes_are_found_in_linked_folders_too(tmp_path: Path) -> None:
    put(tmp_path / "disk" / "mended.safetensors", VAE)
    (tmp_path / "place" / "checkpoints").mkdir(parents=True)
    (tmp_path / "place" / "vae").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "loop").symlink_to(tmp_path / "disk")
    assert [one.name for one in await DiskVaes([tmp_path / "place" / "checkpoints"]).list()] == ["mended"]


@pytest.mark.parametrize("file", ["f03_UPPER.SAFETENSORS", "f03_UPPER.SafeTensors"])
async def test_an_ending_counts_in_any_letters(tmp_path: Path, file: str) -> None:
    name = file.partition(".")[0]
    put(tmp_path / "checkpoints" / file)
    put(tmp_path / "vae" / file, VAE)
    put(tmp_path / "checkpoints" / f"with.VAE.{file.rpartition('.')[2]}", VAE)
    assert [one.name for one in await DiskCheckpoints([tmp_path / "checkpoints"], builtin=None).list()] == [name]
    assert sorted(one.name for one in await DiskVaes([tmp_path / "checkpoints"]).list()) == [name, "with"]


@pytest.mark.parametrize("file", ["e08.gguf", "e08.GGUF"])
@pytest.mark.parametrize("what", ["checkpoints", "vae"])
async def test_gguf_is_named_for_what_it_is(tmp_path: Path, file: str, what: str) -> None:
    for folder in ("checkpoints", "vae"):
        (tmp_path / folder).mkdir()
    (tmp_path / what / file).write_bytes(b"GGUF" + bytes(100))
    place = tmp_path / "checkpoints"
    (refused,) = [*await DiskCheckpoints([place], builtin=None).refused(), *await DiskVaes([place]).refused()]
    assert "GGUF is not read here" in refused.reason
    assert "run code" not in refused.reason


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(path.parent)  # the address of a socket may not be long
        try:
            opened.bind(path.name)
        finally:
            os.chdir(here)


def a_linked_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these in folders")
@pytest.mark.parametrize("make", [a_pipe, a_socket, a_linked_device])
async def test_what_is_no_file_holds_nobody_up(tmp_path: Path, make: Callable[[Path], None]) -> None:
    checkpoints, vaes = tmp_path / "checkpoints", tmp_path / "vae"
    for folder in (checkpoints, vaes, checkpoints / "diffusers"):
        folder.mkdir()
    make(checkpoints / "x.safetensors")
    make(vaes / "x.safetensors")
    make(checkpoints / "diffusers" / "model_index.json")
    put(checkpoints / "good.safetensors")
    named = DiskCheckpoints([checkpoints / "x.safetensors"], builtin=None)
    async with asyncio.timeout(20):  # whoever opens a pipe waits for ever
        catalogue = DiskCheckpoints([checkpoints], builtin=None)
        assert [one.name for one in await catalogue.list()] == ["good"]
        refused = [*await catalogue.refused(), *await DiskVaes([checkpoints]).refused(), *await named.refused()]
    assert [one.path.name for one in refused] == ["x.safetensors", "diffusers", "x.safetensors", "x.safetensors"]
    assert all("no regular file" in one.reason for one in refused)
