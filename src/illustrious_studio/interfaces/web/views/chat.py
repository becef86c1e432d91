"""How a talk looks: its messages, the answer being given, and the list of talks.

A picture that is being drawn is an empty place with its job's id; the page's script fills it with the progress.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

from illustrious_studio.domain.chat import Message, Session
from illustrious_studio.interfaces.web.chat_streams import Talk
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views.markdown import markdown

EMPTY_TALK = (
    '<div class="empty-talk"><h2>Ask anything</h2>'
    '<p>Begin with <button type="button" class="plain" name="say" value="#generate ">#generate</button> '
    "to have a picture drawn.</p></div>"
)


def stored(messages: Sequence[Message], talk: Talk | None, running: Callable[[str], bool]) -> str:
    """The talk as it is kept. `running` tells of a job whether it is not over yet."""
    growing = talk is not None and not talk.over
    shown = [
        _message(message, running)
        for message in messages
        if message.role != "system" and not (growing and talk and message.job_id and message.job_id == talk.job_id)
    ]
    return "".join(shown)


def growing(talk: Talk | None, messages: Sequence[Message]) -> str:
    """What is not kept (yet): the answer as it grows; after it, what the person should know about it."""
    if talk is None:
        return ""
    if talk.over:
        told = bool(messages) and talk.error in messages[-1].content
        failure = "" if told else parts.notice(talk.error, kind="failed")
        return failure + _notices(talk)
    asked = "" if said_already(messages, talk) else _user(talk.said, talk.pictures)
    body = markdown(talk.text)
    if talk.job_id and not talk.image_id:
        body += markdown(f"Drawing: {talk.prompt}") + drawing_place(talk.job_id)
    if talk.image_id:
        body += picture_card(talk.image_id, talk.prompt)
    if not talk.text and not talk.job_id:
        words = "Thinking" if talk.thinking else "Waiting for the first word"
        body = f'<p class="waiting">{words}</p>'
    thought = _thought(talk.thinking, "Thoughts so far" if not talk.text else "Thoughts")
    answer = f'<article class="answer" aria-busy="true">{thought}<div class="md">{body}</div></article>'
    return asked + answer + _notices(talk)


def said_already(messages: Sequence[Message], talk: Talk) -> bool:
    """Whether the person's message is among those kept."""
    last = next((message for message in reversed(messages) if message.role == "user"), None)
    return last is not None and last.content == talk.said and last is messages[-1]


def _message(message: Message, running: Callable[[str], bool]) -> str:
    if message.role == "user":
        return _user(message.content)
    body = markdown(message.content)
    if message.image_id:
        body += picture_card(message.image_id, message.content)
    elif message.job_id and running(message.job_id):
        body += drawing_place(message.job_id)
    notes = [escape(message.model)] if message.model else []
    if message.state == "interrupted" and not message.content.startswith("The picture was not drawn"):
        notes.append("stopped early")
    notes.append('<button type="button" class="plain" name="copy_text">Copy</button>')
    thought = _thought(message.thinking, f"Thought for {parts.seconds(message.thinking_seconds)}")
    return (
        f'<article class="answer">{thought}<div class="md">{body}</div>'
        f'<p class="said-by">{" · ".join(notes)}</p></article>'
    )


def _user(text: str, pictures: int = 0) -> str:
    note = f'<p class="quiet">with {pictures} picture{"s" if pictures > 1 else ""}</p>' if pictures else ""
    return f'<article class="asked"><div class="md">{markdown(text)}</div>{note}</article>'


def _thought(text: str, title: str) -> str:
    if not text.strip():
        return ""
    return (
        f'<details class="thought"><summary>{escape(title)}</summary><div class="md">{markdown(text)}</div></details>'
    )


def _notices(talk: Talk) -> str:
    return "".join(parts.notice(text) for text in talk.notices)


def picture_card(item_id: str, words: str) -> str:
    """A picture in a talk, with what one can do with it."""
    url = parts.picture_url(item_id)
    return (
        f'<div class="talk-picture"><button type="button" class="zoom" name="zoom" value="{url}" '
        f'aria-label="Show full size"><img src="{url}" alt="{escape(words[:300])}" loading="lazy"></button>'
        f'<div class="buttons"><a class="act" href="{url}?download" download="{item_id}.png">Download</a>'
        f"{parts.act('again', item_id, 'Again')}{parts.act('vary', item_id, 'Vary')}"
        f"{parts.act('use', item_id, 'Use settings')}</div></div>"
    )


def drawing_place(job_id: str) -> str:
    """Where the progress of a job appears."""
    return f'<div class="talk-drawing" data-progress="{job_id}"></div>'


def session_list(sessions: Sequence[Session], chosen: str) -> str:
    """The talks, last one first."""
    if not sessions:
        return '<p class="quiet">No chats yet.</p>'
    return f'<ul class="sessions">{"".join(_session(one, one.id == chosen) for one in sessions)}</ul>'


def _session(session: Session, chosen: bool) -> str:
    name = escape(session.title)
    current = ' aria-current="true"' if chosen else ""
    change = "".join(
        f'<button type="button" class="plain" name="{act}" value="{session.id}" '
        f'aria-label="{label} {name}">{label}</button>'
        for act, label in (("edit_title", "Rename"), ("forget", "Delete"))
    )
    return (
        f'<li class="{"chosen" if chosen else ""}"><button type="button" class="session" name="choose" '
        f'value="{session.id}"{current}><span class="title">{name}</span>'
        f'<span class="quiet">{ago(session.updated_at)}</span></button>{change}</li>'
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
