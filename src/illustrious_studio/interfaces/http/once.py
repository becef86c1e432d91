"""The header Idempotency-Key: a request that draws is carried out once, however often it is sent.

draft-ietf-httpapi-idempotency-key-header; as there, a key that comes with another request is refused.
"""

import hashlib

from fastapi import Request
from pydantic import BaseModel

from illustrious_studio.domain.errors import InvalidRequest
from illustrious_studio.domain.jobs import Once

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


def once_of(request: Request, *asked: BaseModel | str | int) -> Once | None:
    """What the header says of a request that means `asked`; None without one. Raises InvalidRequest."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidRequest(f"{HEADER}: must have 1 to {LONGEST_KEY} characters")
    parts = (request.url.path, *(one.model_dump_json() if isinstance(one, BaseModel) else str(one) for one in asked))
    return Once(key, hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest())
