"""Embeddings: which there are, and which a picture's prompts name."""

import asyncio
from collections.abc import Sequence
from difflib import get_close_matches

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import without_loras
from illustrious_studio.domain.model_names import why_refused
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.prompt_chunks import texts
from illustrious_studio.domain.textual_inversion import EmbeddingCatalogue, EmbeddingFile, missing_in, named_in


class EmbeddingService:
    """Lists the embedding files, and finds those that a request draws with."""

    def __init__(self, catalogue: EmbeddingCatalogue) -> None:
        self._catalogue = catalogue
        self._in_order = asyncio.Lock()
        """Who asked first is answered first, and so is first in the queue: every picture's words are looked up here."""

    async def embeddings(self) -> list[EmbeddingFile]:
        """Those that can be drawn with."""
        async with self._in_order:
            return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and cannot, each with its reason."""
        return await self._catalogue.refused()

    async def of(self, request: ImageRequest) -> tuple[EmbeddingFile, ...]:
        """What the request's prompts name. Raises InvalidRequest for one that is not there."""
        prompts = list(request.prompts.values())
        if not request.disable_extra_networks:
            prompts = [without_loras(prompt) for prompt in prompts]
        return await self.named_in(prompts)

    async def named_in(self, prompts: Sequence[str]) -> tuple[EmbeddingFile, ...]:
        """What such words name. Raises InvalidRequest for one that is not there."""
        found = {file.name: file for file in await self.embeddings()}
        read = [text for prompt in prompts for text in texts(prompt)]
        for text in read:
            if name := missing_in(text, found):
                raise InvalidRequest(await self._why_not(name, list(found)))
        names = dict.fromkeys(name for text in read for name in named_in(text, found))
        return tuple(found[name] for name in names)

    async def hashes(self, files: Sequence[EmbeddingFile]) -> dict[str, str]:
        """A1111's "TI hashes", by the files' names."""
        found = {file.name: await self._catalogue.hash_of(file) for file in files}
        return {name: digest for name, digest in found.items() if digest}

    async def _why_not(self, name: str, names: list[str]) -> str:
        if reason := why_refused(name, await self._catalogue.refused()):
            return f"The embedding {name!r} cannot be used. {reason}"
        near = get_close_matches(name, names, 3, 0.4)
        hint = f"Nearest: {', '.join(near)}." if near else "Put its file into the folder models/embeddings."
        return f"There is no embedding {name!r}. {hint}"
