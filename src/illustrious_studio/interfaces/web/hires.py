"""The section of Create for hires fix: a second, larger pass."""

from collections.abc import Sequence
from typing import Any

from illustrious_studio.domain.hires import LATENT_UPSCALERS, HiresFix
from illustrious_studio.domain.upscaling import USUAL_SCALE, Upscaler
from illustrious_studio.interfaces.web.controls import AUTOMATIC

TITLE = "(on, scale) => ({ __type__: 'update', label: on ? `Hires fix: ${scale} times` : 'Hires fix: off' })"
LATENT = [(name, name) for name in LATENT_UPSCALERS]


class HiresSection:
    """The controls. `others` is invisible: what else a picture's second pass had (`FormValues.hires_others`)."""

    def __init__(self) -> None:
        import gradio as gr

        fields = HiresFix.model_fields
        with gr.Accordion("Hires fix: off", open=False, elem_id="hires-fold") as self.fold:
            self.on = gr.Checkbox(
                False,
                label="Hires fix",
                info="Make the picture larger and draw it over in a second pass: finer, and slower.",
                elem_id="hires",
            )
            self.scale = gr.Slider(1, 4, USUAL_SCALE, step=0.05, label="Upscale by", elem_id="hires_scale")
            self.upscaler = gr.Dropdown(
                [(AUTOMATIC, ""), *LATENT], value="", label="Upscaler", allow_custom_value=True,
                info="Latent ones need a strength of 0.5 and more; the others keep the picture as it is.",
                elem_id="hires_upscaler",
            )  # fmt: skip
            self.steps = gr.Number(
                None, label="Hires steps", placeholder=AUTOMATIC,
                info=str(fields["steps"].description), elem_id="hires_steps",
            )  # fmt: skip
            self.strength = gr.Number(
                None, label="Denoising strength", step=0.05, placeholder=AUTOMATIC,
                info="How much is drawn anew, from nearly nothing (0.01) to all (1).",
                elem_id="hires_strength",
            )  # fmt: skip
            self.others = gr.Textbox("", visible=False)

    @property
    def controls(self) -> dict[str, Any]:
        """By the names of the form's values."""
        return {
            "hires": self.on,
            "hires_scale": self.scale,
            "hires_upscaler": self.upscaler,
            "hires_steps": self.steps,
            "hires_strength": self.strength,
            "hires_others": self.others,
        }

    def offering(self, upscalers: Sequence[Upscaler]) -> Any:
        """The list of upscalers as it is now."""
        import gradio as gr

        return gr.Dropdown(choices=[(AUTOMATIC, ""), *LATENT, *((one.name, one.name) for one in upscalers)])
