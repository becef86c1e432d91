"""Which family of SDXL a checkpoint is of: what names it, and how sure that is.

Nothing in a checkpoint's weights says what it was trained on. Sure is only a file that is one of those published, by
its hash. Else it is what stands in the header's notes (model specification, kohya's `ss_`, A1111's `sd_merge_`), and
last the file's name. Where these contradict each other, nobody knows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from illustrious_studio.domain.checkpoints.merges import Parent, clean
from illustrious_studio.domain.values import Value

Family = Literal["SDXL", "Illustrious", "NoobAI", "Pony", "Animagine"]
Certainty = Literal["hash", "file", "name", "unknown"]
"""By what the family is known: it is a published file, its notes say so, its name does, or nothing does."""
Distillation = Literal["Lightning", "Turbo", "Hyper-SD", "LCM", "DMD2"]

PUBLISHED: dict[str, tuple[str, Family]] = {
    "31e35c80fc": ("Stable Diffusion XL 1.0", "SDXL"),
    "3e15ba0038": ("Illustrious XL 0.1", "Illustrious"),
    "6681e8e4b1": ("NoobAI XL 1.1", "NoobAI"),
    "ea349eeae8": ("NoobAI XL V-Pred 1.0", "NoobAI"),
    "67ab2fd8ec": ("Pony Diffusion V6 XL", "Pony"),
    "1449e5b0b9": ("Animagine XL 3.0", "Animagine"),
    "e3c47aedb0": ("Animagine XL 3.1", "Animagine"),
    "1d5b43ff75": ("Animagine XL 4.0", "Animagine"),
    "6327eca98b": ("Animagine XL 4.0 Opt", "Animagine"),
}
"""The checkpoints that nearly all others come from, by AutoV2: those of their files on Hugging Face and Civitai."""

_NAMES: dict[Family, re.Pattern[str]] = {
    "NoobAI": re.compile(r"noob|\bnai ?xl", re.IGNORECASE),
    "Illustrious": re.compile(r"illust(?!rat)|ilust(?!rat)|(?<![a-z])il(?:xl|v?\d+)?(?![a-z])", re.IGNORECASE),
    "Pony": re.compile(r"pony|\bpd(?:xl|v6)|autismmix", re.IGNORECASE),
    "Animagine": re.compile(r"animagine|anim4gine", re.IGNORECASE),
    "SDXL": re.compile(r"\bsd ?xl (?:v?1 ?0 )?base|stable diffusion xl(?: 1 0)? base|\bsd xl base", re.IGNORECASE),
}
_ANCESTORS: dict[Family, tuple[Family, ...]] = {
    "NoobAI": ("Illustrious", "SDXL"),
    "Illustrious": ("SDXL",),
    "Pony": ("SDXL",),
    "Animagine": ("SDXL",),
    "SDXL": (),
}
"""NoobAI was trained from Illustrious XL 0.1: where both are named, it is NoobAI."""
_DISTILLED: dict[Distillation, re.Pattern[str]] = {
    "Lightning": re.compile(r"lightning", re.IGNORECASE),
    "Turbo": re.compile(r"turbo", re.IGNORECASE),
    "Hyper-SD": re.compile(r"\bhyper ?(?:sd|xl|\d)", re.IGNORECASE),
    "LCM": re.compile(r"(?<![A-Z])LCM(?![A-Za-z])|\blcm\b"),
    "DMD2": re.compile(r"dmd ?2", re.IGNORECASE),
}
SAYS_FAMILY = (
    "modelspec.title",
    "modelspec.merged_from",
    "modelspec.tags",
    "ss_sd_model_name",
    "ss_output_name",
)
"""The notes that name what a file is or was made from. A description may name anything, and `ss_base_model_version` is
`sdxl_base_v1-0` for all of SDXL."""


class Evidence(Value):
    """What names a family, and where that stands."""

    source: Certainty
    place: str = Field(description="The note of the header, `name` or `hash`.")
    text: str
    family: Family


class Lineage(Value):
    """The family, and why."""

    family: Family | None = None
    certainty: Certainty = "unknown"
    version: str = Field("", description="Which published checkpoint it is, when its hash says so.")
    evidence: tuple[Evidence, ...] = ()
    doubt: str = Field("", description="What speaks against it, in a sentence.")


def lineage(name: str, metadata: Mapping[str, str], parents: Sequence[Parent], auto_v2: str | None) -> Lineage:
    """Of a checkpoint of that name, with those notes, merged from these."""
    if auto_v2 is not None and auto_v2 in PUBLISHED:
        title, family = PUBLISHED[auto_v2]
        proof = Evidence(source="hash", place="hash", text=auto_v2, family=family)
        return Lineage(family=family, certainty="hash", version=title, evidence=(proof,))
    noted = [(place, clean(metadata.get(place, ""))) for place in SAYS_FAMILY]
    found = [_evidence("file", place, text, one) for place, text in noted for one in families_named(text)]
    for parent in parents:
        known = PUBLISHED.get(parent.hash[:10])
        named = [known[1]] if known is not None else families_named(parent.name)
        found += [_evidence("file", "merged from", parent.name or parent.hash[:10], one) for one in named]
    by_name = [_evidence("name", "name", name, one) for one in families_named(name)]
    evidence = (*found, *by_name)
    said, hinted = _most_special(one.family for one in found), _most_special(one.family for one in by_name)
    if not said and not hinted:
        return Lineage()
    both = _most_special([*said, *hinted])
    if len(both) == 1:
        (family,) = both
        return Lineage(family=family, certainty="file" if family in said else "name", evidence=evidence)
    if len(said) == 1:
        doubt = f"Its name says {' and '.join(hinted)}, the notes in its file say {said[0]}."
        return Lineage(family=said[0], certainty="file", evidence=evidence, doubt=doubt)
    where = "the notes in its file name" if len(said) > 1 else "its name says"
    doubt = f"It may be a mixture: {where} {' and '.join(said or hinted)}. What suits it cannot be told from that."
    return Lineage(evidence=evidence, doubt=doubt)


def families_named(text: str) -> list[Family]:
    """The families whose names are in a text, the most special ones alone."""
    words = _words(text)
    return _most_special(family for family, pattern in _NAMES.items() if pattern.search(words))


def distilled_by(*texts: str) -> Distillation | None:
    """The method by which a checkpoint needs few steps, as its name says."""
    words = " ".join(map(_words, texts))
    return next((kind for kind, pattern in _DISTILLED.items() if pattern.search(words)), None)


def steps_named(*texts: str) -> int | None:
    """The number of steps in a name, such as `4step`, as distilled checkpoints have it."""
    found = re.search(r"(?<!\d)(1|2|4|6|8|12|16) ?steps?\b", " ".join(map(_words, texts)), re.IGNORECASE)
    return int(found[1]) if found else None


def _evidence(source: Certainty, place: str, text: str, family: Family) -> Evidence:
    return Evidence(source=source, place=place, text=text, family=family)


def _most_special(families: Iterable[Family]) -> list[Family]:
    """Each once, in this order, without those that others of them come from."""
    named = list(dict.fromkeys(families))
    above = {ancestor for family in named for ancestor in _ANCESTORS[family]}
    return [family for family in named if family not in above]


def _words(text: str) -> str:
    """With spaces for whatever parts words in the names of files."""
    return re.sub(r"[^A-Za-z0-9]+", " ", text)
