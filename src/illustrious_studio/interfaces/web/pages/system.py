"""The System tab: the three models, how each is, and switching between them."""

from html import escape
from typing import Any

from illustrious_studio.interfaces.web.error_handling import show_errors
from illustrious_studio.interfaces.web.page import QUIET, Page, html
from illustrious_studio.services.studio import Studio


class SystemTab:
    """The cards and the queue fill themselves as the state changes (`live`)."""

    def __init__(self, studio: Studio, page: Page) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        with gr.Column(elem_id="system"):
            html('<div class="cards" data-live="cards"></div>')
            with gr.Row(equal_height=False):
                with gr.Column(min_width=300):
                    html("<h2>Switch</h2>")
                    self.checkpoint = gr.Dropdown([], label="Image model (checkpoint)", elem_id="switch-checkpoint")
                    self.language = gr.Dropdown([], label="Chat model", elem_id="switch-language")
                    with gr.Row():
                        self.unload = gr.Button("Unload the checkpoint", min_width=120)
                        self.again = gr.Button("Check again", min_width=120)
                    self.outcome = html("")
                with gr.Column(min_width=300):
                    html('<h2>Queue</h2><div data-live="jobs"></div>')

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        lists = [self.checkpoint, self.language]
        blocks.load(show_errors(self.listed), None, lists, **QUIET)
        self.checkpoint.input(show_errors(self.switch_checkpoint), self.checkpoint, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        )
        self.language.input(show_errors(self.switch_language), self.language, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        )
        self.unload.click(show_errors(self.unload_checkpoint), None, self.outcome, **QUIET)
        self.again.click(show_errors(self.check), None, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        )

    async def listed(self) -> tuple[Any, Any]:
        """What one can switch to."""
        import gradio as gr

        status = self.studio.models.model_status()
        checkpoints = [one.name for one in await self.studio.models.checkpoints()]
        models = [one.name for one in await self.studio.models.language_models()]
        return (
            gr.Dropdown(choices=checkpoints, value=status.sdxl.model if status.sdxl.model in checkpoints else None),
            gr.Dropdown(choices=models, value=status.ollama.model if status.ollama.model in models else None),
        )

    async def switch_checkpoint(self, name: str) -> str:
        await self.studio.models.switch(checkpoint=name)
        return said(f"Image model: {name}.")

    async def switch_language(self, name: str) -> str:
        await self.studio.models.switch(language_model=name)
        return said(f"Chat model: {name}.")

    async def unload_checkpoint(self) -> str:
        await self.studio.models.unload_checkpoint()
        return said("The checkpoint's memory is free. The next picture loads it again.")

    async def check(self) -> str:
        status = await self.studio.models.check_again()
        missing = [model.reason for model in (status.sdxl, status.ollama, status.multimodal) if not model.ready]
        return said(" ".join(missing) or "Everything is ready.")


def said(text: str) -> str:
    return f'<p class="quiet" role="status">{escape(text)}</p>'
