"""Tiles that are chosen together cover every contraction, fit the registers, and are few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Integer, Symbol

from codegen.tuned.phase import Phase
from codegen.tuned.products.shapes import SHAPE, Cut, alone, choice, cuts
from codegen.tuned.products.tiles import most_rows
from codegen.vector_math.kernel_sets import BY_NAME, KERNEL_SETS, KernelSet

M = Symbol("m", positive=True, integer=True)


class Numbers:
    """Sizes that are numbers, and a batch of 100."""

    def size(self, expression: Expr) -> int:
        """A size in numbers."""
        return int(expression.subs(M, 100))

    @property
    def batch_size(self) -> Expr:
        """The size that varies by call."""
        return M


def product(name: str, rows: Expr, columns: int, terms: int, **more: bool) -> Phase:
    """The phase of a plain product."""
    shape = (rows, Integer(columns))
    return Phase(name, (), (), shape=shape, terms=Integer(terms), sums=1, **more)  # type: ignore[arg-type]


TWO_LAYERS = (
    product("Z", M, 96, 784, passing=True),
    product("H", M, 10, 96, passing=True),
    product("H_bar", Integer(96), 10, 100),
    product("Z_bar", M, 100, 10),
    product("W_bar", Integer(784), 96, 100),
)
products = st.lists(
    st.tuples(st.sampled_from((M, Integer(7), Integer(784))), st.integers(1, 300), st.integers(1, 300)),
    min_size=1,
    max_size=5,
)


def covered(one: tuple[Cut, ...], vectors: int) -> bool:
    """Whether panels are all vectors, in at most two widths."""
    return len(one) <= 2 and sum(cut.panels * cut.vectors for cut in one) == vectors


@given(st.sampled_from(KERNEL_SETS), st.sampled_from((4, 8)), products)
def test_every_contraction_is_covered_by_tiles_that_fit(
    kernels: KernelSet, item: int, found: list[tuple[Expr, int, int]]
) -> None:
    phases = [product(f"C{place}", *one) for place, one in enumerate(found)]
    chosen = cuts(phases, Numbers(), kernels, item)
    for phase in phases:
        one = choice(phase, Numbers(), kernels, item)
        assert covered(chosen[phase.name], one.vectors)
        for cut in chosen[phase.name]:
            assert 1 <= cut.low <= cut.high <= most_rows(kernels, cut.vectors)
            pieces = -(-one.rows // cut.high)
            assert kernels.small or cut.high == cut.low or pieces * cut.low <= one.rows <= pieces * cut.high


@pytest.mark.parametrize("kernels", [BY_NAME["avx512"], BY_NAME["avx2"]], ids=lambda one: one.name)
def test_chosen_together_tiles_are_fewer_and_cost_little(kernels: KernelSet) -> None:
    choices = [choice(one, Numbers(), kernels, 4) for one in TWO_LAYERS]
    apart = {one.phase.name: alone(one) for one in choices}
    together = cuts(TWO_LAYERS, Numbers(), kernels, 4)
    shapes, cycles = [], []
    for found in (apart, together):
        shapes.append({s for one in choices for cut in found[one.phase.name] for s in one.shapes(cut)})
        cycles.append(sum(one.work(found) for one in choices))
    assert len(shapes[1]) <= len(shapes[0])
    assert cycles[1] <= cycles[0] * (1 + SHAPE * (len(shapes[0]) - len(shapes[1])))


def test_ten_columns_of_few_terms_take_one_height() -> None:
    chosen = cuts(TWO_LAYERS, Numbers(), BY_NAME["avx512"], 4)
    assert [cut.passing for cut in chosen["Z"]] == [True]
    assert all(cut.high == cut.low for cut in chosen["H"])


def test_a_set_for_size_has_two_heights() -> None:
    chosen = cuts(TWO_LAYERS, Numbers(), BY_NAME["sse2"], 4)
    assert {cut.high for found in chosen.values() for cut in found} == {4}


@given(st.sampled_from(KERNEL_SETS), st.sampled_from((4, 8)), st.integers(1, 300), st.integers(1, 300))
def test_along_a_diagonal_rows_are_cut_alike(kernels: KernelSet, item: int, rows: int, columns: int) -> None:
    """A tile of one product reads up to its last row what tiles of another have written up to theirs."""
    phases = [product(name, Integer(rows), n, 64, guarded=True) for name, n in (("R", rows), ("O", columns))]
    heights = {(cut.high, cut.low) for c in cuts(phases, Numbers(), kernels, item).values() for cut in c}
    assert len(heights) == 1
