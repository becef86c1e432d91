"""The `illustrious` command: its commands and options. Without a command it serves.

Every setting is an option of every command; the table of options is made from `Settings`, so it cannot fall behind.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_settings import SettingsError

from illustrious_studio import __version__
from illustrious_studio.domain.errors import InvalidRequest, NotFound, StudioError
from illustrious_studio.domain.images import SETTINGS, ImageRequest
from illustrious_studio.domain.setting import value_types
from illustrious_studio.logs import configure_logs
from illustrious_studio.settings import Settings, explain

BAD_CONFIGURATION = 78
INTERRUPTED = 130

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version")):
        given = ["serve", *given]
    parser, commands = _parser()
    command = commands.get(given[0])
    # Intermixed: words may stand behind options, too.
    options = command.parse_intermixed_args(given[1:]) if command is not None else parser.parse_args(given)
    try:
        settings = Settings(
            **{name: getattr(options, name) for name in Settings.model_fields if hasattr(options, name)}
        )
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        return BAD_CONFIGURATION
    except SettingsError as error:
        print(error, file=sys.stderr)
        return BAD_CONFIGURATION
    try:
        return int(options.run(settings, options))
    except StudioError as error:
        print(error.detail, file=sys.stderr)
        return BAD_CONFIGURATION if isinstance(error, InvalidRequest | NotFound) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="illustrious", description="A local studio for images and chat: SDXL and language models."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="command", required=True)
    settings = _settings_options()

    def add(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help, parents=[settings])
        command.set_defaults(run=run)
        return command

    add("serve", _serve, "Start the web UI and the API (what happens without a command).")

    draw = add("generate", _client("generate"), "Draw a picture.")
    draw.add_argument("prompt", help="What to draw.")
    draw.add_argument("-o", "--output", type=Path, help="Where to write the PNG; it is in the gallery anyway.")
    draw.add_argument("--count", type=int, default=1, help="How many pictures: with this seed, the next, and so on.")
    draw.add_argument("--layout-from-words", action="store_true", help="Lay known objects out, start from that sketch.")
    for name in SETTINGS:
        if name != "prompt":
            draw.add_argument(*(["-n"] if name == "negative_prompt" else []), _option(name), **_setting_option(name))
    draw.add_argument("--enhance", action="store_true", help="Let the language model enhance the prompt first.")

    grid = add("grid", _client("grid"), "Draw a picture with one to three of its settings varied, and their sheet.")
    grid.add_argument("prompt", help="What to draw.")
    for axis, where in (("x", "columns"), ("y", "rows"), ("z", "blocks")):
        grid.add_argument(
            f"-{axis}",
            metavar="SETTING=VALUES",
            required=axis == "x",
            help=f"What the {where} differ in, such as 'sampler=Euler, LMS', 'steps=10-30 (+10)', 'lora:ink=0, 1'.",
        )
    grid.add_argument("-o", "--output", type=Path, help="Where to write the sheet; left out: grid-ID.png, here.")
    grid.add_argument("--layout-from-words", action="store_true", help="Lay known objects out, start from that sketch.")
    for name in SETTINGS:
        if name != "prompt":
            grid.add_argument(*(["-n"] if name == "negative_prompt" else []), _option(name), **_setting_option(name))

    chat = add("chat", _client("chat"), "Chat in the terminal. `#generate words` draws.")
    chat.add_argument("message", nargs="?", help="Send just this; left out: chat until Ctrl-D.")
    chat.add_argument("--session", default="terminal", help="The chat session to go on with.")

    analyze = add("analyze", _client("analyze"), "Ask about a picture.")
    analyze.add_argument("file", type=Path, help="A PNG, JPEG or WebP file.")
    analyze.add_argument("question", nargs="?", default="Describe this image in detail", help="What to ask.")

    cutout = add("cutout", _client("cutout"), "Remove a picture's background.")
    cutout.add_argument("picture", help="A PNG, JPEG or WebP file, or the id of a picture in the gallery.")
    cutout.add_argument(
        "-o", "--output", type=Path, help="Where to write the PNG; left out: beside, as NAME-cutout.png."
    )

    preprocess = add("preprocess", _client("preprocess"), "Make of a picture the map that a control model reads.")
    preprocess.add_argument("picture", help="A PNG, JPEG or WebP file, or the id of a picture in the gallery.")
    preprocess.add_argument(
        "--preprocessor", metavar="NAME", required=True, help="canny, softedge, depth ... A wrong one lists them."
    )
    preprocess.add_argument("--resolution", type=int, metavar="N", help="Pixels of the shorter side to work in.")
    preprocess.add_argument("--threshold-a", type=float, metavar="NUMBER", help="Its first number.")
    preprocess.add_argument("--threshold-b", type=float, metavar="NUMBER", help="Its second number.")
    preprocess.add_argument(
        "-o", "--output", type=Path, help="Where to write the PNG; left out: beside, as NAME-canny.png."
    )

    upscale = add("upscale", _client("upscale"), "Make a picture larger.")
    upscale.add_argument("picture", help="A PNG, JPEG or WebP file, or the id of a picture in the gallery.")
    upscale.add_argument("--scale", type=float, help="How many times as wide and high, 1 to 8; left out: 2.")
    upscale.add_argument("--width", type=int, help="Pixels, instead of a scale.")
    upscale.add_argument("--height", type=int, help="Pixels, instead of a scale.")
    upscale.add_argument("--upscaler", metavar="NAME", help="Left out: the built-in one. A wrong one lists them.")
    upscale.add_argument("--redraw", action="store_true", help="Draw it over, tile by tile, as its record says.")
    upscale.add_argument("--strength", type=float, metavar="NUMBER", help="With --redraw: how much of it, 0.01 to 1.")
    upscale.add_argument("--prompt", help="With --redraw: other words than those that the picture was drawn with.")
    upscale.add_argument("--tile", type=int, metavar="N", help="With --redraw: pixels of a tile's sides.")
    upscale.add_argument(
        "-o", "--output", type=Path, help="Where to write the PNG; left out: beside, as NAME-upscaled.png."
    )

    models = add("models", _client("models"), "List the models, switch to one, or tell what a checkpoint is.")
    which = models.add_mutually_exclusive_group()
    which.add_argument("--use", metavar="NAME", help="Checkpoint or language model for the running studio.")
    which.add_argument("--report", metavar="NAME", help="What a checkpoint is, and what suits it.")
    which.add_argument("--preset", metavar="NAME", help="Keep what its report recommends as a checkpoint's preset.")
    which.add_argument("--no-preset", metavar="NAME", help="Take a checkpoint's preset back.")
    which.add_argument("--hash", metavar="HASH", help="Find model files by a hash, such as 67ab2fd8ec.")

    detail = add("detail", _client("detail"), "Draw a picture's faces, or other details, again, larger.")
    detail.add_argument("picture", help="A PNG, JPEG or WebP file, or the id of a picture in the gallery.")
    detail.add_argument("--details", type=_json, metavar="JSON", help=f"{JSON['details']} Left out: faces.")
    detail.add_argument(
        "-o", "--output", type=Path, help="Where to write the PNG; left out: beside, as NAME-detail.png."
    )

    gallery = add(
        "gallery", _client("gallery"), "List, export or delete pictures of the gallery, or rebuild its index."
    )
    gallery.add_argument("action", nargs="?", choices=("list", "export", "delete", "reindex"), default="list")
    gallery.add_argument("what", nargs="?", default="", help="list: words to search; export, delete: a picture's id.")
    gallery.add_argument("-o", "--output", type=Path, help="export: where to write the PNG.")

    add("mcp", _client("mcp"), "Speak MCP on stdin and stdout, for hosts such as Claude Desktop (docs/connect.md).")

    connect = add("connect", _connect, "Say what to paste into other programs, or test whether they would get along.")
    connect.add_argument("program", nargs="*", help="Words of its name, such as open webui; left out: all.")
    connect.add_argument("--test", action="store_true", help="Call the running studio as each program would.")

    add("doctor", _doctor, "Say what is there, what is missing, and what to do about it.")

    bench = add("bench", _bench, "Measure this studio on this machine, beside peers in the same run.")
    bench.add_argument("names", nargs="*", help="Which benchmarks; left out: all that fit this machine.")
    bench.add_argument("--rounds", type=int, default=5, help="Rounds of each, A B A B.")
    return parser, commands.choices


FILES = {
    "image": "A picture to start from (image to image): a PNG, JPEG or WebP file.",
    "mask": "A picture file: what to redraw of the image (inpaint), in white.",
    "layout": "A layout in JSON, to start from exactly that.",
}
"""Settings that the command line takes as files."""


JSON = {
    "loras": """LoRAs in JSON, such as '[{"name": "ink", "weight": 0.8}]'; or <lora:ink:0.8> in the prompt.""",
    "controls": """Pictures that steer, in JSON: '[{"model": "canny", "image": "a.png", "preprocessor": "canny"}]'.""",
    "regions": """Regions in JSON, such as '[{"prompt": "a cat", "x": 0.25, "w": 0.5}]'; a mask may be a file.""",
    "region_ratios": "How wide or high the parts at BREAK are beside each other, in JSON, such as '[1, 2, 1]'.",
    "details": """Details in JSON, such as '[{"detector": "face_yolov8n"}]'; '[{}]': faces by the layout.""",
    "hires": """Hires fix in JSON, such as '{"scale": 1.5, "upscaler": "Latent"}'; '{}': twice as large.""",
    "outpaint": """By how much the image grows, in JSON, such as '{"left": 128, "top": 64}' or '{"aspect": "16:9"}'.""",
}
"""Settings that the command line takes as JSON."""


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it must be JSON, and {text!r} is none") from error


def _setting_option(name: str) -> dict[str, Any]:
    """How argparse takes a picture setting. What is left out is not sent: the API knows what it is then."""
    help = FILES.get(name, ImageRequest.model_fields[name].description or "").replace("%", "%%")
    kinds = value_types(ImageRequest.model_fields[name].annotation)
    if name in FILES:
        return {"type": Path, "metavar": "FILE", "help": help}
    if name in JSON:
        return {"type": _json, "metavar": "JSON", "help": JSON[name]}
    if bool in kinds:
        return {"action": argparse.BooleanOptionalAction, "help": help}
    number = float if float in kinds else int if int in kinds else str
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    metavar = ",".join(choices) if choices else {float: "NUMBER", int: "N", str: "TEXT"}[number]
    return {"type": number, "metavar": metavar, "help": help}


def _settings_options() -> argparse.ArgumentParser:
    """One option for each setting. An option that is not given does not hide the environment or the file."""
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("settings (also ILLUSTRIOUS_<NAME> in the environment, or in illustrious.toml)")
    for name, field in Settings.model_fields.items():
        if name.endswith("key"):
            continue  # secrets do not belong on a command line, where every process can read them
        words = field.description or ""
        if isinstance(field.default, str | int | float) and not isinstance(field.default, bool) and field.default != "":
            words += f" Default: {field.default}."
        option: dict[str, Any] = {"dest": name, "help": words.replace("%", "%%")}
        if field.annotation is bool:
            option["action"] = argparse.BooleanOptionalAction
        elif get_origin(field.annotation) is not None and str in map(type, get_args(field.annotation)):
            option["choices"] = get_args(field.annotation)
        else:
            option["metavar"] = "VALUE"
        group.add_argument("--" + name.replace("_", "-"), **option)
    return parser


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    gc.disable()  # until everything is imported: searching what is only being built costs a fifth of the start
    from illustrious_studio.serve import Addresses, serve

    configure_logs(
        settings.log_level, as_json=settings.log_json, prompts=settings.log_prompts, folder=settings.data_dir / "logs"
    )

    def say_where(addresses: Addresses) -> None:
        print(f"\n  Illustrious AI Studio {__version__}", flush=True)
        print(f"  Web UI  {addresses.web}", flush=True)
        print(f"  API     {addresses.api}   (try {addresses.api}/docs)", flush=True)
        print("  Stop with Ctrl-C.\n", flush=True)

    asyncio.run(serve(settings, on_ready=say_where))
    return 0


def _client(name: str) -> Command:
    def run(settings: Settings, options: argparse.Namespace) -> int:
        from illustrious_studio.cli import commands

        configure_logs("error", as_json=False, prompts=False, folder=None)
        return asyncio.run(commands.COMMANDS[name](settings, options))

    return run


def _connect(settings: Settings, options: argparse.Namespace) -> int:
    from illustrious_studio.cli.connect import connect

    configure_logs("error", as_json=False, prompts=False, folder=None)
    return asyncio.run(connect(settings, " ".join(options.program), test=options.test))


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from illustrious_studio.cli.doctor import examine

    return examine(settings)


def _bench(settings: Settings, options: argparse.Namespace) -> int:
    from illustrious_studio.bench import run_benchmarks

    configure_logs("error", as_json=False, prompts=False, folder=None)
    return run_benchmarks(settings, options.names, rounds=options.rounds)
