"""A structured Jacobian in text and LaTeX: an entry, the structure in words, the matrix where it has a name.

dS/dZ   (m, k) by (m, k)
  entry       dS[i,j1]/dZ[i,q] = [j1 = q] S[i,q] - S[i,j1] S[i,q]
  structure   block diagonal, a block for each i: diagonal plus rank 1
  matrix      diag(S[i,:]) - S[i,:] S[i,:]ᵀ
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Integer, Mul

from derive.calculus.derivation.jacobian import Jacobian, Term
from derive.calculus.derivation.structure import Shape, Structure, separated
from derive.calculus.expressions.nodes import IsZero, Where
from derive.calculus.expressions.tensor import Index, Ref, Tensor
from derive.show.expressions import scalar
from derive.show.notation import LATEX, TEXT, Notation

WHOLE = Index(":")


def jacobian_lines(found: Jacobian, kind: Structure, latex: bool) -> Iterator[str]:
    """What is shown of a Jacobian, line by line."""
    notation = LATEX if latex else TEXT
    yield heading(found.output, found.by, notation)
    yield f"  entry       {_entry_head(found, notation)} = {entry(found, notation)}"
    yield f"  structure   {words(found, kind)}"
    named = matrix(found, kind, notation)
    if named:
        yield f"  matrix      {named}"


def heading(output: Tensor, by: Tensor, notation: Notation) -> str:
    """dS/dZ   (m, k) by (m, k)"""
    names = quotient(notation.name(output.name), notation.name(by.name), notation)
    return f"{names}   {_shape(output)} by {_shape(by)}"


def quotient(above: str, below: str, notation: Notation) -> str:
    """dS/dZ of S and Z."""
    d = "\\partial " if notation.latex else "d"
    return notation.fraction(d + above, d + below)


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(axis.name for axis in tensor.axes)})"


def _shared(found: Jacobian) -> dict[Index, Index]:
    """Rows that are held to a column by every term have its letter."""
    return {found.rows[o]: found.columns[a] for o, a in found.blocks}


def _entry_head(found: Jacobian, notation: Notation) -> str:
    shared = _shared(found)
    above = Ref(found.output.name, *(shared.get(row, row) for row in found.rows))
    below = Ref(found.by.name, *found.columns)
    return quotient(scalar(above, notation), scalar(below, notation), notation)


def entry(found: Jacobian, notation: Notation) -> str:
    """One entry where the shared links hold: Iverson brackets for the other links and the guards."""
    texts = []
    for term in found.terms:
        deltas = [
            IsZero(found.rows[o] - found.columns[a]) for o, a in term.links if (o, a) not in found.blocks
        ]
        brackets = [scalar(Where(delta, Integer(1), Integer(0)), notation) for delta in deltas]
        if term.guard is not None:
            brackets.append(scalar(Where(term.guard, Integer(1), Integer(0)), notation))
        texts.append((brackets, term.factor))
    return _added([_signed(brackets, factor, notation) for brackets, factor in texts])


def _signed(brackets: list[str], factor: Expr, notation: Notation) -> tuple[bool, str]:
    minus = _negative(factor)
    positive = -factor if minus else factor
    body = scalar(positive, notation)
    if isinstance(positive, Add) and brackets:
        body = notation.bracketed(body)
    parts = [*brackets, *([body] if positive != 1 or not brackets else [])]
    return minus, notation.times.join(parts)


def _negative(value: Expr) -> bool:
    """Whether a product has a minus sign in front; 1 - Y^2 has none."""
    return not isinstance(value, Add) and bool(value.could_extract_minus_sign())


def _added(parts: list[tuple[bool, str]]) -> str:
    parts = sorted(parts, key=lambda part: part[0])
    text = ""
    for minus, body in parts:
        text += (" - " if minus else " + ") + body if text else ("-" if minus else "") + body
    return text


def words(found: Jacobian, kind: Structure) -> str:
    """The structure in words."""
    if not found.rows:
        return "one row: the gradient"
    inner = kind.words()
    if not kind.blocks:
        return inner
    letters = ", ".join(found.columns[a].name for _, a in kind.blocks)
    if all(not any(found.left(term)) for term in found.terms):
        order = [a for _, a in kind.blocks]
        return inner if order == sorted(order) else f"permutation of axes, {inner}"
    if kind.alike:
        return f"Kronecker product with an identity, the same block for every {letters}: {inner}"
    return f"block diagonal, a block for each {letters}: {inner}"


def matrix(found: Jacobian, kind: Structure, notation: Notation) -> str:
    """The matrix of a block by its name, where it is diagonal plus low rank, or a Kronecker product."""
    if not found.rows:
        return ""
    if kind.alike and len(found.terms) == 1 and len(found.rows) == 2 == len(found.columns):
        return _kronecker(found, found.terms[0], notation)
    if set(kind.shapes) <= {Shape.IDENTITY, Shape.DIAGONAL, Shape.RANK_ONE}:
        parts = [
            _part(found, term, shape, notation) for term, shape in zip(found.terms, kind.shapes, strict=True)
        ]
        return _added([part for part in parts if part]) if all(parts) else ""
    return ""


def _part(found: Jacobian, term: Term, shape: Shape, notation: Notation) -> tuple[bool, str] | None:
    """diag(v) or u vᵀ of a block whose rows and columns are one axis each."""
    held = {found.columns[a] for _, a in found.blocks}
    own = [index for index in found.columns if index not in held]
    rows, columns = found.left(term)
    minus = _negative(term.value)
    value = -term.value if minus else term.value
    if shape is not Shape.RANK_ONE:
        vector = scalar(value.xreplace(dict.fromkeys(own, WHOLE)), notation)
        return minus, "I" if value == 1 else notation.call(
            "\\mathrm{diag}" if notation.latex else "diag", vector
        )
    sides = separated(value, rows, columns)
    if sides is None or len(rows) != 1 or len(columns) != 1:
        return None
    left, right = (
        _vector(side, index, notation) for side, index in zip(sides, (rows[0], columns[0]), strict=True)
    )
    return minus, f"{left}{notation.times}{right}{notation.transposed}"


def _vector(side: Expr, index: Index, notation: Notation) -> str:
    if not side.has(index):
        text = notation.ones
        return text if side == 1 else f"{scalar(side, notation)}{notation.times}{text}"
    vector = side.xreplace({index: WHOLE})
    text = scalar(vector, notation)
    return notation.bracketed(text) if isinstance(vector, Mul | Add) else text


def _kronecker(found: Jacobian, term: Term, notation: Notation) -> str:
    """I ⊗ M where the shared axis is in front of both, M ⊗ I where it is the last of both."""
    rows, columns = found.left(term)
    if len(rows) != 1 or len(columns) != 1 or found.blocks[0] not in ((0, 0), (1, 1)):
        return ""
    name = _block(term, rows[0], columns[0], notation)
    size = scalar(found.by.axes[found.blocks[0][1]].size, notation)
    identity, times = f"I_{size}", " \\otimes " if notation.latex else " ⊗ "
    return f"{identity}{times}{name}" if found.blocks[0] == (0, 0) else f"{name}{times}{identity}"


def _block(term: Term, row: Index, column: Index, notation: Notation) -> str:
    value = term.value
    if isinstance(value, Ref) and value.indices == (row, column):
        return notation.name(value.name)
    if isinstance(value, Ref) and value.indices == (column, row):
        return notation.name(value.name) + notation.transposed
    text = scalar(value, notation)
    return f"\\left[{text}\\right]" if notation.latex else (text if text.startswith("[") else f"[{text}]")
