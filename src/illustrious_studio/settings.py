"""Every knob of the studio, read once: command line, then environment, then `illustrious.toml`, then the default.

This is the only place where the environment is read, but for what PyTorch alone takes from it (`worker/main.py`). What
is read cannot change afterwards.
"""

import tempfile
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

CONFIG_FILE = "illustrious.toml"
TEMPORARY = "temp"


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("illustrious-studio", appauthor=False))


class Settings(BaseSettings):
    """Each setting is also `ILLUSTRIOUS_<NAME>` and a key of the file; `[model_paths]` may hold the model ones."""

    model_config = SettingsConfigDict(env_prefix="ILLUSTRIOUS_", frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address both ports listen on. Off loopback a key is needed.")
    web_port: int = Field(7860, ge=0, le=65535, description="Port of the web UI.")
    api_port: int = Field(8000, ge=0, le=65535, description="Port of the API.")
    key: SecretStr | None = Field(None, description="Key that every request must show, at least 16 characters.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further host names by which the studio may be called."
    )
    open: bool = Field(False, description="Open the web UI in the browser once it answers.")

    data_dir: Path = Field(default_factory=default_data_dir, description="Where everything the studio keeps lives.")
    gallery_dir: Path | None = Field(
        None, description=f"Folder of the pictures; `{TEMPORARY}`: illustrious_ai/gallery in the system's temp folder."
    )
    database_url: str = Field("", description="SQLAlchemy URL; default: SQLite in the data folder.")

    sd_model: str = Field(
        "", description="What draws: a .safetensors file, a diffusers folder, or a name; else the one chosen last."
    )
    checkpoint_dirs: Annotated[tuple[Path, ...], NoDecode] = Field((), description="Further folders with checkpoints.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps.")
    threads: int = Field(0, ge=0, le=256, description="CPU threads for drawing; 0: one less than the physical cores.")
    previews: bool = Field(True, description="Show small previews while drawing.")
    deterministic: bool = Field(
        True, description="A seed gives the same pixels on a GPU each time; off: cuDNN's fastest kernels."
    )
    stall_seconds: float = Field(
        120, gt=0, description="A drawing process that neither works nor finishes a step for this long is replaced."
    )
    step_seconds: float = Field(1800, gt=0, description="So is one that takes longer than this for one step.")
    share_memory: Literal["auto", "always", "never"] = Field(
        "auto", description="When Ollama's model leaves the card for a picture."
    )
    upscale_tile: int = Field(
        192, ge=0, le=2048, description="Pixels of the tiles in which a picture is upscaled; 0: the whole at once."
    )
    upscale_tile_overlap: int = Field(16, ge=0, le=128, description="Pixels over which one fades into the next.")
    batch_size: int = Field(
        0,
        ge=0,
        le=16,
        description="How many pictures of one request are drawn in one go. 0: on a card as many as its memory "
        "allows, at most 4; on a CPU, which gains nothing by it, one.",
    )
    queue_limit: int = Field(100, ge=1, le=10_000, description="How many pictures may wait.")

    ollama_base_url: str = Field("http://127.0.0.1:11434", description="Ollama server; `none`: do not look for one.")
    ollama_model: str = Field("", description="Language model in Ollama; default: the first that can chat.")
    ollama_context: int = Field(
        0, ge=0, le=10_000_000, description="Tokens of context to ask Ollama for; 0: as the Modelfile or Ollama says."
    )
    ollama_keep_alive: str = Field(
        "",
        pattern=r"^(-?\d+(ms|s|m|h)?)?$",
        description="How long Ollama keeps a model loaded: 30m, 2h, -1 for ever; default: as Ollama is set.",
    )
    openai_base_url: str = Field("", description="Another chat server that speaks OpenAI's API, before Ollama.")
    openai_model: str = Field("", description="Its model.")
    openai_key: SecretStr | None = Field(None, description="Its key.")
    enhance_in_chat: bool = Field(True, description="Let the language model enhance the prompt of #generate.")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_json: bool = Field(False, description="One JSON object a line.")
    log_prompts: bool = Field(False, description="Write prompts into the log.")

    @field_validator("key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return key

    @field_validator("allowed_hosts", "checkpoint_dirs", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("ollama_base_url", "openai_base_url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        try:
            _ = urlsplit(url).port
        except ValueError as error:
            raise ValueError(f"is no address ({error}); write it like http://127.0.0.1:11434") from None
        return url

    @field_validator("data_dir")
    @classmethod
    def _home(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @property
    def model_paths(self) -> dict[str, str]:
        """`MODEL_PATHS` of the first description of this system."""
        return {
            "sd_model": self.sd_model,
            "ollama_model": self.ollama_model,
            "ollama_base_url": self.ollama_base_url,
        }

    @property
    def gallery_folder(self) -> Path:
        if self.gallery_dir is None:
            return self.data_dir / "gallery"
        if str(self.gallery_dir) == TEMPORARY:
            return Path(tempfile.gettempdir()) / "illustrious_ai" / "gallery"
        return self.gallery_dir.expanduser().absolute()

    @property
    def uses_ollama(self) -> bool:
        return self.ollama_base_url not in ("", "none")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _ConfigFile(settings_cls, _config_file())


class _ConfigFile(TomlConfigSettingsSource):
    """`illustrious.toml`, with the three keys of `[model_paths]` beside the others."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        try:
            found: dict[str, Any] = super()._read_file(file_path)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{file_path} cannot be read: {error}. Mend it, or move it away.") from error
        paths = found.pop("model_paths", {})
        if not isinstance(paths, dict):
            raise SettingsError(f"{file_path}: write [model_paths] as a line of its own, and its keys below it.")
        return found | paths


def _config_file() -> Path | None:
    for folder in (Path.cwd(), default_data_dir()):
        if (folder / CONFIG_FILE).is_file():
            return folder / CONFIG_FILE
    return None


def explain(error: ValidationError) -> str:
    """A settings error as lines for a person: which setting, and what is wrong with it."""
    return "\n".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'settings'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_input=False, include_url=False)
    )
