"""Errors as A1111's clients expect them: `{"error", "detail", "body", "errors"}`; the sentence stands in `detail`.

The sentences, the codes and the statuses are the studio's own.
"""

import json


def error_body(status: int, detail: str, code: str, request_id: str = "") -> bytes:
    message = f"{detail} (id {request_id})" if request_id else detail
    return json.dumps({"error": code, "detail": message, "body": "", "errors": message}).encode("utf-8")
