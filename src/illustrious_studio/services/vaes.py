"""VAE files: which there are, and which one a name means."""

from collections.abc import Sequence

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.model_names import why_refused
from illustrious_studio.domain.models import AUTOMATIC_VAE, RefusedFile, VaeCatalogue, VaeFile
from illustrious_studio.services.model_hashes import ModelHashes


class VaeService:
    """Lists the VAE files, and finds the one that a request names."""

    def __init__(self, catalogue: VaeCatalogue, hashes: ModelHashes) -> None:
        self._catalogue = catalogue
        self._hashes = hashes

    async def vaes(self) -> list[VaeFile]:
        """Those that can take the place of a checkpoint's own."""
        return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among them and cannot, each with its reason."""
        return await self._catalogue.refused()

    async def hash_of(self, file: VaeFile | None) -> str | None:
        """A1111's "VAE hash"; None for the checkpoint's own, and for a file that is gone."""
        return None if file is None else await self._catalogue.hash_of(file)

    async def named(self, name: str) -> VaeFile | None:
        """The file of that name (`domain/model_names.py`) or hash; None for `automatic`, the checkpoint's own.

        Raises NotFound, with the reason where there is a file of that name that is not offered.
        """
        if name == AUTOMATIC_VAE:
            return None
        found = await self._catalogue.list()
        if (file := await self._hashes.named(name, found)) is not None:
            return file
        if reason := why_refused(name, await self._catalogue.refused()):
            raise NotFound(f"The VAE {name!r} cannot be used. {reason}")
        names = ", ".join([AUTOMATIC_VAE, *(file.name for file in found)])
        raise NotFound(f"There is no VAE {name!r}. There are: {names}.{await self._hashes.not_yet(name, found)}")
