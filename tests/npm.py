"""Programs from npm's registry, for the tests that try the studio with other people's tools."""

import asyncio
import shutil
from pathlib import Path

import pytest

UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")
"""What npm says where there is no network."""
NEEDS_NODE = pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed.")


async def installed_by_npm(config: pytest.Config, folder: str, *packages: str) -> Path:
    """The folder of the packages' programs, installed aside; from the second run on npm only looks whether all of it
    is there. The test is skipped where npm cannot reach its registry."""
    assert config.cache is not None
    npm = shutil.which("npm")
    assert npm is not None
    aside = config.cache.mkdir(folder)
    installing = await asyncio.create_subprocess_exec(
        *(npm, "install", "--prefix", str(aside), "--no-audit", "--no-fund", "--loglevel=error", *packages),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await installing.communicate()
    if installing.returncode:
        why = said.decode(errors="replace")
        assert any(word in why for word in UNREACHABLE), why
        pytest.skip(f"npm cannot reach its registry: {why[-300:]}")
    return aside / "node_modules" / ".bin"
