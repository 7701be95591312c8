"""The nodes of the index calculus beyond scalar arithmetic: sums, maxima, guards, opaque maps.

    Sum(X[i,p]*W[p,j], (p, n))          sum_{p<n} X[i,p] W[p,j]
    Largest(Z[i,q], (q, k))             max_{q<k} Z[i,q]
    Where(Positive(x), x, 0)            x where x > 0, else 0; the branch not taken is never evaluated
    Opaque("sigma", (i,), x, 1)         sigma_i'(x), undetermined
    VectorMap("sigma", (j,), f, (p,n))  sigma(f)_j of the vector f_p, undetermined

Scalar arithmetic is SymPy's own. Nodes only hold structure; rewriting lives in the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sympy import Expr, Integer, Symbol, Tuple, false, sympify, true
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.expressions.exact_division import divided_size
from derive.calculus.expressions.tensor import Index

Range = tuple[Index, Expr]


class _RealNode(Expr):
    is_commutative = True
    is_real = True
    is_extended_real = True
    is_hermitian = True
    is_complex = True
    is_finite = True


class Reduction(_RealNode):
    """A body reduced over ranges: the first argument, then one (index, extent) each."""

    operator = ""

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def ranges(self) -> tuple[Range, ...]:
        return tuple((pair[0], pair[1]) for pair in self.args[1:])

    @property
    def bound(self) -> tuple[Index, ...]:
        return tuple(index for index, _ in self.ranges)

    @property
    def free_symbols(self) -> set[Basic]:
        inner: set[Basic] = set(self.body.free_symbols)
        extents: set[Basic] = set()
        for index, extent in self.ranges:
            inner.discard(index)
            extents |= extent.free_symbols
        return inner | extents

    def _sympystr(self, printer: Any) -> str:
        ranges = ",".join(f"{i}<{printer.doprint(n)}" for i, n in self.ranges)
        return f"{self.operator}_{{{ranges}}}({printer.doprint(self.body)})"


def rebuilt(node: Any, arguments: Iterable[Any]) -> Any:
    """The node with these arguments: itself, where they are its own."""
    given = tuple(arguments)
    same = all(mine is other for mine, other in zip(node.args, given, strict=True))
    return node if same else node.func(*given)


@cache
def reduces(expression: Basic) -> bool:
    """Whether a reduction stands anywhere in an expression."""
    return isinstance(expression, Reduction) or any(map(reduces, expression.args))


@cache
def free_indices(expression: Basic) -> frozenset[Index]:
    """The indices of an expression that no reduction inside it binds."""
    if isinstance(expression, Index):
        return frozenset((expression,))
    found = frozenset[Index]().union(*map(free_indices, expression.args))
    return found.difference(expression.bound) if isinstance(expression, Reduction) else found


class Sum(Reduction):
    """sum over ranges of the body; a sum over no range is its body, of zero is zero."""

    operator = "sum"

    def __new__(cls, body: Any, *ranges: Any) -> Any:
        body = sympify(body, strict=True)
        if body == 0 or not ranges:
            return body
        if isinstance(body, Sum) and not {r[0] for r in ranges} & set(body.bound):
            return Basic.__new__(cls, body.body, *(Tuple(*r) for r in ranges), *body.args[1:])
        return Basic.__new__(cls, body, *(Tuple(*r) for r in ranges))


class Largest(Reduction):
    """max over ranges of the body; the maximum over an empty range is -infinity."""

    operator = "max"

    def __new__(cls, body: Any, *ranges: Any) -> Any:
        if not ranges:
            return sympify(body, strict=True)
        return Basic.__new__(cls, sympify(body, strict=True), *(Tuple(*r) for r in ranges))


class ArgLargest(Reduction):
    """The position of the largest element over one range, the first of equals: an integer."""

    operator = "argmax"
    is_integer = True

    def __new__(cls, body: Any, *ranges: Any) -> Any:
        return Basic.__new__(cls, sympify(body, strict=True), *(Tuple(*r) for r in ranges))


class Condition(Boolean):
    """A comparison of one expression with zero."""

    comparison = ""

    def __new__(cls, expression: Any) -> Any:
        expression = sympify(expression, strict=True)
        expression = cls.scaled(expression)
        decided = cls.decide(expression) if expression.is_number else None
        if decided is not None:
            return true if decided else false
        return Basic.__new__(cls, expression)

    @classmethod
    def decide(cls, number: Expr) -> bool | None:
        raise NotImplementedError

    @classmethod
    def scaled(cls, expression: Expr) -> Expr:
        """The expression less a positive factor, which no comparison with zero can see."""
        coefficient, rest = expression.as_coeff_Mul()
        return expression / coefficient if coefficient.is_positive and rest != 1 else expression

    @property
    def expression(self) -> Expr:
        return self.args[0]

    def _sympystr(self, printer: Any) -> str:
        return f"{printer.doprint(self.expression)} {self.comparison} 0"


class Positive(Condition):
    """expression > 0."""

    comparison = ">"

    @classmethod
    def decide(cls, number: Expr) -> bool | None:
        return number.is_positive


class Nonnegative(Condition):
    """expression >= 0."""

    comparison = ">="

    @classmethod
    def decide(cls, number: Expr) -> bool | None:
        return number.is_nonnegative


class IsZero(Condition):
    """expression == 0."""

    comparison = "=="

    @classmethod
    def decide(cls, number: Expr) -> bool | None:
        return number.is_zero


class Finite(Condition):
    """expression is neither infinite nor undefined: a maximum over nothing, or over -infinities, is not."""

    comparison = "finite"

    @classmethod
    def decide(cls, number: Expr) -> bool | None:
        return number.is_finite

    def _sympystr(self, printer: Any) -> str:
        return f"{printer.doprint(self.expression)} is finite"


class Where(_RealNode):
    """The first value where the condition holds, else the second; only the one chosen is evaluated."""

    def __new__(cls, condition: Any, chosen: Any, other: Any = 0) -> Any:
        chosen, other = sympify(chosen, strict=True), sympify(other, strict=True)
        if condition is True or condition is true or chosen == other:
            return chosen
        if condition is False or condition is false:
            return other
        return Basic.__new__(cls, condition, chosen, other)

    @property
    def condition(self) -> Boolean:
        return self.args[0]

    @property
    def chosen(self) -> Expr:
        return self.args[1]

    @property
    def other(self) -> Expr:
        return self.args[2]

    def _sympystr(self, printer: Any) -> str:
        parts = (printer.doprint(arg) for arg in (self.chosen, self.condition, self.other))
        return "where({1}, {0}, {2})".format(*parts)


class FloorDiv(Expr):
    """a // b of integers, rounded down."""

    is_integer = True
    is_real = True
    is_commutative = True
    is_finite = True

    def __new__(cls, a: Any, b: Any) -> Any:
        a, b = sympify(a, strict=True), sympify(b, strict=True)
        if b == 1:
            return a
        if a.is_Integer and b.is_Integer:
            return Integer(int(a) // int(b))
        exact = divided_size(a, b)
        return exact[0] if exact else Basic.__new__(cls, a, b)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.args[0].is_nonnegative and self.args[1].is_positive else None

    def _sympystr(self, printer: Any) -> str:
        return "({})//({})".format(*(printer.doprint(arg) for arg in self.args))


class Remainder(Expr):
    """a mod b of integers, in 0..b-1."""

    is_integer = True
    is_real = True
    is_nonnegative = True
    is_commutative = True
    is_finite = True

    def __new__(cls, a: Any, b: Any) -> Any:
        a, b = sympify(a, strict=True), sympify(b, strict=True)
        if b == 1:
            return Integer(0)
        if a.is_Integer and b.is_Integer:
            return Integer(int(a) % int(b))
        exact = divided_size(a, b)
        return exact[1] if exact else Basic.__new__(cls, a, b)

    def _sympystr(self, printer: Any) -> str:
        return "({})%({})".format(*(printer.doprint(arg) for arg in self.args))


class Opaque(_RealNode):
    """sigma_i^(order)(x): an undetermined scalar function, possibly one for each index."""

    def __new__(cls, name: Any, selectors: Any, argument: Any, order: int = 0) -> Any:
        name = name if isinstance(name, Symbol) else Symbol(name)
        return Basic.__new__(cls, name, Tuple(*selectors), sympify(argument, strict=True), Integer(order))

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def selectors(self) -> tuple[Expr, ...]:
        return tuple(self.args[1])

    @property
    def argument(self) -> Expr:
        return self.args[2]

    @property
    def order(self) -> int:
        return int(self.args[3])

    def fdiff(self) -> Opaque:
        """The derivative by the argument: one order more."""
        return Opaque(self.args[0], self.args[1], self.args[2], self.order + 1)

    def _sympystr(self, printer: Any) -> str:
        subscript = "".join(f"_{s}" if s.is_Atom else f"_{{{printer.doprint(s)}}}" for s in self.selectors)
        return f"{self.name}{subscript}{chr(39) * self.order}({printer.doprint(self.argument)})"


class VectorMap(Reduction):
    """sigma(f)_j: component j of an undetermined map of the vector f_p, p < n, differentiated by
    the components `by`: the Jacobian's entry d sigma_j / d f_q for `by = (q,)`.
    """

    is_integer = None

    def __new__(cls, name: Any, outputs: Any, body: Any, span: Any, by: Any = ()) -> Any:
        name = name if isinstance(name, Symbol) else Symbol(name)
        return Basic.__new__(cls, name, Tuple(*outputs), sympify(body, strict=True), Tuple(*span), Tuple(*by))

    @property
    def body(self) -> Expr:
        return self.args[2]

    @property
    def ranges(self) -> tuple[Range, ...]:
        return ((self.args[3][0], self.args[3][1]),)

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def outputs(self) -> tuple[Expr, ...]:
        return tuple(self.args[1])

    @property
    def by(self) -> tuple[Expr, ...]:
        return tuple(self.args[4])

    @property
    def free_symbols(self) -> set[Basic]:
        inner: set[Basic] = set(self.body.free_symbols) - set(self.bound)
        return inner | self.args[3][1].free_symbols | self.args[1].free_symbols | self.args[4].free_symbols

    def differentiated(self, component: Expr) -> VectorMap:
        """The partial derivative by one component of the vector."""
        return VectorMap(self.args[0], self.outputs, self.body, self.args[3], (*self.by, component))

    def _sympystr(self, printer: Any) -> str:
        marks = "".join(f"_{printer.doprint(o)}" for o in self.outputs)
        by = "".join(f",{printer.doprint(q)}" for q in self.by)
        return f"{self.name}{marks}{by}({printer.doprint(self.body)})"
