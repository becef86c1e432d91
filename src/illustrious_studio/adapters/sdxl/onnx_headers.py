"""What an ONNX file says of itself: its inputs, its outputs and its notes. Nothing is loaded and nothing run.

ONNX is protocol buffers (`onnx.proto3`): fields, each a number and a value, within each other. Only those that say what
goes in and comes out are read; weights are passed over, so a file of any size takes a moment.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from illustrious_studio.adapters.reading import open_regular
from illustrious_studio.adapters.sdxl.headers import Damaged

LONGEST_TEXT = 1 << 20
MOST_FIELDS = 200_000
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The kinds of values there are (protobuf's wire types)."""
MODEL_IR: Final = 1
MODEL_GRAPH: Final = 7
MODEL_NOTES: Final = 14
GRAPH_INPUT: Final = 11
GRAPH_OUTPUT: Final = 12

Shape = tuple[int | None, ...]
"""None for a side that may be of any length."""


@dataclass(frozen=True)
class OnnxHeader:
    """Shapes by name, in their order, and the free texts that came with them."""

    inputs: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def read_onnx(path: Path) -> OnnxHeader:
    """Raises BadFile, OSError."""
    header = OnnxHeader()
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        reader = _Reader(file)
        known = False
        for number, kind, start, end in reader.fields(0, size):
            known |= number == MODEL_IR and kind == VARINT
            if kind == BYTES and number == MODEL_GRAPH:
                _read_graph(reader, header, start, end)
            elif kind == BYTES and number == MODEL_NOTES:
                name, text = (reader.text_in(start, end, part) for part in (1, 2))
                header.notes[name] = text
    if not known or not header.outputs:
        raise Damaged("It is damaged, half downloaded or no ONNX file.")
    return header


def _read_graph(reader: "_Reader", header: OnnxHeader, start: int, end: int) -> None:
    for number, kind, begin, stop in reader.fields(start, end):
        if kind == BYTES and number in (GRAPH_INPUT, GRAPH_OUTPUT):
            shapes = header.inputs if number == GRAPH_INPUT else header.outputs
            shapes[reader.text_in(begin, stop, 1)] = _shape(reader, begin, stop)


def _shape(reader: "_Reader", start: int, end: int) -> Shape:
    """Of a ValueInfoProto: its type (2), that of a tensor (1), its shape (2), whose sides (1) have a length (1) or a
    name (2)."""
    spans = [(start, end)]
    for wanted in (2, 1, 2):
        spans = [(begin, stop) for span in spans for begin, stop in reader.parts(span, wanted)]
    sides = [side for span in spans for side in reader.parts(span, 1)]
    return tuple(reader.number_in(begin, stop, 1) for begin, stop in sides)


class _Reader:
    """Reads fields from a file, each between two places of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MOST_FIELDS

    def fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, kind, and where the value begins and ends; for a varint it is its value twice."""
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise Damaged("It has more parts than any model.")
            self._file.seek(at)
            tag = self._varint()
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value = self._varint()
                at = self._file.tell()
                yield number, kind, value, value
                continue
            length = {FIXED64: 8, FIXED32: 4}.get(kind)
            if kind == BYTES:
                length = self._varint()
            begin = self._file.tell()
            if length is None or begin + length > end:
                raise Damaged("It is damaged, half downloaded or no ONNX file.")
            at = begin + length
            yield number, kind, begin, at

    def parts(self, span: tuple[int, int], number: int) -> list[tuple[int, int]]:
        """The fields of that number with fields of their own."""
        return [(begin, end) for found, kind, begin, end in self.fields(*span) if found == number and kind == BYTES]

    def text_in(self, start: int, end: int, number: int) -> str:
        for begin, stop in self.parts((start, end), number):
            self._file.seek(begin)
            return self._file.read(min(stop - begin, LONGEST_TEXT)).decode("utf-8", "replace")
        return ""

    def number_in(self, start: int, end: int, number: int) -> int | None:
        return next(
            (value for found, kind, value, _ in self.fields(start, end) if (found, kind) == (number, VARINT)), None
        )

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._file.read(1)
            if not byte or shift > 63:
                raise Damaged("It is damaged, half downloaded or no ONNX file.")
            value |= (byte[0] & 127) << shift
            if byte[0] < 128:
                return value
            shift += 7
