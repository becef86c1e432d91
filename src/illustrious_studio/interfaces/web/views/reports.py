"""Checkpoints in System: a row for each, and the report of one. All that stands in a file's header is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from urllib.parse import quote

from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.checkpoints.words import (
    hash_rows,
    kind_row,
    network_rows,
    prediction_words,
    size_words,
)
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.values import printable
from illustrious_studio.interfaces.web.views import parts
from illustrious_studio.interfaces.web.views.parts import act
from illustrious_studio.services.model_hashes import FoundByHash, Kind

KINDS: dict[Kind, str] = {
    "checkpoint": "Checkpoints",
    "vae": "VAEs",
    "lora": "LoRAs",
    "embedding": "Embeddings",
    "upscaler": "Upscalers",
    "control": "Control models",
    "detector": "Detectors",
}
NOTHING_KNOWN = "Nothing is known of where it comes from."


def rows(reports: Sequence[CheckpointReport], in_use: str, shown: str) -> str:
    """All checkpoints, each with what it is in a line and its report behind a button."""
    listed = "".join(_row(report, in_use=report.name == in_use, shown=report.name == shown) for report in reports)
    return f'<ul class="checkpoints">{listed}</ul>'


def advice(one: CheckpointReport) -> str:
    """What it is, what is doubtful, and what suits it, to be kept by one press."""
    picture = ""
    if one.thumbnail:
        picture = f'<img alt="" loading="lazy" src="checkpoints/{quote(one.name, safe="")}/thumbnail.webp">'
    doubts = "".join(parts.notice(doubt) for doubt in one.doubts)
    hashing = f' data-hashing="{escape(one.name)}"' if one.hashing else ""
    use = act("use_offered", one.name, "Use this as its preset", title="Keep it, and put it into Create")
    return (
        f'<article class="report"{hashing}><header>{picture}<div><h2>{escape(one.name)}</h2>'
        f"<p>{escape(kind_row(one)[1])}</p></div></header>{doubts}<h3>What suits it</h3>{_advice(one)}"
        f'<div class="buttons">{use}</div></article>'
    )


def facts(one: CheckpointReport) -> str:
    """What its file says, and what its family was told by."""
    merged = [parent.name or parent.hash[:10] for parent in one.merged_from]
    if one.more_parents:
        merged.append(f"and {one.more_parents:,} more")
    said = [
        ("File", one.file),
        ("Predicts", prediction_words(one)),
        *network_rows(one),
        *((note.label, note.text) for note in one.notes if note.key != "modelspec.merged_from"),
        *([("Merged from", ", ".join(merged))] if merged else []),
        *([("Merged how", one.merge_recipe)] if one.merge_recipe else []),
    ]
    hashes = list(hash_rows(one))
    named = [(item.family, f"{_place(item.place)}: {item.text}") for item in one.evidence]
    names = _table(named, "What names its family") if named else f'<p class="quiet">{NOTHING_KNOWN}</p>'
    return (
        f'<article class="report"><h3>What its file says</h3>{_table(said, "What its file says")}'
        f"{parts.table(hashes, 'Hashes') if hashes else ''}<h3>What names its family</h3>{names}</article>"
    )


def refused(files: Mapping[Kind, Sequence[RefusedFile]]) -> str:
    """Why files that somebody put among the models are not among those to choose from; nothing where there are none."""
    kinds = "".join(
        f"<h3>{KINDS[kind]}</h3><ul>{''.join(map(_refused, there))}</ul>" for kind, there in files.items() if there
    )
    return f'<div class="refused-files quiet"><h2>Files that cannot be used</h2>{kinds}</div>' if kinds else ""


def found(files: FoundByHash) -> str:
    """What has a hash."""
    listed = "".join(
        f"<li>{escape(KINDS[one.kind][:-1])} <b>{escape(one.name)}</b> "
        f"<span>AutoV2 {one.auto_v2 or 'unknown'}</span></li>"
        for one in files.files
    )
    if listed:
        return f'<ul class="quiet" role="status">{listed}</ul>'
    number = f"{files.unknown} files are" if files.unknown != 1 else "One file is"
    more = f" {number} not hashed yet. That is done now: look again in a while." if files.unknown else ""
    return f'<p class="quiet" role="status">No model file here is known to have that hash.{more}</p>'


def _row(one: CheckpointReport, *, in_use: bool, shown: bool) -> str:
    unet = next((part for part in one.parts if part.name == "UNet"), None)
    precision = next(iter(unet.precision), "") if unet is not None else ""
    family = "built-in" if one.builtin else one.family or "unknown family"
    kind = "v-prediction" if one.prediction_type == "v_prediction" else ""
    told = (family, kind, precision, size_words(one.size_bytes), one.auto_v2)
    marks = [mark for mark, on in (("in use", in_use), ("has a preset", one.preset is not None)) if on]
    marked = "".join(f'<span class="mark">{mark}</span>' for mark in marks)
    button = act("report", one.name, "Report", title=f"What {one.name} is, and what suits it", style="small")
    current = ' aria-current="true"' if shown else ""
    return (
        f"<li{current}><div><strong>{escape(one.name)}</strong>{marked}"
        f'<span class="quiet">{escape(" · ".join(filter(None, told)))}</span></div>{button}</li>'
    )


def _advice(one: CheckpointReport) -> str:
    body = "".join(
        f'<tr><th scope="row">{escape(advice.label)}</th><td><span>{escape(advice.value) or "none"}</span>'
        f'<span class="quiet">{parts.with_code(advice.reason)}</span></td></tr>'
        for advice in one.advice
    )
    sizes = ", ".join(f"{width} × {height}" for width, height in one.sizes)
    links = ", ".join(
        f'<a href="{escape(source)}" target="_blank" rel="noopener noreferrer">{escape(source)}</a>'
        for source in one.sources
    )
    read = f"<p class='quiet'>Recommended by {links}.</p>" if links else ""
    return (
        f'<table class="settings advice"><caption class="unseen">What suits it</caption><tbody>{body}</tbody></table>'
        f"<p class='quiet'>Sizes it draws well: {sizes}.</p>{read}"
    )


def _table(said: Iterable[tuple[str, str]], caption: str) -> str:
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><span>{escape(value)}</span></td></tr>' for name, value in said
    )
    return f'<table class="settings"><caption class="unseen">{escape(caption)}</caption><tbody>{body}</tbody></table>'


def _place(place: str) -> str:
    return {"name": "Its name", "hash": "Its hash", "merged from": "Merged from"}.get(place, f"Note {place}")


def _refused(file: RefusedFile) -> str:
    return f"<li><b>{escape(printable(file.path.name))}</b> {escape(file.reason)}</li>"
