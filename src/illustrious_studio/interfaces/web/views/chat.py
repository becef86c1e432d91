"""How a chat looks: its messages, the answer being generated, and the list of sessions.

A picture that is being generated is an empty place with its job's id; the page's script fills it with the progress.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

from illustrious_studio.domain.chat import Message, Session
from illustrious_studio.interfaces.web.chat_streams import Generation
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views.markdown import markdown

EMPTY_CHAT = (
    '<div class="empty-chat"><h2>Ask anything</h2>'
    '<p>Begin with <button type="button" class="plain" name="say" value="#generate ">#generate</button> '
    "to generate a picture.</p></div>"
)


def stored(messages: Sequence[Message], generation: Generation | None, running: Callable[[str], bool]) -> str:
    """The chat as it is kept. `running` says of a job whether it is not over yet."""
    growing = generation is not None and not generation.finished
    shown = [
        _message(message, running)
        for message in messages
        if message.role != "system"
        and not (growing and generation and message.job_id and message.job_id == generation.job_id)
    ]
    return "".join(shown)


def growing(generation: Generation | None, messages: Sequence[Message]) -> str:
    """What is not kept (yet): the answer as it grows; after it, what the person should know about it."""
    if generation is None:
        return ""
    if generation.finished:
        shown = bool(messages) and generation.error in messages[-1].content
        asked = _user(generation.user_message, generation.pictures) if generation.error and not messages else ""
        failure = "" if shown else parts.notice(generation.error, kind="failed")
        return asked + failure + _notices(generation)
    asked = "" if is_stored(messages, generation) else _user(generation.user_message, generation.pictures)
    body = markdown(generation.text)
    if generation.job_id and not generation.image_id:
        body += markdown(f"Generating: {generation.prompt}") + drawing_place(generation.job_id)
    if generation.image_id:
        body += picture_card(generation.image_id, generation.prompt)
    if not generation.text and not generation.job_id:
        words = "Thinking" if generation.thinking else "Waiting for the first word"
        body = f'<p class="waiting">{words}</p>'
    thought = _thought(generation.thinking, "Thoughts so far" if not generation.text else "Thoughts")
    answer = f'<article class="answer" aria-busy="true">{thought}<div class="md">{body}</div></article>'
    return asked + answer + _notices(generation)


def is_stored(messages: Sequence[Message], generation: Generation) -> bool:
    """Whether the person's message is among those kept."""
    last = next((message for message in reversed(messages) if message.role == "user"), None)
    return last is not None and last.content == generation.user_message and last is messages[-1]


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
        f'<p class="byline">{" · ".join(notes)}</p></article>'
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


def _notices(generation: Generation) -> str:
    return "".join(parts.notice(text) for text in generation.notices)


def picture_card(item_id: str, words: str) -> str:
    """A picture in a chat, with what one can do with it."""
    url = parts.picture_url(item_id)
    return (
        f'<div class="chat-picture"><button type="button" class="zoom" name="zoom" value="{url}" '
        f'aria-label="Show full size"><img src="{url}" alt="{escape(words[:300])}" loading="lazy"></button>'
        f'<div class="buttons"><a class="act" href="{url}?download" download="{item_id}.png">Download</a>'
        f"{parts.act('regenerate', item_id, 'Regenerate')}{parts.act('variation', item_id, 'Variation')}"
        f"{parts.act('reuse', item_id, 'Reuse settings')}</div></div>"
    )


def drawing_place(job_id: str) -> str:
    """Where the progress of a job appears."""
    return f'<div class="chat-drawing" data-progress="{job_id}"></div>'


def session_list(sessions: Sequence[Session], chosen: str) -> str:
    """The sessions, last one first."""
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
