"""Text by characters: a sorted character set numbers them, the last tenth is held out.

An example is a window of T + 1 characters: x the first T of them, y the last T. Windows lie end to end, so
that an epoch reads every character once.
"""

from pathlib import Path

import numpy as np

from derive.runtime.buffers import Array
from derive.runtime.errors import DataError

from .dataset import Dataset, Split

PREFIX = "text:"


def read(path: Path) -> Dataset:
    """A text file of the user's own, in UTF-8."""
    try:
        return of_text(path.name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name} is no text in UTF-8 ({error.reason} at byte {error.start}); save it in UTF-8"
        ) from None
    except OSError as error:
        raise DataError(f"--data {PREFIX}{path}: {error.strerror}; name a text file") from None


def of_text(name: str, text: str) -> Dataset:
    """The characters as numbers: nine tenths to train, the last tenth for the test."""
    alphabet = "".join(sorted(set(text)))
    tokens = numbers(alphabet, text)
    cut = len(tokens) * 9 // 10
    train, test = (Split(part, part) for part in (tokens[:cut], tokens[cut:]))
    return Dataset(name, train, test, alphabet)


def numbers(alphabet: str, text: str) -> Array:
    """The places of characters in the alphabet, which is sorted; DataError for one that it lacks."""
    known, codes = _codes(alphabet), _codes(text)
    places = np.searchsorted(known, codes)
    missing = np.append(known, -1)[places] != codes
    if missing.any():
        raise DataError(
            f"the character {text[int(missing.argmax())]!r} is not among the {len(alphabet)} of the training "
            f"text; leave it out"
        )
    return places.astype(np.int32)


def _codes(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.int64)


def windows(where: str, tokens: Array, length: int) -> tuple[Array, Array]:
    """x and y (count, T): each row of y is that of x one character later."""
    count = (len(tokens) - 1) // length
    if count < 1:
        raise DataError(
            f"{where}: the text has {len(tokens)} characters but a window has T + 1 = {length + 1}; "
            "give a longer text, or build the network with a smaller T"
        )
    x, y = tokens[: count * length], tokens[1 : count * length + 1]
    return x.reshape(count, length), y.reshape(count, length)
