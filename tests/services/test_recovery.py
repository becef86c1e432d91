"""The queue over the real engine whose worker process is killed: what waits is drawn, and nobody pays for another."""

import asyncio
from pathlib import Path

import psutil
import pytest
from tests.adapters.sdxl.helpers import FAULTY

from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import open_studio
from waiting import until

pytestmark = pytest.mark.model


def image_request(seed: int, **more: object) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "a cat", "steps": 3, "width": 64, "height": 64, "seed": seed, **more})


@pytest.mark.timeout(600)
async def test_ten_wait_while_the_worker_and_its_successor_are_killed_and_ten_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads_that_die = tmp_path / "loads that die"
    loads_that_die.write_text("0")
    monkeypatch.setenv("LOADS_THAT_DIE", str(loads_that_die))
    settings = Settings(data_dir=tmp_path, ollama_base_url="none")
    async with (
        SdxlEngine(device="cpu", threads=1, worker=FAULTY) as engine,
        open_studio(settings, engine=engine, chat_models=[], vision_models=[]) as studio,
    ):
        await studio.models.loaded_checkpoint()
        first = await studio.images.start_image(image_request(0, steps=150, width=256, height=256))
        jobs = [await studio.images.start_image(image_request(seed)) for seed in range(1, 11)]
        async for now in studio.jobs.watch(first.id):
            if now.step:
                break
        loads_that_die.write_text("1")  # the successor dies while it loads
        (worker,) = [one for one in psutil.Process().children() if "faulty_worker" in " ".join(one.cmdline())]
        worker.kill()
        await until(lambda: loads_that_die.read_text() == "0")
        tried_again = await studio.jobs.progress(first.id)
        assert (tried_again.job.state, tried_again.job.tries) in (("queued", 1), ("running", 2))
        await studio.jobs.cancel(first.id)
        drawn = await asyncio.gather(*(studio.jobs.wait(job.id) for job in jobs))
        assert [item.metadata.request.seed for item in drawn] == list(range(1, 11))
