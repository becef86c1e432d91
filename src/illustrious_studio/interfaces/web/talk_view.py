"""How a talk looks: stored messages and the answer being given, as the messages of Gradio's chatbot; the list of talks.

What a person or a model wrote is Markdown, with its HTML taken away. Pictures are cards with the same buttons as
everywhere. A picture that is being drawn is an empty place with its job's id; the page's script fills it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from illustrious_studio.domain.chat import Message, Session
from illustrious_studio.interfaces.web import parts
from illustrious_studio.interfaces.web.talks import Talk

CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
Entry = dict[str, Any]


def prose(text: str) -> str:
    """Markdown without HTML in it; code keeps its signs."""
    return "".join(
        piece if CODE.fullmatch(piece) else piece.replace("&", "&amp;").replace("<", "&lt;")
        for piece in CODE.split(text)
    )


def entries(messages: Sequence[Message], talk: Talk | None, running: Callable[[str], bool]) -> list[Entry]:
    """The talk as it stands. `running` tells of a job whether it is not over yet."""
    shown: list[Entry] = []
    for message in messages:
        if message.role == "system" or (talk and not talk.over and message.job_id and message.job_id == talk.job_id):
            continue
        shown.extend(_stored(message, running))
    if talk is None:
        return shown
    if not talk.over:
        if not any(message.role == "user" and message.content == talk.said for message in messages[-2:]):
            shown.append({"role": "user", "content": _said(talk)})
        shown.extend(_growing(talk))
    elif talk.error:
        shown.append(_assistant(f'<div class="notice failed">{escape(talk.error)}</div>'))
    if talk.over and talk.notices:
        shown.append(_assistant(_notices(talk)))
    return shown


def _stored(message: Message, running: Callable[[str], bool]) -> list[Entry]:
    if message.role == "user":
        return [{"role": "user", "content": prose(message.content)}]
    found = _thought(message.thinking, f"Thought for {parts.seconds(message.thinking_seconds)}")
    body = prose(message.content)
    if message.image_id:
        body = f"{body}\n\n{picture_card(message.image_id, message.content)}"
    elif message.job_id and running(message.job_id):
        body = f"{body}\n\n{drawing_place(message.job_id)}"
    elif message.job_id and message.state == "interrupted":
        body = f"{body}\n\n<p>No picture came of this.</p>"
    said_by = " · ".join(
        part for part in (message.model, "stopped early" if message.state == "interrupted" else "") if part
    )
    return [*found, _assistant(f'{body}\n\n<p class="said-by">{escape(said_by)}</p>' if said_by else body)]


def _growing(talk: Talk) -> list[Entry]:
    found = _thought(talk.thinking, "Thinking", done=bool(talk.text or talk.job_id))
    body = prose(talk.text)
    if talk.image_id:
        body = f"{body}\n\n{picture_card(talk.image_id, talk.prompt)}"
    elif talk.job_id:
        body = f"{body or prose(talk.prompt)}\n\n{drawing_place(talk.job_id)}"
    if not body and not talk.thinking:
        body = '<p class="said-by">Waiting for the first word</p>'
    if talk.notices:
        body = f"{body}\n\n{_notices(talk)}"
    return [*found, _assistant(body)] if body else found


def _thought(text: str, title: str, *, done: bool = True) -> list[Entry]:
    if not text.strip():
        return []
    return [
        {
            "role": "assistant",
            "content": prose(text),
            "metadata": {"title": title, "status": "done" if done else "pending"},
        }
    ]


def _assistant(content: str) -> Entry:
    return {"role": "assistant", "content": content}


def _said(talk: Talk) -> str:
    note = (
        f'\n\n<p class="said-by">with {talk.pictures} picture{"s" * (talk.pictures > 1)}</p>' if talk.pictures else ""
    )
    return prose(talk.said) + note


def _notices(talk: Talk) -> str:
    return "".join(f'<div class="notice">{escape(text)}</div>' for text in talk.notices)


def picture_card(item_id: str, words: str) -> str:
    """A picture in a talk, with what one can do with it."""
    url = parts.picture_url(item_id)
    return (
        f'<div class="talk-picture"><button type="button" class="zoom" name="zoom" value="{url}" title="Show full size">'
        f'<img src="{url}" alt="{escape(words[:300])}" loading="lazy"></button><div class="buttons">'
        f'<a class="act" href="{url}?download" download="{item_id}.png">Download</a>'
        f"{parts.act('again', item_id, 'Again')}{parts.act('vary', item_id, 'Vary')}"
        f"{parts.act('use', item_id, 'Use settings')}</div></div>"
    )


def drawing_place(job_id: str) -> str:
    """Where the progress of a job appears."""
    return f'<div class="talk-drawing" id="job-{job_id}"></div>'


def session_list(sessions: Sequence[Session], chosen: str) -> str:
    """The talks, last one first."""
    if not sessions:
        return '<p class="quiet">No chats yet.</p>'
    return f'<ul class="sessions">{"".join(_session(one, one.id == chosen) for one in sessions)}</ul>'


def _session(session: Session, chosen: bool) -> str:
    name = escape(session.title)
    current = ' aria-current="true"' if chosen else ""
    return (
        f'<li class="{"chosen" if chosen else ""}"><button type="button" class="session" name="choose" value="{session.id}"'
        f'{current}><span class="title">{name}</span><span class="quiet">{ago(session.updated_at)}</span></button>'
        f'<button type="button" class="plain" name="edit_title" value="{session.id}" aria-label="Rename {name}">Rename</button>'
        f'<button type="button" class="plain" name="forget" value="{session.id}" aria-label="Delete {name}">Delete</button></li>'
    )


def ago(then: datetime) -> str:
    """When, as people say it."""
    passed = (datetime.now(UTC) - then).total_seconds()
    if passed < 60:
        return "now"
    if passed < 3600:
        return f"{passed // 60:.0f} min ago"
    if passed < 86400:
        return f"{passed // 3600:.0f} h ago"
    return f"{then.astimezone():%d %b %Y}"
