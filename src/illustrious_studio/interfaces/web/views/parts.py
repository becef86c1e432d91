"""Pieces of HTML that more than one tab shows: a picture's buttons, its settings, a job's progress.

Everything that a person or a model wrote is escaped here. An action is a button with a name and a value; the page's
script hands both to the server, so these pieces work wherever they stand.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.domain.jobs import JobProgress
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.metadata.infotext import details_fields, hires_words, written
from illustrious_studio.domain.metadata.record import ImageMetadata
from illustrious_studio.domain.outpainting import SIDES, Outpaint
from illustrious_studio.domain.setting import Setting, is_recorded
from illustrious_studio.domain.upscaling import UpscaleRecord


def act(name: str, value: str, label: str, *, title: str = "", style: str = "") -> str:
    """A button that does something to a picture, a job or a session."""
    hint = f' title="{escape(title)}"' if title else ""
    shown = escape(label)
    return f'<button type="button" class="act {style}" name="{name}" value="{escape(value)}"{hint}>{shown}</button>'


def picture_url(item_id: str) -> str:
    return f"pictures/{item_id}.png"


def thumbnail_url(item_id: str) -> str:
    return f"pictures/{item_id}/thumbnail.webp"


def seconds(value: float) -> str:
    """A time as people say it."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min"


def facts(metadata: ImageMetadata) -> str:
    """Seed, size, time and model in a line, as far as they are known."""
    seed = metadata.request.seed
    parts = [
        f'Seed <button type="button" class="plain" name="seed" value="{seed}" '
        f'title="Use this seed for the next picture">{seed}</button>'
        if seed >= 0
        else "",
        f"{metadata.width} × {metadata.height}",
        seconds(metadata.seconds) if metadata.seconds else "",
        escape(metadata.checkpoint),
        escape(_upscaled(metadata.upscale)) if metadata.upscale is not None else "",
    ]
    return f'<p class="facts">{"".join(f"<span>{part}</span>" for part in parts if part)}</p>'


def picture_buttons(item: GalleryItem, *, everywhere: bool = True) -> str:
    """What one can do with a picture."""
    buttons = [
        f'<a class="act" href="{picture_url(item.id)}?download" download="{item.stem}.png">Download</a>',
        act("regenerate", item.id, "Regenerate", title="The same settings, another seed"),
        act(
            "variation",
            item.id,
            "Variation",
            title="Nearly the same picture: the same seed, CFG scale and steps changed a little",
        ),
        act("to_chat", item.id, "Send to chat", title="Ask the chat about this picture"),
        act("img2img", item.id, "Image to image", title="Start from this picture, or inpaint a part of it"),
        act("outpaint", item.id, "Outpaint", title="Make its canvas larger, and draw what is new"),
        act("upscale", item.id, "Upscale", title="Twice as wide and high, as a new picture"),
        act(
            "redraw",
            item.id,
            "Upscale and redraw",
            title="Twice as wide and high, then drawn over in tiles by the model in use; that takes a while",
        ),
        act(
            "detail",
            item.id,
            "Detail",
            title="Its faces drawn again, larger, and put back: found by its layout, or by a detector",
        ),
        act("cutout", item.id, "Remove background", title="A PNG with a transparent background, to download"),
        act("reuse", item.id, "Reuse settings", title="Put its prompt and settings into the form"),
    ]
    if everywhere:
        buttons.append(act("delete", item.id, "Delete", style="danger"))
    return f'<div class="buttons">{"".join(buttons)}</div>'


def _upscaled(record: UpscaleRecord) -> str:
    """From which size, by what, and how long it took."""
    by = " and ".join(filter(None, [record.request.upscaler, record.request.upscaler_2]))
    return f"Upscaled from {record.from_width} × {record.from_height} by {by} in {seconds(record.seconds)}"


def settings_rows(metadata: ImageMetadata) -> list[tuple[str, str]]:
    """Everything that made a picture, as names and values."""
    request = metadata.request
    rows = [
        (setting.label, _shown(getattr(request, name), setting))
        for name, setting in SETTINGS.items()
        if name not in ("width", "height", "hires", "details") and is_recorded(request, name, setting)
    ]
    if request.hires is not None:
        rows += hires_words(request.hires).items()
    rows += details_fields(request.details).items()
    if request.prompt != metadata.origin.words:
        rows.append(("Typed", metadata.origin.words))
    rows += [
        ("Size", f"{metadata.width} × {metadata.height}"),
        ("Upscale", _upscaled(metadata.upscale) if metadata.upscale else ""),
        ("First pass" if request.hires else "Inpaint size", _drawn_size(metadata)),
        ("Model", metadata.checkpoint),
        ("Model hash", metadata.checkpoint_hash or ""),
        ("Device", f"{metadata.device}, {metadata.dtype}" if metadata.device else ""),
        ("Time", seconds(metadata.seconds) if metadata.seconds else ""),
        ("Memory", "; ".join(filter(None, (metadata.placement, *metadata.attempts)))),
        ("Batch size", str(metadata.batch_size) if metadata.batch_size > 1 else ""),
        ("Created", f"{metadata.created_at.astimezone():%d %B %Y, %H:%M}"),
        *metadata.unusable.items(),
    ]
    return [(name, value) for name, value in rows if value]


def _shown(value: object, setting: Setting) -> str:
    if isinstance(value, Layout):
        return _layout(value)
    if setting is SETTINGS["image"] or setting is SETTINGS["mask"]:
        return "a picture that was given"
    if isinstance(value, Outpaint):
        return ", ".join(f"{getattr(value, side)} px {side}" for side in SIDES if getattr(value, side))
    return written(value, setting)


def _drawn_size(metadata: ImageMetadata) -> str:
    """Where it is not the picture's: that of the first pass, or of the only part that was drawn."""
    size = metadata.request.width, metadata.request.height
    before = (metadata.upscale.from_width, metadata.upscale.from_height) if metadata.upscale else metadata.size
    return "" if None in size or size == before else f"{size[0]} × {size[1]}"


def with_code(text: str) -> str:
    """A sentence of the studio, in which what to type stands between backticks."""
    return "".join(
        f"<code>{escape(part)}</code>" if place % 2 else escape(part) for place, part in enumerate(text.split("`"))
    )


def table(rows: Sequence[tuple[str, str]], caption: str) -> str:
    """Names and values, each value with a copy button."""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><div><span>{escape(value)}</span>'
        f'<button type="button" class="plain copy" name="copy" value="{escape(value)}" '
        f'aria-label="Copy {escape(name.lower())}">Copy</button></div></td></tr>'
        for name, value in rows
    )
    return f'<table class="settings"><caption class="unseen">{escape(caption)}</caption><tbody>{body}</tbody></table>'


def _layout(layout: Layout) -> str:
    things = ", ".join(thing.what for thing in layout.things) or "no things"
    by = {"words": "from the words", "model": "by a language model", "hand": "by hand"}[layout.by]
    return f"{things} ({by})"


def where(progress: JobProgress) -> str:
    """Where a job is, in words."""
    if progress.held_up:
        return f"Waiting. {progress.held_up}"
    if progress.job.state == "queued":
        return "Next in the queue" if progress.ahead <= 1 else f"Waiting, {progress.ahead} before it"
    if progress.step == 0:
        return "Getting ready"
    if progress.step >= progress.steps:
        return "Saving"
    left = "" if progress.seconds_left is None else f", {seconds(progress.seconds_left)} left"
    return f"{'Tile' if progress.job.upscale else 'Step'} {progress.step} of {progress.steps}{left}"


def drawing(progress: JobProgress) -> str:
    """A running job: preview, bar, words, Cancel."""
    job = progress.job
    share = progress.step / progress.steps if progress.steps else 0
    if progress.preview:
        data = b64encode(progress.preview).decode()
        preview = f'<img class="preview" src="data:image/jpeg;base64,{data}" alt="Preview of the picture so far">'
    else:
        preview = '<div class="preview blank"></div>'
    return (
        f'{preview}<div class="bar" role="progressbar" aria-label="Progress" aria-valuenow="{share * 100:.0f}">'
        f'<div style="width:{share:.0%}"></div></div>'
        f'<div class="bar-words"><span>{where(progress)}</span>{act("cancel", job.id, "Cancel", style="small")}</div>'
    )


def notice(text: str, *, kind: str = "", more: str = "") -> str:
    """A sentence where the eyes are; `kind` failed stands out. Nothing for no text."""
    if not text:
        return ""
    role = "alert" if kind == "failed" else "status"
    return f'<div class="notice {kind}" role="{role}"><span>{with_code(text)}</span>{more}</div>'


def tells_a_failure(shown: str) -> bool:
    """Whether this piece of the page is a notice of kind failed."""
    return shown.startswith('<div class="notice failed"')
