"""What kind of matrix a Jacobian is, read off its terms; never off a layer's name.

all terms link i = a                         blocks, one for each i; I (x) M where they are all the same
a term links everything                      diagonal
u(rows) v(columns)                           rank 1
where(rows - columns >= 0, ..)               lower triangular
K[rows - columns]                            Toeplitz;  X[rows + columns]  Hankel
[data or quotient = row]                     selection, a gather
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sympy import And, Expr, Mul, expand
from sympy.core.basic import Basic

from derive.calculus.derivation.jacobian import Jacobian, Term
from derive.calculus.expressions.nodes import Condition, IsZero, Nonnegative, Positive, Sum
from derive.calculus.expressions.tensor import Index, refs


class Shape(Enum):
    """The structure of one term inside of a block."""

    IDENTITY = "identity"
    DIAGONAL = "diagonal"
    RANK_ONE = "rank 1"
    LOW_RANK = "low rank"
    LOWER = "lower triangular"
    UPPER = "upper triangular"
    TOEPLITZ = "Toeplitz"
    HANKEL = "Hankel"
    SELECTION = "selection"
    WINDOWS = "windows that move"
    GUARDED = "dense under a condition"
    DENSE = "dense"


@dataclass(frozen=True)
class Structure:
    """The structure of a Jacobian: its blocks, whether all blocks are one, and the shape of each term."""

    blocks: tuple[tuple[int, int], ...]
    alike: bool
    shapes: tuple[Shape, ...]

    def words(self) -> str:
        """As diagonal plus rank 1, in words."""
        ranks = sum(shape is Shape.RANK_ONE for shape in self.shapes)
        others = dict.fromkeys(s.value for s in self.shapes if s is not Shape.RANK_ONE)
        parts = [*others, *([f"rank {ranks}"] if ranks else [])]
        return " plus ".join(parts)


def structure(found: Jacobian) -> Structure:
    """The structure of a Jacobian."""
    blocks = found.blocks
    held = {found.columns[a] for _, a in blocks} | {found.rows[o] for o, _ in blocks}
    alike = bool(blocks) and not any(term.value.has(*held) for term in found.terms)
    return Structure(blocks, alike, tuple(_shape(term, found) for term in found.terms))


def _shape(term: Term, found: Jacobian) -> Shape:
    rows, columns = found.left(term)
    guard = term.guard
    if not rows and not columns:
        return Shape.IDENTITY if term.value == 1 else Shape.DIAGONAL
    moved = (c for node in term.value.atoms(Sum) for c in node.atoms(IsZero))
    if any(c.has(*rows) and c.has(*columns) for c in moved if rows and columns):
        return Shape.WINDOWS
    conditions = guard.args if isinstance(guard, And) else (guard,) if guard is not None else ()
    if any(isinstance(c, IsZero) and c.has(*rows, *columns) for c in conditions):
        return Shape.SELECTION
    if not rows or not columns:
        return Shape.GUARDED if guard is not None else Shape.RANK_ONE if rows or columns else Shape.DIAGONAL
    shifts = {_shift(index, rows, columns) for ref in refs(term.factor) for index in ref.indices}
    if -1 in shifts:
        return Shape.TOEPLITZ
    if 1 in shifts:
        return Shape.HANKEL
    if guard is not None:
        return _triangle(conditions, rows, columns)
    return _rank(term.factor, rows, columns)


def _shift(index: Expr, rows: tuple[Index, ...], columns: tuple[Index, ...]) -> int:
    """-1 for an index of row - column, +1 for row + column, else 0."""
    row = [i for i in rows if index.has(i)]
    column = [i for i in columns if index.has(i)]
    if len(row) != 1 or len(column) != 1 or refs(index):
        return 0
    slopes = expand(index).coeff(row[0]), expand(index).coeff(column[0])
    if not all(slope.is_Integer and slope != 0 for slope in slopes):
        return 0
    return -1 if slopes[0] * slopes[1] < 0 else 1


def _triangle(conditions: tuple[Basic, ...], rows: tuple[Index, ...], columns: tuple[Index, ...]) -> Shape:
    if len(conditions) == 1 and isinstance(conditions[0], Nonnegative | Positive):
        expression = conditions[0].expression
        for row in rows:
            for column in columns:
                offset = expand(expression - row + column)
                if not offset.has(*rows, *columns):
                    return Shape.LOWER
                if not expand(expression + row - column).has(*rows, *columns):
                    return Shape.UPPER
    return Shape.GUARDED


def _rank(factor: Expr, rows: tuple[Index, ...], columns: tuple[Index, ...]) -> Shape:
    if separated(factor, rows, columns) is not None:
        return Shape.RANK_ONE
    sums = [part for part in Mul.make_args(factor) if isinstance(part, Sum)]
    if len(sums) == 1 and not sums[0].body.atoms(Condition):
        rest = factor / sums[0]
        if separated(rest * sums[0].body, rows, columns) is not None:
            return Shape.LOW_RANK
    return Shape.DENSE


def separated(factor: Expr, rows: tuple[Index, ...], columns: tuple[Index, ...]) -> tuple[Expr, Expr] | None:
    """u(rows) v(columns) of a product, None where a factor needs both; what needs neither goes to u."""
    left: list[Expr] = []
    right: list[Expr] = []
    for part in Mul.make_args(factor):
        if part.has(*columns) and part.has(*rows):
            return None
        (right if part.has(*columns) else left).append(part)
    return Mul(*left), Mul(*right)
