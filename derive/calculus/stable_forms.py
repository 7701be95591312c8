"""Last before emission: scalar forms that neither overflow nor lose digits, for equal values.

    log(1 + exp(a))          ->  max(a, 0) + log1p(E),      E = exp(-|a|)
    1/(1 + exp(-a))          ->  where(a >= 0, 1, E)/(1 + E)
    exp(a)/(1 + exp(a))      ->  the same
    exp(a)/(1 + exp(a))^2    ->  E/(1 + E)^2

E is at most 1, so nothing overflows; each form is exact to a few roundings on the whole line. E becomes
an equation of its own, since it is used twice.
Maechler, Accurately computing log(1 - exp(-|a|)), 2012;
Higham, Accuracy and Stability, 2nd ed., section 1.12.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Abs, Add, Expr, Mul, Pow, S, exp, log
from sympy.codegen.cfunctions import log1p
from sympy.core.basic import Basic

from derive.calculus.compose import free_name
from derive.calculus.nodes import Nonnegative, Positive, Reduction, Where
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.tensor import Axis, Index, Ref, Tensor
from derive.calculus.terms import product


@dataclass
class _Decays:
    """The equations E = exp(-|a|) that a program has so far."""

    program: Program
    added: dict[str, Tensor] = field(default_factory=dict)
    named: dict[Expr, Ref] = field(default_factory=dict)


def stable_forms(program: Program) -> Program:
    """The program with every such form replaced.

    Z2[i,j] = 1/(1 + exp(-A1[i,j]))
    becomes
    E[i,j] = exp(-|A1[i,j]|)
    Z2[i,j] = where(A1[i,j] >= 0, 1, E[i,j])/(1 + E[i,j])
    """
    decays = _Decays(program)
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            outer = ((statement.index, statement.extent),)
            inner = [part for equation in statement.equations for part in _stable(equation, outer, decays)]
            statements.append(replace(statement, equations=tuple(inner)))
        else:
            statements += _stable(statement, (), decays)
    return replace(program, statements=tuple(statements), locals=(*program.locals, *decays.added.values()))


def _stable(equation: Equation, outer: tuple[tuple[Index, Expr], ...], decays: _Decays) -> list[Equation]:
    if not equation.value.has(exp):
        return [equation]
    new: list[Equation] = []
    value = _visit(equation.value, equation, outer, decays, new)
    return [*new, replace(equation, value=value)]


def _visit(
    node: Basic,
    equation: Equation,
    outer: tuple[tuple[Index, Expr], ...],
    decays: _Decays,
    new: list[Equation],
) -> Basic:
    if not node.has(exp):
        return node
    changed = _form(node, lambda a: _decay(a, equation, outer, decays, new))
    if changed is not None:
        node = changed
    if isinstance(node, exp) or not node.args:
        return node
    return node.func(*(_visit(argument, equation, outer, decays, new) for argument in node.args))


def _form(node: Basic, decay: object) -> Expr | None:
    """The stable form of one node, None where it has none of these shapes."""
    assert callable(decay)
    if isinstance(node, log):
        exponent = _softly(node.args[0])
        if exponent is None:
            return None
        return Where(Positive(exponent), exponent, 0) + log1p(decay(exponent))
    if isinstance(node, (Mul, Pow)):
        return _ratio(node, decay)
    return None


def _softly(node: Expr) -> Expr | None:
    """a of 1 + exp(a)."""
    if (
        isinstance(node, Add)
        and len(node.args) == 2
        and node.args[0] == S.One
        and isinstance(node.args[1], exp)
    ):
        return node.args[1].args[0]
    return None


def _ratio(node: Expr, decay: object) -> Expr | None:
    """exp(p*a)/(1 + exp(a))^q for 0 <= p <= q, times the rest."""
    assert callable(decay)
    parts = product(node)
    for base, power in parts.factors.items():
        exponent = _softly(base)
        if exponent is None or not (power.is_Integer and power < 0):
            continue
        count = -int(power)
        powers = {p: e for p, e in parts.factors.items() if isinstance(p, exp) and e == 1}
        matching = [p for p in powers if p.args[0] == exponent]
        rest = {b: e for b, e in parts.factors.items() if b != base and b not in matching}
        small = decay(exponent)
        upper = _numerator(exponent, len(matching), count, small)
        left = Mul(parts.coefficient, *(Pow(b, e) for b, e in rest.items()))
        return Where(parts.condition, left * upper * Pow(1 + small, -count), 0)
    return None


def _numerator(exponent: Expr, above: int, below: int, small: Expr) -> Expr:
    """exp(p*a)/(1 + exp(a))^q times (1 + E)^q: E^(q-p) where a >= 0, E^p else."""
    if 2 * above == below:
        return small**above
    if exponent.could_extract_minus_sign():
        return Where(Nonnegative(-exponent), small**above, small ** (below - above))
    return Where(Nonnegative(exponent), small ** (below - above), small**above)


def _decay(
    exponent: Expr,
    equation: Equation,
    outer: tuple[tuple[Index, Expr], ...],
    decays: _Decays,
    new: list[Equation],
) -> Expr:
    """E = exp(-|a|): a name where a depends on the equation's loops alone, else written out."""
    if exponent.could_extract_minus_sign():
        exponent = -exponent
    value = exp(-Abs(exponent))
    loops = {index for index, _ in (*outer, *equation.ranges)}
    indices = {symbol for symbol in exponent.free_symbols if isinstance(symbol, Index)}
    if not indices <= loops or exponent.has(Reduction) or equation.accumulates:
        return value
    if value not in decays.named:
        decays.named[value] = _name(value, equation, outer, decays, new, indices)
    return decays.named[value]


def _name(
    value: Expr,
    equation: Equation,
    outer: tuple[tuple[Index, Expr], ...],
    decays: _Decays,
    new: list[Equation],
    indices: set[Index],
) -> Ref:
    ranges = tuple(r for r in (*outer, *equation.ranges) if r[0] in indices)
    tensors = {**decays.program.tensors, **decays.added}
    sizes = {
        str(symbol) for known in tensors.values() for size in known.shape for symbol in size.free_symbols
    }
    taken = set(tensors) | sizes
    axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in ranges)
    tensor = Tensor(free_name("E", taken), axes)
    decays.added[tensor.name] = tensor
    target = tensor[tuple(i for i, _ in ranges)]
    own = tuple(r for r in ranges if r not in outer)
    new.append(Equation(target, own, value, given=False, layer=equation.layer))
    return target
