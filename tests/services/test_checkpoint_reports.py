"""Reports on checkpoints as they lie on the disk, and the presets that they offer."""

import asyncio
import base64
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from illustrious_studio.adapters.sdxl.checkpoint_facts import DiskHeaders
from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.checkpoints.values import CheckpointFacts, FileHash
from illustrious_studio.domain.errors import InvalidRequest, NotAnImage, NotFound
from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.presets import Preset
from illustrious_studio.services.checkpoint_reports import CheckpointReports, preset_of
from illustrious_studio.services.model_hashes import ModelHashes
from illustrious_studio.services.studio import Studio
from illustrious_studio.wiring import CHECKPOINTS
from studio_for_tests import studio_for_tests
from tiny_models import SDXL, safetensors
from waiting import until


def thumbnail() -> str:
    file = io.BytesIO()
    Image.new("RGB", (512, 256), "teal").save(file, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def put(data: Path, name: str, tensors: dict[str, list[int]] = SDXL, metadata: dict[str, str] | None = None) -> Path:
    path = data / CHECKPOINTS / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors(tensors, metadata))
    return path


async def when_hashed(studio: Studio, name: str) -> CheckpointReport:
    return await until(lambda: studio.reports.report(name), lambda found: not found.hashing)


async def test_the_networks_are_counted_from_the_header(tmp_path: Path) -> None:
    put(tmp_path, "one", SDXL | {"v_pred": [0], "ztsnr": [0], "model_ema.decay": [3]})
    async with studio_for_tests(tmp_path) as tested:
        found = await tested.studio.reports.report("one")
        parts = {part.name: part for part in found.parts}
        assert parts["UNet"].parameters == 8 * 4 * 3 * 3 + 2
        assert parts["UNet"].precision == {"U8": parts["UNet"].parameters}
        assert (parts["Text encoder 2"].tensors, parts["VAE"].size_bytes, parts["Other"].parameters) == (2, 2, 3)
        assert found.own_vae
        assert found.parameters == sum(part.parameters for part in found.parts)
        assert (found.prediction_type, found.prediction_source, found.zero_terminal_snr) == (
            "v_prediction",
            "file",
            True,
        )
        mini = await tested.studio.reports.report("illustrious-mini")
        assert [part.name for part in mini.parts] == ["UNet", "Text encoder 1", "Text encoder 2", "VAE"]
        assert 15e6 < mini.parameters < 20e6
        assert (mini.hashing, mini.auto_v2, mini.auto_v1) == (False, None, None)


class HashedMeanwhile(DiskHeaders):
    """Headers and hashes in the order that a busy machine may have: hashes end while the header is read."""

    def __init__(self) -> None:
        super().__init__()
        self._reading = asyncio.Event()
        self._hash = FileHash()
        self.hashes = ModelHashes(self, {})

    async def facts_of(self, checkpoint: Checkpoint) -> CheckpointFacts:
        self._reading.set()
        await until(lambda: self.hashes.hashing(checkpoint.path), lambda hashing: not hashing)
        return await super().facts_of(checkpoint)

    async def known(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        return dict.fromkeys(paths, self._hash)

    async def of(self, path: Path, *, without_header: bool = False) -> str | None:
        await self._reading.wait()
        self._hash = FileHash(sha256="0123456789abcdef", tensors_sha256="fedcba9876543210")
        return self._hash.sha256


async def test_hashes_that_end_while_a_header_is_read_are_not_missing_for_good(tmp_path: Path) -> None:
    put(tmp_path, "one")
    async with studio_for_tests(tmp_path) as tested:
        files = HashedMeanwhile()
        reports = CheckpointReports(tested.studio.models, files, files.hashes)
        found = await reports.report("one")
        assert (found.auto_v2, found.hashing) == (None, True)
        found = await reports.report("one")
        assert (found.auto_v2, found.hashing) == ("0123456789", False)


async def test_the_hashes_come_when_they_are_computed(tmp_path: Path) -> None:
    path = put(tmp_path, "one", SDXL | {"large": [1 << 20, 2]})
    async with studio_for_tests(tmp_path) as tested:
        assert [one.name for one in await tested.studio.reports.all()] == ["one", "illustrious-mini"]
        found = await when_hashed(tested.studio, "one")
        data = path.read_bytes()
        assert found.hashes.sha256 == hashlib.sha256(data).hexdigest()
        assert found.auto_v2 == hashlib.sha256(data).hexdigest()[:10]
        header = 8 + int.from_bytes(data[:8], "little")
        assert found.auto_v3 == hashlib.sha256(data[header:]).hexdigest()[:12]
        assert found.auto_v1 == hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8]
        assert (await tested.studio.reports.all())[0].auto_v2 == found.auto_v2
        assert (await tested.studio.reports.report(str(found.auto_v2))).name == "one"


async def test_the_thumbnail_is_shown_small(tmp_path: Path) -> None:
    put(tmp_path, "one", metadata={"modelspec.thumbnail": thumbnail(), "modelspec.title": "One"})
    put(tmp_path, "bad", metadata={"modelspec.thumbnail": "data:image/jpeg;base64,@@@"})
    put(
        tmp_path, "bomb", metadata={"modelspec.thumbnail": "data:image/jpeg;base64," + base64.b64encode(b"no").decode()}
    )
    put(tmp_path, "none")
    async with studio_for_tests(tmp_path) as tested:
        reports = tested.studio.reports
        found = await reports.report("one")
        assert found.thumbnail
        assert [note.text for note in found.notes] == ["One"]
        with Image.open(io.BytesIO(await reports.thumbnail("one"))) as small:
            assert (small.format, small.size) == ("WEBP", (384, 192))
        for name in ("bad", "bomb"):
            with pytest.raises(NotAnImage):
                await reports.thumbnail(name)
        with pytest.raises(NotFound, match="brings no thumbnail"):
            await reports.thumbnail("none")


async def test_a_preset_is_kept_over_restarts_changed_and_taken_back(tmp_path: Path) -> None:
    put(tmp_path, "ponyXL")
    async with studio_for_tests(tmp_path) as tested:
        offered = (await tested.studio.reports.report("ponyXL")).offered
        kept = await tested.studio.reports.apply_offered("ponyXL")
        assert kept.override.preset == offered
        await tested.studio.models.switch(checkpoint="ponyXL")
        suggested = tested.studio.images.suggested("a cat")
        assert (suggested.prompt, suggested.steps, suggested.sampler) == ("a cat", 25, "Euler a")
        assert (suggested.width, suggested.negative_prompt) == (1024, "")
        await tested.studio.reports.keep_preset("ponyXL", Preset(steps=12))
        assert tested.studio.images.suggested("a cat").steps == 12
    async with studio_for_tests(tmp_path) as tested:
        assert (await tested.studio.reports.report("ponyXL")).preset == Preset(steps=12)
        await tested.studio.reports.keep_preset("ponyXL", None)
        assert tested.studio.images.suggested("a cat").steps == 30
        assert (await tested.studio.reports.report("ponyXL")).preset is None


async def test_a_preset_that_the_checkpoint_cannot_be_drawn_with_is_refused(tmp_path: Path) -> None:
    async with studio_for_tests(tmp_path) as tested:
        mini = tested.studio.models.checkpoint().name
        for preset, words in (
            (Preset(sampler="Heun"), "Heun cannot draw"),
            (Preset(schedule="Karras", sampler="Euler"), "Karras"),
        ):
            with pytest.raises(InvalidRequest, match=words):
                await tested.studio.reports.keep_preset(mini, preset)
        assert tested.studio.models.checkpoint().override.preset is None


async def test_a_checkpoint_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    path = put(tmp_path, "one")
    async with studio_for_tests(tmp_path) as tested:
        path.unlink()
        with pytest.raises(NotFound, match="There is no checkpoint 'one'"):
            await tested.studio.reports.report("one")
        assert [one.name for one in await tested.studio.reports.all()] == ["illustrious-mini"]


def test_what_is_filled_in_is_a_preset_or_names_the_field() -> None:
    assert preset_of({"steps": 12, "sampler": "", "guidance": None, "before": " score_9"}) == Preset(
        steps=12, before=" score_9"
    )
    with pytest.raises(InvalidRequest, match="steps: "):
        preset_of({"steps": 1000})
    with pytest.raises(InvalidRequest, match="width and height belong together"):
        preset_of({"width": 1024})
