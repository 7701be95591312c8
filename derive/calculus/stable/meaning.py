"""What a name stands for, where that is a ratio of exponentials of elements: Y = 1/(1 + exp(-A));
or such a ratio times what is none: Y = A/(1 + exp(-A)).
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Mul, exp

from derive.calculus.nodes import Reduction
from derive.calculus.program import Equation, Program
from derive.calculus.stable.exponential import core, spelled
from derive.calculus.substitution import substitute
from derive.calculus.tensor import Index, Ref


class Meaning:
    """ref -> its definition at the ref's indices, None where it has none of this kind."""

    def __init__(self, program: Program) -> None:
        self._definitions: dict[str, tuple[tuple[Index, ...], Expr]] = {}
        self._products: dict[str, tuple[tuple[Index, ...], Expr]] = {}
        for equation in program.equations():
            self._learn(equation, program)
        self.names = frozenset(self._definitions)

    def __call__(self, ref: Ref) -> Expr | None:
        return _at(ref, self._definitions)

    def product(self, ref: Ref) -> Expr | None:
        """Its definition, where that is such a ratio times what is none."""
        return _at(ref, self._products)

    def _learn(self, equation: Equation, program: Program) -> None:
        indices = equation.target.indices
        bare = all(isinstance(i, Index) for i in indices) and len(set(indices)) == len(indices)
        if not bare or equation.accumulates or len(program.defining(equation.name)) != 1:
            return
        if equation.value.has(Reduction):
            return
        value = spelled(equation.value, self)
        if value is not None and value.has(exp) and core(value, self) is not None:
            self._definitions[equation.name] = (indices, value)
        elif isinstance(equation.value, Mul) and any(core(f, self) is not None for f in equation.value.args):
            self._products[equation.name] = (indices, equation.value)


def _at(ref: Ref, definitions: Mapping[str, tuple[tuple[Index, ...], Expr]]) -> Expr | None:
    if ref.name not in definitions:
        return None
    indices, value = definitions[ref.name]
    return substitute(value, dict(zip(indices, ref.indices, strict=True)))
