"""Grids on the page: axes are chosen and counted, the sheet grows, and its pictures are found together."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from illustrious_studio.domain.errors import OutOfMemory
from running_web import WebWithFakes, running_web

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def vary(page: Page, axis: str, label: str, values: str) -> None:
    await page.fill(f"#grid_{axis} input", label)
    await page.keyboard.press("Enter")
    await page.fill(f"#grid_{axis}_values :is(input, textarea)", values)


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
async def test_a_grid_is_counted_drawn_and_found_again_in_the_gallery(
    web: WebWithFakes, tmp_path: Path, width: int
) -> None:
    async with running_web(tmp_path, web.browser) as own:
        own.engine.faults.append(OutOfMemory("Too large for it."))
        page = await own.open(width=width)
        await page.fill("#prompt textarea", "a cat")
        await page.click("#grid-fold > button")
        await vary(page, "x", "Sampler", "Euler, LMS")
        await vary(page, "y", "Steps", "2-4")
        await expect(page.locator("#grid-fold > button")).to_contain_text("Grid: 2 × 3 = 6 pictures")
        await page.fill("#grid_y_values :is(input, textarea)", "1-100000")
        await expect(page.locator("#grid-said")).to_contain_text("more than the 100 that may wait")
        await page.fill("#grid_y_values :is(input, textarea)", "1-5 (+0)")
        await expect(page.locator("#grid-said")).to_contain_text("has a step of 0")
        await page.fill("#grid_y_values :is(input, textarea)", "2-4")
        await expect(page.locator("#grid-fold > button")).to_contain_text("6 pictures")
        await page.click("#generate")
        grid = page.locator("#grid-view")
        await expect(grid.locator("[role=status]")).to_have_text("Grid of Sampler × Steps: 5 pictures, 1 not drawn")
        await expect(grid.locator(".thumb")).to_have_count(5)
        await expect(grid.locator(".gap.lost")).to_have_text("Too large for it.")
        await expect(grid.locator("thead th")).to_have_text(["Euler", "LMS"])
        await expect(grid.locator("tbody th")).to_have_text(["Steps: 2", "Steps: 3", "Steps: 4"])
        await page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        await page.click("#tab-gallery-button")
        await page.locator("#gallery-grid .thumb").first.click()
        await page.click("#viewer [name=grid]")
        await expect(page.locator("#gallery-grid .grid-of .thumb")).to_have_count(5)
        await page.click("#gallery-grid [name=grid]")
        await expect(page.locator("#gallery-grid > .thumb")).to_have_count(5)
        await page.reload()
        await expect(grid.locator(".thumb")).to_have_count(5)
        await page.click("#tab-create-button")
        await expect(page.locator("#grid-fold > button")).to_contain_text("Grid: 2 × 3 = 6 pictures")
        await grid.locator("[name=close_grid]").click()
        await expect(grid.locator(".thumb")).to_have_count(0)
        assert own.troubles == []


async def test_a_grid_waits_as_one_line_is_cancelled_as_one_and_a_wrong_value_is_said(
    web: WebWithFakes, tmp_path: Path
) -> None:
    async with running_web(tmp_path, web.browser) as own:
        page = await own.open()
        await page.fill("#prompt textarea", "a cat")
        await page.click("#grid-fold > button")
        await vary(page, "x", "Steps", "3, 4, 500")
        await page.click("#generate")
        await expect(page.locator("#create-notice")).to_contain_text("x, value 3 (500): must be at most 150")
        own.engine.go_on.clear()
        await page.fill("#grid_x_values :is(input, textarea)", "3-9")
        await expect(page.locator("#grid-fold > button")).to_contain_text("7 pictures")
        await page.click("#generate")
        await expect(page.locator("#create-right .queue li")).to_contain_text("6 waiting")
        await expect(page.locator("#create-right .queue li")).to_have_count(1)
        await page.click("#grid-view [name=cancel_grid]")
        await expect(page.locator("#grid-view [role=status]")).to_have_text("Grid of Steps: 0 pictures, 7 not drawn")
        await expect(page.locator("#create-right .queue li")).to_have_count(0)
        own.engine.go_on.set()
        assert own.troubles == []
