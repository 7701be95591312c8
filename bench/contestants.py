"""Who races a case: the peers that are installed, and what we emit for each target.

A peer is a program of bench/peers run by `python`, which may be another interpreter than ours.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cases import Case, Perceptron, Recurrent
from bench.environment import cleaned
from bench.ours.built import build
from bench.ours.compiled import compiled
from derive.errors import DeriveError

TITLES = {
    "numpy": "emitted NumPy",
    "numpy_planned": "emitted NumPy, planned buffers",
    "c": "emitted C, plain",
    "tuned": "emitted C, tuned",
}


@dataclass(frozen=True)
class Peer:
    """A framework in one mode: the program that runs it and the module it needs."""

    name: str
    title: str
    program: str
    module: str
    mode: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def runs(self, case: Case) -> bool:
        """The whole step in one graph is for perceptrons; the LSTM is for PyTorch eager and JAX."""
        if isinstance(case, Recurrent):
            return self.name in ("torch_eager", "torch_forced", "jax")
        return self.mode != "graph" or isinstance(case, Perceptron)


PEERS = (
    Peer("numpy", "NumPy by hand", "bench.peers.numpy_by_hand", "numpy"),
    Peer("torch_eager", "PyTorch eager", "bench.peers.torch_steps", "torch", "eager"),
    Peer("torch_compiled", "PyTorch compiled", "bench.peers.torch_steps", "torch", "compiled"),
    Peer("torch_graph", "PyTorch, whole step compiled", "bench.peers.torch_steps", "torch", "graph"),
    Peer("jax", "JAX jit", "bench.peers.jax_jit", "jax"),
)


@dataclass(frozen=True)
class Contestant:
    """A command that serves rounds, and what is known of it beforehand."""

    name: str
    title: str
    command: tuple[str, ...]
    ours: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def installed(python: str) -> dict[str, bool]:
    """Which of the peers' modules an interpreter has."""
    modules = sorted({peer.module for peer in PEERS})
    program = (
        "import sys, importlib.util as u\nfor m in sys.argv[1:]: print(m, int(u.find_spec(m) is not None))"
    )
    try:
        answer = subprocess.run([python, "-c", program, *modules], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise DeriveError(
            f"--peers-python {python} does not run ({error}); name a Python that has numpy, torch and jax"
        ) from None
    return {module: found == "1" for module, found in map(str.split, answer.stdout.splitlines())}


def peers(case: Case, python: str, chosen: Sequence[Peer], threads: int) -> list[Contestant]:
    """The chosen peers that run the case."""
    return [
        Contestant(peer.name, peer.title, _command(peer, case, python, threads), environment=peer.environment)
        for peer in chosen
        if peer.runs(case)
    ]


def _command(peer: Peer, case: Case, python: str, threads: int) -> tuple[str, ...]:
    mode = ("--mode", peer.mode) if peer.mode else ()
    return (python, "-m", peer.program, case.name, "--threads", str(threads), *mode)


@dataclass(frozen=True)
class Absent:
    """Why a target does not race."""

    target: str
    reason: str


def ours(case: Case, targets: Sequence[str], threads: int, folder: Path) -> Iterator[Contestant | Absent]:
    """What is emitted for each target; the plain C has one thread."""
    for target in targets:
        in_python = target.startswith("numpy")
        if (target == "c" and threads > 1) or (in_python and case.group != "networks"):
            continue
        try:
            yield from _emitted(case, target, threads, folder / case.name / target)
        except DeriveError as reason:  # what does not derive or compile keeps the others from nothing
            yield Absent(target, str(reason))


def _emitted(case: Case, target: str, threads: int, out: Path) -> Iterator[Contestant]:
    built = build(case, target, out)
    python = (sys.executable, "-m", "bench.ours.from_python", case.name)
    loaded = (*python, "--name", built.name, "--path", str(out))
    if target.startswith("numpy"):
        yield Contestant(f"emitted_{target}", TITLES[target], loaded, ours=True)
        return
    made = compiled(built, target, threads)
    facts = {"compile_s": made.compile_s, "library_bytes": made.library_bytes}
    yield Contestant(f"emitted_{target}", TITLES[target], made.command, ours=True, facts=facts)
    if isinstance(case, Perceptron) and case.tiny and threads == 1:
        yield Contestant(
            f"called_{target}",
            f"{TITLES[target]}, called from Python",
            (*loaded, "--backend", target),
            ours=True,
        )


def forced(folder: Path) -> Peer:
    """PyTorch eager, its MKL told that the processor is Intel's: the AVX-512 path on AMD."""
    source = folder / "intel.c"
    source.write_text(
        "int mkl_serv_intel_cpu_true(void) { return 1; }\nint mkl_serv_intel_cpu(void) { return 1; }\n",
        encoding="utf-8",
    )
    from derive.runtime.compiler import compile_library

    library = compile_library(source, ())
    return Peer(
        *("torch_forced", "PyTorch eager, AVX-512 forced", "bench.peers.torch_steps", "torch", "eager"),
        environment={"LD_PRELOAD": str(library)},
    )


def environment(contestant: Contestant, given: Mapping[str, str], threads: int) -> dict[str, str]:
    """The environment that a contestant runs in."""
    return cleaned(given, threads, contestant.environment)
