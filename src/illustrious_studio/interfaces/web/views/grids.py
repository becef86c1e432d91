"""A grid as the page shows it: thumbnails with the values at their rows and columns, filled while it is drawn."""

from html import escape

from illustrious_studio.domain.grids.values import GridCell, GridProgress
from illustrious_studio.interfaces.web.views import parts

WORDS = {"queued": "Waiting", "running": "Drawing", "cancelled": "Cancelled", "failed": "Failed", "done": "Saved"}


def sheet_url(grid_id: str) -> str:
    return f"grids/{grid_id}.png"


def shown(now: GridProgress, *, in_gallery: bool = False) -> str:
    """The whole: where it is, what to do with it, and its pictures."""
    finished = now.ended == len(now.cells)
    bar = "" if finished else f'<div class="bar"><div style="width:{_share(now):.0%}"></div></div>'
    blocks = _blocks(now, "open" if in_gallery else "show")
    return (
        f'<section class="grid-of" aria-label="Grid"{" data-finished" if finished else ""}>'
        f'<div class="grid-head"><span role="status">{escape(where(now))}</span>'
        f'<span class="buttons">{_buttons(now, finished, in_gallery)}</span></div>{bar}{blocks}</section>'
    )


def where(now: GridProgress) -> str:
    """How far it is, in words."""
    axes = " × ".join(axis.label for axis in now.grid.axes if axis is not None)
    pictures, lost = len(now.cells), now.ended - now.done
    if now.ended == pictures:
        missing = f", {lost} not drawn" if lost else ""
        return f"Grid of {axes}: {now.done} {'picture' if now.done == 1 else 'pictures'}{missing}"
    if now.held_up:
        return f"Waiting. {now.held_up}"
    left = "" if now.seconds_left is None else f", {parts.seconds(now.seconds_left)} left"
    return f"Grid of {axes}: {now.done} of {pictures} pictures{left}"


def _share(now: GridProgress) -> float:
    return now.step / now.steps if now.steps else 0.0


def _buttons(now: GridProgress, finished: bool, in_gallery: bool) -> str:
    grid_id, url = now.grid.id, sheet_url(now.grid.id)
    if finished:
        first = (
            f"{parts.act('zoom', url, 'Show sheet', style='small')}"
            f'<a class="act small" href="{url}?download" download="grid-{grid_id}.png">Download sheet</a>'
        )
    else:
        first = parts.act("cancel_grid", grid_id, "Cancel grid", style="small")
    if in_gallery:
        return first + parts.act("grid", "", "All pictures", style="small")
    return first + parts.act("close_grid", grid_id, "Close", style="small")


def _blocks(now: GridProgress, press: str) -> str:
    """`press`: what a press on a picture does."""
    x, y, z = now.grid.axes
    by_place = {cell.place: cell for cell in now.cells}
    columns = range(now.grid.shape[0])
    blocks = []
    for block in range(now.grid.shape[2]):
        head = "".join(f'<th scope="col">{escape(label)}</th>' for label in x.labels) if x is not None else ""
        corner = "<td></td>" if y is not None else ""
        rows = "".join(
            f"<tr>{_row_head(y.labels[row] if y is not None else None)}"
            f"{''.join(_cell(by_place[(column, row, block)], press) for column in columns)}</tr>"
            for row in range(now.grid.shape[1])
        )
        caption = f"<caption>{escape(z.labels[block])}</caption>" if z is not None else ""
        blocks.append(
            f'<div class="grid-block" tabindex="0"><table>{caption}<thead><tr>{corner}{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return "".join(blocks)


def _row_head(label: str | None) -> str:
    return "" if label is None else f'<th scope="row">{escape(label)}</th>'


def _cell(cell: GridCell, press: str) -> str:
    label = escape(cell.label, quote=True)
    if cell.image_id is not None:
        return (
            f'<td><button type="button" class="thumb" name="{press}" value="{cell.image_id}" title="{label}">'
            f'<img src="{parts.thumbnail_url(cell.image_id)}" alt="{label}" loading="lazy" decoding="async">'
            "</button></td>"
        )
    words = escape(cell.error or WORDS[cell.state])
    kind = "lost" if cell.state in ("failed", "cancelled") else "coming"
    step = f" {cell.step}/{cell.steps}" if cell.state == "running" and cell.step else ""
    return f'<td><span class="gap {kind}" title="{label}">{words}{step}</span></td>'
