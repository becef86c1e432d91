"""What the page shows of the state as it changes: jobs, models, queue. The page asks for it about once a second.

The state itself is on the server (the queue, the models), so a page that was refreshed shows the same at once.
"""

from collections import Counter
from hashlib import blake2s
from html import escape
from typing import Any

from illustrious_studio.domain.jobs import JobProgress
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.interfaces.web.held import always_starts_from_sketch
from illustrious_studio.interfaces.web.views import create, parts
from illustrious_studio.services.models import StudioStatus
from illustrious_studio.services.studio import Studio

WAYS = {"api": "API", "chat": "Chat", "cli": "Command line", "create": "Create"}
WORDS = {"ready": "Ready", "loading": "Loading", "failed": "Failed", "absent": "Missing"}
BACKENDS = {
    "ollama": "Ollama",
    "openai": "OpenAI-compatible server",
    "embedded": "Built-in language model",
    "builtin": "Built-in vision model",
    "sdxl": "Stable Diffusion XL",
}
IN_THE_CLOUD = "Ollama's cloud: what you write to it leaves this machine"


def snapshot(studio: Studio, seen: str, after: str | None) -> dict[str, Any]:
    """The state for the page; only the jobs when nothing else changed since the one marked `seen`.

    `after`: the last job of which the page has shown how it ended; None for a page that shows nothing yet. So it learns
    of each end, however quickly a job was over and however late the page asks.
    """
    active = studio.jobs.active()
    status = studio.models.model_status()
    regions = {
        "header": header(status),
        "cards": cards(status),
        "queue": queue(active),
        "jobs": queue_table(active),
        "chat_note": chat_note(status),
    }
    mark = blake2s("".join(regions.values()).encode(), digest_size=8).hexdigest()
    return {
        "mark": mark,
        "model": status.sdxl.model,
        "sketches": always_starts_from_sketch(create.checkpoint_of(studio)),
        "regions": {} if mark == seen else regions,
        "jobs": [
            {
                "id": one.job.id,
                "running": one.job.state == "running",
                "html": parts.drawing(one),
            }
            for one in active
        ],
        "ended": [
            {"id": job.id, "session": job.origin.session_id}
            for job in ([] if after is None else studio.jobs.ended(after))
        ],
    }


def health(status: StudioStatus) -> tuple[str, str]:
    """The one dot for the whole: its state, and why it is not green."""
    three = three_models(status)
    for state in ("failed", "absent", "loading"):
        for name, model in three.items():
            if model.state == state:
                kind = "waiting" if state == "loading" else "broken"
                return kind, f"{name}: {WORDS[state].lower()}. {model.reason}".strip()
    return "ready", "Everything is ready"


def three_models(status: StudioStatus) -> dict[str, ModelStatus]:
    """The models by what they are called on the page."""
    return {"Image model": status.sdxl, "Chat model": status.ollama, "Vision model": status.multimodal}


def header(status: StudioStatus) -> str:
    """Checkpoint, chat model and the dot; each leads to System."""
    kind, why = health(status)
    return (
        f"{_chip('Image model', status.sdxl)}{_chip('Chat model', status.ollama)}"
        f'<button type="button" class="dot {kind}" name="tab" value="system" title="{escape(why)}" '
        f'aria-label="State: {escape(why)}"></button>'
    )


def _chip(name: str, model: ModelStatus) -> str:
    return (
        f'<button type="button" class="chip" name="tab" value="system" title="{name}. Press to switch.">'
        f'<span class="chip-role">{name}</span> {escape(model.model or WORDS[model.state])}'
        f"{' (in the cloud)' if model.remote else ''}</button>"
    )


def cards(status: StudioStatus) -> str:
    """A card for each of the three models."""
    return "".join(card(name, model) for name, model in three_models(status).items())


def where_it_runs(model: ModelStatus) -> str:
    return BACKENDS.get(model.backend, model.backend) + (f", {model.device}" if model.device else "")


def card(name: str, model: ModelStatus) -> str:
    kind = {"ready": "ready", "loading": "waiting"}.get(model.state, "broken")
    rows = [
        ("Model", model.model or "none"),
        ("Runs on", IN_THE_CLOUD if model.remote else where_it_runs(model)),
        ("Can do", ", ".join(model.capabilities)),
        ("Context", f"{model.context_length:,} tokens" if model.context_length else ""),
    ]
    if model.memory:
        rows.append(("Memory", f"{gib(model.memory.used)} of {gib(model.memory.total)} GiB in use"))
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    meter = ""
    if model.memory and model.memory.total:
        share = model.memory.used / model.memory.total
        meter = f'<div class="bar"><div style="width:{share:.0%}"></div></div>'
    style, words = ("reason", model.reason) if model.reason else ("hint", model.hint)
    reason = f'<p class="{style}">{parts.with_code(words)}</p>' if words else ""
    return (
        f'<section class="card"><h2>{name}<span class="state"><span class="dot {kind}"></span>'
        f"{WORDS[model.state]}</span></h2><dl>{listed}</dl>{meter}{reason}</section>"
    )


def gib(size: int) -> str:
    return f"{size / 2**30:.1f}"


def chat_note(status: StudioStatus) -> str:
    """Under the box of Chat, where the answers are not to be trusted."""
    if status.ollama.backend != "embedded":
        return ""
    return "The small built-in model answers. It is often wrong: for real chats use Ollama."


def queue(active: list[JobProgress]) -> str:
    """The waiting ones, short, for Create."""
    waiting = [one for one in active if one.job.state == "queued"]
    if not waiting:
        return ""
    return f'<h3>Queue</h3><ol class="queue">{_rows(waiting)}</ol>'


def queue_table(active: list[JobProgress]) -> str:
    """All jobs, for System."""
    if not active:
        return '<p class="quiet">The queue is empty.</p>'
    return f'<ol class="queue">{_rows(active)}</ol>'


def _rows(jobs: list[JobProgress]) -> str:
    """A line each, and one for all that wait of a grid."""
    waiting = Counter(one.job.origin.grid_id for one in jobs if one.job.state == "queued")
    rows: dict[str, str] = {}
    for one in jobs:
        grid = one.job.origin.grid_id
        if grid is None or one.job.state != "queued":
            rows[one.job.id] = _row(one)
        elif grid not in rows:
            rows[grid] = _grid_row(one, grid, waiting[grid])
    return "".join(f"<li>{row}</li>" for row in rows.values())


def _grid_row(first: JobProgress, grid_id: str, count: int) -> str:
    return (
        f'<span class="queue-prompt">Grid: {escape(first.job.origin.words[:120])}</span>'
        f'<span class="quiet">{count} waiting · {WAYS[first.job.origin.way]}</span>'
        f"{parts.act('cancel_grid', grid_id, 'Cancel', style='small')}"
    )


def _row(one: JobProgress) -> str:
    request = one.job.request
    doing = "Generating" if one.job.upscale is None else "Upscaling"
    state = doing if one.job.state == "running" else parts.where(one)
    what = request.prompt[:120] if one.job.upscale is None else f"Upscale: {request.prompt[:120] or 'a picture'}"
    return (
        f'<span class="queue-prompt">{escape(what)}</span>'
        f'<span class="quiet">{state} · {WAYS[one.job.origin.way]}</span>'
        f"{parts.act('cancel', one.job.id, 'Cancel', style='small')}"
    )
