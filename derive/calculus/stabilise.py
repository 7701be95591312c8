"""Stable forms, found before anything is differentiated.

    log(exp(a) * b)              ->  a + log(b)
    sum_q exp(u_q), under a log or a fraction bar
                                 ->  exp(M) * T,  M = max_q u_q frozen,  E_q = exp(u_q - M),  T = sum_q E_q

The maximum cancels wherever the sum stands under a logarithm or below a fraction bar: exp(v)/sum exp(u)
is exp(v - M)/T, which no longer overflows, and log sum exp(u) is M + log T. The shift does not change
the value, so it has no derivative: its equation is frozen. Works on equations, so that a slice or a
reshape between the exponential and the logarithm hides nothing.
Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions,
IMA J. Numer. Anal. 2021.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Add, Expr, Mul, Pow, exp, log, oo, preorder_traversal

from derive.calculus.canonical import key
from derive.calculus.compose import free_name
from derive.calculus.nodes import Largest, Range, Sum, Where
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.simplify import named_forward
from derive.calculus.substitution import substitute
from derive.calculus.tensor import Axis, Ref, Tensor


@dataclass
class _Shifts:
    """The sums of exponentials already named, by canonical key."""

    program: Program
    locals: dict[str, Tensor]
    known: dict[object, tuple[Ref, Ref]] = field(default_factory=dict)
    pending: list[Equation] = field(default_factory=list)


def stabilise(program: Program) -> Program:
    """The program with every sum of exponentials under a log or a fraction bar shifted by its maximum."""
    shifts = _Shifts(program, {tensor.name: tensor for tensor in program.locals})
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            statements.append(statement)
            continue
        shifted = replace(statement, value=_stable(statement, shifts))
        statements += [*shifts.pending, shifted]
        shifts.pending.clear()
    stable = replace(program, statements=tuple(statements), locals=tuple(shifts.locals.values()))
    return named_forward(stable)


def _stable(equation: Equation, shifts: _Shifts) -> Expr:
    value = _unfold_logs(equation.value, shifts.program)
    named = [(total, _shifted(total, equation, shifts)) for total in _exponential_sums(value)]
    for total, (largest, normaliser) in named:
        value = merged_exponentials(value.xreplace({total: exp(largest) * normaliser}))
    if value != equation.value:
        value = _split_logs(value)
    return value


def _unfold_logs(value: Expr, program: Program) -> Expr:
    """log of a name that is a product of exponentials sees through to its definition."""
    replaced = {}
    for node in value.atoms(log):
        inner = node.args[0]
        if isinstance(inner, Ref):
            definition = _definition(inner, program)
            if definition is not None and definition.has(exp):
                replaced[node] = log(definition)
    return value.xreplace(replaced) if replaced else value


def _definition(ref: Ref, program: Program) -> Expr | None:
    """The value of an element, where one plain equation defines it."""
    found = program.defining(ref.name)
    if len(found) != 1 or found[0].loops != found[0].target.indices:
        return None
    return substitute(found[0].value, dict(zip(found[0].loops, ref.indices, strict=True)))


def _exponential_sums(value: Expr) -> list[Sum]:
    """The sums of exponentials under a logarithm or below a fraction bar, in order."""
    found: list[Sum] = []
    for node in preorder_traversal(value):
        inside = node.args[0] if isinstance(node, log) else None
        if isinstance(node, Pow) and node.exp.is_negative:
            inside = node.base
        if inside is None:
            continue
        for total in inside.atoms(Sum):
            if _exponent(total) is not None and total not in found:
                found.append(total)
    return found


def _exponent(total: Sum) -> Expr | None:
    body = total.body.chosen if isinstance(total.body, Where) and total.body.other == 0 else total.body
    return body.args[0] if isinstance(body, exp) else None


def _shifted(total: Sum, equation: Equation, shifts: _Shifts) -> tuple[Ref, Ref]:
    """The maximum and the shifted sum, named once for each sum of exponentials."""
    outer = tuple(r for r in equation_ranges(equation, total) if total.body.has(r[0]))
    indices = tuple(i for i, _ in outer)
    identity = (key(total, indices), len(outer))
    if identity not in shifts.known:
        shifts.known[identity] = _name(total, outer, equation.layer, shifts)
    largest, normaliser = shifts.known[identity]
    renaming = dict(zip(largest.indices, indices, strict=True))
    return substitute(largest, renaming), substitute(normaliser, renaming)


def _name(total: Sum, outer: tuple[Range, ...], layer: str, shifts: _Shifts) -> tuple[Ref, Ref]:
    exponent = _exponent(total)
    assert exponent is not None
    guard = total.body.condition if isinstance(total.body, Where) else True
    rows = tuple(index for index, _ in outer)
    largest = _declare("M", outer, shifts)
    exponential = _declare("E", (*outer, *total.ranges), shifts)
    normaliser = _declare("T", outer, shifts)
    m, e, t = largest[rows], exponential[(*rows, *total.bound)], normaliser[rows]
    inner = (*outer, *total.ranges)
    shifts.pending += [
        Equation(
            m,
            outer,
            Largest(Where(guard, exponent, -oo), *total.ranges),
            frozen=True,
            given=False,
            layer=layer,
        ),
        Equation(e, inner, Where(guard, exp(exponent - m), 0), given=False, layer=layer),
        Equation(t, outer, Sum(e, *total.ranges), given=False, layer=layer),
    ]
    return m, t


def _declare(letter: str, ranges: tuple[Range, ...], shifts: _Shifts) -> Tensor:
    tensors = (*shifts.program.inputs, *shifts.locals.values())
    sizes = {str(symbol) for tensor in tensors for size in tensor.shape for symbol in size.free_symbols}
    taken = {tensor.name for tensor in tensors} | sizes
    axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in ranges)
    tensor = Tensor(free_name(letter, taken), axes)
    shifts.locals[tensor.name] = tensor
    return tensor


def equation_ranges(equation: Equation, total: Sum) -> tuple[Range, ...]:
    """The loops around a sum: those of the equation, and of sums that enclose it."""
    enclosing = [node for node in equation.value.atoms(Sum) if node != total and node.has(total)]
    unfolded = [node for node in equation.value.atoms(Sum) if node.has(log)]
    around = {r for node in (*enclosing, *unfolded) for r in node.ranges if total.body.has(r[0])}
    return (*equation.ranges, *sorted(around, key=str))


def _split_logs(value: Expr) -> Expr:
    """log(exp(a) * b / c) is a + log(b) - log(c) for positive b and c."""
    replaced = {}
    for node in value.atoms(log):
        factors = Mul.make_args(node.args[0])
        if any(isinstance(f, exp) or f.has(exp) for f in factors) or len(factors) > 1:
            replaced[node] = Add(*(_log_of(factor) for factor in factors))
    return value.xreplace(replaced)


def merged_exponentials(value: Expr) -> Expr:
    """exp(a) * exp(b) is exp(a + b), which cannot overflow where a + b does not."""
    replaced = {}
    for product in value.atoms(Mul):
        powers = [factor for factor in product.args if isinstance(factor, exp)]
        if len(powers) > 1:
            rest = Mul(*(factor for factor in product.args if not isinstance(factor, exp)))
            replaced[product] = rest * exp(Add(*(power.args[0] for power in powers)))
    return value.xreplace(replaced) if replaced else value


def _log_of(factor: Expr) -> Expr:
    if isinstance(factor, exp):
        return factor.args[0]
    if isinstance(factor, Pow) and factor.exp == -1:
        return -_log_of(factor.base)
    return log(factor)
