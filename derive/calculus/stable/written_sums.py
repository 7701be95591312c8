"""Sums of exponentials that are written out, shifted by their maximum as those of an index are.

    log(exp(a) + exp(b) + exp(c))     ->   M + log(T),  M = max(a, b, c) frozen
    exp(a)/(exp(a) + exp(b) + 1)      ->   exp(a - M)/T,  T = exp(a - M) + exp(b - M) + exp(-M)
    exp(a)/(exp(a) + exp(b))          ->   1/(1 + exp(b - a))

Two terms need no maximum: a ratio of one exponential has a stable form that keeps more digits. Nor do terms
that are powers of one exponential.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, Pow, exp, log, preorder_traversal

from derive.calculus.expressions.nodes import Nonnegative, Range, Reduction, Where, free_indices
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.program.program import Equation
from derive.calculus.stable.exponential import exponential
from derive.calculus.stable.shift import Shifts, declared, merged_exponentials, parted

FEWEST = 3


def written_sums(equation: Equation, value: Expr, shifts: Shifts) -> Expr:
    """The value with every such sum shifted."""
    if not holds(value, exp):
        return value
    value = _quotients_of_two(value)
    while True:
        found = next(_sums(value, equation, shifts), None)
        if found is None:
            return value
        total, logs = found
        largest, normaliser = _named(logs, loops_of(total, value, equation), equation.layer, shifts)
        value = parted(merged_exponentials(value.xreplace({total: exp(largest) * normaliser})))


def _sums(value: Expr, equation: Equation, shifts: Shifts) -> Iterator[tuple[Add, list[Expr]]]:
    """The sums under a logarithm or a fraction bar whose terms all have logarithms, with these."""
    for node in preorder_traversal(value):
        inside = node.args[0] if isinstance(node, log) else None
        if isinstance(node, Pow) and node.exp.is_negative:
            inside = node.base
        if not isinstance(inside, Add) or len(inside.args) < FEWEST or holds(inside, Reduction):
            continue
        if free_indices(inside) - {i for i, _ in loops_of(inside, value, equation)}:
            continue
        if exponential(inside, shifts.logform.meaning):
            continue
        logs = [log(t) if t.is_positive and t.is_number else shifts.logform(t) for t in inside.args]
        if all(each is not None and not holds(each, log) for each in logs if not each or not each.is_number):
            yield inside, [each for each in logs if each is not None]


def loops_of(total: Expr, value: Expr, equation: Equation) -> tuple[Range, ...]:
    """The loops and the reductions around a sum whose letters it reads."""
    around = [r for node in nodes_of(value, Reduction) if node.has(total) for r in node.ranges]
    outer = dict.fromkeys((*equation.ranges, *sorted(around, key=str)))
    return tuple(r for r in outer if r[0] in total.free_symbols)


def _named(logs: list[Expr], loops: tuple[Range, ...], layer: str, shifts: Shifts) -> tuple[Expr, Expr]:
    """The maximum and the shifted sum, as equations before this one."""
    places = tuple(index for index, _ in loops)
    m, t = (declared(letter, loops, shifts)[places] for letter in "MT")
    highest = logs[0]
    for other in logs[1:]:
        highest = Where(Nonnegative(highest - other), highest, other)
    terms = Add(*(exp(each - m) for each in logs))
    shifts.pending += [
        Equation(m, loops, highest, frozen=True, given=False, layer=layer),
        Equation(t, loops, terms, given=False, layer=layer),
    ]
    return m, t


def _quotients_of_two(value: Expr) -> Expr:
    """exp(a)/(exp(a) + exp(b)) divided through."""
    replaced = {}
    for node in nodes_of(value, Mul):
        for below in node.args:
            base = below.base if isinstance(below, Pow) and below.exp == -1 else None
            if isinstance(base, Add) and len(base.args) == 2 and all(isinstance(t, exp) for t in base.args):
                for lead, other in (base.args, base.args[::-1]):
                    if lead in node.args:
                        rest = Mul(*(f for f in node.args if f not in (below, lead)))
                        replaced[node] = rest / (1 + exp(other.args[0] - lead.args[0]))
    return value.xreplace(replaced) if replaced else value
