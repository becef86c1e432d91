"""The section of Create for hires fix: a second, larger pass."""

import json
from collections.abc import Sequence
from typing import Any

from illustrious_studio.domain.hires import LATENT_UPSCALERS, USUAL_SCALE, HiresFix
from illustrious_studio.domain.upscaling import Upscaler

SHOWN = ("scale", "upscaler", "steps", "strength")
"""What has a control. What else a picture's second pass had stays with it unseen, until hires fix is switched off."""
TITLE = """(on, scale, upscaler) => ({
  __type__: 'update', label: on ? `Hires fix: ${scale} times, ${upscaler}` : 'Hires fix: off'
})"""


class HiresSection:
    """The controls. `others` is invisible."""

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
                None, label="Hires steps", minimum=1, maximum=150, precision=0, placeholder="Automatic",
                info=str(fields["steps"].description), elem_id="hires_steps",
            )  # fmt: skip
            self.strength = gr.Slider(
                0.05, 1, fresh.strength, step=0.05, label="Denoising strength",
                info=str(fields["strength"].description).partition(": ")[2].capitalize(), elem_id="hires_strength",
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


def hires_of(values: dict[str, Any], others: str) -> HiresFix:
    """The second pass that the controls mean. Raises pydantic's ValidationError."""
    unseen = json.loads(others) if others else {}
    if unseen.get("width") or unseen.get("height"):
        values = {**values, "scale": None}
    return HiresFix.model_validate({**unseen, **{name: value for name, value in values.items() if value is not None}})


def others_of(hires: HiresFix) -> str:
    """What of a second pass has no control."""
    unseen = hires.model_dump(exclude=set(SHOWN), exclude_defaults=True)
    return json.dumps(unseen) if unseen else ""
