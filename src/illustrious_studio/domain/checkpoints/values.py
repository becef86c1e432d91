"""What is read from a checkpoint's file without loading it, and the ports that read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.domain.values import Value

PartName = Literal["UNet", "Text encoder 1", "Text encoder 2", "VAE", "Other"]


class Part(Value):
    """One of the networks in a checkpoint, counted from its header."""

    name: PartName
    tensors: int
    parameters: int
    size_bytes: int
    precision: dict[str, int] = Field(description="Parameters by number format, by safetensors' names: F16, BF16, F32.")


class CheckpointFacts(Value):
    """What stands in a checkpoint's header."""

    parts: tuple[Part, ...] = ()
    markers: tuple[str, ...] = Field((), description="Tensors that only mark the file: v_pred, ztsnr, edm_vpred.")
    metadata: dict[str, str] = Field({}, description="The header's notes, without its thumbnail.")
    thumbnail: bool = False
    auto_v1: str | None = Field(None, description="A1111's first model hash: 8 hex digits of 64 KiB of the file.")


class FileHash(Value):
    """The hashes of a model file, by A1111's and Civitai's names for them; None until it was read as a whole."""

    sha256: str | None = Field(None, description="Of the whole file.")
    tensors_sha256: str | None = Field(None, description="Of the file without its header, so without its notes.")

    @property
    def auto_v2(self) -> str | None:
        """A1111's "Model hash"."""
        return self.sha256 and self.sha256[:10]

    @property
    def auto_v3(self) -> str | None:
        """What Civitai calls AutoV3; A1111's "Lora hashes" are its first 12 digits."""
        return self.tensors_sha256 and self.tensors_sha256[:12]

    def is_meant_by(self, digits: str) -> bool:
        """Whether either begins with these hex digits, in small letters."""
        return any(one is not None and one.startswith(digits) for one in (self.sha256, self.tensors_sha256))


class HeaderReader(Protocol):
    """Reads checkpoints' headers, and next to nothing more of them."""

    async def facts_of(self, checkpoint: Checkpoint) -> CheckpointFacts:
        """Raises NotFound where its files are gone or cannot be read any more."""
        ...

    async def thumbnail_of(self, checkpoint: Checkpoint) -> bytes:
        """A small WebP of the picture in its header. Raises NotFound (there is none), NotAnImage."""
        ...


class FileHashes(Protocol):
    """Hashes of model files, kept over restarts."""

    async def known(self, paths: Sequence[Path]) -> dict[Path, FileHash]:
        """What was computed of these files as they are now; those that are none, or gone, are left out."""
        ...

    async def of(self, path: Path, *, without_header: bool = False) -> str | None:
        """SHA-256 in hex, computed now where it is not known: seconds a gigabyte. None where it cannot be read."""
        ...
