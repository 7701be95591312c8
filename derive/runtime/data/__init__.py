"""Data sets by name or by path: one file a source, `sources.py` the list of them."""

from .dataset import Dataset, Split
from .fitting import fit
from .made import make
from .sources import SOURCES, read_data

__all__ = ["SOURCES", "Dataset", "Split", "fit", "make", "read_data"]
