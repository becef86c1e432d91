"""What the embedded language model does not answer itself, because it would make something up.

What it is, what it sees, what nobody told it, other languages, sums, the words of the field (`glossary`), how things
are done here (`studio_help`), and greetings, which it takes for homework. All is decided by the words of the last
question, in English; what it is and can do, and how to draw, in nine more languages (`other_languages`). So it is in
the studio's chat; other programs, with their system prompts and limits, talk to the model alone.
"""

import re
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation

from illustrious_studio.adapters.chat.glossary import explained
from illustrious_studio.adapters.chat.other_languages import answered_in_its_language
from illustrious_studio.adapters.chat.studio_help import helped
from illustrious_studio.domain.chat import ChatTurn

LONGEST_QUESTION = 160
"""Letters. In a longer text these words are about something else."""
CANNOT_SEE = (
    "I am a small language model and cannot see pictures. Attach the picture to a message in Chat, and the studio's "
    "vision model looks at it; or ask about it in Analyze."
)
CANNOT_KNOW = "I cannot know that. I have no clock, no internet and no news: only what I was trained on."
CAN_DO = (
    "I can chat a little, answer simple questions and write short texts, and I am often wrong. I cannot see pictures, "
    "look anything up, or remember other chats. Write `#generate` and what you would like to see, and the studio "
    "draws it."
)
CAN_DRAW = (
    "I write, and the studio draws: write `#generate` and what you would like to see, for example "
    "`#generate a cat on a sofa`."
)
CANNOT_TRANSLATE = "I cannot translate: I know hardly anything but English. A larger model in Ollama can."
_TRANSLATE = re.compile(
    r"^\W*(?:please |can you |could you )?translate\b|\bhow (?:do|would) (?:you|i|we) say\b.*\bin [a-z]+\W*$",
    re.IGNORECASE,
)
_PICTURE = r"(?:picture|image|photo(?:graph|s)?|drawing|painting|screenshot)s?"
_MINE = r"(?:this|that|the|my|our|attached|uploaded)"
_SEEING = re.compile(
    rf"\bcan you (?:see|view|look at|recogni[sz]e|describe|analy[sz]e|open)\b.*\b(?:{_PICTURE}|it|this|that|me|what)\b"
    rf"|\bwhat (?:do|can) you see\b|\bdo you see\b|\bare you able to see\b"
    rf"|\b(?:what|who|where|which|how many|is|are|does|describe|explain|read|tell me)\b"
    rf".*\b{_MINE}(?: \w+){{0,2}} {_PICTURE}\b(?! of\b)"
    rf"|\b(?:i|we) (?:just )?(?:attached|uploaded|sent|posted)\b",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"\b(?:who|what) (?:exactly )?are you\b(?! to\b)|\bwhat(?:'s| is) your name\b"
    r"|\bwho (?:made|created|built|trained|wrote) you\b"
    r"|\b(?:which|what) (?:\w+ )?model are you\b|\bintroduce yourself\b|\btell me about yourself\b",
    re.IGNORECASE,
)
_ARE_YOU = re.compile(
    r"^\W*(?:so |but |and |hey,? )?are you (?:really |just )?(?:an? )?"
    r"(?P<machine>ai|language model|llm|robot|bot|machine|program|computer|chat ?bot|smollm\S*)?"
    r"(?P<other>(?:real |actual )?"
    r"(?:human|person|man|woman|girl|boy|alive|real|chatgpt|gpt\S*|claude|gemini|siri|alexa|llama\S*))?"
    r"(?: being)?\W*$",
    re.IGNORECASE,
)
_CAN_DO = re.compile(
    r"^\W*(?:what (?:can|do) you do|what are you able to do|what can i do(?: here)?"
    r"|(?:how|what) can you help(?: me)?(?: with)?"
    r"|help(?: me)?)\W*$",
    re.IGNORECASE,
)
_UNKNOWABLE = re.compile(
    r"\b(?:what(?:'s| is| will)?|how(?:'s| is| will)?|will|is) (?:the )?weather\b"
    r"|\bweather (?:forecast|like|today|tomorrow)\b"
    r"|\b(?:will|does|is) it (?:be )?(?:going to )?(?:rain|snow|sunny|cold|warm|hot)\w*\b"
    r".*\b(?:today|tomorrow|tonight|outside|now)\b"
    r"|\bwhat time is it\b|\bwhat(?:'s| is) the time\b|\bwhat (?:day|date|month|year) is (?:it|today)\b"
    r"|\b(?:today's date|date today|the date)\b|\bwhich (?:day|year) is (?:it|today)\b"
    r"|\b(?:latest|today's|current|recent) (?:news|headlines|events)\b|\bin the news\b"
    r"|\b(?:price|cost|value|score|rate|stock)\b.*\b(?:right now|now|today|currently|at the moment)\b",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"\W*(?:what(?:'s| is)|how much (?:is|are)|calculate|compute|solve)?\s*"
    r"(?P<a>-?\d{1,12}(?:\.\d{1,6})?)\s*(?P<how>plus|\+|minus|-|−|times|multiplied by|x|×|\*|divided by|over|/|÷)\s*"
    r"(?P<b>-?\d{1,12}(?:\.\d{1,6})?)\s*(?:equals?|=)?\s*\??\W*",
    re.IGNORECASE,
)
_SUMS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    **dict.fromkeys(("plus", "+"), lambda a, b: a + b),
    **dict.fromkeys(("minus", "-", "−"), lambda a, b: a - b),
    **dict.fromkeys(("times", "multiplied by", "x", "×", "*"), lambda a, b: a * b),
    **dict.fromkeys(("divided by", "over", "/", "÷"), lambda a, b: a / b),
}
_ASKED = r"(?:^\W*(?:please )?|\b(?:can|could|will|would) you (?:please )?)"
_DRAW = re.compile(
    rf"{_ASKED}(?:(?:draw|paint|sketch)\b|(?:make|create|generate|show)\b.*\b{_PICTURE}\b)"
    rf"|^\W*how (?:do|can|could|should) (?:i|we|you) (?:draw|paint|generate)\b(?! (?:a )?(?:conclusion|line))"
    rf"|^\W*how (?:do|can|could|should) (?:i|we|you) (?:make|create|get)\b.*\b{_PICTURE}\b",
    re.IGNORECASE,
)
_GREETINGS: dict[str, str] = {
    r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening))(?: (?:there|you|again|everyone))?":
        "Hello! How can I help you?",
    r"(?:(?:hi|hello|hey|good (?:morning|evening))\W+(?:there\W+)?)?how(?: are you|'s it going| is it going| do you do)"
    r"(?: (?:today|doing|doing today))?":
        "I am a program and always the same, thank you. How can I help you?",
    r"(?:many )?(?:thanks|thank you|thx)(?: (?:so|very) much| a lot)?(?:\W+that (?:helped|was helpful))?":
        "You are welcome.",
    r"good ?night(?:\W+sleep well)?": "Good night!",
    r"(?:good ?bye|bye|bye bye|see you|farewell)(?:\W+see you)?(?: (?:later|soon|tomorrow|then))?": "Goodbye!",
}  # fmt: skip
_SHOWN = re.compile(rf"\b(?:{_PICTURE}|see|look|shown?)\b", re.IGNORECASE)
_WRITES = re.compile(r"^\W*(?:please )?(?:write|tell|imagine|make up|invent)\b", re.IGNORECASE)
_CLAIMS_TO_SEE = re.compile(
    rf"\bI (?:can |could |do )?(?:clearly )?(?:see|saw|notice) (?:an?|the|two|three|some|many)\b"
    rf"|\b(?:this|the|your) {_PICTURE} (?:you \w+ )?"
    rf"(?:shows?|depicts?|is (?:of|a)|features?|appears?|captures?|has|contains?)\b"
    rf"|\bin (?:this|the|your) {_PICTURE}\b",
    re.IGNORECASE,
)


def fixed_answer(turns: list[ChatTurn], name: str) -> str:
    """The answer to the last question, where the model of this name must not give one of its own; else empty."""
    question = turns[-1].content.strip() if turns else ""
    if not question or len(question) > LONGEST_QUESTION or turns[-1].role != "user":
        return ""
    for greeting, answer in _GREETINGS.items():
        if re.fullmatch(rf"\W*{greeting}\W*", question, re.IGNORECASE):
            return answer
    if said := answered_in_its_language(question, name):
        return said
    if term := explained(question) or ("" if _WRITES.match(question) else helped(question)):
        return term
    if sum_ := _SUM.fullmatch(question):
        return _result(sum_)
    if (kind := _ARE_YOU.match(question)) and (kind["machine"] or kind["other"]):
        return f"{'Yes' if kind['machine'] and not kind['other'] else 'No'}. {about(name)}"
    fixed = (
        (_DRAW, CAN_DRAW),
        (_WHO, about(name)),
        (_CAN_DO, CAN_DO),
        (_UNKNOWABLE, CANNOT_KNOW),
        (_TRANSLATE, CANNOT_TRANSLATE),
    )
    for asked, answer in fixed:
        if asked.search(question) and not _WRITES.match(question):
            return answer
    return CANNOT_SEE if _SEEING.search(question) and not _WRITES.match(question) else ""


def about(name: str) -> str:
    """What the embedded model is."""
    made = ", made by Hugging Face" if name.startswith("SmolLM") else ""
    return (
        f"I am {name}{made}: the small language model that comes with this studio and runs on your machine. I am not a "
        "person and often wrong. For real chats, install a model in Ollama."
    )


def may_claim_to_see(turns: list[ChatTurn]) -> bool:
    """Whether the question invites an answer about a picture, so that the answer has to be watched."""
    return bool(turns) and bool(_SHOWN.search(turns[-1].content)) and not _WRITES.match(turns[-1].content)


def claims_to_see(sentence: str) -> bool:
    return _CLAIMS_TO_SEE.search(sentence) is not None


def _result(found: re.Match[str]) -> str:
    try:
        result = _SUMS[found["how"].lower()](Decimal(found["a"]), Decimal(found["b"]))
    except (DivisionByZero, InvalidOperation):
        return "Nothing can be divided by zero."
    rounded = round(result, 6)
    shown = f"{rounded:f}".rstrip("0").rstrip(".") if "." in f"{rounded:f}" else f"{rounded:f}"
    return f"{found['a']} {found['how']} {found['b']} is {'' if rounded == result else 'about '}{shown}."
