"""What a client is here: its settings, made from where the studio really answers, and a replay of its calls."""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from illustrious_studio.domain.values import Value
from illustrious_studio.interfaces.selftest.calls import Calls
from illustrious_studio.interfaces.shared.overview import ModelList

KEY = "the-key-of-your-studio"
"""Stands where the key belongs: what is shown on a page, or pasted into a chat for help, holds no secret."""
NO_KEY = "none"
"""What clients that insist on a key are given by a studio without one."""
CONTAINERS = "host.docker.internal"
IN_A_CONTAINER = (
    "In a container, 127.0.0.1 is the container itself. Start the studio with --host 0.0.0.0, a key (ILLUSTRIOUS_KEY) "
    "and the name by which the container calls it (ILLUSTRIOUS_ALLOWED_HOSTS=host.docker.internal)."
)


class Access(Value):
    """Where the API answers, its key, and how a program starts the studio for standard input and output."""

    url: str
    key: SecretStr | None = None
    program: tuple[str, ...] = ("python3", "/home/you/illustrious-ai-studio/app.py", "mcp")

    @property
    def shown_key(self) -> str:
        return KEY if self.key else NO_KEY

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    @property
    def only_here(self) -> bool:
        """The address means this machine, wherever it is called from."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def addresses(self, label: str, path: str = "") -> tuple["Paste", ...]:
        """The address, and the other one that a program in a container needs where this one means its own machine."""
        here = Paste(label, self.url + path)
        if not self.only_here:
            return (here,)
        return here, Paste(f"{label} from a container", f"http://{CONTAINERS}:{self.port}{path}")


class InUse(Value):
    """The checkpoint and the language model in use, by the names that clients see."""

    checkpoint: str = "illustrious-mini"
    language_model: str = "SmolLM2-135M-Instruct"
    size: str = "512x512"

    @classmethod
    def of(cls, models: ModelList) -> "InUse":
        """Where nothing is in use yet, the built-in ones stand there."""
        usual = cls()
        sizes = {one.name: f"{one.native_width}x{one.native_height}" for one in models.checkpoints}
        return cls(
            checkpoint=models.checkpoint or usual.checkpoint,
            language_model=models.language_model or usual.language_model,
            size=sizes.get(models.checkpoint, usual.size),
        )


@dataclass(frozen=True)
class Paste:
    """What goes into one field of a client; `code`: into a file or a terminal."""

    label: str
    text: str
    code: bool = False


@dataclass(frozen=True)
class Section:
    """Where in the client the settings belong, and what they are."""

    place: str
    pastes: tuple[Paste, ...]
    note: str = ""


@dataclass(frozen=True)
class Client:
    """`replay` raises Failed. `tried` says what it calls."""

    name: str
    about: str
    path: str
    settings: Callable[[Access, InUse], Sequence[Section]]
    tried: str
    replay: Callable[[Calls], Awaitable[None]]


def json_block(around: str, entry: Mapping[str, object]) -> str:
    """The JSON of hosts that are set up with it: `{around: {"illustrious": entry}}`, short entries in one line."""
    inner = json.dumps(entry)
    if len(entry) > 2:
        lines = ",\n".join(f"      {json.dumps(name)}: {json.dumps(value)}" for name, value in entry.items())
        inner = f"{{\n{lines}\n    }}"
    return f'{{\n  {json.dumps(around)}: {{\n    "illustrious": {inner}\n  }}\n}}'
