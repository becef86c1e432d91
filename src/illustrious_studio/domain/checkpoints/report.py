"""The report on a checkpoint: what its file says, what its name hints, and what is recommended, told apart.

A pure function of what was read (`CheckpointFacts`), so that every rule is tested by table.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from illustrious_studio.domain.checkpoints.families import (
    Certainty,
    Evidence,
    Family,
    Lineage,
    distilled_by,
    lineage,
    steps_named,
)
from illustrious_studio.domain.checkpoints.merges import Parent, clean, parents_of, recipe_of
from illustrious_studio.domain.checkpoints.recommendations import SDXL_SIZES, USUAL, Recommendation, recommended
from illustrious_studio.domain.checkpoints.values import CheckpointFacts, FileHash, Part
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.domain.models import Checkpoint, PredictionType
from illustrious_studio.domain.presets import SETTINGS as PRESET_SETTINGS
from illustrious_studio.domain.presets import Preset
from illustrious_studio.domain.sampling import AUTOMATIC, NOT_WITH_ZERO_SNR, SAMPLERS
from illustrious_studio.domain.values import Value

Source = Literal["person", "file", "assumed"]
"""Who says so: you, its file, or nobody, and it is what nearly all checkpoints are."""

NOTES = {
    "modelspec.title": "Title",
    "modelspec.author": "Author",
    "modelspec.license": "Licence",
    "modelspec.date": "Date",
    "modelspec.resolution": "Trained at",
    "modelspec.usage_hint": "Usage",
    "modelspec.tags": "Tags",
    "modelspec.trigger_phrase": "Trigger phrase",
    "modelspec.architecture": "Architecture",
    "modelspec.implementation": "Implementation",
    "modelspec.merged_from": "Merged from",
    "ss_sd_model_name": "Trained from",
    "ss_output_name": "Trained as",
    "ss_base_model_version": "Base model",
    "ss_num_train_images": "Training pictures",
    "ss_epoch": "Epochs",
    "ss_steps": "Training steps",
    "modelspec.description": "Description",
}
"""The header's notes that are shown, and what they are called there."""
WORDS = {"before": "Words before the prompt", "after": "Words after the prompt", "negative_prompt": "Negative prompt"}
LABELS = {
    "width": "Size",
    **{name: SETTINGS[name].label for name in PRESET_SETTINGS},
    **WORDS,
}
"""What a preset sets, by the names of its fields; `width` speaks for both sides."""


class Note(Value):
    """What a note in the file's header says, in one line."""

    key: str
    label: str
    text: str


class Advice(Value):
    """What is recommended for one setting, and why."""

    setting: str = Field(description="The preset's field; `width` speaks for both sides.")
    label: str
    value: str
    reason: str


class CheckpointReport(Value):
    """All that can be told of a checkpoint without loading it."""

    name: str
    file: str
    builtin: bool
    size_bytes: int
    # What its file says.
    architecture: str = "SDXL"
    prediction_type: PredictionType
    prediction_source: Source
    zero_terminal_snr: bool
    parts: tuple[Part, ...]
    parameters: int
    own_vae: bool
    notes: tuple[Note, ...]
    merged_from: tuple[Parent, ...]
    more_parents: int = Field(description="How many more it names than are listed.")
    merge_recipe: str
    thumbnail: bool = Field(description="Whether it brings a picture.")
    auto_v1: str | None
    hashes: FileHash
    hashing: bool = Field(description="Whether its hashes are being computed: ask again.")
    # What it is thought to be.
    family: Family | None
    certainty: Certainty
    version: str
    evidence: tuple[Evidence, ...]
    doubts: tuple[str, ...] = Field(description="Where it is not clear what it is, in sentences.")
    # What is recommended.
    sizes: tuple[tuple[int, int], ...]
    advice: tuple[Advice, ...]
    sources: tuple[str, ...] = Field(description="Where the recommendations were read.")
    offered: Preset = Field(description="The recommendations as a preset.")
    preset: Preset | None = Field(description="The preset that is kept for it.")

    @property
    def auto_v2(self) -> str | None:
        return self.hashes.auto_v2

    @property
    def auto_v3(self) -> str | None:
        return self.hashes.auto_v3


def report_of(checkpoint: Checkpoint, facts: CheckpointFacts, hashes: FileHash, *, hashing: bool) -> CheckpointReport:
    """What these facts come to."""
    metadata = facts.metadata
    parents, more = parents_of(metadata)
    known = Lineage() if checkpoint.builtin else lineage(checkpoint.name, metadata, parents, hashes.auto_v2)
    best = _recommendation(checkpoint, metadata, known)
    return CheckpointReport(
        name=checkpoint.name,
        file=clean(checkpoint.path.name),
        builtin=checkpoint.builtin,
        size_bytes=checkpoint.size_bytes,
        prediction_type=checkpoint.prediction_type,
        prediction_source=_source(checkpoint, facts),
        zero_terminal_snr=checkpoint.zero_terminal_snr,
        parts=facts.parts,
        parameters=sum(part.parameters for part in facts.parts),
        own_vae=any(part.name == "VAE" for part in facts.parts),
        notes=tuple(
            Note(key=key, label=label, text=text)
            for key, label in NOTES.items()
            if (text := clean(metadata.get(key, "")))
        ),
        merged_from=parents,
        more_parents=more,
        merge_recipe=recipe_of(metadata),
        thumbnail=facts.thumbnail,
        auto_v1=facts.auto_v1,
        hashes=hashes,
        hashing=hashing,
        family=known.family,
        certainty=known.certainty,
        version=known.version,
        evidence=known.evidence,
        doubts=_doubts(checkpoint, facts, known, best),
        sizes=_sizes(checkpoint),
        advice=_advice(best),
        sources=best.sources,
        offered=best.preset,
        preset=checkpoint.override.preset,
    )


def _recommendation(checkpoint: Checkpoint, metadata: Mapping[str, str], known: Lineage) -> Recommendation:
    if checkpoint.builtin:
        own = "It says so itself."
        return USUAL.with_values(
            width=(checkpoint.native_width, own),
            height=(checkpoint.native_height, own),
            steps=(checkpoint.steps, own),
            guidance=(checkpoint.guidance, own),
            sampler=("Euler", "The one it was tried with."),
            guidance_rescale=(0.0, "It was tried without."),
        )
    title = metadata.get("modelspec.title", "")
    best = recommended(
        known.family,
        version=known.version or f"{checkpoint.name} {title}",
        v_prediction=checkpoint.prediction_type == "v_prediction",
        distilled=distilled_by(checkpoint.name, title),
        named_steps=steps_named(checkpoint.name, title),
    )
    if (native := (checkpoint.native_width, checkpoint.native_height)) != SDXL_SIZES[0]:
        own = "Its own configuration says so."
        best = best.with_values(width=(native[0], own), height=(native[1], own))
    if not checkpoint.zero_terminal_snr:
        return best
    if best.preset.schedule in NOT_WITH_ZERO_SNR:
        best = best.with_values(schedule=(AUTOMATIC, "The others do not begin at pure noise, as it does."))
    if best.preset.sampler is not None and not SAMPLERS[best.preset.sampler].zero_snr:
        best = best.with_values(sampler=("Euler", "It begins at pure noise, from where this one can draw."))
    return best


def _source(checkpoint: Checkpoint, facts: CheckpointFacts) -> Source:
    if checkpoint.override.prediction_type is not None:
        return "person"
    says = checkpoint.layout == "folder" or "v_pred" in facts.markers or "modelspec.prediction_type" in facts.metadata
    return "file" if says or checkpoint.prediction_type == "v_prediction" else "assumed"


def _doubts(checkpoint: Checkpoint, facts: CheckpointFacts, known: Lineage, best: Recommendation) -> tuple[str, ...]:
    doubts: list[str] = []
    if known.doubt:
        doubts.append(known.doubt)
    elif known.family is None and not checkpoint.builtin:
        doubts.append("Neither its file nor its name says what it was made from: what follows holds for SDXL at large.")
    elif known.certainty == "name":
        doubts.append("Only its name says what it is: names may be wrong.")
    if checkpoint.hint:
        doubts.append(checkpoint.hint)
    if any(marker.startswith("edm_") for marker in facts.markers):
        doubts.append("It has the mark of EDM, another kind of noise than the studio draws with.")
    unmarked = "v_pred" not in facts.markers and checkpoint.override.zero_terminal_snr is None
    if checkpoint.prediction_type == "v_prediction" and not checkpoint.zero_terminal_snr and unmarked:
        doubts.append(
            "It predicts v, and nothing says whether it begins at pure noise (zero terminal SNR), as most of these do. "
            "If pictures are never really dark or bright, set it."
        )
    return (*doubts, *best.notes)


def _sizes(checkpoint: Checkpoint) -> tuple[tuple[int, int], ...]:
    native = checkpoint.native_width, checkpoint.native_height
    if native != (1024, 1024):
        return (native,)
    return (*SDXL_SIZES, *((height, width) for width, height in SDXL_SIZES if width != height))


def _advice(best: Recommendation) -> tuple[Advice, ...]:
    values = best.preset.model_dump() | {"width": f"{best.preset.width} × {best.preset.height}"}
    return tuple(
        Advice(setting=name, label=label, value=_shown(values[name]), reason=reason)
        for name, label in LABELS.items()
        if (reason := best.reasons.get(name))
    )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
