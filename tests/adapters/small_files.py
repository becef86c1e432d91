"""What another process does in a test: save a picture where no file may be larger than 8 kB."""

import asyncio
import resource
import signal
from pathlib import Path

from illustrious_studio.adapters.files.gallery import FolderGallery
from illustrious_studio.domain.errors import StudioError
from samples import an_item


def save_with_small_files(folder: Path, answer: Path) -> None:
    async def main() -> str:
        gallery = await FolderGallery.open(folder)
        try:
            await gallery.save(an_item(), b"\x89PNG" + bytes(100_000), b"RIFF")
        except StudioError as error:
            return error.code
        return "saved"

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    answer.write_text(asyncio.run(main()))
