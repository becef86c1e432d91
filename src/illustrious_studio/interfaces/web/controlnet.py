"""The section of Create for pictures that steer a drawing (ControlNet and its like).

What is held is a text in the form (a list of controls as JSON); the pictures are kept by the studio under their names.
Choosing them, and all else of a control, is the business of `static/controlnet.js`.
"""

from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.theme import script


class ControlNetSection:
    """`held` is invisible: its value is what is held, and it carries the script."""

    def __init__(self) -> None:
        import gradio as gr

        with gr.Accordion("ControlNet: off", open=False, elem_id="controlnet-fold") as self.fold:
            html('<div id="controlnet-editor"></div>')
        self.held = gr.HTML(
            value="",
            html_template="<i></i>",
            js_on_load=script("controlnet.js"),
            visible="hidden",
            elem_id="controlnet-held",
        )
