"""What is wrong with values, in sentences for people: `steps: must be at most 150`. Never what was sent."""

import re
from collections.abc import Callable, Mapping, Sequence

_MOST_SENTENCES = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}")


_NAMES_ITS_FIELD = re.compile(r"[a-z_][a-z0-9_.]*: ")


def of_the_body(name: str) -> str:
    """Fields as they were sent; all of them together are the request's body."""
    return name or "the body"


def of_a_part(name: str) -> str:
    """The same where a sentence before them says of what."""
    return name


def sentences(errors: Sequence[Mapping[str, object]], called: Callable[[str], str] = of_the_body) -> str:
    """What is wrong with each field and what it must be: `steps: must be at most 150`. Never what was sent.

    `called` says how people know a field, with dots for one within another; the empty name is all of them together.
    """
    errors = _choices_together(errors)
    listed = [_said(problem, called) for problem in errors[:_MOST_SENTENCES]]
    more = len(errors) - len(listed)
    return "; ".join(listed) + (f"; and {more} more" if more else "")


def _said(problem: Mapping[str, object], called: Callable[[str], str]) -> str:
    where, must = _field(problem["loc"], called), _must(problem)
    of_all = where == called("")
    return must if not where or (of_all and _NAMES_ITS_FIELD.match(must)) else f"{where}: {must}"


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


def _is_nan(given: object) -> bool:
    """Numbers may come as text."""
    return str(given).strip().lower() == "nan"


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
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than" if _is_nan(problem["input"]):
            return "must be a finite number"
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
