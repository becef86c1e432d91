"""Which models were chosen last, kept in a file."""

from pathlib import Path

from illustrious_studio.adapters.files.chosen_models import ChosenModelsFile
from illustrious_studio.domain.models import Chosen


async def test_it_is_there_after_a_restart_and_a_damaged_file_is_none_chosen(tmp_path: Path) -> None:
    file = tmp_path / "chosen_models.json"
    assert await ChosenModelsFile(file).read() == Chosen()
    await ChosenModelsFile(file).keep(Chosen(checkpoint="Style A/x", language_model="qwen3:4b"))
    assert await ChosenModelsFile(file).read() == Chosen(checkpoint="Style A/x", language_model="qwen3:4b")
    file.write_bytes(b"{")
    assert await ChosenModelsFile(file).read() == Chosen()
