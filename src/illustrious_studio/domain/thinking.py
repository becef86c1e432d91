"""Takes what a model thinks out of its answer, while it streams: `<think>...</think>` and `<thinking>...</thinking>`.

A tag may be split over any number of pieces, be left open (the rest was thought), or close what was never opened: then
all that came before it was thought. That text has been shown already, since no answer is held back on suspicion; a
Retract event says to take it back. A model known to do so can be named at the start (`starts_thinking`): its answer is
shown as thought until the closing tag, or becomes the answer in the end when none comes.
"""

import re

from illustrious_studio.domain.chat import Retract, Thinking, Token

TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE | re.ASCII)
TAGS = ("<think>", "</think>", "<thinking>", "</thinking>")


class ThinkingFilter:
    """One answer. `text` and `thought` are what there is of it, and of its thought, so far."""

    def __init__(self, *, starts_thinking: bool = False) -> None:
        self._held = ""
        self._inside = starts_thinking
        self._only_assumed = starts_thinking
        self._text: list[str] = []
        self._thought: list[str] = []
        self.closed_unopened = False
        """Whether a thought was closed that was never opened: the next answer of this model will start thinking."""

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def thought(self) -> str:
        return "".join(self._thought)

    def think(self, thought: str) -> list[Token | Thinking | Retract]:
        """A piece that the model's server marked as thought. Such a server leaves no thoughts in the text."""
        self._inside = self._inside and not self._only_assumed
        self._thought.append(thought)
        return [Thinking(thought)] if thought else []

    def feed(self, piece: str) -> list[Token | Thinking | Retract]:
        """What the next piece of the answer gives to show."""
        events: list[Token | Thinking | Retract] = []
        held = self._held + piece
        position = 0
        for tag in TAG.finditer(held):
            self._give(held[position : tag.start()], events)
            position = tag.end()
            if tag[1]:
                self._close(events)
            else:
                self._inside, self._only_assumed = True, False
        rest = held[position:]
        start = rest.rfind("<")
        if start < 0 or not any(tag.startswith(rest[start:].lower()) for tag in TAGS):
            start = len(rest)
        self._give(rest[:start], events)
        self._held = rest[start:]
        return events

    def finish(self) -> list[Token | Thinking | Retract]:
        """What is left when the answer is over."""
        events: list[Token | Thinking | Retract] = []
        self._give(self._held, events)
        self._held = ""
        if self._only_assumed and self._inside:
            self._inside = False
            thought, self._thought = self.thought, []
            self._give(thought, events)
        return events

    def _give(self, piece: str, events: list[Token | Thinking | Retract]) -> None:
        if self._inside:
            if piece:
                self._thought.append(piece)
                events.append(Thinking(piece))
            return
        if not self._text:
            piece = piece.lstrip()  # the empty lines between a thought and the answer
        if piece:
            self._text.append(piece)
            events.append(Token(piece))

    def _close(self, events: list[Token | Thinking | Retract]) -> None:
        if not self._inside or self._only_assumed:
            self.closed_unopened = True
        if not self._inside and self._text:
            self._thought.extend(self._text)
            self._text.clear()
            events.append(Retract())
        self._inside = self._only_assumed = False
