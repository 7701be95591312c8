"""The 1,797 digits of 8 x 8 pixels that scikit-learn carries (Alpaydin, Kaynak, UCI): real data, no network.

Only the file inside the installed package is read; importing scikit-learn takes longer than the training.
"""

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from derive.runtime.errors import DataError

from . import decimals
from .dataset import Dataset, held_out


def read() -> Dataset:
    """Pixels / 16 in [0, 1], 64 to an example; a fifth is held out for the test."""
    spec = importlib.util.find_spec("sklearn")
    places = [] if spec is None else spec.submodule_search_locations or []
    file = next(
        (p for p in (Path(place) / "datasets/data/digits.csv.gz" for place in places) if p.is_file()), None
    )
    if file is None:
        raise DataError(
            "the data set 'digits' comes with scikit-learn, which is not installed here; install the extra "
            "with `pip install derive[digits]`, or use `--data mnist`"
        )
    with gzip.open(file, "rb") as text:
        table = decimals.rows(text, 65)  # type: ignore[arg-type]
    return held_out(
        "digits", table[:, :64].astype(np.float32) / np.float32(16), table[:, 64].astype(np.int32)
    )
