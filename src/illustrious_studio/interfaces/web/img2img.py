"""The section of Create for image to image: a picture to start from, and the mask for inpainting.

What is held is a text in the form, so that it is remembered and brought back like every other setting; the pictures
themselves are kept by the studio under their names. Choosing and painting is the business of
`static/img2img.js`.
"""

from illustrious_studio.interfaces.web.controls import controls
from illustrious_studio.interfaces.web.outpaint import OutpaintSection
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.theme import script


class Img2ImgSection:
    """The controls. `held` is invisible: its value is a HeldPicture, and it carries the script."""

    def __init__(self) -> None:
        import gradio as gr

        with gr.Accordion("Image to image", open=False, elem_id="img2img-fold") as self.fold:
            html('<div id="img2img-editor"></div>')
            self.outpaint = OutpaintSection()
            with gr.Column() as self.fitting:
                self.settings = controls("img2img")
            with gr.Column(visible=False, elem_id="inpaint") as self.painted:
                self.settings |= controls("inpaint")
        self.held = gr.HTML(
            value="",
            html_template="<i></i>",
            js_on_load=script("img2img.js"),
            visible="hidden",
            elem_id="img2img-held",
        )
