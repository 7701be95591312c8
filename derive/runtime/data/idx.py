"""IDX files, plain or gzip.

Two zero bytes, a type (8: uint8), the number of axes, the sizes as big-endian 32-bit words, the values.
"""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from derive.runtime.errors import DataError

from . import store
from .dataset import Dataset

FILES = {
    "train_X": "train-images-idx3-ubyte",
    "train_y": "train-labels-idx1-ubyte",
    "test_X": "t10k-images-idx3-ubyte",
    "test_y": "t10k-labels-idx1-ubyte",
}


def read_file(path: Path) -> store.Bytes:
    """The array in one file. Raise DataError where the header and the length do not fit."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} can't be read ({error}); fetch it again") from None
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError(
            f"{path.name} is no IDX file of bytes: it begins with {content[:4].hex(' ')}, not with 00 00 08 "
            f"and the number of axes; name files in the format of MNIST's own"
        )
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * content[3])
    if len(values) != prod(shape):
        raise DataError(
            f"{path.name} holds {len(values)} values but its header says {shape}, {prod(shape)} values; "
            f"fetch it again"
        )
    return values.reshape(shape)


def read_folder(folder: Path) -> dict[str, store.Bytes]:
    """The four files of a folder under the names that MNIST gave them; images become rows of pixels."""
    arrays = {}
    for name, file in FILES.items():
        path = next((p for p in (folder / file, folder / f"{file}.gz") if p.is_file()), None)
        if path is None:
            raise DataError(
                f"{folder} holds neither {file} nor {file}.gz; a folder of IDX files has "
                f"{', '.join(FILES.values())}, each with or without .gz"
            )
        array = read_file(path)
        arrays[name] = array.reshape(len(array), -1) if name.endswith("X") else array
    return arrays


def read(folder: Path) -> Dataset:
    """A folder of IDX files that the user names, pixels in [0, 1]."""
    from .mnist import pixels

    return pixels(folder.name, read_folder(folder))
