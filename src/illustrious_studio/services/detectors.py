"""Detectors: which there are, and which one a name means."""

from collections.abc import Sequence

from illustrious_studio.domain.details import DetectorCatalogue, DetectorFile
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.model_names import named, why_refused
from illustrious_studio.domain.models import RefusedFile

PICKLE = ".pt"
"""How ADetailer's are called."""


class DetectorService:
    """Lists the detectors, and finds the one that a request names."""

    def __init__(self, catalogue: DetectorCatalogue) -> None:
        self._catalogue = catalogue

    async def detectors(self) -> list[DetectorFile]:
        return await self._catalogue.list()

    async def refused(self) -> Sequence[RefusedFile]:
        """What lies among the files and cannot be used, each with its reason."""
        return await self._catalogue.refused()

    async def named(self, name: str) -> DetectorFile:
        """The detector of that name (`domain/model_names.py`), also by the name of the `.pt` file that it was made of.

        Raises InvalidRequest, with the reason where there is a file of that name that is not offered.
        """
        found = await self._catalogue.list()
        file = named(name, found) or named(name.strip().removesuffix(PICKLE), found)
        if file is not None:
            return file
        if reason := why_refused(name, await self._catalogue.refused()):
            raise InvalidRequest(f"The detector {name!r} cannot be used. {reason}")
        there = f"There are: {', '.join(one.name for one in found)}." if found else "There is none yet."
        raise InvalidRequest(
            f"There is no detector {name!r}. {there} Put its ONNX file into the folder models/detectors "
            "(yolo export format=onnx makes one of a .pt file)."
        )
