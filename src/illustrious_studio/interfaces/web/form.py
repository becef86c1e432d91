"""The words and settings on the right of Create, and how they become a request and back."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from illustrious_studio.domain.images import MAX_SEED, ImageRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.sampling import SAMPLERS, SCHEDULES
from illustrious_studio.interfaces.web import img2img as over
from illustrious_studio.interfaces.web.layout_editor import (
    LayoutSection,
    draws_over_sketches,
    held_by,
    held_layout,
    strength_of,
)
from illustrious_studio.interfaces.web.page import html
from illustrious_studio.interfaces.web.views import create as stage
from illustrious_studio.interfaces.web.views.parts import act

ADVANCED = "Advanced: {:g} steps, guidance {:g}, {}"
ANY_SEED = "a new seed each time"
MOST_AT_ONCE = 8
LIMITS = {name: field.description or "" for name, field in ImageRequest.model_fields.items()}


def shapes(checkpoint: Checkpoint | None) -> dict[str, tuple[int, int]]:
    """Square, portrait and landscape in the pixels that the checkpoint was made for."""
    native = checkpoint.native_width if checkpoint else 1024
    short, long = (max(64, native * share // 16 // 8 * 8) for share in (13, 19))
    return {"square": (native, native), "portrait": (short, long), "landscape": (long, short)}


def sized(size: tuple[int, int], checkpoint: Checkpoint | None) -> tuple[str, int, int]:
    """The controls of the size: its shape, width and height."""
    shape = next((name for name, known in shapes(checkpoint).items() if known == size), "custom")
    return shape, *size


class Form:
    """The controls. `all` holds those that are remembered, in this order everywhere."""

    REMEMBER: ClassVar[str] = (
        "(...values) => { localStorage.setItem('studio.create', JSON.stringify(values)); "
        "document.dispatchEvent(new CustomEvent('studio-form', { detail: values })); return []; }"
    )

    def __init__(self) -> None:
        import gradio as gr

        self.prompt = gr.Textbox(
            "",
            label="Prompt",
            lines=3,
            max_lines=12,
            max_length=10_000,
            placeholder="What would you like to see?",
            elem_id="prompt",
        )
        with gr.Row(elem_id="draw-row"):
            self.enhance_button = gr.Button("Enhance", size="lg", scale=1, min_width=96, elem_id="enhance")
            self.draw_button = gr.Button("Draw", variant="primary", size="lg", scale=3, min_width=160, elem_id="draw")
        self.enhanced = html("", elem_id="enhanced")
        html('<div data-live="queue"></div>')
        self.shape = gr.Radio(list(self._choices(None)), value="square", label="Size", elem_id="shape")
        with gr.Row(visible=False) as self.own:
            self.width = gr.Number(1024, label="Width", minimum=64, maximum=2048, step=8, precision=0, min_width=120)
            self.height = gr.Number(1024, label="Height", minimum=64, maximum=2048, step=8, precision=0, min_width=120)
        self.count = gr.Slider(1, MOST_AT_ONCE, 1, step=1, label="Pictures", elem_id="count")
        self.layout = LayoutSection()
        self.over = over.Img2ImgSection()
        with gr.Accordion("Negative prompt: empty", open=False, elem_id="negative-fold") as self.negative_fold:
            self.negative = gr.Textbox(
                "",
                show_label=False,
                label="Negative prompt",
                info=LIMITS["negative_prompt"],
                lines=2,
                max_lines=8,
                max_length=10_000,
                elem_id="negative",
            )
        with gr.Accordion(ADVANCED.format(30, 7.5, ANY_SEED), open=False, elem_id="advanced") as self.advanced:
            self.steps = gr.Slider(1, 150, 30, step=1, label="Steps", info=LIMITS["steps"])
            self.guidance = gr.Slider(0, 30, 7.5, step=0.1, label="Guidance", info=LIMITS["guidance"])
            with gr.Row():
                self.sampler = gr.Dropdown(
                    list(SAMPLERS), value="Euler", label="Sampler", min_width=140, elem_id="sampler"
                )
                self.schedule = gr.Dropdown(
                    list(SCHEDULES), value="Automatic", label="Schedule", min_width=140, elem_id="schedule"
                )
            self.clip_skip = gr.Slider(1, 12, 1, step=1, label="Clip skip", info=LIMITS["clip_skip"])
            self.seed = gr.Number(
                -1, label="Seed", minimum=-1, maximum=MAX_SEED, precision=0, info=LIMITS["seed"], elem_id="seed"
            )
            html(
                f'<div class="buttons">{act("seed", "-1", "A new seed each time", style="small")}'
                f"{act('shown_seed', '', 'The seed of the picture shown', style='small')}</div>"
            )
        self.about = html("", elem_id="about")
        self.saved = gr.Textbox("", visible=False)
        self.checkpoint = gr.Textbox("", visible=False)
        self.all: list[Any] = [
            self.prompt,
            self.negative,
            self.shape,
            self.width,
            self.height,
            self.steps,
            self.guidance,
            self.seed,
            self.sampler,
            self.schedule,
            self.clip_skip,
            *self.over.all,
            self.count,
            self.layout.wanted,
            self.layout.strength,
            self.layout.held,
            self.checkpoint,
        ]
        self.dressing: list[Any] = [self.shape, self.layout.wanted, self.about]

    def request(self, checkpoint: Checkpoint | None, *values: Any) -> ImageRequest:
        """What the form says. Raises ValidationError."""
        prompt, negative, shape, width, height, steps, guidance, seed, *more = values
        sampler, schedule, clip_skip, *drawn_over, _, wanted, strength, held_text, _ = more
        if shape != "custom":
            known = shapes(checkpoint)
            width, height = known.get(shape, known["square"])
        prompt, seed = prompt or "", -1 if seed is None else int(seed)
        picture = over.asked(*drawn_over)
        over_sketch = not picture and (bool(wanted) or draws_over_sketches(checkpoint))
        held = held_layout(held_text) if over_sketch else None
        if held is not None and not held.edited and not held.fits(prompt, seed, (width, height)):
            held = None  # the words are other ones now, and nobody's work is lost
        return ImageRequest(
            prompt=prompt,
            negative_prompt=negative or "",
            width=width,
            height=height,
            steps=int(steps),
            guidance=float(guidance),
            sampler=sampler,
            schedule=schedule,
            clip_skip=int(clip_skip),
            seed=seed,
            layout_from_words=bool(wanted) and over_sketch,
            layout=held.layout if held is not None else None,
            sketch_strength=float(strength) if over_sketch and strength != strength_of(checkpoint) else None,
            **picture,
        )

    def pictures(self, values: Sequence[Any]) -> int:
        """How many pictures the form asks for."""
        return int(values[self.all.index(self.count)] or 1)

    def filled(self, request: ImageRequest, checkpoint: Checkpoint | None) -> tuple[Any, ...]:
        """The form as it makes this request."""
        native = shapes(checkpoint)["square"]
        size = (request.width or native[0], request.height or native[1])
        return (
            request.prompt,
            request.negative_prompt,
            *sized(size, checkpoint),
            request.steps,
            request.guidance,
            request.seed,
            request.sampler,
            request.schedule,
            request.clip_skip,
            *over.filled(request),
            1,
            request.layout_from_words or request.layout is not None,
            request.sketch_strength or strength_of(checkpoint),
            held_by(request),
            checkpoint.name if checkpoint else "",
        )

    def restored(self, saved: str, checkpoint: Checkpoint | None) -> tuple[Any, ...]:
        """The form as the browser remembers it; what the checkpoint suggests where it remembers nothing of use."""
        name = checkpoint.name if checkpoint else ""
        native = checkpoint.native_width if checkpoint else 1024
        steps, guidance = self.suggested(checkpoint)
        strength = strength_of(checkpoint)
        how: tuple[Any, ...] = ("", "", "square", native, native, steps, guidance, -1, "Euler", "Automatic", 1)
        fresh = (*how, *over.FRESH, 1, False, strength, "", name)
        try:
            values = json.loads(saved or "null")
        except ValueError:
            return fresh
        if not isinstance(values, list) or len(values) != len(fresh):
            return fresh
        kept = tuple(
            value
            if isinstance(value, type(default)) or (isinstance(value, int) and isinstance(default, float))
            else default
            for value, default in zip(values, fresh, strict=True)
        )
        if kept[-1] != name:  # another checkpoint draws now: its own steps and guidance
            return (*kept[:3], native, native, steps, guidance, *kept[7:-3], strength, kept[-2], name)
        return kept

    def suggested(self, checkpoint: Checkpoint | None) -> tuple[int, float]:
        """Steps and guidance to begin with."""
        return (checkpoint.steps, checkpoint.guidance) if checkpoint else (30, 7.5)

    def dressed(self, checkpoint: Checkpoint | None) -> tuple[Any, ...]:
        """What the checkpoint changes around the controls: sizes, the layout switch, the line about the model."""
        import gradio as gr

        return (
            gr.Radio(choices=self._choices(checkpoint)),
            gr.Checkbox(visible=not draws_over_sketches(checkpoint)),
            stage.about(checkpoint),
        )

    async def title(self, steps: float, guidance: float, seed: int | None) -> Any:
        """The closed title of Advanced says what is set."""
        import gradio as gr

        number = ANY_SEED if seed is None or seed < 0 else f"seed {seed}"
        return gr.Accordion(label=ADVANCED.format(steps, guidance, number))

    async def negative_title(self, negative: str) -> Any:
        import gradio as gr

        text = " ".join((negative or "").split())
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        return gr.Accordion(label=f"Negative prompt: {shown or 'empty'}")

    async def own_size(self, shape: str) -> Any:
        import gradio as gr

        return gr.Row(visible=shape == "custom")

    def _choices(self, checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
        names = [(f"{name.capitalize()}\n{w} × {h}", name) for name, (w, h) in shapes(checkpoint).items()]
        return [*names, ("Custom\nany size", "custom")]
