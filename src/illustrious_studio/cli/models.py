"""`illustrious models`: what is there, what is in use, and what a file is."""

import argparse
import asyncio
import sys
from itertools import count
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.table import Table

from illustrious_studio.cli.client import POLL_SECONDS, checked, console, get, post, studio_client
from illustrious_studio.cli.reports import show as show_report
from illustrious_studio.cli.reports import told
from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.errors import Unavailable
from illustrious_studio.interfaces.shared.overview import ModelList
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import running_studio

HASHING_POLLS = 30


async def models(settings: Settings, options: argparse.Namespace) -> int:
    """List image and chat models, switch, find a file by its hash, or tell what a checkpoint is and what suits it."""
    if options.use and running_studio(settings.data_dir) is None:
        raise Unavailable("No studio is running that could switch. Start it with --sd-model or --ollama-model.")
    async with studio_client(settings) as client:
        if options.report:
            alone = running_studio(settings.data_dir) is None
            show_report(await _report(client, options.report, hashed=alone), Console())
            return 0
        if options.hash:
            return await _found(client, options.hash)
        if name := options.preset or options.no_preset:
            path = _path_of(name)
            if options.preset:
                await post(client, f"{path}/preset", {})
            else:
                await checked(await client.patch(path, json={"preset": None}))
            kept = (await _read_report(client, name)).preset
            print(f"The preset of {name}: {'none' if kept is None else told(kept)}.")
            return 0
        found = await get(client, "/models")
        if options.use:
            kind = (
                "language_model" if options.use in [one["name"] for one in found["language_models"]] else "checkpoint"
            )
            await post(client, "/models/switch", {kind: options.use})
            print(f"The {kind.replace('_', ' ')} is now {options.use}.")
            return 0
        table = Table(box=None, pad_edge=False)
        for title in ("what", "name", "from", "size"):
            table.add_column(title)
        for one in found["checkpoints"]:
            table.add_row(
                "image model", one["name"], "built in" if one["builtin"] else one["family"], _size(one["size_bytes"])
            )
        for one in found["language_models"]:
            where = "the cloud" if one["remote"] else one["backend"]
            table.add_row("chat model", one["name"], where, _size(one["size_bytes"]))
        Console().print(table)
    return 0


async def _report(client: httpx.AsyncClient, name: str, *, hashed: bool = True) -> CheckpointReport:
    """Of a checkpoint; with its hashes, or as soon as the studio goes on computing them without this command."""
    with console.status("Hashing"):
        for polls in count():
            report = await _read_report(client, name)
            if not report.hashing or (polls >= HASHING_POLLS and not hashed):
                return report
            await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("it counts for ever")


async def _read_report(client: httpx.AsyncClient, name: str) -> CheckpointReport:
    answer = await checked(await client.get(f"{_path_of(name)}/report"))
    return CheckpointReport.model_validate_json(answer.content)


def _path_of(name: str) -> str:
    return f"/models/checkpoints/{quote(name, safe='')}"


async def _found(client: httpx.AsyncClient, digits: str) -> int:
    """Print the model files with that hash, once all are hashed that may have it. 1 for none."""
    with console.status("Hashing"):
        while not (found := await get(client, "/models/files", hash=digits))["files"] and found["unknown"]:
            await asyncio.sleep(POLL_SECONDS)
    for one in found["files"]:
        print(f"{one['kind']:<11} {one['name']}  AutoV2 {one['auto_v2']}  AutoV3 {one['auto_v3']}")
    if not found["files"]:
        print("No model file has that hash.", file=sys.stderr)
    return 0 if found["files"] else 1


async def models_in_use(settings: Settings) -> ModelList:
    async with studio_client(settings) as client:
        return ModelList.model_validate_json((await checked(await client.get("/models"))).content)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB" if count else ""
