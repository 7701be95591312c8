"""Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 28 x 28 pictures of clothes, 10 classes, sizes as MNIST.

From the Debian package `dataset-fashion-mnist` where it is installed, else from IDX files the user names.
"""

from pathlib import Path

from derive.runtime.errors import DataError

from . import idx, store
from .dataset import Dataset
from .mnist import pixels

NAME = "fashion-mnist"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
ENTRIES = (
    store.Entry("train_X", (60000, 784), "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012"),
    store.Entry("train_y", (60000,), "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"),
    store.Entry("test_X", (10000, 784), "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a"),
    store.Entry("test_y", (10000,), "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"),
)


def read() -> Dataset:
    """Fashion-MNIST with pixels in [0, 1], from the cache, else from the Debian package."""
    return pixels(NAME, fetch())


def fetch(folder: Path | None = None, *, force: bool = False) -> dict[str, store.Bytes]:
    """The four uint8 arrays; those of `folder`, where it is named, are checked and kept."""
    found = None if force or folder else store.kept(NAME, ENTRIES)
    if found is not None:
        return found
    source = folder or DEBIAN
    if not source.is_dir():
        raise DataError(
            f"Fashion-MNIST is not here: {source} is no folder; install the Debian package (`apt-get install "
            f"dataset-fashion-mnist`), or name a folder of its four IDX files with `python -m derive data "
            f"fashion-mnist --from FOLDER`"
        )
    arrays = idx.read_folder(source)
    for entry in ENTRIES:
        store.check(
            entry,
            arrays[entry.name],
            str(source),
            "fetch the files again, or train on these with --data FOLDER",
        )
    store.keep(NAME, arrays)
    return arrays
