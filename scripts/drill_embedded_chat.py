#!/usr/bin/env python3
"""A drill, not a test: the embedded language model is asked everyday questions, and each answer is judged by a rule.

    PYTHONPATH=src .venv/bin/python scripts/drill_embedded_chat.py
    PYTHONPATH=src .venv/bin/python scripts/drill_embedded_chat.py --held-out --seeds 3
    PYTHONPATH=src .venv/bin/python scripts/drill_embedded_chat.py --system "You are a helpful assistant."

Without `--system` it is asked as Chat asks it: its own system prompt and settings, its fixed answers. With one it is
the model alone. Settings were chosen by the first thirty questions; the other thirty (`--held-out`) were only measured.
Every answer is printed, for a rule can be wrong: read them.
"""

import argparse
import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from illustrious_studio.adapters.chat.llama_cpp import CALM, EmbeddedChat, packaged_gguf
from illustrious_studio.domain.chat import ChatOptions, ChatTurn, Sampling

LONGEST = 256
UNTRUE = re.compile(
    r"\bI(?: can|'m able to| am able to)? (?:see|saw|look(?:ed)? at|notice)\b(?! (?:that you|you|how|what you|why))"
    r"|in (?:this|the) (?:picture|image|photo), (?:there|we|you|the|I)\b(?! can)"
    r"|\bI(?:'m| am) (?:ChatGPT|GPT|Siri|Alexa|Claude|a human|a person|a student|a (?:young |old )?(?:man|woman|girl))"
    r"|(?-i:\b(?:I'm|I am|[Mm]y name is) (?!SmolLM|AI\b|I\b)[A-Z][a-z]+\b)"
    r"|\b(?:at|on) the beach|\bI've been (?:working|taking|doing)"
    r"|mathisfun|math(?:ematical|s)?\b[\w -]* (?:problem|homework|question|task)s?\b"
    r"|\b(?:as|like) (?:a|any) human,? I\b|my (?:wife|husband|mother|father|friends?|kids?) (?:and I|is|are)\b",
    re.IGNORECASE,
)
"""What no answer may claim: to see, to be another program, or to be somebody."""


@dataclass(frozen=True)
class Question:
    """A question, and what an answer must have and may not have that a person would accept."""

    text: str
    must: str
    never: str = r"(?!)"
    words: int = 120
    lines: tuple[int, int] = (1, 40)
    check: Callable[[str], bool] = lambda _: True


def sentences(least: int, most: int) -> Callable[[str], bool]:
    return lambda answer: least <= len(re.findall(r"[.!?](?=\s|$|\")", answer)) <= most


UNKNOWABLE = r"(?:can(?:not|'t)|can ?not|do(?:n't| not) (?:have|know)|no (?:clock|access|internet)|unable|not able)"

TUNED: tuple[Question, ...] = (
    Question("Hello!", r"\b(?:hello|hi|hey)\b|help", words=60),
    Question("How are you today?", r"\b(?:well|fine|good|great|here|help|thank)", words=60),
    Question("Who are you?", r"language model|assistant|\bAI\b|SmolLM", words=80),
    Question("What can you do?", r"\b(?:answer|question|write|help|chat)", words=120),
    Question("Can you see pictures?", UNKNOWABLE),
    Question("What do you see in this picture?", UNKNOWABLE),
    Question("Thank you!", r"welcome|glad|happy|pleasure", words=50),
    Question("Good night!", r"night|sleep|dream|rest|see you|bye", words=50),
    Question(
        "What is the capital of France?",
        r"\bParis\b",
        r"Qu.bec|Amsterdam|capital (?:del|du) |\bla (?:femme|maison)\b",
        words=45,
    ),
    Question("How many days are in a week?", r"\b(?:seven|7)\b", r"\b(?:52|31|50|8|5|19|720|full moon)\b", words=45),
    Question(
        "What colour do you get when you mix blue and yellow?",
        r"\bgreen\b",
        r"\b(?:purple|brown|white|red|violet)\b",
        words=50,
    ),
    Question("What is 7 plus 5?", r"\b(?:12|twelve)\b", r"remov|take away|\b(?:13|11)\b", words=45),
    Question("What is 12 times 12?", r"\b144\b", r"octal|base", words=60),
    Question("What is the opposite of hot?", r"\bcold\b", r"opposite of cold|lukewarm", words=50),
    Question('Translate "good morning" into French.', r"\bbonjour\b", r"appelle|\bsuis\b", words=40),
    Question("Write a haiku about autumn.", r"leaf|leaves|autumn|fall|wind|harvest|gold", words=45, lines=(3, 3)),
    Question(
        "Give me three names for a cat.",
        r"(?:[A-Z][a-z]+\W+(?:and )?(?:\d\. )?){3}",
        r"Feline|Longhair|Siamese|Felis|Disney|movie|\bLuna\b(?s:.*)\bLuna\b",
        words=90,
    ),
    Question("Tell me a joke.", r"\w", r"I (?:can't|cannot)", words=60, check=lambda said: "?" in said),
    Question("Describe a dragon in one sentence.", r"dragon|creature|beast", words=60, check=sentences(1, 1)),
    Question("What is the weather like today?", UNKNOWABLE),
    Question("What time is it?", UNKNOWABLE),
    Question("What happened in the news this morning?", UNKNOWABLE),
    Question("What should I draw today?", r"\b(?:draw|picture|try|paint|sketch)", r"sorry|not sure|option", words=120),
    Question("What is Stable Diffusion?", r"\b(?:text|image|picture)s?\b", r"heat|gas|ocean|molecul|physic", words=120),
    Question("Why is the sky blue?", r"scatter", words=150),
    Question("How do I boil an egg?", r"water(?s:.*)(?:minute|boil)", words=200),
    Question("What is the largest planet in the solar system?", r"\bJupiter\b", words=60),
    Question("Write a story about a fox in three sentences.", r"\bfox\b", words=110, check=sentences(2, 4)),
    Question('Correct this sentence: "I has two cat."', r"I have two cats", words=60),
    Question("Who wrote Romeo and Juliet?", r"Shakespeare", r"French|\bson\b|novel", words=60),
)

HELD_OUT: tuple[Question, ...] = (
    Question("Hi there", r"\b(?:hello|hi|hey)\b|help", words=60),
    Question("Good morning, how is it going?", r"\b(?:well|fine|good|great|here|help|thank|morning)", words=60),
    Question("Are you ChatGPT?", r"language model|assistant|\bAI\b|SmolLM", r"^yes|I am ChatGPT|I'm ChatGPT", words=80),
    Question("Are you a real person?", r"\b(?:AI|model|assistant|program|computer)\b", r"^yes", words=80),
    Question("Describe the image I just uploaded.", UNKNOWABLE),
    Question("What colour is the hair of the girl in my photo?", UNKNOWABLE),
    Question("Thanks a lot, that helped.", r"welcome|glad|happy|pleasure", words=50),
    Question("Bye, see you tomorrow", r"bye|see you|take care|tomorrow|welcome|good", words=50),
    Question("What is the capital of Japan?", r"\bTokyo\b", words=45),
    Question("How many months are in a year?", r"\b(?:twelve|12)\b", r"\b(?:52|31|28|24|18|120)\b", words=45),
    Question("Which colours make orange?", r"red(?s:.*)yellow|yellow(?s:.*)red", r"infrared|carotene", words=80),
    Question("What is 9 minus 4?", r"\b(?:5|five)\b", words=40),
    Question("How much is 25 * 4?", r"\b100\b", words=60),
    Question("What is a synonym for big?", r"large|huge|great|enormous|vast|massive|giant", words=60),
    Question('How do you say "thank you" in Spanish?', r"\bgracias\b", words=40),
    Question("Write a short poem about the sea.", r"sea|wave|ocean|tide|shore", words=150, lines=(3, 24)),
    Question("Suggest a name for a dog.", r"\b[A-Z][a-z]+\b", words=90),
    Question("Give me a riddle.", r"\?", r"I (?:can't|cannot)|A\)|has no ears", words=90),
    Question("Describe a castle in one sentence.", r"castle|fortress|tower", words=60, check=sentences(1, 1)),
    Question("Will it rain tomorrow?", UNKNOWABLE),
    Question("What is today's date?", UNKNOWABLE),
    Question("What is the price of bitcoin right now?", UNKNOWABLE),
    Question(
        "Give me an idea for a painting.", r"\b(?:paint|landscape|scene|portrait|sunset|forest|colou?r)", words=150
    ),
    Question("What is a LoRA for image models?", r"train|fine|weights|adapt|style", r"radio|Range|LoRaWAN", words=150),
    Question(
        "Why do leaves fall in autumn?",
        r"cold|light|winter|energy|chlorophyll|temperature|daylight",
        r"^Lakes",
        words=150,
    ),
    Question(
        "How do I make tea?",
        r"water(?s:.*)(?:minute|boil|steep|hot)|(?:boil|hot)(?s:.*)water",
        r"\bdays\b|cool (?:it )?down completely",
        words=200,
    ),
    Question("Which animal is the tallest?", r"\bgiraffe", r"elephant", words=60),
    Question("Write two sentences about a lighthouse.", r"lighthouse", words=80, check=sentences(2, 3)),
    Question(
        'Correct this sentence: "She go to school."',
        r"She goes to school|She went to school",
        r"\bsue\b|compound subject",
        words=60,
    ),
    Question("Who painted the Mona Lisa?", r"Leonardo|da Vinci", r"Michelangelo|group of", words=60),
)


def judged(question: Question, answer: str, finished: bool) -> str:
    """Why a person would not accept it; empty for an answer that passes."""
    lines = [line for line in answer.splitlines() if line.strip()]
    said = [part.strip().lower() for part in re.split(r"[.!?\n]+", answer) if len(part.split()) > 3]
    faults = {
        "empty": not answer.strip(),
        "not finished": not finished,
        "repeats itself": any(count > 1 for count in Counter(said).values()),
        "claims what is not true of it": UNTRUE.search(answer) is not None,
        "not the answer": re.search(question.must, answer, re.IGNORECASE) is None,
        "wrong": re.search(question.never, answer, re.IGNORECASE) is not None,
        "too long": len(answer.split()) > question.words,
        "not of that form": not (question.lines[0] <= len(lines) <= question.lines[1] and question.check(answer)),
    }
    return ", ".join(fault for fault, is_so in faults.items() if is_so)


async def asked(chat: EmbeddedChat, question: Question, options: ChatOptions, system: str | None) -> tuple[str, bool]:
    turns = [ChatTurn("user", question.text)]
    if system is not None:
        turns.insert(0, ChatTurn("system", system))
    answer, finished = "", False
    async for chunk in chat.chat_completion(turns, options):
        answer += chunk.text
        finished = finished or (chunk.ending is not None and chunk.ending.reason == "stop")
    return answer.strip(), finished


async def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--held-out", action="store_true", help="the thirty questions that no setting was chosen by")
    options.add_argument("--system", help="this system prompt, and the model alone")
    options.add_argument("--temperature", type=float, help="what the model gets")
    options.add_argument("--penalty", type=float, help="for repeating itself")
    options.add_argument("--seeds", type=int, default=1, help="each question so often")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--quiet", action="store_true", help="only what is not accepted")
    given = options.parse_args()
    chat = EmbeddedChat(packaged_gguf(), given.threads)
    questions = HELD_OUT if given.held_out else TUNED
    temperature = ChatOptions().temperature if given.temperature is None else given.temperature / CALM
    accepted, began = 0, time.monotonic()
    try:
        for question in questions:
            for seed in range(given.seeds):
                how = Sampling(repeat_penalty=given.penalty, seed=seed)
                chosen = ChatOptions(temperature=temperature, max_tokens=LONGEST, sampling=how, own_rules=True)
                answer, finished = await asked(chat, question, chosen, given.system)
                fault = judged(question, answer, finished)
                accepted += not fault
                if fault or not given.quiet:
                    print(f"\n{'+' if not fault else '-'} {question.text}" + (f"   [{fault}]" if fault else ""))
                    print("    " + answer.replace("\n", "\n    "), flush=True)
    finally:
        await chat.aclose()
    total = len(questions) * given.seeds
    print(f"\n{accepted} of {total} accepted ({accepted / total:.0%}), {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
