"""One equation to one loop nest, the equation above it.

    /* A1[i,j] = sum_{q<n} X[i,q] W1[q,j] + b1[j] */
    for (int j = 0; j < D; j++)
        A1[j] = p->b1[j];
    for (int q = 0; q < N; q++)
        for (int j = 0; j < D; j++)
            A1[j] += X[q] * p->W1[q][j];

The innermost loop runs along the rows of the accumulated array wherever the factors allow it; a sum
whose factors lie along the summed index is a dot product in a local variable instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Mul, Symbol, true
from sympy.core.basic import Basic

from codegen.accumulation import ACCUMULATED, Accumulation, Term, accumulation
from codegen.c.loops import nested
from codegen.c.nest import Comment, Line, Node
from codegen.printers.factors import numerator_denominator, written_order
from codegen.printers.to_c import OR, SUM, ToC, compares_reals
from codegen.printers.to_text import equation_text
from derive.calculus.expressions.nodes import ArgLargest, Largest, Range, Where, free_indices
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs
from derive.calculus.program.program import Equation
from derive.errors import DeriveError


@dataclass(frozen=True)
class Nest:
    """An equation about to be written: its loops but those already open, and how C spells things there."""

    equation: Equation
    ranges: tuple[Range, ...]
    to_c: ToC
    local: bool = False

    @property
    def target(self) -> str:
        return self.to_c.element(self.equation.target, self.to_c)

    def inside(self, ranges: Iterable[Range]) -> ToC:
        """How C spells things inside of some more loops."""
        return self.to_c.ordered(self.equation.target).within({**self.to_c.extents, **dict(ranges)})


def equation_nest(nest: Nest) -> list[Node]:
    """The comment and the loops of an equation."""
    return [Comment((equation_text(nest.equation),)), *equation_loops(nest)]


def equation_loops(nest: Nest) -> list[Node]:
    """The loops of an equation."""
    form = accumulation(nest.equation.value)
    if form is None:
        raise DeriveError(f"{equation_text(nest.equation)} has reductions that no loop nest accumulates")
    if nest.equation.accumulates:
        return _scatter(nest)
    if not form.kind:
        return _pointwise(nest)
    if form.kind == ArgLargest.operator:
        return _position(nest, form)
    if form.kind != Largest.operator and _along_rows(nest, form):
        return _rows(nest, form)
    return _scalar(nest, form)


def _pointwise(nest: Nest) -> list[Node]:
    inner = nest.inside(nest.ranges)
    return nested(nest.ranges, [_assign(nest, inner.real(nest.equation.value))], nest.to_c)


def _assign(nest: Nest, value: str) -> Line:
    """A number that no loop changes is declared where it is computed."""
    return Line(f"{'const real ' if nest.local else ''}{nest.target} = {value};")


def _scatter(nest: Nest) -> list[Node]:
    """Several loop values may meet in one element: added where the guard holds."""
    value, condition = _guard(nest.equation.value)
    inner = nest.inside(nest.ranges).assuming(condition)
    return nested(nest.ranges, [Line(f"{nest.target} += {inner.real(value)};")], nest.to_c, condition)


def _guard(value: Expr) -> tuple[Expr, Basic]:
    return (value.chosen, value.condition) if isinstance(value, Where) and value.other == 0 else (value, true)


def _rows(nest: Nest, form: Accumulation) -> list[Node]:
    """Start a row, add to it along its contiguous axis, finish it."""
    row = nest.ranges[-1:]
    inner = nest.inside(nest.ranges)
    body: list[Node] = nested(row, [Line(f"{nest.target} = {inner.real(form.start)};")], nest.to_c)
    for term in form.terms:
        body += added(replace(nest, ranges=nest.ranges[:-1]), term, (*term.ranges, *row))
    if form.finish != ACCUMULATED:
        body += nested(row, [finished(nest.target, form.finish, inner)], nest.to_c)
    return nested(nest.ranges[:-1], body, nest.to_c)


def finished(target: str, finish: Expr, to_c: ToC) -> Line:
    """The accumulated element in its final form: S[j] /= T where that is all."""
    sign, number, above, below = numerator_denominator(finish)
    if sign * number == 1 and above == [ACCUMULATED] and below:
        return Line(f"{target} /= {to_c.real(Mul(*below))};")
    if finish.as_coeff_Mul()[0].is_positive and above.count(ACCUMULATED) == 1 and isinstance(finish, Mul):
        return Line(f"{target} *= {to_c.real(finish / ACCUMULATED)};")
    return Line(f"{target} = {_spelled(finish, target, to_c)};")


def added(nest: Nest, term: Term, ranges: tuple[Range, ...]) -> list[Node]:
    """target += body, over the ranges of a term."""
    body, condition = _guarded(term, nest.to_c)
    inner = nest.inside((*nest.ranges, *ranges)).assuming(condition)
    return nested(ranges, [Line(_increment(nest.target, body, inner))], nest.to_c, condition, nest.ranges)


def _guarded(term: Term, to_c: ToC) -> tuple[Expr, Basic]:
    """The body of a term and its guard; a comparison of reals is no guard but a choice of the body."""
    choice = Where(term.condition, term.body, 0)
    if isinstance(choice, Where) and compares_reals(term.condition) and to_c.reads_anyway(choice):
        return choice, true
    return term.body, term.condition


def _increment(target: str, body: Expr, to_c: ToC) -> str:
    negative = body.as_coeff_Mul()[0].is_negative
    return f"{target} {'-=' if negative else '+='} {to_c.real(-body if negative else body)};"


def _scalar(nest: Nest, form: Accumulation) -> list[Node]:
    """Accumulate one element in a local variable."""
    inner = nest.inside(nest.ranges)
    dot = _dot(form, inner)
    if dot is not None:
        return nested(nest.ranges, [_assign(nest, dot)], nest.to_c)
    largest = form.kind == Largest.operator
    name = ("largest" if largest else "sum") if nest.ranges else nest.target
    start = "-(real)INFINITY" if largest else inner.real(form.start)
    body: list[Node] = [Line(f"{'real ' if nest.ranges or nest.local else ''}{name} = {start};")]
    for term in form.terms:
        value, condition = (term.body, term.condition) if largest else _guarded(term, nest.to_c)
        inside = nest.inside((*nest.ranges, *term.ranges)).assuming(condition)
        line = _larger(name, value, inside) if largest else _increment(name, value, inside)
        body += nested(term.ranges, [Line(line)], nest.to_c, condition, nest.ranges)
    if not nest.ranges and form.finish != ACCUMULATED:
        body.append(finished(name, form.finish, inner))
    elif nest.ranges:
        body.append(Line(f"{nest.target} = {_spelled(form.finish, name, inner)};"))
    return nested(nest.ranges, body, nest.to_c)


def _larger(name: str, body: Expr, to_c: ToC) -> str:
    to_c.used.own.add("larger")
    return f"{name} = {to_c.prefix}_larger({to_c.real(body)}, {name});"


def _spelled(finish: Expr, name: str, to_c: ToC) -> str:
    """The finish with the accumulated value under its local name."""
    if finish == ACCUMULATED:
        return name
    return to_c.real(finish.xreplace({ACCUMULATED: Symbol(name)}))


def _position(nest: Nest, form: Accumulation) -> list[Node]:
    """The position of the largest element, the first of equals."""
    (term,) = form.terms
    (index, _) = term.ranges[0]
    inside = nest.inside((*nest.ranges, *term.ranges)).assuming(term.condition)
    value = inside.real(term.body, SUM)
    found: list[Node] = [
        Line(f"best = {value} > largest ? {index.name} : best;"),
        Line(f"largest = {value} > largest ? {value} : largest;"),
    ]
    body: list[Node] = [Line("int best = 0;"), Line("real largest = -(real)INFINITY;")]
    body += nested(term.ranges, found, nest.to_c, term.condition, nest.ranges)
    return nested(nest.ranges, [*body, Line(f"{nest.target} = best;")], nest.to_c)


def _along_rows(nest: Nest, form: Accumulation) -> bool:
    """Whether the innermost loop should run along the target.

    It should where no factor is strided by it, or fewer are than by the summed index.
    """
    if not nest.ranges or nest.equation.target.indices[-1:] != (nest.ranges[-1][0],):
        return False
    row = nest.ranges[-1][0]
    elements = [ref for term in form.terms for ref in refs(term.body)]
    summed = {term.ranges[-1][0] for term in form.terms}
    by_row = sum(_strided(ref, row) for ref in elements)
    by_sum = sum(any(_strided(ref, index) for index in summed) for ref in elements)
    return by_row == 0 or by_row < by_sum


def _strided(ref: Ref, index: Index) -> bool:
    """Whether the next value of an index lies a row away."""
    return any(index in free_indices(place) for place in ref.indices[:-1])


def _dot(form: Accumulation, to_c: ToC) -> str | None:
    """The call of the dot product that a sum of products along contiguous memory is."""
    if len(form.terms) != 1 or form.start != 0 or form.terms[0].condition.has(form.terms[0].ranges[0][0]):
        return None
    (term,) = form.terms
    factors = [factor for factor in Mul.make_args(term.body) if factor.has(term.ranges[0][0])]
    whole = len(factors) == len(Mul.make_args(term.body))
    if (
        len(term.ranges) != 1
        or len(factors) != 2
        or not whole
        or not all(_contiguous(f, term) for f in factors)
    ):
        return None
    to_c.used.own.add("dot")
    starts = [_start_of(factor, to_c) for factor in written_order(factors, to_c.order)]
    call = f"{to_c.prefix}_dot({', '.join(starts)}, {to_c.integer(term.ranges[0][1])})"
    if term.condition == true:
        return _spelled(form.finish, call, to_c)
    guarded = f"{to_c.condition(term.condition, OR)} ? {call} : 0"
    return guarded if form.finish == ACCUMULATED else _spelled(form.finish, f"({guarded})", to_c)


def _contiguous(factor: Expr, term: Term) -> bool:
    index = term.ranges[0][0]
    real = isinstance(factor, Ref) and not isinstance(factor, IntegerRef)
    return real and factor.indices[-1] == index and not _strided(factor, index)


def _start_of(ref: Ref, to_c: ToC) -> str:
    """The row that an element lies in: X for X[q], p->W[j] for p->W[j][q]."""
    first = to_c.element(Ref(ref.args[0], *ref.indices[:-1], 0), to_c)
    return first[: -len("[0]")] if first.endswith("[0]") else f"&{first}"
