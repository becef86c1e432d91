"""OpenAI's own client of the running API, closed with it."""

from openai import AsyncOpenAI

from running_api import Api


def client(api: Api, key: str = "none") -> AsyncOpenAI:
    made = AsyncOpenAI(base_url=f"{api.url}/v1", api_key=key, max_retries=0)
    api.closing.push_async_callback(made.close)
    return made
