"""Open WebUI: chats through OpenAI's API, and draws through that or through A1111's."""

from illustrious_studio.interfaces.selftest.calls import FEW_TOKENS, PROMPT, SIDE, STEPS, Calls, failed
from illustrious_studio.interfaces.selftest.client import IN_A_CONTAINER, KEY, Access, Client, InUse, Paste, Section

OFFERED_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": about,
            "parameters": {"type": "object", "properties": properties, "required": [*properties]},
        },
    }
    for name, about, properties in (
        ("get_current_timestamp", "Get the current time.", {}),
        ("ask_user", "Ask the user a question.", {"question": {"type": "string"}}),
    )
]
"""With Function Calling left at its default, tools like these go with every chat."""


def settings(access: Access, in_use: InUse) -> list[Section]:
    urls = access.addresses("URL", "/v1")
    key = Paste("Key", access.shown_key)
    auth = (Paste("API auth", f"user:{KEY}"),) if access.key else ()
    return [
        Section(
            "Chat: Admin Panel, Settings, Connections, OpenAI API, add a connection",
            (*urls, key, Paste("Model IDs", in_use.language_model)),
            "Tools, which it offers in every chat, are left out for a model that has none; nothing has to be switched "
            f"off. {IN_A_CONTAINER}",
        ),
        Section(
            "Images: Admin Panel, Settings, Images, engine Open AI",
            (
                *urls,
                key,
                Paste("Model", in_use.checkpoint),
                Paste("Image size", in_use.size),
                Paste("Further parameters", '{"steps": 28, "negative_prompt": "blurry"}'),
            ),
            "With the model left empty it asks for dall-e-2, which means the checkpoint in use.",
        ),
        Section(
            "Or images with the engine Automatic1111",
            (
                *access.addresses("Base URL"),
                *auth,
                Paste("Model", in_use.checkpoint),
                Paste("Image size", in_use.size),
                Paste("Steps", "0"),
            ),
            "Steps are 50 there unless they are set. 0 leaves them to the checkpoint.",
        ),
    ]


async def replay(calls: Calls) -> None:
    models = await calls.in_use()
    await calls.listed(models.language_model)
    question = "Answer in one word: is snow white?"
    await calls.streamed_chat(
        {
            "model": models.language_model,
            "messages": [{"role": "user", "content": question}],
            "stream_options": {"include_usage": True},
            "tools": OFFERED_TOOLS,
            "max_tokens": FEW_TOKENS,
        }
    )
    drawn = await calls.post(
        "/v1/images/generations",
        calls.bearer(),
        {
            "model": "dall-e-2",
            "prompt": PROMPT,
            "n": 1,
            "size": f"{SIDE}x{SIDE}",
            "response_format": "b64_json",
            "steps": STEPS,
            "seed": calls.seed,
        },
    )
    await drawn.picture("data", 0, "b64_json")
    await _draw_as_with_a1111(calls)


async def _draw_as_with_a1111(calls: Calls) -> None:
    """It sends all options back to set one of them, and draws with few fields."""
    options = await calls.get("/sdapi/v1/options", calls.basic())
    current = options.text("sd_model_checkpoint")
    checkpoints = await calls.get("/sdapi/v1/sd-models", calls.basic())
    checkpoints.every("model_name")
    if current not in checkpoints.every("title"):
        raise failed(checkpoints.call, f"the title {current}", checkpoints.body)
    await calls.post("/sdapi/v1/options", calls.basic(), options.body)
    drawn = await calls.post(
        "/sdapi/v1/txt2img",
        calls.basic(),
        {"prompt": PROMPT, "batch_size": 1, "width": SIDE, "height": SIDE, "steps": STEPS, "seed": calls.seed},
    )
    await drawn.picture("images", 0)


OPEN_WEBUI = Client(
    name="Open WebUI",
    about="Its chats use the studio's language model, and generate pictures.",
    path="/v1 and /sdapi/v1",
    settings=settings,
    tried="the models, a streamed chat, a picture by OpenAI's API, one by A1111's",
    replay=replay,
)
