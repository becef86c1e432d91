"""How many tokens a prompt has, where its chunks are cut, and what in it is a LoRA or an embedding."""

import asyncio
from dataclasses import dataclass

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.loras import loras_in, without_loras
from illustrious_studio.domain.prompt_chunks import CHUNK_LENGTH, Tokenizer, chunks, parse, texts
from illustrious_studio.domain.prompt_language import not_done_here
from illustrious_studio.domain.prompt_schedule import composed, scheduled
from illustrious_studio.domain.textual_inversion import named_in
from illustrious_studio.services.embeddings import EmbeddingService

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
    loras: tuple[str, ...]
    embeddings: tuple[str, ...]
    problem: str = ""
    """Why the prompt would be refused, as far as its words alone say that."""


class TokenService:
    """Counts. SDXL's two text encoders share one vocabulary, so one count is both's."""

    def __init__(self, tokenizer: Tokenizer, embeddings: EmbeddingService) -> None:
        self._tokenizer = tokenizer
        self._embeddings = embeddings

    async def of(self, prompt: str) -> Tokens:
        files = {file.name: file.vectors for file in await self._embeddings.embeddings()}
        return await asyncio.to_thread(self._counted, prompt, files)

    def _counted(self, prompt: str, files: dict[str, int]) -> Tokens:
        words = without_loras(prompt)
        loras: tuple[str, ...] = ()
        problem = f"The prompt {found}." if (found := not_done_here(words)) else ""
        try:
            loras = tuple(one.name for one in loras_in(prompt))
        except InvalidRequest as error:
            problem = error.detail
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
