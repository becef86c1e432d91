"""The Layout section of Create: what stands where, shown as boxes over the sketch, before anything is drawn.

What is shown is held as a text in the form, so that it is drawn, remembered and brought back like every other setting.
Moving boxes is the script's business (`static/layout_editor.js`); laying words out and saying what is set is done here.
"""

import secrets
from typing import Any

from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.web.controls import AUTOMATIC, control
from illustrious_studio.interfaces.web.held import HeldLayout, always_starts_from_sketch, held_layout
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.theme import script
from illustrious_studio.services.layouts import By
from illustrious_studio.services.render_plan import usual_sketch_strength
from illustrious_studio.services.studio import Studio

EDITOR = '<div id="layout-editor"></div>'
# Whether the words are other ones now, the script sees as one types.
STALE = (
    '<div id="layout-stale" class="notice" role="status" hidden><span>Your layout was made for another prompt. It is '
    'kept, and the next picture starts from it.</span><span class="buttons">'
    '<button type="button" class="act small" name="layout_again">Lay out again</button>'
    '<button type="button" class="act small" name="layout_keep">Keep it</button></span></div>'
)


class LayoutSection:
    """The controls. `held` is invisible: its value is a HeldLayout, and it carries the script."""

    def __init__(self) -> None:
        import gradio as gr

        self.stale = html("")
        with gr.Accordion("Layout: from your words", open=False, elem_id="layout-fold") as self.fold:
            self.wanted = gr.Checkbox(
                False,
                label="Start from a layout",
                info="The known objects are laid out as a sketch, and the model starts from it.",
                elem_id="layout-wanted",
            )
            self.editor = html(EDITOR)
            self.strength = control("sketch_strength")
        self.held = gr.HTML(
            value="",
            html_template="<i></i>",
            js_on_load=script("layout_editor.js", "boxes.js"),
            visible="hidden",
            elem_id="layout-held",
        )

    def title(self, text: str, wanted: bool, checkpoint: Checkpoint | None, *, img2img: bool) -> tuple[Any, str]:
        """The closed title says what is set; above it stands a notice when the words have changed since.

        `img2img`: a picture is given, which takes the place of a layout.
        """
        import gradio as gr

        held, used = held_layout(text), not img2img and (wanted or always_starts_from_sketch(checkpoint))
        state = "off, image to image is on" if img2img else "from your words" if used else "off"
        if used and held is not None:
            count = len(held.layout.things)
            how = {"hand": "edited", "model": "by the language model", "words": "from your words"}[held.layout.by]
            state = f"{count or 'no'} {'thing' if count == 1 else 'things'}, {how}"
        return gr.Accordion(label=f"Layout: {state}"), STALE if used and held is not None and held.edited else ""


def automatic_strength(checkpoint: Checkpoint | None) -> str:
    """What an empty sketch strength says: how much is redrawn then."""
    if checkpoint is None:
        return AUTOMATIC
    things, people = (usual_sketch_strength(checkpoint, people=people) for people in (False, True))
    return f"{AUTOMATIC}: {things:g}" + (f", {people:g} where people are" if people != things else "")


async def laid_out(studio: Studio, request: ImageRequest, by: By, seed: int | None = None) -> str:
    """The text to hold for what the words of the request are laid out as."""
    width, height = _size(request)
    if request.seed >= 0:
        seed = request.seed
    elif seed is None:
        seed = secrets.randbelow(MAX_SEED + 1)
    laid = await studio.layouts.lay_out(request.prompt, seed, width / height, by)
    by_model = f"Laid out by {laid.model}." if laid.model else ""
    return HeldLayout(
        layout=laid.layout,
        prompt=request.prompt,
        seed=request.seed,
        width=width,
        height=height,
        told=" ".join(part for part in (by_model, studio.sketches.not_drawn(laid.layout), laid.note) if part),
    ).text()


async def fitted(studio: Studio, held: HeldLayout, request: ImageRequest) -> str:
    """The text to hold after the form has changed: what a hand made stays, anything else is laid out again."""
    size = _size(request)
    if held.fits(request.prompt, request.seed, size):
        return held.text()
    if not held.edited:
        return await laid_out(studio, request, "words", held.layout.seed)
    return held.model_copy(update={"width": size[0], "height": size[1]}).text()


def _size(request: ImageRequest) -> tuple[int, int]:
    assert request.width is not None and request.height is not None, "the form always says both"
    return request.width, request.height
