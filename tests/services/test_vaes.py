"""Which VAE a name means."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes import no_hashes
from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.models import RefusedFile, VaeFile
from illustrious_studio.services.vaes import VaeService

MENDED = VaeFile(name="mended", path=Path("/models/vae/mended.safetensors"))


class TwoFiles:
    """One that can be used and one that cannot."""

    async def list(self) -> list[VaeFile]:
        return [MENDED]

    async def refused(self) -> Sequence[RefusedFile]:
        return [RefusedFile(Path("/models/vae/flux.safetensors"), "It has 16 latent channels, SDXL has 4.")]


async def test_a_name_means_a_file_and_automatic_the_checkpoints_own() -> None:
    vaes = VaeService(TwoFiles(), no_hashes())
    assert await vaes.named("mended") == MENDED
    assert await vaes.named("automatic") is None


async def test_a_vae_that_is_not_there_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(NotFound, match=r"no VAE 'other'\. There are: automatic, mended\."):
        await VaeService(TwoFiles(), no_hashes()).named("other")


async def test_a_vae_that_cannot_be_used_is_refused_with_the_reason() -> None:
    with pytest.raises(NotFound, match=r"'flux' cannot be used\. It has 16 latent channels"):
        await VaeService(TwoFiles(), no_hashes()).named("flux")
