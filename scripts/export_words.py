#!/usr/bin/env python3
"""Makes data/words/words.json: what the words of nine other languages are in English, for the layouts.

    PYTHONPATH=src python scripts/export_words.py

Names of things come from emojibase-data (MIT), which npm downloads into a temporary folder. What it lacks, or calls by a
word that nobody types, stands in words/things.txt; small words in words/grammar.txt. Those two come before it.
"""

import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from illustrious_studio.domain.languages.dictionary import CODES, folded, in_simplified

HERE = Path(__file__).parent / "words"
DATA = Path(__file__).parent.parent / "src" / "illustrious_studio" / "data"
PACKAGE = "emojibase-data@17.0.0"
SOURCES = {code: (code, "zh-hant") if code == "zh" else (code,) for code in CODES}
HEADS = {
    "de": r"gesicht$", "fr": r"^tête de ", "es": r"^cara de ", "pt": r"^rosto de ", "it": r"^muso di ",
    "ja": r"の顔$", "zh": r"[脸头]$", "ko": r" 얼굴$",
}  # fmt: skip
"""emojibase says "lion face" of what is here a lion; Russian says it in another case, so things.txt has those."""

Words = dict[str, dict[str, dict[str, str]]]


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower().replace("’", "")).strip()


def read_table(file: Path, words: Words) -> None:
    kind = ""
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line.strip() and not line.startswith("#"):
            english, *cells = (cell.strip() for cell in line.split("|"))
            if len(cells) != len(CODES):
                raise SystemExit(f"{file.name}: {english} has {len(cells)} cells, not {len(CODES)}")
            for code, cell in zip(CODES, cells, strict=True):
                for word in filter(None, (word.strip() for word in cell.split(","))):
                    learn(words, code, kind, word, english)


def learn(words: Words, code: str, kind: str, word: str, english: str) -> None:
    word = in_simplified(word) if code == "zh" else word
    known = words[code].setdefault(kind, {})
    if folded(word, code) not in {folded(other, code) for other in known}:
        known[word] = english


def emoji_labels(folder: Path) -> dict[str, dict[str, str]]:
    """For each language the label of each emoji, by its code."""
    subprocess.run(["npm", "pack", PACKAGE, "--silent", "--pack-destination", folder], check=True, cwd=folder)
    found: dict[str, dict[str, str]] = {}
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for name in {"en", *(source for sources in SOURCES.values() for source in sources)}:
            file = archive.extractfile(f"package/{name}/data.json")
            assert file is not None
            found[name] = {entry["hexcode"]: entry["label"] for entry in json.load(file)}
    return found


def things(labels: dict[str, str]) -> dict[str, str]:
    """The emoji of each thing that has one, by the thing's name."""
    by_label = {plain(label): code for code, label in labels.items()}
    lines = (line.rpartition(" ") for line in (HERE / "hexcodes.txt").read_text("utf-8").splitlines()[1:])
    found = {name: code for name, _, code in lines}
    for known in json.loads((DATA / "sprites" / "objects.json").read_text("utf-8")):
        names = (known["name"], known["file"].removesuffix(".webp").replace("-", " "), *known["synonyms"])
        code = next((by_label[plain(name)] for name in names if plain(name) in by_label), None)
        if code and known["name"] not in found:
            found[known["name"]] = code
    return found


def without_comments(label: str, code: str, name: str) -> str:
    """A label as people would say it: no "(in)", and a lion where it says a lion's face."""
    label = re.sub(r"\(.*?\)", "", label).strip()
    if not name.endswith(("face", "head")) and code in HEADS:
        label = re.sub(HEADS[code], "", label).strip() or label
    return label


def main() -> None:
    words: Words = {code: {} for code in CODES}
    read_table(HERE / "grammar.txt", words)
    read_table(HERE / "things.txt", words)
    with tempfile.TemporaryDirectory() as folder:
        labels = emoji_labels(Path(folder))
    emoji = things(labels["en"])
    for code, sources in SOURCES.items():
        by_hand = {folded(word, code) for kind in words[code].values() for word in kind}
        for name, hexcode in emoji.items():
            for source in sources:
                label = without_comments(labels[source].get(hexcode, ""), code, name)
                if label and folded(label, code) not in by_hand and not re.search(r"[:;]", label):
                    learn(words, code, "noun", label, name)
    (DATA / "words").mkdir(exist_ok=True)
    text = json.dumps(words, ensure_ascii=False, indent=0, sort_keys=False)
    (DATA / "words" / "words.json").write_text(text + "\n", "utf-8")
    print(f"{len(emoji)} things by emojibase; words:", {code: sum(map(len, words[code].values())) for code in CODES})


if __name__ == "__main__":
    main()
