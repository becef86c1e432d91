"""The API as its users see it: what each address answers, and what stays true afterwards."""

import asyncio
import io
import json
from base64 import b64decode, b64encode
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from PIL import Image
from structlog.testing import capture_logs

from fakes import FakeChat, FakeEngine, FakeVision, gradient
from illustrious_studio.domain.errors import (
    Busy,
    EngineDied,
    OutOfMemory,
    StorageFull,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from illustrious_studio.interfaces.rest.app import create_api
from illustrious_studio.serve import guard_api
from running_api import Api, running_api
from serving import serving
from waiting import until

ROOT = Path(__file__).parents[2]
CAT = {"prompt": "a cat", "steps": 3, "seed": 7}


async def drawn(api: Api, **settings: object) -> dict[str, object]:
    answer = await api.http.post("/generate-image", json=CAT | settings)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_status_says_what_works_and_with_what(api: Api) -> None:
    body = (await api.http.get("/status")).json()
    assert body["status"] == "running"
    assert body["models"] == {"sdxl": True, "ollama": True, "multimodal": True}
    assert body["cuda_available"] is False
    assert (body["gpu_available"], body["gpu_backend"]) == (False, "cpu")
    assert body["version"] == api.studio.version
    assert body["queue_length"] == 0
    assert body["details"]["ollama"]["model"] == "fake-chat"
    assert body["details"]["multimodal"]["backend"] == "builtin"
    assert body["details"]["sdxl"]["state"] == "ready"


async def test_the_status_in_the_docs_has_the_fields_that_the_studio_answers(api: Api) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("### `GET /status`\n\n```json\n")
    shown, here = json.loads(rest.partition("```")[0]), (await api.http.get("/status")).json()
    assert shown.keys() == here.keys()
    for part in ("sdxl", "ollama", "multimodal"):
        assert shown["details"][part].keys() == here["details"][part].keys()


async def test_status_says_what_is_missing_and_why(tmp_path: Path) -> None:
    parts = {"engine": FakeEngine(ready=False), "chat": FakeChat(ready=False), "vision": FakeVision(ready=False)}
    async with running_api(tmp_path, **parts) as api:
        body = (await api.http.get("/status")).json()
        assert body["models"] == {"sdxl": False, "ollama": False, "multimodal": False}
        assert body["details"]["ollama"]["reason"] == "Start Ollama."
        ready = await api.http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        for path, request in [
            ("/generate-image", CAT),
            ("/chat", {"message": "hello"}),
            ("/chat", {"message": "hello", "stream": True}),
            ("/analyze-image", {"image_base64": b64encode(a_png()).decode()}),
        ]:
            answer = await api.http.post(path, json=request)
            assert answer.status_code == 503
            assert answer.json()["code"] == "unavailable"
            assert int(answer.headers["retry-after"]) > 0


async def test_health(api: Api) -> None:
    assert (await api.http.get("/health/live")).json() == {"status": "alive"}
    ready = await api.http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_a_drawn_picture_comes_back_and_is_in_the_gallery(api: Api) -> None:
    body = await drawn(api)
    assert body["success"] is True
    assert body["seed"] == 7
    png = b64decode(str(body["image_base64"]))
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert "a cat" in image.text["parameters"]
        assert image.size == (body["metadata"]["width"], body["metadata"]["height"])
    kept = await api.http.get(str(body["url"]))
    assert (kept.status_code, kept.content) == (200, png)
    assert kept.headers["content-type"] == "image/png"
    assert (await api.http.get(f"/gallery/{body['image_id']}")).json()["metadata"] == body["metadata"]


async def test_the_same_seed_gives_the_same_pixels_and_no_seed_gives_another(api: Api) -> None:
    async def pixels(**settings: object) -> bytes:
        found = await drawn(api, **settings)
        with Image.open(io.BytesIO(b64decode(str(found["image_base64"])))) as image:
            return image.tobytes()

    assert await pixels(seed=7) == await pixels(seed=7)
    seeds = {(await drawn(api, seed=-1))["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds)


async def test_largest_seed_and_chosen_size_are_kept_exactly(api: Api) -> None:
    body = await drawn(api, seed=2**32 - 1, width=128, height=72)
    assert body["seed"] == 2**32 - 1
    assert (body["metadata"]["width"], body["metadata"]["height"]) == (128, 72)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OutOfMemory("Too large. Choose a smaller size."), 507, "out_of_memory"),
        (StorageFull("The disk is full. Make room."), 507, "storage_full"),
        (EngineDied("It ended. Try again."), 503, "engine_died"),
        (Unavailable("Nothing is loaded. Choose a checkpoint.", retry_after=2.2), 503, "unavailable"),
        (Busy("Too much waits. Try later.", retry_after=0.1), 503, "busy"),
        (UpstreamFailed("Garbage. Look at its log."), 502, "upstream_failed"),
        (UpstreamTimeout("Silence. Is it running?"), 504, "upstream_timeout"),
    ],
)
async def test_a_failed_drawing_has_its_status_and_the_next_one_works(
    api: Api, error: StudioError, status: int, code: str
) -> None:
    api.engine.faults = [error] * (2 if isinstance(error, EngineDied) else 1)  # which is drawn once more by itself
    answer = await api.http.post("/generate-image", json=CAT)
    assert (answer.status_code, answer.json()) == (status, {"detail": error.detail, "code": code})
    if error.retry_after:
        assert int(answer.headers["retry-after"]) >= error.retry_after
    await drawn(api)


async def test_a_fault_of_the_studio_says_nothing_of_its_inside(api: Api) -> None:
    api.engine.faults = [RuntimeError("at /home/somebody with a cat")]
    answer = await api.http.post("/generate-image", json=CAT)
    assert answer.status_code == 500
    assert set(answer.json()) >= {"detail", "code"}
    assert "somebody" not in answer.text
    await drawn(api)


async def test_a_bug_in_a_handler_is_answered_with_an_id_that_the_log_has(api: Api) -> None:
    app = create_api(api.studio)

    async def broken() -> None:
        raise RuntimeError("at /home/somebody with a cat")

    app.add_api_route("/broken", broken)
    async with serving(lambda port: guard_api(app, port)) as url, httpx.AsyncClient(base_url=url) as http:
        with capture_logs() as logs:
            answer = await http.get("/broken")
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "internal_error")
    assert body["id"] == answer.headers["x-request-id"]
    assert "somebody" not in answer.text
    assert [line["event"] for line in logs] == ["request failed"]


async def test_leaving_cancels_the_drawing(api: Api) -> None:
    api.engine.go_on.clear()
    caller = asyncio.create_task(api.http.post("/generate-image", json=CAT))
    await asyncio.wait_for(api.engine.drawing.wait(), 30)
    caller.cancel()
    await asyncio.wait_for(api.engine.stopped.wait(), 30)
    api.engine.go_on.set()
    await until(lambda: not api.studio.jobs.active())
    assert [job["state"] for job in (await api.http.get("/jobs")).json()["recent"]] == ["cancelled"]
    assert (await api.http.get("/gallery")).json()["items"] == []


async def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.go_on.clear()
    async with running_api(tmp_path, engine=engine, queue_limit=2) as api:
        answers = [await api.http.post("/jobs", json=CAT) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 503]
        assert answers[2].json()["code"] == "busy"
        assert int(answers[2].headers["retry-after"]) > 0
        assert (await api.http.get("/status")).json()["queue_length"] == 2
        engine.go_on.set()


async def test_a_queued_job_can_be_followed_to_its_picture(api: Api) -> None:
    api.engine.go_on.clear()
    queued = await api.http.post("/jobs", json=CAT | {"seed": -1})
    job = queued.json()
    assert queued.status_code == 202
    assert job["request"]["seed"] >= 0
    assert queued.headers["location"] == f"{api.url}/jobs/{job['id']}"
    await asyncio.wait_for(api.engine.drawing.wait(), 30)
    where = (await api.http.get(queued.headers["location"])).json()
    assert (where["job"]["state"], where["steps"]) == ("running", 3)
    assert [active["job"]["id"] for active in (await api.http.get("/jobs")).json()["active"]] == [job["id"]]
    api.engine.go_on.set()
    await until(lambda: not api.studio.jobs.active())
    done = (await api.http.get(queued.headers["location"])).json()["job"]
    assert done["state"] == "done"
    assert (await api.http.get(f"/gallery/{done['image_id']}/image")).status_code == 200


async def test_a_job_can_be_cancelled_while_it_waits_or_runs_and_only_once(api: Api) -> None:
    api.engine.go_on.clear()
    running, waiting = [(await api.http.post("/jobs", json=CAT)).json()["id"] for _ in range(2)]
    await asyncio.wait_for(api.engine.drawing.wait(), 30)
    assert (await api.http.delete(f"/jobs/{waiting}")).status_code == 204
    assert (await api.http.delete(f"/jobs/{running}")).status_code == 204
    again = await api.http.delete(f"/jobs/{running}")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    api.engine.go_on.set()
    states = {job["id"]: job["state"] for job in (await api.http.get("/jobs")).json()["recent"]}
    assert states == {running: "cancelled", waiting: "cancelled"}
    assert len(api.engine.plans) == 1


async def test_a_chat_is_kept_in_a_session(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["Good ", "morning."], ["Yes."])) as api:
        first = (await api.http.post("/chat", json={"message": "hello", "session_id": "mine"})).json()
        assert (first["response"], first["session_id"], first["model"]) == ("Good morning.", "mine", "fake-chat")
        await api.http.post("/chat", json={"message": "really?", "session_id": "mine"})
        assert [turn.content for turn in api.chat.asked[1]][-3:] == ["hello", "Good morning.", "really?"]
        read = (await api.http.get("/sessions/mine")).json()
        assert [message["content"] for message in read["messages"]] == ["hello", "Good morning.", "really?", "Yes."]
        assert (await api.http.post("/chat", json={"message": "hello"})).json()["session_id"] == "default"
    async with running_api(tmp_path) as api:
        assert len((await api.http.get("/sessions/mine")).json()["messages"]) == 4


async def test_sessions_are_listed_found_renamed_deleted_and_brought_back(api: Api) -> None:
    for session, message in (("one", "about foxes"), ("two", "about owls")):
        await api.http.post("/chat", json={"message": message, "session_id": session})

    async def ids(q: str = "") -> list[str]:
        return [session["id"] for session in (await api.http.get("/sessions", params={"q": q})).json()["sessions"]]

    assert await ids() == ["two", "one"]
    assert await ids("foxes") == ["one"]
    renamed = await api.http.patch("/sessions/one", json={"title": "  Foxes "})
    assert renamed.json()["title"] == "Foxes"
    assert (await api.http.patch("/sessions/one", json={"title": " "})).status_code == 422
    assert (await api.http.delete("/sessions/one")).status_code == 204
    assert await ids() == ["two"]
    assert (await api.http.get("/sessions/one")).status_code == 404
    assert (await api.http.post("/sessions/one/restore")).json()["title"] == "Foxes"
    assert set(await ids()) == {"one", "two"}
    for method, path in (("PATCH", "/sessions/no"), ("DELETE", "/sessions/no"), ("POST", "/sessions/no/restore")):
        assert (await api.http.request(method, path, json={"title": "x"})).status_code == 404
    new = await api.http.post("/sessions")
    assert new.status_code == 201
    assert (await api.http.get(f"/sessions/{new.json()['id']}")).json()["messages"] == []


async def test_generate_in_chat_draws_and_links_the_picture(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["a red fox, snow, winter"])) as api:
        body = (await api.http.post("/chat", json={"message": "#generate a red fox in the snow"})).json()
        item = (await api.http.get(f"/gallery/{body['image_id']}")).json()
        assert item["metadata"]["prompt"] == body["prompt"]
        assert item["metadata"]["origin"]["words"] == "a red fox in the snow"
        assert b64decode(body["image_base64"]) == (await api.http.get(body["url"])).content
        assert body["response"]
        assert (await api.http.get("/jobs/" + body["job_id"])).json()["job"]["state"] == "done"
        last = (await api.http.get("/sessions/default")).json()["messages"][-1]
        assert last["image_id"] == body["image_id"]


async def test_generate_with_nothing_after_it_explains_itself(api: Api) -> None:
    body = (await api.http.post("/chat", json={"message": "#generate  "})).json()
    assert "#generate" in body["response"]
    assert "image_id" not in body
    assert "image_base64" not in body
    assert api.engine.plans == []


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
async def test_a_picture_is_looked_at(api: Api, prefix: str) -> None:
    text = prefix + b64encode(a_png(40, 24)).decode()
    body = (await api.http.post("/analyze-image", json={"image_base64": text})).json()
    assert body == {"analysis": "Describe this image in detail: 40 x 24", "model": "fake-eyes"}
    asked = await api.http.post("/analyze-image", json={"image_base64": text, "question": "How large?"})
    assert asked.json()["analysis"] == "How large?: 40 x 24"
    assert (await api.http.get("/gallery")).json()["items"] == []


def a_png(width: int = 16, height: int = 16) -> bytes:
    file = io.BytesIO()
    gradient(width, height, 1).image().save(file, "PNG")
    return file.getvalue()


async def test_the_gallery_pages_newest_first_and_finds_words(api: Api) -> None:
    made = [await drawn(api, prompt=f"a {what}", seed=number) for number, what in enumerate(("fox", "owl", "fox tail"))]
    first = (await api.http.get("/gallery", params={"limit": 2})).json()
    second = (await api.http.get("/gallery", params={"limit": 2, "cursor": first["cursor"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [item["image_id"] for item in reversed(made)]
    assert second["cursor"] is None
    found = (await api.http.get("/gallery", params={"q": "fox"})).json()["items"]
    assert {item["metadata"]["prompt"] for item in found} == {"a fox", "a fox tail"}
    assert "path" not in str(found)


async def test_files_of_the_gallery_stay_in_the_browser(api: Api) -> None:
    item_id = (await drawn(api))["image_id"]
    for name, kind in (("image", "image/png"), ("thumbnail", "image/webp")):
        answer = await api.http.get(f"/gallery/{item_id}/{name}")
        assert answer.headers["content-type"] == kind
        assert "immutable" in answer.headers["cache-control"]
        assert "sandbox" in answer.headers["content-security-policy"]
        assert f"_{item_id}." in answer.headers["content-disposition"]
        again = await api.http.get(f"/gallery/{item_id}/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_a_picture_can_be_deleted_brought_back_and_marked(api: Api) -> None:
    item_id = (await drawn(api))["image_id"]
    marked = await api.http.put(f"/gallery/{item_id}/favourite", json={"favourite": True})
    assert marked.json()["favourite"] is True
    assert len((await api.http.get("/gallery?favourites=true")).json()["items"]) == 1
    assert (await api.http.delete(f"/gallery/{item_id}")).status_code == 204
    for path in ("", "/image", "/thumbnail"):
        assert (await api.http.get(f"/gallery/{item_id}{path}")).status_code == 404
    assert (await api.http.delete(f"/gallery/{item_id}")).status_code == 404
    assert (await api.http.post(f"/gallery/{item_id}/restore")).json()["favourite"] is True
    assert (await api.http.get(f"/gallery/{item_id}/image")).status_code == 200


async def test_what_a_checkpoints_file_does_not_say_can_be_said(api: Api) -> None:
    (name, *_) = [one["name"] for one in (await api.http.get("/models")).json()["checkpoints"]]
    assert (await api.http.patch("/models/checkpoints/", json={"prediction_type": "epsilon"})).status_code == 404
    said = await api.http.patch(f"/models/checkpoints/{name}", json={"prediction_type": "epsilon"})
    assert (said.status_code, said.json()["prediction_type"]) == (200, "epsilon")
    more = (await api.http.patch(f"/models/checkpoints/{name}", json={"zero_terminal_snr": False})).json()
    assert more["override"] == {"prediction_type": "epsilon", "zero_terminal_snr": False, "preset": None}
    assert api.studio.models.checkpoint().prediction_type == "epsilon", "it holds for the next picture"
    both = [{"prediction_type": "v_prediction"}, {"zero_terminal_snr": True}]
    await asyncio.gather(*(api.http.patch(f"/models/checkpoints/{name}", json=one) for one in both))
    said = (await api.http.patch(f"/models/checkpoints/{name}", json={})).json()
    both_said = {"prediction_type": "v_prediction", "zero_terminal_snr": True, "preset": None}
    assert said["override"] == both_said, "of two neither is lost"
    back = {"prediction_type": None, "zero_terminal_snr": None}
    assert (await api.http.patch(f"/models/checkpoints/{name}", json=back)).json()["prediction_type"] == "v_prediction"
    assert (await api.http.patch("/models/checkpoints/nobody", json=back)).status_code == 404
    assert (await api.http.patch(f"/models/checkpoints/{name}", json={"prediction_type": "v"})).status_code == 422


async def test_models_are_listed_without_their_paths_and_can_be_switched(api: Api) -> None:
    body = (await api.http.get("/models")).json()
    names = [checkpoint["name"] for checkpoint in body["checkpoints"]]
    assert body["checkpoint"] in names
    assert body["language_model"] == "fake-chat"
    assert "path" not in body["checkpoints"][0]
    switched = await api.http.post("/models/switch", json={"language_model": "other-chat", "checkpoint": names[0]})
    assert switched.json()["details"]["ollama"]["model"] == "other-chat"
    unknown = await api.http.post("/models/switch", json={"language_model": "nobody"})
    assert unknown.status_code == 404
    assert "other-chat" in unknown.json()["detail"]
    assert (await api.http.post("/models/switch", json={})).status_code == 422


async def test_scripts_of_the_earlier_program_switch_models_by_its_names(api: Api) -> None:
    switched = await api.http.post(
        "/switch-models", json={"ollama_model": "other-chat", "sd_model": "illustrious-mini"}
    )
    assert switched.json()["details"]["ollama"]["model"] == "other-chat"
    assert (await api.http.post("/switch-models", json={"sd_model": "nothing"})).status_code == 404
    assert (await api.http.post("/switch-models", json={})).status_code == 422


async def test_a_prompt_is_improved(tmp_path: Path) -> None:
    async with running_api(tmp_path, chat=FakeChat(["red fox, snow, forest, winter, detailed"])) as api:
        enhanced = (await api.http.post("/prompts/enhance", json={"prompt": "a fox"})).json()
        assert enhanced["changed"] is True
        assert "fox" in enhanced["prompt"]
        assert enhanced["model"] == "fake-chat"


async def test_figures_count_routes_and_not_ids(api: Api) -> None:
    await api.http.get("/gallery/" + "0" * 32)
    await api.http.get("/nowhere")
    text = (await api.http.get("/metrics")).text
    assert 'route="/gallery/{item_id}",status="404"' in text
    assert 'route="none",status="404"' in text
    assert "0" * 32 not in text
    assert "illustrious_queue_length 0.0" in text


async def test_the_docs_page_asks_no_other_host(api: Api) -> None:
    page = await api.http.get("/docs")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    for name in ("swagger-ui/swagger-ui.css", "swagger-ui/swagger-ui-bundle.js", "start.js"):
        assert f'"/docs/files/{name}"' in page.text
        assert (await api.http.get(f"/docs/files/{name}")).status_code == 200


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method, route.path or "")
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or {"GET"})
    ]


async def test_every_route_needs_the_key_when_there_is_one(tmp_path: Path) -> None:
    async with running_api(tmp_path, key="a-key-of-some-length") as api:
        routes = routes_of(create_api(api.studio))
        assert len(routes) > 30
        assert ("POST", "/generate-image") in routes
        for method, path in routes:  # row 23
            for sent in {method, "HEAD", "OPTIONS"}:
                answer = await api.http.request(sent, path)
                assert answer.status_code == (401 if path != "/health/live" else answer.status_code), (sent, path)
        opened = await api.http.get("/status", headers={"authorization": "Bearer a-key-of-some-length"})
        assert opened.status_code == 200
        assert "a-key-of-some-length" not in opened.text


async def test_the_documentation_lists_what_there_is(api: Api) -> None:
    schema = (await api.http.get("/openapi.json")).json()
    there = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    written = {line.removeprefix("### `").partition("`")[0] for line in text.splitlines() if line.startswith("### `")}
    assert written == there


async def test_the_schema_is_true(api: Api) -> None:
    schema = (await api.http.get("/openapi.json")).json()
    request = schema["components"]["schemas"]["ImageRequest"]["properties"]
    assert (request["steps"]["maximum"], request["steps"]["default"]) == (150, 30)
    assert request["guidance"]["description"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["tags"], (method, path)
            refused = operation["responses"].get("422")
            if refused:
                assert refused["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody"), (method, path)
    assert "HTTPValidationError" not in schema["components"]["schemas"]


async def test_many_callers_at_once_are_all_served(api: Api) -> None:
    async def one(number: int) -> int:
        async with httpx.AsyncClient(base_url=api.url, timeout=60, trust_env=False) as http:
            answers = [
                await http.get("/status"),
                await http.post("/generate-image", json=CAT | {"seed": number}),
                await http.post("/chat", json={"message": "hello", "session_id": f"s{number}"}),
            ]
        return sum(answer.status_code == 200 for answer in answers)

    assert await asyncio.gather(*(one(number) for number in range(8))) == [3] * 8


async def test_what_was_refused_can_be_looked_up_without_what_was_sent(api: Api) -> None:
    """SillyTavern and Open WebUI show no more than the status."""
    webui = {"user-agent": "Python/3.12 aiohttp/3.13"}
    words = "a secret prompt"
    for _ in range(2):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": words}]}
        await api.http.post("/v1/chat/completions?api-version=1", json=body, headers=webui)
    await api.http.post(
        "/sdapi/v1/txt2img", json={"prompt": words, "restore_faces": True}, headers={"user-agent": "node"}
    )
    await api.http.get("/status", headers={"host": "elsewhere.example", "user-agent": ""})
    answer = await api.http.get("/refused-requests")
    host, hires, chat = answer.json()["requests"]
    assert (chat["path"], chat["status"], chat["times"]) == ("/v1/chat/completions", 404, 2)
    assert chat["program"].startswith("Open WebUI") and "There are: fake-chat" in chat["detail"]
    assert (hires["program"].split(",")[0], hires["status"]) == ("SillyTavern", 422) and "restore_faces" in hires[
        "detail"
    ]
    assert (host["status"], host["program"]) == (421, "a program without a name")
    assert words not in answer.text


async def test_of_what_was_refused_the_last_20_are_kept(api: Api) -> None:
    for number in range(25):
        await api.http.get(f"/gallery/{number}")
    requests = (await api.http.get("/refused-requests")).json()["requests"]
    assert [one["path"] for one in requests] == [f"/gallery/{number}" for number in range(24, 4, -1)]
