"""The Create tab: the picture large on the left, the prompt and settings on the right."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from illustrious_studio.domain.errors import Conflict, InvalidRequest, NotFound, NothingKnown, StudioError
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest, Origin
from illustrious_studio.domain.inputs import size_like
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.loras import LoraChoice, LoraFile, loras_in, weighed, with_loras, without_lora
from illustrious_studio.domain.redrawing import Redraw
from illustrious_studio.domain.upscaling import UpscaleSettings
from illustrious_studio.interfaces.web.error_handling import error_message, show_errors, show_errors_stream
from illustrious_studio.interfaces.web.form import Form
from illustrious_studio.interfaces.web.form_values import OF_THE_CHECKPOINT, FormValues, sized
from illustrious_studio.interfaces.web.grid import HELP, OFF
from illustrious_studio.interfaces.web.held import HeldPicture, held_layout, held_picture
from illustrious_studio.interfaces.web.layout_editor import fitted, laid_out
from illustrious_studio.interfaces.web.page import IN_ORDER, QUIET, Page, html, now, undo_snack
from illustrious_studio.interfaces.web.pages.first_steps import FirstStepsPanel
from illustrious_studio.interfaces.web.views import create as create_view
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.services.studio import Studio

STRIP = 8
LORA_STEP = 0.1
AT_ONCE = 0.5
"""Seconds in which a job is queued, unless somebody is asked first."""
FORGET_FAILURE = "(shown) => (shown ?? '').startsWith('<div class=\"notice failed') ? '' : shown"
STILL_NEWS = timedelta(minutes=10)
"""A failure older than that is not shown again to a page that opens."""


class CreateTab:
    """Generates pictures. The running jobs are on the server; the page's script shows them in `#progress`."""

    def __init__(self, studio: Studio, page: Page) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        self._starting: set[asyncio.Task[tuple[str, str]]] = set()
        self.first_steps = FirstStepsPanel(studio, page)
        with gr.Row(elem_id="create", equal_height=False):
            with gr.Column(scale=3, min_width=340, elem_id="create-left"):
                self.notice = html("", elem_id="create-notice")
                html('<div id="progress" hidden></div>')
                html('<div id="grid-view"></div>')
                # The grid that stands there; the page's script fills the place.
                self.grid = html(
                    "", html_template='<i data-grid="${value}"></i>', visible="hidden", elem_id="grid-shown"
                )
                self.picture = html(create_view.waiting(), elem_id="picture")
                self.strip = html("", elem_id="strip")
                self.started = html(
                    "", html_template='<i data-job="${value}"></i>', visible="hidden", elem_id="started"
                )
                # The last job of which this page has shown how it ended; empty until the page shows anything.
                self.shown = html(
                    "", html_template='<i data-shown="${value}"></i>', visible="hidden", elem_id="shown-jobs"
                )
            with gr.Column(scale=2, min_width=320, elem_id="create-right"):
                self.form = Form()
                self.generate_button = self.form.generate_button

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        import gradio as gr

        self.first_steps.attach(blocks)
        page, form, values = self.page, self.form, set(self.form.all)
        queued = [self.started, self.notice]
        layout = form.layout
        titled = [layout.held, layout.wanted, form.img2img.held], [layout.fold, layout.stale]
        # One event and no chain: Gradio may lose an event that is raised while it closes the stream of another.
        blocks.load(
            show_errors(self.opened),
            [form.saved],
            [*form.dressing, self.picture, self.strip, self.notice, self.shown, *titled[1], self.grid, form.restored],
            js="() => localStorage.getItem('studio.create') || ''",
            **QUIET,
        ).then(None, [form.restored, *form.all], form.all, js=form.script("restore"), **QUIET)
        gr.on([one.change for one in form.all], None, form.all, None, js=form.script("remember"), **QUIET)
        for script, inputs, outputs in form.following():
            gr.on([blocks.load, *(one.change for one in inputs)], None, inputs, outputs, js=script, **QUIET)
        gr.on(
            [layout.held.change, layout.wanted.change, form.img2img.held.change],
            show_errors(self.layout_title),
            *titled,
            **QUIET | {"trigger_mode": "always_last"},
        )
        for name, answered in (
            ("show", layout.held.show(show_errors(self.lay_out), values, [layout.held, layout.wanted], **QUIET)),
            ("fit", layout.held.fit(show_errors(self.fit_layout), values, layout.held, **QUIET)),
        ):
            announce = f"document.dispatchEvent(new CustomEvent('studio-laid-out', {{ detail: '{name}' }}))"
            answered.then(None, None, None, js=f"() => {{ {announce}; return []; }}", **QUIET)
        like = show_errors(self.like_the_picture)
        form.img2img.held.chosen(like, form.img2img.held, form.size, **QUIET | IN_ORDER)
        self.generate_button.click(show_errors_stream(self.generate), values, [*queued, self.grid], **QUIET)
        gr.on(
            [one.change for one in (*form.grid.controls.values(), form.count)],
            show_errors(self.grid_title),
            values,
            [form.grid.fold, form.grid.said],
            **QUIET | {"trigger_mode": "always_last"},
        )
        form.enhance_button.click(
            show_errors(self.enhance), form.prompt, [form.prompt, form.enhanced], **QUIET | {"show_progress": "minimal"}
        )
        # What went wrong was about other words.
        form.prompt.input(None, self.notice, self.notice, js=FORGET_FAILURE, **QUIET)
        page.acts.busy(None, None, self.generate_button, js="() => 'Add to queue'", **QUIET)
        page.acts.idle(None, None, self.generate_button, js="() => 'Generate'", **QUIET)
        page.on("undo_enhance", self.undo_enhance, [], [form.prompt, form.enhanced])
        page.on("example", self.example, values, [form.prompt, *queued])
        page.on(
            "finished",
            self.finished,
            [self.shown, self.notice],
            [self.picture, self.strip, self.notice, self.shown],
            **IN_ORDER,
        )
        page.on("show", self.show, [], [self.picture], **IN_ORDER)
        page.on("cancel", self.cancel, [], self.notice)
        page.on("cancel_grid", self.cancel_grid, [], self.notice)
        page.on("regenerate", self.regenerate, [], [page.tabs, *queued])
        page.on("variation", self.variation, [], [page.tabs, *queued])
        page.on("upscale", self.upscale, [], [page.tabs, *queued])
        page.on("redraw", self.redraw, [], [page.tabs, *queued])
        page.on("detail", self.detail, [], [page.tabs, *queued])
        page.on("retry", self.retry, [], queued)
        page.on("reuse", self.reuse, [], [page.tabs, *form.all])
        page.on("img2img", self.img2img, [], [page.tabs, form.img2img.held, form.img2img.fold, *form.size])
        outpainted = [page.tabs, form.img2img.held, form.img2img.fold, *form.size, form.img2img.outpaint.on]
        page.on("outpaint", self.outpaint, [], outpainted)
        page.on("seed", self.use_seed, [], [form.seed])
        page.on("lora", self.lora, [form.prompt], [form.prompt])
        page.on("lora_less", self.lora_less, [form.prompt], [form.prompt])
        page.on("lora_more", self.lora_more, [form.prompt], [form.prompt])
        page.on("delete", self.delete, [], [self.picture, self.strip, page.snack, page.changed])
        page.on("restore", self.restore, [], [self.picture, self.strip, page.snack, page.changed])
        page.on("model", self.model_changed, values, [*form.all, self.picture]).then(
            show_errors(self.dressed), None, form.dressing, **QUIET
        ).then(show_errors(self.layout_title), *titled, **QUIET)

    async def opened(self, saved: str) -> tuple[Any, ...]:
        """What a page shows when it is opened or refreshed. `saved` is what was typed before, which only the browser
        knows."""
        ended = self._last_ended()  # before all else: what ends meanwhile is shown twice rather than never
        last = next(iter(await self.studio.jobs.recent(1)), None)
        lately = last is not None and datetime.now(UTC) - last.created_at < STILL_NEWS
        text = create_view.failure(last) if last is not None and lately and _failed_here(last) else ""
        checkpoint = create_view.checkpoint_of(self.studio)
        dressed = await self.dressed()
        values = FormValues.remembered(saved, checkpoint)
        layout = await self.layout_title(values.held_layout, values.layout_from_words, values.held_picture)
        return *dressed, *await self._latest(), text, ended, *layout, await self._last_grid(), self.form.kept(values)

    async def generate(self, given: Mapping[Any, Any]) -> AsyncIterator[tuple[Any, ...]]:
        """Queue what the form means; when a language model lays it out first, a notice says so meanwhile."""
        import gradio as gr

        starting = asyncio.create_task(self._generate(self.form.values(given)))
        self._starting.add(starting)  # who refreshes the page meanwhile still gets the picture
        starting.add_done_callback(self._starting.discard)
        if not (await asyncio.wait([starting], timeout=AT_ONCE))[0]:
            yield "", parts.notice("Laying the words out …"), gr.skip()
        job, notice = await asyncio.shield(starting)
        yield job, notice, await self._grid_of(job) if job else gr.skip()

    async def _generate(self, values: FormValues) -> tuple[str, str]:
        """The queued job, or what is wrong with the form, to stand above the picture."""
        try:
            request, axes = self._request(values), values.grid_axes()
            if axes is None:
                return await self._start(request, values.count)
            grid = await self.studio.grids.start(request, axes, Origin(way="create"))
            return (await self.studio.grids.jobs_of(grid))[0].id, ""
        except NothingKnown as error:
            return "", create_view.nothing_known(error)
        except (StudioError, ValidationError) as error:
            return "", parts.notice(error_message(error), kind="failed")

    def _request(self, values: FormValues) -> ImageRequest:
        """What the form asks for. Raises InvalidRequest, and ValidationError."""
        if not values.prompt.strip():
            raise InvalidRequest("Write what you would like to see first.")
        checkpoint = create_view.checkpoint_of(self.studio)
        if not values.checkpoint:  # pressed before the form had its first values: steps and size are the checkpoint's
            values = values.with_checkpoint(checkpoint)
        return values.request(checkpoint)

    async def grid_title(self, given: Mapping[Any, Any]) -> tuple[Any, Any]:
        """How many pictures the grid makes, or what is wrong with it."""
        import gradio as gr

        try:
            axes = self.form.values(given).grid_axes()
        except (StudioError, ValidationError) as error:
            return gr.Accordion(label="Grid: see inside"), f"**{error_message(error)}**"
        if axes is None:
            return gr.Accordion(label=OFF), HELP
        shape, limit = [axis.spread.count for _, axis in axes.named], self.studio.jobs.limit
        counted = f"{' × '.join(f'{one:,}' for one in shape)} = {axes.count:,}" if len(shape) > 1 else f"{axes.count:,}"
        pictures = f"{counted} {'picture' if axes.count == 1 else 'pictures'}"
        more = f"**That is more than the {limit:,} that may wait.** Take fewer values." if axes.count > limit else HELP
        return gr.Accordion(label=f"Grid: {pictures}"), more

    async def cancel_grid(self, grid_id: str) -> str:
        """Stop what of a grid is not drawn."""
        try:
            await self.studio.grids.cancel(grid_id)
        except Conflict as error:
            return parts.notice(error.detail)
        return parts.notice("Cancelled.")

    async def _grid_of(self, job_id: str) -> str:
        """The grid that a job is of; empty for none."""
        return (await self.studio.jobs.progress(job_id)).job.origin.grid_id or ""

    async def _last_grid(self) -> str:
        """The grid to show to a page that opens: one that is drawn, or was lately."""
        last = next(iter(await self.studio.grids.recent(1)), None)
        if last is None or (last.finished and datetime.now(UTC) - last.created_at > STILL_NEWS):
            return ""
        return last.id

    async def example(self, given: Mapping[Any, Any]) -> tuple[str, str, str]:
        """Generate an example; a layout that was made for another prompt stays out of it."""
        prompt = given[self.page.acts]
        return (prompt, *await self._generate(replace(self.form.values(given), prompt=prompt, held_layout="")))

    async def lay_out(self, given: Mapping[Any, Any]) -> tuple[str, bool]:
        """Lay the prompt out, to be seen, changed and drawn."""
        request = self._request(replace(self.form.values(given), held_layout=""))
        return await laid_out(self.studio, request, "auto"), True

    async def fit_layout(self, given: Mapping[Any, Any]) -> str:
        """The form has changed while it holds a layout."""
        values = self.form.values(given)
        held = held_layout(values.held_layout)
        if held is None or not values.prompt.strip():
            return values.held_layout
        return await fitted(self.studio, held, self._request(values))

    async def layout_title(self, held: str, wanted: bool, picture: str) -> Any:
        checkpoint = create_view.checkpoint_of(self.studio)
        return self.form.layout.title(held, wanted, checkpoint, img2img=held_picture(picture) is not None)

    async def like_the_picture(self, held: str) -> tuple[Any, ...]:
        """The size becomes that of the chosen picture, in as many pixels as the checkpoint was made for."""
        import gradio as gr

        chosen, checkpoint = held_picture(held), create_view.checkpoint_of(self.studio)
        if chosen is None or checkpoint is None:
            return gr.skip(), gr.skip(), gr.skip()
        native = (checkpoint.native_width, checkpoint.native_height)
        return sized(size_like(await self.studio.inputs.size(chosen.image), native), checkpoint)

    async def img2img(self, item_id: str) -> tuple[Any, ...]:
        """Start from a picture of the gallery."""
        import gradio as gr

        held = HeldPicture(image=await self.studio.inputs.keep_from_gallery(item_id)).text()
        opened = gr.Accordion(open=True)
        return self.page.goto("create"), held, opened, *await self.like_the_picture(held)

    async def outpaint(self, item_id: str) -> tuple[Any, ...]:
        """The same, to make its canvas larger."""
        return *await self.img2img(item_id), True

    async def enhance(self, prompt: str) -> tuple[str, str]:
        better = await self.studio.prompts.enhance(prompt)
        return better.prompt, create_view.enhanced(prompt, better.prompt, better.note, better.model)

    async def undo_enhance(self, before: str) -> tuple[str, str]:
        return before, ""

    async def finished(self, peeks: str, shown: str, notice: str) -> tuple[Any, ...]:
        """Jobs are over since the one that is `shown`. `peeks`: not empty when the person looks at another picture.

        A failure stays until the person has something else drawn, also when what was queued with it succeeds.
        """
        import gradio as gr

        ended = self.studio.jobs.ended(shown)
        if not ended:  # an event raised in the same moment has shown them
            return (gr.skip(),) * 4
        failed = [job for job in ended if _failed_here(job)]
        newest: Any = gr.skip()
        strip: Any = gr.skip()
        message: Any = create_view.failure(failed[-1]) if failed else gr.skip()
        if any(job.image_id for job in ended):
            latest, strip = await self._latest()
            if not peeks:
                newest = latest
                message = message if failed or parts.tells_a_failure(notice) else ""
        return newest, strip, message, ended[-1].id

    async def show(self, item_id: str) -> str:
        return self._view(await self.studio.gallery.get(item_id))

    async def cancel(self, job_id: str) -> str:
        """Stop a drawing. One that was finished in the same moment is no reason for an alarm."""
        try:
            await self.studio.jobs.cancel(job_id)
        except Conflict as error:
            return parts.notice(error.detail)
        return parts.notice("Cancelled.")

    async def regenerate(self, item_id: str) -> tuple[Any, ...]:
        request = (await self.studio.gallery.get(item_id)).metadata.request_with({})
        return (self.page.goto("create"), *await self._start(create_view.with_new_seed(request)))

    async def variation(self, item_id: str) -> tuple[Any, ...]:
        request = (await self.studio.gallery.get(item_id)).metadata.request_with({})
        return (self.page.goto("create"), *await self._start(create_view.varied(request)))

    async def upscale(self, item_id: str) -> tuple[Any, ...]:
        job = await self.studio.upscaling.start(item_id, way=Origin(way="create"))
        return self.page.goto("create"), job.id, ""

    async def redraw(self, item_id: str) -> tuple[Any, ...]:
        """Make a picture larger as `upscale` does, and draw it over."""
        request = await self.studio.redrawing.request(item_id, UpscaleSettings(), Redraw())
        return (self.page.goto("create"), *await self._start(request))

    async def detail(self, item_id: str) -> tuple[Any, ...]:
        """Draw the faces of a picture again, and leave the rest of it."""
        return (self.page.goto("create"), *await self._start(await self.studio.details.request(item_id)))

    async def retry(self, job_id: str) -> tuple[str, str]:
        job = (await self.studio.jobs.progress(job_id)).job
        if job.upscale is not None:
            again = await self.studio.upscaling.start(job.upscale.image, job.upscale, Origin(way="create"))
            return again.id, ""
        return await self._start(job.request)

    async def reuse(self, item_id: str) -> dict[Any, Any]:
        request = (await self.studio.gallery.get(item_id)).metadata.request
        values = FormValues.of_request(request, create_view.checkpoint_of(self.studio))
        return {self.page.tabs: self.page.goto("create"), **self.form.showing(values)}

    async def use_seed(self, seed: str) -> int:
        return int(seed)

    async def lora(self, name: str, prompt: str) -> str:
        """Put a LoRA into the prompt, with its trigger words; or take it out, where it is in it."""
        file = await self.studio.loras.named(name)
        if names := await self._names_of(file, prompt):
            return without_lora(prompt, names, file.trigger_words)
        loras_in(prompt)  # behind a tag that is not closed it would be a part of that
        missing = [word for word in file.trigger_words if word.lower() not in prompt.lower()]
        words = ", ".join(part for part in (prompt.strip().rstrip(","), *missing) if part)
        weight = 1.0 if file.weight is None else file.weight
        return with_loras(words, [LoraChoice(name=file.name, weight=weight)])

    async def lora_less(self, name: str, prompt: str) -> str:
        return await self._weighed(name, prompt, -LORA_STEP)

    async def lora_more(self, name: str, prompt: str) -> str:
        return await self._weighed(name, prompt, LORA_STEP)

    async def _weighed(self, name: str, prompt: str, more: float) -> str:
        return weighed(prompt, await self._names_of(await self.studio.loras.named(name), prompt), more)

    async def _names_of(self, file: LoraFile, prompt: str) -> set[str]:
        """What the prompt calls it."""
        return {name for name, meant in (await self.studio.loras.meant(prompt)).items() if meant.path == file.path}

    async def delete(self, item_id: str) -> tuple[str, str, str, str]:
        await self.studio.gallery.delete(item_id)
        return (*await self._latest(), undo_snack("Picture deleted.", "restore", item_id), now())

    async def restore(self, item_id: str) -> tuple[str, str, str, str]:
        item = await self.studio.gallery.restore(item_id)
        _, strip = await self._latest()
        return self._view(item), strip, "", now()

    async def model_changed(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Another checkpoint draws now: steps and guidance become its own. Everything else is left alone, for somebody
        may have typed meanwhile."""
        values = self.form.values(given)
        changed = values.with_checkpoint(create_view.checkpoint_of(self.studio))
        newest, _strip = await self._latest()
        its_own = {self.form.controls[name] for name in OF_THE_CHECKPOINT} if changed is not values else set()
        shown = {one: value for one, value in self.form.showing(changed).items() if one in its_own}
        return {**shown, self.picture: newest}

    async def dressed(self) -> tuple[Any, ...]:
        vaes, upscalers = await self.studio.vaes.vaes(), await self.studio.upscalers.upscalers()
        detectors = await self.studio.detectors.detectors()
        return self.form.dressed(create_view.checkpoint_of(self.studio), vaes, upscalers, detectors)

    async def _start(self, request: ImageRequest, count: int = 1) -> tuple[str, str]:
        job, *_ = await self.studio.images.start_images(request, count, Origin(way="create"))
        return job.id, create_view.not_drawn(job.request.layout, self.studio)

    def _last_ended(self) -> str:
        """The job that ended last, as a mark; never empty."""
        return next((job.id for job in reversed(self.studio.jobs.ended(""))), "none")

    def _view(self, item: GalleryItem) -> str:
        return create_view.picture(item, self.studio)

    async def _latest(self) -> tuple[str, str]:
        """The newest picture large, and the strip of the last ones."""
        items = (await self.studio.gallery.page(limit=STRIP)).items
        if not items:
            return create_view.empty(create_view.checkpoint_of(self.studio)), ""
        try:
            newest = self._view(await self.studio.gallery.get(items[0].id))
        except NotFound:  # deleted elsewhere in this moment
            newest = create_view.waiting()
        return newest, create_view.strip(items)


def _failed_here(job: Job) -> bool:
    """A failure that nobody else is told: who asked by another way gets it as the answer."""
    return job.state == "failed" and job.origin.way == "create"
