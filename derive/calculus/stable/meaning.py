"""What a name stands for, where that is a ratio of exponentials of elements: Y = 1/(1 + exp(-A));
or such a ratio times what is none: Y = A/(1 + exp(-A)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Expr, Mul, cosh, exp, sinh
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Reduction
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation, Program
from derive.calculus.stable.exponential import HYPERBOLIC, core, exponential, spelled


class Meaning:
    """ref -> its definition at the ref's indices, None where it has none of this kind."""

    def __init__(self, program: Program) -> None:
        self._definitions: dict[str, tuple[tuple[Index, ...], Expr]] = {}
        self._products: dict[str, tuple[tuple[Index, ...], Expr]] = {}
        for equation in program.equations():
            self._learn(equation, program)
        self._cores: dict[Basic, frozenset[Expr]] = {}
        self.names = frozenset(self._definitions)

    def __call__(self, ref: Ref) -> Expr | None:
        return _at(ref, self._definitions)

    def product(self, ref: Ref) -> Expr | None:
        """Its definition, where that is such a ratio times what is none."""
        return _at(ref, self._products)

    def cores(self, node: Basic) -> frozenset[Expr]:
        """The exponents, up to a number, of what is exponential in a node, names seen through."""
        if node not in self._cores:
            self._cores[node] = frozenset(self._found_cores(node))
        return self._cores[node]

    def _found_cores(self, node: Basic) -> Iterator[Expr]:
        for part in nodes_of(node, Ref, exp, *HYPERBOLIC):
            meaning = self.product(part) if isinstance(part, Ref) else None
            if meaning is not None:
                yield from self.cores(meaning)
            found = core(part, self)
            if found is not None:
                yield found

    def grows(self, node: Basic, primary: Expr) -> bool:
        """Whether something exponential in a node, names seen through, has no bound."""
        for part in nodes_of(node, Ref, exp, sinh, cosh):
            opened = self.product(part) if isinstance(part, Ref) else None
            if opened is not None and self.grows(opened, primary):
                return True
            ratio = exponential(part, self)
            if ratio is not None and core(part, self) == primary and (ratio.above > 0 or ratio.power < 0):
                return True
        return False

    def _learn(self, equation: Equation, program: Program) -> None:
        indices = equation.target.indices
        bare = all(isinstance(i, Index) for i in indices) and len(set(indices)) == len(indices)
        if not bare or equation.accumulates or len(program.defining(equation.name)) != 1:
            return
        if holds(equation.value, Reduction):
            return
        value = spelled(equation.value, self)
        if value is not None and holds(value, exp) and core(value, self) is not None:
            self._definitions[equation.name] = (indices, value)
        elif isinstance(equation.value, Mul) and any(core(f, self) is not None for f in equation.value.args):
            self._products[equation.name] = (indices, equation.value)


def _at(ref: Ref, definitions: Mapping[str, tuple[tuple[Index, ...], Expr]]) -> Expr | None:
    if ref.name not in definitions:
        return None
    indices, value = definitions[ref.name]
    return substitute(value, dict(zip(indices, ref.indices, strict=True)))
