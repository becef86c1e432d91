"""A program that draws in a process of its own, as the studio's worker does, and answers with JSON."""

import asyncio
import json
import sys
from typing import Any

from illustrious_studio.domain.models import Checkpoint
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import checkpoint_catalogue


async def drawn_apart(settings: Settings, program: str, *arguments: object) -> tuple[Checkpoint, Any]:
    """The checkpoint it drew with (that of the settings where one is named, else the built-in one) and its answer, the
    last line that it printed. It gets the checkpoint in JSON, the device, and the other arguments."""
    found = await checkpoint_catalogue(settings).list()
    checkpoint = next((one for one in found if str(one.path) == settings.sd_model), found[-1])
    given = (checkpoint.model_dump_json(), settings.device, *map(str, arguments))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *given), stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate()
    return checkpoint, json.loads(answer.splitlines()[-1])
