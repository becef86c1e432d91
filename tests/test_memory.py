"""What a large picture costs the studio's process, and that it is given back."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from illustrious_studio.domain.pictures import ORIENTATION

PROGRAM = """
import re, sys
from pathlib import Path
import psutil
from PIL import Image
from illustrious_studio.domain.encoding import image_to_png
from illustrious_studio.domain.inputs import fitted_file, prepare_part, prepare_whole
from illustrious_studio.domain.pictures import Picture, check_picture, open_to_see
from illustrious_studio.serve import give_memory_back

def peak():
    # Not getrusage: that begins with what the process had before it became this program.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def uploaded(file):
    check_picture(file)

def drawn_over(file):
    fitted_file(file, (1024, 1024), "crop")

def drawn_into(file):
    prepare_whole(file, Image.new("L", (64, 64), 255), (1024, 1024), "crop", 4, False)

def seen(file):
    open_to_see(file)

def drawn_in_part(file):
    prepare_part(file, Image.new("L", (64, 64), 255), (1024, 1024), 32, 4, False)

def put_into(file):
    ground = prepare_part(file, Image.new("L", (64, 64), 255), (1024, 1024), 32, 4, False)
    image_to_png(ground.finished(Picture(1024, 1024, bytes(3 * 1024 * 1024))))

give_memory_back()
does = globals()[sys.argv[1]]
small, large = (Path(name).read_bytes() for name in sys.argv[2:])
does(small)
before, resident = peak(), psutil.Process().memory_info().rss
does(large)
print(peak() - before, psutil.Process().memory_info().rss - resident)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.parametrize("does", ["uploaded", "seen", "drawn_over", "drawn_into", "drawn_in_part", "put_into"])
@pytest.mark.parametrize(
    ("kind", "mode", "turned"), [("PNG", "RGB", 1), ("PNG", "RGBA", 1), ("JPEG", "RGB", 1), ("JPEG", "RGB", 6)]
)
def test_a_picture_of_25_megapixels_costs_150_mb_and_gives_it_back(
    tmp_path: Path, kind: str, mode: str, turned: int, does: str
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    for side in (64, 5000):
        Image.new(mode, (side, side), "teal").save(tmp_path / f"{side}", kind, exif=exif)
    command = [sys.executable, "-c", PROGRAM, does, str(tmp_path / "64"), str(tmp_path / "5000")]
    source = Path(__file__).parents[1] / "src"
    done = subprocess.run(command, capture_output=True, text=True, cwd=source, check=False)
    assert done.returncode == 0, done.stderr
    peak, kept = map(int, done.stdout.split())
    # Pillow has four bytes a pixel, and each colour is worked on alone.
    # What is drawn into a part of it is one of 25 megapixels itself; made upright or opaque, it is there twice.
    assert peak < (250e6 if does == "put_into" and (mode, turned) != ("RGB", 1) else 150e6)
    assert kept < 20e6
