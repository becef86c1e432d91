"""The engine with its worker process, drawing the real small model: what a user of the studio would notice."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageStat
from tests.adapters.sdxl.helpers import FAULTY, QuietWatch, plan

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DiskCheckpoints
from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.errors import EngineDied, InvalidRequest, OutOfMemory, StudioError, Unavailable
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.pictures import Picture
from illustrious_studio.domain.rendering import Rendered, Step
from illustrious_studio.domain.sampling import img2img_steps
from samples import a_picture
from waiting import turns, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.model]


def nothing(_: Step) -> None:
    pass


def workers() -> set[int]:
    """Not the other children that a process of tests may have, as Python's tracker of shared memory."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in living if "worker" in " ".join(child.cmdline())}


async def lose_worker(engine: SdxlEngine) -> None:
    assert engine._worker is not None
    psutil.Process(engine._worker.pid).kill()
    await until(lambda: not engine.status.ready)


class FirstStep:
    """Tells when a drawing is under way."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.drawing = asyncio.Event()

    def __call__(self, step: Step) -> None:
        self.steps.append(step)
        self.drawing.set()


async def started(engine: SdxlEngine, checkpoint: Checkpoint) -> tuple[asyncio.Task[Rendered], FirstStep]:
    """A long drawing that has reached its first step."""
    first = FirstStep()
    task = asyncio.create_task(engine.render(plan(checkpoint, steps=150, size=256), first))
    async with asyncio.timeout(90):
        await first.drawing.wait()
    return task, first


async def test_the_same_seed_gives_the_same_pixels_and_another_seed_does_not(
    engine: SdxlEngine, builtin: Checkpoint
) -> None:
    first = await engine.render(plan(builtin, seed=7), nothing)
    again = await engine.render(plan(builtin, seed=7), nothing)
    other = await engine.render(plan(builtin, seed=8), nothing)
    assert first.picture == again.picture
    assert first.picture != other.picture
    assert (first.picture.width, first.picture.height) == (64, 64)
    assert (first.device, first.dtype, first.vae_dtype, first.attempts) == ("cpu", "float32", "float32", ())


async def test_another_process_draws_the_same_pixels(
    engine: SdxlEngine, faulty: SdxlEngine, builtin: Checkpoint
) -> None:
    here, there = await asyncio.gather(engine.render(plan(builtin), nothing), faulty.render(plan(builtin), nothing))
    assert here.picture == there.picture


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M SDE"])
async def test_chance_comes_from_the_seed_alone(
    engine: SdxlEngine, loaded: SdxlPipeline, builtin: Checkpoint, sampler: str
) -> None:
    import torch

    torch.manual_seed(len(sampler))
    here = loaded.render(plan(builtin, steps=4, guidance=1.0, sampler=sampler), QuietWatch()).picture
    torch.manual_seed(99)
    assert loaded.render(plan(builtin, steps=4, guidance=1.0, sampler=sampler), QuietWatch()).picture == here
    there = await engine.render(plan(builtin, steps=4, guidance=1.0, sampler=sampler), nothing)
    assert there.picture == here, "another process"
    assert loaded.render(plan(builtin, steps=4, guidance=1.0, seed=8, sampler=sampler), QuietWatch()).picture != here


async def test_picture_and_mask_reach_the_drawing_process_whole(
    engine: SdxlEngine, loaded: SdxlPipeline, builtin: Checkpoint
) -> None:
    right = Image.new("L", (64, 64))
    right.paste(255, (32, 0, 64, 64))
    wanted = plan(builtin, sketch=a_picture(64, 64), mask=Picture.from_image(right), image="a" * 64, strength=0.5)
    there = await engine.render(wanted, nothing)
    assert there.picture == loaded.render(wanted, QuietWatch()).picture


async def test_a_checkpoint_that_was_replaced_by_one_of_its_size_is_loaded_again(
    engine: SdxlEngine, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(BUILTIN, tmp_path / "model")
    (weights,) = (tmp_path / "model" / "vae").glob("*.safetensors")
    catalogue = DiskCheckpoints([tmp_path / "model"], builtin=None)
    (before,) = await catalogue.list()
    bright = await engine.render(plan(before), nothing)
    tensors = load_file(weights)
    tensors["decoder.conv_out.bias"] -= 0.5
    weights.unlink()  # the worker may still read it
    save_file(tensors, weights, {"format": "pt"})
    (after,) = await catalogue.list()
    dark = await engine.render(plan(after), nothing)
    assert before.size_bytes == after.size_bytes
    means = [ImageStat.Stat(done.picture.image().convert("L")).mean[0] for done in (bright, dark)]
    assert means[1] < means[0] - 30


async def test_the_size_left_out_is_the_checkpoints_own(engine: SdxlEngine, builtin: Checkpoint) -> None:
    done = await engine.render(plan(builtin, steps=1, width=None, height=None), nothing)
    assert (done.picture.width, done.picture.height) == (builtin.native_width, builtin.native_height)


async def test_a_picture_from_a_sketch_stays_recognisable(engine: SdxlEngine, builtin: Checkpoint) -> None:
    left_dark = Picture(128, 128, (bytes(3 * 64) + b"\xff" * (3 * 64)) * 128)
    steps: list[Step] = []
    done = await engine.render(plan(builtin, size=128, steps=20, sketch=left_dark), steps.append)
    image = done.picture.image().convert("L").resize((2, 1))
    assert image.getpixel((0, 0)) + 80 < image.getpixel((1, 0))
    assert done.picture != left_dark
    assert builtin.sketch_strength is not None
    count = img2img_steps(20, builtin.sketch_strength)
    assert [(step.step, step.steps) for step in steps] == [(number, count) for number in range(1, count + 1)]


async def test_one_step_over_a_sketch_is_still_a_picture(engine: SdxlEngine, builtin: Checkpoint) -> None:
    white = Picture(64, 64, b"\xff" * (3 * 64 * 64))
    done = await engine.render(plan(builtin, steps=1, sketch=white), nothing)
    assert done.picture.width == 64


async def test_it_shows_previews_while_it_draws(engine: SdxlEngine, builtin: Checkpoint) -> None:
    steps: list[Step] = []
    await engine.render(plan(builtin, steps=40, size=128), steps.append)
    previews = [step.preview for step in steps if step.preview]
    assert previews
    assert all(preview.startswith(b"\xff\xd8") and len(preview) < 40_000 for preview in previews)


async def test_cancelling_stops_within_a_step_and_the_next_picture_works(
    engine: SdxlEngine, builtin: Checkpoint
) -> None:
    before = workers()
    task, first = await started(engine, builtin)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(first.steps) < 150
    assert engine.status.ready
    done = await engine.render(plan(builtin), nothing)
    assert done.picture.width == 64
    assert workers() == before, "the worker was to stop, not to be killed"


async def test_cancelling_one_that_waits_leaves_the_one_that_draws(engine: SdxlEngine, builtin: Checkpoint) -> None:
    drawing = asyncio.create_task(engine.render(plan(builtin, steps=20), nothing))
    waiting = asyncio.create_task(engine.render(plan(builtin), nothing))
    await turns()
    waiting.cancel()
    assert (await drawing).picture.width == 64
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_killed_worker_fails_its_picture_and_is_replaced_with_its_checkpoint(
    engine: SdxlEngine, builtin: Checkpoint
) -> None:
    expected = await engine.render(plan(builtin), nothing)
    before = workers()
    task, _ = await started(engine, builtin)
    for pid in workers():
        psutil.Process(pid).kill()
    with pytest.raises(EngineDied, match="draw again"):
        await task
    await until(lambda: engine.status.ready)  # nobody asked: it loads the checkpoint again by itself
    again = await engine.render(plan(builtin), nothing)
    assert again.picture == expected.picture
    assert not workers() & before


async def test_after_giving_up_memory_the_next_picture_loads_the_model_again(
    engine: SdxlEngine, builtin: Checkpoint
) -> None:
    await engine.unload()
    assert engine.status.ready
    assert "loads it again" in engine.status.reason
    await engine.clear_cuda_memory()
    done = await engine.render(plan(builtin), nothing)
    assert done.picture.width == 64
    assert engine.status.reason == ""


async def test_the_status_names_the_device_and_its_memory(engine: SdxlEngine, builtin: Checkpoint) -> None:
    await engine.render(plan(builtin), nothing)
    status = engine.status
    assert (status.backend, status.model, status.state, status.device, status.device_type) == (
        "sdxl",
        builtin.name,
        "ready",
        "cpu",
        "cpu",
    )
    assert status.memory is not None
    assert 0 < status.memory.reserved < status.memory.total


async def test_a_damaged_checkpoint_is_refused_and_the_one_before_stays(
    engine: SdxlEngine, builtin: Checkpoint, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\x10\0\0\0\0\0\0\0 no header at all")
    broken = Checkpoint(name="damaged", path=damaged, layout="single-file")
    with pytest.raises(InvalidRequest, match=r"damaged cannot be loaded: .+ Download the file again"):
        await engine.init_sdxl(broken)
    await until(lambda: engine.status.ready)
    assert engine.status.model == builtin.name
    assert (await engine.render(plan(builtin), nothing)).picture.width == 64


async def test_a_worker_that_dies_at_a_step_fails_only_that_picture(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    with pytest.raises(EngineDied):
        await faulty.render(plan(builtin, negative_prompt="die at 2"), nothing)
    assert (await faulty.render(plan(builtin), nothing)).picture.width == 64


async def test_a_hung_worker_is_replaced(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    with pytest.raises(EngineDied, match="hung"):
        await faulty.render(plan(builtin, negative_prompt="hang at 2"), nothing)
    assert (await faulty.render(plan(builtin), nothing)).picture.width == 64


async def test_a_slow_step_is_not_taken_for_a_hang(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    done = await faulty.render(plan(builtin, negative_prompt="spin at 2"), nothing)
    assert done.picture.width == 64


async def test_memory_that_runs_out_once_costs_an_attempt(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    done = await faulty.render(plan(builtin, negative_prompt="memory 1"), nothing)
    assert len(done.attempts) == 1
    assert "steps taken again" in done.attempts[0]


async def test_memory_that_runs_out_in_decoding_costs_no_steps(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    steps: list[Step] = []
    done = await faulty.render(plan(builtin, negative_prompt="memory decode"), steps.append)
    assert done.attempts == ("memory cleared, VAE decoded in tiles",)
    assert len(steps) == 4


async def test_memory_that_runs_out_twice_is_said_with_what_to_do(faulty: SdxlEngine, builtin: Checkpoint) -> None:
    before = workers()
    with pytest.raises(OutOfMemory, match=r"64 x 64, also after: .+ Make the picture smaller"):
        await faulty.render(plan(builtin, negative_prompt="memory 2"), nothing)
    assert (await faulty.render(plan(builtin), nothing)).picture.width == 64
    assert workers() == before


async def test_a_fault_of_the_program_fails_the_picture_and_no_more(
    faulty: SdxlEngine, builtin: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    before = workers()
    with pytest.raises(StudioError, match="LookupError"):
        await faulty.render(plan(builtin, negative_prompt="break at 1"), nothing)
    assert (await faulty.render(plan(builtin), nothing)).picture.width == 64
    assert workers() == before
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert any("Traceback" in line for line in errors) and "LookupError: a fault of the program" in errors[-1]


async def test_a_listener_that_fails_stops_the_drawing_and_nothing_else(
    engine: SdxlEngine, builtin: Checkpoint
) -> None:
    def fails(_: Step) -> None:
        raise RuntimeError("the listener fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        await engine.render(plan(builtin, steps=150), fails)
    assert (await engine.render(plan(builtin), nothing)).picture.width == 64


async def test_a_worker_that_keeps_dying_is_left_dead_until_a_checkpoint_is_chosen(
    builtin: Checkpoint, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    program = "\n".join(
        [
            f"import pathlib, sys; sys.path.append({str(BUILTIN.parents[2])!r})",
            f"if not pathlib.Path({str(mended)!r}).exists(): sys.exit('no such library')",
            "from illustrious_studio.adapters.sdxl.worker import main as worker",
            "worker.main(sys.argv[1:])",
        ]
    )
    async with SdxlEngine(device="cpu", threads=1, worker=("-c", program)) as engine:
        await until(lambda: engine.status.state == "failed")
        assert "5 times" in engine.status.reason
        assert "no such library" in engine.status.reason
        with pytest.raises(Unavailable, match="Choose a checkpoint again"):
            await engine.render(plan(builtin), nothing)
        mended.touch()
        await engine.init_sdxl(builtin)
        assert engine.status.ready


@pytest.fixture
def loads_that_die(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file with how many of the next loads end their process."""
    count = tmp_path / "loads that die"
    count.write_text("0")
    monkeypatch.setenv("LOADS_THAT_DIE", str(count))
    return count


async def test_a_worker_that_dies_while_it_loads_again_is_replaced_and_the_drawing_waits(
    builtin: Checkpoint, loads_that_die: Path
) -> None:
    async with SdxlEngine(device="cpu", threads=1, worker=FAULTY) as engine:
        await engine.init_sdxl(builtin)
        loads_that_die.write_text("2")
        await lose_worker(engine)
        assert (await engine.render(plan(builtin), nothing)).picture.width == 64
        assert loads_that_die.read_text() == "0"


async def test_a_checkpoint_that_ends_the_worker_fails_its_own_drawing_and_leaves_the_one_before(
    builtin: Checkpoint, loads_that_die: Path
) -> None:
    other = builtin.model_copy(update={"name": "other", "path": builtin.path / "nowhere"})
    async with SdxlEngine(device="cpu", threads=1, worker=FAULTY) as engine:
        await engine.init_sdxl(builtin)
        loads_that_die.write_text("1")
        with pytest.raises(EngineDied):
            await engine.render(plan(other), nothing)
        await until(lambda: engine.status.ready)
        assert engine.status.model == builtin.name


async def test_given_up_while_it_loads_says_so_to_the_drawing(builtin: Checkpoint, loads_that_die: Path) -> None:
    async with SdxlEngine(device="cpu", threads=1, worker=FAULTY) as engine:
        await engine.init_sdxl(builtin)
        loads_that_die.write_text("9")
        await lose_worker(engine)
        with pytest.raises(Unavailable, match="5 times") as given_up:
            await engine.render(plan(builtin), nothing)
        assert not isinstance(given_up.value, EngineDied)
        assert engine.given_up == given_up.value.detail
        loads_that_die.write_text("0")
        await engine.init_sdxl(builtin)
        await engine.works()
        assert (await engine.render(plan(builtin), nothing)).picture.width == 64


async def test_cancelling_what_hangs_goes_by_the_time_since_its_last_step(builtin: Checkpoint) -> None:
    async with SdxlEngine(device="cpu", threads=1, hung_after=6, cancel_grace=3600, worker=FAULTY) as engine:
        await engine.init_sdxl(builtin)
        hangs = FirstStep()
        task = asyncio.create_task(engine.render(plan(builtin, negative_prompt="hang at 1"), hangs))
        await hangs.drawing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.render(plan(builtin), nothing)).picture.width == 64


async def test_a_device_that_is_not_there_is_said_at_once(builtin: Checkpoint) -> None:
    async with SdxlEngine(device="cuda:7", threads=1) as engine:
        with pytest.raises(Unavailable, match="cuda:7 is not there"):
            await engine.init_sdxl(builtin)
        assert engine.status.state == "failed"
        assert "cuda:7 is not there" in engine.status.reason


async def test_leaving_the_engine_ends_its_process(builtin: Checkpoint) -> None:
    before = workers()
    async with SdxlEngine(device="cpu", threads=1) as engine:
        await until(lambda: workers() > before)
        own = workers() - before
        task = asyncio.create_task(engine.render(plan(builtin, steps=150), nothing))
        await turns()
    assert not workers() & own
    with pytest.raises((Unavailable, EngineDied, asyncio.CancelledError)):
        await task


async def test_a_studio_that_is_killed_leaves_no_process_behind() -> None:
    program = "\n".join(
        [
            "import asyncio, psutil",
            "from illustrious_studio.adapters.sdxl.engine import SdxlEngine",
            "from waiting import until",
            "async def main():",
            "    async with SdxlEngine(device='cpu'):",
            "        await until(psutil.Process().children)",
            "        print(psutil.Process().children()[0].pid, flush=True)",
            "        await asyncio.Event().wait()",
            "asyncio.run(main())",
        ]
    )
    pipe, environment = asyncio.subprocess.PIPE, os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    studio = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=pipe, env=environment)
    assert studio.stdout is not None
    orphan = psutil.Process(int(await studio.stdout.readline()))
    studio.kill()
    await studio.wait()
    await until(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
