"""Proofs that two programs compute the same, and that a program is one matrix.

    H = X W Theta   is   H = X V,  V = W Theta

A program is unfolded into its output, sums are flattened and multiplied out, and the canonical forms
are compared. Equal forms are a proof; different forms only say that this did not find one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Mul

from derive.calculus.expressions.canonical import canonical
from derive.calculus.expressions.nodes import Range, Sum
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import bound_names, freshened, substitute
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs
from derive.calculus.expressions.terms import distributed
from derive.calculus.program.program import Equation, Program
from derive.errors import DeriveError


@dataclass(frozen=True)
class LinearMap:
    """output = data @ matrix: the matrix as an equation, and the program that was proved equal."""

    matrix: Equation
    collapsed: Program


def unfolded(program: Program, output: str) -> Equation:
    """The equation of an output with every name replaced by its definition."""
    equation = _only(program, output)
    value = equation.value
    locals_ = {tensor.name for tensor in program.locals}
    while True:
        names = sorted({ref.name for ref in refs(value)} & locals_)
        if not names:
            return Equation(equation.target, equation.ranges, value)
        for name in names:
            value = _put_in(value, _only(program, name))


def flat(value: Expr, ranges: tuple[Range, ...]) -> Expr:
    """Sums of products, each with all its sums outermost."""
    value = distributed(value)
    return Add(*(_flat_term(term, ranges) for term in Add.make_args(value)))


def proved_equal(left: Program, right: Program, output: str) -> bool:
    """Whether both programs' outputs have one canonical form."""
    a, b = unfolded(left, output), unfolded(right, output)
    renaming = dict(zip(b.loops, a.loops, strict=True))
    value = substitute(b.value, renaming)
    return bool(canonical(flat(a.value, a.ranges)) == canonical(flat(value, a.ranges)))


def linear_map(program: Program, output: str, data: str) -> LinearMap | None:
    """The one matrix that a program is, proved; None where the output is not linear in the data."""
    whole = unfolded(program, output)
    flattened = flat(whole.value, whole.ranges)
    tensor = program.tensor(data)
    column = Index(_free_letter(flattened))
    entries = [_entry(term, data, whole, column) for term in Add.make_args(flattened)]
    if any(entry is None for entry in entries):
        return None
    axes = (tensor.axes[-1], program.tensor(output).axes[-1])
    matrix = _matrix(program, Add(*(e for e in entries if e is not None)), axes, column, whole)
    collapsed = _collapsed(program, matrix, axes, whole, tensor)
    return LinearMap(matrix, collapsed) if proved_equal(program, collapsed, output) else None


def _only(program: Program, name: str) -> Equation:
    found = program.defining(name)
    if len(found) != 1 or found[0].accumulates:
        raise DeriveError(f"{name} of {program.name} has no one plain equation, so it cannot be unfolded")
    return found[0]


def _put_in(value: Expr, equation: Equation) -> Expr:
    taken = {str(s) for s in value.free_symbols} | bound_names(value)
    inner = freshened(equation.value, taken)
    uses = [ref for ref in refs(value) if ref.name == equation.name]
    replaced = {ref: substitute(inner, dict(zip(equation.loops, ref.indices, strict=True))) for ref in uses}
    return value.xreplace(replaced)


def _flat_term(term: Expr, ranges: tuple[Range, ...]) -> Expr:
    bound: list[Range] = []
    factors: list[Expr] = []
    taken = {index.name for index, _ in ranges}
    pending = list(Mul.make_args(term))
    while pending:
        factor = pending.pop(0)
        if isinstance(factor, Sum):
            factor = freshened(factor, taken | {index.name for index, _ in bound})
            bound += list(factor.ranges)
            pending = [*Mul.make_args(factor.body), *pending]
        else:
            factors.append(factor)
    return Sum(Mul(*factors), *bound)


def _entry(term: Expr, data: str, whole: Equation, column: Index) -> Expr | None:
    """The matrix entry of one term sum X[i,p]*rest: the rest, at column p."""
    total = term if isinstance(term, Sum) else Sum(term)
    body, ranges = (total.body, total.ranges) if isinstance(total, Sum) else (term, ())
    reads = [ref for ref in refs(body) if ref.name == data]
    if (
        len(reads) != 1
        or body.as_coeff_exponent(reads[0])[1] != 1
        or reads[0].indices[:-1] != whole.loops[:-1]
    ):
        return None
    place = reads[0].indices[-1]
    if place not in [index for index, _ in ranges]:
        return None
    rest = substitute(body / reads[0], {place: column})
    if rest.free_symbols & set(whole.loops[:-1]):
        return None
    return Sum(rest, *(r for r in ranges if r[0] != place))


def _free_letter(value: Expr) -> str:
    taken = {str(symbol) for symbol in value.free_symbols} | bound_names(value)
    return next(letter for letter in ("p", "q", "r", "s", "t", "u", "v") if letter not in taken)


def _matrix(
    program: Program, value: Expr, axes: tuple[Axis, Axis], column: Index, whole: Equation
) -> Equation:
    name = next(letter for letter in ("V", "M", "C", "D") if letter not in program.tensors)
    ranges = ((column, axes[0].size), whole.ranges[-1])
    return Equation(Ref(name, column, whole.loops[-1]), ranges, normal(value, dict(ranges)))


def _collapsed(
    program: Program, matrix: Equation, axes: tuple[Axis, Axis], whole: Equation, data: Tensor
) -> Program:
    column = matrix.loops[0]
    product = Sum(data[(*whole.loops[:-1], column)] * matrix.target, (column, axes[0].size))
    output = program.tensor(whole.name)
    return Program(
        f"{program.name}_collapsed",
        program.inputs,
        (matrix, Equation(whole.target, whole.ranges, product)),
        (whole.name,),
        (Tensor(matrix.name, axes), output),
    )
