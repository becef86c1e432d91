"""A whole studio for tests: the real wiring over a folder of its own, with fakes for its models."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from fakes import FakeChat, FakeEngine, FakeMachine, FakeVision
from illustrious_studio.services.studio import Studio
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import CHECKPOINTS, DATA, open_studio


@dataclass(frozen=True)
class StudioForTests:
    """The studio, and the fakes inside it."""

    studio: Studio
    engine: FakeEngine
    chat: FakeChat
    vision: FakeVision
    machine: FakeMachine


def with_own_checkpoint(folder: Path) -> Path:
    """A data folder with the built-in checkpoint once more, saying nothing about sketches, as SDXL checkpoints do."""
    there = folder / CHECKPOINTS / "own"
    shutil.copytree(DATA / "mini", there)
    (there / "studio.json").write_text('{"name": "own", "about": "A checkpoint of one\'s own."}', "utf-8")
    return folder


@contextlib.asynccontextmanager
async def studio_for_tests(
    folder: Path,
    *,
    engine: FakeEngine | None = None,
    chat: FakeChat | None = None,
    vision: FakeVision | None = None,
    machine: FakeMachine | None = None,
    queue_limit: int = 100,
    batch_size: int = 0,
) -> AsyncIterator[StudioForTests]:
    """Open until the context ends; opening the same folder again is a restart."""
    engine, chat, vision = engine or FakeEngine(), chat or FakeChat(), vision or FakeVision()
    machine = machine or FakeMachine()
    settings = Settings(data_dir=folder, queue_limit=queue_limit, batch_size=batch_size, ollama_base_url="none")
    async with open_studio(
        settings, engine=engine, chat_models=[chat], vision_models=[vision], machine=machine
    ) as studio:
        await studio.models.check_again()
        yield StudioForTests(studio, engine, chat, vision, machine)
