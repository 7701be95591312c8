"""What the planner makes of a small transformer: what it keeps, computes row by row, and leaves out."""

from functools import cache

import pytest

from codegen.c.network import c_network
from codegen.plan.plan import plan_network
from codegen.tuned.arena.arena import Arena
from codegen.tuned.groups.fusion import fused
from codegen.tuned.groups.groups import Rows, groups_of, key_of
from codegen.tuned.groups.memory import narrowed
from codegen.tuned.groups.portions import in_portions
from codegen.tuned.groups.times import runs
from codegen.tuned.pipeline import Tuned, tuned
from derive.calculus.definition.define import define
from derive.networks.registry import variant

SIZES = {"L": 3, "d": 32, "h": 2, "e": 16, "f": 64, "T": 48, "v": 16, "m": 4}


@cache
def transformer() -> Tuned:
    return tuned(c_network(plan_network(variant("gpt", sizes=SIZES))))


def rows() -> dict[str, Rows]:
    """What goes row by row in loss and pullback, by its last name."""
    steps = (*transformer().lists["loss"], *transformer().lists["vjp"])
    return {one.equations[-1].name: one for step in steps for one in groups_of(step) if isinstance(one, Rows)}


def test_nothing_elementwise_is_kept_beside_what_it_is_made_of() -> None:
    plan = narrowed(plan_network(variant("gpt", sizes=SIZES)))
    kept = {tensor.name for tensor in plan.residuals}
    assert {"A", "F", "Xhat1", "Xhat2", "P2"} <= kept
    assert not kept & {"C1", "N1", "C2", "N2", "E2", "G", "E4", "C3"}


def test_squares_of_positions_are_computed_again_from_sums_of_rows() -> None:
    wide = {**SIZES, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64}
    plan = narrowed(plan_network(variant("gpt", sizes=wide)))
    kept = {tensor.name for tensor in plan.residuals}
    assert {"A", "F", "Xhat1", "Xhat2", "M", "T2"} <= kept
    assert not kept & {"R", "E2", "P2", "O"}


def test_a_normalisation_and_a_softmax_are_passes_over_rows() -> None:
    normalised = next(one for one in rows().values() if {"mu1", "N1"} <= one.names)
    assert [[e.name for e in each.inside] for each in normalised.passes] == [
        ["mu1"],
        ["C1", "v1"],
        ["Xhat1", "N1"],
    ]
    assert [e.name for e in normalised.passes[1].after] == ["r1"]
    assert not normalised.stored & {"mu1", "v1"}
    probabilities = next(one for one in rows().values() if {"M", "P2"} <= one.names)
    assert [[e.name for e in each.inside] for each in probabilities.passes] == [["M"], ["E2", "T2"], ["P2"]]
    assert "M" not in probabilities.stored


def test_attention_goes_through_heads_one_after_the_other() -> None:
    t = transformer()
    found: dict[str, list[str]] = {}
    for step in (*t.lists["loss"], *t.lists["vjp"]):
        for one in groups_of(step):
            if one.block is not None:
                found.setdefault(one.block.name, []).append(t.phases[key_of(one)].name)
    assert list(found.values()) == [["R", "P2", "O"], ["P2_bar", "R_bar", "A_bar", "A_bar_2", "A_bar_3"]]
    single = {name for name, one in t.scene.stored.items() if 1 in one.single}
    assert {"R", "E2", "P2_bar", "R_bar"} <= single
    assert not single & {"A", "O", "A_bar", "O_bar", "P2", "T2"}


def test_few_examples_are_not_computed_one_after_the_other() -> None:
    t = tuned(c_network(plan_network(variant("gpt", sizes={**SIZES, "m": 3}))))
    groups = [one for steps in t.lists.values() for step in steps for one in groups_of(step)]
    assert all(one.block is None or in_portions(one) for one in groups)
    assert {name for name, one in t.scene.stored.items() if one.single} == {"Z", "Z_bar", "Z_dot"}


def test_what_goes_from_turn_to_turn_has_room_for_one() -> None:
    """Z[l] is read before Z[l + 1] takes its place; A, whose turns the pullback reads, has room for all."""
    t = transformer()
    item, sizes = 4, t.c.plan.size
    for name in ("Z", "Z_bar", "Z_dot"):
        assert t.scene.stored[name].single == (0,)
        assert t.scene.stored[name].reals(sizes, item) == 4 * 48 * 32
    assert t.scene.stored["A"].reals(sizes, item) == 3 * 3 * 4 * 2 * 48 * 16


def test_masked_halves_are_left_out() -> None:
    guarded = {one.name for one in transformer().phases.values() if one.guarded}
    assert {"R", "O", "P2_bar", "A_bar", "A_bar_2", "A_bar_3"} <= guarded
    assert not guarded & {"A", "G", "Wp_bar", "H"}


def test_sums_without_a_gap_are_one() -> None:
    phases = {one.name: one for one in transformer().phases.values()}
    assert phases["Wp_bar"].sums == 1
    assert phases["Wo_bar"].sums == 2, "heads lie between examples and positions"


def test_every_read_of_the_arena_is_within_a_lifetime() -> None:
    t = transformer()
    arena: Arena = t.arenas[4]
    for run in runs((*t.lists["loss"], *t.lists["vjp"]), 0, t.c.plan.size):
        for name in (run.group.reads | run.group.stored) & set(arena.lifetimes):
            assert any(part.alive >> run.time & 1 for part in arena.lifetimes[name].pieces), name


def test_what_a_turn_keeps_lives_until_that_turn_is_pulled_back() -> None:
    t = transformer()
    parts = t.arenas[4].lifetimes["A"].parts
    first, last = (0, 0)
    for run in runs((*t.lists["loss"], *t.lists["vjp"]), 0, t.c.plan.size):
        if run.turn == 1 and "A" in run.group.reads | run.group.stored:
            first, last = first or run.time, run.block[1]
    assert parts[1].alive & ((1 << (last + 2)) - 1) == (1 << (last + 1)) - (1 << first)


@pytest.mark.parametrize(
    ("reader", "groups"), [("F[i,j] = E[i,j] G[i,j]", [["H", "E", "F"]]), ("F[i,j] = E[i,j] H[j,i]", 2)]
)
def test_what_elementwise_equations_alone_read_is_spread(reader: str, groups: object) -> None:
    program = define(f"""
spread(X[n,p], W[p,n], G[n,n]) -> F, H
    H[i,j] = sum_{{q}} X[i,q] W[q,j]
    E[i,j] = exp(-H[i,j])
    {reader}
""")
    found = [[e.name for e in step.equations] for step in fused(program.statements, program.outputs)]
    assert found == groups if isinstance(groups, list) else len(found) == groups


def called(network: Tuned, name: str) -> str:
    """The lines of a phase."""
    return "".join(line for one in network.phases.values() if one.name == name for line in one.lines)


def test_factors_whose_lines_meet_in_few_sets_are_packed() -> None:
    """128 terms 1536 bytes apart meet in 8 of 64 sets of a cache; 32 terms 384 bytes apart have room."""
    wide = {**SIZES, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64}
    assert "ONE(pack)" in called(tuned(c_network(plan_network(variant("gpt", sizes=wide)))), "A")
    assert "ONE(pack)" not in called(transformer(), "A")


def test_gradients_that_need_no_packing_go_by_rows_too() -> None:
    network = tuned(c_network(plan_network(variant("two_layer"))))
    assert "ONE(contract_rows)(" in called(network, "W1_bar")
    assert "panels" not in called(network, "W1_bar")
    assert "ONE(contract_rows)(" not in called(network, "H")
