"""Two or more callables timed in turn, so that the machine's drift meets all alike."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HELD_BACK = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def one_thread() -> None:
    """Restart this program with one thread and without what slows NumPy, before it is imported."""
    if any(name in os.environ for name in HELD_BACK) or os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        kept = {name: value for name, value in os.environ.items() if name not in HELD_BACK}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept | ONE_THREAD)


@dataclass(frozen=True)
class Rounds:
    """Seconds a call, round by round, of each contestant."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, above: str, below: str) -> tuple[float, float, float]:
        """Median, least and largest of above/below, taken round by round."""
        pairs = zip(self.seconds[above], self.seconds[below], strict=True)
        ratios = sorted(a / b for a, b in pairs)
        return statistics.median(ratios), ratios[0], ratios[-1]


def measure(contestants: Mapping[str, Callable[[], object]], rounds: int = 15, least: float = 0.05) -> Rounds:
    """Each contestant for at least `least` seconds a round, in turn."""
    calls = {name: _calls(run, least) for name, run in contestants.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                run()
            seconds[name].append((time.perf_counter() - start) / calls[name])
    return Rounds(seconds)


def _calls(run: Callable[[], object], least: float) -> int:
    run()
    start = time.perf_counter()
    run()
    return max(1, int(least / max(time.perf_counter() - start, 1e-9)))
