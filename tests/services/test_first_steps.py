"""What leads to real pictures: what is found on the machine, and when there is nothing left to lead to."""

from pathlib import Path

import pytest

from fakes import FakeMachine
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.wiring import CHECKPOINTS
from studio_for_tests import studio_for_tests, with_own_checkpoint


async def test_a_checkpoint_that_is_put_there_is_found_and_in_use_it_ends_the_steps(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as opened:
        steps = await opened.studio.first_steps.now()
        assert steps is not None
        assert (steps.folder, list(steps.own), steps.checked) == (tmp_path / CHECKPOINTS, [], False)
        (steps.folder / "old.ckpt").write_bytes(b"pickle")
        with_own_checkpoint(tmp_path)
        steps = await opened.studio.first_steps.check()
        assert steps is not None
        assert ([one.name for one in steps.own], steps.checked) == (["own"], True)
        assert [file.path.name for file in steps.refused] == ["old.ckpt"]
        await opened.studio.models.switch(checkpoint="own")
        assert await opened.studio.first_steps.now() is None


async def test_a_figure_is_that_of_a_picture_drawn_here(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as opened:
        steps = await opened.studio.first_steps.now()
        assert steps is not None
        assert steps.measured is None
        item = await opened.studio.images.generate_image(ImageRequest(prompt="a fox", steps=2, width=256, height=128))
        steps = await opened.studio.first_steps.now()
        assert steps is not None
        assert steps.measured is not None
        assert (steps.measured.width, steps.measured.seconds) == (256, item.metadata.seconds)


async def test_the_folder_is_shown_where_there_is_a_desktop(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as opened:
        await opened.studio.first_steps.show_folder()
        assert opened.machine.shown == [tmp_path / CHECKPOINTS]


async def test_without_a_desktop_it_says_so(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, machine=FakeMachine(desktop=False)) as opened:
        with pytest.raises(Unavailable, match="no desktop"):
            await opened.studio.first_steps.show_folder()
