"""What is computed early, what waits, and what takes the place of a residual: each computes the same."""

from functools import cache

import numpy as np
import pytest

from codegen.passes.early import early
from codegen.passes.taken import hosts_of, taken
from codegen.passes.verify import names_of, verify
from codegen.passes.waiting import waiting
from codegen.plan.plan import Plan, plan_network
from codegen.plan.work import operations
from codegen.tuned.groups.memory import narrowed
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program, Recurrence
from derive.check.evaluate import evaluate
from derive.networks.registry import variant
from tests.codegen.emitted_c import drawn
from tests.codegen.test_recompute import close
from tests.codegen.test_step_passes import SIZES, steps

GPT = {"L": 2, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64, "v": 256, "m": 8}
STEP = """
waits(X[T,n], V[n,d], Y[T,d]) -> W, Z
    Z[0,j<d] = 0
    for t < T:
        P[t,i<n] = tanh(X[t,i])
        O[t,j<d] = sum_{i<n} P[t,i] V[i,j]
        W[t,j<d,k<d] = O[t,j] Y[t,k]
        R[t,i<n] = P[t,i] X[t,i]
        Z[t+1,j<d] = Z[t,j] + Y[t,j] sum_{i<n} R[t,i]
"""
LATE = """
late(H[m,k], N[m,d], X[m,d], E[k,d]) -> G
    A[i<m,j<d] = X[i,j] + sum_{q<k} H[i,q] E[q,j]
    B[i<m,q<k] = tanh(H[i,q])
    Z[0,i<m,j<d] = A[i,j]
    for t < 3:
        Z[t+1,i,j] = tanh(Z[t,i,j])
    G[q<k,j<d] = sum_{i<m} B[i,q] N[i,j] + Z[3,0,j]
"""


@cache
def plan() -> Plan:
    return narrowed(plan_network(variant("gpt", sizes=GPT), bounded=False))


def same(program: Program, other: Program) -> None:
    """Both compute the same."""
    sizes = {**SIZES, "k": 2}
    rng = np.random.default_rng(1)
    given = {tensor.name: drawn(tensor, sizes, 2, rng) for tensor in program.inputs}
    expected, found = (evaluate(one, given, sizes) for one in (program, verify(other, "a pass")))
    for name in program.outputs:
        close(found[name], expected[name])


def test_what_nothing_in_its_step_needs_waits_for_what_reads_the_same() -> None:
    program = define(STEP)
    later = waiting(program)
    assert steps(later).index("R") < steps(later).index("O") < steps(later).index("W")
    same(program, later)


def test_what_would_be_held_longer_does_not_wait() -> None:
    """W reads U, which nothing needs after Q."""
    program = define(
        STEP.replace(
            "tanh(X[t,i])", "tanh(X[t,i])\n        U[t,k<d] = Y[t,k]^2\n        Q[t,k<d] = tanh(U[t,k])"
        )
        .replace("O[t,j] Y[t,k]", "O[t,j] U[t,k]")
        .replace("Z[t,j] + Y[t,j]", "Z[t,j] + Q[t,j]")
    )
    assert steps(waiting(program)) == steps(program)


def test_a_sum_does_not_wait_for_a_recurrence() -> None:
    program = define(LATE)
    sizes = {"m": 64, "k": 2, "d": 2, "n": 2}
    found = early(program, {"E", "X"}, sizes)
    assert [names_of(one) for one in found.statements][-3:] == [{"G_sum"}, {"Z"}, {"G"}]
    same(program, found)
    small = {"m": 1, "k": 8, "d": 8, "n": 2}
    assert early(program, {"E", "X"}, small) is program, "the sum takes more room than what it is made of"
    assert early(program, {"E", "X", "H", "N", "B"}, sizes) is program, "what is given takes no room"


def test_the_tied_embedding_lets_go_of_the_logits() -> None:
    names = [sorted(names_of(one)) for one in plan().vjp.statements]
    loop = next(n for n, one in enumerate(plan().vjp.statements) if isinstance(one, Recurrence))
    assert names.index(["E_bar_sum"]) < loop < names.index(["E_bar"])


def test_outputs_of_heads_are_computed_again_where_their_probabilities_are() -> None:
    order = steps(plan().vjp)
    assert "O" not in {tensor.name for tensor in plan().residuals}
    assert order.index("P2") < order.index("R_bar") < order.index("O") < order.index("Wo_bar")
    assert order.count("P2") == 1


def test_what_is_last_read_gives_its_place() -> None:
    vjp, kept = plan().vjp, {tensor.name for tensor in plan().residuals}
    hosts = hosts_of(vjp, kept)
    assert hosts == {"F_bar": "F", "B_bar": "Xhat2"}
    moved = verify(taken(vjp, hosts), "taken")
    assert [len(moved.tensor(name).axes) for name in hosts] == [4, 4]
    assert taken(vjp, {}) == vjp


@pytest.mark.parametrize(("guard", "part"), [("s <= t", 2), ("t + s <= 3", 1), ("t <= 3", 1)])
def test_half_of_a_triangle_is_counted(guard: str, part: int) -> None:
    """Whatever is guarded otherwise is counted whole, and so is the selection."""
    program = define(f"part(A[T,T], B[T,d]) -> O\nO[t<T,j<d] = sum_{{s<T}} where({guard}, A[t,s] B[s,j], 0)")
    (equation,) = program.equations()
    sizes = {"T": 8, "d": 4}
    selected = 0 if part == 2 else 8 * 8 * 4
    assert operations(equation, (), sizes) == 2 * 8 * 8 * 4 // part + selected
