"""What the pages say of a picture."""

import copy
from pathlib import Path

import pytest

from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.interfaces.web.app import create_gradio_app
from illustrious_studio.interfaces.web.views.markdown import markdown
from illustrious_studio.interfaces.web.views.parts import settings_rows
from running_web import DEFAULT_ACCESS
from samples import metadata
from studio_for_tests import studio_for_tests


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("a blue cat <lora:kohya:0.5>", False),
        ("[x](javascript:alert(1))", False),
        ("[x](data:text/html,hello)", False),
        ("<https://example.com/a:b>", True),
        ("[x](/gallery?a=b:c)", True),
    ],
)
def test_only_what_a_browser_can_open_is_a_link(text: str, link: bool) -> None:
    shown = markdown(text)
    assert ("<a " in shown) is link
    assert link or "kohya" not in text or "&lt;lora:kohya:0.5&gt;" in shown


def test_how_a_masked_part_was_drawn_is_told_and_the_size_is_the_pictures() -> None:
    over = {"image": "a" * 64, "strength": 0.5, "fit": "crop", "mask": "b" * 64, "mask_blur": 4}
    part = {"mask_area": "masked", "mask_padding": 9, "mask_content": "fill"}
    made = metadata(**over, **part)
    drawn = made.request.model_copy(update={"width": 832, "height": 1216})
    rows = dict(settings_rows(made.model_copy(update={"request": drawn})))
    assert rows["Size"] == "96 × 64"
    assert rows["Inpaint size"] == "832 × 1216"
    assert (rows["Inpaint area"], rows["Masked content"], rows["Only masked padding"]) == ("Only masked", "fill", "9")
    plain = dict(settings_rows(metadata(**over, mask_area="whole", mask_content="original")))
    assert not {"Inpaint area", "Masked content", "Only masked padding", "Inpaint size"} & plain.keys()


def test_a_second_pass_is_told_by_its_own_names_beside_the_size_of_the_first() -> None:
    hires = HiresFix(scale=1.5, upscaler="Lanczos", strength=0.4, steps=9)
    made = metadata(hires=hires)
    larger = made.model_copy(update={"width": 144, "height": 96})
    rows = dict(settings_rows(larger))
    assert (rows["Size"], rows["First pass"]) == ("144 × 96", "96 × 64")
    assert {name: rows[name] for name in rows if name.startswith("Hires")} == {
        "Hires strength": "0.4", "Hires upscale": "1.5", "Hires steps": "9", "Hires upscaler": "Lanczos",
    }  # fmt: skip


async def test_what_gradio_is_told_of_the_page_is_plain(tmp_path: Path) -> None:
    """It copies that for everybody who opens the page: one reference to a component would drag the studio along."""
    async with studio_for_tests(tmp_path) as tested:
        config = create_gradio_app(tested.studio, DEFAULT_ACCESS).config
        assert copy.deepcopy(config) == config
