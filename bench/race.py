"""A race: every contestant is started and compared, then all are timed in turn, round by round.

The machine's drift meets all alike, and a wrong answer does not race. The machine's own limits are measured
in each round too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from bench.cases import Case
from bench.contestants import Contestant, environment
from bench.environment import ROOT, cleaned, pinned
from bench.results import DIGITS, Limits, Line, agree, parsed
from derive.errors import DeriveError

REST = 0.2  # seconds in which the threads of the contestant before come to sleep

Say = Callable[[str], None]


@dataclass(frozen=True)
class Runner:
    """A contestant's process."""

    contestant: Contestant
    process: subprocess.Popen[str]
    errors: IO[str]

    def read(self) -> dict[str, Any]:
        """Its next line. Raise DeriveError where it ended instead, with its last words."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return parsed(line, self.contestant.title)
        self.errors.seek(0)
        words = " ".join(self.errors.read().split())[-400:]
        raise DeriveError(f"{self.contestant.title} ended: {words or 'without a word'}")

    def measure(self, seconds: float) -> dict[str, Any]:
        """Its turn."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.read()


@contextmanager
def running(contestant: Contestant, threads: int) -> Iterator[Runner]:
    """Start a contestant; it is ended when the race is over."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            contestant.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment(contestant, os.environ, threads),
            preexec_fn=pinned(threads),  # noqa: PLW1509 - this process has one thread
        )
        try:
            yield Runner(contestant, process, errors)
        finally:
            process.kill()
            process.communicate()


def race(
    case: Case, threads: int, contestants: Sequence[Contestant], rounds: int, seconds: float, peak: Path
) -> tuple[list[Line], Limits]:
    """The lines of a case, refused ones too, and the limits measured beside them."""
    with ExitStack() as stack:
        entered: list[tuple[Line, Runner | None]] = []
        for contestant in contestants:
            runner = stack.enter_context(running(contestant, threads))
            entered.append(_entered(case, threads, runner))
        lines = compared([line for line, _ in entered])
        starters = [(line, runner) for line, (_, runner) in zip(lines, entered, strict=True)]
        limits = Limits(case.name, threads)
        for _ in range(rounds):
            limits = _limited(limits, case, threads, peak)
            starters = [(_timed(line, runner, seconds), runner) for line, runner in starters]
    return [line for line, _ in starters], limits


def _entered(case: Case, threads: int, runner: Runner) -> tuple[Line, Runner | None]:
    """A contestant that is ready, or that did not come so far."""
    contestant = runner.contestant
    line = Line(case.name, threads, contestant.name, contestant.title, contestant.ours)
    try:
        ready = runner.read()
    except DeriveError as error:
        return replace(line, facts=contestant.facts, refused=str(error)), None
    checks = tuple(float(number) for number in ready.pop("checks"))
    return replace(line, checks=checks, facts={**contestant.facts, **ready}), runner


def compared(lines: Sequence[Line]) -> list[Line]:
    """Each line against the first that is ready; one that differs is refused."""
    reference = next((line for line in lines if line.checks), None)
    return [line if reference is None or line.refused else _compared(line, reference) for line in lines]


def _compared(line: Line, reference: Line) -> Line:
    if agree(line.checks, reference.checks):
        return line
    found, wanted = (" and ".join(f"{number:.7g}" for number in each.checks) for each in (line, reference))
    return replace(
        line,
        refused=f"it computes {found} where {reference.title} has {wanted}: not the same {DIGITS} digits",
    )


def _timed(line: Line, runner: Runner | None, seconds: float) -> Line:
    """One more round of a contestant that races."""
    if runner is None or line.refused:
        return line
    time.sleep(REST)
    try:
        found = runner.measure(seconds)
    except DeriveError as error:
        return replace(line, refused=str(error), medians=())
    return added(line, found)


def added(line: Line, found: dict[str, Any]) -> Line:
    """The line with one more round."""
    first = not line.medians
    return replace(
        line,
        medians=(*line.medians, float(found["median_s"])),
        least_s=float(found["min_s"]) if first else min(line.least_s, float(found["min_s"])),
        most_s=float(found["max_s"]) if first else max(line.most_s, float(found["max_s"])),
        facts={**line.facts, "rss_bytes": found["rss_bytes"]},
    )


def _limited(limits: Limits, case: Case, threads: int, peak: Path) -> Limits:
    """One more measurement of what the machine can do: operations, and for a layer the bytes it moves."""
    if case.flops:
        return replace(limits, flops=(*limits.flops, _peak(peak, threads, "fma")))
    rate = _peak(peak, threads, "triad", str(case.bytes))
    return replace(limits, bandwidth=(*limits.bandwidth, rate))


def _peak(program: Path, threads: int, *words: str) -> float:
    environ = cleaned(os.environ, threads)
    command = [str(program), str(threads), *words]
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=environ,
        preexec_fn=pinned(threads),
    )
    return float(answer.stdout)
