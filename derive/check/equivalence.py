"""Proofs that a mutant changes nothing for any input: what was mutated was redundant.

Two values are equal where their forms are. In a form, every product and branch carries one guard in canonical
form, made of its own conditions, the ranges of its sums, and where its factors can be other than 0
(P[t,s] = 0 unless s <= t, by its definition); and a value that is only read under a guard is
compared under that guard. A proof is complete or absent: no answer is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Add, And, Expr, Mul, Pow, expand
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.nodes import FloorDiv, Nonnegative, Positive, Reduction, Sum, Where
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref, Size, refs
from derive.calculus.program.program import Equation, Program, equations_of
from derive.check.guards import canonical, conjuncts, quotient
from derive.check.mutations import Mutant

Conditions = tuple[Boolean, ...]
ENDLESS = Size("endless")


def proved_equivalent(program: Program, mutant: Mutant) -> bool:
    """Whether the mutated equation is proved to give the same values wherever they are read."""
    original = program.statements[mutant.position]
    if not isinstance(original, Equation) or not isinstance(mutant.statement, Equation):
        return False
    if (original.target, original.ranges) != (mutant.statement.target, mutant.statement.ranges):
        return False
    before = frozenset(e.name for s in program.statements[: mutant.position] for e in equations_of(s))
    laws = Laws(program, before, dict(original.ranges))
    needed = laws.demanded(original, program.statements[mutant.position + 1 :])
    values = (laws.original(equation.value) for equation in (original, mutant.statement))
    forms = [laws.form(value, needed) for value in values]
    return bool(forms[0] == forms[1] or expand(forms[0] - forms[1]) == 0)


@dataclass(frozen=True)
class Laws:
    """What is known of a program's tensors, and the ranges of the indices in scope.

    Only definitions `before` the mutated equation count: what comes after may depend on the mutation.
    """

    program: Program
    before: frozenset[str]
    extents: Mapping[Index, Expr] = field(default_factory=dict)

    def original(self, value: Expr) -> Expr:
        """The value with second names put back: H_bar[i,j] = R_bar[i,j] reads R_bar."""
        names = {ref: self._definition(ref) for ref in refs(value)}
        second = {ref: found for ref, found in names.items() if isinstance(found, Ref)}
        return self.original(value.xreplace(second)) if second else value

    def form(self, value: Expr, known: Conditions = ()) -> Expr:
        """The value with every guard in canonical form, where `known` holds."""
        parts, rest = self._guarded(value, known)
        guard = canonical(parts, known, self.extents)
        return Where(And(*guard), self._inner(rest, (*known, *guard)), 0)

    def _guarded(self, value: Expr, known: Conditions) -> tuple[Conditions, Expr]:
        """(c, f) of a value that is f where c holds and 0 elsewhere."""
        if isinstance(value, Where) and not canonical(conjuncts(value.condition), known, self.extents):
            return self._guarded(value.chosen, known)
        if isinstance(value, Where) and value.other == 0:
            parts, rest = self._guarded(value.chosen, known)
            return (*map(self._aliased, conjuncts(value.condition)), *parts), rest
        if isinstance(value, Mul):
            pairs = [self._guarded(factor, known) for factor in value.args]
            return tuple(c for parts, _ in pairs for c in parts), Mul(*(rest for _, rest in pairs))
        if isinstance(value, (Ref, Pow)):
            return self.support(value), value
        return (), value

    def _inner(self, value: Any, known: Conditions) -> Any:
        if isinstance(value, Sum):
            return self._sum(value, known)
        if isinstance(value, Add):
            return Add(*(self.form(term, known) for term in value.args))
        if isinstance(value, Where):
            return value.func(value.condition, self.form(value.chosen, known), self.form(value.other, known))
        if isinstance(value, FloorDiv):
            return quotient(value, known)
        if not value.args or isinstance(value, Reduction):
            return value
        return value.func(*(self._inner(a, known) if isinstance(a, Expr) else a for a in value.args))

    def _sum(self, value: Sum, known: Conditions) -> Expr:
        """A range is a guard: the indices of the sum run over all integers >= 0."""
        ranges = tuple(Nonnegative(expand(extent - 1 - index)) for index, extent in value.ranges)
        open_ranges = {**self.extents, **dict.fromkeys(value.bound, ENDLESS)}
        body = replace(self, extents=open_ranges).form(Where(And(*ranges), value.body, 0), known)
        return Sum(body, *((index, ENDLESS) for index in value.bound))

    def _aliased(self, condition: Boolean) -> Boolean:
        """Z > 0 is x > 0 where Z is defined as where(x > 0, x, 0)."""
        if isinstance(condition, Positive) and isinstance(condition.expression, Ref):
            value = self._definition(condition.expression)
            if isinstance(value, Where) and value == Where(Positive(value.chosen), value.chosen, 0):
                return value.condition
        return condition

    def support(self, value: Basic) -> Conditions:
        """Conditions without which a value is 0, by the definitions of what it reads."""
        if isinstance(value, Where) and value.other == 0:
            return (*conjuncts(value.condition), *self.support(value.chosen))
        if isinstance(value, Mul):
            return tuple(c for factor in value.args for c in self.support(factor))
        if isinstance(value, Pow) and value.exp.is_positive:
            return self.support(value.base)
        if isinstance(value, Sum):
            return tuple(c for c in self.support(value.body) if not c.free_symbols & set(value.bound))
        if isinstance(value, Ref):
            definition = self._definition(value)
            return () if definition is None else self.support(definition)
        return ()

    def _definition(self, ref: Ref) -> Expr | None:
        """The value of the one equation that defines a whole tensor, at the indices of a reference."""
        found = self.program.defining(ref.name)
        if ref.name not in self.before or len(found) != 1 or found[0].target.indices != found[0].loops:
            return None
        renaming = dict(zip(found[0].loops, ref.indices, strict=True))
        return substitute(found[0].value, renaming)

    def demanded(self, equation: Equation, later: tuple[Any, ...]) -> Conditions:
        """Conditions under which alone the later statements read what the equation defines."""
        if equation.name in self.program.outputs or equation.target.indices != equation.loops:
            return ()
        common: set[Boolean] | None = None
        for statement in later:
            if not isinstance(statement, Equation):
                return ()
            for conditions in self._uses(equation, statement.value, ()):
                common = set(conditions) if common is None else common & set(conditions)
        return canonical(common or (), (), self.extents)

    def _uses(self, equation: Equation, value: Basic, known: Conditions) -> list[Conditions]:
        """The conditions at each read, in the letters of the equation."""
        if isinstance(value, Ref) and value.name == equation.name:
            if len(set(value.indices)) < len(value.indices) or not all(
                isinstance(index, Index) for index in value.indices
            ):
                return [()]
            renaming = dict(zip(value.indices, equation.loops, strict=True))
            own = [c for c in known if c.atoms(Index) <= set(value.indices) and self._reliable(c)]
            return [tuple(c.xreplace(renaming) for c in own)]
        if isinstance(value, Where) and value.other == 0:
            known = (*known, *conjuncts(value.condition))
        if isinstance(value, Mul):
            known = (*known, *self.support(value))
        return [use for argument in value.args for use in self._uses(equation, argument, known)]

    def _reliable(self, condition: Boolean) -> bool:
        """Whether a condition reads nothing that the mutation may change."""
        later = {equation.name for equation in self.program.equations()} - self.before
        return not any(ref.name in later for ref in refs(condition))
