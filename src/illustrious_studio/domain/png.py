"""PNG files as chunks (W3C PNG, third edition, 5): what of one is sound, without decoding a pixel."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = struct.pack(">I4sI", 0, b"IEND", 0xAE426082)
"""The last chunk of every file."""
LARGEST_EXTRA = 1_000_000
"""Bytes that a text or a profile may inflate to; Pillow refuses the picture above that."""

_ANCILLARY = 0x20
"""The bit in a chunk's first letter that says: the picture is whole without it."""


def is_whole(data: bytes) -> bool:
    """Whether every chunk is as it was written, up to the last."""
    if not data.startswith(SIGNATURE) or not data.endswith(END):
        return False
    return all(_crc_is_right(chunk) for _, chunk in _chunks(data))


def without_odd_extras(data: bytes) -> bytes:
    """A PNG file without those extra chunks for which Pillow refuses the whole picture: damaged ones, and texts and
    profiles that inflate to more than it takes. The pixels need none of them. Other files stay as they are."""
    if not data.startswith(SIGNATURE):
        return data
    chunks = list(_chunks(data))
    kept = [chunk for kind, chunk in chunks if not kind[0] & _ANCILLARY or _is_sound(kind, chunk)]
    return data if len(kept) == len(chunks) else b"".join([SIGNATURE, *kept])


def _chunks(whole: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk's kind and its bytes, length and CRC among them; last what is no whole chunk, of the kind `IEND`."""
    position, data = len(SIGNATURE), memoryview(whole)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        yield kind, data[position:end]
        position = end
    if position < len(data):
        yield b"IEND", data[position:]


def _crc_is_right(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _is_sound(kind: bytes, chunk: memoryview) -> bool:
    if not _crc_is_right(chunk):
        return False
    _, _, rest = bytes(chunk[8:-4]).partition(b"\0")
    if kind == b"iTXt" and rest[:1] == b"\1":
        rest = rest[2:].split(b"\0", 2)[-1]
    elif kind in (b"zTXt", b"iCCP"):
        if rest[:1] != b"\0":  # there is only one method
            return False
        rest = rest[1:]
    else:
        return True
    inflating = zlib.decompressobj()
    try:
        inflating.decompress(rest, LARGEST_EXTRA)
    except zlib.error:
        return False
    return not inflating.unconsumed_tail
