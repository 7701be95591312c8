"""The safetensors format: 8 bytes with the header's length, a JSON header, then the tensors without gaps.

The header maps each name to dtype, shape and the offsets of its bytes, `__metadata__` to a map of texts.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import write_atomically
from .buffers import Array

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
}
CODES = {np.dtype(text): code for code, text in DTYPES.items()}
LONGEST_HEADER = 100_000_000  # the format's own limit


class FormatError(ValueError):
    """The bytes are not a file of tensors."""


def write_tensors(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write the file atomically. Raise OSError, with a former file untouched, where it can't be written."""
    arrays = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C") for name, array in tensors.items()
    }
    header = _header(arrays, metadata)
    pieces: list[bytes | memoryview] = [
        len(header).to_bytes(8, "little"),
        header,
        *(a.reshape(-1).view(np.uint8).data for a in arrays.values() if a.size),
    ]
    write_atomically(path, pieces)


def _header(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    rows: dict[str, Any] = {"__metadata__": dict(metadata)}
    start = 0
    for name, array in arrays.items():
        stop = start + array.nbytes
        rows[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)  # so that the tensors begin on a multiple of 8


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors, as arrays of their own, and metadata. Raise OSError or FormatError."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(LONGEST_HEADER, len(content) - 8):
        raise FormatError(f"{len(content)} bytes are too few for the header")
    try:
        rows = json.loads(content[8 : 8 + length].decode())
        metadata = {str(k): str(v) for k, v in rows.pop("__metadata__", {}).items()}
        places = {name: _place(row) for name, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"the header is not of the safetensors format ({error})") from None
    _check_places(places, len(content) - 8 - length)
    return {name: _tensor(content, 8 + length, *place) for name, place in places.items()}, metadata


Place = tuple["np.dtype[Any]", tuple[int, ...], int, int]


def _place(row: Mapping[str, Any]) -> Place:
    start, stop = row["data_offsets"]
    shape = tuple(int(size) for size in row["shape"])
    dtype = np.dtype(DTYPES[row["dtype"]])
    if min((*shape, 0)) < 0 or stop - start != prod(shape) * dtype.itemsize:
        raise ValueError(f"{stop - start} bytes for the shape {shape} of {dtype}")
    return dtype, shape, int(start), int(stop)


def _check_places(places: Mapping[str, Place], size: int) -> None:
    """The tensors fill the rest of the file, one after the other."""
    spans = sorted((start, stop) for _, _, start, stop in places.values())
    ends = [0, *(stop for _, stop in spans)]
    if any(start != end for (start, _), end in zip(spans, ends, strict=False)) or ends[-1] != size:
        raise FormatError(f"the header describes {ends[-1]} bytes of tensors but the file holds {size}")
    assert all(a <= b for a, b in pairwise(ends))


def _tensor(
    content: bytes, base: int, dtype: "np.dtype[Any]", shape: tuple[int, ...], start: int, _: int
) -> Array:
    flat = np.frombuffer(content, dtype, prod(shape), base + start)
    return flat.astype(dtype.newbyteorder("="), copy=True).reshape(shape)
