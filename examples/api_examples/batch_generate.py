"""Draws many prompts, three at a time, and saves the pictures and a results.json with their settings.

Needs only `requests`. Prompts are arguments, or lines of a file (empty lines and lines that begin with # are left out).

    python examples/api_examples/batch_generate.py "a cat" "a red fox in the snow"
    python examples/api_examples/batch_generate.py --file prompts.txt --out pictures --steps 25 --seed 1
"""

import argparse
import base64
import concurrent.futures
import json
import sys
import time
from pathlib import Path
from typing import Any

import requests

AT_ONCE = 3
PATIENCE = 3600
MOST_WAITS = 20


class NotThere(Exception):
    """No studio answers."""


def draw(url: str, key: str, request: dict[str, Any]) -> dict[str, Any]:
    """The studio's answer. Waits and asks again while its queue is full. Raises NotThere, and HTTPError otherwise."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for _ in range(MOST_WAITS):
        try:
            with requests.Session() as http:
                http.trust_env = False
                answer = http.post(f"{url}/generate-image", json=request, headers=headers, timeout=(5, PATIENCE))
        except (requests.ConnectionError, requests.Timeout) as error:
            raise NotThere from error
        if answer.status_code == 503 and "Retry-After" in answer.headers:
            time.sleep(min(60, int(answer.headers["Retry-After"])))
            continue
        break
    if not answer.ok:
        raise requests.HTTPError(_detail(answer))
    found: dict[str, Any] = answer.json()
    return found


def _detail(answer: requests.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {answer.status_code}, and not as a studio does."


def save(folder: Path, number: int, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Write the PNG; what results.json says about it."""
    name = f"{number:03}_{answer['image_id']}.png"
    (folder / name).write_bytes(base64.b64decode(answer["image_base64"]))
    return {"number": number, "request": request, "file": name, "seed": answer["seed"], "image_id": answer["image_id"],
            "url": answer["url"], "metadata": answer["metadata"]}  # fmt: skip


def prompts_of(chosen: argparse.Namespace) -> list[str]:
    lines = chosen.file.read_text("utf-8").splitlines() if chosen.file else []
    return [*chosen.prompts, *(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))]


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", nargs="*", help="what to draw")
    parser.add_argument("--file", type=Path, help="a text file, one prompt a line")
    parser.add_argument("--out", type=Path, default=Path("batch_output"), help="folder for the results")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the studio's API answers")
    parser.add_argument("--key", default="", help="the studio's key, where it has one")
    parser.add_argument("--negative-prompt", default="", help="what to keep out of the pictures")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--seed", type=int, default=-1, help="of the first picture; the others count up from it")
    parser.add_argument("--width", type=int, help="left out: the checkpoint's native width")
    parser.add_argument("--height", type=int, help="left out: the checkpoint's native height")
    return parser


def request_for(chosen: argparse.Namespace, number: int, prompt: str) -> dict[str, Any]:
    request = {
        "prompt": prompt,
        "negative_prompt": chosen.negative_prompt,
        "steps": chosen.steps,
        "guidance": chosen.guidance,
        "seed": chosen.seed + number - 1 if chosen.seed >= 0 else -1,
    }
    return request | {name: value for name in ("width", "height") if (value := getattr(chosen, name)) is not None}


def main() -> int:
    parser = options()
    chosen = parser.parse_args()
    try:
        prompts = prompts_of(chosen)
        chosen.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    if not prompts:
        parser.error("give at least one prompt, or --file")
    url = chosen.url.rstrip("/")
    results: list[dict[str, Any]] = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        requested = {
            pool.submit(draw, url, chosen.key, request): (number, request)
            for number, prompt in enumerate(prompts, 1)
            for request in [request_for(chosen, number, prompt)]
        }
        for done, future in enumerate(concurrent.futures.as_completed(requested), 1):
            number, request = requested[future]
            try:
                results.append(save(chosen.out, number, request, future.result()))
                said = results[-1]["file"]
            except requests.HTTPError as error:
                results.append({"number": number, "request": request, "error": str(error)})
                said = f"not drawn: {error}"
            except NotThere:
                pool.shutdown(cancel_futures=True)
                print(f"No studio answers at {url}. Start it with `python app.py`, or give --url.", file=sys.stderr)
                return 1
            print(f"[{done}/{len(prompts)}] {request['prompt'][:60]}: {said}", flush=True)
            results.sort(key=lambda result: int(result["number"]))
            (chosen.out / "results.json").write_text(json.dumps(results, indent=2, ensure_ascii=False), "utf-8")
    failed = sum("error" in result for result in results)
    print(f"{len(results) - failed} drawn, {failed} not. See {chosen.out / 'results.json'}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
