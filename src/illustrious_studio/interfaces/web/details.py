"""The section of Create for details: regions of the finished picture that are drawn again, larger."""

from collections.abc import Sequence
from typing import Any

from illustrious_studio.domain.details import USUAL_STRENGTH, Detail, DetectorFile
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.web.controls import AUTOMATIC
from illustrious_studio.interfaces.web.held import always_starts_from_sketch
from illustrious_studio.interfaces.web.page import html

TITLE = "(on, find) => ({ __type__: 'update', label: on ? `Details: ${find.split(':').pop()}` : 'Details: off' })"
OFFERED = """(on, offered) => {
  document.body.dataset.details = offered ? 'offered' : 'not';
  return [
    { __type__: 'update', visible: on || offered },
    { __type__: 'update', visible: !offered },
  ];
}"""
"""With a model that gains nothing by them, the controls are in sight only where a picture has brought them, and
pictures have no button for it (`theme.css`)."""
IN_LAYOUT = [("Faces of the layout", "faces"), ("People of the layout", "people")]
GAINS_NOTHING = (
    '<p class="about">The model in use paints over a sketch, and what it draws of a face is in that sketch already: '
    "drawn again larger, faces lose their clean lines and gain nothing. With an SDXL checkpoint, faces, hands or "
    "whatever a detector finds are drawn once more here, large.</p>"
)


class DetailsSection:
    """The controls. `others` is invisible: what else the details of a picture said (`FormValues.details_others`)."""

    def __init__(self) -> None:
        import gradio as gr

        fields = Detail.model_fields
        with gr.Accordion("Details: off", open=False, elem_id="details-fold") as self.fold:
            self.why_not = html(GAINS_NOTHING, visible=False)
            self.offered = gr.Checkbox(True, visible="hidden")
            with gr.Column() as self.shown:
                self.on = gr.Checkbox(
                    False,
                    label=SETTINGS["details"].label,
                    info="Draw regions of the finished picture again, larger, and put them back: small faces become "
                    "clear ones.",
                    elem_id="details",
                )
                self.find = gr.Dropdown(
                    IN_LAYOUT, value="faces", label="Find", allow_custom_value=True,
                    info="What the layout knows, or what a detector of the folder models/detectors finds. To paint "
                    "a part yourself: Inpaint under a picture, with Only masked.",
                    elem_id="details_find",
                )  # fmt: skip
                self.prompt = gr.Textbox(
                    "", label="Prompt", placeholder="The picture's", lines=2, max_lines=6,
                    info=str(fields["prompt"].description), elem_id="details_prompt",
                )  # fmt: skip
                self.strength = gr.Number(
                    None, label="Denoising strength", step=0.05, placeholder=f"{AUTOMATIC}: {USUAL_STRENGTH}",
                    info="How much of a region is redrawn, from nearly nothing (0.01) to all (1).",
                    elem_id="details_strength",
                )  # fmt: skip
                self.side = gr.Number(
                    None, label="Size", step=8, placeholder=AUTOMATIC,
                    info="Pixels of the sides of the square in which a region is drawn; left out: what the checkpoint "
                    "was made for.",
                    elem_id="details_side",
                )  # fmt: skip
            self.others = gr.Textbox("", visible=False)

    @property
    def controls(self) -> dict[str, Any]:
        """By the names of the form's values."""
        return {
            "details": self.on,
            "details_find": self.find,
            "details_prompt": self.prompt,
            "details_strength": self.strength,
            "details_side": self.side,
            "details_others": self.others,
        }

    def offering(self, checkpoint: Checkpoint | None, detectors: Sequence[DetectorFile]) -> tuple[Any, Any]:
        """The list of what finds something, and whether they are offered at all, as the models are now."""
        import gradio as gr

        found = [(one.name, f"detector:{one.name}") for one in detectors]
        return gr.Dropdown(choices=[*IN_LAYOUT, *found]), not always_starts_from_sketch(checkpoint)
