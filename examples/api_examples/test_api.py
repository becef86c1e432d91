"""Checks every endpoint of a running studio, one line each, and exits with 1 when one does not answer as it should.

Needs only `requests`. What it makes (pictures, a session) it deletes again. The models are left as they are.

    python examples/api_examples/test_api.py
    python examples/api_examples/test_api.py --url http://127.0.0.1:8000 --key "$ILLUSTRIOUS_KEY"
"""

import argparse
import base64
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import requests

PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = {"prompt": "a cat", "steps": 4, "width": 256, "height": 256}
PATIENCE = 1800


class Studio:
    """A running studio, spoken to over HTTP."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False
        if key:
            self._http.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, expect: int = 200, *, also: int = 0, **options: Any) -> requests.Response:
        """The answer, of the status that is expected, or of another one that is right, too."""
        answer = self._http.request(method, self.url + path, timeout=(5, PATIENCE), **options)
        check(
            answer.status_code in (expect, also), f"{method} {path} answered {answer.status_code}: {answer.text[:300]}"
        )
        return answer

    def events(self, method: str, path: str, body: object = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events as (name, data)."""
        name = ""
        for line in self.ask(method, path, json=body, stream=True).iter_lines(decode_unicode=True):
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


class Failed(Exception):
    """The studio did not answer as it should."""


def check(right: bool, otherwise: str) -> None:
    if not right:
        raise Failed(otherwise)


class Checks:
    """One method a part of the API, in the order in which they run."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.session = f"api-check-{uuid.uuid4().hex[:8]}"
        self.pictures: list[str] = []

    def health(self) -> str:
        check(self.studio.ask("GET", "/health/live").json()["status"] == "alive", "/health/live does not say alive")
        started = time.monotonic()
        while (body := self.studio.ask("GET", "/status").json()) and not all(
            body["models"][what] for what in ("sdxl", "ollama")
        ):
            states = {what: details["state"] for what, details in body["details"].items()}
            check("loading" in states.values() and time.monotonic() - started < 300, f"not ready: {states}")
            time.sleep(1)
        self.studio.ask("GET", "/health/ready")
        return "ready"

    def status(self) -> str:
        body = self.studio.ask("GET", "/status").json()
        check(body["status"] == "running", "status is not running")
        check(set(body["models"]) == {"sdxl", "ollama", "multimodal"}, "models lacks one of the three")
        check(isinstance(body["cuda_available"], bool), "cuda_available is missing")
        return ", ".join(
            f"{what}: {details['backend']} {details['model']}" for what, details in body["details"].items()
        )

    def generate_image(self) -> str:
        body = self.studio.ask("POST", "/generate-image", json=PICTURE | {"seed": 42}).json()
        self.pictures.append(body["image_id"])
        png = base64.b64decode(body["image_base64"])
        check(body["success"] is True and body["seed"] == 42, "success or seed is wrong")
        check(png.startswith(PNG), "image_base64 is no PNG")
        again = self.studio.ask("POST", "/generate-image", json=PICTURE | {"seed": 42}).json()
        self.pictures.append(again["image_id"])
        check(again["metadata"]["seed"] == body["metadata"]["seed"], "the seed is not kept")
        return str(body["message"])

    def generate_image_refuses(self) -> str:
        said = self.studio.ask("POST", "/generate-image", 422, json={"prompt": "a cat", "steps": 0}).json()
        check(set(said) == {"detail", "code"}, "an error has another shape")
        return str(said["detail"])

    def jobs(self) -> str:
        job = self.studio.ask("POST", "/jobs", 202, json=PICTURE | {"seed": 1}).json()
        names = [name for name, _ in self.studio.events("GET", f"/jobs/{job['id']}/events")]
        check(names[-1] == "done", f"the job ended with {names[-1]}")
        done = self.studio.ask("GET", f"/jobs/{job['id']}").json()["job"]
        self.pictures.append(done["image_id"])
        check(job["id"] in [one["id"] for one in self.studio.ask("GET", "/jobs").json()["recent"]], "it is not listed")
        self.studio.ask("DELETE", f"/jobs/{job['id']}", 409)
        return f"{len(names)} events"

    def chat(self) -> str:
        body = self.studio.ask("POST", "/chat", json=self._say("Say hello in one short sentence.")).json()
        check(bool(body["response"]) and body["session_id"] == self.session, "response or session_id is missing")
        return f"{body['model']}: {len(body['response'])} characters"

    def chat_stream(self) -> str:
        events = list(self.studio.events("POST", "/chat", self._say("And again, please.") | {"stream": True}))
        names = {name for name, _ in events}
        check(events[-1][0] == "done" and "token" in names, f"the stream held {sorted(names)}")
        return f"{len(events)} events"

    def chat_generate(self) -> str:
        body = self.studio.ask("POST", "/chat", json=self._say("#generate a dog")).json()
        self.pictures.append(body["image_id"])
        check(base64.b64decode(body["image_base64"]).startswith(PNG), "image_base64 is no PNG")
        self.studio.ask("GET", f"/gallery/{body['image_id']}")
        empty = self.studio.ask("POST", "/chat", json=self._say("#generate")).json()
        check("image_id" not in empty and bool(empty["response"]), "#generate alone is not explained")
        return str(body["prompt"])

    def analyze_image(self) -> str:
        png = self.studio.ask("GET", f"/gallery/{self.pictures[0]}/image").content
        body = self.studio.ask("POST", "/analyze-image", json={"image_base64": base64.b64encode(png).decode()}).json()
        check(bool(body["analysis"]), "the analysis is empty")
        self.studio.ask("POST", "/analyze-image", 400, json={"image_base64": "bm8gcGljdHVyZQ=="})
        return f"{body['model']}: {len(body['analysis'])} characters"

    def remove_background(self) -> str:
        asked = {"image_id": self.pictures[0]}
        answer = self.studio.ask("POST", "/remove-background", also=422, json=asked)
        self.studio.ask("POST", "/remove-background", 404, json={"image_id": "0" * 32})
        if answer.status_code == 422:
            return str(answer.json()["detail"])  # a picture in which nothing stands out
        body = answer.json()
        check(base64.b64decode(body["image_base64"]).startswith(PNG), "the cutout is no PNG")
        return f"{body['width']} x {body['height']} pixels"

    def preprocess(self) -> str:
        names = [one["name"] for one in self.studio.ask("GET", "/preprocessors").json() if one["missing"] is None]
        asked = {"image": self.pictures[0], "preprocessor": "canny"}
        body = self.studio.ask("POST", "/preprocess", json=asked).json()
        check(base64.b64decode(body["image_base64"]).startswith(PNG), "the map is no PNG")
        self.studio.ask("POST", "/preprocess", 404, json={**asked, "preprocessor": "no such preprocessor"})
        return f"{body['width']} x {body['height']} pixels by {body['preprocessor']} of {len(names)}"

    def upscale(self) -> str:
        names = [one["name"] for one in self.studio.ask("GET", "/upscalers").json()["upscalers"]]
        body = self.studio.ask("POST", "/upscale", json={"image_id": self.pictures[0], "upscaler": names[0]}).json()
        self.pictures.append(body["image_id"])
        check(base64.b64decode(body["image_base64"]).startswith(PNG), "what was upscaled is no PNG")
        self.studio.ask("POST", "/upscale", 422, json={"image_id": self.pictures[0], "scale": 0})
        return f"{body['width']} x {body['height']} pixels by {', '.join(names[:1])} of {len(names)}"

    def details(self) -> str:
        found = self.studio.ask("GET", "/detectors").json()["detectors"]
        asked = {"image_id": self.pictures[0], "details": [{"boxes": [{"x": 0.5, "y": 0.5, "w": 0.4, "h": 0.4}]}]}
        body = self.studio.ask("POST", "/detail", json=asked).json()
        self.pictures.append(body["image_id"])
        check(base64.b64decode(body["image_base64"]).startswith(PNG), "image_base64 is no PNG")
        self.studio.ask("POST", "/detail", 404, json=asked | {"image_id": "0" * 32})
        return f"one drawn again, {len(found)} detectors"

    def grids(self) -> str:
        axis = {"setting": "steps", "values": "2, 3"}
        grid = self.studio.ask("POST", "/grids", 202, json=PICTURE | {"seed": 3, "x": axis}).json()
        path = f"/grids/{grid['id']}"
        started = time.monotonic()
        while not (body := self.studio.ask("GET", path).json())["finished"]:
            check(time.monotonic() - started < PATIENCE, "the grid does not end")
            time.sleep(0.2)
        self.pictures += [cell["image_id"] for cell in body["cells"]]
        check(self.studio.ask("GET", f"{path}/sheet").content.startswith(PNG), "the sheet is no PNG")
        check(grid["id"] in [one["id"] for one in self.studio.ask("GET", "/grids").json()["grids"]], "it is not listed")
        self.studio.ask("DELETE", path, 409)
        return f"{body['done']} of {body['pictures']} pictures"

    def controls(self) -> str:
        found = self.studio.ask("GET", "/controls").json()
        nothing = {"model": "no such ControlNet", "image": self.pictures[0]}
        self.studio.ask("POST", "/generate-image", 422, json=PICTURE | {"controls": [nothing]})
        return f"{len(found)} ControlNets, T2I-Adapters and IP-Adapters"

    def loras(self) -> str:
        found = self.studio.ask("GET", "/loras").json()
        check(
            self.studio.ask("POST", "/loras/refresh").json() == found,
            "the LoRAs are others when they are looked for anew",
        )
        self.studio.ask("GET", "/loras/no such LoRA/preview", 404)
        embeddings = self.studio.ask("GET", "/embeddings").json()
        return f"{len(found)} LoRAs, {len(embeddings)} embeddings"

    def prompts(self) -> str:
        body = self.studio.ask("POST", "/prompts/enhance", json={"prompt": "a cat in the snow"}).json()
        check(bool(body["prompt"]), "the prompt is empty")
        layout = self.studio.ask("POST", "/layout", json={"prompt": "a cat and a dog"}).json()["layout"]
        sketch = self.studio.ask("POST", "/layout/sketch", json={"layout": layout}).content
        check(sketch.startswith(PNG), "the sketch is no PNG")
        known = self.studio.ask("GET", "/layout/objects").json()["objects"]
        check(any(one["name"] == "cat" for one in known), "there is no drawing of a cat")
        tokens = self.studio.ask("POST", "/prompts/tokens", json={"prompt": "a cat in the snow"}).json()
        check((tokens["count"], tokens["limit"]) == (5, 75), "the prompt has other than five tokens")
        return f"{'changed' if body['changed'] else 'unchanged'}, {len(layout['things'])} things laid out"

    def gallery(self) -> str:
        item = self.pictures[0]
        page = self.studio.ask("GET", "/gallery", params={"limit": 1}).json()
        check(len(page["items"]) == 1 and page["cursor"], "a page of one has no cursor")
        self.studio.ask("GET", "/gallery", params={"limit": 1, "cursor": page["cursor"]})
        check(bool(self.studio.ask("GET", "/gallery", params={"q": "cat"}).json()["items"]), "the search finds nothing")
        check(self.studio.ask("GET", f"/gallery/{item}/image").content.startswith(PNG), "the file is no PNG")
        check(self.studio.ask("GET", f"/gallery/{item}/thumbnail").content[8:12] == b"WEBP", "the thumbnail is no WebP")
        marked = self.studio.ask("PUT", f"/gallery/{item}/favourite", json={"favourite": True}).json()
        check(marked["favourite"], "it is no favourite")
        self.studio.ask("DELETE", f"/gallery/{item}", 204)
        self.studio.ask("GET", f"/gallery/{item}", 404)
        self.studio.ask("POST", f"/gallery/{item}/restore")
        return "browse, search, favourite, delete, restore"

    def sessions(self) -> str:
        path = f"/sessions/{self.session}"
        messages = self.studio.ask("GET", path).json()["messages"]
        check(self.studio.ask("PATCH", path, json={"title": "Checked"}).json()["title"] == "Checked", "no new title")
        found = self.studio.ask("GET", "/sessions", params={"q": "Checked"}).json()["sessions"]
        check(self.session in [session["id"] for session in found], "the search does not find it")
        self.studio.ask("DELETE", path, 204)
        self.studio.ask("GET", path, 404)
        self.studio.ask("POST", f"{path}/restore")
        new = self.studio.ask("POST", "/sessions", 201).json()["id"]
        self.studio.ask("DELETE", f"/sessions/{new}", 204)
        return f"{len(messages)} messages"

    def models(self) -> str:
        body = self.studio.ask("GET", "/models").json()
        check(body["checkpoint"] in [one["name"] for one in body["checkpoints"]], "the checkpoint in use is not listed")
        self.studio.ask("POST", "/models/switch", 404, json={"checkpoint": "no such checkpoint"})
        self.studio.ask("POST", "/models/switch", json={"checkpoint": body["checkpoint"]})
        self.studio.ask("POST", "/switch-models", json={"sd_model": body["checkpoint"]})
        return f"{len(body['checkpoints'])} checkpoints, {len(body['language_models'])} language models"

    def pages(self) -> str:
        check("swagger-ui" in self.studio.ask("GET", "/docs").text, "/docs shows no documentation")
        check("requests" in self.studio.ask("GET", "/refused-requests").json(), "/refused-requests has no list")
        check("illustrious_request_seconds" in self.studio.ask("GET", "/metrics").text, "/metrics has no figures")
        return f"{len(self.studio.ask('GET', '/openapi.json').json()['paths'])} addresses documented"

    def tidy_up(self) -> str:
        for item in self.pictures:
            self.studio.ask("DELETE", f"/gallery/{item}", 204)
        self.studio.ask("DELETE", f"/sessions/{self.session}", 204)
        return f"{len(self.pictures)} pictures deleted"

    def all(self) -> list[Callable[[], str]]:
        return [
            self.health, self.status, self.generate_image, self.generate_image_refuses, self.jobs, self.chat,
            self.chat_stream, self.chat_generate, self.analyze_image, self.remove_background, self.preprocess,
            self.upscale, self.details, self.grids, self.controls, self.loras, self.prompts, self.gallery,
            self.sessions, self.models, self.pages, self.tidy_up,
        ]  # fmt: skip

    def _say(self, message: str) -> dict[str, Any]:
        return {"message": message, "session_id": self.session, "max_tokens": 60}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", default="http://127.0.0.1:8000", help="where the studio's API answers")
    options.add_argument("--key", default="", help="the studio's key, where it has one")
    chosen = options.parse_args()
    failures = 0
    for one in Checks(Studio(chosen.url, chosen.key)).all():
        try:
            print(f"ok      {one.__name__}: {one()}", flush=True)
        except Failed as failure:
            failures += 1
            print(f"FAILED  {one.__name__}: {failure}", flush=True)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            failures += 1
            print(f"FAILED  {one.__name__}: the answer lacks something ({error!r})", flush=True)
        except (requests.ConnectionError, requests.Timeout):
            print(f"No studio answers at {chosen.url}. Start it with `python app.py`, or give --url.", file=sys.stderr)
            return 1
    print(f"{failures} failed" if failures else "Everything answers as it should.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
