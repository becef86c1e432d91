"""The words and settings on the right of Create: the controls of the form's values, each by its name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from illustrious_studio.domain.details import DetectorFile
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.models import AUTOMATIC_VAE, Checkpoint, VaeFile
from illustrious_studio.domain.upscaling import Upscaler
from illustrious_studio.interfaces.web.controlnet import ControlNetSection
from illustrious_studio.interfaces.web.controls import control, controls, named, read, shown
from illustrious_studio.interfaces.web.details import OFFERED as DETAILS_OFFERED
from illustrious_studio.interfaces.web.details import TITLE as DETAILS_TITLE
from illustrious_studio.interfaces.web.details import DetailsSection
from illustrious_studio.interfaces.web.form_values import GROUPS, MOST_AT_ONCE, FormValues, form_settings, shapes
from illustrious_studio.interfaces.web.grid import GridSection
from illustrious_studio.interfaces.web.held import always_starts_from_sketch
from illustrious_studio.interfaces.web.hires import TITLE as HIRES_TITLE
from illustrious_studio.interfaces.web.hires import HiresSection
from illustrious_studio.interfaces.web.img2img import Img2ImgSection
from illustrious_studio.interfaces.web.layout_editor import LayoutSection, automatic_strength
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.region_editor import TITLE as REGIONS_TITLE
from illustrious_studio.interfaces.web.region_editor import RegionSection
from illustrious_studio.interfaces.web.views import create as create_view
from illustrious_studio.interfaces.web.views.parts import act

SCRIPTS = {
    # What the server made of the memory goes where nobody has typed or chosen since the page came. A number without a
    # value that comes into sight before that, in a fold that is opened at once, is 0 by Gradio's own doing.
    "restore": """(restored, ...values) => {
  const kept = restored ? JSON.parse(restored) : null;
  const fresh = FRESH;
  const untouched = (value, at) =>
    JSON.stringify(value) === JSON.stringify(fresh[at]) || (fresh[at] === null && value === 0);
  const now = values.map((value, at) => (untouched(value, at) ? (kept ? kept[NAMES[at]] : fresh[at]) : value));
  document.body.dataset.restored = 'yes';
  REMEMBER(now);
  return now;
}""",
    # Not before that: the form of a page that is still being filled would take the place of the memory.
    "remember": """(...values) => {
  if (document.body.dataset.restored) REMEMBER(values);
  return [];
}""",
    # A closed fold says what is set in it.
    "advanced_title": """(steps, guidance, seed) => {
  const number = seed === null || seed < 0 ? 'a new seed each time' : `seed ${seed}`;
  return { __type__: 'update', label: `Advanced: ${steps} steps, CFG ${guidance}, ${number}` };
}""",
    "negative_title": """(words) => {
  const text = (words ?? '').trim().split(/\\s+/).join(' ');
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text || 'empty';
  return { __type__: 'update', label: `Negative prompt: ${shown}` };
}""",
    "img2img_title": """(text, outpaint) => {
  const held = text ? JSON.parse(text) : null;
  const whole = outpaint ? 'outpaint' : 'whole picture';
  const what = held ? (held.mask ? 'inpaint' : whole) : 'off';
  return [
    { __type__: 'update', label: `Image to image: ${what}` },
    { __type__: 'update', visible: what === 'inpaint' },
    { __type__: 'update', visible: what === whole },
    { __type__: 'update', visible: what === 'outpaint' },
    { __type__: 'update', visible: what !== 'outpaint' },
  ];
}""",
    # A setting that means nothing without another's value is not in sight without it.
    "useful": "(value) => ({ __type__: 'update', visible: value === NEEDED || 'hidden' })",
    "controlnet_title": """(text) => {
  const count = text ? JSON.parse(text).length : 0;
  return { __type__: 'update', label: `ControlNet: ${count || 'off'}` };
}""",
    "own_size": "(shape) => ({ __type__: 'update', visible: shape === 'custom' })",
}
REMEMBER = """((values) => {
    const form = Object.fromEntries(NAMES.map((name, at) => [name, values[at]]));
    localStorage.setItem('studio.create', JSON.stringify(form));
    document.dispatchEvent(new CustomEvent('studio-form', { detail: form }));
  })"""


class Form:
    """The controls. `controls` has those of `FormValues`, by the names there."""

    def __init__(self) -> None:
        import gradio as gr

        self.prompt = gr.Textbox(
            "",
            label="Prompt",
            lines=3,
            max_lines=12,
            placeholder="What would you like to see?",
            elem_id="prompt",
        )
        with gr.Row(elem_id="generate-row"):
            self.enhance_button = gr.Button("Enhance", size="lg", scale=1, min_width=96, elem_id="enhance")
            self.generate_button = gr.Button(
                "Generate", variant="primary", size="lg", scale=3, min_width=160, elem_id="generate"
            )
        self.enhanced = html("", elem_id="enhanced")
        html('<div id="tokens" role="status"></div>')
        html('<div data-live="queue"></div>')
        self.shape = gr.Radio(list(self._choices(None)), value="square", label="Size", elem_id="shape")
        with gr.Row(visible=False) as self.own:
            self.width = gr.Number(1024, label="Width", step=8, min_width=120)
            self.height = gr.Number(1024, label="Height", step=8, min_width=120)
        self.count = gr.Slider(1, MOST_AT_ONCE, 1, step=1, label="Pictures", elem_id="count")
        self.layout = LayoutSection()
        self.regions = RegionSection()
        self.img2img = Img2ImgSection()
        self.controlnet = ControlNetSection()
        self.hires = HiresSection()
        self.details = DetailsSection()
        self.grid = GridSection()
        with gr.Accordion("LoRAs", open=False, elem_id="loras-fold"):
            html('<div id="loras"></div>')
        with gr.Accordion("Negative prompt", open=False, elem_id="negative-fold") as self.negative_fold:
            self.negative = gr.Textbox(
                "",
                show_label=False,
                label="Negative prompt",
                info=ImageRequest.model_fields["negative_prompt"].description,
                lines=2,
                max_lines=8,
                elem_id="negative",
            )
        with gr.Accordion("Advanced", open=False, elem_id="advanced") as self.advanced:
            advanced = controls("advanced")
            self.seed = control("seed")
            html(
                f'<div class="buttons">{act("seed", "-1", "A new seed each time", style="small")}'
                f"{act('shown_seed', '', 'The seed of the picture shown', style='small')}</div>"
            )
        self.about = html("", elem_id="about")
        self.saved = gr.Textbox("", visible=False)
        self.restored = gr.Textbox("", visible=False)
        self.checkpoint = gr.Textbox("", visible=False)
        self.controls: dict[str, Any] = {
            "prompt": self.prompt,
            "negative_prompt": self.negative,
            "shape": self.shape,
            "width": self.width,
            "height": self.height,
            "count": self.count,
            "layout_from_words": self.layout.wanted,
            "sketch_strength": self.layout.strength,
            "held_layout": self.layout.held,
            "regions_wanted": self.regions.wanted,
            "held_regions": self.regions.held,
            "held_picture": self.img2img.held,
            "held_controls": self.controlnet.held,
            "checkpoint": self.checkpoint,
            **self.hires.controls,
            **self.details.controls,
            **self.grid.controls,
            "seed": self.seed,
            **advanced,
            **self.img2img.outpaint.controls,
            **self.img2img.settings,
            **self.regions.settings,
        }
        self.all: list[Any] = list(self.controls.values())
        self.size: list[Any] = [self.shape, self.width, self.height]
        self.dressing: list[Any] = [
            self.shape,
            self.layout.wanted,
            self.layout.strength,
            self.controls["vae"],
            self.hires.upscaler,
            self.details.find,
            self.details.offered,
            self.controls["image_upscaler"],
            self.about,
        ]

    def following(self) -> Iterator[tuple[str, list[Any], Any]]:
        """What follows the values without asking the server: a script, the controls it reads, and what it changes."""
        numbers = [self.controls[name] for name in ("steps", "guidance", "seed")]
        yield self.script("advanced_title"), numbers, self.advanced
        yield self.script("negative_title"), [self.negative], self.negative_fold
        yield self.script("controlnet_title"), [self.controlnet.held], self.controlnet.fold
        img2img, outpaint = self.img2img, self.img2img.outpaint
        shown = [img2img.fold, img2img.painted, outpaint.area, outpaint.sides, img2img.fitting]
        yield self.script("img2img_title"), [img2img.held, outpaint.on], shown
        hires = self.hires
        yield HIRES_TITLE, [hires.on, hires.scale], hires.fold
        yield REGIONS_TITLE, [self.regions.wanted, self.regions.held], self.regions.fold
        details = self.details
        yield DETAILS_TITLE, [details.on, details.find], details.fold
        yield DETAILS_OFFERED, [details.on, details.offered], [details.shown, details.why_not]
        yield self.script("own_size"), [self.shape], self.own
        for name in form_settings(*GROUPS):
            needed, _, value = SETTINGS[name].needs.partition("=")
            switched = needed in self.controls and ImageRequest.model_fields[needed].annotation is bool
            if value or switched:
                script = self.script("useful").replace("NEEDED", json.dumps(value or True))
                yield script, [self.controls[needed]], self.controls[name]

    def script(self, name: str) -> str:
        """One of the scripts that need no server: they keep the values of `all` in the browser, by name, and tell the
        page of them; they write the titles."""
        fresh = json.dumps([one.value for one in self.all])
        names = json.dumps(list(self.controls))
        return SCRIPTS[name].replace("REMEMBER", REMEMBER).replace("NAMES", names).replace("FRESH", fresh)

    def values(self, given: Mapping[Any, Any]) -> FormValues:
        """What the form holds, of what an event gives for each component."""
        return FormValues.of({name: read(name, given[control]) for name, control in self.controls.items()})

    def showing(self, values: FormValues) -> dict[Any, Any]:
        """What an event answers for each component so that the form holds these values."""
        return {self.controls[name]: shown(name, value) for name, value in values.by_name().items()}

    def kept(self, values: FormValues) -> str:
        """The same as a text for the page's script `restore`: what each control shows, by name."""
        return json.dumps({name: shown(name, value) for name, value in values.by_name().items()})

    def dressed(
        self,
        checkpoint: Checkpoint | None,
        vaes: Sequence[VaeFile],
        upscalers: Sequence[Upscaler],
        detectors: Sequence[DetectorFile],
    ) -> tuple[Any, ...]:
        """What the models change around the controls: sizes, the layout switch, what a sketch strength left out is, the
        VAEs, the upscalers, the detectors and whether details are offered, the line about the model."""
        import gradio as gr

        return (
            gr.Radio(choices=self._choices(checkpoint)),
            gr.Checkbox(visible=not always_starts_from_sketch(checkpoint)),
            gr.Number(placeholder=automatic_strength(checkpoint)),
            gr.Dropdown(choices=named("vae", [AUTOMATIC_VAE, *(vae.name for vae in vaes)])),
            self.hires.offering(upscalers),
            *self.details.offering(checkpoint, detectors),
            gr.Dropdown(choices=named("image_upscaler", [one.name for one in upscalers])),
            create_view.about(checkpoint),
        )

    def _choices(self, checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
        names = [(f"{name.capitalize()}\n{w} × {h}", name) for name, (w, h) in shapes(checkpoint).items()]
        return [*names, ("Custom\nany size", "custom")]
