"""The section of Create for grids: which settings are varied, and over which values."""

from typing import Any

from illustrious_studio.domain.grids.axes import axis_labels
from illustrious_studio.domain.grids.values import NAMES

OFF = "Grid: off"
_WHERE = {"x": "X, columns", "y": "Y, rows", "z": "Z, blocks"}
_EXAMPLES = {"x": "20, 30, 40 or 10-30 (+10) or 1-10 [5]", "y": "Euler, Euler a", "z": "cat, dog"}
HELP = (
    "Values stand between commas; 10-30 (+10) is a range, 1-10 [5] so many of it. Prompt S/R searches its first value "
    "in the prompt, and replaces it by each. One LoRA's weight: write lora:NAME as the setting."
)


class GridSection:
    """The controls: of each axis its setting and its values."""

    def __init__(self) -> None:
        import gradio as gr

        choices = [("Off", ""), *((label, name) for name, label in axis_labels().items())]
        self.controls: dict[str, Any] = {}
        with gr.Accordion(OFF, open=False, elem_id="grid-fold") as self.fold:
            for name in NAMES:
                with gr.Row(elem_classes="axis"):
                    self.controls[f"grid_{name}"] = gr.Dropdown(
                        choices, value="", label=_WHERE[name], allow_custom_value=True, min_width=140, scale=2,
                        elem_id=f"grid_{name}",
                    )  # fmt: skip
                    self.controls[f"grid_{name}_values"] = gr.Textbox(
                        "", label=f"{name.upper()} values", placeholder=_EXAMPLES[name], min_width=160, scale=3,
                        max_lines=6, elem_id=f"grid_{name}_values",
                    )  # fmt: skip
            self.said = gr.Markdown(HELP, elem_id="grid-said")
