"""Reports on checkpoints: read from the header, with the hashes as soon as these are known, and what they offer as a
preset."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from illustrious_studio.domain.checkpoints.report import CheckpointReport, report_of
from illustrious_studio.domain.checkpoints.values import FileHash, HeaderReader
from illustrious_studio.domain.errors import InvalidRequest, StudioError
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.presets import Preset
from illustrious_studio.services.model_hashes import ModelHashes
from illustrious_studio.services.models import ModelService


class CheckpointReports:
    """Says what checkpoints are and what suits them, and keeps presets for them."""

    def __init__(self, models: ModelService, headers: HeaderReader, hashes: ModelHashes) -> None:
        self._models = models
        self._headers = headers
        self._hashes = hashes

    async def report(self, name: str = "") -> CheckpointReport:
        """Of a checkpoint by any of its names or its hash, without one of that in use. Its hashes are computed in the
        background from now on. Raises NotFound, Unavailable (none is in use)."""
        checkpoint = await self._models.checkpoint_named(name)
        await self._hashes.start(checkpoint.path)
        hashing = self._hashes.hashing(checkpoint.path)
        return await self._report(checkpoint, await self._hashes.of(checkpoint.path), hashing)

    async def all(self) -> list[CheckpointReport]:
        """Of all checkpoints whose headers can be read, with the hashes that are known."""
        checkpoints = await self._models.checkpoints()
        paths = [one.path for one in checkpoints]
        hashing = {path for path in paths if self._hashes.hashing(path)}
        known = await self._hashes.known(paths)
        made = await asyncio.gather(
            *(self._report(one, known.get(one.path, FileHash()), one.path in hashing) for one in checkpoints),
            return_exceptions=True,
        )
        for failed in made:
            if isinstance(failed, BaseException) and not isinstance(failed, StudioError):
                raise failed
        return [report for report in made if isinstance(report, CheckpointReport)]

    async def thumbnail(self, name: str) -> bytes:
        """A small WebP of the picture in its header. Raises NotFound, NotAnImage."""
        return await self._headers.thumbnail_of(await self._models.checkpoint_named(name))

    async def keep_preset(self, name: str, preset: Preset | None) -> Checkpoint:
        """Begin with these settings from now on, also after a restart; None: as without one. Raises NotFound,
        Unavailable."""
        return await self._models.set_override(name, {"preset": preset})

    async def apply_offered(self, name: str) -> Checkpoint:
        """Keep what its report recommends as its preset. Raises NotFound, Unavailable."""
        return await self.keep_preset(name, (await self.report(name)).offered)

    async def _report(self, checkpoint: Checkpoint, hashes: FileHash, hashing: bool) -> CheckpointReport:
        """`hashing` was asked before the hashes were: what ends in between would be done, and without them."""
        facts = await self._headers.facts_of(checkpoint)
        return report_of(checkpoint, facts, hashes, hashing=hashing)


def preset_of(values: Mapping[str, Any]) -> Preset:
    """A preset of what a person filled in. Raises InvalidRequest that names the field."""
    try:
        return Preset.model_validate(
            {name: _whole(value) for name, value in values.items() if value is not None and value != ""}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidRequest(f"{place}: {message}" if place else message) from None


def _whole(value: object) -> object:
    """A number as a request has it: pages give whole ones as they come."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
