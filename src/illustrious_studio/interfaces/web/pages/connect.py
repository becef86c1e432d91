"""The Connect tab: what to paste into other programs so that they use the studio, and a test that does as they do."""

from collections.abc import AsyncIterator, Mapping, Sequence
from html import escape
from typing import Any

from illustrious_studio.interfaces.selftest.client import Access, Client, InUse, Paste, Section
from illustrious_studio.interfaces.selftest.runner import CLIENTS, TIDYING_UP, Outcome, replay_all
from illustrious_studio.interfaces.shared.overview import models_now
from illustrious_studio.interfaces.web.error_handling import show_errors, show_errors_stream
from illustrious_studio.interfaces.web.page import IN_ORDER, QUIET, html
from illustrious_studio.services.refused_requests import RefusedRequest
from illustrious_studio.services.studio import Studio

TRIED = {client.name: client.tried for client in CLIENTS} | {TIDYING_UP: "what it drew goes to the gallery's bin"}
BEFORE = (
    '<p class="quiet">The studio calls itself as each of these programs would: it chats, generates a few small '
    "pictures, and deletes them again.</p>"
)


WHY_SHOWN = (
    '<p class="quiet">Some programs show no more than "Bad Request". What the studio answered them last stands '
    "here.</p>"
)


class ConnectTab:
    """A choice of client, its settings, and the test of all."""

    def __init__(self, studio: Studio, access: Access) -> None:
        import gradio as gr

        self.studio = studio
        self.access = access
        with gr.Row(elem_id="connect", equal_height=False):
            with gr.Column(scale=3, min_width=300):
                names = [client.name for client in CLIENTS]
                self.client = gr.Radio(names, value=names[0], label="Program", elem_id="client")
                self.settings = html("", elem_id="client-settings")
            with gr.Column(scale=2, min_width=300):
                html(addresses(access.url))
                html(f"<h2>Self-test</h2>{BEFORE}")
                self.test = gr.Button("Test all", variant="primary", elem_id="test-clients")
                self.outcomes = html("", elem_id="client-outcomes")
                html(f"<h2>Refused requests</h2>{WHY_SHOWN}")
                self.look = gr.Button("Check again", elem_id="look-for-refused")
                self.refused = html("", elem_id="refused-requests")

    def attach(self, blocks: Any, tab: Any) -> None:
        """Connect the events, once every tab is built. The models may be others whenever the tab is opened again."""
        of_one_row = QUIET | IN_ORDER | {"concurrency_id": "client"}
        for event in (blocks.load, tab.select, self.client.change):
            event(show_errors(self.shown), self.client, self.settings, **of_one_row)
        for event in (blocks.load, tab.select, self.look.click):
            event(show_errors(self.looked), None, self.refused, **QUIET)
        self.test.click(show_errors_stream(self.tested), None, self.outcomes, **QUIET | {"trigger_mode": "once"})

    async def shown(self, name: str) -> str:
        (client,) = (one for one in CLIENTS if one.name == name)
        return settings(client, self.access, InUse.of(await models_now(self.studio)))

    async def looked(self) -> str:
        return refused(self.studio.refused.latest())

    async def tested(self) -> AsyncIterator[str]:
        found: dict[str, Outcome] = {}
        yield outcomes(found)
        async for outcome in replay_all(self.access):
            found[outcome.name] = outcome
            yield outcomes(found)


def settings(client: Client, access: Access, in_use: InUse) -> str:
    """What a client can do here, and what to paste where."""
    sections = "".join(section(one) for one in client.settings(access, in_use))
    key = ""
    if access.key:
        key = '<p class="quiet">Where the-key-of-your-studio stands, put the key that the studio was started with.</p>'
    return f'<p class="client-about">{escape(client.about)}</p>{key}{sections}'


def section(one: Section) -> str:
    fields = [paste for paste in one.pastes if not paste.code]
    blocks = "".join(code(paste) for paste in one.pastes if paste.code)
    note = f'<p class="quiet">{escape(one.note)}</p>' if one.note else ""
    return f'<section class="place"><h2>{escape(one.place)}</h2>{rows(one.place, fields)}{blocks}{note}</section>'


def rows(place: str, fields: list[Paste]) -> str:
    listed = "".join(
        f"<dt>{escape(one.label)}</dt><dd><code>{escape(one.text)}</code>"
        f"{copy(one.text, f'Copy: {one.label}. {place}')}</dd>"
        for one in fields
    )
    return f'<dl class="addresses">{listed}</dl>' if listed else ""


def code(paste: Paste) -> str:
    label = escape(paste.label)
    return (
        f'<div class="code"><div class="code-bar"><span>{label}</span>{copy(paste.text, f"Copy: {paste.label}")}</div>'
        f'<pre tabindex="0" aria-label="{label}">{escape(paste.text)}</pre></div>'
    )


def copy(text: str, name: str) -> str:
    return (
        f'<button type="button" class="plain copy" name="copy" value="{escape(text)}" aria-label="{escape(name)}">'
        "Copy</button>"
    )


def addresses(api_url: str) -> str:
    """Where programs reach the studio."""
    addresses = {
        "API": api_url,
        "API pages": f"{api_url}/docs",
        "OpenAI's API": f"{api_url}/v1",
        "A1111's API": f"{api_url}/sdapi/v1",
        "MCP": f"{api_url}/mcp",
    }
    return f"<h2>Addresses</h2>{rows('Addresses', [Paste(name, url) for name, url in addresses.items()])}"


def outcomes(found: Mapping[str, Outcome]) -> str:
    """The table of all clients: those that were tried, the one that is being tried, those that wait."""
    failed = sum(not one.passed for one in found.values())
    if len(found) < len(TRIED):
        summary = f"{len(found)} of {len(TRIED)} done"
    else:
        summary = f"{failed} of {len(TRIED)} failed." if failed else "All of them work."
    now = next((name for name in TRIED if name not in found), None)
    listed = "".join(outcome_row(name, found.get(name), now=name == now) for name in TRIED)
    return (
        f'<table class="outcomes"><caption role="status">{summary}</caption>'
        f'<thead class="unseen"><tr><th>Program</th><th>Outcome</th></tr></thead><tbody>{listed}</tbody></table>'
    )


def refused(requests: Sequence[RefusedRequest]) -> str:
    """The table of what was refused, the latest first."""
    if not requests:
        return '<p role="status">None since the studio started.</p>'
    rows = "".join(
        f'<tr><th scope="row">{escape(one.program)}'
        f'<span class="quiet">{escape(f"{one.method} {one.path}")}</span>'
        f'<p class="failure">{escape(one.detail)}</p></th>'
        f"<td>{one.status}{f' ({one.times} times)' if one.times > 1 else ''}"
        f'<span class="quiet">{escape(one.last_at.astimezone().strftime("%H:%M:%S"))}</span></td></tr>'
        for one in requests
    )
    return (
        '<table class="outcomes"><thead class="unseen"><tr><th>Request</th><th>Answer</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def outcome_row(name: str, outcome: Outcome | None, *, now: bool) -> str:
    if outcome is None:
        kind, verdict = ("waiting", "Trying") if now else ("later", "Waits")
    else:
        kind, verdict = ("ready", "Passed") if outcome.passed else ("broken", "Failed")
    failure = f'<p class="failure">{escape(outcome.failure)}</p>' if outcome and outcome.failure else ""
    return (
        f'<tr><th scope="row">{escape(name)}<span class="quiet">{escape(TRIED[name])}</span>{failure}</th>'
        f'<td><span class="dot {kind}"></span>{verdict}</td></tr>'
    )
