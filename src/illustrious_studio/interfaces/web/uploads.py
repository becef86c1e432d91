"""Pictures that a person uploads to the page: opened by the studio's own rules, from where Gradio put the file."""

import asyncio
from pathlib import Path

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.domain.pictures import OpenedPicture, open_to_see


async def open_upload(path: str) -> OpenedPicture:
    """Raises NotAnImage, and NotFound when the file was cleared away since (uploads are kept for a day)."""
    return await asyncio.to_thread(_open, Path(path))


def _open(path: Path) -> OpenedPicture:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound("The uploaded picture is no longer there. Choose it again.") from error
    return open_to_see(data)
