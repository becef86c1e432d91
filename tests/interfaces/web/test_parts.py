"""What the pages say of a picture."""

from illustrious_studio.interfaces.web.views.parts import settings_rows
from samples import metadata


def test_how_a_masked_part_was_drawn_is_told_and_the_size_is_the_pictures() -> None:
    over = {"image": "a" * 64, "strength": 0.5, "fit": "crop", "mask": "b" * 64, "mask_blur": 4}
    part = {"mask_area": "masked", "mask_padding": 9, "drawn_width": 832, "drawn_height": 1216, "mask_content": "fill"}
    rows = dict(settings_rows(metadata(**over, **part)))
    assert rows["Size"] == "96 × 64"
    assert (
        rows["Masked part"] == "filled from its surroundings first, drawn alone in 832 × 1216, with 9 pixels around it"
    )
    plain = settings_rows(metadata(**over, mask_area="whole", mask_content="original"))
    assert "Masked part" not in dict(plain)
