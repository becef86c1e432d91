"""The Analyze tab: a picture, a question, the answer beside it, and the settings that the file carries."""

import asyncio
from collections.abc import AsyncIterator
from html import escape
from typing import Any

from illustrious_studio.domain.errors import NotFound, StudioError
from illustrious_studio.domain.loras import hashes_in
from illustrious_studio.domain.metadata.recorded import RecordedSettings
from illustrious_studio.domain.vision import DEFAULT_QUESTION
from illustrious_studio.interfaces.web.error_handling import error_message, show_errors, show_errors_stream
from illustrious_studio.interfaces.web.form import Form
from illustrious_studio.interfaces.web.form_values import FormValues
from illustrious_studio.interfaces.web.page import IN_ORDER, QUIET, Page, html
from illustrious_studio.interfaces.web.uploads import open_upload
from illustrious_studio.interfaces.web.views import create as create_view
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views.markdown import markdown
from illustrious_studio.services.studio import Studio

PRESETS = {
    "Describe": DEFAULT_QUESTION,
    "Tags for a prompt": "List danbooru-style tags for a prompt that would draw this picture.",
    "What is wrong with it": "What looks wrong in this picture? Name each flaw and where it is.",
    "Read the text": "Read all text in this picture, word for word.",
}
PAUSE = 0.05


class AnalyzeTab:
    """Asks the vision model about a picture."""

    def __init__(self, studio: Studio, page: Page) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        with gr.Row(elem_id="analyze", equal_height=False):
            with gr.Column(scale=3, min_width=300):
                self.picture = gr.Image(
                    label="Picture",
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "clipboard"],
                    buttons=[],
                    height=420,
                    elem_id="analyze-picture",
                )
                # The file as it came: Gradio would decode it here, before the studio's own check of its header.
                self.picture.preprocess = lambda payload: payload.path if payload else None
            with gr.Column(scale=2, min_width=300):
                presets = "".join(parts.act("ask", question, name, style="chip") for name, question in PRESETS.items())
                html(f'<div class="buttons" role="group" aria-label="Ready questions">{presets}</div>')
                self.question = gr.Textbox(DEFAULT_QUESTION, label="Question", lines=2, max_lines=6, elem_id="question")
                self.analyze_button = gr.Button("Analyze", variant="primary", size="lg", elem_id="analyze-button")
                self.answer = html("", elem_id="answer")
                self.analyzed_by = html("")
                self.recorded = html("", elem_id="recorded")

    def attach(self, form: Form) -> None:
        """Connect the events, once every tab is built."""
        outputs = [self.answer, self.analyzed_by]
        self.analyze_button.click(show_errors_stream(self.analyze), [self.picture, self.question], outputs, **QUIET)
        self.picture.change(show_errors(self.settings), self.picture, [self.recorded, *outputs], **QUIET | IN_ORDER)
        asked = self.page.on("ask", self.ask, [], self.question)
        asked.then(show_errors_stream(self.analyze), [self.picture, self.question], outputs, **QUIET)
        self.page.on("reuse_recorded", self.reuse, [self.picture], [self.page.tabs, *form.all])
        self.form = form

    async def ask(self, question: str) -> str:
        return question

    async def analyze(self, path: str | None, question: str) -> AsyncIterator[tuple[str, str]]:
        """Stream the answer; what goes wrong stands where the answer would."""
        if path is None:
            yield "", parts.notice("Choose or paste a picture first.", kind="failed")
            return
        text = ""
        try:
            yield "", parts.notice("Analyzing")
            picture = await open_upload(path)
            model, pieces = await self.studio.vision.stream(picture, question.strip() or DEFAULT_QUESTION)
            by = f'<p class="quiet">Analyzed by {escape(model)}</p>'
            last = 0.0
            async for piece in pieces:
                text += piece
                if asyncio.get_running_loop().time() - last >= PAUSE:
                    last = asyncio.get_running_loop().time()
                    yield answer(text), by
            yield answer(text), by
        except StudioError as error:
            yield answer(text), parts.notice(error_message(error), kind="failed")

    async def settings(self, path: str | None) -> tuple[str, str, str]:
        """The settings that a new picture carries, if any."""
        found = await self._recorded(path)
        if found is None:
            return "", "", ""
        listed = parts.table(found.named_fields, "Settings recorded in this file")
        button = parts.act("reuse_recorded", "", "Reuse settings") if found.usable else ""
        return (
            f"<h3>Recorded settings ({escape(found.source)})</h3>{listed}{parts.notice(found.not_usable)}"
            f"{await self._checkpoint_of(found)}{button}",
            "",
            "",
        )

    async def reuse(self, _: str, path: str | None) -> dict[Any, Any]:
        import gradio as gr

        found = await self._recorded(path)
        if found is None:
            return gr.skip()  # type: ignore[no-any-return]
        request = await self.studio.loras.by_hash(found.request, hashes_in(found.fields.get("Lora hashes", "")))
        values = FormValues.of_request(request, create_view.checkpoint_of(self.studio))
        return {self.page.tabs: self.page.goto("create"), **self.form.showing(values)}

    async def _checkpoint_of(self, found: RecordedSettings) -> str:
        """Whether the checkpoint that it was drawn with is here, by its hash whatever it is called; nothing where
        neither is recorded, or that one is in use."""
        name, digits = found.fields.get("Model", ""), found.fields.get("Model hash", "")
        if not name and not digits:
            return ""
        title = f"{name} [{digits}]" if digits else name
        try:
            there = await self.studio.models.checkpoint_named(title)
        except NotFound:
            later = await self.studio.hashes.not_yet(title, await self.studio.models.checkpoints())
            return parts.notice(f"It was drawn with {name or digits}, which is not here.{later}")
        in_use = create_view.checkpoint_of(self.studio)
        if in_use is not None and in_use.path == there.path:
            return ""
        switch = parts.act("use_checkpoint", there.name, "Switch to it", style="small")
        return parts.notice(f"It was drawn with a checkpoint that is here as {there.name}.", more=switch)

    async def _recorded(self, path: str | None) -> RecordedSettings | None:
        if path is None:
            return None
        return self.studio.vision.recorded(await open_upload(path))


def answer(text: str) -> str:
    """The answer so far, with a button that copies it."""
    if not text:
        return ""
    copy = '<p class="byline"><button type="button" class="plain" name="copy_text">Copy</button></p>'
    return f'<article><div class="md">{markdown(text)}</div>{copy}</article>'
