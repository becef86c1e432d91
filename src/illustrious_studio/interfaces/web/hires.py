"""The section of Create for hires fix: a second, larger pass."""

from collections.abc import Sequence
from typing import Any

from illustrious_studio.domain.hires import LATENT_UPSCALERS, HiresFix
from illustrious_studio.domain.upscaling import USUAL_SCALE, Upscaler
from illustrious_studio.interfaces.web.controls import AUTOMATIC

TITLE = """(on, scale, upscaler) => ({
  __type__: 'update', label: on ? `Hires fix: ${scale} times, ${upscaler}` : 'Hires fix: off'
})"""


class HiresSection:
    """The controls. `others` is invisible: what else a picture's second pass had (`FormValues.hires_others`)."""

    def __init__(self) -> None:
        import gradio as gr

        fresh, fields = HiresFix(), HiresFix.model_fields
        with gr.Accordion("Hires fix: off", open=False, elem_id="hires-fold") as self.fold:
            self.on = gr.Checkbox(
                False,
                label="Hires fix",
                info="Make the picture larger and draw it over in a second pass: finer, and slower.",
                elem_id="hires",
            )
            self.scale = gr.Slider(1, 4, USUAL_SCALE, step=0.05, label="Upscale by", elem_id="hires_scale")
            self.upscaler = gr.Dropdown(
                list(LATENT_UPSCALERS), value=fresh.upscaler, label="Upscaler", allow_custom_value=True,
                info="Latent ones need a strength of 0.5 and more; the others keep the picture as it is.",
                elem_id="hires_upscaler",
            )  # fmt: skip
            self.steps = gr.Number(
                None, label="Hires steps", minimum=1, maximum=150, precision=0, placeholder=AUTOMATIC,
                info=str(fields["steps"].description), elem_id="hires_steps",
            )  # fmt: skip
            self.strength = gr.Number(
                None, label="Denoising strength", minimum=0.01, maximum=1, step=0.05, placeholder=AUTOMATIC,
                info="How much is drawn anew: 0.7, and as little as a sketch's, where nothing is said.",
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

        return gr.Dropdown(choices=[*LATENT_UPSCALERS, *(one.name for one in upscalers)])
