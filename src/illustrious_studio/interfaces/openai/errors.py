"""Errors as OpenAI's clients expect them: `{"error": {"message", "type", "param", "code"}}`, and its statuses.

The sentences and the codes are the studio's own.
"""

import json

from illustrious_studio.domain.errors import Busy, Conflict, InvalidRequest, OutOfMemory, StorageFull, StudioError
from illustrious_studio.interfaces.http.errors import STATUS as OWN_STATUS
from illustrious_studio.interfaces.http.errors import retry_header

STATUS = {**OWN_STATUS, InvalidRequest: 400, Busy: 429}
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_of(status: int, detail: str, code: str, request_id: str = "") -> dict[str, object]:
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    message = f"{detail} (id {request_id})" if request_id else detail
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_body(status: int, detail: str, code: str, request_id: str = "") -> bytes:
    return json.dumps(error_of(status, detail, code, request_id)).encode("utf-8")


def headers_of(error: StudioError) -> dict[str, str]:
    """The official clients try again by themselves, and draw twice more what does not fit into the memory."""
    hopeless = {"X-Should-Retry": "false"} if isinstance(error, Conflict | OutOfMemory | StorageFull) else {}
    return retry_header(error) | hopeless
