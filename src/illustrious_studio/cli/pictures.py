"""What the `illustrious` command does with a picture that there is: a file's, or one of the gallery by its id."""

import argparse
import base64
from pathlib import Path
from typing import Any

from rich.markup import escape

from illustrious_studio.cli.client import checked, console, get, post, studio_client
from illustrious_studio.cli.files import base64_of, beside, of_gallery, picture_in, save, write
from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.settings import Settings


async def analyze(settings: Settings, options: argparse.Namespace) -> int:
    """Ask about a picture file."""
    body = {"image_base64": base64_of(options.file), "question": options.question}
    async with studio_client(settings, needs="multimodal") as client:
        with console.status("Analyzing"):
            seen = await post(client, "/analyze-image", body)
        print(seen["analysis"])
        console.print(f"({escape(seen['model'])})", style="dim")
    return 0


async def cutout(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture without its background: of a file, or of the gallery by its id."""
    body = picture_in(options.picture)
    target = options.output or beside(Path(options.picture), "cutout")
    async with studio_client(settings) as client:
        with console.status("Removing the background"):
            answer = await client.post("/remove-background", json=body, headers={"Accept": "image/png"})
        write(target, (await checked(answer)).content)
    print(target)
    return 0


async def preprocess(settings: Settings, options: argparse.Namespace) -> int:
    """Write the map that a control model reads: of a file, or of a picture of the gallery by its id."""
    file = Path(options.picture)
    body: dict[str, Any] = {"image": options.picture if of_gallery(options.picture) else base64_of(file)}
    names = ("preprocessor", "resolution", "threshold_a", "threshold_b")
    body |= {name: given for name in names if (given := getattr(options, name)) is not None}
    async with studio_client(settings) as client:
        with console.status("Preprocessing"):
            made = await post(client, "/preprocess", body)
    target = options.output or beside(file, made["preprocessor"])
    write(target, base64.b64decode(made["image_base64"]))
    print(target)
    return 0


async def upscale(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture made larger: of a file, or of the gallery by its id. It is kept in the gallery, too."""
    body = picture_in(options.picture)
    body |= {name: given for name in ("scale", "width", "height", "upscaler") if (given := getattr(options, name))}
    target = options.output or beside(Path(options.picture), "upscaled")
    how = {name: value for name in ("strength", "prompt", "tile") if (value := getattr(options, name)) is not None}
    if options.redraw:
        body["redraw"] = how
    elif how:
        raise InvalidRequest(f"--{next(iter(how))} says how the picture is redrawn: add --redraw.")
    async with studio_client(settings) as client:
        with console.status("Upscaling"):
            answer = await client.post("/upscale", json=body, headers={"Accept": "image/png"})
        write(target, (await checked(answer)).content, " The picture is in the gallery.")
    print(target)
    return 0


async def detail(settings: Settings, options: argparse.Namespace) -> int:
    """Write a picture with its details drawn again: of a file, or of the gallery by its id. It is kept there, too."""
    body = picture_in(options.picture)
    body |= {} if options.details is None else {"details": options.details}
    target = options.output or beside(Path(options.picture), "detail")
    async with studio_client(settings, needs="sdxl") as client:
        with console.status("Drawing"):
            drawn = await post(client, "/detail", body)
        write(target, base64.b64decode(drawn["image_base64"]), " The picture is in the gallery.")
    print(target)
    return 0


async def gallery(settings: Settings, options: argparse.Namespace) -> int:
    """List, export, delete, or rebuild the index from the folder."""
    async with studio_client(settings) as client:
        if options.action == "reindex":
            with console.status("Reading the folder"):
                found = await post(client, "/gallery/reindex", {})
            print(f"{found['pictures']} pictures are in the index now, {found['imported']} of them new in the folder.")
            for one in found["left_out"]:
                print(f"Left out: {one['file']}: {one['reason']}")
        elif options.action == "list":
            page = await get(client, "/gallery", q=options.what, limit=50)
            for item in page["items"]:
                made = item["metadata"]
                print(f"{item['id']}  {made['created_at'][:16]}  seed {made['seed']}  {made['prompt'][:80]!r}")
            if page["cursor"]:
                console.print("There are more: search for words of the prompt.", style="dim")
        elif not options.what:
            raise InvalidRequest(f"Say which picture: illustrious gallery {options.action} ID (list shows the ids).")
        elif options.action == "export":
            target = options.output or Path(f"{options.what}.png")
            await save(client, options.what, target)
            print(target)
        else:
            await checked(await client.delete(f"/gallery/{options.what}"))
            print("Deleted; for seven days the studio can bring it back.")
    return 0
