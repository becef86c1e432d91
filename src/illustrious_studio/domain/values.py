"""The base of the studio's values and the few kinds of text they share."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Value(BaseModel):
    """A value: frozen, strict, and without unknown fields, so that a typing error is found at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _can_be_kept(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return text


def printable(name: str) -> str:
    """A file's name as text: of names that are no Unicode, which Python marks by lone surrogates, what can be read."""
    return name.encode("utf-8", "replace").decode()


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _starts_with_a_date(given: object) -> object:
    if isinstance(given, datetime) or (isinstance(given, str) and _DATE.match(given)):
        return given
    raise ValueError("must be a time such as 2026-05-17T12:00:00Z")


def as_tuple(given: object) -> object:
    """A list as a tuple: JSON has none, and strict values take nothing else."""
    return tuple(given) if isinstance(given, list) else given


Text = Annotated[str, AfterValidator(_can_be_kept)]
"""Any text without NUL (which neither PNG text nor PostgreSQL can hold) and without lone surrogates (nor can files)."""

LONGEST_PROMPT = 10_000
"""Characters."""

Prompt = Annotated[Text, StringConstraints(max_length=LONGEST_PROMPT)]
"""A picture's words: at most 10,000 characters."""

NonEmptyPrompt = Annotated[Prompt, AfterValidator(_not_blank)]
"""A prompt that is not blank."""

Moment = Annotated[datetime, BeforeValidator(_starts_with_a_date)]
"""A date, with or without a time: a mere number would be taken for so many seconds after 1970, `2026` too."""
