"""Lines on the lower triangle of a mask: the same values, and no cut of what is read above the diagonal."""

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sympy import Expr

from codegen.buffers import blocks, runs
from codegen.buffers.cutting import cut_statement
from codegen.buffers.triangles import COLUMNS, ROWS, Cut, cuts
from codegen.buffers.values import TRUTH, Draft, Instruction, Loop, Operand, contiguous
from derive.calculus.expressions.tensor import Size
from tests.codegen.buffers.test_blocks import gradients, rendered

m, T, e = Size("m"), Size("T"), Size("e")
SHAPES: dict[str, tuple[Expr, ...]] = {
    **dict.fromkeys(("R", "E", "P"), (m, T, T)),
    **dict.fromkeys(("Q", "K", "O"), (m, T, e)),
    "S": (m, T, Size("one") ** 0),
    "total": (m,),
    "top": (m, T),
}
SOFTMAX = """
np.matmul(Q, K.transpose(0, 2, 1), out=R)
np.exp(R, out=E)
np.copyto(E, 0, where=above)
E.sum(axis=2, keepdims=True, out=S)
np.divide(E, S, out=P)
np.matmul(P, K, out=O)
"""
EXPONENTIALS_OF_LEAST = """
np.matmul(Q, K.transpose(0, 2, 1), out=R)
np.copyto(R, -np.inf, where=above)
R.max(axis=2, keepdims=True, out=S)
np.subtract(R, S, out=E)
np.exp(E, out=E)
np.einsum('ijk,ijk->ij', E, R, out=top)
"""
PULLED = "np.matmul(P.transpose(0, 2, 1), Q, out=O)"


def operand(name: str, axes: tuple[Expr, ...], kind: str = "real", planned: bool = True) -> Operand:
    reads = frozenset({name}) if planned else frozenset()
    return Operand(ast.Name(name), axes, contiguous(axes), kind, reads)


def instruction(text: str) -> Instruction:
    """A line: the last array in it is written, all are read."""
    node = ast.parse(text).body[0]
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in SHAPES]
    place = (
        text.rpartition("out=")[2].rstrip(")") if "out=" in text else text.partition("(")[2].partition(",")[0]
    )
    return Instruction(node, frozenset(names), frozenset({place} & set(SHAPES)))


def found_cuts(text: str, kept: Sequence[str] = (), loops: Sequence[Loop] = ()) -> dict[int, Cut]:
    """The cuts of lines, with the masks `causal` and `above`."""
    lines = text.strip().split("\n")
    masks = {"causal": "np.tri(T, dtype=bool)", "above": "~causal"}
    names = {name: operand(name, axes) for name, axes in SHAPES.items()}
    names |= {name: operand(name, (T, T), TRUTH, planned=False) for name in masks}
    constants = {name: ast.parse(text, mode="eval").body for name, text in masks.items()}
    draft = Draft([instruction(line) for line in lines], loops=[*loops], constants=constants)
    return cuts(draft, names, range(len(lines)), kept)


def cut(text: str, kept: Sequence[str] = (), loops: Sequence[Loop] = ()) -> dict[str, str | None]:
    """The loop of each line that is cut."""
    lines = text.strip().split("\n")
    return {lines[number]: found.loop for number, found in found_cuts(text, kept, loops).items()}


def test_a_masked_softmax_runs_over_rows_and_its_transpose_over_columns() -> None:
    found = cut(SOFTMAX + PULLED)
    assert list(found.values()) == [ROWS] * 6 + [COLUMNS]


def test_exponentials_of_minus_infinity_are_0_above_the_diagonal() -> None:
    assert list(cut(EXPONENTIALS_OF_LEAST).values()) == [ROWS] * 6
    assert len(cut(EXPONENTIALS_OF_LEAST.replace("np.subtract(R, S", "np.subtract(S, R"))) < 6


@pytest.mark.parametrize(
    "changed",
    [
        SOFTMAX.replace("np.copyto(E, 0, where=above)\n", ""),  # what is above the diagonal counts
        SOFTMAX.replace("where=above", "where=causal"),
        SOFTMAX + "P.sum(axis=(1, 2), out=total)",
        SOFTMAX + "np.exp(E.transpose(0, 2, 1), out=R)",
        SOFTMAX + "np.matmul(Q, P, out=O)",
        SOFTMAX.replace("E.sum", "E.min"),
    ],
)
def test_what_is_read_above_the_diagonal_is_written_whole(changed: str) -> None:
    written = ("np.exp(R, out=E)", "np.divide(E, S, out=P)")
    assert not all(line in cut(changed) for line in written)


def test_a_sum_stops_at_the_diagonal_where_no_other_turn_of_the_loop_writes_above_it() -> None:
    lines = [*SOFTMAX.strip().split("\n")[:4], "np.add(E, 1, out=E)"]
    assert lines[3] in cut("\n".join(lines))
    assert lines[3] in cut("\n".join(lines), loops=[Loop(1, 4)])
    assert not cut("\n".join(lines), loops=[Loop(3, 4)])


def test_what_is_returned_is_written_whole() -> None:
    written = {line for line in cut(SOFTMAX, kept=("E", "P", "R")) if line.endswith(("=E)", "=P)", "=R)"))}
    assert not written


def test_operands_are_cut_along_their_own_axes() -> None:
    statement = ast.parse("np.matmul(P[i].transpose(1, 0), Q[i], out=O[i])").body[0]
    found = found_cuts(SOFTMAX + PULLED)[6]
    text = ast.unparse(cut_statement(statement, found, [True, True, True]))
    assert text == "np.matmul(P[i, rows, columns].transpose(1, 0), Q[i, rows], out=O[i, columns])"


def test_a_mask_is_read_in_the_square_on_the_diagonal_alone() -> None:
    statement = ast.parse("np.copyto(E[i], 0, where=above)").body[0]
    text = ast.unparse(cut_statement(statement, found_cuts(SOFTMAX)[2], [False, True, False]))
    assert text == "np.copyto(E[i, rows, rows], 0, where=above[rows, rows])"


@pytest.mark.parametrize("band", [1, 2])
def test_bands_give_the_values_of_the_square(monkeypatch: Any, band: int) -> None:
    """All memory is NaN beforehand: what is above the diagonal is read by none."""
    L, g = gradients(rendered())
    for name, value in (("WHOLE", 1), ("PART", 1), ("LARGEST", 0), ("BAND", band)):
        monkeypatch.setattr(runs, name, value)
    monkeypatch.setattr(blocks, "BAND", band)
    source = rendered()
    assert source.count(f"in triangle_rows(T, {band}):") == 2
    assert source.count(f"in triangle_columns(T, {band}):") == 1
    found_L, found = gradients(source)
    assert found_L == pytest.approx(L, rel=1e-14)
    assert all(np.allclose(a, b, rtol=1e-12, atol=1e-15) for a, b in zip(g, found, strict=True))
