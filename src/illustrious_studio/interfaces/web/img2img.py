"""The section of Create that holds a picture to draw over, and what of it is painted to be drawn anew.

What is held is a text in the form, so that it is remembered and brought back like every other setting; the pictures
themselves are kept by the studio under their names. Choosing and painting is the business of
`static/img2img.js`.
"""

from typing import Any

from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.inputs import InputId
from illustrious_studio.domain.values import Value
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.theme import packaged
from illustrious_studio.services.render_plan import STRENGTH

FRESH: tuple[Any, ...] = (STRENGTH, "crop", "whole", "original", "")
"""The controls when nothing is held, in the order of `Img2ImgSection.all`."""


class HeldPicture(Value):
    """A picture to draw over that the form holds, and its mask, if a part of it is painted."""

    image: InputId
    mask: InputId | None = None

    def text(self) -> str:
        return self.model_dump_json()


def held_picture(text: object) -> HeldPicture | None:
    """What the form holds; None for nothing, or nothing of use."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return HeldPicture.model_validate_json(text)
    except ValueError:
        return None


class Img2ImgSection:
    """The controls. `held` is invisible: its value is a HeldPicture, and it carries the script."""

    def __init__(self) -> None:
        import gradio as gr

        strength, fit, area, content, _ = FRESH
        with gr.Accordion(title(None), open=False, elem_id="over-fold") as self.fold:
            html('<div id="over-editor"></div>')
            self.strength = gr.Slider(
                0.05,
                1,
                strength,
                step=0.05,
                label="Strength",
                info="How much is drawn anew: 0.3 keeps nearly all of the picture, 0.9 hardly anything.",
                elem_id="over-strength",
            )
            self.fit = gr.Radio(
                [("Cut to the size", "crop"), ("Stretched", "stretch"), ("Filled up", "fill")],
                value=fit,
                label="Fit",
                elem_id="over-fit",
            )
            with gr.Column(visible=False) as self.painted:
                self.area = gr.Radio(
                    [("The whole picture", "whole"), ("The painted part alone, in the size above", "masked")],
                    value=area,
                    label="Drawn at once",
                    elem_id="over-area",
                )
                self.content = gr.Radio(
                    [("What is there", "original"), ("The colours around it", "fill")],
                    value=content,
                    label="The painted part begins as",
                    elem_id="over-content",
                )
        self.held = gr.HTML(
            value="", html_template="<i></i>", js_on_load=packaged("img2img.js"), visible="hidden", elem_id="over-held"
        )
        self.all: list[Any] = [self.strength, self.fit, self.area, self.content, self.held]

    async def shown(self, text: str) -> tuple[Any, Any]:
        """The closed title says what is set; what concerns a painted part is there when there is one."""
        import gradio as gr

        held = held_picture(text)
        return gr.Accordion(label=title(held)), gr.Column(visible=held is not None and held.mask is not None)


def title(held: HeldPicture | None) -> str:
    what = "none" if held is None else "all of it" if held.mask is None else "a painted part of it"
    return f"Draw over a picture: {what}"


def asked(strength: float, fit: str, area: str, content: str, text: str) -> dict[str, Any]:
    """What the section says, as fields of a request; none when it holds no picture."""
    if (held := held_picture(text)) is None:
        return {}
    fields: dict[str, Any] = {"image": held.image, "strength": float(strength), "fit": fit}
    if held.mask is not None:
        fields |= {"mask": held.mask, "mask_area": area, "mask_content": content}
    return fields


def filled(request: ImageRequest) -> tuple[Any, ...]:
    """The section as it makes this request."""
    if request.image is None:
        return FRESH
    held = HeldPicture(image=request.image, mask=request.mask)
    strength = STRENGTH if request.strength is None else request.strength
    return strength, request.fit, request.mask_area, request.mask_content, held.text()
