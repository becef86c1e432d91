"""What of other programs' prompt language is not done here. Drawn as plain words it would be another picture, and
nobody would be told; so it is refused by name.

Only what such a program would take for its language counts: an emoticon, a tag with underscores and what a backslash
stands before are words. What changes while drawing is done (`prompt_schedule`), and so are choices (`wildcards`)
LoRAs (`loras`) and embeddings (`textual_inversion`).
"""

import re

_TAGS = ((re.compile(r"<hypernet:[^<>\n]*>?", re.IGNORECASE), "a hypernetwork"),)
_SHOWN = 60


def not_done_here(prompt: str) -> str:
    """What is in the prompt that the studio does not do, in words; empty for nothing."""
    for pattern, what in _TAGS:
        if found := pattern.search(prompt):
            shown = found[0] if len(found[0]) <= _SHOWN else f"{found[0][:_SHOWN]}..."
            return f"has {shown} ({what}), and this studio draws without it; take it out"
    return ""
