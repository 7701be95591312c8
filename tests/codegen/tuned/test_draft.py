"""The planner's passes are verified one by one, and what a pass may get wrong is found and named."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from codegen.c.network import c_network
from codegen.passes.verify import BrokenProgram
from codegen.plan.pipeline import Shown
from codegen.plan.plan import plan_network
from codegen.tuned.arena.arena import Arena
from codegen.tuned.draft import Draft
from codegen.tuned.groups.groups import Group, Nest, Step, Turns, groups_of
from codegen.tuned.groups.times import count
from codegen.tuned.phase import Phase
from codegen.tuned.pipeline import tuned
from codegen.tuned.verification.verify import complaints, verified
from derive.__main__ import main
from derive.networks.registry import variant
from tests.codegen.tuned.driven import SIZES, planned

NAME = "two_layer"
PASSES = ["fuse", "layout", "phases", "lifetimes"]


@cache
def drafts(name: str = NAME) -> dict[str, Draft]:
    """What is known after each pass."""
    found: dict[str, Draft] = {}

    def watch(after: str, shown: Shown) -> None:
        assert isinstance(shown, Draft)
        found[after] = shown

    networks = {NAME: variant(NAME), "two turns": variant("gpt", sizes={**SIZES["gpt"], "L": 2})}
    plan = plan_network(networks[name]) if name in networks else planned(name)
    tuned(c_network(plan), watch)
    return found


def last(name: str = NAME) -> Draft:
    return drafts(name)["lifetimes"]


@pytest.mark.parametrize("name", [NAME, *SIZES])
def test_every_pass_is_seen_in_order_and_sound(name: str) -> None:
    assert list(drafts(name)) == PASSES
    for draft in drafts(name).values():
        assert not list(complaints(draft))


def with_groups(draft: Draft, key: str, change: Callable[[list[Nest]], list[Nest]]) -> Draft:
    """The draft of the first pass with other groups in one list."""
    groups = [group for step in draft.lists[key] for group in groups_of(step)]
    return Draft(draft.plan, {**draft.lists, key: tuple(change(groups))})


def with_phase(draft: Draft, change: Callable[[Phase], Phase], place: int = 0) -> Draft:
    """The draft with another function, of those that are contractions."""
    key = [key for key, one in draft.phases.items() if one.shape is not None][place]
    return replace(draft, phases={**draft.phases, key: change(draft.phases[key])})


def with_arena(draft: Draft, change: Callable[[Arena], Arena]) -> Draft:
    return replace(draft, arenas={item: change(found) for item, found in draft.arenas.items()})


def shifted(found: Arena, name: str, to: int) -> Arena:
    return replace(found, offsets={**found.offsets, name: to})


def merged(groups: list[Nest]) -> list[Nest]:
    """The first two sums in one group."""
    one, two, *others = groups
    return [Group((*one.equations, *two.equations), one.stored | two.stored), *others]


def without_block(draft: Draft, name: str) -> Draft:
    """The draft whose group of that last name goes through all its loops alone."""

    def alone(one: Nest) -> Nest:
        return replace(one, block=None) if one.equations[-1].name == name else one

    def changed(step: Step) -> Step:
        groups = tuple(alone(one) for one in groups_of(step))
        return replace(step, groups=groups) if isinstance(step, Turns) else groups[0]

    lists = {key: tuple(map(changed, steps)) for key, steps in draft.lists.items()}
    return replace(draft, lists=lists, phases={}, arenas={})


BROKEN: dict[str, tuple[Callable[[], Draft], str]] = {
    "a group is lost": (
        lambda: with_groups(last(), "loss", lambda groups: groups[1:]),
        "two_layer_loss defines A1 1 times, its groups 0 times",
    ),
    "a group stands twice": (
        lambda: with_groups(last(), "loss", lambda groups: [groups[0], *groups]),
        "but 2 groups store it",
    ),
    "the order is turned round": (
        lambda: with_groups(last(), "loss", lambda groups: groups[::-1]),
        "before it is defined",
    ),
    "two sums in one group": (lambda: with_groups(last(), "loss", merged), "sums where A1 is finished"),
    "what others read is not stored": (
        lambda: with_groups(last(), "loss", lambda groups: [Group(groups[0].equations), *groups[1:]]),
        "Z2, which is stored nowhere",
    ),
    "a tensor has no place": (
        lambda: replace(last(), stored={n: one for n, one in last().stored.items() if n != "Z2"}),
        "Z2 lies nowhere",
    ),
    "an axis stands twice": (
        lambda: replace(last(), stored={**last().stored, "Z2": replace(last().stored["Z2"], order=(1, 1))}),
        "Z2 has 2 axes in the order (1, 1)",
    ),
    "fewer zeros than windows reach": (
        lambda: replace(
            last("lenet"),
            stored={
                **last("lenet").stored,
                "X": replace(last("lenet").stored["X"], halo=(0, 0, 1, 2)),
            },
        ),
        "windows reach 2 beyond axis",
    ),
    "a function is missing": (
        lambda: replace(last(), phases=dict(list(last().phases.items())[1:])),
        "has no function",
    ),
    "a value of a head that is another one by then": (
        lambda: without_block(last("gpt"), "P2_bar"),
        "has room for a single value there",
    ),
    "a value of a head in two blocks": (
        lambda: replace(
            last("gpt"), stored={**last("gpt").stored, "O": replace(last("gpt").stored["O"], single=(2,))}
        ),
        "has room for a single value, but not in one block",
    ),
    "a turn in the place of another that is read": (
        lambda: replace(
            last("two turns"),
            stored={**last("two turns").stored, "A": replace(last("two turns").stored["A"], single=(0,))},
        ),
        "but another turn's lies there",
    ),
    "two functions of one name": (
        lambda: with_phase(last(), lambda one: replace(one, name="L")),
        "2 functions are called L",
    ),
    "a function that forgets a factor": (
        lambda: with_phase(
            last(), lambda one: replace(one, lines=tuple(s.replace("W1", "W2") for s in one.lines))
        ),
        "does not touch W1",
    ),
    "a brace that is not closed": (
        lambda: with_phase(last(), lambda one: replace(one, lines=(*one.lines, "{"))),
        "closes not what it opens",
    ),
    "a sum of other terms": (
        lambda: with_phase(last(), lambda one: replace(one, terms=one.terms + 1)),
        "sums 785 terms, its equation 784",
    ),
    "other columns": (
        lambda: with_phase(
            last(), lambda one: replace(one, shape=(one.shape[0], one.shape[1] + 1) if one.shape else None)
        ),
        "is computed as 128 x 101, but has 12800 elements",
    ),
    "values in one place": (
        lambda: with_arena(last(), lambda found: shifted(found, "Z2", found.offsets["S"])),
        "lie in the same place and are needed at once",
    ),
    "what is packed where its product goes": (
        lambda: with_arena(last(), lambda found: shifted(found, "panels of Z2", found.offsets["Z2"])),
        "panels of Z2 lie in the same place and are needed at once",
    ),
    "a value beyond the end": (
        lambda: with_arena(last(), lambda found: shifted(found, "Z2", found.reals)),
        "of an arena of",
    ),
    "a value within a cache line": (
        lambda: with_arena(last(), lambda found: shifted(found, "Z2", found.offsets["Z2"] + 1)),
        "starts at",
    ),
    "no place in the arena": (
        lambda: with_arena(
            last(),
            lambda found: replace(found, offsets={n: at for n, at in found.offsets.items() if n != "S"}),
        ),
        "S has no place in the arena",
    ),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_pass_is_named(way: str) -> None:
    made, words = BROKEN[way]
    assert any(words in complaint for complaint in complaints(made()))
    with pytest.raises(BrokenProgram, match=r"^after nothing, \w+ tuned: "):
        verified(made(), "nothing")


def moved_onto(draft: Draft, name: str, other: str) -> list[str]:
    """What is wrong where a value lies in the place of another."""
    broken = with_arena(
        draft, lambda found: replace(shifted(found, name, found.offsets[other]), reals=2 * found.reals)
    )
    return [one for one in complaints(broken) if {name, other} <= set(one.split()) and "same place" in one]


def test_what_a_gradient_is_made_of_is_needed_to_the_end() -> None:
    """W1_bar = X' A1_bar and W2_bar = Z2' H_bar are computed when all else is done."""
    draft = last()
    end = len(draft.lists["loss"]) + len(draft.lists["vjp"])
    assert {draft.arenas[4].lifetimes[name].stop for name in ("A1_bar", "H_bar")} == {end}
    assert moved_onto(draft, "A1_bar", "H_bar")
    assert not moved_onto(draft, "Z2_dot", "H_bar")


def test_what_lies_in_the_place_of_another_is_computed_from_it_alone() -> None:
    """A1_bar lies where Z1 lay, of which it is computed last; of P1 it reads other elements."""
    draft, found = last("lenet"), last("lenet").arenas[4].offsets
    assert found["A1_bar"] == found["Z1"]
    assert moved_onto(draft, "A1_bar", "P1")
    assert moved_onto(draft, "P1_bar", "Z1")


def test_turns_that_are_over_leave_their_place() -> None:
    """F[1] is needed until the first turn of the pullback alone, F[0] until the second."""
    draft = last("two turns")
    step = sum(count(draft.lists[key], draft.plan.size) for key in ("loss", "vjp"))
    parts = draft.arenas[4].lifetimes["F"].parts
    first, second = ((one.alive & ((1 << step) - 1)).bit_length() for one in parts)
    assert second < first, "the last turn is pulled back first"
    assert moved_onto(draft, "G", "F")


def test_what_is_shown_is_what_the_pass_added() -> None:
    shown = {after: str(draft) for after, draft in drafts().items()}
    assert "A1[i,j] = sum_{p<n} X[i,p] W1[p,j]" in shown["fuse"]
    assert "stored: Z2" in shown["fuse"]
    assert "Z2 (m, d)    x->w + AT_Z2, order m d, padded" in shown["layout"]
    assert "tiles of 128 x 100, 784 terms" in shown["phases"]
    assert "reals of 4 bytes" in shown["lifetimes"]


def test_the_command_shows_the_passes_in_order(tmp_path: Path) -> None:
    words = ["build", NAME, "--target", "tuned", "--dump-passes", "--out", str(tmp_path)]
    said = CliRunner().invoke(main, words).output
    places = [said.index(f"# {NAME} tuned after {one}: ") for one in PASSES]
    assert places == sorted(places)
    assert said.index(f"# {NAME}_loss after split") < places[0]
