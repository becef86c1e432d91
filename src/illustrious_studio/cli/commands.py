"""What the `illustrious` command does with a studio: it calls the API, like any other client.

When a studio runs already on the same data folder, that one draws and answers (its models are loaded, and the card is
not filled twice). Otherwise the API is started in this process, on a free loopback port, for as long as the command
takes.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from illustrious_studio import __version__
from illustrious_studio.cli.reports import show as show_report
from illustrious_studio.cli.reports import told
from illustrious_studio.domain.checkpoints.report import CheckpointReport
from illustrious_studio.domain.errors import InvalidRequest, StudioError, Unavailable, error_from_code
from illustrious_studio.domain.images import SETTINGS
from illustrious_studio.interfaces.shared.overview import ModelList
from illustrious_studio.serve import serving_api
from illustrious_studio.settings import Settings
from illustrious_studio.wiring import running_studio

console = Console(stderr=True)
POLL_SECONDS = 0.3
HASHING_POLLS = 30
_ID = re.compile(r"[0-9a-f]{32}")


@contextlib.asynccontextmanager
async def studio_client(settings: Settings, *, needs: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running studio, or of one started for this command; waits until what it `needs` is ready."""
    async with contextlib.AsyncExitStack() as stack:
        running = running_studio(settings.data_dir)
        address = running.api if running else await stack.enter_async_context(serving_api(settings))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=address,
                headers={"User-Agent": f"illustrious/{__version__}"} | _key_header(settings),
                timeout=httpx.Timeout(None, connect=5),
                trust_env=False,
            )
        )
        try:
            if needs:
                await _wait_until_ready(client, needs)
            yield client
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The studio at {address} does not answer any more. It may have been stopped: start it, and try again."
            ) from error


def _key_header(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}


async def _wait_until_ready(client: httpx.AsyncClient, needs: str) -> None:
    with console.status("Loading the model"):
        while True:
            status = await _get(client, "/status")
            if status["models"][needs]:
                return
            part = status["details"][needs]
            if part["state"] in ("failed", "absent") and part["reason"]:
                raise Unavailable(part["reason"])
            await asyncio.sleep(POLL_SECONDS)


async def generate(settings: Settings, options: argparse.Namespace) -> int:
    """Queue a picture, show how far it is, and write it where `--output` says."""
    given = _settings_in(options)
    async with studio_client(settings, needs="sdxl") as client:
        if options.enhance:
            enhanced = await _post(client, "/prompts/enhance", {"prompt": options.prompt})
            given["prompt"] = enhanced["prompt"]
            console.print(escape(enhanced["note"] or f"Prompt: {given['prompt']}"), style="dim")
        more = {"n": options.count, "layout_from_words": options.layout_from_words}
        job = await _post(client, "/jobs", given | more)
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
                await _save(client, image_id, output)
            print(f"{output or image_id}  seed {one['request']['seed']}")
    return 0


async def grid(settings: Settings, options: argparse.Namespace) -> int:
    """Queue a grid, show how far it is, and write its sheet. Ctrl-C cancels what is not drawn."""
    given = _settings_in(options) | {"layout_from_words": options.layout_from_words}
    axes = {name: _axis_in(text) for name in ("x", "y", "z") if (text := getattr(options, name)) is not None}
    async with studio_client(settings, needs="sdxl") as client:
        now = await _post(client, "/grids", given | axes)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("Waiting", total=now["steps"])
            try:
                while not now["finished"]:
                    await asyncio.sleep(POLL_SECONDS)
                    now = await _get(client, f"/grids/{now['id']}")
                    words = f"{now['done']} of {now['pictures']} pictures"
                    bar.update(task, description=words, completed=now["step"], total=now["steps"])
            except asyncio.CancelledError:
                await client.delete(f"/grids/{now['id']}")
                raise
        target = options.output or Path(f"grid-{now['id']}.png")
        sheet = await _checked(await client.get(f"/grids/{now['id']}/sheet"))
        _write(target, sheet.content, f" Its pictures are in the gallery; the sheet is at /grids/{now['id']}/sheet.")
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
    given |= {name: _base64_of(given[name]) for name in ("image", "mask") if name in given}
    given |= {"layout": _layout_in(given["layout"])} if "layout" in given else {}
    pictures = {"controls": "image", "regions": "mask", "details": "mask"}
    given |= {name: _with_files(given[name], picture) for name, picture in pictures.items() if name in given}
    return given


def _base64_of(file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode("ascii")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read ({error.strerror}).") from error


def _with_files(given: object, picture: str) -> object:
    """A list of objects with their pictures that are files read; an id of a picture stays. What is wrong else, the API
    says."""
    if not isinstance(given, list):
        return given

    def read(one: object) -> object:
        if not isinstance(one, dict) or not isinstance(file := one.get(picture), str) or not Path(file).suffix:
            return one
        return one | {picture: _base64_of(Path(file))}

    return list(map(read, given))


def _layout_in(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise InvalidRequest(
            f"{file} is no JSON. POST /layout answers with layouts that can be written to it."
        ) from error


async def chat(settings: Settings, options: argparse.Namespace) -> int:
    """Send one message, or chat until the input ends."""
    async with studio_client(settings, needs="ollama") as client:
        if options.message is not None:
            await _say(client, options.message, options.session)
            return 0
        console.print("Chat. #generate <words> draws; Ctrl-D ends.", style="dim")
        while True:
            message = await _typed("> ")
            if message is None:
                return 0
            if message.strip():
                try:
                    await _say(client, message, options.session)
                except StudioError as error:
                    console.print(escape(error.detail), style="red")


async def analyze(settings: Settings, options: argparse.Namespace) -> int:
    """Ask about a picture file."""
    body = {"image_base64": _base64_of(options.file), "question": options.question}
    async with studio_client(settings, needs="multimodal") as client:
        with console.status("Analyzing"):
            seen = await _post(client, "/analyze-image", body)
        print(seen["analysis"])
        console.print(f"({escape(seen['model'])})", style="dim")
    return 0


async def cutout(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture without its background: of a file, or of the gallery by its id."""
    file, target = Path(options.picture), options.output
    of_gallery = _ID.fullmatch(options.picture) is not None and not file.exists()
    body = {"image_id": options.picture} if of_gallery else {"image_base64": _base64_of(file)}
    target = target or _beside(file, "cutout")
    async with studio_client(settings) as client:
        with console.status("Removing the background"):
            answer = await client.post("/remove-background", json=body, headers={"Accept": "image/png"})
        _write(target, (await _checked(answer)).content)
    print(target)
    return 0


async def preprocess(settings: Settings, options: argparse.Namespace) -> int:
    """Write the map that a control model reads: of a file, or of a picture of the gallery by its id."""
    file = Path(options.picture)
    of_gallery = _ID.fullmatch(options.picture) is not None and not file.exists()
    body: dict[str, Any] = {"image": options.picture if of_gallery else _base64_of(file)}
    names = ("preprocessor", "resolution", "threshold_a", "threshold_b")
    body |= {name: given for name in names if (given := getattr(options, name)) is not None}
    async with studio_client(settings) as client:
        with console.status("Preprocessing"):
            made = await _post(client, "/preprocess", body)
    target = options.output or _beside(file, made["preprocessor"])
    _write(target, base64.b64decode(made["image_base64"]))
    print(target)
    return 0


async def upscale(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture made larger: of a file, or of the gallery by its id. It is kept in the gallery, too."""
    file, target = Path(options.picture), options.output
    of_gallery = _ID.fullmatch(options.picture) is not None and not file.exists()
    body: dict[str, Any] = {"image_id": options.picture} if of_gallery else {"image_base64": _base64_of(file)}
    body |= {name: given for name in ("scale", "width", "height", "upscaler") if (given := getattr(options, name))}
    target = target or _beside(file, "upscaled")
    how = {name: value for name in ("strength", "prompt", "tile") if (value := getattr(options, name)) is not None}
    if options.redraw:
        body["redraw"] = how
    elif how:
        raise InvalidRequest(f"--{next(iter(how))} says how the picture is redrawn: add --redraw.")
    async with studio_client(settings) as client:
        with console.status("Upscaling"):
            answer = await client.post("/upscale", json=body, headers={"Accept": "image/png"})
        _write(target, (await _checked(answer)).content, " The picture is in the gallery.")
    print(target)
    return 0


async def detail(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture with its details drawn again: of a file, or of the gallery by its id. It is kept there, too."""
    file, target = Path(options.picture), options.output
    of_gallery = _ID.fullmatch(options.picture) is not None and not file.exists()
    body: dict[str, Any] = {"image_id": options.picture} if of_gallery else {"image_base64": _base64_of(file)}
    body |= {} if options.details is None else {"details": options.details}
    target = target or _beside(file, "detail")
    async with studio_client(settings, needs="sdxl") as client:
        with console.status("Drawing"):
            drawn = await _post(client, "/detail", body)
        _write(target, base64.b64decode(drawn["image_base64"]), " The picture is in the gallery.")
    print(target)
    return 0


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
                await _post(client, f"{path}/preset", {})
            else:
                await _checked(await client.patch(path, json={"preset": None}))
            kept = (await _read_report(client, name)).preset
            print(f"The preset of {name}: {'none' if kept is None else told(kept)}.")
            return 0
        found = await _get(client, "/models")
        if options.use:
            kind = (
                "language_model" if options.use in [one["name"] for one in found["language_models"]] else "checkpoint"
            )
            await _post(client, "/models/switch", {kind: options.use})
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
    answer = await _checked(await client.get(f"{_path_of(name)}/report"))
    return CheckpointReport.model_validate_json(answer.content)


def _path_of(name: str) -> str:
    return f"/models/checkpoints/{quote(name, safe='')}"


async def _found(client: httpx.AsyncClient, digits: str) -> int:
    """Print the model files with that hash, once all are hashed that may have it. 1 for none."""
    with console.status("Hashing"):
        while not (found := await _get(client, "/models/files", hash=digits))["files"] and found["unknown"]:
            await asyncio.sleep(POLL_SECONDS)
    for one in found["files"]:
        print(f"{one['kind']:<11} {one['name']}  AutoV2 {one['auto_v2']}  AutoV3 {one['auto_v3']}")
    if not found["files"]:
        print("No model file has that hash.", file=sys.stderr)
    return 0 if found["files"] else 1


async def models_in_use(settings: Settings) -> ModelList:
    async with studio_client(settings) as client:
        return ModelList.model_validate_json((await _checked(await client.get("/models"))).content)


async def gallery(settings: Settings, options: argparse.Namespace) -> int:
    """List, export, delete, or rebuild the index from the folder."""
    async with studio_client(settings) as client:
        if options.action == "reindex":
            with console.status("Reading the folder"):
                found = await _post(client, "/gallery/reindex", {})
            print(f"{found['pictures']} pictures are in the index now, {found['imported']} of them new in the folder.")
            for one in found["left_out"]:
                print(f"Left out: {one['file']}: {one['reason']}")
        elif options.action == "list":
            page = await _get(client, "/gallery", q=options.what, limit=50)
            for item in page["items"]:
                made = item["metadata"]
                print(f"{item['id']}  {made['created_at'][:16]}  seed {made['seed']}  {made['prompt'][:80]!r}")
            if page["cursor"]:
                console.print("There are more: search for words of the prompt.", style="dim")
        elif not options.what:
            raise InvalidRequest(f"Say which picture: illustrious gallery {options.action} ID (list shows the ids).")
        elif options.action == "export":
            target = options.output or Path(f"{options.what}.png")
            await _save(client, options.what, target)
            print(target)
        else:
            await _checked(await client.delete(f"/gallery/{options.what}"))
            print("Deleted; for seven days the studio can bring it back.")
    return 0


async def mcp(settings: Settings, options: argparse.Namespace) -> int:
    """Speak MCP on stdin and stdout, until who started this closes it."""
    async with studio_client(settings) as client:
        version = (await _get(client, "/status"))["version"]  # says so, too, when the key is wrong
        from illustrious_studio.interfaces.mcp.relay import relay

        await relay(str(client.base_url), _key_header(settings), version)
    return 0


COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]] = {
    "generate": generate,
    "grid": grid,
    "chat": chat,
    "analyze": analyze,
    "cutout": cutout,
    "preprocess": preprocess,
    "upscale": upscale,
    "detail": detail,
    "models": models,
    "gallery": gallery,
    "mcp": mcp,
}


async def _follow(client: httpx.AsyncClient, job_id: str, steps: int) -> str:
    """Show a job's progress; the picture's id. Ctrl-C cancels the job."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("Waiting", total=steps)
        try:
            async for event, data in _events(client, "GET", f"/jobs/{job_id}/events"):
                if event == "progress":
                    words = f"Waiting, {data['ahead']} before it" if data["ahead"] else "Drawing"
                    bar.update(task, description=words, completed=data["step"], total=data["steps"] or steps)
                elif event == "done":
                    return str(data["image_id"])
        except asyncio.CancelledError:
            await client.delete(f"/jobs/{job_id}")
            raise
    raise Unavailable("The studio stopped before the picture was done. It draws it when it starts again.")


async def _typed(prompt: str) -> str | None:
    """A line from the terminal; None at its end. Unlike with `to_thread`, Ctrl-C does not wait for who reads."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()

    def read() -> None:
        try:
            text = input(prompt)
        except (EOFError, OSError, ValueError):
            text = None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(lambda: None if line.done() else line.set_result(text))

    threading.Thread(target=read, name="terminal", daemon=True).start()
    return await line


async def _say(client: httpx.AsyncClient, message: str, session: str) -> None:
    body = {"message": message, "session_id": session, "stream": True}
    async for event, data in _events(client, "POST", "/chat", json=body):
        if event == "token":
            print(data["text"], end="", flush=True)
        elif event == "thinking":
            console.print(escape(data["text"]), style="dim italic", end="")
        elif event == "notice":
            console.print(escape(data["text"]), style="yellow")
        elif event == "drawing":
            console.print(f"Drawing: {escape(data['prompt'])}", style="dim")
        elif event == "image":
            print(f"Picture {data['image_id']}, seed {data['seed']}: {data['url']}", end="")
        elif event == "done":
            print(flush=True)


async def _events(
    client: httpx.AsyncClient, method: str, path: str, **options: Any
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Server-sent events as name and data. Raises the error that an `error` event carries."""
    async with client.stream(method, path, **options) as response:
        if response.is_error:
            await response.aread()
            await _checked(response)
        event = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                if event == "error":
                    raise error_from_code(data["code"], data["detail"])
                yield event, data


async def _save(client: httpx.AsyncClient, image_id: str, target: Path) -> None:
    response = await _checked(await client.get(f"/gallery/{image_id}/image"))
    _write(target, response.content, f" The picture is in the gallery as {image_id}.")


def _beside(picture: Path, what: str) -> Path:
    """Where a picture made of this one goes: beside it, or here for one of the gallery, over no file that is there."""
    name = picture.with_suffix("")
    for number in count(1):
        path = name.with_name(f"{name.name}-{what}{'' if number == 1 else f'-{number}'}.png")
        if not path.exists():
            return path
    raise AssertionError("there is no end of numbers")


def _write(target: Path, data: bytes, otherwise: str = "") -> None:
    try:
        target.write_bytes(data)
    except OSError as error:
        raise InvalidRequest(f"{target} cannot be written ({error.strerror}).{otherwise}") from error


async def _get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    return (await _checked(await client.get(path, params=query))).json()


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    return (await _checked(await client.post(path, json=body))).json()


async def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        try:
            body = response.json()
            detail, code = body["detail"], body["code"]
        except (ValueError, KeyError):
            detail, code = f"The studio answered {response.status_code}.", "internal_error"
        raise error_from_code(code, detail)
    return response


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB" if count else ""
