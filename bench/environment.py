"""The environment that every contestant gets: the same threads, nothing that holds a library back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.interleaved import HELD_BACK

ROOT = Path(__file__).resolve().parent.parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
DROPPED = (*HELD_BACK, "LD_PRELOAD", "OMP_PROC_BIND", "OMP_PLACES", "MKL_ENABLE_INSTRUCTIONS", "XLA_FLAGS")


def cleaned(given: Mapping[str, str], threads: int, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is given, without what changes a library's kernels, with the number of threads; `more` last."""
    kept = {name: value for name, value in given.items() if name not in DROPPED}
    counts = dict.fromkeys(THREADS, str(threads))
    return {**kept, **counts, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT), **(more or {})}


def pinned(threads: int) -> Callable[[], None]:
    """What a child runs before its program: it keeps to the last `threads` processors."""

    def pin() -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[-threads:]))

    return pin
