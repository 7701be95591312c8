"""Sums of exponentials shifted by their maximum.

    sum_q w_q exp(u_q), under a log or a fraction bar
                ->  exp(M) * T,  M = max_q u_q frozen,  E_q = exp(u_q - M),  T = sum_q w_q E_q

The maximum cancels wherever the sum stands under a logarithm or below a fraction bar: exp(v)/sum exp(u)
is exp(v - M)/T, which no longer overflows, and log sum exp(u) is M + log T. The shift does not change
the value, so it has no derivative: its equation is frozen.
Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions,
IMA J. Numer. Anal. 2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sympy import Add, Expr, Mul, Pow, exp, log, oo, preorder_traversal, true
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.canonical import key
from derive.calculus.expressions.nodes import Largest, Range, Reduction, Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import freshened, substitute
from derive.calculus.expressions.tensor import Axis, Ref, Tensor
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program
from derive.calculus.stable.logform import LogForm


@dataclass
class Shifts:
    """The sums of exponentials already named, by canonical key."""

    program: Program
    locals: dict[str, Tensor]
    logform: LogForm
    known: dict[object, tuple[Ref, Ref]] = field(default_factory=dict)
    pending: list[Equation] = field(default_factory=list)

    def taken(self) -> list[Equation]:
        """The equations named since the last call."""
        new, self.pending = self.pending, []
        return new


def shifted(equation: Equation, value: Expr, shifts: Shifts) -> Expr:
    """The value with every such sum shifted, the innermost first."""
    while True:
        found = next(_innermost(value, equation.ranges, shifts), None)
        if found is None:
            return value
        total, outer = found
        largest, normaliser = _named(total, outer, equation.layer, shifts)
        value = parted(merged_exponentials(value.xreplace({total: exp(largest) * normaliser})))


def _innermost(
    value: Expr, ranges: tuple[Range, ...], shifts: Shifts
) -> Iterator[tuple[Sum, tuple[Range, ...]]]:
    """The exponential sums under a logarithm or a fraction bar that hold no other, with the loops around."""
    for total in _exponential_sums(value, shifts):
        around = [
            r for node in nodes_of(value, Reduction) if node != total and node.has(total) for r in node.ranges
        ]
        outer = dict.fromkeys((*ranges, *sorted(around, key=str)))
        yield total, tuple(r for r in outer if r[0] in total.free_symbols)


def _exponential_sums(value: Expr, shifts: Shifts) -> list[Sum]:
    found: dict[Sum, None] = {}
    for node in preorder_traversal(value):
        inside = node.args[0] if isinstance(node, log) else None
        if isinstance(node, Pow) and node.exp.is_negative:
            inside = node.base
        if inside is not None and holds(inside, Sum):
            found |= dict.fromkeys(t for t in preorder_traversal(inside) if _terms(t, shifts) is not None)
    return [
        total for total in found if not any(_terms(t, shifts) is not None for t in nodes_of(total.body, Sum))
    ]


@dataclass(frozen=True)
class _Terms:
    """weight * exp(exponent) where the guard holds."""

    exponent: Expr
    weight: Expr
    guard: Boolean


def _terms(total: object, shifts: Shifts) -> _Terms | None:
    """What a sum adds up, where that is exponential."""
    if not isinstance(total, Sum):
        return None
    guarded = isinstance(total.body, Where) and total.body.other == 0
    guard, body = (total.body.condition, total.body.chosen) if guarded else (true, total.body)
    exponents, weights = [], []
    for factor in Mul.make_args(body):
        found = shifts.logform(factor) if holds(factor, exp) else None
        if found is None:
            weights.append(factor)
        else:
            exponents.append(found)
    bound = set(total.bound)
    if not any(e.free_symbols & bound for e in exponents):
        return None
    return _Terms(Add(*exponents), Mul(*weights), guard)


def _named(total: Sum, outer: tuple[Range, ...], layer: str, shifts: Shifts) -> tuple[Ref, Ref]:
    """The maximum and the shifted sum, named once for each sum of exponentials."""
    indices = tuple(i for i, _ in outer)
    identity = (key(total, indices), len(outer))
    if identity not in shifts.known:
        shifts.known[identity] = _define(total, outer, layer, shifts)
    largest, normaliser = shifts.known[identity]
    renaming = dict(zip(largest.indices, indices, strict=True))
    return substitute(largest, renaming), substitute(normaliser, renaming)


def _define(total: Sum, outer: tuple[Range, ...], layer: str, shifts: Shifts) -> tuple[Ref, Ref]:
    terms = _terms(total, shifts)
    assert terms is not None
    rows = tuple(index for index, _ in outer)
    largest = declared("M", outer, shifts)
    exponential = declared("E", (*outer, *total.ranges), shifts)
    normaliser = declared("T", outer, shifts)
    m, e, t = largest[rows], exponential[(*rows, *total.bound)], normaliser[rows]
    inner = (*outer, *total.ranges)
    exponent = terms.exponent
    if _falls_apart(exp(exponent - m)):
        exponent = declared("U", inner, shifts)[(*rows, *total.bound)]
        shifts.pending.append(Equation(exponent, inner, terms.exponent, given=False, layer=layer))
    highest = Largest(Where(terms.guard, exponent, -oo), *total.ranges)
    shifts.pending += [
        Equation(m, outer, highest, frozen=True, given=False, layer=layer),
        Equation(e, inner, Where(terms.guard, exp(exponent - m), 0), given=False, layer=layer),
        Equation(t, outer, Sum(terms.weight * e, *total.ranges), given=False, layer=layer),
    ]
    return m, t


def _falls_apart(value: Expr) -> bool:
    """Whether exp(a - log(1 + exp(b))) has become exp(a)/(1 + exp(b)), where both may overflow."""
    return any(isinstance(f, Pow) and isinstance(f.base, Add) and holds(f, exp) for f in Mul.make_args(value))


def declared(letter: str, ranges: tuple[Range, ...], shifts: Shifts) -> Tensor:
    """A tensor of a free name by the letter, with an axis for each range."""
    tensors = (*shifts.program.inputs, *shifts.locals.values())
    sizes = {str(symbol) for tensor in tensors for size in tensor.shape for symbol in size.free_symbols}
    taken = {tensor.name for tensor in tensors} | sizes
    axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in ranges)
    tensor = Tensor(free_name(letter, taken), axes)
    shifts.locals[tensor.name] = tensor
    return tensor


def parted(value: Expr) -> Expr:
    """log(exp(a) * b / c) is a + log(b) - log(c) for positive b and c."""
    replaced = {}
    for node in nodes_of(value, log):
        factors = Mul.make_args(node.args[0])
        if any(holds(f, exp) for f in factors) or len(factors) > 1:
            replaced[node] = Add(*(_log_of(factor) for factor in factors))
    return value.xreplace(replaced)


def _log_of(factor: Expr) -> Expr:
    if isinstance(factor, exp):
        return factor.args[0]
    if isinstance(factor, Pow) and factor.exp == -1:
        return -_log_of(factor.base)
    return log(factor)


def merged_exponentials(value: Expr) -> Expr:
    """exp(a) * exp(b) is exp(a + b), which cannot overflow where a + b does not; nor does sum exp(a) * exp(b)
    with the factor drawn in.
    """
    replaced = {}
    for product in nodes_of(value, Mul):
        powers = [factor for factor in product.args if isinstance(factor, exp)]
        totals = [f for f in product.args if isinstance(f, Sum) and holds(f.body, exp)]
        if len(powers) + len(totals) > 1 and powers:
            rest = Mul(*(factor for factor in product.args if factor not in (*powers, *totals[:1])))
            together = exp(Add(*(power.args[0] for power in powers)))
            replaced[product] = rest * (_drawn_in(together, totals[0]) if totals else together)
    return value.xreplace(replaced) if replaced else value


def _drawn_in(factor: Expr, total: Sum) -> Expr:
    apart = freshened(total, {str(s) for s in factor.free_symbols})
    return Sum(factor * apart.body, *apart.ranges)
