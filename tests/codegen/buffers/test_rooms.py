"""No array is overwritten while it is still read, line by line; a life that is cut short is noticed."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from codegen.buffers import rooms as planner
from codegen.buffers.rooms import Life, Room, lives, rooms
from codegen.buffers.values import Draft, Instruction, Loop, Value
from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from derive.calculus.expressions.tensor import Size
from derive.networks.registry import variant
from tests.codegen.buffers.test_planned import batch, module, parameters

N = Size("n")
SIZES = {N: 8}


def line(writes: str, reads: str = "", yields: str = "") -> Instruction:
    sets = [frozenset(text.split()) for text in (reads, writes, yields)]
    return Instruction(ast.Pass(), sets[0], sets[1], sets[2])


def draft(lines: Sequence[Instruction], loops: Sequence[Loop] = ()) -> Draft:
    names = {name for each in lines for name in each.reads | each.writes}
    return Draft(list(lines), {name: Value(name, (N,), (0,)) for name in sorted(names)}, list(loops))


def shared(found: Sequence[Room]) -> set[frozenset[str]]:
    return {frozenset(life.value.name for life in room.lives) for room in found}


def overwritten(given: Draft, found: Sequence[Room], kept: Sequence[str]) -> list[str]:
    """Run the lines: a room holds the array that was written last. Told are those read in another's room,
    and those whose room a line writes while it reads them.
    """
    place = {life.value.name: number for number, room in enumerate(found) for life in room.lives}
    held: dict[int, str] = {}
    wrong = []
    for each in given.instructions:
        wrong += [name for name in sorted(each.reads) if held.get(place[name], name) != name]
        given_up = {place[name] for name in each.yields}
        taken = {place[name] for name in each.writes} - given_up
        wrong += [name for name in sorted(each.reads - each.writes) if place[name] in taken]
        held |= {place[name]: name for name in each.writes}
    return wrong + [name for name in kept if held.get(place[name]) != name]


CHAIN = draft([line("A"), line("B", "A"), line("C", "B"), line("D", "C A"), line("E", "D")])


def test_a_dead_array_gives_its_room() -> None:
    found = rooms(CHAIN, ["E"], SIZES)
    assert overwritten(CHAIN, found, ["E"]) == []
    assert len(found) == 3


def test_an_operand_that_dies_on_the_line_gives_its_room_where_it_may() -> None:
    given = draft([line("A"), line("B", "A", "A")])
    assert shared(rooms(given, ["B"], SIZES)) == {frozenset("AB")}
    given = draft([line("A"), line("B", "A")])
    assert shared(rooms(given, ["B"], SIZES)) == {frozenset("A"), frozenset("B")}


def test_what_outlives_a_turn_of_a_loop_lives_through_all_of_it() -> None:
    given = draft([line("A"), line("B", "A"), line("C", "B"), line("D", "C")], [Loop(1, 2)])
    spans = {life.value.name: (life.first, life.last) for life in lives(given, ["D"])}
    assert spans == {"A": (0, 2), "B": (1, 2), "C": (1, 3), "D": (3, 4)}


def test_within_one_turn_of_a_loop_such_an_operand_gives_its_room_too() -> None:
    lines = [line("A"), line("B", "A", "A"), line("C", "B", "B"), line("D", "C")]

    def share(*loops: Loop) -> bool:
        return any({"A", "B"} <= room for room in shared(rooms(draft(lines, loops), ["D"], SIZES)))

    assert share(Loop(0, 3))
    assert not share(Loop(0, 1), Loop(2, 3))
    assert not share(Loop(0, 1))


def cut_by(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planner.lives

    def cut(given: Draft, kept: Sequence[str]) -> list[Life]:
        return [replace(life, last=max(life.first, life.last - lines)) for life in whole(given, kept)]

    monkeypatch.setattr(planner, "lives", cut)


def test_a_life_one_line_too_short_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_by(1, monkeypatch)
    assert overwritten(CHAIN, rooms(CHAIN, ["E"], SIZES), ["E"])


def test_gradients_notice_lives_that_are_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines: NumPy itself copies an operand that overlaps with the result of the same line."""
    cut_by(2, monkeypatch)
    name = "three_layer_bias"
    broken: dict[str, Any] = {"__name__": name}
    exec(compile(render_numpy(plan_network(variant(name, buffers="planned"))), name, "exec"), broken)
    p, examples = parameters(name, "f8"), batch(name, 4, "f8")
    right = module(name, "fresh")["gradients"](p, *examples)[1]
    found = broken["gradients"](p, *examples)[1]
    assert not all(np.allclose(a, b) for a, b in zip(right, found, strict=True))


def test_the_smallest_room_that_fits_is_taken() -> None:
    sizes: Mapping[Size, int] = {N: 8}
    given = draft([line("A"), line("B"), line("C", "A B"), line("D", "C")])
    given.values["A"] = Value("A", (4 * N,), (0,))
    found = rooms(given, ["D"], sizes)
    assert frozenset("BD") in shared(found)
