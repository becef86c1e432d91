"""The Chat tab: sessions at the left, the chosen one in the middle, the box below it."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from illustrious_studio.domain.chat import ChatRequest, Message
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.pictures import open_to_see
from illustrious_studio.interfaces.web.chat_streams import ActiveReplies, Generation
from illustrious_studio.interfaces.web.error_handling import show_errors, show_errors_stream
from illustrious_studio.interfaces.web.page import QUIET, Page, html, undo_snack
from illustrious_studio.interfaces.web.uploads import open_upload
from illustrious_studio.interfaces.web.views import chat as chat_view
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.services.studio import Studio

REMEMBER = "(typed) => { localStorage.setItem('studio.said', typed?.text || ''); return []; }"
REMEMBERED = "(typed) => (typed?.text ? typed : { text: localStorage.getItem('studio.said') || '', files: [] })"
NEW = (
    "() => { const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)));"
    " const id = bytes.map((one) => one.toString(16).padStart(2, '0')).join('');"
    f" return [id, id, {json.dumps(chat_view.EMPTY_CHAT)}, '']; }}"
)
"""A new session is there at once, so that what is typed the moment after is in it."""
SESSION = "() => localStorage.getItem('studio.session') || ''"


class ChatTab:
    """Chats. What is being answered is in `ActiveReplies`, on the server; a page only follows it."""

    def __init__(self, studio: Studio, page: Page) -> None:
        import gradio as gr

        self.studio = studio
        self.page = page
        self.replies = ActiveReplies(studio)
        self._follows: dict[str, tuple[str, object]] = {}
        """By page, the session it shows and the only one of its streams that may still say something."""
        with gr.Row(elem_id="chat", equal_height=False):
            with gr.Column(scale=1, min_width=220, elem_id="chat-side"):
                html('<button type="button" class="act wide" name="new_chat" value="">New chat</button>')
                self.search = gr.Textbox(
                    "", label="Search chats", show_label=False, placeholder="Search chats", elem_id="chat-search"
                )
                self.sessions = html("")
            with gr.Column(scale=4, min_width=300, elem_id="chat-main"):
                html('<button type="button" class="act drawer-button" name="drawer" value="">Chats</button>')
                with gr.Column(elem_id="messages"):
                    self.messages = html(chat_view.EMPTY_CHAT)
                    self.growing = html("")
                self.attached = html("", elem_id="attached")
                self.box = gr.MultimodalTextbox(
                    {"text": "", "files": []},
                    label="Message",
                    show_label=False,
                    placeholder="Write a message, or #generate a picture",
                    file_types=["image"],
                    sources=["upload"],
                    max_plain_text_length=10_000,
                    max_lines=8,
                    submit_btn=True,
                    stop_btn=False,
                    elem_id="chat-box",
                )
                self.hint = html(
                    '<p class="hint"><button type="button" class="plain" name="say" value="#generate ">'
                    "#generate</button>"
                    " makes a picture of what you describe. Enter sends, Shift+Enter begins a new line.</p>"
                    '<p class="hint" data-live="chat_note"></p>',
                )
        self.viewer = gr.Textbox("", visible=False)  # this page, among all that are open
        self.session = gr.Textbox("", visible=False)
        self.mark = html("", html_template='<i data-session="${value}"></i>', visible="hidden", elem_id="chat-session")
        self.picture = gr.Textbox("", visible=False)

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        page = self.page
        all_of_it = [self.session, self.mark, self.messages, self.growing, self.sessions, self.box]
        following = [self.messages, self.growing, self.sessions, self.box, self.attached, self.picture]

        blocks.load(None, self.box, self.box, js=REMEMBERED, **QUIET)
        where, snack = [self.search, self.viewer], page.snack
        for shown in (
            blocks.load(show_errors(self.opened), self.session, [self.viewer, *all_of_it], js=SESSION, **QUIET),
            page.on("choose", self.choose, where, all_of_it),
            page.on("open_chat", self.open_chat, where, [page.tabs, *all_of_it]),
            page.acts.new_chat(
                None, None, [self.session, self.mark, self.messages, self.growing], js=NEW, **QUIET
            ).then(show_errors(self.choose), [self.session, *where], all_of_it, **QUIET),
            page.on("forget", self.forget, [self.session, *where], [*all_of_it, snack]),
            page.on("remember", self.remember, where, [*all_of_it, snack]),
        ):
            shown.then(show_errors_stream(self.followed), [self.session, *where], following, **QUIET)
        self.box.submit(
            show_errors_stream(self.send), [self.box, self.session, self.picture, *where], following, **QUIET
        )
        self.box.stop(show_errors(self.stop), self.session, None, **QUIET)
        self.box.change(None, self.box, None, js=REMEMBER, **QUIET)
        self.search.change(
            show_errors(self.found),
            [self.search, self.session],
            self.sessions,
            **QUIET | {"trigger_mode": "always_last"},
        )
        page.on("rename", self.rename, [self.session, self.search], self.sessions)
        page.on("say", self.say, [self.box], self.box)
        page.on("to_chat", self.attach_picture, [], [page.tabs, self.attached, self.picture])
        page.on("detach", self.detach, [], [self.attached, self.picture])
        page.on("chat_changed", self.chat_changed, [self.session], [self.messages, self.growing])

    # Choosing

    async def opened(self, wanted: str) -> tuple[Any, ...]:
        """What a page shows when it is opened or refreshed: the session it showed before."""
        viewer = uuid.uuid4().hex
        return viewer, *await self._shown(await self._known(wanted), "", viewer)

    async def choose(self, session_id: str, query: str, viewer: str) -> tuple[Any, ...]:
        return await self._shown(session_id, query, viewer)

    async def open_chat(self, session_id: str, query: str, viewer: str) -> tuple[Any, ...]:
        return self.page.goto("chat"), *await self._shown(session_id, query, viewer)

    async def found(self, query: str, session_id: str) -> str:
        return chat_view.session_list(await self.studio.chat.sessions(query), session_id)

    async def rename(self, value: str, session_id: str, query: str) -> str:
        which, _, title = value.partition(" ")
        await self.studio.chat.rename(which, title)
        return await self.found(query, session_id)

    async def forget(self, which: str, session_id: str, query: str, viewer: str) -> tuple[Any, ...]:
        self.replies.forget(which)
        await self.studio.chat.delete(which)
        snack = undo_snack("Chat deleted.", "remember", which)
        shown = await self._known("" if which == session_id else session_id)
        return *await self._shown(shown, query, viewer), snack

    async def remember(self, which: str, query: str, viewer: str) -> tuple[Any, ...]:
        await self.studio.chat.restore(which)
        return *await self._shown(which, query, viewer), ""

    # Messages

    async def send(
        self, typed: dict[str, Any] | None, session_id: str, picture_id: str, query: str, viewer: str
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Send it and show the answer as it grows. What was typed stays when it could not be sent."""
        text = (typed or {}).get("text", "").strip()
        files = (typed or {}).get("files", [])
        if not text and not files and not picture_id:
            return
        pictures = [await open_upload(path) for path in files]
        if picture_id:
            pictures.append(await asyncio.to_thread(open_to_see, await self.studio.gallery.png(picture_id)))
        request = ChatRequest(message=text or "What is in this picture?", session_id=session_id)
        generation = self.replies.start(request, pictures)
        updates = self._follow(generation, session_id, query, clear=True)
        async for update in self._to(viewer, session_id, updates):
            yield update

    async def followed(self, session_id: str, query: str, viewer: str) -> AsyncIterator[tuple[Any, ...]]:
        """Show the session that was chosen, and an answer that was being given in it already."""
        updates = self._follow(self.replies.of(session_id), session_id, query)
        async for update in self._to(viewer, session_id, updates):
            yield update

    async def stop(self, session_id: str) -> None:
        """Stop the answer, and the drawing when it is one."""
        generation = self.replies.of(session_id)
        if generation is not None and not generation.finished and generation.job_id:
            await self.studio.jobs.cancel(generation.job_id)
        self.replies.stop(session_id)

    async def chat_changed(self, changed: str, session_id: str) -> Any:
        """A picture of some session was finished, perhaps by an answer that nobody follows any more."""
        import gradio as gr

        generation = self.replies.of(session_id)
        if changed != session_id or (generation and not generation.finished):
            return gr.skip()
        return await self._view(session_id)

    # The box

    async def say(self, command: str, typed: dict[str, Any]) -> dict[str, Any]:
        """Put a command before what is typed."""
        return {"text": command + typed["text"].removeprefix(command), "files": typed["files"]}

    async def attach_picture(self, item_id: str) -> tuple[Any, ...]:
        item = await self.studio.gallery.get(item_id)
        chip = (
            f'<div class="attached"><img src="{parts.thumbnail_url(item.id)}" alt="Attached picture">'
            f"{parts.act('detach', item.id, 'Take away', style='small')}</div>"
        )
        return self.page.goto("chat"), chip, item.id

    async def detach(self, _: str) -> tuple[str, str]:
        return "", ""

    # Views

    async def _to(
        self, viewer: str, session_id: str, updates: AsyncGenerator[tuple[Any, ...], None]
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The updates of what a page shows, until it shows something else; the answer itself goes on."""
        mine = self._follows[viewer] = session_id, object()
        try:
            async with aclosing(updates):
                async for update in updates:
                    if self._follows.get(viewer) is not mine:
                        return
                    yield update
        finally:
            if self._follows.get(viewer) is mine:
                del self._follows[viewer]

    async def _follow(
        self, generation: Generation | None, session_id: str, query: str, *, clear: bool = False
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """The messages stand; only the answer is sent again as it grows."""
        import gradio as gr

        if generation is None:
            yield *await self._view(session_id), *[gr.skip()] * 4
            return
        busy = {"submit_btn": False, "stop_btn": True}
        box = gr.MultimodalTextbox(value={"text": "", "files": []}, **busy) if clear else gr.MultimodalTextbox(**busy)
        messages = await self._messages(session_id)
        if not generation.finished:
            kept = chat_view.stored(messages, generation, self._running)
            emptied = ("", "") if clear else (gr.skip(), gr.skip())
            yield kept, chat_view.growing(generation, messages), gr.skip(), box, *emptied
        listed = False
        async for now in self.replies.follow(generation):
            if now.finished:
                break
            sessions = gr.skip()
            if not listed and now.began:  # a new session is in the list as soon as its answer begins
                sessions, listed = await self.found(query, session_id), True
            yield gr.skip(), chat_view.growing(now, messages), sessions, *[gr.skip()] * 3
        free = gr.MultimodalTextbox(submit_btn=True, stop_btn=False)
        yield *await self._view(session_id), await self.found(query, session_id), free, gr.skip(), gr.skip()

    async def _known(self, wanted: str) -> str:
        """That session, else the last one, else a new one."""
        known = [one.id for one in await self.studio.chat.sessions()]
        return wanted if wanted in known else known[0] if known else self._fresh()

    async def _shown(self, session_id: str, query: str, viewer: str) -> tuple[Any, ...]:
        """The session, on this page from now on: what was streamed to it of another one is not for it any more."""
        import gradio as gr

        view, sessions = await self._view(session_id), await self.found(query, session_id)
        if viewer in self._follows and self._follows[viewer][0] != session_id:
            del self._follows[viewer]
        generation = self.replies.of(session_id)
        answering = generation is not None and not generation.finished
        box = gr.MultimodalTextbox(submit_btn=not answering, stop_btn=answering)
        return session_id, session_id, *view, sessions, box

    async def _view(self, session_id: str) -> tuple[str, str]:
        """The chat as it is kept, and what is not kept of it."""
        messages, generation = await self._messages(session_id), self.replies.of(session_id)
        kept = chat_view.stored(messages, generation, self._running)
        more = chat_view.growing(generation, messages)
        return kept or ("" if more else chat_view.EMPTY_CHAT), more

    async def _messages(self, session_id: str) -> list[Message]:
        try:
            return await self.studio.chat.messages(session_id)
        except NotFound:  # a new session without a message yet
            return []

    def _running(self, job_id: str) -> bool:
        return any(one.job.id == job_id for one in self.studio.jobs.active())

    def _fresh(self) -> str:
        return uuid.uuid4().hex
