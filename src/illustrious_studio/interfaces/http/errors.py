"""The studio's errors in HTTP: which status each has, and the one shape of every error body.

The body is `{"detail": what happened, then what to do, "code": a stable word for programs}`. Nothing that came in is
ever sent back (stock FastAPI echoes the input of a 422, and answers 500 when the echo cannot be encoded).
"""

import json
import math
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from illustrious_studio.domain.errors import (
    Busy,
    Conflict,
    InvalidRequest,
    NotAnImage,
    NotFound,
    OutOfMemory,
    StorageFull,
    StudioError,
    Unavailable,
    UpstreamFailed,
    UpstreamTimeout,
)
from illustrious_studio.domain.sentences import sentences as sentences

STATUS: dict[type[StudioError], int] = {
    InvalidRequest: 422,
    NotAnImage: 400,
    NotFound: 404,
    Conflict: 409,
    Busy: 503,
    Unavailable: 503,
    OutOfMemory: 507,
    StorageFull: 507,
    UpstreamFailed: 502,
    UpstreamTimeout: 504,
    StudioError: 500,
}
REFUSAL = "refusal"
"""Where in a request's state the sentence stands that it was refused with."""
NOT_JSON = "Send the body as JSON, with `Content-Type: application/json`."
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "wrong_content_type"}
_HTTP_DETAILS = {
    404: "There is nothing at this address. /docs lists what there is.",
    405: "This address does not take that method. /docs lists what it takes.",
    400: "The body could not be read. Send it as JSON in UTF-8.",
}


class ErrorBody(BaseModel):
    """What every error looks like."""

    detail: str = Field(description="What happened, then what to do.")
    code: str = Field(description="The kind of error, for programs.", examples=["unavailable"])


ErrorShape = Callable[[int, str, str, str], bytes]
"""Makes an error's body of its status, detail and code, and of the request's id where the log says more under it."""


def status_of(error: StudioError, statuses: Mapping[type[StudioError], int] = STATUS) -> int:
    """The status of the nearest class up the tree that has one."""
    return next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)


def error_body(status: int, detail: str, code: str, request_id: str = "") -> bytes:
    return json.dumps({"detail": detail, "code": code} | ({"id": request_id} if request_id else {})).encode("utf-8")


UNEXPECTED = "Something went wrong inside the studio; this is a fault of its own."


def unexpected_body(request_id: str, shape: ErrorShape = error_body) -> bytes:
    return shape(500, f"{UNEXPECTED} Its log says more under this id.", "internal_error", request_id)


def retry_header(error: StudioError) -> dict[str, str]:
    return {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}


def add_error_handlers(
    app: FastAPI,
    shape: ErrorShape = error_body,
    statuses: Mapping[type[StudioError], int] = STATUS,
    headers: Callable[[StudioError], dict[str, str]] = retry_header,
) -> None:
    """Every failure of this app leaves it in the one shape: the studio's own, or that of an API for others."""

    def answer(
        request: Request, status: int, detail: str, code: str, more: Mapping[str, str] | None = None
    ) -> Response:
        request.scope.setdefault("state", {})[REFUSAL] = detail
        return Response(shape(status, detail, code, ""), status, more, "application/json")

    async def studio_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StudioError)
        return answer(request, status_of(error, statuses), error.detail, error.code, headers(error))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = _HTTP_DETAILS.get(error.status_code, str(error.detail))
        headers = _allowed(request, error) if error.status_code == 405 else error.headers
        return answer(
            request, error.status_code, detail, _HTTP_CODES.get(error.status_code, InvalidRequest.code), headers
        )

    async def validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = error.errors()
        if any(problem["type"] == "json_invalid" for problem in errors):
            return answer(
                request, 400, "The body is not valid JSON. Send one JSON object in UTF-8.", InvalidRequest.code
            )
        if not is_json(request) and any(problem["loc"] == ("body",) for problem in errors):
            return answer(request, 415, NOT_JSON, "wrong_content_type")
        return answer(request, statuses[InvalidRequest], sentences(errors), InvalidRequest.code)

    async def unexpected(request: Request, error: Exception) -> Response:
        """A fault of our own. The server's error layer raises it again after this answer, and the guard logs it."""
        request_id = request.scope.get("state", {}).get("request_id", "")
        return Response(unexpected_body(request_id, shape), 500, media_type="application/json")

    app.add_exception_handler(StudioError, studio_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected)


def _allowed(request: Request, error: HTTPException) -> Mapping[str, str] | None:
    """Every method that the address takes; the framework names those of the first of its routes alone."""
    operations = request.app.openapi()["paths"].get(getattr(request.scope.get("route"), "path_format", ""))
    return {"Allow": ", ".join(method.upper() for method in operations)} if operations else error.headers


def is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
