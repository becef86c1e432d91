"""Which program asks: a guess by what it calls itself, for people who look for what their program stumbles over."""

_KNOWN = (
    ("illustrious/", "the studio's own command line"),
    ("openai/", "OpenAI SDK"),
    ("aiohttp", "Open WebUI, or another program in Python"),
    ("python-requests/", "a program in Python"),
    ("python-httpx/", "a program in Python"),
    ("node", "SillyTavern, or another program in Node.js"),
    ("curl/", "curl"),
    ("mozilla/", "a browser"),
)
_LONGEST = 60


def program_named(user_agent: str) -> str:
    """The program, with its own name for itself where that says more."""
    name = "".join(c for c in user_agent if c.isprintable())[:_LONGEST].strip()
    known = next((program for word, program in _KNOWN if word in name.lower()), "")
    if not name:
        return "a program without a name"
    return f"{known} ({name})" if known else name
