#!/usr/bin/env python3
"""Adds to data/sprites the drawings that scripts/drawings/objects.txt names: emoji of both sets, and our own SVGs.

    PYTHONPATH=src python scripts/export_sprites.py

Emoji come from npm (`@iconify-json/fluent-emoji-flat`, MIT, and `@iconify-json/noto`, Apache-2.0); the first 506, which
are not named there, stay as they are. SVGs of scripts/drawings are this project's, and the same in both styles.
Chromium renders them, 224 x 224. Then run export_words.py, export_meanings.py and export_drawings.py.
"""

import io
import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent / "drawings"
SPRITES = Path(__file__).parent.parent / "src" / "illustrious_studio" / "data" / "sprites"
SETS = {"fluent": "@iconify-json/fluent-emoji-flat@1.2.3", "noto": "@iconify-json/noto@1.2.9"}
SIDE = 224


def icons(package: str) -> dict[str, str]:
    """Every icon of a set: its name, and what is inside its <svg>."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", package, "--silent", "--pack-destination", folder], check=True, stdout=-3)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            file = archive.extractfile("package/icons.json")
            assert file is not None
            found: dict[str, Any] = json.load(file)
    side = found.get("height", 16)
    return {
        name: f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {icon.get("width", side)} {side}">'
        f"{icon['body']}</svg>"
        for name, icon in found["icons"].items()
    }


def rendered(page: Page, svg: str) -> Image.Image:
    page.set_content(f"<style>body{{margin:0}}svg{{width:{SIDE}px;height:{SIDE}px;display:block}}</style>{svg}")
    return Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA")


def listed() -> list[tuple[str, str, float, list[str], list[str]]]:
    """The lines of objects.txt: name, icon, size, synonyms, and those of them that it stands for."""
    rows = []
    for line in (HERE / "objects.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, icon, size, names, stands = (cell.strip() for cell in line.split("|"))
            rows.append((name, icon, float(size), listing(names), listing(stands)))
    return rows


def listing(cell: str) -> list[str]:
    return [one for one in cell.split(", ") if one]


def main() -> None:
    objects: list[dict[str, Any]] = json.loads((SPRITES / "objects.json").read_text("utf-8"))
    rows = listed()
    taken = {word for name, _, _, names, stands in rows for word in (name, *names, *stands)}
    objects = [known for known in objects if known["name"] not in {row[0] for row in rows}]
    for known in objects:  # what has a drawing of its own now is no other thing's any more
        for key in ("synonyms", "stands_for"):
            if key in known:
                known[key] = [word for word in known[key] if word not in taken]
        if not known.get("stands_for", [""]):
            del known["stands_for"]
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": SIDE, "height": SIDE})
        sets = {style: icons(package) for style, package in SETS.items()}
        for name, icon, size, names, stands in rows:
            file = f"{name.replace(' ', '-')}.webp"
            for style in SETS:
                svg = sets[style][icon] if icon else (HERE / f"{name.replace(' ', '-')}.svg").read_text("utf-8")
                picture = rendered(page, svg)
                picture.save(SPRITES / style / file, quality=90, method=6)
                if style == "fluent":
                    left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 1, 1)
            entry = {"name": name, "file": file, "kind": "thing", "size": size}
            entry |= {"aspect": round((right - left) / (bottom - top), 2), "head": 0.5, "synonyms": names}
            objects.append(entry | ({"stands_for": stands} if stands else {}) | {"tags": []})
        browser.close()
    lines = ",\n".join(json.dumps(known, ensure_ascii=False) for known in objects)
    (SPRITES / "objects.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    print(f"{len(rows)} drawings, {len(objects)} objects")


if __name__ == "__main__":
    main()
