"""LoRAs: which there are, and which files a picture's prompts name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches

from illustrious_studio.domain.errors import InvalidRequest, NotFound
from illustrious_studio.domain.images import ImageRequest
from illustrious_studio.domain.loras import (
    MOST,
    LoraCatalogue,
    LoraChoice,
    LoraFile,
    LoraUse,
    lora_names,
    loras_in,
    renamed,
)
from illustrious_studio.domain.model_names import why_refused
from illustrious_studio.domain.models import Checkpoint, RefusedFile
from illustrious_studio.services.model_hashes import ModelHashes

NEAREST = 3


class LoraService:
    """Lists the LoRA files, and finds those that a request draws with."""

    def __init__(self, catalogue: LoraCatalogue, hashes: ModelHashes) -> None:
        self._catalogue = catalogue
        self._hashes = hashes

    async def loras(self) -> list[LoraFile]:
        """Those that can be drawn with."""
        return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and cannot, each with its reason."""
        return await self._catalogue.refused()

    async def named(self, name: str) -> LoraFile:
        """The file of that name or alias (`domain/model_names.py`), or of that hash. Raises NotFound, with the reason
        where there is one that is not offered or where several have the alias, and with the nearest names else."""
        found = await self._catalogue.list()
        aliased = [one for one in found if one.alias and one.alias == name]
        if (file := await self._hashes.named(name, found)) is not None:
            return file
        if len(aliased) == 1:
            return aliased[0]
        if aliased:
            names = ", ".join(one.name for one in aliased)
            raise NotFound(f"{name!r} is the alias of several LoRAs: {names}. Name one of them.")
        if reason := why_refused(name, await self._catalogue.refused()):
            raise NotFound(f"The LoRA {name!r} cannot be used. {reason}")
        small = {one.name.lower(): one.name for one in found}
        near = [small[one] for one in get_close_matches(name.lower(), small, NEAREST, 0.4)]
        hint = f"Nearest: {', '.join(near)}." if near else "Put its file into the folder models/loras."
        raise NotFound(f"There is no LoRA {name!r}. {hint}{await self._hashes.not_yet(name, found)}")

    async def meant(self, prompt: str) -> dict[str, LoraFile]:
        """The names in a prompt's tags that are there, each with its file."""
        found: dict[str, LoraFile] = {}
        for name in lora_names(prompt):
            with suppress(NotFound):
                found[name] = await self.named(name)
        return found

    async def by_hash(self, request: ImageRequest, hashes: Mapping[str, str]) -> ImageRequest:
        """The settings of another program's picture, with the names that the files have here: those of its prompts'
        tags that are not here are looked for by the hashes recorded with them."""
        here: dict[str, str] = {}
        every = "\n".join(request.prompts.values())
        known = await self.meant(every)
        for name in lora_names(every):
            if name not in known and (digits := hashes.get(name)):
                with suppress(NotFound):
                    here[name] = (await self.named(digits)).name
        return request.model_copy(
            update={
                "prompt": renamed(request.prompt, here),
                "negative_prompt": renamed(request.negative_prompt, here),
                "regions": tuple(
                    one.model_copy(update={"prompt": renamed(one.prompt, here)}) for one in request.regions
                ),
            }
        )

    async def preview(self, name: str) -> bytes:
        """A small WebP of the picture beside its file. Raises NotFound, NotAnImage."""
        file = await self.named(name)
        if file.preview is None:
            raise NotFound(f"The LoRA {file.name!r} has no preview beside its file.")
        return await self._catalogue.preview(file)

    async def of(self, request: ImageRequest, checkpoint: Checkpoint) -> tuple[LoraUse, ...]:
        """What the request's prompts name for the whole picture, in their order. Raises InvalidRequest for what cannot
        be used."""
        if request.disable_extra_networks:
            return ()
        choices = [one for prompt in (request.prompt, request.negative_prompt) for one in loras_in(prompt)]
        for which, prompt in request.prompts.items():
            if which in ("prompt", "negative prompt") or which.startswith("regions"):
                continue
            if found := loras_in(prompt):
                raise InvalidRequest(
                    f"The {which} names the LoRA {found[0].name}. They count for all passes: write it into the prompt."
                )
        return await self._uses("prompt", choices, checkpoint)

    async def of_regions(self, request: ImageRequest, checkpoint: Checkpoint) -> tuple[tuple[LoraUse, ...], ...]:
        """What each region names for itself; empty where none does. Raises InvalidRequest for what cannot be used."""
        if request.disable_extra_networks:
            return ()
        named = [loras_in(one.prompt) for one in request.regions]
        if not any(named):
            return ()
        return tuple(
            [await self._uses(f"regions.{number}.prompt", choices, checkpoint) for number, choices in enumerate(named)]
        )

    async def _uses(self, where: str, choices: Sequence[LoraChoice], checkpoint: Checkpoint) -> tuple[LoraUse, ...]:
        if len(choices) > MOST:
            raise InvalidRequest(f"The {where} names {len(choices)} LoRAs. Use at most {MOST}.")
        uses: list[LoraUse] = []
        for choice in choices:
            try:
                file = await self.named(choice.name)
            except NotFound as error:
                raise InvalidRequest(error.detail) from error
            if file.base == "SDXL" and checkpoint.builtin:
                raise InvalidRequest(
                    f"The LoRA {file.name} was made for SDXL, and the built-in model is much smaller. "
                    "Choose another checkpoint, or take it out of the prompt."
                )
            unet, text_encoders = choice.weights
            uses.append(LoraUse(file=file, unet=unet, text_encoders=text_encoders))
        return tuple(uses)

    async def hashes(self, uses: Sequence[LoraUse]) -> dict[str, str]:
        """A1111's "Lora hashes", by the files' names."""
        found = {use.file.name: await self._catalogue.hash_of(use.file) for use in uses}
        return {name: digest for name, digest in found.items() if digest}
