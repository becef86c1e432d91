"""Reads what a language model made of a prompt, strictly: the result is a good list of tags, or nothing.

Every protected span must be there once and every word of the person must still be there. A list without a flaw is
trusted. One with flaws (repeats, tags that are none) may still add what is surely harmless: tags that go on from the
person's own words (`snow`: `snowy`), and quality. Prose is nothing.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from illustrious_studio.domain.protected import Masked

MOST_TAGS = 40
LONGEST_TAG = 48
MOST_WORDS = 6

COUNT = re.compile(r"(?:[1-9]\+?(?:girl|boy|other)s?|multiple (?:girls|boys|others)|no humans|solo)")
TAG = re.compile(r"[\w][\w '’&./+-]*")
WORD = re.compile(r"[\w'’-]+")
LEAD = re.compile(r"^(?:[-*•>]+|\d+[.)])?\s*(?:[\w ]{0,40}:)?\s*")
NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
EMPTY_WORDS = """a an the of in on at with and or to is are was be being its it his her their this that some there by
for from as who which has have picture image photo"""
RELATING_WORDS = (
    "under over behind between above below beneath inside outside near beside against around through into onto"
)
QUALITY_TAGS = """masterpiece, best quality, amazing quality, very aesthetic, absurdres, highres, newest, high quality,
detailed, highly detailed, very detailed, intricate details, detailed background, sharp focus, soft lighting"""
STOP = frozenset(EMPTY_WORDS.split())
RELATIONS = STOP | frozenset(RELATING_WORDS.split())
QUALITY = frozenset(tag.strip() for tag in QUALITY_TAGS.split(","))


def read_answer(answer: str, masked: Masked, examples: frozenset[str]) -> str | None:
    """The enhanced prompt, protected spans put back; None when the answer is not good or adds nothing.

    `examples` are the tags that the model was shown: repeating them is parroting, unless the prompt has them.
    """
    answered = _tags(re.sub(rf"{masked.mark}(\d+)X", rf"{masked.mark}\1X", answer, flags=re.IGNORECASE))
    valid = [tag for tag in answered if _valid(tag, masked.marks)]
    own = _content(masked.text, masked.marks)
    tags = _without_repeats(valid, own, masked.marks)
    if len(tags) < 2 or len(valid) * 4 < len(answered) * 3:
        return None
    flawed = len(tags) < len(answered)
    kept = [tag for tag in tags if _stems(tag) & own or tag in masked.marks]
    added = [tag for tag in tags if tag not in kept and tag not in examples - QUALITY]
    if flawed:
        kept = [tag for tag in kept if tag in masked.marks or _goes_on(tag, own)]
        added = [tag for tag in added if tag.lower() in QUALITY]
    keep = {*kept, *added}
    tags = [tag for tag in tags if tag in keep][:MOST_TAGS]
    if not _faithful(tags, masked) or (flawed and not _phrases_kept(tags, masked)):
        return None
    if not any(_is_new(tag, own, masked.marks) for tag in tags):
        return None
    return masked.joined(tags if masked.chunk_marks else _in_order(tags))


def repeats_itself(answer: str) -> bool:
    """Whether a model has begun to repeat the same tags, so that there is no point in going on."""
    tags = [tag.strip().lower() for tag in answer.split(",")][:-1]
    return len(tags) - len(set(tags)) >= 4


def _tags(answer: str) -> list[str]:
    """The tags of the line that holds most of them."""
    lines = [line for line in answer.replace("`", "").splitlines() if line.strip()]
    best = max(lines, key=lambda line: line.count(","), default="")
    parts = LEAD.sub("", best).strip().strip("\"'.").split(",")
    return [cleaned for part in parts if (cleaned := _cleaned(part))]


def _cleaned(part: str) -> str:
    tag = " ".join(part.replace("_", " ").strip(" .\"'").split())
    return re.sub(r"^(?:an?|the) ", "", tag, flags=re.IGNORECASE)


def _valid(tag: str, marks: Sequence[str]) -> bool:
    for mark in marks:
        tag = tag.replace(mark, "x")
    words = tag.split()
    if len(tag) > LONGEST_TAG or len(words) > MOST_WORDS or not TAG.fullmatch(tag):
        return False
    if tag[0].isdigit() and not COUNT.fullmatch(tag) and not (words[0].isdigit() and len(words) > 1):
        return False  # `1lighthouse`
    return not {"i", "you", "i'm", "sorry", "please", "sure", "tags"} & {word.lower() for word in words}


def _without_repeats(tags: list[str], own: set[str], marks: Sequence[str]) -> list[str]:
    """Each tag once, and none that is in a longer one of the person's words already: `red` beside `red fox`."""
    kept: list[str] = []
    for tag in sorted(tags, key=lambda tag: -len(_stems(tag))):
        stems = _stems(tag)
        others = [_stems(other) for other in kept]
        if any(mark in tag for mark in marks) or not any(stems == one or (stems < one <= own) for one in others):
            kept.append(tag)
    return [tag for index, tag in enumerate(tags) if tag in kept and tag not in tags[:index]]


def _stem(word: str) -> str:
    word = word.lower()
    word = NUMBERS.get(word, word)
    for ending in ("ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in WORD.findall(text) if word.lower() not in STOP}


def _goes_on(tag: str, own: set[str]) -> bool:
    """Whether a tag is made of the person's words, or of one of them and one more: `samurai armor`."""
    stems = _stems(tag)
    return stems <= own or (len(stems & own) == len(stems - own) == 1 and "ing " not in f"{tag} ")


def _content(text: str, marks: Sequence[str]) -> set[str]:
    """The stems of the words that say something, marks left out."""
    for mark in marks:
        text = text.replace(mark, " ")
    return _stems(text)


def _faithful(tags: Sequence[str], masked: Masked) -> bool:
    """Every mark once and in order where order matters, every word of the person there, each in its own chunk."""
    text = ", ".join(tags)
    if any(text.count(mark) != 1 for mark in masked.marks) or text.count(masked.mark) != len(masked.marks):
        return False
    ends = "|".join(masked.chunk_marks) or r"(?!)"
    before, after = re.split(ends, masked.text), re.split(ends, text)
    if re.findall(ends, masked.text) != re.findall(ends, text):
        return False
    for own, new in zip(before, after, strict=True):
        there = {new.lower(), *_stems(new)}
        if not all(any(stem in word for word in there) for stem in _content(own, masked.marks)):
            return False
    return True


def _phrases_kept(tags: Sequence[str], masked: Masked) -> bool:
    """Whether words that stood side by side (`red sofa`) still stand in one tag."""
    stems = [_stems(tag) for tag in tags]
    for part in re.split(r"[,.;:!?()\n]", masked.text):
        words = WORD.findall(part)
        for first, second in pairwise(words):
            if {first.lower(), second.lower()} & RELATIONS or first.endswith("ing") or second.endswith("ing"):
                continue
            if masked.mark in first or masked.mark in second:
                continue
            if not any({_stem(first), _stem(second)} <= tag for tag in stems):
                return False
    return True


def _is_new(tag: str, own: set[str], marks: Sequence[str]) -> bool:
    return bool(_content(tag, marks) - own)


def _in_order(tags: Sequence[str]) -> list[str]:
    """How many first, quality last; between them the order of the answer."""
    first = [tag for tag in tags if COUNT.fullmatch(tag.lower())]
    last = [tag for tag in tags if tag.lower() in QUALITY]
    return [*first, *(tag for tag in tags if tag not in first and tag not in last), *last]
