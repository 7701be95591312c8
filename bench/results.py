"""What a race found: a line a contestant, case and number of threads; read, written, compared."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from derive.errors import DeriveError

DIGITS = 5  # in which losses must agree


@dataclass(frozen=True)
class Line:
    """One contestant on one case. `medians` has an entry a round; `refused` says why it did not race."""

    case: str
    threads: int
    name: str
    title: str
    ours: bool
    checks: tuple[float, ...] = ()
    medians: tuple[float, ...] = ()
    least_s: float = math.nan
    most_s: float = math.nan
    facts: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""

    @property
    def median_s(self) -> float:
        return statistics.median(self.medians)


@dataclass(frozen=True)
class Limits:
    """The machine's limits, measured in the same run: an entry a round."""

    case: str
    threads: int
    flops: tuple[float, ...] = ()
    bandwidth: tuple[float, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole run: lines, limits, and where and when it was measured."""

    machine: Mapping[str, str]
    lines: tuple[Line, ...]
    limits: tuple[Limits, ...]
    notes: tuple[str, ...] = ()


def agree(checks: Sequence[float], reference: Sequence[float], digits: int = DIGITS) -> bool:
    """Say whether each number is the reference's to that many digits: half a unit of the last one."""
    pairs = list(zip(checks, reference, strict=False))
    return len(checks) == len(reference) and all(_near(found, wanted, digits) for found, wanted in pairs)


def _near(found: float, wanted: float, digits: int) -> bool:
    if not (math.isfinite(found) and math.isfinite(wanted)):
        return False
    unit = 10.0 ** (math.floor(math.log10(abs(wanted))) - digits + 1) if wanted else 10.0**-digits
    return abs(found - wanted) <= unit / 2


def parsed(text: str, source: str) -> dict[str, Any]:
    """The object of one JSON line. Raise DeriveError for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DeriveError(f"{source} printed {text.strip()[:200]!r} where a JSON line was due")
    return found


def ratio(above: Line, below: Line) -> tuple[float, float, float]:
    """Median, least and largest of above/below, round by round."""
    ratios = sorted(a / b for a, b in zip(above.medians, below.medians, strict=True))
    return statistics.median(ratios), ratios[0], ratios[-1]


def racing(lines: Sequence[Line]) -> list[Line]:
    """Those that gave the right answer and were timed, fastest first."""
    return sorted((line for line in lines if line.medians), key=lambda line: line.median_s)


def best_of_ours(lines: Sequence[Line]) -> Line | None:
    """Our fastest, Python's call of C aside."""
    return next((line for line in racing(lines) if line.ours and not line.name.startswith("called_")), None)


def call_cost(lines: Sequence[Line]) -> dict[str, float]:
    """Target -> seconds that Python's call of a bound step adds to the step in C."""
    named = {line.name: line for line in racing(lines)}
    pairs = ((name, name.replace("called_", "emitted_")) for name in named if name.startswith("called_"))
    return {
        call.removeprefix("called_"): named[call].median_s - named[step].median_s
        for call, step in pairs
        if step in named
    }


def grouped(report: Report) -> dict[tuple[str, int], list[Line]]:
    """The lines of each case and number of threads, in order."""
    groups: dict[tuple[str, int], list[Line]] = {}
    for line in report.lines:
        groups.setdefault((line.case, line.threads), []).append(line)
    return groups


def scaling(report: Report, case: str, threads: int) -> tuple[Line, float] | None:
    """Our fastest on so many threads, and how often its time fits into its own on one thread."""
    groups = grouped(report)
    best = best_of_ours(groups.get((case, threads), ()))
    alone = next(
        (line for line in racing(groups.get((case, 1), ())) if best and line.name == best.name), None
    )
    return None if threads == 1 or best is None or alone is None else (best, alone.median_s / best.median_s)


def limits_of(report: Report, case: str, threads: int) -> Limits:
    """What was measured beside a case; nothing, where it was not."""
    found = (limit for limit in report.limits if (limit.case, limit.threads) == (case, threads))
    return next(found, Limits(case, threads))


def to_json(report: Report) -> str:
    """The report as text; numbers that are not there are null."""
    return json.dumps(_plain(asdict(report)), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(text: str, source: str) -> Report:
    """What `to_json` wrote. Raise DeriveError for any other text."""
    try:
        fields = json.loads(text)
        lines = tuple(_line(row) for row in fields["lines"])
        limits = tuple(
            Limits(row["case"], row["threads"], tuple(row["flops"]), tuple(row["bandwidth"]))
            for row in fields["limits"]
        )
        return Report(dict(fields["machine"]), lines, limits, tuple(fields["notes"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DeriveError(
            f"{source} is no report of a race ({type(error).__name__}: {error}); write one with "
            "`python -m derive bench --json FILE`"
        ) from None


def _line(row: dict[str, Any]) -> Line:
    tuples = {key: tuple(row[key]) for key in ("checks", "medians")}
    numbers = {key: math.nan if row[key] is None else float(row[key]) for key in ("least_s", "most_s")}
    return Line(**{**row, **tuples, **numbers})
