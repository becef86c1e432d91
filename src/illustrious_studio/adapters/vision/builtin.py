"""The built-in analyzer: says what can be found in a picture without a vision model, and that it is no more than that.

Size, colours and faults are measured, text is read, things are recognised as far as a small classifier can, and the
settings in the file are repeated. It understands neither the picture nor the question: the question's words only
choose what comes first.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from functools import cached_property
from importlib.util import find_spec
from math import gcd

from illustrious_studio.adapters.vision.classifier import VISION, Classifier
from illustrious_studio.adapters.vision.facts import colour_shares, faults, has_plain_ground, is_flat, separate_things
from illustrious_studio.adapters.vision.ocr import LONGEST_SIDE, Line, TextReader
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture

NAME = "Built-in analyzer"
ABOUT = (
    "This is the built-in analyzer: it measures, reads text and recognises some things, but does not understand "
    "pictures. For real answers install a vision model in Ollama: type `ollama pull qwen2.5vl:3b`."
)
PHOTO_SURE, PHOTO_MAYBE, DRAWING_SURE, DRAWING_MAYBE = 0.45, 0.15, 0.6, 0.45
GREYS = frozenset({"black", "white", "gray", "light gray", "dark gray"})
SHAPES = frozenset({"circle", "square", "symbol"})
TOPICS: dict[str, tuple[str, ...]] = {
    "tags": ("tags", "tag ", "danbooru", "keywords"),
    "text": ("text", "read", "written", "writing", "letter", "word", "say", "caption", "sign"),
    "colours": ("colour", "color", "palette", "shade", "hue"),
    "faults": ("wrong", "fault", "problem", "quality", "blur", "sharp", "artifact", "artefact", "bad"),
    "settings": ("setting", "prompt", "seed", "parameter", "generated", "steps", "made with"),
    "size": ("size", "resolution", "pixel", "dimension", "how big", "how large", "width", "height", "aspect"),
}
USUAL = ("settings", "objects", "text", "colours", "size")


class BuiltinVision:
    """Implements VisionModel."""

    def __init__(self) -> None:
        self._reader = TextReader()
        self._classifier = Classifier()
        self._status = ModelStatus(backend="builtin", model=NAME, reason="It was not looked for yet.")

    @property
    def status(self) -> ModelStatus:
        return self._status

    async def check(self) -> ModelStatus:
        missing = [name for name in ("onnxruntime", "rapidocr", "numpy") if find_spec(name) is None]
        missing += [] if (VISION / "efficientnet-lite0.onnx").is_file() else ["data/vision/efficientnet-lite0.onnx"]
        reason = f"Missing: {', '.join(missing)}. Install the studio's packages again." if missing else ""
        self._status = ModelStatus(
            backend="builtin",
            model=NAME,
            state="failed" if missing else "ready",
            reason=reason,
            device="cpu",
            capabilities=() if missing else ("size", "colours", "text", "objects", "settings"),
        )
        return self._status

    async def analyze(self, picture: OpenedPicture, question: str) -> AsyncGenerator[str, None]:
        view = _View(picture, self._reader, self._classifier)
        asked = f" {question.lower()} "
        topics = [topic for topic, words in TOPICS.items() if any(word in asked for word in words)]
        if "tags" in topics:
            yield await asyncio.to_thread(_tags, view)
            return
        for topic in dict.fromkeys([*topics, *USUAL]):
            sentence = await asyncio.to_thread(SAYING[topic], view, topic in topics)
            if sentence:
                yield sentence + "\n\n"
        yield ABOUT


class _View:
    """One picture that is analyzed, with what was found in it so far."""

    def __init__(self, picture: OpenedPicture, reader: TextReader, classifier: Classifier) -> None:
        self.picture = picture
        self.size = picture.picture.width, picture.picture.height
        self.image = picture.picture.image()
        self.flat = is_flat(self.image)
        self.image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        self.recorded = recorded_settings(picture.text)
        self._reader, self._classifier = reader, classifier

    @cached_property
    def colours(self) -> list[tuple[str, float]]:
        return colour_shares(self.image)

    @property
    def one_colour(self) -> bool:
        return self.colours[0][1] > 0.985

    @cached_property
    def lines(self) -> list[Line]:
        return self._reader.read(self.image)

    @cached_property
    def things(self) -> tuple[list[str], list[str]]:
        """What it shows for sure, and perhaps. Drawings are compared with drawings, photographs classified."""
        if self.one_colour:
            return [], []
        apart = separate_things(self.image)
        pieces = [thing.image for thing in apart if not any(line.covers(thing.middle) for line in self.lines)]
        if apart and not pieces:
            return [], []
        drawn = self._classifier.drawn([*pieces, self.image] if len(pieces) < 2 else pieces)
        if len(pieces) < 2:
            drawn = [max(drawn, key=lambda found: found[1])]
        sure = [name for name, likeness in drawn if likeness >= DRAWING_SURE]
        maybe = [name for name, likeness in drawn if DRAWING_MAYBE <= likeness < DRAWING_SURE]
        maybe = [name for name in maybe if name not in sure and name.split()[-1] not in SHAPES]
        if sure or (maybe and self.flat):
            return _counted(sure), _counted(maybe)
        if self.flat:
            return [], []
        named = [(name, chance) for name, chance in self._classifier.photographed(self.image) if chance >= PHOTO_MAYBE]
        if named and named[0][1] >= PHOTO_SURE:
            return [f"{_article(named[0][0])} ({named[0][1]:.0%} sure)"], []
        return [], [f"{_article(name)} ({chance:.0%})" for name, chance in named]


def _size(view: _View, asked: bool) -> str:
    width, height = view.size
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    part = gcd(width, height)
    ratio = f", {width // part}:{height // part}" if width != height and max(width, height) // part <= 32 else ""
    kind = f"{view.picture.format} file of " if view.picture.format else ""
    return f"It is a {kind}{width} x {height} pixels ({shape}{ratio})."


def _colours(view: _View, asked: bool) -> str:
    if view.one_colour:
        return f"The whole picture is {view.colours[0][0]}."
    return f"Colours: {', '.join(f'{name} {share:.0%}' for name, share in view.colours[:6])}."


def _text(view: _View, asked: bool) -> str:
    if view.lines:
        return "It shows this text:\n" + "\n".join(f"> {line.text}" for line in view.lines)
    return "I found no text in it." if asked else ""


def _objects(view: _View, asked: bool) -> str:
    sure, maybe = view.things
    if sure and maybe:
        return f"It shows {_listed(sure)}, and perhaps {_listed(maybe)}."
    if sure:
        return f"It shows {_listed(sure)}."
    if maybe:
        return f"Perhaps it shows {_listed(maybe)}, but that is a guess."
    return "" if view.one_colour or view.lines else "I recognise no single thing in it; but I know few."


def _settings(view: _View, asked: bool) -> str:
    recorded = view.recorded
    if recorded is None:
        return "The file carries no settings of how it was made." if asked else ""
    said = [f"The file says how it was made ({recorded.source})."]
    if recorded.request.prompt:
        said[0] += f" Prompt: {recorded.request.prompt}"
    if recorded.request.negative_prompt:
        said.append(f"Negative prompt: {recorded.request.negative_prompt}")
    said.append(", ".join(f"{key}: {value}" for key, value in recorded.fields.items() if "prompt" not in key.lower()))
    said.append(recorded.not_usable)
    return "\n".join(part for part in said if part)


def _faults(view: _View, asked: bool) -> str:
    found = faults(view.image, view.flat)
    if found:
        return f"What can be measured: {_listed(found)}."
    return "Nothing is wrong that can be measured: it is neither dark nor pale, blurred nor tiny."


def _tags(view: _View) -> str:
    """Comma-separated tags for a prompt; the recorded prompt itself, when there is one."""
    if view.recorded is not None and view.recorded.request.prompt.strip():
        return view.recorded.request.prompt
    sure, maybe = view.things
    tags = [re.sub(r"^(\d+ drawings? of |a drawing of )?(an? )?| \(.*", "", thing) for thing in sure + maybe]
    names = [name for name, _ in view.colours]
    if has_plain_ground(view.image):
        tags += ["simple background", f"{names[0]} background"]
    if view.lines:
        tags.append("text")
    if all(name in GREYS for name in names):
        tags.append("monochrome")
    return ", ".join(dict.fromkeys(tags)) or ", ".join(names)


SAYING: dict[str, Callable[[_View, bool], str]] = {
    "size": _size, "colours": _colours, "text": _text, "objects": _objects, "settings": _settings, "faults": _faults,
}  # fmt: skip


def _counted(names: list[str]) -> list[str]:
    return [
        f"{count} drawings of {_article(name)}" if count > 1 else f"a drawing of {_article(name)}"
        for name, count in Counter(names).items()
    ]


def _article(name: str) -> str:
    if name.endswith("s") and not name.endswith("ss"):
        return name
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
