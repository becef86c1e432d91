"""Upscalers: which there are, and which one a name means."""

from collections.abc import Sequence

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.model_names import named, why_refused
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.upscaling import (
    BUILTIN_IN_A1111,
    BUILTIN_UPSCALER,
    LANCZOS,
    LANCZOS_FILTER,
    Upscaler,
    UpscalerCatalogue,
    UpscalerFile,
)


class UpscalerService:
    """Lists the upscalers, and finds the one that a request names."""

    def __init__(self, catalogue: UpscalerCatalogue) -> None:
        self._catalogue = catalogue

    async def upscalers(self) -> list[Upscaler]:
        """Lanczos's filter first, then the networks, the built-in one before the user's."""
        return [LANCZOS_FILTER, *await self._catalogue.list()]

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among the files and cannot be used, each with its reason."""
        return await self._catalogue.refused()

    async def named(self, name: str) -> UpscalerFile | None:
        """The network of that name (`domain/model_names.py`); None for Lanczos's filter, which needs none.

        Raises NotFound, with the reason where there is a file of that name that is not offered.
        """
        name = name.strip()
        if name == LANCZOS:
            return None
        found = await self._catalogue.list()
        if (file := named(BUILTIN_UPSCALER if name == BUILTIN_IN_A1111 else name, found)) is not None:
            return file
        if reason := why_refused(name, await self._catalogue.refused()):
            raise NotFound(f"The upscaler {name!r} cannot be used. {reason}")
        names = ", ".join(one.name for one in (LANCZOS_FILTER, *found))
        raise NotFound(f"There is no upscaler {name!r}. There are: {names}.")

    async def name_of(self, name: str) -> str:
        """What the studio calls the upscaler of that name. Raises NotFound."""
        file = await self.named(name)
        return LANCZOS if file is None else file.name
