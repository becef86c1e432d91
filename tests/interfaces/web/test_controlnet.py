"""ControlNet in Create: a picture is chosen, seen as its model sees it, drawn with, remembered, and brought back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from fakes import gradient
from illustrious_studio.adapters.sdxl.control_catalogue import HINT
from illustrious_studio.adapters.sdxl.lora_catalogue import BUILTIN_WIDTH
from illustrious_studio.domain.encoding import to_png
from illustrious_studio.wiring import CONTROLS
from running_web import WebWithFakes, draw
from tiny_models import put

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOLD = "#controlnet-fold"
CARD = f"{FOLD} .control"
OF_THE_BUILTIN = {
    HINT: [8, 3, 3, 3],
    "add_embedding.linear_1.weight": [8, 8],
    "down.attn2.to_k.weight": [8, BUILTIN_WIDTH],
}


@pytest.fixture
def controls(web: WebWithFakes) -> Iterator[Path]:
    folder = web.gallery.parent / CONTROLS
    put(folder / "edges.safetensors", OF_THE_BUILTIN)
    yield folder
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    file.write_bytes(to_png(gradient(300, 200, 5)))
    return file


async def opened(web: WebWithFakes, width: int = 1280) -> Page:
    page = await web.open(width=width)
    await page.click(f"{FOLD} > button")
    await page.click(f"{FOLD} [data-does=add]")
    return page


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_picture_steers_the_drawing_and_comes_back_with_its_settings(
    web: WebWithFakes, controls: Path, photo: Path, width: int
) -> None:
    page = await opened(web, width)
    await page.set_input_files(f"{CARD} input[type=file]", photo)
    await expect(page.locator(f"{CARD} img")).to_have_js_property("complete", True)
    await page.get_by_label("Preprocessor").select_option("threshold")
    await page.get_by_label("Binarization Threshold").fill("40")
    await page.get_by_label("Weight").fill("0.6")
    await page.get_by_label("Control mode").select_option("prompt")
    await page.click(f"{CARD} [data-does=preview]")
    await expect(page.locator(f"{CARD} .control-map")).to_be_visible()
    await expect(page.locator(f"{FOLD} > button")).to_contain_text("ControlNet: 1")
    assert (await Axe().run(page, FOLD)).response["violations"] == []
    await draw(page, "a cat")
    (made,) = web.engine.plans[-1].request.controls
    assert (made.model, made.preprocessor, made.threshold_a, made.weight, made.mode) == (
        "edges", "threshold", 40, 0.6, "prompt",
    )  # fmt: skip
    await page.click(f"{CARD} [data-does=remove]")
    await expect(page.locator(f"{FOLD} > button")).to_contain_text("ControlNet: off")
    await page.click("#picture [name=reuse]")
    await expect(page.locator(f"{FOLD} > button")).to_contain_text("ControlNet: 1")
    await expect(page.get_by_label("Weight")).to_have_value("0.6")
    await page.reload()
    await expect(page.locator(f"{FOLD} > button")).to_contain_text("ControlNet: 1")


async def test_without_a_picture_it_says_so_and_nothing_is_lost(web: WebWithFakes, controls: Path) -> None:
    page = await opened(web)
    await page.click(f"{CARD} [data-does=preview]")
    await expect(page.locator(f"{FOLD} .controlnet-status")).to_have_text("Choose a picture first.")
    await page.fill("#prompt textarea", "a cat")
    await page.click("#generate")
    await expect(page.locator("#create-notice")).to_contain_text("needs an image of its own")
    await expect(page.locator("#prompt textarea")).to_have_value("a cat")


async def test_where_there_is_no_model_it_says_where_one_belongs(web: WebWithFakes) -> None:
    page = await web.open()
    await page.click(f"{FOLD} > button")
    await expect(page.locator(f"{FOLD} .controlnet-status")).to_contain_text("Put their .safetensors files into")
    await expect(page.locator(f"{FOLD} [data-does=add]")).to_be_hidden()
