"""One contestant in a process of its own: it says when it is ready, then measures when it is told to.

On stdout one JSON line each: first {"checks": [...], "first_step_s": ...}, then for every line `SECONDS` on
stdin {"median_s": ..., "min_s": ..., "max_s": ...}. Between two measurements it is the others' turn.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import CASES, Case

SAMPLE = 0.01  # seconds that one sample takes at least
LEAST = 5  # samples of one measurement


@dataclass(frozen=True)
class Prepared:
    """A step that can be repeated; `wait` ends when its result is there, `numbers` is what is compared.

    A training step returns its loss, which is one number; anything else returns what `numbers` makes two of.
    """

    step: Callable[[], Any]
    numbers: Callable[[Any], list[float]]
    wait: Callable[[Any], object] = lambda _: None
    after: Callable[[], Mapping[str, Any]] = dict  # what is found out once, after the comparison


def asked(doc: str | None, modes: tuple[str, ...] = ("",)) -> tuple[Case, argparse.Namespace]:
    """The case and the options on the command line."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    options = parser.parse_args()
    return CASES[options.case], options


def serve(prepared: Prepared, **facts: Any) -> None:
    """The first step and what is compared; then a measurement for each line of stdin."""
    start = time.perf_counter()
    result = prepared.step()
    prepared.wait(result)
    first = time.perf_counter() - start
    say(checks=checks(prepared, result), first_step_s=first, **prepared.after(), **facts)
    for line in sys.stdin:
        say(**measured(prepared, float(line)), rss_bytes=peak_bytes())


def checks(prepared: Prepared, first: Any) -> list[float]:
    """The losses of steps 1 and 10, or the two numbers of what is no training step."""
    numbers = prepared.numbers(first)
    if len(numbers) > 1:
        return numbers
    for _ in range(9):
        last = prepared.step()
    return [*numbers, *prepared.numbers(last)]


def measured(prepared: Prepared, seconds: float) -> dict[str, Any]:
    """Median and range of samples of at least 10 ms, for that many seconds."""
    count = max(1, int(SAMPLE / max(_sample(prepared, 1), 1e-7)))
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(samples) < LEAST:
        samples.append(_sample(prepared, count))
    return {
        "median_s": statistics.median(samples),
        "min_s": min(samples),
        "max_s": max(samples),
        "samples": len(samples),
        "steps": count,
    }


def _sample(prepared: Prepared, count: int) -> float:
    step = prepared.step
    start = time.perf_counter()
    for _ in range(count):
        result = step()
    prepared.wait(result)
    return (time.perf_counter() - start) / count


def peak_bytes() -> int:
    """The most memory held since this program began; getrusage would count its parent's before exec."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def say(**line: Any) -> None:
    """One JSON line."""
    print(json.dumps(line), flush=True)
