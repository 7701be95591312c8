"""Differences that cancel, replaced by the function that has them whole: the rows of `rules/stable.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy import Add, Expr, Mul, Pow, cosh, exp, log, sinh, tanh
from sympy.core.function import Function

from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref, names_read, refs
from derive.calculus.program.program import Equation, Program, map_equations
from derive.calculus.rules.rewriting import rewritten
from derive.calculus.rules.row import Row
from derive.calculus.rules.stable import EARLY, ELEMENTS, INVERSE, ROWS
from derive.calculus.stable.logform import definition

GROWING = (exp, tanh, sinh, cosh)


def differences(program: Program) -> Program:
    """The program with every such difference replaced; last before emission.

    Y[i] = x[i] (1 + erf(x[i]))
    becomes
    Y[i] = x[i] erfc(-x[i])
    """
    inputs = {tensor.name for tensor in program.inputs}
    program = _of_elements(program, inputs, (Pow,), (Add,), lambda total: rewritten(total, ELEMENTS))

    def whole(equation: Equation) -> Equation:
        rooted = _rooted(equation.value, program) if holds(equation.value, Add) else equation.value
        value = _whole(equation.value, rooted)
        return equation if value == equation.value else replace(equation, value=value)

    return map_equations(program, whole)


def early_differences(program: Program) -> Program:
    """The program with those replaced whose derivative is none the longer, names seen through; before
    differentiation, so that the name of a kernel is that of the whole.

    F[i] = erf(x[i]), Y[i] = x[i] (1 + F[i])
    becomes
    F[i] = erf(x[i]), Y[i] = x[i] erfc(-x[i])
    """
    heads = tuple(head for row in EARLY for head in row.heads)
    if not any(equation.value.has(*heads) for equation in program.equations()):
        return program

    def whole(equation: Equation) -> Equation:
        sums = equation.value.atoms(Add)
        found = {total: rewritten(_opened(total, program, heads), EARLY) for total in sums}
        replaced = {total: new for total, new in found.items() if not new.has(*heads) and new != total}
        return replace(equation, value=equation.value.xreplace(replaced)) if replaced else equation

    return map_equations(program, whole)


def inverse_functions(program: Program) -> Program:
    """The program with logarithms by the inverse function that they spell; before differentiation.

    Y[i] = log(A[i] + sqrt(A[i]^2 + 1))
    becomes
    Y[i] = asinh(A[i])
    """

    def inverse(node: Expr) -> Expr:
        rooted = node if holds(node, *GROWING) else _rooted(node, program)
        found = rewritten(rooted, INVERSE)
        return node if found == rooted else found

    if not any(holds(equation.value, log) for equation in program.equations()):
        return program
    plain = set(program.tensors) - _exponential(program)
    return _of_elements(program, plain, (log,), (log, Add), inverse)


def _exponential(program: Program) -> set[str]:
    """The tensors that follow from exponentials: their logarithms open in another way."""
    found: set[str] = set()
    before = -1
    while before < len(found):
        before = len(found)
        for equation in program.equations():
            if holds(equation.value, *GROWING) or names_read(equation.value) & found:
                found.add(equation.name)
    return found


def _of_elements(
    program: Program,
    known: set[str],
    among: tuple[type[Expr], ...],
    kinds: tuple[type, ...],
    change: Callable[[Expr], Expr],
) -> Program:
    """The program with nodes of these kinds changed that read known tensors alone."""

    def whole(equation: Equation) -> Equation:
        nodes = [n for n in nodes_of(equation.value, *kinds) if holds(n, *among) and names_read(n) <= known]
        changed = {node: change(node) for node in nodes}
        replaced = {node: new for node, new in changed.items() if new != node}
        return replace(equation, value=equation.value.xreplace(replaced)) if replaced else equation

    return map_equations(program, whole)


def _opened(total: Add, program: Program, heads: tuple[type[Function], ...]) -> Expr:
    """A sum with the names in its terms that stand for such a function replaced by it."""
    found = {}
    for ref in (factor for term in total.args for factor in Mul.make_args(term) if isinstance(factor, Ref)):
        meaning = definition(ref, program)
        if isinstance(meaning, heads):
            found[ref] = meaning
    return total.xreplace(found)


def _rooted(value: Expr, program: Program) -> Expr:
    """A value with the names of roots in it by what they stand for."""
    found = {}
    for ref in refs(value):
        meaning = definition(ref, program) if _is_root(program.defining(ref.name)) else None
        if meaning is not None:
            found[ref] = meaning
    return value.xreplace(found) if found else value


def _is_root(equations: Sequence[Equation]) -> bool:
    """Whether the only equation of a name is a power of a half, or of an odd number of halves."""
    value = equations[0].value if len(equations) == 1 else None
    return isinstance(value, Pow) and bool(value.exp.is_Rational) and value.exp.q == 2


def _whole(value: Expr, rooted: Expr) -> Expr:
    """The value by the rules; with its roots spelled out where more of them apply."""
    steps: dict[Expr, list[tuple[Row, Expr, Expr]]] = {value: [], rooted: []}
    new = {each: rewritten(each, ROWS, steps[each]) for each in steps}
    return new[rooted] if len(steps[rooted]) > len(steps[value]) else new[value]
