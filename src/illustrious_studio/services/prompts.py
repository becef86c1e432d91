"""Better prompts: has the language model turn what a person typed into tags in the order Illustrious was trained on.

Whatever the model answers, the result is either good (`domain/enhancement` says what that means) or the prompt as it
was, with a note that says why. Where only the embedded model is there, which is too small for it, or none, rules write
the tags (`domain/layout/tag_writer`).
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from illustrious_studio.domain.chat import ChatModel, ChatOptions, ChatTurn
from illustrious_studio.domain.enhancement import read_answer, repeats_itself
from illustrious_studio.domain.errors import StudioError
from illustrious_studio.domain.protected import Masked, mask
from illustrious_studio.domain.thinking import ThinkingFilter
from illustrious_studio.domain.values import LONGEST_PROMPT
from illustrious_studio.services.context_window import SMALLEST_CONTEXT, estimated_tokens

log = structlog.get_logger(__name__)

LONGEST_ANSWER = 300
NOTHING_TO_WRITE = "The prompt stays as it is: the rules that write tags found nothing in it to write as tags."
INSTRUCTION = (
    "Turn the description of a picture into danbooru tags: first how many, then who, then what is seen, then quality. "
    "Keep every word of it, copy words like KEEP1X as they are, and add a few fitting tags. "
    "Answer with one line of short tags, separated by commas."
)
# What they add is odd on purpose: a small model repeats it for other pictures, and it is then known by that.
EXAMPLES = (
    (
        "a witch with green hair riding a broom",
        "1girl, solo, witch, green hair, riding a broom, witch hat, cape, full moon, highly detailed",
    ),
    (
        "two boys playing chess, KEEP1X",
        "2boys, playing chess, KEEP1X, chessboard, thinking, facing another, highly detailed",
    ),
    ("an old clock on a brass shelf", "no humans, old clock, brass shelf, gears, roman numerals, highly detailed"),
)
EXAMPLE_TAGS = frozenset(
    tag for _, tags in EXAMPLES for tag in tags.split(", ") if tag not in ("no humans", "1girl", "2boys", "solo")
)


@dataclass(frozen=True)
class Enhanced:
    """The prompt to draw. `note` says who wrote it, or why it was left as it was; without a `model`, rules did."""

    prompt: str
    changed: bool
    note: str
    model: str = ""


class PromptService:
    """Enhances prompts with the chat model in use. `write_tags` says what the rules make of a prompt; None: nothing."""

    def __init__(self, chat_model: Callable[[], ChatModel], write_tags: Callable[[str], str | None]) -> None:
        self._chat_model = chat_model
        self._write_tags = write_tags

    async def enhance(self, prompt: str) -> Enhanced:
        """Never raises for what a model does or does not do."""
        masked = mask(prompt)
        try:
            model = self._chat_model()
        except StudioError as error:
            return await self._by_rules(prompt, error.detail)
        if model.status.backend == "embedded":
            return await self._by_rules(prompt, f"{model.status.model} is too small to do more.")
        try:
            name, context = model.status.model, model.status.context_length or SMALLEST_CONTEXT
            if estimated_tokens(prompt) * 3 > context:
                return Enhanced(
                    prompt, False, f"The prompt is too long for {name} to enhance. It stays as it is.", name
                )
            answer = await _ask(model, masked)
        except StudioError as error:
            return Enhanced(prompt, False, f"The prompt was not enhanced. {error.detail}")
        better = read_answer(answer, masked, EXAMPLE_TAGS)
        if better is None or better == prompt or len(better) > LONGEST_PROMPT:
            log.info("enhancement rejected", model=name, length=len(answer))
            note = f"{name} had nothing good to add to the prompt. It stays as it is."
            return Enhanced(prompt, False, note, name)
        return Enhanced(better, True, f"Enhanced by {name}.", name)

    async def _by_rules(self, prompt: str, why: str) -> Enhanced:
        tags = await asyncio.to_thread(self._write_tags, prompt) if len(prompt) <= LONGEST_PROMPT else None
        if tags is None or len(tags) > LONGEST_PROMPT:
            return Enhanced(prompt, False, NOTHING_TO_WRITE)
        return Enhanced(tags, True, f"Written as tags by rules, without a language model. {why}")


async def _ask(model: ChatModel, masked: Masked) -> str:
    turns = [ChatTurn("system", INSTRUCTION)]
    for asked, answered in EXAMPLES:
        turns += [ChatTurn("user", asked), ChatTurn("assistant", answered)]
    turns.append(ChatTurn("user", masked.text))
    options = ChatOptions(temperature=0, max_tokens=LONGEST_ANSWER, think=False)
    answer = ThinkingFilter()
    async with aclosing(model.chat_completion(turns, options)) as chunks:
        async for chunk in chunks:
            answer.feed(chunk.text)
            if repeats_itself(answer.text):
                return answer.text.rpartition(",")[0]
    answer.finish()
    return answer.text
