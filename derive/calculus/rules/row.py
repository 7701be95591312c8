"""A rule is a row: what it says, its two sides in the grammar of formulas, where it holds, and who proved it.

    Row("the softplus", "log(1 + exp(a))", "max(a, 0) + log1p(exp(-abs(a)))", "", "Maechler 2012")

Letters stand for any real expression. The domain is a condition on them; where it is empty the law holds
for all reals. A law is tested on its domain at many points in 50 digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, Symbol
from sympy.core.function import Function
from sympy.logic.boolalg import Boolean

from derive.calculus.definition.formula import Scope, read, read_condition
from derive.calculus.definition.syntax import parse
from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.occurrence import branches_in

LETTERS = {letter: Symbol(f"any {letter}", real=True) for letter in "abcd"}
SCOPE = Scope(variables=LETTERS)


@dataclass(frozen=True)
class Row:
    """law: pattern -> replacement on the domain."""

    law: str
    pattern_text: str
    replacement_text: str
    domain_text: str = ""
    source: str = ""

    @cached_property
    def pattern(self) -> Expr:
        return read(parse(self.pattern_text), SCOPE, self.pattern_text)

    @cached_property
    def replacement(self) -> Expr:
        return read(parse(self.replacement_text), SCOPE, self.replacement_text)

    @cached_property
    def domain(self) -> Boolean | None:
        """The condition on the letters, None where there is none."""
        if not self.domain_text:
            return None
        return read_condition(parse(self.domain_text, "condition"), SCOPE, self.domain_text)

    @cached_property
    def letters(self) -> tuple[Symbol, ...]:
        return tuple(s for s in LETTERS.values() if self.pattern.has(s))

    @cached_property
    def heads(self) -> frozenset[type]:
        """The functions and branches that a target must contain."""
        return frozenset(type(node) for node in self.pattern.atoms(Function, Where))

    @cached_property
    def branches(self) -> int:
        """How many branches the pattern has."""
        return branches_in(self.pattern)
