"""What is said to be pasted into other programs: that it is what the documentation says, and that it is right."""

import json
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from illustrious_studio.interfaces.selftest.client import Access, Client, InUse, Paste
from illustrious_studio.interfaces.selftest.mcp_host import MCP_HOST
from illustrious_studio.interfaces.selftest.openai_sdk import OPENAI_SDK
from illustrious_studio.interfaces.selftest.runner import CLIENTS
from illustrious_studio.serve import access_to
from illustrious_studio.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "connect.md").read_text("utf-8")
DEFAULT = Access(url="http://127.0.0.1:8000")
KEY = "a-key-of-some-length"


def pasted(client: Client, access: Access, in_use: InUse | None = None) -> list[Paste]:
    return [paste for section in client.settings(access, in_use or InUse()) for paste in section.pastes]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_documentation_says_word_for_word_what_the_page_says(client: Client) -> None:
    for paste in pasted(client, DEFAULT):
        assert paste.text in DOCS, paste.label


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_key_is_asked_for_and_never_shown(client: Client) -> None:
    keyed = [paste.text for paste in pasted(client, Access(url="http://127.0.0.1:8000", key=SecretStr(KEY)))]
    assert any("the-key-of-your-studio" in text for text in keyed)
    assert not any(KEY in text for text in keyed)
    assert not any("the-key-of-your-studio" in paste.text for paste in pasted(client, DEFAULT))


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_address_on_the_network_is_the_same_from_a_container(client: Client) -> None:
    texts = [paste.text for paste in pasted(client, Access(url="http://192.168.1.5:9000"))]
    assert any("192.168.1.5" in text and "9000" in text for text in texts)
    assert not any("host.docker.internal" in text or "127.0.0.1" in text for text in texts)


def test_programs_name_the_models_in_use() -> None:
    (code,) = [one.text for one in pasted(OPENAI_SDK, DEFAULT, InUse(language_model="qwen3:4b", size="1024x1024"))][1:]
    assert 'model="qwen3:4b"' in code
    assert 'size="1024x1024"' in code
    compile(code, "fox.py", "exec")


def test_a_host_that_starts_a_program_is_given_one_that_is_there_and_finds_this_studio(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / 'a "folder"', key=SecretStr(KEY))
    access = access_to(settings, "http://127.0.0.1:8000")
    over_http, _, started = [json.loads(paste.text) for paste in pasted(MCP_HOST, access) if paste.code]
    assert over_http["mcpServers"]["illustrious"]["headers"] == {"Authorization": "Bearer the-key-of-your-studio"}
    program = started["mcpServers"]["illustrious"]
    assert [program["command"], *program["args"]] == [
        *(sys.executable, str(ROOT / "app.py"), "mcp", "--data-dir", str(settings.data_dir)),
    ]
    assert program["env"] == {"ILLUSTRIOUS_KEY": "the-key-of-your-studio"}
