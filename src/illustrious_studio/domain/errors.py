"""The studio's errors: everything that may go wrong and that a person can do something about.

StudioError
  InvalidRequest        a value is out of range, or a combination makes no sense
    NotAnImage          the bytes are no picture the studio opens
    NothingKnown        no word of the prompt is one that the studio can sketch
  NotFound              no such picture, session, job or model
  Conflict              not in this state: already finished, already running
    Cancelled           somebody cancelled the work
  Busy                  too much asked at once; try again after `retry_after` seconds
  Unavailable           nothing can do this now: no model, engine dead, shutting down
    EngineDied          the drawing process ended in the middle of this picture
  OutOfMemory           the picture does not fit into the device's memory, after every attempt
  StorageFull           the disk (or a quota) is full
  UpstreamFailed        a server that the studio uses answered with an error, or malformed
  UpstreamTimeout       a server that the studio uses did not answer in time

Each has a stable `code` for programs and a `detail` for people: what happened, then what to do.
Anything else that is raised is a bug.
"""

from collections.abc import Sequence


class StudioError(Exception):
    """Base of all errors that reach a person. `detail` is one or two plain sentences."""

    code = "internal_error"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class InvalidRequest(StudioError):
    code = "invalid_request"


class NotAnImage(InvalidRequest):
    code = "not_an_image"


class NothingKnown(InvalidRequest):
    """`examples` are prompts that can be drawn, the nearest to what was asked for first."""

    code = "nothing_known"

    def __init__(self, detail: str, examples: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.examples = tuple(examples)


class NotFound(StudioError):
    code = "not_found"


class Conflict(StudioError):
    code = "conflict"


class Cancelled(Conflict):
    code = "cancelled"


class Busy(StudioError):
    code = "busy"


class Unavailable(StudioError):
    code = "unavailable"


class EngineDied(Unavailable):
    code = "engine_died"


class OutOfMemory(StudioError):
    code = "out_of_memory"


class StorageFull(StudioError):
    code = "storage_full"


class UpstreamFailed(StudioError):
    code = "upstream_failed"


class UpstreamTimeout(StudioError):
    code = "upstream_timeout"


def error_from_code(code: str, detail: str) -> StudioError:
    """The error of that code, for failures that were written down (a job's row, a worker's message)."""

    def all_below(kind: type[StudioError]) -> list[type[StudioError]]:
        return [kind] + [below for sub in kind.__subclasses__() for below in all_below(sub)]

    kinds = {kind.code: kind for kind in all_below(StudioError)}
    return kinds.get(code, StudioError)(detail)
