"""The System tab: the three models, how each is, and switching between them."""

from html import escape
from typing import Any

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.web.checkpoints import CheckpointSection
from illustrious_studio.interfaces.web.error_handling import show_errors
from illustrious_studio.interfaces.web.form import Form
from illustrious_studio.interfaces.web.page import QUIET, Page, html
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views.create import checkpoint_of
from illustrious_studio.services.studio import Studio

AS_ITS_FILE_SAYS = "file"
KINDS = [("As its file says", AS_ITS_FILE_SAYS), ("epsilon", "epsilon"), ("v_prediction", "v_prediction")]
SWITCH = [("As its file says", AS_ITS_FILE_SAYS), ("On", "on"), ("Off", "off")]
SWITCHED = {"on": True, "off": False}
PREDICTION = (
    "What the UNet predicts, where the checkpoint's file does not say it. A v-prediction checkpoint that is taken for "
    "epsilon draws noise or flat colours. What you set is kept for this checkpoint."
)


class SystemTab:
    """The cards and the queue fill themselves as the state changes (`live`)."""

    def __init__(self, studio: Studio, page: Page, form: Form) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        with gr.Column(elem_id="system"):
            html('<div class="cards" data-live="cards"></div>')
            with gr.Row(equal_height=False):
                with gr.Column(min_width=300):
                    html("<h2>Switch</h2>")
                    self.checkpoint = gr.Dropdown([], label="Image model (checkpoint)", elem_id="switch-checkpoint")
                    self.hint = html("")
                    with gr.Accordion("Prediction: as its file says", open=False, elem_id="prediction") as self.fold:
                        html(f'<p class="quiet">{PREDICTION}</p>')
                        self.kind = gr.Radio(KINDS, value=AS_ITS_FILE_SAYS, label="Prediction type")
                        self.zero_snr = gr.Radio(SWITCH, value=AS_ITS_FILE_SAYS, label="Zero terminal SNR")
                    self.language = gr.Dropdown([], label="Chat model", elem_id="switch-language")
                    with gr.Row(equal_height=True):
                        self.unload = gr.Button("Unload the checkpoint", min_width=120)
                        self.again = gr.Button("Check again", min_width=120)
                    self.outcome = html("")
                with gr.Column(min_width=300):
                    html('<h2>Queue</h2><div data-live="jobs"></div>')
            self.reports = CheckpointSection(studio, page, form)

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        self.reports.attach(blocks)
        lists = [self.checkpoint, self.language, self.hint, self.fold, self.kind, self.zero_snr]
        blocks.load(show_errors(self.listed), None, lists, **QUIET)
        self.checkpoint.input(show_errors(self.switch_checkpoint), self.checkpoint, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        )
        self.language.input(show_errors(self.switch_language), self.language, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        )
        for radio, handler in ((self.kind, self.set_prediction_type), (self.zero_snr, self.set_zero_snr)):
            radio.input(show_errors(handler), [self.checkpoint, radio], self.outcome, **QUIET).then(
                show_errors(self.listed), None, lists, **QUIET
            )
        self.unload.click(show_errors(self.unload_checkpoint), None, self.outcome, **QUIET)
        self.again.click(show_errors(self.check), None, self.outcome, **QUIET).then(
            show_errors(self.listed), None, lists, **QUIET
        ).then(show_errors(self.reports.listed), self.reports.name, [self.reports.rows, self.reports.refused], **QUIET)
        self.page.on("model", self.model_changed, [], lists).then(
            show_errors(self.reports.listed), self.reports.name, [self.reports.rows, self.reports.refused], **QUIET
        )

    async def model_changed(self, _: str) -> tuple[Any, ...]:
        """Another checkpoint is in use now, whoever chose it."""
        return await self.listed()

    async def listed(self) -> tuple[Any, ...]:
        """What one can switch to, and what is known of the checkpoint in use."""
        import gradio as gr

        status = self.studio.models.model_status()
        checkpoints = [one.name for one in await self.studio.models.checkpoints()]
        found = await self.studio.models.language_models()
        models = [one.name for one in found]
        shown = [(f"{one.name} (runs in the cloud)" if one.remote else one.name, one.name) for one in found]
        return (
            gr.Dropdown(choices=checkpoints, value=status.sdxl.model if status.sdxl.model in checkpoints else None),
            gr.Dropdown(choices=shown, value=status.ollama.model if status.ollama.model in models else None),
            *self._prediction(checkpoint_of(self.studio)),
        )

    def _prediction(self, checkpoint: Checkpoint | None) -> tuple[Any, ...]:
        """The hint, the closed title, and the override of the checkpoint."""
        import gradio as gr

        if checkpoint is None:
            return "", gr.Accordion(visible=False), AS_ITS_FILE_SAYS, AS_ITS_FILE_SAYS
        override = checkpoint.override
        mine = override.prediction_type is not None or override.zero_terminal_snr is not None
        by = "as you set it" if mine else "as its file says"
        what = f"{checkpoint.prediction_type}{', zero terminal SNR' if checkpoint.zero_terminal_snr else ''}"
        what += ", for inpainting" if checkpoint.inpainting else ""
        hint = parts.notice(checkpoint.hint)
        kind = override.prediction_type or AS_ITS_FILE_SAYS
        zero_snr = next((word for word, on in SWITCHED.items() if on is override.zero_terminal_snr), AS_ITS_FILE_SAYS)
        return hint, gr.Accordion(label=f"Prediction: {what}, {by}", visible=True), kind, zero_snr

    async def set_prediction_type(self, name: str | None, kind: str) -> str:
        return await self._set(name, prediction_type=None if kind == AS_ITS_FILE_SAYS else kind)

    async def set_zero_snr(self, name: str | None, switch: str) -> str:
        return await self._set(name, zero_terminal_snr=SWITCHED.get(switch))

    async def _set(self, name: str | None, **change: object) -> str:
        """Set for the checkpoint that is shown what its file does not say; the rest of its override stays."""
        if name is None:
            raise InvalidRequest("Choose an image model first.")
        await self.studio.models.set_override(name, change)
        return outcome(f"That is kept for {name}, and holds from the next picture on.")

    async def switch_checkpoint(self, name: str) -> str:
        await self.studio.models.switch(checkpoint=name)
        return outcome(f"Image model: {name}.")

    async def switch_language(self, name: str) -> str:
        await self.studio.models.switch(language_model=name)
        return outcome(f"Chat model: {name}.")

    async def unload_checkpoint(self) -> str:
        await self.studio.models.unload_checkpoint()
        return outcome("The checkpoint's memory is free. The next picture loads it again.")

    async def check(self) -> str:
        status = await self.studio.models.check_again()
        missing = [model.reason for model in (status.sdxl, status.ollama, status.multimodal) if not model.ready]
        return outcome(" ".join(missing) or "Everything is ready.")


def outcome(text: str) -> str:
    return f'<p class="quiet" role="status">{escape(text)}</p>'
