"""What a name stands for, where that is a ratio of exponentials of elements: Y = 1/(1 + exp(-A))."""

from __future__ import annotations

from sympy import Expr, exp

from derive.calculus.nodes import Reduction
from derive.calculus.program import Equation, Program
from derive.calculus.stable.exponential import core, spelled
from derive.calculus.substitution import substitute
from derive.calculus.tensor import Index, Ref


class Meaning:
    """ref -> its definition at the ref's indices, None where it has none of this kind."""

    def __init__(self, program: Program) -> None:
        self._definitions: dict[str, tuple[tuple[Index, ...], Expr]] = {}
        for equation in program.equations():
            self._learn(equation, program)
        self.names = frozenset(self._definitions)

    def __call__(self, ref: Ref) -> Expr | None:
        if ref.name not in self._definitions:
            return None
        indices, value = self._definitions[ref.name]
        return substitute(value, dict(zip(indices, ref.indices, strict=True)))

    def _learn(self, equation: Equation, program: Program) -> None:
        indices = equation.target.indices
        bare = all(isinstance(i, Index) for i in indices) and len(set(indices)) == len(indices)
        if not bare or equation.accumulates or len(program.defining(equation.name)) != 1:
            return
        value = spelled(equation.value, self)
        if value is None or not value.has(exp) or value.has(Reduction) or core(value, self) is None:
            return
        self._definitions[equation.name] = (indices, value)
