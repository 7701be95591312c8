"""Loads and trains emitted networks; knows no mathematics, needs NumPy, and `rich` for the progress bar."""

from .errors import RuntimeInputError
from .loading import load
from .network import Network

__all__ = ["Network", "RuntimeInputError", "load"]
