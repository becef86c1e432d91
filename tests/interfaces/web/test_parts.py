"""What the pages say of a picture."""

from illustrious_studio.interfaces.web.views.parts import settings_rows
from samples import metadata


def test_how_a_masked_part_was_drawn_is_told_and_the_size_is_the_pictures() -> None:
    over = {"image": "a" * 64, "strength": 0.5, "fit": "crop", "mask": "b" * 64, "mask_blur": 4}
    part = {"mask_area": "masked", "mask_padding": 9, "mask_content": "fill"}
    made = metadata(**over, **part)
    drawn = made.request.model_copy(update={"width": 832, "height": 1216})
    rows = dict(settings_rows(made.model_copy(update={"request": drawn})))
    assert rows["Size"] == "96 × 64"
    assert rows["Generated at"] == "832 × 1216"
    assert (rows["Inpaint area"], rows["Masked content"], rows["Only masked padding"]) == ("Only masked", "fill", "9")
    plain = dict(settings_rows(metadata(**over, mask_area="whole", mask_content="original")))
    assert not {"Inpaint area", "Masked content", "Only masked padding", "Generated at"} & plain.keys()
