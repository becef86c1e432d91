"""Makes the analyzer's memory of the packaged drawings: the classifier's features of each, once.

    PYTHONPATH=src python scripts/export_drawings.py

Writes data/vision/drawings.npz (names, the mean feature, and each drawing's difference from it in 8 bits). Run it after
`export_efficientnet.py` or when a drawing changes. Uses one thread; a minute.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageFilter

DATA = Path(__file__).parent.parent / "src" / "illustrious_studio" / "data"
SIDE, LONGEST = 224, 200


def on_white(path: Path) -> Image.Image:
    with Image.open(path) as file:
        sprite = file.convert("RGBA")
    sprite = sprite.crop(sprite.getchannel("A").getbbox())
    scale = LONGEST / max(sprite.size)
    sprite = sprite.resize((round(sprite.width * scale), round(sprite.height * scale)), Image.Resampling.LANCZOS)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    picture.paste(sprite, ((SIDE - sprite.width) // 2, (SIDE - sprite.height) // 2), sprite)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def main() -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(DATA / "vision" / "efficientnet-lite0.onnx", options)
    objects = json.loads((DATA / "sprites" / "objects.json").read_text("utf-8"))
    files = [
        (known["name"], DATA / "sprites" / style / known["file"]) for style in ("fluent", "noto") for known in objects
    ]
    features = []
    for _, path in files:
        pixels = (np.asarray(on_white(path), np.float32) - 127.5) / 127.5
        features.append(session.run(["features"], {"image": pixels.transpose(2, 0, 1)[None]})[0][0])
    matrix = np.stack(features)
    mean = matrix.mean(axis=0)
    away = matrix - mean
    away *= 127 / np.abs(away).max(axis=1, keepdims=True)
    target = DATA / "vision" / "drawings.npz"
    np.savez_compressed(
        target, names=np.array([name for name, _ in files]), mean=mean, features=away.round().astype(np.int8)
    )
    print(f"{target}: {len(files)} drawings, {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
