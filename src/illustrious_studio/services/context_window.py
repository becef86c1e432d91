"""What of a chat a model is given: the system prompt, and the last turns that fit its context."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from illustrious_studio.domain.chat import ChatTurn, Message
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.pictures import OpenedPicture, Picture

SYSTEM = "You are a helpful assistant."
"""No more: longer words confuse small models, and large ones need none."""
SMALLEST_CONTEXT = 2048
TOKENS_PER_TURN = 8
PER_PICTURE = 800
REMEMBERED_SESSIONS = 8
LARGEST_REMEMBERED = 1280

ABOUT_PICTURES = re.compile(
    r"\b(?:this|that|the|my|first|second|last|both|these|those|each) (?:\w+ )?"
    r"(?:picture|image|photo|photograph|drawing|painting|screenshot)s?\b(?! of\b)",
    re.IGNORECASE,
)
GOES_ON = re.compile(
    r"^\W*(?:and|what about|how about)\b|\b(?:wearing|holding|background|foreground)\b"
    r"|\b(?:its?|he|she|his|hers?|him|they|theirs?|them|there|this|that|these|those)\b"
    r"|\b(?:what|which) colou?rs? (?:is|are|has|have|was|were)\b|\b(?:can|do) you see\b",
    re.IGNORECASE,
)
"""After an answer about a picture, what is about that picture still."""
ELSEWHERE = re.compile(
    r"^\W*(?:please )?(?:write|imagine|make up|invent|translate|thank|tell me an?\b)"
    r"|\bhow (?:do|can|could|should|would) (?:i|you|we|one)\b|\b(?:time|day|date|month|year) is it\b|^\W*will it\b",
    re.IGNORECASE,
)
"""Of that, what is about something else all the same."""
COURTESY = re.compile(
    r"\W*(?:(?:many )?thank(?:s| you)|ok(?:ay)?|great|nice|cool|wow|good|lovely|perfect|i see)\b[\w ,]{0,30}\W*",
    re.IGNORECASE,
)
"""Said in between, it changes no subject."""
NOUN = re.compile(r"\bthe (\w{3,})", re.IGNORECASE)
WORDS = re.compile(r"[A-Za-z ]+")


def estimated_tokens(text: str) -> int:
    """Rather too many than too few: small vocabularies spend a token on each digit, sign, and foreign byte."""
    letters = sum(map(len, WORDS.findall(text)))
    return letters // 3 + len(text.encode("utf-8", "replace")) - letters + 1


class RecentPictures:
    """The pictures that were shown last in each of the latest sessions, so that one can ask about them again."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, tuple[str, tuple[OpenedPicture, ...]]] = OrderedDict()
        self._answers: dict[str, str] = {}
        """By session, the latest answer about its pictures."""

    async def add(self, message: Message, pictures: Sequence[OpenedPicture]) -> None:
        small = [await asyncio.to_thread(opened.picture.within, LARGEST_REMEMBERED) for opened in pictures]
        opened = tuple(replace(one, picture=picture) for one, picture in zip(pictures, small, strict=True))
        self._shown[message.session_id] = (message.id, opened)
        self._shown.move_to_end(message.session_id)
        while len(self._shown) > REMEMBERED_SESSIONS:
            forgotten, _ = self._shown.popitem(last=False)
            self._answers.pop(forgotten, None)

    def answered(self, answer: Message) -> None:
        """This answer was about them, and the next question may go on from it."""
        self._answers[answer.session_id] = answer.id

    def of(self, session_id: str) -> Mapping[str, tuple[Picture, ...]]:
        """By the id of the message that they came with."""
        if session_id not in self._shown:
            return {}
        message_id, pictures = self._shown[session_id]
        return {message_id: tuple(opened.picture for opened in pictures)}

    def meant_by(self, message: Message, before: Sequence[Message]) -> Sequence[OpenedPicture]:
        """Those that a message without pictures of its own asks about: "what does the picture show?", and right after
        an answer about them "and what colour is its hat?"."""
        if message.session_id not in self._shown:
            return ()
        last = _last_answer(before)
        goes_on = last is not None and last.id == self._answers.get(message.session_id)
        if ABOUT_PICTURES.search(message.content) or (goes_on and last and _goes_on(message.content, last.content)):
            return self._shown[message.session_id][1]
        return ()


def _last_answer(messages: Sequence[Message]) -> Message | None:
    """The last that is more than a reply to a "thank you"."""
    last: Message | None = None
    for message in reversed(messages):
        if message.role == "assistant":
            last = message
        elif last is not None and not COURTESY.fullmatch(message.content):
            return last
    return last


def _goes_on(question: str, answer: str) -> bool:
    """Whether the question is about what that answer is about."""
    named = {word.lower() for word in NOUN.findall(question)} & {word.lower() for word in re.findall(r"\w+", answer)}
    return not ELSEWHERE.search(question) and bool(GOES_ON.search(question) or named)


def trim_history(
    messages: Sequence[Message],
    user_message: Message,
    *,
    context: int | None,
    reserve: int,
    pictures: Mapping[str, tuple[Picture, ...]],
    system: str = SYSTEM,
) -> list[ChatTurn]:
    """The system prompt, the latest turns before `user_message` that fit beside the answer, and that message.

    An empty system prompt is none.
    Raises InvalidRequest when the message alone does not fit.
    """
    room = context or SMALLEST_CONTEXT
    last = _turn(user_message, pictures)
    first = [ChatTurn("system", system)] if system else []
    free = room - sum(map(_cost, first)) - _cost(last)
    if free <= 0:
        raise InvalidRequest(
            f"The message is too long for this language model (about {_cost(last)} tokens; it takes {room} in all). "
            "Shorten it, or switch to a model with a longer context."
        )
    free -= min(reserve, room // 2)
    kept: list[ChatTurn] = []
    for turn in reversed([_turn(message, pictures) for message in _before(messages, user_message)]):
        free -= _cost(turn)
        if free < 0:
            break
        kept.insert(0, turn)
    while kept and kept[0].role != "user":  # a chat that begins with an answer confuses the templates of some models
        kept.pop(0)
    return [*first, *kept, last]


def _before(messages: Sequence[Message], user_message: Message) -> list[Message]:
    """The messages before it; answers to earlier ones may have been written down after it was."""
    place = next((index for index, message in enumerate(messages) if message.id == user_message.id), len(messages))
    later_answers = [message for message in messages[place + 1 :] if message.role == "assistant"]
    return [message for message in [*messages[:place], *later_answers] if message.content]


def _turn(message: Message, pictures: Mapping[str, tuple[Picture, ...]]) -> ChatTurn:
    return ChatTurn(message.role, message.content, pictures.get(message.id, ()))


def _cost(turn: ChatTurn) -> int:
    return TOKENS_PER_TURN + estimated_tokens(turn.content) + PER_PICTURE * len(turn.pictures)
