"""The part of Create's image to image that outpaints: by how much the picture grows on each side.

`static/img2img.js` shows the canvas that it comes to.
"""

from typing import Any

from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.domain.outpainting import SIDES, Outpaint
from illustrious_studio.interfaces.web.controls import AUTOMATIC

STEP = 8
CONTENTS = {"Fill": "fill", "Latent noise": "latent_noise", "Latent nothing": "latent_nothing"}


class OutpaintSection:
    """The controls. `area` is in sight while a picture is held without a mask, `sides` once outpainting is on."""

    def __init__(self) -> None:
        import gradio as gr

        fields = Outpaint.model_fields
        with gr.Column(visible=False, elem_id="outpaint-area") as self.area:
            self.on = gr.Checkbox(
                False,
                label=SETTINGS["outpaint"].label,
                info="Make the canvas larger, and draw what is new. The picture keeps its size and its pixels.",
                elem_id="outpaint",
            )
            with gr.Column(visible=False) as self.sides:
                with gr.Row(elem_classes="sides"):
                    self.pixels = {
                        side: gr.Number(
                            128, label=side.capitalize(), step=STEP, min_width=64, elem_id=f"outpaint_{side}"
                        )
                        for side in SIDES
                    }
                self.strength = gr.Number(
                    None, label="Denoising strength", step=0.05, placeholder=AUTOMATIC,
                    info="How much of what the new part begins with is redrawn; automatic: what suits the model.",
                    elem_id="outpaint_strength",
                )  # fmt: skip
                self.seam = gr.Slider(
                    0, 512, fields["seam"].default, step=STEP, label="Seam",
                    info=fields["seam"].description, elem_id="outpaint_seam",
                )  # fmt: skip
                self.content = gr.Radio(
                    list(CONTENTS.items()), value="fill", label="New content",
                    info=fields["content"].description, elem_id="outpaint_content",
                )  # fmt: skip

    @property
    def controls(self) -> dict[str, Any]:
        """By the names of the form's values."""
        pixels = {f"outpaint_{side}": control for side, control in self.pixels.items()}
        return {
            "outpaint": self.on,
            **pixels,
            "outpaint_strength": self.strength,
            "outpaint_seam": self.seam,
            "outpaint_content": self.content,
        }
