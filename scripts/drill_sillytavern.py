#!/usr/bin/env python3
"""A drill, not a test: SillyTavern's own back end, from npm, draws and chats with a studio that runs.

    PYTHONPATH=src .venv/bin/python scripts/drill_sillytavern.py http://127.0.0.1:8000 --folder /with/500/MB

What is sent is what SillyTavern's page sends with its settings as they come. It needs Node.js 20 or newer.
"""

import argparse
import contextlib
import io
import json
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from illustrious_studio.interfaces.selftest.sillytavern import picture

PACKAGE = "sillytavern@1.19.0"
LONGEST_START = 120
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("studio", help="the address of the studio's API")
    options.add_argument("--folder", type=Path, required=True, help="where SillyTavern is put")
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--prefix", asked.folder, "--no-audit", "--no-fund", "--loglevel=error", PACKAGE], check=True
    )
    with running(asked.folder.resolve()) as tavern:
        failed = [what for what, does in CALLS.items() if not tried(what, does, tavern, asked.studio.rstrip("/"))]
    print(f"{len(CALLS) - len(failed)} of {len(CALLS)} work.")
    return 1 if failed else 0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[httpx.Client]:
    """SillyTavern's server, with data of its own in the folder, and a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "node_modules" / "sillytavern"
    own = ["--dataRoot", str(folder / "data"), "--configPath", str(folder / "config.yaml"), "--port", str(port)]
    with (folder / "sillytavern.log").open("wb") as log:
        server = subprocess.Popen(
            ["node", "server.js", *own, "--disableCsrf", "--browserLaunchEnabled", "false", "--whitelist", "false"],
            cwd=program,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False) as client:
                until_it_answers(client, server)
                yield client
        finally:
            server.terminate()
            server.wait()


def until_it_answers(client: httpx.Client, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(LONGEST_START):
        if server.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if client.get("/version").is_success:
                return
        time.sleep(1)
    raise SystemExit("SillyTavern did not start; its log is in the folder.")


def tried(what: str, does: "Call", tavern: httpx.Client, studio: str) -> bool:
    began = time.monotonic()
    try:
        said, works = does(tavern, studio), True
    except (httpx.HTTPError, AssertionError, KeyError, ValueError) as error:
        said, works = f"{type(error).__name__}: {error}", False
    print(f"{'works ' if works else 'FAILED'}  {what:28} {time.monotonic() - began:6.2f} s  {said}", flush=True)
    return works


Call = Callable[[httpx.Client, str], str]


def asked_of_pictures(path: str, **more: Any) -> Call:
    def call(tavern: httpx.Client, studio: str) -> str:
        answer = tavern.post(f"/api/sd/{path}", json={"url": studio, "auth": "", **more}).raise_for_status()
        return answer.text[:80]

    return call


def drawn(**changed: Any) -> Call:
    def call(tavern: httpx.Client, studio: str) -> str:
        body = {**picture(studio, "DDIM", "normal"), "auth": "", **changed}
        answer = tavern.post("/api/sd/generate", json=body).raise_for_status().json()
        shown = Image.open(io.BytesIO(b64decode(answer["images"][0])))
        assert shown.size == (body["width"], body["height"])
        return str(shown.info["parameters"]).rpartition("Steps")[2][:60]

    return call


def chatted(**more: Any) -> Call:
    def call(tavern: httpx.Client, studio: str) -> str:
        body = {
            "chat_completion_source": "custom",
            "custom_url": f"{studio}/v1",
            "model": tavern.post("/api/backends/chat-completions/status", json=source(studio)).json()["data"][0]["id"],
            "messages": [
                {"role": "system", "content": "Write Seraphina's next reply."},
                {"role": "user", "content": "Say hello to me."},
            ],
            "temperature": 1,
            "max_tokens": 40,
            "frequency_penalty": 0,
            "presence_penalty": 0,
            "top_p": 1,
            "stream": False,
            "logit_bias": {},
            "stop": [],
            **more,
        }
        answer = tavern.post("/api/backends/chat-completions/generate", json=body).raise_for_status()
        if more.get("stream"):
            pieces = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
            assert pieces[-1] == "[DONE]"
            said = "".join(json.loads(one)["choices"][0]["delta"].get("content") or "" for one in pieces[:-1])
        else:
            said = answer.json()["choices"][0]["message"]["content"]
        assert said
        return repr(said[:60])

    return call


def listed(tavern: httpx.Client, studio: str) -> str:
    answer = tavern.post("/api/backends/chat-completions/status", json=source(studio)).raise_for_status().json()
    return ", ".join(one["id"] for one in answer["data"])[:80]


def source(studio: str) -> dict[str, str]:
    return {"chat_completion_source": "custom", "custom_url": f"{studio}/v1"}


CALLS: dict[str, Call] = {
    **{what: asked_of_pictures(what) for what in ("ping", "samplers", "schedulers", "models", "get-model", "vaes")},
    "upscalers": asked_of_pictures("upscalers"),
    "a picture as it comes": drawn(),
    "Euler a, clip skip 2": drawn(sampler_name="Euler a", override_settings={"CLIP_stop_at_last_layers": 2}),
    "a tall picture": drawn(width=256, height=512, steps=8),
    "the models to chat with": listed,
    "a message": chatted(),
    "a streamed message": chatted(stream=True),
    "tools, as by default": chatted(tools=[WEATHER], tool_choice="auto"),
    "token probabilities": chatted(logprobs=2),
}

if __name__ == "__main__":
    sys.exit(main())
