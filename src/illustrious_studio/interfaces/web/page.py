"""The parts of the page that every tab shares: the actions, the snack bar, the tabs, and how handlers are attached.

`acts` is one invisible component that holds the page's script. A press on `<button class="act" name=N value=V>`
anywhere sets its value to V and raises its event N; a tab that answers to N attaches a handler here.
"""

import time
from collections.abc import Awaitable, Callable, Sequence, Set
from html import escape
from typing import Any

from illustrious_studio.interfaces.web.error_handling import show_errors
from illustrious_studio.interfaces.web.theme import script
from illustrious_studio.interfaces.web.views.parts import act

QUIET: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "api_visibility": "private"}
"""How events run: no overlay over what is shown, none dropped because one like it runs, none offered as an API."""
IN_ORDER: dict[str, Any] = {"concurrency_limit": 1}
"""And one after the other: of two that write the same place, what was asked for last is what stays there. Events of
several handlers are one row by the same `concurrency_id`."""

TABS = ("create", "chat", "analyze", "gallery", "connect", "system")


def html(value: str, **more: Any) -> Any:
    """A place for HTML of our own, styled by the studio's style sheet alone."""
    import gradio as gr

    return gr.HTML(value, apply_default_css=False, **{"js_on_load": None} | more)


class Page:
    """Built first, inside the Blocks; each tab is handed it."""

    def __init__(self) -> None:
        import gradio as gr

        self.acts: Any = gr.HTML(
            value="",
            html_template="<i></i>",
            js_on_load=script("page.js"),
            visible="hidden",
            elem_id="acts",
        )
        self.snack: Any = html("", elem_id="snack")
        mark = '<i data-changed="${value}"></i>'
        self.changed: Any = html("", html_template=mark, visible="hidden", elem_id="changed")
        self.tabs: Any = None

    def on(
        self,
        name: str,
        handler: Callable[..., Awaitable[Any]],
        inputs: Sequence[Any] | Set[Any] = (),
        outputs: Sequence[Any] | Any = (),
        **more: Any,
    ) -> Any:
        """Answer to an action. The handler gets the action's value first.

        With a set of inputs it gets one mapping instead: by component, the action's value under `acts`.
        """
        given = {self.acts, *inputs} if isinstance(inputs, Set) else [self.acts, *inputs]
        return getattr(self.acts, name)(show_errors(handler), given, outputs, **QUIET | more)

    def goto(self, tab: str) -> Any:
        """An update that opens a tab."""
        import gradio as gr

        return gr.Tabs(selected=tab)

    async def opened(self, tab: str) -> Any:
        """The tab that was open before a refresh."""
        return self.goto(tab if tab in TABS else TABS[0])

    def attach(self, blocks: Any) -> None:
        """Connect the events, once every tab is built."""
        remembered = "() => localStorage.getItem('studio.tab') || ''"
        blocks.load(show_errors(self.opened), self.acts, self.tabs, js=remembered, **QUIET)


def now() -> str:
    """A value for `changed`: the gallery is another one now, and the page shows it again."""
    return str(time.monotonic_ns())


def undo_snack(text: str, name: str, value: str) -> str:
    """A line at the foot of the page that offers to take something back."""
    return f'<div class="snack" role="status"><span>{escape(text)}</span>{act(name, value, "Undo")}</div>'
