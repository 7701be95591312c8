"""A whole run: every case, on every number of threads, against every peer that is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case
from bench.contestants import PEERS, Absent, Contestant, Peer, forced, installed, ours, peers
from bench.machine import described, loaded_by_others, peak_program, processor
from bench.race import Say, race
from bench.results import Limits, Line, Report
from derive.errors import DeriveError


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    cases: Sequence[Case]
    threads: Sequence[int]
    rounds: int
    seconds: float
    python: str
    peers: Sequence[str]
    targets: Sequence[str]
    date: str


def run(plan: Plan, say: Say) -> Report:
    """Run the plan, a line for each thing that is left out."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        chosen, notes = present(plan, folder, say)
        peak = peak_program(folder)
        lines: list[Line] = []
        limits: list[Limits] = []
        for case in plan.cases:
            for threads in plan.threads:
                say(f"{case.name}, {threads} thread(s): {case.title}")
                contestants, absent = entrants(case, threads, plan, chosen, folder)
                for note in absent:
                    say(f"  skipped, {note}")
                notes += [f"{case.name}, {note}" for note in absent if f"{case.name}, {note}" not in notes]
                found, limit = race(case, threads, contestants, plan.rounds, plan.seconds, peak)
                lines += found
                limits.append(limit)
    return Report(described(plan.python, plan.date), tuple(lines), tuple(limits), tuple(notes))


def present(plan: Plan, folder: Path, say: Say) -> tuple[list[Peer], list[str]]:
    """The peers that were asked for and are installed; what is to be said of the rest, and of the machine."""
    known = {peer.name for peer in PEERS}
    unknown = [name for name in plan.peers if name not in known]
    if unknown:
        raise DeriveError(f"there is no peer {', '.join(unknown)}; the peers are {', '.join(sorted(known))}")
    wanted = [peer for peer in PEERS if not plan.peers or peer.name in plan.peers]
    has = installed(plan.python)
    chosen = [peer for peer in wanted if has[peer.module]]
    notes = [f"{peer.title}: not installed" for peer in wanted if not has[peer.module]]
    if any(peer.name == "torch_eager" for peer in chosen):
        more, note = vendors_path(folder)
        chosen += more
        notes.append(note)
    notes += [note for note in (loaded_by_others(),) if note]
    for note in notes:
        say(note)
    return chosen, notes


def vendors_path(folder: Path) -> tuple[list[Peer], str]:
    """On AMD a second PyTorch, its MKL on the path that it keeps for Intel; on Intel the two are the same."""
    found = processor()
    if found["vendor"] == "AuthenticAMD":
        return [forced(folder)], "PyTorch on AMD: as shipped, and with MKL's AVX-512 path forced"
    return [], (
        f"PyTorch as shipped and with MKL's AVX-512 path forced are the same here: the vendor is "
        f"{found['vendor'] or 'not AMD'}"
    )


def entrants(
    case: Case, threads: int, plan: Plan, chosen: Sequence[Peer], folder: Path
) -> tuple[list[Contestant], list[str]]:
    """The peers, then ours; what is to be said of each target that is not there."""
    found = list(ours(case, plan.targets, threads, folder))
    entered = [each for each in found if isinstance(each, Contestant)]
    absent = [f"{each.target}: {each.reason}" for each in found if isinstance(each, Absent)]
    return [*peers(case, plan.python, chosen, threads), *entered], absent
