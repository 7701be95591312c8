"""What the traps say is right: computed again in many digits, limits from beside, a source for each."""

import re

import numpy as np
import pytest

from derive.check.traps import TRAPS
from derive.check.traps.answers import computed, in_digits
from derive.check.traps.recorded import answer
from derive.check.traps.table import trap_table
from derive.check.traps.trap import Case, Trap

COMPUTED = [(trap, k) for trap in TRAPS for k, case in enumerate(trap.cases) if not case.stated]
LIMITS = [(trap, case) for trap in TRAPS for case in trap.cases if case.why == "limit" and trap.elementwise]
THREAD = re.compile(r"[\w.-]+/[\w.-]+#\d+$")


def agree(trap: Trap, number: int) -> None:
    again, known = computed(trap, trap.cases[number]), answer(trap, number)
    for part in ("value", "gradient", "product"):
        for name, right in getattr(again, part).items():
            np.testing.assert_allclose(getattr(known, part)[name], right, rtol=1e-15, atol=1e-320)


@pytest.mark.parametrize(("trap", "number"), COMPUTED[::12], ids=lambda each: getattr(each, "name", each))
def test_some_recorded_answers_are_what_the_formula_says(trap: Trap, number: int) -> None:
    agree(trap, number)


@pytest.mark.long
@pytest.mark.parametrize(("trap", "number"), COMPUTED, ids=lambda each: getattr(each, "name", each))
def test_all_recorded_answers_are_what_the_formula_says(trap: Trap, number: int) -> None:
    agree(trap, number)


@pytest.mark.parametrize(("trap", "case"), LIMITS, ids=lambda each: getattr(each, "name", ""))
def test_limits_are_what_the_formula_tends_to(trap: Trap, case: Case) -> None:
    """At 1e-25 beside the point, where the formula has a value."""
    (x,) = case.inputs["x"]
    beside = in_digits(trap, Case({"x": (x + 1e-25,)}), 700)
    stated = {"value": case.value, "gradient": case.gradient, "product": case.product}
    for part, right in stated.items():
        expected = right if isinstance(right, tuple) else right["x"]
        (found,) = getattr(beside, part).values()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_every_trap_has_a_source_and_a_name_of_its_own() -> None:
    assert len({trap.name for trap in TRAPS}) == len(TRAPS) >= 70
    threads = [trap for trap in TRAPS if THREAD.match(trap.source)]
    assert all(trap.source for trap in TRAPS)
    assert len(threads) >= 60


def test_a_trap_whose_answer_is_missing_is_named() -> None:
    from derive.errors import DeriveError

    stray = Trap("stray", "(x[n]) -> Y\nY[i] = x[i]^7", (Case({"x": (1.0,)}),), elementwise=True)
    with pytest.raises(DeriveError, match="trap 'stray', case 0: no answer is recorded"):
        answer(stray, 0)


def test_the_table_has_a_row_for_each() -> None:
    lines = trap_table(TRAPS).splitlines()
    assert len(lines) == len(TRAPS) + 2
    assert lines[2].startswith("| `Y[i] = log(1 + exp(x[i]))` | x = 10000 | 10000 | 1 | inf, gradient NaN |")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in lines)
