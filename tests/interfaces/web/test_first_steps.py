"""The panel that leads to real pictures: what it says of a machine, and how a person uses it."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from illustrious_studio.domain.machine import MachineFacts
from illustrious_studio.domain.models import Checkpoint, DeviceMemory, ModelStatus, RefusedFile
from illustrious_studio.interfaces.web.views.first_steps import panel
from illustrious_studio.services.first_steps import FirstSteps, Measured
from running_web import WebWithFakes, draw, running_web, settled
from studio_for_tests import with_own_checkpoint

GIB = 2**30
ALONE = FirstSteps(
    folder=Path("/home/me/models & more/checkpoints"),
    machine=MachineFacts(cores=2, memory=8 * GIB),
    image=ModelStatus(backend="sdxl", model="illustrious-mini", state="ready", device="cpu", device_type="cpu"),
    chat=ModelStatus(backend="embedded", state="ready", hint="Ollama cannot be reached. Start it with `ollama serve`."),
    vision=ModelStatus(backend="builtin", model="Built-in analyzer", state="ready"),
)


def test_on_a_machine_with_nothing_it_says_what_to_do() -> None:
    shown = panel(ALONE)
    assert "/home/me/models &amp; more/checkpoints" in shown
    assert "<code>ollama serve</code>" in shown
    assert "ollama pull qwen3:4b" in shown
    assert "the processor (2 cores, 8 GiB of memory) draws" in shown
    assert "less than that" in shown
    assert "NVIDIA" not in shown
    assert "found</span>" not in shown
    assert "No checkpoint there yet" not in shown


def test_what_was_looked_for_and_not_found_is_said() -> None:
    assert "No checkpoint there yet" in panel(replace(ALONE, checked=True))


def test_what_lies_in_the_folder_can_be_used_or_says_why_not() -> None:
    own = Checkpoint(name="<own>", path=Path("own"), layout="single-file", size_bytes=6_900_000_000)
    refused = RefusedFile(Path("/x/old.ckpt"), "It can run code.")
    shown = panel(replace(ALONE, own=[own], refused=[refused]))
    assert "Found: &lt;own&gt; (6.9 GB)" in shown
    assert "old.ckpt cannot be used. It can run code." in shown


def test_a_card_is_named_with_its_memory_and_the_time_that_was_measured_on_it() -> None:
    card = ModelStatus(
        backend="sdxl", state="ready", device="RTX 4090", device_type="cuda",
        memory=DeviceMemory(device="RTX 4090", total=24 * GIB, used=0),
    )  # fmt: skip
    shown = panel(replace(ALONE, image=card, measured=Measured(512, 512, 20, 3.94, "illustrious-mini")))
    assert "RTX 4090 (24 GiB) draws. The last picture took it 3.9 s (512 × 512, illustrious-mini)." in shown
    assert "processor" not in shown


def test_a_driver_that_torch_does_not_use_is_pointed_out() -> None:
    shown = panel(replace(ALONE, machine=replace(ALONE.machine, nvidia_driver=True)))
    assert "An NVIDIA driver is here" in shown


def test_ollama_that_answers_is_named_and_a_missing_vision_model_too() -> None:
    chat = ModelStatus(backend="ollama", model="qwen3:4b", state="ready")
    shown = panel(replace(ALONE, chat=chat))
    assert "Ollama answers, with qwen3:4b." in shown
    assert "ollama pull qwen2.5vl:3b" in shown
    seeing = ModelStatus(backend="ollama", model="qwen2.5vl:3b", state="ready")
    assert "qwen2.5vl:3b answers about pictures." in panel(replace(ALONE, chat=chat, vision=seeing))


def test_a_folder_is_offered_to_be_opened_only_where_there_is_a_desktop() -> None:
    assert "open_models" not in panel(ALONE)
    assert "open_models" in panel(replace(ALONE, machine=replace(ALONE.machine, desktop=True)))


def test_with_a_checkpoint_of_ones_own_nothing_is_shown() -> None:
    assert panel(None) == ""


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_hidden_it_stays_hidden_and_comes_back_when_asked_for(web: WebWithFakes) -> None:
    page = await web.open()
    steps = page.locator("details.steps")
    await expect(steps).to_be_visible()
    prompt = await page.locator("#prompt textarea").bounding_box()
    assert prompt is not None
    assert prompt["y"] + prompt["height"] < 800
    await page.click("[name=steps_hide]")
    await expect(steps).to_be_hidden()
    await page.reload()
    await settled(page)
    await expect(steps).to_be_hidden()
    await page.click("#about [name=steps_show]")
    await expect(steps).to_be_visible()


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_on_a_phone_it_begins_folded_and_the_prompt_is_in_sight(web: WebWithFakes) -> None:
    page = await web.open(width=390, height=844)
    await expect(page.locator("details.steps summary")).to_be_visible()
    await expect(page.locator("details.steps ol")).to_be_hidden()
    prompt = await page.locator("#prompt textarea").bounding_box()
    assert prompt is not None
    assert prompt["y"] + prompt["height"] < 844
    await page.click("details.steps summary")
    await expect(page.locator("details.steps ol")).to_be_visible()


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_a_new_checkpoint_is_found_used_and_ends_the_panel(web: WebWithFakes, tmp_path: Path) -> None:
    async with running_web(tmp_path, web.browser) as other:
        page = await other.open()
        await page.click("[name=check_models]")
        await expect(page.locator(".steps .outcome")).to_contain_text("No checkpoint there yet")
        with_own_checkpoint(tmp_path)
        await page.click("[name=check_models]")
        await expect(page.locator(".steps .outcome")).to_contain_text("Found: own")
        await draw(page, "a fox")
        await page.click("[name=use_checkpoint]")
        await expect(page.locator("details.steps")).to_have_count(0)
        assert other.studio.models.checkpoint().name == "own"
        assert other.troubles == []
        await page.close()


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_the_folder_is_opened_on_the_machines_desktop(web: WebWithFakes, tmp_path: Path) -> None:
    async with running_web(tmp_path, web.browser) as other:
        page = await other.open()
        async with page.expect_response("**/gradio_api/queue/join*"):
            await page.click("[name=open_models]")
        await page.click("[name=check_models]")
        await expect(page.locator(".steps .outcome")).to_be_visible()
        assert other.machine.shown == [tmp_path / "models" / "checkpoints"]
        await page.close()
