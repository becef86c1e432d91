"""`illustrious generate` and `grid`: pictures from words, with how far they are."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import httpx
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from illustrious_studio.cli.client import POLL_SECONDS, checked, console, events, get, post, studio_client
from illustrious_studio.cli.files import base64_of, layout_in, save, with_files, write
from illustrious_studio.domain.errors import InvalidRequest, Unavailable
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.settings import Settings


async def generate(settings: Settings, options: argparse.Namespace) -> int:
    """Queue a picture, show how far it is, and write it where `--output` says."""
    given = _settings_in(options)
    async with studio_client(settings, needs="sdxl") as client:
        if options.enhance:
            enhanced = await post(client, "/prompts/enhance", {"prompt": options.prompt})
            given["prompt"] = enhanced["prompt"]
            console.print(escape(enhanced["note"] or f"Prompt: {given['prompt']}"), style="dim")
        more = {"n": options.count, "layout_from_words": options.layout_from_words}
        job = await post(client, "/jobs", given | more)
        waiting = [job, *job["others"]]
        for number in range(1, len(waiting) + 1):
            one = waiting.pop(0)
            try:
                image_id = await _follow(client, one["id"], one["request"]["steps"])
            except asyncio.CancelledError:
                for other in waiting:
                    await client.delete(f"/jobs/{other['id']}")
                raise
            output = options.output
            if output is not None:
                output = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
                await save(client, image_id, output)
            print(f"{output or image_id}  seed {one['request']['seed']}")
    return 0


async def grid(settings: Settings, options: argparse.Namespace) -> int:
    """Queue a grid, show how far it is, and write its sheet. Ctrl-C cancels what is not drawn."""
    given = _settings_in(options) | {"layout_from_words": options.layout_from_words}
    axes = {name: _axis_in(text) for name in ("x", "y", "z") if (text := getattr(options, name)) is not None}
    async with studio_client(settings, needs="sdxl") as client:
        now = await post(client, "/grids", given | axes)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("Waiting", total=now["steps"])
            try:
                while not now["finished"]:
                    await asyncio.sleep(POLL_SECONDS)
                    now = await get(client, f"/grids/{now['id']}")
                    words = f"{now['done']} of {now['pictures']} pictures"
                    bar.update(task, description=words, completed=now["step"], total=now["steps"])
            except asyncio.CancelledError:
                await client.delete(f"/grids/{now['id']}")
                raise
        target = options.output or Path(f"grid-{now['id']}.png")
        sheet = await checked(await client.get(f"/grids/{now['id']}/sheet"))
        write(target, sheet.content, f" Its pictures are in the gallery; the sheet is at /grids/{now['id']}/sheet.")
        for cell in now["cells"]:
            print(f"{cell['image_id'] or 'not drawn: ' + (cell['error'] or cell['state'])}  {cell['label']}")
        print(target)
    return 0 if now["done"] else 1


def _axis_in(text: str) -> dict[str, str]:
    setting, sign, values = text.partition("=")
    if not sign:
        raise InvalidRequest(f"{text!r} is no axis. Write a setting and its values, such as 'steps=20, 30'.")
    return {"setting": setting.strip(), "values": values}


def _settings_in(options: argparse.Namespace) -> dict[str, Any]:
    """The picture settings that were given; files as the API takes them."""
    given = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    given |= {name: base64_of(given[name]) for name in ("image", "mask") if name in given}
    given |= {"layout": layout_in(given["layout"])} if "layout" in given else {}
    pictures = {"controls": "image", "regions": "mask", "details": "mask"}
    given |= {name: with_files(given[name], picture) for name, picture in pictures.items() if name in given}
    return given


async def _follow(client: httpx.AsyncClient, job_id: str, steps: int) -> str:
    """Show a job's progress; the picture's id. Ctrl-C cancels the job."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("Waiting", total=steps)
        try:
            async for event, data in events(client, "GET", f"/jobs/{job_id}/events"):
                if event == "progress":
                    words = f"Waiting, {data['ahead']} before it" if data["ahead"] else "Drawing"
                    bar.update(task, description=words, completed=data["step"], total=data["steps"] or steps)
                elif event == "done":
                    return str(data["image_id"])
        except asyncio.CancelledError:
            await client.delete(f"/jobs/{job_id}")
            raise
    raise Unavailable("The studio stopped before the picture was done. It draws it when it starts again.")
