"""OpenAI's SDK for Python, and what is built on it."""

import asyncio
from importlib import import_module

import httpx

from illustrious_studio.interfaces.selftest.calls import (
    FEW_TOKENS,
    PROMPT,
    SIDE,
    STEPS,
    Calls,
    Failed,
    check_picture,
    failed,
    no_answer,
    refusal,
)
from illustrious_studio.interfaces.selftest.client import Access, Client, InUse, Paste, Section

_PROGRAM = """from base64 import b64decode
from openai import OpenAI

studio = OpenAI(base_url="{url}/v1", api_key="{key}")
for model in studio.models.list():
    print(model.id, model.owned_by)

answer = studio.chat.completions.create(
    model="{language_model}", messages=[{{"role": "user", "content": "Hello!"}}], stream=True
)
for chunk in answer:
    print(chunk.choices[0].delta.content or "", end="")

made = studio.images.generate(prompt="a red fox in the snow", size="{size}", extra_body={{"steps": 20, "seed": 42}})
open("fox.png", "wb").write(b64decode(made.data[0].b64_json))"""


def settings(access: Access, in_use: InUse) -> list[Section]:
    key, url = access.shown_key, access.url
    program = _PROGRAM.format(url=url, key=key, language_model=in_use.language_model, size=in_use.size)
    return [
        Section(
            "In the environment, for what reads these variables",
            (Paste("Variables", f"OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key}", code=True),),
        ),
        Section("In a program", (Paste("Python", program, code=True),)),
    ]


async def replay(calls: Calls) -> None:
    """By the SDK itself."""
    await asyncio.to_thread(import_module, "openai")
    from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError

    studio = AsyncOpenAI(
        base_url=f"{calls.url}/v1",
        api_key=calls.secret or "none",
        max_retries=0,
        http_client=calls.http,  # type: ignore[arg-type]  # it takes httpx as well as httpx2, which its types do not say
    )
    call = "GET /v1/models"
    try:
        names = [model.id async for model in studio.models.list()]
        model = (await calls.in_use()).language_model
        if model not in names:
            raise failed(call, f"{model or 'a language model in use'} among the models", names)
        call, text = "POST /v1/chat/completions", ""
        answer = await studio.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello!"}], max_tokens=FEW_TOKENS, stream=True
        )
        async for chunk in answer:
            for choice in chunk.choices:
                text += choice.delta.content or getattr(choice.delta, "reasoning_content", None) or ""
        if not text.strip():
            raise failed(call, "words", text)
        call = "POST /v1/images/generations"
        made = await studio.images.generate(
            prompt=PROMPT, size=f"{SIDE}x{SIDE}", extra_body={"steps": STEPS, "seed": calls.seed}
        )
        await check_picture(call, (made.data[0].b64_json if made.data else None) or "")
    except APIStatusError as error:
        raise refusal(call, error.status_code, error.response.text) from None
    except (APIConnectionError, httpx.HTTPError) as error:  # the latter in the middle of a stream
        raise no_answer(call, error.__cause__ or error) from None
    except (OpenAIError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # The SDK checks little of what it reads, and stumbles in its own code over the rest.
        raise Failed(f"{call}: the SDK cannot read the answer ({error})") from None


OPENAI_SDK = Client(
    name="OpenAI SDK",
    about="Programs that speak OpenAI's API list the models, chat, and generate pictures.",
    path="/v1",
    settings=settings,
    tried="the models, a streamed chat, a picture",
    replay=replay,
)
