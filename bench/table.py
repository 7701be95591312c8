"""The table of a race: on a terminal by rich, in a page as Markdown; the same cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bench.cases import CASES, Case
from bench.results import (
    Limits,
    Line,
    Report,
    best_of_ours,
    call_cost,
    grouped,
    limits_of,
    racing,
    ratio,
    scaling,
)

HEAD = (
    "",
    "median",
    "range",
    "over ours",
    "limit",
    "first step",
    "peak RSS",
    "own memory",
    "cc -O2",
    "library",
)


def titled(report: Report) -> Iterator[tuple[str, list[tuple[str, ...]], list[str]]]:
    """Title, rows and remarks of each case, thread by thread."""
    for (name, threads), lines in grouped(report).items():
        case = CASES[name]
        title = f"{name}: {case.title}, {threads} thread{'s' if threads > 1 else ''}"
        scaled = scaling(report, name, threads)
        said = [f"{scaled[0].title}: {short(scaled[1])} times as fast as on one thread"] if scaled else []
        yield title, rows(case, lines, limits_of(report, name, threads)), [*said, *remarks(lines)]


def rows(case: Case, lines: Sequence[Line], limits: Limits) -> list[tuple[str, ...]]:
    """A row a contestant, fastest first."""
    best = best_of_ours(lines)
    return [_row(case, line, best, limits) for line in racing(lines)]


def remarks(lines: Sequence[Line]) -> list[str]:
    """Who did not race and why; what Python's call costs."""
    found = [f"{line.title} does not race: {line.refused}" for line in lines if line.refused]
    for target, seconds in call_cost(lines).items():
        found.append(f"a call from Python adds {duration(seconds)} to the step of target {target}")
    return found


def _row(case: Case, line: Line, best: Line | None, limits: Limits) -> tuple[str, ...]:
    facts = line.facts
    return (
        line.title,
        duration(line.median_s),
        f"{duration(line.least_s)} to {duration(line.most_s)}",
        times(line, best),
        share(case, line, limits),
        duration(facts["first_step_s"]) if "first_step_s" in facts else "",
        size(facts.get("rss_bytes")),
        size(facts.get("workspace_bytes", facts.get("step_bytes"))),
        duration(facts["compile_s"]) if "compile_s" in facts else "",
        size(facts.get("library_bytes")),
    )


def times(line: Line, best: Line | None) -> str:
    """How often our step fits into this one, with its range over the rounds."""
    if best is None or line is best:
        return "" if best is None else "1"
    middle, least, most = ratio(line, best)
    return f"{short(middle)} ({short(least)} to {short(most)})"


def share(case: Case, line: Line, limits: Limits) -> str:
    """The share of the machine's peak, or of its bandwidth at that many bytes, measured in the same run."""
    if case.flops and limits.flops:
        return f"{case.flops / line.median_s / median(limits.flops):.2f} of peak"
    if case.bytes and limits.bandwidth:
        return f"{case.bytes / line.median_s / median(limits.bandwidth):.2f} of bandwidth"
    return ""


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if abs(seconds) >= factor:
            return f"{short(seconds / factor)} {unit}"
    return f"{short(seconds / 1e-9)} ns"


def size(count: int | None) -> str:
    """Bytes, with a unit of a thousand."""
    if count is None:
        return ""
    for factor, unit in ((1e6, "MB"), (1e3, "KB")):
        if count >= factor:
            return f"{short(count / factor)} {unit}"
    return f"{count} B"


def short(number: float) -> str:
    """Three digits, none of them an exponent."""
    if number and abs(number) >= 100:
        return f"{number:.0f}"
    return f"{number:.3g}"


def markdown(report: Report) -> str:
    """The page's tables."""
    parts = [_facts(report)]
    for title, found, said in titled(report):
        head = "| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD)
        body = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in found)
        parts.append(f"### {title}\n\n{head}\n{body}" + "".join(f"\n\n{each}." for each in said))
    return "\n\n".join(parts) + "\n"


def _facts(report: Report) -> str:
    lines = [f"* {key}: {value}" for key, value in report.machine.items() if value]
    peaks: dict[int, list[float]] = {}
    for limits in report.limits:
        peaks.setdefault(limits.threads, []).extend(limits.flops)
    for threads, found in sorted(peaks.items()):
        if found:
            spread = f"{min(found) / 1e9:.0f} to {max(found) / 1e9:.0f}"
            lines.append(f"* peak, {threads} thread(s): {median(found) / 1e9:.0f} GFLOP/s ({spread})")
    return "\n".join([*lines, *(f"* {note}" for note in report.notes)])
