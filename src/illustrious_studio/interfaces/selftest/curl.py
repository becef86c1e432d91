"""curl, and whatever else speaks HTTP: the studio's own API."""

from illustrious_studio.interfaces.selftest.calls import PROMPT, SIDE, STEPS, Calls, failed
from illustrious_studio.interfaces.selftest.client import KEY, Access, Client, InUse, Paste, Section


def settings(access: Access, in_use: InUse) -> list[Section]:
    key = f" -H 'Authorization: Bearer {KEY}'" if access.key else ""
    draw = (
        f"curl -s {access.url}/generate-image{key} -H 'Content-Type: application/json' \\\n"
        """     -d '{"prompt": "a red fox in the snow", "seed": 42}' | jq -r .image_base64 | base64 -d > fox.png"""
    )
    return [
        Section(
            "In a terminal",
            (
                Paste("How the studio is", f"curl -s {access.url}/status{key}", code=True),
                Paste("A picture, with jq", draw, code=True),
            ),
            f"Every call, to be tried out: {access.url}/docs",
        )
    ]


async def replay(calls: Calls) -> None:
    key = calls.bearer() if calls.secret else {}
    status = await calls.get("/status", key)
    if (state := status.text("status")) != "running":
        raise failed(status.call, "running", state)
    body = {"prompt": PROMPT, "seed": calls.seed, "steps": STEPS, "width": SIDE, "height": SIDE}
    drawn = await calls.post("/generate-image", key, body)
    await drawn.picture("image_base64")
    if (seed := drawn.whole_number("seed")) != calls.seed:
        raise failed(drawn.call, f"the seed {calls.seed}", seed)


CURL = Client(
    name="curl",
    about="A terminal, a script or any other program calls the studio's own API.",
    path="/",
    settings=settings,
    tried="GET /status, POST /generate-image",
    replay=replay,
)
