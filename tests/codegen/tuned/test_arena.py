"""Values that are alive at once never overlap; an arena that forgets a lifetime is caught."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from codegen.tuned.arena.arena import Lifetime, arena

drawn = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12), st.integers(0, 6)), max_size=12).map(
    lambda rows: [Lifetime(f"v{i}", 16 * n, at, at + more) for i, (n, at, more) in enumerate(rows)]
)


def overlaps(lives: list[Lifetime], offsets: Mapping[str, int]) -> bool:
    """Whether two values that meet share a place."""
    return any(
        a.meets(b)
        and offsets[a.name] < offsets[b.name] + b.reals
        and offsets[b.name] < offsets[a.name] + a.reals
        for a, b in combinations(lives, 2)
    )


@given(drawn)
def test_values_alive_at_once_lie_apart(lives: list[Lifetime]) -> None:
    placed = arena(lives)
    assert not overlaps(lives, placed.offsets)
    assert all(0 <= placed.offsets[one.name] <= placed.reals - one.reals for one in lives)


def test_lifetime_that_is_cut_short_is_caught() -> None:
    lives = [Lifetime("Z", 32, 0, 5), Lifetime("E", 16, 3, 4)]
    broken = arena([replace(lives[0], stop=2), lives[1]])
    assert overlaps(lives, broken.offsets)
    assert not overlaps(lives, arena(lives).offsets)


def test_place_is_used_again() -> None:
    assert arena([Lifetime("E", 16, 0, 1), Lifetime("Z", 16, 2, 3)]).reals == 16
