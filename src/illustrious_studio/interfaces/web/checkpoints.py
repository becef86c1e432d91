"""Checkpoints in System: their rows, the report of one, and its preset, which is put into Create by one press."""

from collections.abc import Mapping
from typing import Any

from illustrious_studio.domain.checkpoints.report import WORDS
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.presets import SETTINGS, SIDES, Preset
from illustrious_studio.interfaces.shared.overview import refused_by_kind
from illustrious_studio.interfaces.web.controls import control
from illustrious_studio.interfaces.web.error_handling import show_errors
from illustrious_studio.interfaces.web.form import Form
from illustrious_studio.interfaces.web.page import IN_ORDER, QUIET, Page, html
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views import reports as reports_view
from illustrious_studio.interfaces.web.views.create import about, checkpoint_of
from illustrious_studio.services.checkpoint_reports import preset_of
from illustrious_studio.services.studio import Studio

BESIDE_EACH_OTHER = ("sampler", "schedule")
IN_SIGHT = """() => {
  const report = document.querySelector('#report .report');
  if (report && report.getBoundingClientRect().top > window.innerHeight - 160) report.scrollIntoView();
  return [];
}"""


class CheckpointSection:
    """Built within System. `form` is Create's."""

    def __init__(self, studio: Studio, page: Page, form: Form) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        self.form = form
        with gr.Row(equal_height=False, elem_id="checkpoints"):
            with gr.Column(min_width=300, scale=2):
                html("<h2>Checkpoints</h2>")
                self.rows = html("", elem_id="checkpoint-rows")
                with gr.Row(equal_height=True):
                    self.hash = gr.Textbox(
                        label="Find a model file by its hash",
                        placeholder="67ab2fd8ec, or name [67ab2fd8ec]",
                        max_lines=1,
                        elem_id="find-hash",
                    )
                self.found = html("", elem_id="found-hash")
                self.refused = html("", elem_id="refused-files")
            with gr.Column(min_width=320, scale=3, elem_id="report"):
                self.advice = html("")
                self.name = gr.Textbox("", visible=False)
                with gr.Accordion("Preset", open=False, visible=False, elem_id="preset") as self.editor:
                    html('<p class="quiet">Words are put into the prompt, where you see them.</p>')
                    with gr.Row(elem_classes="choices"):
                        self.controls: dict[str, Any] = {name: _own(control(name), name) for name in BESIDE_EACH_OTHER}
                    others = [name for name in SETTINGS if name not in BESIDE_EACH_OTHER]
                    self.controls |= {name: _own(control(name), name) for name in others}
                    with gr.Row():
                        for side in SIDES:
                            self.controls[side] = gr.Number(
                                label=side.capitalize(), step=8, min_width=120, elem_id=f"preset-{side}"
                            )
                    for name, label in WORDS.items():
                        self.controls[name] = gr.Textbox(label=label, lines=1, max_lines=6, elem_id=f"preset-{name}")
                    with gr.Row(equal_height=True):
                        self.use = gr.Button("Keep and use", variant="primary", min_width=140, elem_id="use-preset")
                        self.reset = gr.Button("No preset", min_width=100, elem_id="reset-preset")
                self.outcome = html("", elem_id="preset-outcome")
                self.facts = html("")

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        shown = [self.rows, self.advice, self.facts]
        preset = [self.editor, *self.controls.values()]
        blocks.load(show_errors(self.listed), self.name, [self.rows, self.refused], **QUIET)
        in_order = IN_ORDER | {"concurrency_id": "report"}
        self.page.on(
            "report", self.open, [], [self.page.tabs, self.outcome, self.name, *shown, *preset], **in_order
        ).then(None, None, None, js=IN_SIGHT, **QUIET)
        self.page.on("hashed", self.hashed, [self.name], shown, **in_order)
        self.hash.submit(show_errors(self.find), self.hash, self.found, **QUIET)
        kept = [self.outcome, self.rows, *preset, self.form.about, *self.form.all]
        given = {self.name, *self.controls.values(), *self.form.all}
        self.use.click(show_errors(self.keep), given, kept, **QUIET)
        self.page.on("use_offered", self.keep_offered, set(self.form.all), kept)
        self.reset.click(
            show_errors(self.take_back), self.name, [self.outcome, self.rows, self.form.about, *preset], **QUIET
        )
        self.page.on("use_preset", self.use_kept, set(self.form.all), [self.page.tabs, *self.form.all])

    async def listed(self, shown: str) -> tuple[str, str]:
        """The rows, and what lies among the models and cannot be used."""
        return await self._rows(shown), reports_view.refused(await refused_by_kind(self.studio))

    async def open(self, name: str) -> tuple[Any, ...]:
        """Show a checkpoint's report."""
        report = await self.studio.reports.report(name)
        shown = await self._rows(report.name), reports_view.advice(report), reports_view.facts(report)
        return self.page.goto("system"), "", report.name, *shown, *self._preset(report.preset, report.offered)

    async def hashed(self, name: str, shown: str) -> tuple[Any, ...]:
        """The page looks again while hashes are computed. What stands in the preset's controls stays."""
        import gradio as gr

        if name != shown:
            return (gr.skip(),) * 3
        report = await self.studio.reports.report(name)
        return await self._rows(name), reports_view.advice(report), reports_view.facts(report)

    async def find(self, digits: str) -> str:
        return reports_view.found(await self.studio.hashes.find(digits))

    async def keep(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Keep what stands in the controls as the preset, and put it into Create where that draws with it."""
        if not (name := given[self.name]):
            raise InvalidRequest("Open the report of a checkpoint first.")
        return await self._keep(name, preset_of({field: given[one] for field, one in self.controls.items()}), given)

    async def keep_offered(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """The same of what its report recommends."""
        name = given[self.page.acts]
        return await self._keep(name, (await self.studio.reports.report(name)).offered, given)

    async def _keep(self, name: str, preset: Preset, given: Mapping[Any, Any]) -> dict[Any, Any]:
        checkpoint, in_use = await self.studio.reports.keep_preset(name, preset), checkpoint_of(self.studio)
        editor = dict(zip([self.editor, *self.controls.values()], self._preset(preset, preset), strict=True))
        kept = {self.rows: await self._rows(name), **editor}
        if in_use is None or in_use.path != checkpoint.path:
            return {self.outcome: parts.notice(f"Kept. It holds when you switch to {name}."), **kept}
        values = self.form.values(given).with_preset(checkpoint)
        there = parts.act("tab", "create", "Go there", style="small")
        told = parts.notice("Kept, and put into Create.", more=there)
        return {self.outcome: told, self.form.about: about(checkpoint), **kept, **self.form.showing(values)}

    async def take_back(self, name: str) -> tuple[Any, ...]:
        """As without a preset, and show again what is recommended."""
        await self.studio.reports.keep_preset(name, None)
        report = await self.studio.reports.report(name)
        told = parts.notice("It has no preset any more. What stands in Create stays.")
        return told, await self._rows(name), about(checkpoint_of(self.studio)), *self._preset(None, report.offered)

    async def use_kept(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Put the preset of the checkpoint in use into Create."""
        checkpoint = await self.studio.models.checkpoint_named(given[self.page.acts])
        values = self.form.values(given).with_preset(checkpoint)
        return {self.page.tabs: self.page.goto("create"), **self.form.showing(values)}

    async def _rows(self, shown: str) -> str:
        in_use = self.studio.models.model_status().sdxl.model
        return reports_view.rows(await self.studio.reports.all(), in_use, shown)

    def _preset(self, kept: Preset | None, offered: Preset) -> list[Any]:
        """The fold, which says what is kept, and what stands in its controls: what is offered where nothing is kept, or
        a setting is left open there."""
        import gradio as gr

        said = "Preset: kept for it" if kept is not None else "Preset: none yet; these values are recommended"
        values = (kept or offered).model_dump() | offered.settings | (kept.settings if kept is not None else {})
        return [gr.Accordion(label=said, visible=True), *(values[name] for name in self.controls)]


def _own(made: Any, name: str) -> Any:
    """The control of Create, under another id: two of one page must not share one."""
    made.elem_id = f"preset-{name}"
    return made
