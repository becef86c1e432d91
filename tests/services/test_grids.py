"""Grids: which pictures they are, in which order they are drawn, what is refused, what becomes of those that fail."""

import asyncio
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fakes import FakeEngine
from illustrious_studio.domain.errors import Busy, Conflict, InvalidRequest, NotFound, OutOfMemory
from illustrious_studio.domain.gallery import GalleryQuery
from illustrious_studio.domain.grids.values import Grid, GridAxes
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.jobs import Once
from illustrious_studio.services.studio import Studio
from illustrious_studio.wiring import CHECKPOINTS, DATA, VAES
from studio_for_tests import studio_for_tests, with_own_checkpoint
from waiting import until


def axes(**given: Any) -> GridAxes:
    """Of `setting=values`, or whole ones under the names x, y and z."""
    named = {name: one for name, one in given.items() if name in ("x", "y", "z", "legend", "margin")}
    others = [{"setting": name.replace("__", "."), "values": one} for name, one in given.items() if name not in named]
    return GridAxes.model_validate(named | dict(zip("xyz", others, strict=False)))


def asked(**changes: Any) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat", "steps": 3, "width": 128, "height": 64, **changes})


async def made(studio: Studio, axes: GridAxes, request: ImageRequest | None = None) -> Grid:
    grid = await studio.grids.start(request or asked(), axes)
    return await studio.grids.wait(grid.id)


async def drawn_with(studio: Studio, grid: Grid) -> list[ImageRequest]:
    """The requests of its pictures, x quickest."""
    jobs = [(await studio.jobs.progress(job_id)).job for job_id in grid.jobs]
    return [job.request for job in jobs]


async def test_each_pair_of_values_is_a_picture_of_its_own_with_the_same_seed(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        studio = tested.studio
        grid = await made(studio, axes(sampler="Euler, Euler a", guidance="1-3 (+1)"))
        requests = await drawn_with(studio, grid)
        assert [(one.sampler, one.guidance) for one in requests] == [
            ("Euler", 1), ("Euler a", 1), ("Euler", 2), ("Euler a", 2), ("Euler", 3), ("Euler a", 3),
        ]  # fmt: skip
        assert {one.seed for one in requests} == {grid.request.seed}
        found = await studio.gallery.page(GalleryQuery(grid_id=grid.id))
        assert {item.id for item in found.items} == set(grid.jobs)
        assert {item.metadata.origin.grid_id for item in found.items} == {grid.id}
        await studio.images.generate_image(asked())
        assert len((await studio.gallery.page(GalleryQuery(grid_id=grid.id))).items) == 6


async def test_a_picture_of_a_grid_is_drawn_again_from_its_record(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grid = await made(tested.studio, axes(hires__scale=[1.0, 1.5], steps=[2]))
        item = await tested.studio.gallery.get(grid.jobs[1])
        again = await tested.studio.images.generate_image(item.metadata.request_with({}))
        before, after = (plan for plan in (tested.engine.plans[1], tested.engine.plans[-1]))
        assert (before.passes, before.size) == (after.passes, after.size)
        assert again.metadata.request == item.metadata.request


@pytest.mark.parametrize(
    ("given", "request_", "expected"),
    [
        ({"steps": "2, 4"}, {}, [{"steps": 2}, {"steps": 4}]),
        ({"seed": [7, 8]}, {}, [{"seed": 7}, {"seed": 8}]),
        ({"size": "64x128, 128x128"}, {}, [{"width": 64, "height": 128}, {"width": 128, "height": 128}]),
        ({"search_replace": "cat, red dog"}, {}, [{"prompt": "a cat"}, {"prompt": "a red dog"}]),
        (
            {"search_replace": ["cat", ""]},
            {"negative_prompt": "no cat", "hires": {"prompt": "cat"}},
            [{"prompt": "a cat", "negative_prompt": "no cat"}, {"prompt": "a ", "negative_prompt": "no "}],
        ),
        (
            {"prompt_order": "cat, dog"},
            {"prompt": "a dog and a cat"},
            [{"prompt": "a cat and a dog"}, {"prompt": "a dog and a cat"}],
        ),
        ({"sampler": ["DPM++ 2M Simple"]}, {}, [{"sampler": "DPM++ 2M", "schedule": "Simple"}]),
        ({"tile": "none, 256"}, {}, [{"tile": None}, {"tile": 256}]),
        ({"prompt": ["a fox", "a hen"]}, {}, [{"prompt": "a fox"}, {"prompt": "a hen"}]),
        ({"zero_terminal_snr": "on, off"}, {}, [{"zero_terminal_snr": True}, {"zero_terminal_snr": False}]),
        ({"x": {"setting": "clip_skip", "values": [1, 2], "vary_seed": True}}, {"seed": 5}, [{"seed": 5}, {"seed": 6}]),
    ],
)
async def test_any_setting_can_be_an_axis(
    tmp_path: Path, given: dict[str, Any], request_: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grid = await made(tested.studio, axes(**given), asked(**request_))
        requests = await drawn_with(tested.studio, grid)
        assert [{name: getattr(one, name) for name in expected[0]} for one in requests] == expected


async def test_open_seeds_of_an_axis_are_chosen_once_for_all_rows(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grid = await made(tested.studio, axes(seed="-1, -1, 5", steps="2, 3"))
        first, second, third = grid.x.values
        assert third == 5 and first != second and -1 not in grid.x.values
        assert [one.seed for one in await drawn_with(tested.studio, grid)] == [first, second, 5] * 2


async def test_models_are_loaded_least_whichever_axis_names_them(tmp_path: Path) -> None:
    with_own_checkpoint(tmp_path)
    shutil.copytree(tmp_path / CHECKPOINTS / "own", tmp_path / CHECKPOINTS / "zeta")
    (tmp_path / CHECKPOINTS / "zeta" / "studio.json").write_text('{"name": "zeta"}', "utf-8")
    (tmp_path / VAES).mkdir(parents=True, exist_ok=True)
    shutil.copy(DATA / "mini/vae/diffusion_pytorch_model.safetensors", tmp_path / VAES / "soft.safetensors")
    async with studio_for_tests(tmp_path, batch_size=1) as tested:
        assert tested.studio.models.checkpoint().name == "own"
        await made(tested.studio, axes(seed="1, 2", vae="Automatic, soft", checkpoint="zeta, own"))
        drawn = [(plan.checkpoint.name, plan.request.vae, plan.request.seed) for plan in tested.engine.plans]
        assert drawn == [
            ("own", "automatic", 1), ("own", "automatic", 2), ("own", "soft", 1), ("own", "soft", 2),
            ("zeta", "automatic", 1), ("zeta", "automatic", 2), ("zeta", "soft", 1), ("zeta", "soft", 2),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            {"sampler": "Euler, LMS, Heun, DPM2, UniPC, DDIM, Eular"},
            InvalidRequest,
            r"^x, value 7 \(Eular\): must be one",
        ),
        ({"steps": [2, 3], "guidance": "1, 31"}, InvalidRequest, r"^y, value 2 \(31\): must be at most 30"),
        ({"steps": "2, two"}, InvalidRequest, r"^x, value 2 \(two\): must be a whole number"),
        ({"checkpoint": "own, gone"}, NotFound, r"^x, value 2 \(gone\): There is no checkpoint"),
        ({"vae": "gone"}, NotFound, r"^x, value 1 \(gone\): There is no VAE"),
        ({"loras": "none, gone"}, InvalidRequest, r"^x, value 2 \(gone\): There is no LoRA 'gone'"),
        ({"lora:gone": "0-1 [3]"}, NotFound, r"^x, lora:gone: There is no LoRA"),
        ({"search_replace": "dog, cat"}, InvalidRequest, r"'dog', the first value of the search and replace, is in no"),
        (
            {"schedule": "Simple", "sampler": "Euler, LCM"},
            InvalidRequest,
            r"^x, value 1 \(Simple\) and y, value 2 \(LCM\): schedule: LCM has no schedule",
        ),
        ({"strength": "0.2, 0.4"}, InvalidRequest, r"^x, value 1 \(0.2\): strength: needs an image"),
        ({"seed": "1-1000000"}, InvalidRequest, r"has 1,000,000 pictures, and 100 may wait"),
        ({"seed": "1-1000", "steps": "1-100", "guidance": "1-10"}, InvalidRequest, "1,000 x 100 x 10 = 1,000,000 pic"),
        ({"seed": "1-1000000000000000"}, InvalidRequest, r"may wait\. Take fewer values.*larger queue_limit"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_before_anything_is_queued(
    tmp_path: Path, given: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        with pytest.raises(error, match=sentence):
            await tested.studio.grids.start(asked(), axes(**given))
        assert tested.studio.jobs.active() == await tested.studio.grids.recent() == []
        await tested.studio.images.generate_image(asked())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"image": ["a"]}, "is no setting that a grid can vary; use one of: search_replace"),
        ({"hires": [1]}, "is no setting"),
        ({"steps__0": [1]}, "is no setting"),
        ({"steps": ""}, "has no values"),
        ({"steps": []}, "has no values"),
        ({"steps": "1-5 (+0)"}, "has a step of 0"),
        ({"steps": "1-5 [0]"}, "asks for no value"),
        ({"prompt_order": "a"}, "needs 2 to 8 words"),
        ({"size": "64x64", "width": [64]}, "x and y both vary width"),
        ({"steps": [1], "y": {"setting": "steps", "values": [2]}}, "x and y both vary steps"),
        ({"steps": [1], "margin": 501}, "less than or equal to 500"),
    ],
)
def test_axes_that_mean_nothing_are_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        axes(**given)


async def test_a_queue_without_room_for_all_takes_none(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path, queue_limit=5) as tested:
        tested.engine.go_on.clear()
        await tested.studio.images.start_images(asked(), 2)
        with pytest.raises(Busy, match="room for 3 more"):
            await tested.studio.grids.start(asked(), axes(steps="2, 3, 4, 5"))
        assert await tested.studio.grids.recent() == []
        assert len(tested.studio.jobs.active()) == 2


async def test_one_that_fails_leaves_a_gap_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with studio_for_tests(with_own_checkpoint(tmp_path), engine=engine) as tested:
        engine.faults.append(OutOfMemory("The card is full."))
        grid = await made(tested.studio, axes(steps="2, 3, 4"))
        now = await tested.studio.grids.progress(grid.id)
        assert [cell.state for cell in now.cells] == ["failed", "done", "done"]
        assert now.cells[0].error == "The card is full."
        sheet = Image.open(io.BytesIO(await tested.studio.grids.sheet(grid.id)))
        # The second cell begins where the first one and its margin end.
        left = sheet.width - 3 * 128 - 2 * 8
        assert sheet.getpixel((left, sheet.height - 1)) == (185, 28, 28)  # a gap's border
        first_drawn = Image.open(io.BytesIO(await tested.studio.gallery.png(grid.jobs[1]))).convert("RGB")
        assert sheet.crop((left + 136, sheet.height - 64, left + 264, sheet.height)).tobytes() == first_drawn.tobytes()


async def test_the_sheet_carries_what_was_varied(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grid = await made(tested.studio, axes(sampler="Euler, Euler a", steps="2-3", search_replace="cat, dog, owl"))
        sheet = Image.open(io.BytesIO(await tested.studio.grids.sheet(grid.id)))
        said = sheet.info["parameters"]
        assert said.startswith("a cat\nSteps: 2, Sampler: Euler, ")
        assert (
            'Script: X/Y/Z plot, X Type: Sampler, X Values: "Euler, Euler a", Y Type: Steps, Y Values: "2, 3", ' in said
        )
        assert said.endswith('Z Type: Prompt S/R, Z Values: "cat, dog, owl"')
        assert json.loads(sheet.info["illustrious_grid"])["id"] == grid.id
        assert (tmp_path / "grids" / f"{grid.id}.png").read_bytes() == await tested.studio.grids.sheet(grid.id)


async def test_a_lost_sheet_is_made_again_and_shows_what_is_left(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grid = await made(tested.studio, axes(steps="2, 3"))
        before = await tested.studio.grids.sheet(grid.id)
        (tmp_path / "grids" / f"{grid.id}.png").unlink()
        assert await tested.studio.grids.sheet(grid.id) == before
        (tmp_path / "grids" / f"{grid.id}.png").unlink()
        await tested.studio.gallery.delete(grid.jobs[0])
        again = Image.open(io.BytesIO(await tested.studio.grids.sheet(grid.id)))
        assert again.size == Image.open(io.BytesIO(before)).size
        assert again.tobytes() != Image.open(io.BytesIO(before)).tobytes()


async def test_a_grid_is_cancelled_as_one_and_what_is_drawn_stays(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        studio, engine = tested.studio, tested.engine
        grid = await studio.grids.start(asked(), axes(steps="4-8"))
        await studio.jobs.wait(grid.jobs[0])
        engine.go_on.clear()
        await engine.midway.wait()
        with pytest.raises(Conflict, match="of 5 pictures are over"):
            await studio.grids.sheet(grid.id)
        await studio.grids.cancel(grid.id)
        await studio.grids.wait(grid.id)
        now = await studio.grids.progress(grid.id)
        assert now.done >= 1 and now.ended == 5
        assert {cell.state for cell in now.cells} == {"done", "cancelled"}
        with pytest.raises(Conflict, match="finished already"):
            await studio.grids.cancel(grid.id)
        engine.go_on.set()
        await studio.images.generate_image(asked())


async def test_a_grid_goes_on_after_a_restart_and_its_sheet_is_made(tmp_path: Path) -> None:
    with_own_checkpoint(tmp_path)
    async with studio_for_tests(tmp_path) as tested:
        tested.engine.go_on.clear()
        grid = await tested.studio.grids.start(asked(), axes(steps="2, 3", guidance="1, 2"))
        await tested.engine.midway.wait()
    async with studio_for_tests(tmp_path) as tested:
        await tested.studio.grids.wait(grid.id)
        assert (await tested.studio.grids.progress(grid.id)).done == 4
        assert (await tested.studio.grids.get(grid.id)).finished
        assert (tmp_path / "grids" / f"{grid.id}.png").exists()


async def test_progress_is_that_of_its_pictures(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        tested.engine.go_on.clear()
        grid = await tested.studio.grids.start(asked(), axes(steps="2, 6"))
        await tested.engine.midway.wait()
        now = await tested.studio.grids.progress(grid.id)
        assert (now.step, now.steps, now.done) == (2, 8, 0)
        tested.engine.go_on.set()
        await tested.studio.grids.wait(grid.id)
        now = await tested.studio.grids.progress(grid.id)
        assert (now.step, now.steps, now.done, now.ended) == (8, 8, 2, 2)


async def test_the_same_request_with_the_same_key_is_the_same_grid(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        grids, once = tested.studio.grids, Once("key", "asked")
        first, second = await asyncio.gather(
            grids.start(asked(), axes(steps="2, 3"), once=once), grids.start(asked(), axes(steps="2, 3"), once=once)
        )
        assert first == second
        with pytest.raises(Conflict, match="this key came with another request"):
            await grids.start(asked(), axes(steps="2, 4"), once=Once("key", "else"))
        assert len(await grids.recent()) == 1
        await until(lambda: tested.studio.jobs.active(), lambda active: not active)


async def test_who_stops_waiting_cancels_unless_it_may_stay(tmp_path: Path) -> None:
    async with studio_for_tests(with_own_checkpoint(tmp_path)) as tested:
        tested.engine.go_on.clear()
        grid = await tested.studio.grids.start(asked(), axes(steps="4, 5"), Origin(way="api"))
        waiting = asyncio.create_task(tested.studio.grids.wait(grid.id, stay=False))
        await tested.engine.midway.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await tested.studio.grids.progress(grid.id)).ended == 2
