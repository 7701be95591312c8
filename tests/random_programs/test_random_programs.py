"""Random programs: value, vjp, jvp and hvp by NumPy, by C and in 50 digits, without a mismatch.

500 in every run, 5,000 with `-m long`. A failure is shrunk; what it was goes into the corpus with its remedy.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from derive.errors import DeriveError
from tests.codegen.emitted_c import COMPILERS
from tests.random_programs.blow_ups import COSTLY, LONG
from tests.random_programs.corpus import CORPUS
from tests.random_programs.drawing import random_specification
from tests.random_programs.emitted import by_c, by_numpy, compiled
from tests.random_programs.shrinking import shrunk
from tests.random_programs.specification import Specification
from tests.random_programs.trial import Derived, Unsuitable, complaints, emitted_complaints

BATCH = 25
COUNT = 500
MANY = 5_000
ATTEMPTS = 20  # at a program with inputs away from its kinks


def failures(specifications: dict[str, Specification], folder: Path) -> dict[str, str]:
    """What is wrong with each program, by name."""
    folder = Path(mkdtemp(dir=folder))  # a library and a module are loaded once by their path
    found: dict[str, str] = {}
    compiling: list[Derived] = []
    for name, specification in specifications.items():
        derived = Derived(name, specification)
        wrong = [*complaints(derived), *emitted_complaints(derived, "numpy", by_numpy(derived, folder))]
        if wrong:
            found[name] = wrong[0]
        compiling.append(derived)
    if COMPILERS and compiling:
        library = compiled(compiling, folder)
        for derived in compiling:
            wrong = emitted_complaints(derived, "c", by_c(derived, library))
            if wrong:
                found.setdefault(derived.name, wrong[0])
    return found


def kind(specification: Specification, folder: Path) -> str:
    """The kind of a failure, without its numbers."""
    try:
        return failures({"small": specification}, folder).get("small", "").split(":")[0]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shrunk and shown
        return type(error).__name__


def explained(name: str, specification: Specification, what: str, folder: Path) -> str:
    """The failure with the smallest program that shows it, as the corpus takes it."""
    small = shrunk(specification, lambda candidate: kind(candidate, folder))
    return f"{name}: {what}\nshrunk, for the corpus: {small!r}"


def suitable(seed: int) -> Specification:
    """The first specification of a seed that has inputs away from its kinks."""
    for attempt in range(ATTEMPTS):
        specification = random_specification(seed, attempt)
        with suppress(Unsuitable):
            assert Derived("tried", specification).point
            return specification
    raise AssertionError(f"seed {seed}: none of {ATTEMPTS} programs has inputs away from its kinks")


def check(first: int, folder: Path) -> None:
    specifications = {f"r{seed}": suitable(seed) for seed in range(first, first + BATCH)}
    try:
        found = failures(specifications, folder)
    except (DeriveError, AssertionError, ArithmeticError, RecursionError):
        found = {name: kind(each, folder) for name, each in specifications.items()}
    wrong = {name: what for name, what in found.items() if what}
    assert not wrong, "\n".join(
        explained(name, specifications[name], what, folder) for name, what in list(wrong.items())[:2]
    )


@pytest.mark.compiler
@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_random_programs_are_what_their_definitions_say(first: int, tmp_path: Path) -> None:
    check(first, tmp_path)


@pytest.mark.compiler
@pytest.mark.long
@pytest.mark.parametrize("first", range(COUNT, MANY, BATCH))
def test_thousands_of_random_programs(first: int, tmp_path: Path) -> None:
    check(first, tmp_path)


@pytest.mark.compiler
def test_what_failed_once_fails_no_more(tmp_path: Path) -> None:
    programs = {f"c{number}": specification for number, specification in enumerate(CORPUS.values())}
    assert failures(programs, tmp_path) == {}


@pytest.mark.compiler
@pytest.mark.parametrize("corpus", [LONG, COSTLY], ids=["long", "costly"])
def test_what_blew_up_once_is_derived(corpus: dict[str, Specification], tmp_path: Path) -> None:
    programs = {f"b{number}": specification for number, specification in enumerate(corpus.values())}
    assert failures(programs, tmp_path) == {}


def test_a_formula_that_cancels_is_not_drawn() -> None:
    assert random_specification(627).steps


def test_a_specification_is_the_same_on_every_run() -> None:
    assert random_specification(17) == random_specification(17)
    assert random_specification(17) != random_specification(18)
