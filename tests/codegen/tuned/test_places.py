"""What shares a place in the arena, and that a value in the wrong place is found."""

from dataclasses import replace
from functools import cache

from codegen.c.network import c_network
from codegen.plan.plan import plan_network
from codegen.tuned.arena.arena import Arena, Part
from codegen.tuned.arena.in_place import takes
from codegen.tuned.draft import Draft
from codegen.tuned.groups.groups import Group, groups_of
from codegen.tuned.pipeline import tuned
from codegen.tuned.verification.verify import complaints
from derive.networks.registry import variant
from tests.codegen.tuned.test_draft import shifted, with_arena

SIZES = {"L": 2, "d": 128, "h": 4, "e": 32, "f": 512, "T": 64, "v": 256, "m": 8}


@cache
def last() -> Draft:
    found: list[Draft] = []
    plan = plan_network(variant("gpt", sizes=SIZES), bounded=False)
    tuned(c_network(plan), lambda _, shown: found.append(shown) if isinstance(shown, Draft) else None)
    return found[-1]


def arena() -> Arena:
    return last().arenas[4]


def together(*names: str) -> bool:
    return len({arena().offsets[name] for name in names}) == 1


def wrong(name: str, to: int) -> list[str]:
    """What is wrong where a value lies elsewhere."""
    broken = with_arena(last(), lambda found: replace(shifted(found, name, to), reals=2 * found.reals))
    return [one for one in complaints(broken) if name in one.split()]


def test_a_cotangent_lies_in_the_place_of_its_turn() -> None:
    assert together("F_bar", "F")
    assert together("B_bar", "Xhat2")
    assert [one.alive & two.alive for one, two in zip(parts("F"), parts("F_bar"), strict=True)].count(0) == 0
    assert wrong("F_bar", arena().offsets["A"])
    assert wrong("F_bar", arena().offsets["G"])


def parts(name: str) -> tuple[Part, ...]:
    return arena().lifetimes[name].parts


def test_what_a_group_makes_for_itself_gives_its_place() -> None:
    """Exponentials lie where what follows from them is to lie."""
    assert together("S", "E3")
    assert together("C", "Y")


def test_what_follows_each_other_in_a_block_shares_places() -> None:
    assert together("R_bar", "P2_bar")
    assert together("P2", "E2", "R")
    assert together("panels of P2_bar", "panels of P2_2")
    assert wrong("P2", arena().offsets["P2_bar"])
    assert wrong("O_bar", arena().offsets["P2"])


def test_what_goes_from_turn_to_turn_is_free_between() -> None:
    """The residual stream is read for B, and written after the other half of the block."""
    alive = arena().lifetimes["Z"].pieces[0].alive
    assert "0" in f"{alive:b}".rstrip("0")


def test_a_reader_behind_the_taker_forbids_it() -> None:
    groups = [group for step in last().lists["vjp"] for group in groups_of(step)]
    (group,) = [one for one in groups if isinstance(one, Group) and "F_bar" in one.names]
    assert takes(group, "F_bar", "F", last().stored)
    assert not takes(group, "G", "F", last().stored)
    turned = replace(group, equations=group.equations[::-1])
    assert not takes(turned, "F_bar", "F", last().stored)
