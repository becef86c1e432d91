"""Rules worth having, held by enumerating: what is imported where and when, who reads the environment, what is never
loaded. Which folder may import which other is held by import-linter (`pyproject.toml`)."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "illustrious_studio"
MODULES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("torch", "diffusers", "transformers", "gradio", "ray", "onnxruntime", "rapidocr", "cv2", "xllamacpp", "openai")

LIBRARIES = {
    "adapters": "onnxruntime psutil",
    "adapters/chat": "aiohttp httpx httpx_aiohttp ollama openai pydantic structlog xllamacpp",
    "adapters/cutout": "PIL numpy onnxruntime",
    "adapters/files": "PIL pydantic structlog",
    "adapters/preprocessors": "cv2 numpy onnxruntime",
    "adapters/sdxl": "pydantic",
    "adapters/sdxl/worker": "PIL diffusers numpy onnxruntime psutil safetensors torch transformers",
    "adapters/sketch": "PIL numpy pydantic",
    "adapters/sql": "alembic sqlalchemy structlog",
    "adapters/vision": "PIL numpy onnxruntime rapidocr",
    "adapters/words": "numpy onnxruntime pydantic tokenizers",
    "bench": "PIL aiohttp cv2 httpx numpy psutil rich starlette uvicorn",
    "cli": "httpx pydantic pydantic_settings rich",
    "domain": "PIL pydantic pydantic_core",
    "interfaces/a1111": "fastapi psutil pydantic",
    "interfaces/http": "fastapi pydantic starlette structlog",
    "interfaces/mcp": "anyio httpx2 mcp pydantic pydantic_core starlette structlog",
    "interfaces/openai": "fastapi pydantic starlette",
    "interfaces/rest": "fastapi prometheus_client pydantic starlette",
    "interfaces/selftest": "httpx httpx2 mcp openai pydantic",
    "interfaces/shared": "pydantic",
    "interfaces/web": "fastapi gradio markdown_it pydantic pydantic_core starlette structlog",
    "services": "pydantic structlog",
    "": "fastapi filelock platformdirs psutil pydantic pydantic_settings starlette structlog uvicorn",
}
"""What each folder may import besides the standard library; the innermost folder named here speaks."""


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


def test_the_serving_process_imports_nothing_heavy() -> None:
    light = [
        dotted(file) for file in MODULES if not {"web", "migrations"} & set(file.parts) or file.name == "starting.py"
    ]
    program = "\n".join(
        ["import sys, importlib", f"sys.modules.update(dict.fromkeys({HEAVY!r}))"]
        + [f"importlib.import_module({name!r})" for name in light]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT / "src")
    assert done.returncode == 0, done.stderr


def test_mcp_is_left_to_the_first_host_that_asks() -> None:
    program = "import sys, illustrious_studio.serve; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT / "src", check=False).returncode == 0


def imported_by(file: Path) -> set[str]:
    """The packages that a module imports, also inside its functions, without those of the standard library."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"illustrious_studio"}


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_a_library_is_imported_only_in_the_folders_that_adapt_it(file: Path) -> None:
    folders = [folder.relative_to(SOURCE).as_posix().removeprefix(".") for folder in file.parents if folder >= SOURCE]
    allowed = next(LIBRARIES[folder] for folder in folders if folder in LIBRARIES)
    assert imported_by(file) <= set(allowed.split())


def without_comments(file: Path) -> str:
    return re.sub(r"#.*", "", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_the_environment_is_read_in_settings_alone(file: Path) -> None:
    if file.name != "settings.py":
        assert not re.search(r"os\.getenv\(|os\.environ\.get\(|os\.environ\[[^]]+\](?! *=)", without_comments(file))


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_nothing_that_can_run_code_is_loaded(file: Path) -> None:
    assert not re.search(
        r"torch\.load\(|import pickle|joblib|allow_pickle|trust_remote_code|custom_pipeline|shell=True|(?<!\.)\beval\(",
        without_comments(file),
    )


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_a_module_says_what_it_is(file: Path) -> None:
    if file.stat().st_size and "versions" not in file.parts:
        assert file.read_text(encoding="utf-8").lstrip().startswith('"""')


@pytest.mark.parametrize("file", MODULES, ids=dotted)
def test_pictures_from_outside_are_opened_in_one_place(file: Path) -> None:
    if re.search(r"Image\.open\(", without_comments(file)):
        allowed = {"domain/pictures", "adapters/sketch/sprites", "adapters/files/recovery", "adapters/files/gallery"}
        place = file.relative_to(SOURCE).with_suffix("").as_posix()
        assert place in allowed | {"bench/api_overhead", "bench/upscale"}


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _, _, table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Dependencies")
    packages = {name for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert {re.split(r"[<>=]", needed)[0] for needed in project["dependencies"]} <= packages


TESTS = sorted(file for file in (ROOT / "tests").rglob("*.py") if file.name != "waiting.py")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_waiting_is_for_an_event_and_not_for_the_clock(file: Path) -> None:
    assert not re.search(r"\bsleep\(\S|\bwait_for_timeout\(\S", without_comments(file)), "see tests/waiting.py"
