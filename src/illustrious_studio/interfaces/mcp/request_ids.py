"""JSON-RPC's request ids, which the SDK does not look at: a request with an impossible one would pass for a
notification, be answered 202, and leave its sender waiting.

JSON-RPC 2.0 allows texts, numbers and null, and advises against null and fractions; MCP allows texts and whole numbers.
"""

import asyncio

from pydantic_core import from_json

LARGE = 1024 * 1024
"""Bytes; above, reading takes long enough to be done in a thread."""
REFUSED = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "id: must be text or a whole number"}}


async def has_impossible_id(body: bytes) -> bool:
    return await asyncio.to_thread(_impossible, body) if len(body) > LARGE else _impossible(body)


def _impossible(body: bytes) -> bool:
    try:
        call = from_json(body)
    except ValueError:
        return False  # the SDK says so
    if not isinstance(call, dict) or "method" not in call or "id" not in call:
        return False
    return isinstance(call["id"], bool) or not isinstance(call["id"], int | str)
