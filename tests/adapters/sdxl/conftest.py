"""Real parts for the engine's tests: the built-in model, a pipeline in this process, engines with their own."""

from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import pytest
import pytest_asyncio
from tests.adapters.sdxl.helpers import FAULTY

from illustrious_studio.adapters.sdxl.catalogue import BUILTIN, DiskCheckpoints
from illustrious_studio.adapters.sdxl.engine import SdxlEngine
from illustrious_studio.adapters.sdxl.worker.pipeline import SdxlPipeline
from illustrious_studio.domain.models import Checkpoint
from scripts_of_the_project import script


@pytest.fixture(scope="session")
def builtin() -> Checkpoint:
    import asyncio

    (checkpoint,) = asyncio.run(DiskCheckpoints([], BUILTIN).list())
    return checkpoint


@pytest.fixture(scope="session")
def pipeline() -> Iterator[SdxlPipeline]:
    """The real pipeline in this process, nothing loaded."""
    pipeline = SdxlPipeline("cpu")
    yield pipeline
    pipeline.unload()


@pytest.fixture
def loaded(pipeline: SdxlPipeline, builtin: Checkpoint) -> SdxlPipeline:
    pipeline.load(builtin)
    return pipeline


@pytest.fixture(scope="session")
def original_layout() -> ModuleType:
    """The script that writes the single-file layout."""
    return script("original_layout")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(builtin: Checkpoint) -> AsyncIterator[SdxlEngine]:
    async with SdxlEngine(device="cpu", threads=1) as engine:
        await engine.init_sdxl(builtin)
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty(builtin: Checkpoint) -> AsyncIterator[SdxlEngine]:
    """An engine whose worker does what the negative prompt says, at times."""
    async with SdxlEngine(device="cpu", threads=1, hung_after=6, worker=FAULTY) as engine:
        await engine.init_sdxl(builtin)
        yield engine
