"""A checkpoint's report in the terminal. What a file says of itself is printed as it is, never as markup."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.checkpoints.words import hash_rows, kind_row, network_rows, prediction_words
from illustrious_studio.domain.presets import WORDS, Preset


def show(report: CheckpointReport, console: Console) -> None:
    """What its file says, what it is thought to be, and what is recommended for it."""
    _print(console, "What its file says", _file_rows(report))
    _print(console, "What it is", [kind_row(report), *(("", doubt) for doubt in report.doubts)])
    table = Table(box=None, pad_edge=False, title="What suits it", title_justify="left", title_style="bold")
    for column in ("setting", "value", "why"):
        table.add_column(column, overflow="fold")
    for one in report.advice:
        table.add_row(Text(one.label), Text(one.value or "none"), Text(one.reason))
    console.print(table)
    for source in report.sources:
        console.print(Text(f"From {source}"))
    kept = "none" if report.preset is None else told(report.preset)
    console.print(Text(f"Its preset: {kept}."))


def told(preset: Preset) -> str:
    """A preset in a line."""
    settings = [f"{name.replace('_', ' ')} {value}" for name, value in preset.settings.items()]
    words = [f"{name.replace('_', ' ')} “{getattr(preset, name)}”" for name in WORDS if getattr(preset, name)]
    return ", ".join([*settings, *words]) or "empty"


def _file_rows(report: CheckpointReport) -> Iterator[tuple[str, str]]:
    yield "File", report.file
    yield "Predicts", prediction_words(report)
    yield from network_rows(report)
    yield from hash_rows(report)
    for note in report.notes:
        yield note.label, note.text
    if report.merged_from:
        names = ", ".join(one.name or one.hash[:10] for one in report.merged_from)
        more = f", and {report.more_parents} more" if report.more_parents else ""
        yield "Merged from", f"{names}{more}"
    if report.merge_recipe:
        yield "Merged how", report.merge_recipe


def _print(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, title=title, title_justify="left", title_style="bold")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    console.print(table)
