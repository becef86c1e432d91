"""Where programs put a text into a picture's file, each place written here by hand."""

import gzip
import io
import json
import random
import struct
import zlib
from contextlib import suppress

import pytest
from PIL import Image, PngImagePlugin

from illustrious_studio.domain.errors import InvalidRequest, NotAnImage
from illustrious_studio.domain.metadata.carried import user_comment
from illustrious_studio.domain.metadata.recorded import recorded_settings
from illustrious_studio.domain.pictures import open_picture

TEXT = "1girl, 猫耳\nNegative prompt: bad\nSteps: 20, Sampler: Euler a, CFG scale: 5.5, Seed: 7"
SIZE = (40, 30)


def stealthy(channels: str, signature: str, data: bytes) -> bytes:
    """A PNG with this in its lowest bits, column by column."""
    image = Image.new("RGBA" if channels == "A" else "RGB", (120, 90), (255,) * (4 if channels == "A" else 3))
    said = signature.encode() + struct.pack(">I", len(data) * 8) + data
    bits = [byte >> shift & 1 for byte in said for shift in range(7, -1, -1)]
    pixels = image.load()
    assert pixels is not None
    each = len(channels)
    for at in range(0, len(bits), each):
        x, y = divmod(at // each, image.height)
        now = list(pixels[x, y])
        for offset, bit in enumerate(bits[at : at + each]):
            place = 3 if channels == "A" else offset
            now[place] = now[place] & ~1 | bit
        pixels[x, y] = tuple(now)
    return saved(image, "PNG")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(data: bytes) -> tuple[str, str, int]:
    recorded = recorded_settings(open_picture(data).text)
    assert recorded is not None
    return recorded.request.prompt, recorded.request.negative_prompt, recorded.request.seed


@pytest.mark.parametrize(
    ("channels", "signature", "compressed"),
    [
        ("A", "stealth_pnginfo", False),
        ("A", "stealth_pngcomp", True),
        ("RGB", "stealth_rgbinfo", False),
        ("RGB", "stealth_rgbcomp", True),
    ],
)
def test_a_text_in_the_pixels_is_read(channels: str, signature: str, compressed: bool) -> None:
    data = TEXT.encode()
    assert read(stealthy(channels, signature, gzip.compress(data) if compressed else data)) == ("1girl, 猫耳", "bad", 7)


def test_novelais_chunks_in_the_pixels_are_read() -> None:
    chunks = {"Description": "1girl", "Software": "NovelAI", "Comment": json.dumps({"uc": "bad", "seed": 7})}
    assert read(stealthy("A", "stealth_pngcomp", gzip.compress(json.dumps(chunks).encode()))) == ("1girl", "bad", 7)


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * 5, gzip.compress(b"")[:8], gzip.compress(bytes(200_000_000))],
    ids=["empty", "no gzip", "half", "a bomb"],
)
def test_nonsense_in_the_pixels_is_nothing(data: bytes) -> None:
    found = open_picture(stealthy("A", "stealth_pngcomp", data[:1200])).text
    assert len(found.get("parameters", "").strip("\0")) == 0 or "Steps" not in found["parameters"]


@pytest.mark.parametrize("mark", [b"UNICODE\0", b"ASCII\0\0\0", b"\0" * 8, b""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_a_comment_is_read_however_it_is_encoded(mark: bytes, encoding: str) -> None:
    assert user_comment(mark + TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize("tag", [0x9286, 0x010E])
def test_exif_is_read_in_every_format(kind: str, tag: int) -> None:
    exif = Image.Exif()
    exif[tag] = TEXT.encode()
    assert read(saved(Image.new("RGB", SIZE), kind, exif=exif)) == ("1girl, 猫耳", "bad", 7)


def test_comfyuis_chunks_in_make_and_model_are_read() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = 'prompt:{"1": {}}', 'workflow:{"nodes": []}'
    text = open_picture(saved(Image.new("RGB", SIZE), "WEBP", exif=exif)).text
    assert (text["prompt"], text["workflow"]) == ('{"1": {}}', '{"nodes": []}')


def test_a_comment_of_a_jpeg_file_is_read() -> None:
    assert read(saved(Image.new("RGB", SIZE), "JPEG", comment=TEXT.encode())) == ("1girl, 猫耳", "bad", 7)


def test_what_a_camera_says_is_no_prompt() -> None:
    exif = Image.Exif()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA"
    assert recorded_settings(open_picture(saved(Image.new("RGB", SIZE), "JPEG", exif=exif)).text) is None


def test_an_xmp_that_brings_its_own_entities_is_not_read() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
    assert open_picture(saved(Image.new("RGB", SIZE), "WEBP", xmp=bomb)).text == {}


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"zTXt", b"workflow\0\0" + b"no zlib"),
        chunk(b"zTXt", b"workflow\0\7" + zlib.compress(b"x")),
        chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"tEXt", b"workflow\0x", crc=5),
        chunk(b"tEXt", b""),
        chunk(b"eXIf", b"MM\0*no such"),
        chunk(b"tIME", b"", crc=1),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_one_odd_chunk_does_not_cost_the_picture(odd: bytes, early: bool) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("parameters", TEXT)
    data = saved(Image.new("RGB", SIZE, "red"), "PNG", pnginfo=info)
    at = 33 if early else len(data) - 12
    opened = data[:at] + odd + data[at:]
    assert read(opened) == ("1girl, 猫耳", "bad", 7)
    assert open_picture(opened).picture.image().getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_damaged_files_are_pictures_or_refused_and_nothing_else(kind: str) -> None:
    exif = Image.Exif()
    exif[0x9286] = b"UNICODE\0" + TEXT.encode("utf-16-le")
    exif[0x0112] = 6
    whole = saved(Image.new("RGBA" if kind != "JPEG" else "RGB", SIZE), kind, exif=exif)
    chance = random.Random(5)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with suppress(NotAnImage, InvalidRequest):
            recorded_settings(open_picture(bytes(data)).text)
