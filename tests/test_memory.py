"""What a large picture costs the studio's process, and that it is given back."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PROGRAM = """
import resource, sys
from pathlib import Path
import psutil
from illustrious_studio.domain.pictures import check_picture
from illustrious_studio.serve import give_memory_back

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

give_memory_back()
small, large = (Path(name).read_bytes() for name in sys.argv[1:])
check_picture(small)
before, resident = peak(), psutil.Process().memory_info().rss
check_picture(large)
print(peak() - before, psutil.Process().memory_info().rss - resident)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("JPEG", "RGB")])
def test_an_upload_of_25_megapixels_costs_150_mb_and_gives_it_back(tmp_path: Path, kind: str, mode: str) -> None:
    for side in (64, 5000):
        Image.new(mode, (side, side), "teal").save(tmp_path / f"{side}", kind)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "64"), str(tmp_path / "5000")]
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run(command, capture_output=True, text=True, cwd=source, check=False)
    assert done.returncode == 0, done.stderr
    peak, kept = map(int, done.stdout.split())
    assert peak < 150e6
    assert kept < 20e6
