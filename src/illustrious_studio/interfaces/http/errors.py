"""The studio's errors in HTTP: which status each has, and the one shape of every error body.

The body is `{"detail": what happened, then what to do, "code": a stable word for programs}`. Nothing that came in is
ever sent back (stock FastAPI echoes the input of a 422, and answers 500 when the echo cannot be encoded).
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence

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
_MOST_SENTENCES = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}")
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


def unexpected_body(request_id: str, shape: ErrorShape = error_body) -> bytes:
    detail = "Something went wrong inside the studio; this is a fault of its own. Its log says more under this id."
    return shape(500, detail, "internal_error", request_id)


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


def _as_sent(name: str) -> str:
    return name or "the body"


def sentences(errors: Sequence[Mapping[str, object]], called: Callable[[str], str] = _as_sent) -> str:
    """What is wrong with each field and what it must be: `steps: must be at most 150`. Never what was sent.

    `called` says how people know a field, with dots for one within another; the empty name is all of them together.
    """
    errors = _choices_together(errors)
    listed = [f"{_field(problem['loc'], called)}: {_must(problem)}" for problem in errors[:_MOST_SENTENCES]]
    more = len(errors) - len(listed)
    return "; ".join(listed) + (f"; and {more} more" if more else "")


def _choices_together(errors: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Of a field that takes one of several lists of words, or nothing, one error and not one for each list."""
    found: dict[object, Mapping[str, object]] = {}
    for number, problem in enumerate(errors):
        loc, context = problem["loc"], problem.get("ctx")
        of_a_list = isinstance(loc, tuple) and bool(loc) and str(loc[-1]).startswith("literal[")
        if not of_a_list or not isinstance(loc, tuple) or not isinstance(context, dict):
            found[number] = problem
        elif context.get("expected") != "''" or loc[:-1] not in found:
            found[loc[:-1]] = {**problem, "loc": loc[:-1]}
    return list(found.values())


def _field(loc: object, called: Callable[[str], str]) -> str:
    """Where, in words of ours: a name that is not plainly a name stays unsaid."""
    parts = (
        [str(part) for part in loc if part not in ("body", "query", "path", "header")] if isinstance(loc, tuple) else []
    )
    if not parts:
        return called("")
    said = [part if part.isdigit() or _NAME.fullmatch(part) else "(a field)" for part in parts[:6]]
    return called(".".join(said))


def _counted(number: object, problem: Mapping[str, object]) -> str:
    """So many characters of a text, or entries of a list: the same type of error is raised for both."""
    one, several = ("character", "characters") if isinstance(problem["input"], str) else ("entry", "entries")
    return f"{number:,} {one if number == 1 else several}"


def _must(problem: Mapping[str, object]) -> str:
    context = problem.get("ctx")
    known = context if isinstance(context, dict) else {}
    match problem["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not known here; check its spelling"
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return "must be a whole number"
        case "float_type" | "float_parsing" | "finite_number":
            return "must be a finite number"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "string_type":
            return "must be text"
        case "string_unicode":
            return "must be valid Unicode text"
        case "greater_than_equal":
            return f"must be at least {known['ge']:,}"
        case "greater_than":
            return f"must be more than {known['gt']:,}"
        case "less_than_equal":
            return f"must be at most {known['le']:,}"
        case "less_than":
            return f"must be less than {known['lt']:,}"
        case "multiple_of":
            return f"must be a multiple of {known['multiple_of']}"
        case "tuple_type" | "list_type":
            return "must be a list"
        case "string_too_long" | "too_long":
            return f"must have at most {_counted(known['max_length'], problem)}"
        case "string_too_short" | "too_short":
            return f"must have at least {_counted(known['min_length'], problem)}"
        case "string_pattern_mismatch":
            return "has characters that are not allowed here"
        case "literal_error":
            return f"must be one of {known['expected']}"
        case "value_error":
            return str(known["error"])
        case "model_attributes_type" | "model_type" | "dict_type":
            return "must be a JSON object"
        case _:
            return "is not valid"
