"""LoRAs, the token meter and hires fix in Create."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.wiring import LORAS
from running_web import WebWithFakes, draw
from scripts_of_the_project import script

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PROMPT = "#prompt textarea"
KOHYA = "#loras li[data-lora='kohya']"


@pytest.fixture
def loras(web: WebWithFakes) -> Iterator[Path]:
    folder = web.gallery.parent / LORAS
    script("tiny_loras").make(folder)
    yield folder
    shutil.rmtree(folder)
    folder.mkdir()


async def test_a_lora_is_found_used_weighed_and_taken_out(web: WebWithFakes, loras: Path) -> None:
    page = await web.open()
    await page.fill(PROMPT, "a red fox")
    await page.click("#loras-fold > button")
    await expect(page.locator("#loras li")).to_have_count(8)
    await page.fill("#lora-search", "BLUE")
    await expect(page.locator("#loras li:visible")).to_have_count(1)
    await expect(page.locator(f"{KOHYA} img")).to_have_js_property("complete", True)
    await page.click(f"{KOHYA} [name=lora]")
    await expect(page.locator(PROMPT)).to_have_value("a red fox, blue paint <lora:kohya:0.8>")
    await page.click(f"{KOHYA} [name=lora_more]")
    await expect(page.locator(PROMPT)).to_have_value("a red fox, blue paint <lora:kohya:0.9>")
    await expect(page.locator(f"{KOHYA} .lora-weight")).to_have_text("0.9")
    assert (await Axe().run(page, "#loras")).response["violations"] == []
    await draw(page, await page.input_value(PROMPT))
    assert [use.file.name for use in web.engine.plans[-1].loras] == ["kohya"]
    await page.click(f"{KOHYA} [name=lora]")
    await expect(page.locator(PROMPT)).to_have_value("a red fox")  # and its trigger words, which came with it
    await expect(page.locator(f"{KOHYA} .lora-weight")).to_have_text("")
    await page.fill("#lora-search", "nothing like it")
    await expect(page.locator("#no-lora")).to_be_visible()


async def test_a_lora_is_known_by_each_of_its_names_whatever_else_is_wrong_in_the_prompt(
    web: WebWithFakes, loras: Path
) -> None:
    page = await web.open()
    await page.click("#loras-fold > button")
    await page.fill(PROMPT, "fox <lora:kohya.safetensors:0.5> <lora:kohya:0.25:0.5> <lora:loha:wrong>")
    await expect(page.locator(f"{KOHYA} .lora-weight")).to_have_text("")  # while the prompt cannot be drawn
    await expect(page.locator("#tokens")).to_contain_text("has the weight 'wrong'")
    await page.click("#loras li[data-lora='loha'] [name=lora]")
    await expect(page.locator(PROMPT)).to_have_value("fox <lora:kohya.safetensors:0.5> <lora:kohya:0.25:0.5>")
    await expect(page.locator(f"{KOHYA} .lora-weight")).to_have_text("0.5 + 0.25, 0.5")
    await page.click(f"{KOHYA} [name=lora_less]")
    await expect(page.locator(PROMPT)).to_have_value("fox <lora:kohya.safetensors:0.4> <lora:kohya:0.15:0.4>")
    await page.click(f"{KOHYA} [name=lora]")
    await expect(page.locator(PROMPT)).to_have_value("fox")


async def test_nothing_is_put_behind_a_tag_that_is_not_closed(web: WebWithFakes, loras: Path) -> None:
    page = await web.open()
    await page.click("#loras-fold > button")
    await page.fill(PROMPT, "a cat <lora:loha")
    await page.click(f"{KOHYA} [name=lora]")
    await expect(page.get_by_text("The prompt has <lora:loha, which is not closed.").last).to_be_visible()
    await expect(page.locator(PROMPT)).to_have_value("a cat <lora:loha")


async def test_a_file_that_cannot_be_used_is_named_in_the_browser_and_by_the_meter(
    web: WebWithFakes, loras: Path
) -> None:
    (loras / "broken.safetensors").write_bytes(b"no header")
    page = await web.open()
    await page.click("#loras-fold > button")
    await expect(page.locator("#loras .refused")).to_contain_text("broken.safetensors cannot be used.")
    await page.fill(PROMPT, "a fox <lora:broken:1>")
    await expect(page.locator("#tokens")).to_contain_text("The LoRA 'broken' cannot be used.")
    await page.fill(PROMPT, "fox " * 2600)
    await expect(page.locator("#tokens")).to_have_text("Prompt: must have at most 10,000 characters.")


async def test_without_loras_it_says_where_they_go(web: WebWithFakes) -> None:
    page = await web.open()
    await page.click("#loras-fold > button")
    await expect(page.locator("#loras")).to_contain_text("models/loras")


async def test_tokens_are_counted_as_one_types(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill(PROMPT, "a red fox")
    await expect(page.locator("#tokens")).to_have_text("3 / 75 tokens")
    await page.fill(PROMPT, "fox " * 90)
    await expect(page.locator("#tokens")).to_have_text("90 / 150 tokens, in 2 chunks")
    await page.fill(PROMPT, "a fox <lora:x")
    await expect(page.locator("#tokens")).to_contain_text("is not closed")


async def test_hires_fix_is_drawn_remembered_and_brought_back(web: WebWithFakes) -> None:
    page = await web.open()
    await page.fill(PROMPT, "a red fox")
    await page.click("#hires-fold > button")
    await page.check("#hires input")
    await expect(page.locator("#hires-fold > button")).to_contain_text("Hires fix: 2 times")
    await draw(page, "a red fox")
    request = web.engine.plans[-1].request
    # Left out: what suits a checkpoint that begins with a sketch, and as little as that is redrawn.
    assert request.hires == HiresFix(scale=2, upscaler="Real-ESRGAN anime", strength=request.sketch_strength)
    await page.reload()
    await expect(page.locator("#hires-fold > button")).to_contain_text("Hires fix: 2 times")
    of_more = HiresFix(width=96, upscaler="Lanczos", steps=2, strength=0.4, prompt="a green fox")
    item = await web.studio.images.generate_image(
        ImageRequest(prompt="a red fox", width=64, height=64, steps=2, hires=of_more)
    )
    await page.reload()
    await page.click("#hires-fold > button")
    await page.click("#picture [name=reuse]")
    await expect(page.locator("#hires_upscaler input")).to_have_value("Lanczos")
    await draw(page, "a blue fox")
    assert web.engine.plans[-1].request.hires == item.metadata.request.hires
