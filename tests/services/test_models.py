"""Which models are in use: preference, falling back, coming back, switching, and saying what is missing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from fakes import FakeChat, FakeChosen, FakeEngine, FakeVision, no_hashes
from illustrious_studio.domain.errors import InvalidRequest, NotFound, OutOfMemory, Unavailable
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.models import Checkpoint, DeviceMemory, ModelStatus, RefusedFile
from illustrious_studio.services.memory import MemoryService
from illustrious_studio.services.models import ModelService
from illustrious_studio.services.render_plan import render_plan
from waiting import turns

GB = 1024**3


class CatalogueOf:
    """A catalogue of files that need not exist: the engine is a fake."""

    def __init__(self, *names: str) -> None:
        self.found = [Checkpoint(name=name, path=Path(name), layout="single-file") for name in names]

    async def list(self) -> list[Checkpoint]:
        return self.found

    async def hash_of(self, checkpoint: Checkpoint) -> str | None:
        return None

    async def refused(self) -> Sequence[RefusedFile]:
        return [RefusedFile(Path("/models/lora.safetensors"), "It is a LoRA.")]


class FussyEngine(FakeEngine):
    """Cannot load one of the checkpoints."""

    async def init_sdxl(self, checkpoint: Checkpoint) -> None:
        if checkpoint.name == "damaged":
            raise InvalidRequest("The file is damaged. Download it again.")
        await super().init_sdxl(checkpoint)


class Server(FakeChat):
    """A language model whose server comes and goes."""

    up = False

    @property
    def status(self) -> ModelStatus:
        state = "ready" if self.up else "absent"
        return super().status.model_copy(update={"state": state, "reason": "" if self.up else "Start Ollama."})


@pytest.fixture
async def server() -> Server:
    return Server(name="big")


@pytest.fixture
async def models(server: Server) -> AsyncIterator[ModelService]:
    service = ModelService(
        "1",
        FussyEngine(),
        CatalogueOf("good", "damaged"),
        [server, FakeChat(name="small")],
        [FakeVision()],
        chosen=FakeChosen(),
        hashes=no_hashes(),
    )
    async with service:
        await service.check_again()
        yield service


async def test_the_small_model_answers_until_the_server_appears_and_again_when_it_goes(
    models: ModelService, server: Server
) -> None:
    assert models.model_status().ollama.model == "small"
    assert models.model_status().ollama.hint == "Start Ollama."
    server.up = True
    await models.check_again()
    assert models.chat_model().status.model == "big"
    assert models.model_status().ollama.hint == ""
    server.up = False
    await models.check_again()
    assert models.chat_model().status.model == "small"


async def test_switching_to_a_language_model_makes_it_speak(models: ModelService, server: Server) -> None:
    server.up = True
    await models.switch(language_model="small")
    assert models.chat_model().status.model == "small"


async def test_an_unknown_name_is_answered_with_the_known_ones(models: ModelService) -> None:
    with pytest.raises(NotFound, match=r"big.*small"):
        await models.switch(language_model="huge")
    with pytest.raises(NotFound, match="good, damaged"):
        await models.switch(checkpoint="../../etc/passwd")


async def test_a_checkpoint_that_cannot_be_loaded_leaves_the_one_before(models: ModelService) -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        await models.switch(checkpoint="damaged")
    assert models.checkpoint().name == "good"
    assert models.model_status().sdxl.ready


async def test_a_missing_checkpoint_is_said_with_what_to_do() -> None:
    async with ModelService(
        "1",
        FakeEngine(),
        CatalogueOf("good"),
        [FakeChat()],
        [FakeVision()],
        wanted_checkpoint="/no/such.safetensors",
        chosen=FakeChosen(),
        hashes=no_hashes(),
    ) as models:
        status = await models.check_again()
        assert status.sdxl.state == "absent"
        assert "/no/such.safetensors" in status.sdxl.reason
        with pytest.raises(Unavailable, match="--sd-model"):
            models.checkpoint()


async def test_a_file_that_is_no_checkpoint_is_named_with_the_reason() -> None:
    wanted = "/models/lora.safetensors"
    async with ModelService(
        "1",
        FakeEngine(),
        CatalogueOf("good"),
        [FakeChat()],
        [FakeVision()],
        wanted_checkpoint=wanted,
        chosen=FakeChosen(),
        hashes=no_hashes(),
    ) as models:
        assert "It is a LoRA." in (await models.check_again()).sdxl.reason


async def test_a_picture_asked_for_before_a_switch_is_drawn_by_the_model_of_then(models: ModelService) -> None:
    assert (await models.loaded_checkpoint("damaged")).name == "damaged"
    assert models.checkpoint().name == "good"
    with pytest.raises(NotFound, match="gone"):
        await models.loaded_checkpoint("gone")


async def test_a_checkpoint_whose_file_was_replaced_is_drawn_with_as_it_is_now_and_one_that_is_gone_as_it_was() -> None:
    catalogue = CatalogueOf("good")
    async with ModelService(
        "1", FussyEngine(), catalogue, [FakeChat()], [FakeVision()], chosen=FakeChosen(), hashes=no_hashes()
    ) as models:
        before = await models.loaded_checkpoint()
        replaced = before.model_copy(update={"stamp": "another", "steps": 12})
        catalogue.found = [replaced]
        assert await models.loaded_checkpoint("good") == models.checkpoint() == replaced != before
        catalogue.found = []
        assert await models.loaded_checkpoint("good") == replaced


async def test_when_nobody_can_answer_it_says_what_to_start() -> None:
    async with ModelService(
        "1",
        FakeEngine(),
        CatalogueOf("good"),
        [FakeChat(ready=False)],
        [FakeVision(ready=False)],
        chosen=FakeChosen(),
        hashes=no_hashes(),
    ) as models:
        await models.check_again()
        with pytest.raises(Unavailable, match="Start Ollama"):
            models.chat_model()
        with pytest.raises(Unavailable, match="ollama pull llava"):
            models.vision_model()


CARD = ("NVIDIA GeForce RTX 4090", "cuda")


class Leaving(FakeChat):
    left = 0

    async def release(self) -> None:
        self.left += 1


@pytest.mark.parametrize(
    ("policy", "device", "free", "side", "leaves"),
    [
        ("auto", CARD, 24, 1024, 0),
        ("auto", CARD, 12, 1024, 0),
        ("auto", CARD, 12, 2048, 1),
        ("auto", CARD, 8, 1024, 1),
        ("always", CARD, 24, 1024, 1),
        ("never", CARD, 1, 1024, 0),
        ("always", ("cpu", "cpu"), 1, 1024, 0),
        ("always", ("mps", "mps"), 1, 1024, 0),
    ],
)
async def test_ollama_leaves_the_card_when_a_picture_would_not_fit_beside_it(
    policy: str, device: tuple[str, str], free: int, side: int, leaves: int
) -> None:
    engine, chat = FakeEngine(), Leaving()
    engine.status = ModelStatus(
        backend="sdxl",
        state="ready",
        device=device[0],
        device_type=device[1],
        memory=DeviceMemory(device=device[0], total=24 * GB, used=(24 - free) * GB),
    )
    checkpoint = Checkpoint(name="x", path=Path("x"), layout="single-file", size_bytes=7 * GB)
    drawn = render_plan(ImageRequest(prompt="a", width=side, height=side), checkpoint)
    await MemoryService(engine, [chat], policy).make_room([drawn])  # type: ignore[arg-type]
    assert chat.left == leaves


@pytest.mark.parametrize(
    ("gigabytes", "kind", "controlnets", "says"),
    [
        (6, "cuda", 1, ""),  # the UNet comes layer by layer
        (6, "cuda", 2, ""),
        (6, "cuda", 3, "The controls take 7.0 GiB and the checkpoint at least 0.3 GiB beside them; the device has 6.0"),
        (8, "cuda", 10, "The controls take 23.3 GiB"),
        (8, "cpu", 1, "The controls take 4.7 GiB and the checkpoint at least 5.2 GiB beside them"),
        (16, "cpu", 1, ""),
    ],
)
def test_controls_that_no_placement_has_room_for_are_refused_before_anything_is_loaded(
    gigabytes: int, kind: str, controlnets: int, says: str
) -> None:
    engine = FakeEngine()
    memory = DeviceMemory(device=kind, total=gigabytes * GB, used=0)
    engine.status = engine.status.model_copy(update={"memory": memory, "device_type": kind})
    checkpoint = Checkpoint(name="x", path=Path("x"), layout="single-file", size_bytes=7 * GB)
    memory_service = MemoryService(engine, [])
    if not says:
        memory_service.check_beside(checkpoint, controlnets * 1_251_000_000)
        return
    with pytest.raises(OutOfMemory) as error:
        memory_service.check_beside(checkpoint, controlnets * 1_251_000_000)
    assert error.value.detail.startswith(says)


async def test_before_the_first_look_ends_nothing_is_said_to_be_absent() -> None:
    class Slow(FakeChat):
        started = asyncio.Event()

        async def check(self) -> ModelStatus:
            await self.started.wait()
            return await super().check()

    chat = Slow(ready=False)
    service = ModelService(
        "1",
        FakeEngine(),
        CatalogueOf("good"),
        [chat],
        [FakeVision(ready=False)],
        chosen=FakeChosen(),
        hashes=no_hashes(),
    )
    async with service:
        await turns()
        assert [service.model_status().ollama.state, service.model_status().multimodal.state] == ["loading", "loading"]
        chat.started.set()
        status = await service.check_again()
        assert (status.ollama.state, status.multimodal.state) == ("absent", "absent")
        assert "ollama pull llava" in status.multimodal.reason


async def test_the_models_that_were_chosen_are_in_use_after_a_restart() -> None:
    chosen, catalogue, engine = FakeChosen(), CatalogueOf("first", "good"), FakeEngine()
    chat = FakeChat(name="one")
    async with ModelService(
        "1", engine, catalogue, [chat], [FakeVision()], chosen=chosen, hashes=no_hashes()
    ) as models:
        await models.check_again()
        assert models.checkpoint().name == "first"
        await models.switch(checkpoint="good", language_model="other-chat")
    again = FakeChat(name="one")
    async with ModelService(
        "1", FakeEngine(), catalogue, [again], [FakeVision()], chosen=chosen, hashes=no_hashes()
    ) as models:
        await models.check_again()
        assert models.checkpoint().name == "good"
        assert models.chat_model().status.model == "other-chat"
    async with ModelService(
        "1", FakeEngine(), CatalogueOf("first"), [again], [FakeVision()], chosen=chosen, hashes=no_hashes()
    ) as models:
        await models.check_again()
        assert models.checkpoint().name == "first"  # the other is gone
    wanted = {"wanted_checkpoint": "first", "wanted_language_model": "one"}
    chat = FakeChat(name="one")
    async with ModelService(
        "1", FakeEngine(), catalogue, [chat], [FakeVision()], chosen=chosen, hashes=no_hashes(), **wanted
    ) as models:
        await models.check_again()
        assert (models.checkpoint().name, models.chat_model().status.model) == ("first", "one")
