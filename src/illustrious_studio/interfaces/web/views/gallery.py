"""The gallery's HTML: a page of thumbnails, and one picture large with everything that made it."""

from html import escape

from illustrious_studio.domain.gallery import GalleryItem, GalleryPage, Reindexed
from illustrious_studio.interfaces.web.views import parts


def thumb(item: GalleryItem, name: str = "open") -> str:
    """A thumbnail to press."""
    metadata = item.metadata
    title = escape((metadata.request.prompt or metadata.origin.words)[:200])
    star = '<span class="star" aria-hidden="true"></span>' if item.favourite else ""
    return (
        f'<button type="button" class="thumb" name="{name}" value="{item.id}" title="{title}" '
        f'style="aspect-ratio:{metadata.width}/{metadata.height}">'
        f'<img src="{parts.thumbnail_url(item.id)}" alt="{title}" loading="lazy" decoding="async">{star}</button>'
    )


def grid(page: GalleryPage, *, first: bool, filtered: bool) -> str:
    """Thumbnails, and where the next page begins."""
    if first and not page.items:
        if filtered:
            return '<p class="empty">No picture fits. Try fewer words or take a filter away.</p>'
        return (
            '<p class="empty">Nothing here yet. Every picture you generate is kept here with its settings.'
            '<button type="button" class="act" name="tab" value="create">Generate one</button></p>'
        )
    more = f'<div class="more" data-cursor="{escape(page.cursor)}"></div>' if page.cursor else ""
    return "".join(thumb(item) for item in page.items) + more


def large(item: GalleryItem) -> str:
    """One picture with all of its settings."""
    metadata = item.metadata
    favourite = parts.act(
        "favourite",
        f"{item.id} {'off' if item.favourite else 'on'}",
        "Favourite, take away" if item.favourite else "Favourite",
        style="on" if item.favourite else "",
    )
    origin = metadata.origin
    chat = parts.act("open_chat", origin.session_id, "Its chat") if origin.session_id and origin.way == "chat" else ""
    grid = parts.act("grid", origin.grid_id, "Its grid") if origin.grid_id else ""
    return (
        f'<div class="viewer-picture"><img src="{parts.picture_url(item.id)}" '
        f'alt="{escape(metadata.request.prompt[:300])}" '
        f'width="{metadata.width}" height="{metadata.height}"></div>'
        f'<div class="viewer-side">{parts.picture_buttons(item)}<div class="buttons">{favourite}{chat}{grid}</div>'
        f"{parts.table(parts.settings_rows(metadata), 'Settings of this picture')}</div>"
    )


def reindexed(found: Reindexed) -> str:
    """What a look at the folder found, and why some files in it are no pictures of the gallery."""
    lines = "".join(f"<li><b>{escape(one.file)}</b> {escape(one.reason)}</li>" for one in found.left_out)
    pictures = "1 picture" if found.pictures == 1 else f"{found.pictures} pictures"
    said = f"{pictures}, {found.imported or 'none'} of them new in the folder.{' Left out:' if lines else ''}"
    return parts.notice(said, kind="with-list", more=f"<ul>{lines}</ul>" if lines else "")
