"""The left side of Create: the picture with its facts and buttons, the empty screen, the sentences.

Plain functions from values to HTML; nothing here waits.
"""

import secrets
from collections.abc import Sequence
from html import escape

from illustrious_studio.domain.errors import NothingKnown, Unavailable
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.web.views import gallery as gallery_view
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.services.studio import Studio

REAL_MODEL = '<button type="button" class="plain" name="steps_show" value="">Show the three steps</button>'
VARIATIONS = (0.75, 0.85, 1.15, 1.3)


def checkpoint_of(studio: Studio) -> Checkpoint | None:
    """The image model in use, or None while there is none."""
    try:
        return studio.models.checkpoint()
    except Unavailable:
        return None


def waiting() -> str:
    """Before the server has answered."""
    return '<div class="frame"></div>'


def picture(item: GalleryItem, studio: Studio) -> str:
    """The picture, its facts, its buttons, and which of its words are not in it."""
    metadata = item.metadata
    alt = escape(metadata.request.prompt[:300])
    return (
        f'<div class="frame"><button type="button" class="zoom" name="zoom" value="{parts.picture_url(item.id)}" '
        f'aria-label="Show full size"><img src="{parts.picture_url(item.id)}" alt="{alt}" '
        f'width="{metadata.width}" height="{metadata.height}"></button></div>'
        f'<p class="words" title="{alt}">{escape(metadata.request.prompt)}</p>'
        f"{not_drawn(metadata.request.layout, studio)}"
        f"{parts.facts(metadata)}{parts.picture_buttons(item)}"
    )


def empty(checkpoint: Checkpoint | None) -> str:
    """The empty screen teaches: prompts to press, and the image model."""
    if checkpoint is None:
        return (
            '<div class="frame teach"><p>No image model can be used yet.</p>'
            '<button type="button" class="act" name="tab" value="system">See what is missing</button></div>'
        )
    examples = _examples(checkpoint.examples[:3])
    heading = "<h2>Try one of these</h2>" if examples else "<h2>Say what you would like to see</h2>"
    return f'<div class="frame teach">{heading}{examples}</div>'


def _examples(prompts: Sequence[str]) -> str:
    return "".join(
        f'<button type="button" class="example" name="example" value="{escape(one)}">{escape(one)}</button>'
        for one in prompts
    )


def about(checkpoint: Checkpoint | None) -> str:
    """One line on the image model: for the built-in model how to use a real one, for others what suits them."""
    if checkpoint is None:
        return ""
    if checkpoint.builtin:
        return f'<p class="about">{escape(checkpoint.about)} {REAL_MODEL}</p>'
    about = escape(checkpoint.about or checkpoint.name)
    kept = parts.act("use_preset", checkpoint.name, "Use its preset", style="small")
    known = kept if checkpoint.override.preset is not None else ""
    suits = parts.act("report", checkpoint.name, "What suits it?", title="Its report, in System", style="small")
    return f'<p class="about">{about} {known}{suits}</p>'


def strip(items: Sequence[GalleryItem]) -> str:
    """The last pictures, small."""
    return f'<div class="strip">{"".join(gallery_view.thumb(item, "show") for item in items)}</div>'


def not_drawn(layout: Layout | None, studio: Studio) -> str:
    """One quiet line of the words that are not in the sketch; nothing where all are."""
    words = studio.sketches.not_drawn(layout) if layout is not None else ""
    return f'<p class="quiet not-drawn">{escape(words)}</p>' if words else ""


def nothing_known(error: NothingKnown) -> str:
    """Why nothing is drawn, and prompts to press that can be."""
    return parts.notice(
        error.detail, kind="failed", more=f'<div class="examples">{_examples(error.examples[:5])}</div>'
    )


def failure(job: Job) -> str:
    """Why a job failed, and a button that tries again."""
    return parts.notice(job.error, kind="failed", more=parts.act("retry", job.id, "Try again", style="small"))


def enhanced(before: str, after: str, note: str, model: str) -> str:
    """Before and after an enhancement; it can be undone."""
    if before == after:
        return parts.notice(note or "The prompt was left as it is.")
    by = f'<p class="quiet">{escape(note or f"Enhanced by {model}.")}</p>'
    return (
        f'<div class="before-after" role="status"><p><b>Before</b> {escape(before)}</p>'
        f"<p><b>After</b> {escape(after)}</p>{by}{parts.act('undo_enhance', before, 'Undo', style='small')}</div>"
    )


def with_new_seed(request: ImageRequest) -> ImageRequest:
    """The same with another seed. What the words alone were laid out as came from the seed, and so is another, too."""
    update: dict[str, object] = {"seed": -1}
    if request.layout is not None and request.layout.by == "words":
        update |= {"layout": None, "layout_from_words": True}
        if request.layout_as == "both":
            update["regions"] = ()
    return request.model_copy(update=update)


def varied(request: ImageRequest) -> ImageRequest:
    """Nearly the same picture: its seed stays, guidance and steps change a little."""
    guidance = round(min(30.0, max(1.0, request.guidance) * secrets.choice(VARIATIONS)), 2)
    steps = min(150, max(1, request.steps + secrets.choice((-2, -1, 1, 2))))
    return request.model_copy(update={"guidance": guidance, "steps": steps})
