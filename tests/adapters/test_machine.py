from pathlib import Path

import pytest

from illustrious_studio.adapters.machine import ThisMachine
from illustrious_studio.domain.errors import Unavailable

MACHINE = ThisMachine()


def test_it_knows_its_cores_and_its_memory() -> None:
    facts = MACHINE.facts()
    assert facts.cores >= 1
    assert facts.memory > 2**30


@pytest.mark.skipif(MACHINE.facts().desktop, reason="a window would open")
async def test_without_a_desktop_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=str(tmp_path)):
        await MACHINE.show_folder(tmp_path)
