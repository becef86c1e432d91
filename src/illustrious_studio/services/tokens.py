"""How many tokens a prompt has, where its chunks are cut, and what in it is a LoRA or an embedding."""

import asyncio
from dataclasses import dataclass
from random import Random

from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.loras import LoraChoice, loras_in, without_loras
from illustrious_studio.domain.prompt_chunks import CHUNK_LENGTH, Tokenizer, chunks, parse, texts
from illustrious_studio.domain.prompt_language import not_done_here
from illustrious_studio.domain.prompt_schedule import composed, scheduled
from illustrious_studio.domain.textual_inversion import named_in
from illustrious_studio.domain.wildcards import WildcardFiles, chosen, has_choices
from illustrious_studio.services.embeddings import EmbeddingService
from illustrious_studio.services.loras import LoraService

PASS = 100
"""Steps over which a prompt that changes is looked at."""


@dataclass(frozen=True)
class Tokens:
    """Of a prompt as the text encoders read it. Of one that changes, or of several with AND, the longest counts."""

    count: int
    """Tokens, as A1111 counts them: a chunk that is full or was ended by BREAK has 75."""
    limit: int
    """So many fit into the chunks there are."""
    chunks: tuple[int, ...]
    """The tokens in each."""
    loras: tuple[LoraChoice, ...]
    embeddings: tuple[str, ...]
    problem: str = ""
    """Why the prompt would be refused, as far as its words say that: a tag that cannot be meant, a file that is not
    there."""


class TokenService:
    """Counts. SDXL's two text encoders share one vocabulary, so one count is both's."""

    def __init__(
        self, tokenizer: Tokenizer, loras: LoraService, embeddings: EmbeddingService, wildcards: WildcardFiles
    ) -> None:
        self._tokenizer = tokenizer
        self._loras = loras
        self._embeddings = embeddings
        self._wildcards = wildcards

    async def of(self, prompt: str) -> Tokens:
        files = {file.name: file.vectors for file in await self._embeddings.embeddings()}
        loras: tuple[LoraChoice, ...] = ()
        problem = ""
        try:
            loras = loras_in(prompt)
            if found := not_done_here(without_loras(prompt)):
                problem = f"The prompt {found}."
            for one in loras:
                await self._loras.named(one.name)
            await self._embeddings.named_in([without_loras(prompt)])
            if has_choices(prompt):
                await self._wildcards.with_lines(lambda lines: chosen(prompt, Random(0), lines))
        except (InvalidRequest, NotFound) as error:
            problem = problem or error.detail
        return await asyncio.to_thread(self._counted, without_loras(prompt), files, loras, problem)

    def _counted(self, words: str, files: dict[str, int], loras: tuple[LoraChoice, ...], problem: str) -> Tokens:
        vectors = {name: [0] * count for name, count in files.items()}
        taking_turns = {timed.text for one in composed(words) for timed in scheduled(one.text, PASS)}
        read = [chunks(parse(text), self._tokenizer, vectors) for text in taking_turns]
        longest = max(read, key=lambda one: (len(one), len(one[-1][0])))
        sizes = tuple(len(tokens) for tokens, _ in longest)
        return Tokens(
            count=CHUNK_LENGTH * (len(sizes) - 1) + sizes[-1],
            limit=CHUNK_LENGTH * len(sizes),
            chunks=sizes,
            loras=loras,
            embeddings=tuple(dict.fromkeys(name for text in texts(words) for name in named_in(text, files))),
            problem=problem,
        )
