"""The section of Create for regions: parts of the picture with words of their own, as boxes that are dragged.

What is held is a text in the form: the regions as JSON. Moving boxes and typing their words is the script's business
(`static/region_editor.js`).
"""

from illustrious_studio.interfaces.web.controls import controls
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.theme import script

TITLE = """(wanted, text) => {
  const count = text ? JSON.parse(text).length : 0;
  const what = !wanted ? 'off' : count ? String(count) : 'on, none yet';
  return { __type__: 'update', label: `Regions: ${what}` };
}"""


class RegionSection:
    """The controls. `held` is invisible: its value is a list of regions as JSON, and it carries the script."""

    def __init__(self) -> None:
        import gradio as gr

        with gr.Accordion("Regions: off", open=False, elem_id="regions-fold") as self.fold:
            self.wanted = gr.Checkbox(
                False,
                label="Regions",
                info="Parts of the picture follow words of their own. Each costs one more evaluation a step.",
                elem_id="regions-wanted",
            )
            html('<div id="regions-editor"></div>')
            self.settings = controls("regions")
        self.held = gr.HTML(
            value="",
            html_template="<i></i>",
            js_on_load=script("region_editor.js", "boxes.js"),
            visible="hidden",
            elem_id="regions-held",
        )
