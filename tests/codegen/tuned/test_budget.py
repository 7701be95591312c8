"""A budget bounds the arena of the tuned C, at the least operations for a byte, with the same gradients."""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from codegen.c.network import CNetwork, c_network
from codegen.emit import emit
from codegen.plan.plan import plan_network
from codegen.tuned.arena.arena import Lifetime, Part, arena, fullest
from codegen.tuned.budget import arena_bytes, choices, tuned
from codegen.tuned.groups.memory import crossing, kept_by_cost, task_of
from derive.errors import DeriveError
from derive.networks.registry import variant
from derive.runtime import load

SIZES = {"L": 2, "d": 32, "h": 2, "e": 16, "f": 64, "T": 24, "v": 16, "m": 4}


@cache
def network(budget: int | None = None) -> CNetwork:
    return c_network(plan_network(variant("gpt", sizes=SIZES, budget=budget), bounded=False))


@cache
def whole() -> int:
    """The bytes of the arena without a budget."""
    return arena_bytes(tuned(network()))


def test_an_arena_is_within_its_budget() -> None:
    budget = 9 * whole() // 10
    found = tuned(network(budget))
    assert arena_bytes(found) <= budget < whole()
    again = {e.name for e in found.c.plan.vjp.equations()} & {e.name for e in found.c.plan.loss.equations()}
    kept = {tensor.name for tensor in tuned(network()).c.plan.residuals}
    assert again & kept, "what was kept is computed again"


def test_a_budget_that_is_no_bound_changes_nothing() -> None:
    assert tuned(network(whole())).arenas == tuned(network()).arenas


def test_what_costs_least_for_a_byte_goes_first() -> None:
    task = task_of(network().plan)
    kept = kept_by_cost(task)
    listed = list(choices(task, kept))
    figures = [(task.bytes(crossing(task, one)), task.more(one)) for one in listed]
    prices = [(c - a) / (b - d) for (b, a), (d, c) in pairwise(figures)]
    assert all(d < b for (b, _), (d, _) in pairwise(figures))
    size, more = figures[0]
    for name in sorted(kept & set(task.candidates)):
        other = kept - {name}
        freed = size - task.bytes(crossing(task, other))
        if name in task.again(other) and 512 * freed > size:
            assert prices[0] <= (task.more(other) - more) / freed, name


def test_a_budget_that_cannot_be_met_says_what_would_be() -> None:
    with pytest.raises(DeriveError) as refused:
        tuned(network(1000))
    said = str(refused.value)
    assert re.search(r"gpt does not fit into --budget 1000: the arena of the tuned C at m = 4 examples", said)
    assert re.search(r"\w+ \(\d+ bytes\), .* do not fit; raise the budget to \d+, or give --size m=2", said)
    found = re.search(r"raise the budget to (\d+)", said)
    assert found is not None
    assert int(found[1]) < whole()


@pytest.mark.compiler
def test_within_a_budget_gradients_are_the_same(tmp_path: Path, rng: np.random.Generator) -> None:
    """To rounding: what is computed again is the same operations in the same order."""
    budget = 9 * whole() // 10
    x, y = (rng.integers(0, SIZES["v"], (4, SIZES["T"])).astype(np.int32) for _ in range(2))
    found = {}
    for name, bound in (("plain", None), ("bounded", budget)):
        emit(variant("gpt", renamed=name, sizes=SIZES, budget=bound), ("tuned",), tmp_path)
        found[name] = load(name, "tuned", tmp_path, "float64").init(1).gradients(x, y)
    assert found["plain"][0] == pytest.approx(found["bounded"][0], rel=1e-13)
    for name, slope in found["plain"][1].items():
        assert np.linalg.norm(found["bounded"][1][name] - slope) <= 1e-12 * np.linalg.norm(slope), name
    readme = (tmp_path / "bounded" / "README.md").read_text(encoding="utf-8")
    said = re.search(r"Arena of the tuned C in float: (\d+) bytes, within the budget of (\d+)", readme)
    assert said is not None
    assert int(said[1]) <= int(said[2]) == budget


def test_what_turns_leave_lies_where_other_turns_are_over() -> None:
    """Two residuals die one after the other; what comes next lies in the place of the first."""
    kept = Lifetime("F", 64, 0, 3, ((0, 3),), (Part(0, 32, 0b1111), Part(32, 32, 0b0011)))
    later = Lifetime("W_bar", 32, 2, 3)
    assert arena([kept, later]).reals == fullest([kept, later]) == 64
    assert arena([kept, Lifetime("W_bar", 32, 1, 3)]).reals == 96
