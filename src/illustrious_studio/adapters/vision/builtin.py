"""The built-in analyzer: says what can be found in a picture without a vision model, and that it is no more than that.

Size, colours and faults are measured, text is read, things are recognised as far as a small classifier can, and where
the file says what it was drawn from, that is used and said. It understands neither the picture nor the question: the
question's words only choose what is answered. What it finds is in `view`, how it says it in `describing`.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from importlib.util import find_spec

from illustrious_studio.adapters.vision import describing
from illustrious_studio.adapters.vision.classifier import VISION, Classifier
from illustrious_studio.adapters.vision.ocr import TextReader
from illustrious_studio.adapters.vision.people import people
from illustrious_studio.adapters.vision.prompt_tags import prompt_tags
from illustrious_studio.adapters.vision.view import View
from illustrious_studio.domain.models import ModelStatus
from illustrious_studio.domain.pictures import OpenedPicture

NAME = "Built-in analyzer"
ABOUT = (
    "I am the built-in analyzer: I measure, read text and recognise some things, but I do not understand "
    "pictures. For real answers install a vision model in Ollama: type `ollama pull qwen2.5vl:3b`."
)
NOT_UNDERSTOOD = "That I cannot answer: I do not understand questions about pictures. What I can say of it:"
DESCRIBE = re.compile(
    r"\b(?:descri\w+|what(?:'s| is| are)\b.*\b(?:this|that|it|here|picture|image|photo|drawing)"
    r"|what (?:do|can) you see|tell me about|show(?:s|n)?|see in|look(?:s)? like|caption)\b",
    re.IGNORECASE | re.DOTALL,
)
TOPICS: dict[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for name, words in {
        "people": r"people|persons?\b|who(?:'s| is| are)\b|girl|boys?\b|wom[ae]n|m[ae]n\b|hair|eyes?\b|faces?\b|smil|"
        r"expression|wear|cloth|dress|outfit|hats?\b",
        "text": r"text\b|read\b|written|writing|letters?\b|words?\b|what does it say|signs?\b",
        "colours": r"colou?r|palette|shade|hue",
        "flaws": r"wrong|fault|flaw|problem|quality|blur|sharp|artifact|artefact|bad\b|mistake",
        "settings": r"settings?\b|prompt|seed\b|parameter|generated|steps\b|made with|drawn with",
        "size": r"size\b|resolution|pixels?\b|dimension|how (?:big|large)|width|height|aspect",
    }.items()
}
TAGS = re.compile(r"\btags?\b|danbooru|keywords", re.IGNORECASE)


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
        if self._status.ready:
            return self._status  # it is asked every few seconds, and packages stay where they are
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
        view = View(picture, self._reader, self._classifier)
        if TAGS.search(question):
            yield await asyncio.to_thread(prompt_tags, view)
            return
        topics = [topic for topic, words in TOPICS.items() if words.search(question)]
        if "people" in topics and view.people:  # the colour of somebody's hair is none of the picture's
            topics = [topic for topic in topics if topic != "colours"]
        for topic in topics:
            yield await asyncio.to_thread(SAYING[topic], view) + "\n\n"
        if not topics:
            if not DESCRIBE.search(question):
                yield NOT_UNDERSTOOD + "\n\n"
            for paragraph in await asyncio.to_thread(describing.describe, view):
                if paragraph:
                    yield paragraph + "\n\n"
        yield ABOUT


SAYING: dict[str, Callable[[View], str]] = {
    "people": people, "text": describing.text, "colours": describing.colours, "flaws": describing.flaws,
    "settings": describing.settings, "size": describing.size,
}  # fmt: skip
