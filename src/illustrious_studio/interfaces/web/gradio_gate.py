"""What of Gradio's own addresses the page needs, and nothing else: the rest is not there.

Gradio brings an API of its own, with a description, logins, monitoring and a proxy, and calls whatever function a
request numbers. The studio's API is on the other port. So each address that the page never asks is 404, and a call must
name a function of the page, with as many values as it has inputs, each of its kind, before Gradio sees it: it would
answer 500, or hand anything on.
"""

import re
from collections.abc import Container
from typing import Any
from urllib.parse import parse_qs

from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from illustrious_studio.interfaces.http.bodies import answer_json, body_again, whole_body

_NEEDED = re.compile(
    r"/|/(assets|static|svelte)/.*|/config/?|/theme\.css|/manifest\.json|/pwa_icon(/\w+)?|/favicon\.ico|/robots\.txt"
    r"|/gradio_api/(queue/(join|data)|upload|upload_progress|cancel|reset|info|startup-events|theme\.css|app_id)"
    r"|/gradio_api/heartbeat/\w+|/gradio_api/file=.*"
)
LONGEST_BOUNDARY = 70
"""RFC 2046, 5.1.1."""
_BOUNDARY = re.compile(r';\s*boundary="?([^";]*)', re.IGNORECASE)


_KINDS: dict[object, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class GradioGate:
    """Around Gradio's app. `functions` are the page's, by their number; `sessions` those that called one."""

    def __init__(self, app: ASGIApp, functions: dict[int, Any], sessions: Container[str]) -> None:
        self._app = app
        self._functions = functions
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, refusal = scope["path"], None
            if not _NEEDED.fullmatch(path):
                refusal = (404, "There is nothing at this address. The API is on the other port.")
            elif path == "/gradio_api/upload" and not _can_be_read(scope):
                refusal = (400, "The form could not be read: its boundary is missing or too long.")
            elif path == "/gradio_api/queue/data" and self._is_unknown(scope):
                refusal = (404, "Nobody with this session has asked for anything. Load the page again.")
            elif path == "/gradio_api/queue/join" and scope["method"] == "POST":
                if (body := await whole_body(receive)) is None:
                    return
                receive = body_again(body, receive)
                refusal = self._refusal(body)
            if refusal is not None:
                await answer_json(send, refusal[0], {"detail": refusal[1]})
                return
        await self._app(scope, receive, send)

    def _refusal(self, body: bytes) -> tuple[int, str] | None:
        try:
            call = from_json(body)
        except ValueError:
            return 400, "The body is no JSON."
        function = call.get("fn_index") if isinstance(call, dict) else None
        if isinstance(function, bool) or not isinstance(function, int) or function not in self._functions:
            return 404, "The page has no such function. Load it again."
        if not isinstance(call.get("data"), list) or not isinstance(call.get("session_hash"), str):
            return 422, "data: must be a list; session_hash: must be text"
        inputs = self._functions[function].inputs
        if len(call["data"]) != len(inputs) or not all(map(_is_of_its_kind, inputs, call["data"])):
            return 422, f"data: must be {len(inputs)} values, each as its part of the page gives it"
        return None

    def _is_unknown(self, scope: Scope) -> bool:
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0] not in self._sessions


def _is_of_its_kind(component: Any, value: object) -> bool:
    """Null is what is left open, and what a part keeps on the server."""
    schema = component.api_info() if hasattr(component, "api_info") else {}
    kinds = _KINDS.get(schema.get("type") if isinstance(schema.get("type"), str) else None)
    if value is None or kinds is None:
        return True
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _can_be_read(scope: Scope) -> bool:
    found = _BOUNDARY.search(Headers(scope=scope).get("content-type", ""))
    return found is not None and 0 < len(found[1]) <= LONGEST_BOUNDARY
