"""The left side of Create: the picture with its facts and buttons, the empty screen, the sentences.

Plain functions from values to HTML; nothing here waits.
"""

import secrets
from collections.abc import Sequence
from html import escape

from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.domain.gallery import GalleryItem
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.jobs import Job
from illustrious_studio.domain.layout.values import Layout
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.interfaces.web.views import gallery as gallery_view
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.services.studio import Studio

REAL_MODEL = (
    "Start the studio with --sd-model FILE.safetensors, or put the file into its checkpoints folder, "
    "and choose it under System."
)
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
    """The picture, its facts, its buttons, and which of its words the sketch did not know."""
    metadata = item.metadata
    words = unknown_words(metadata.request.layout, studio) if metadata.request.layout else ""
    alt = escape(metadata.request.prompt[:300])
    return (
        f'<div class="frame"><button type="button" class="zoom" name="zoom" value="{parts.picture_url(item.id)}" '
        f'aria-label="Show full size"><img src="{parts.picture_url(item.id)}" alt="{alt}" '
        f'width="{metadata.width}" height="{metadata.height}"></button></div>'
        f'<p class="words" title="{alt}">{escape(metadata.request.prompt)}</p>'
        f"{parts.facts(metadata)}{parts.picture_buttons(item)}{parts.notice(words)}"
    )


def empty(checkpoint: Checkpoint | None) -> str:
    """The empty screen teaches: prompts to press, and the image model."""
    if checkpoint is None:
        return (
            '<div class="frame teach"><p>No image model can be used yet.</p>'
            '<button type="button" class="act" name="tab" value="system">See what is missing</button></div>'
        )
    examples = "".join(
        f'<button type="button" class="example" name="example" value="{escape(one)}">{escape(one)}</button>'
        for one in checkpoint.examples[:3]
    )
    heading = "<h2>Try one of these</h2>" if examples else "<h2>Say what you would like to see</h2>"
    return f'<div class="frame teach">{heading}{examples}</div>'


def about(checkpoint: Checkpoint | None) -> str:
    """One line on the image model, and for the built-in model how to use a real one."""
    if checkpoint is None or not checkpoint.about:
        return ""
    more = f" {REAL_MODEL}" if checkpoint.builtin else ""
    return f'<p class="about">{escape(checkpoint.about)}{more}</p>'


def strip(items: Sequence[GalleryItem]) -> str:
    """The last pictures, small."""
    return f'<div class="strip">{"".join(gallery_view.thumb(item, "show") for item in items)}</div>'


def unknown_words(layout: Layout, studio: Studio) -> str:
    """Which words name nothing that the sketch knows, and the nearest that it does; nothing when it knows all."""
    guessed = ", ".join(f"{guess.word} taken for {guess.taken_for}" for guess in layout.guessed)
    if not layout.unknown:
        return f"{guessed[:1].upper()}{guessed[1:]}." if guessed else ""
    listed = []
    for word in layout.unknown[:4]:
        near = ", ".join(studio.sketches.nearest(word))
        listed.append(f"“{word}” (nearest: {near})" if near else f"“{word}”")
    beginning = "Not known" if layout.things else "None of these words is known"
    return f"{beginning}: {'; '.join(listed)}.{f' Guessed: {guessed}.' if guessed else ''}"


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
    return request.model_copy(update=update)


def varied(request: ImageRequest) -> ImageRequest:
    """Nearly the same picture: its seed stays, guidance and steps change a little."""
    guidance = round(min(30.0, max(1.0, request.guidance) * secrets.choice(VARIATIONS)), 2)
    steps = min(150, max(1, request.steps + secrets.choice((-2, -1, 1, 2))))
    return request.model_copy(update={"guidance": guidance, "steps": steps})
