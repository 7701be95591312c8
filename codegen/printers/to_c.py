"""Expressions to C, by the precedence of C, in integers or in `real`.

    Z[i,j] - c[i]                     Z[j] - c
    sum's body W1[p,j]*X[i,p]         X[q] * p->W1[q][j]
    1/sqrt(v + 1/100000)              1 / SQRT(v + (real)1e-05)
    where(A > 0, A_bar, 0)            where(A > 0, A_bar, 0)  which reads A_bar whatever A is
    where(A > 0, A, 0)                A < 0 ? 0 : A           what is not a number stays so
    where(h + u >= 1, X[h+u-1], 0)    h + u >= 1 ? X[h + u - 1] : 0       nothing lies there else

No constant is wider than `real`; small integer powers are products; each function is a macro that
`real` chooses (EXP is expf or exp). What was used is remembered, so that only that is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import sympy
from sympy import Add, And, Expr, Float, Integer, Mul, Not, Or, Pow, Rational, Symbol, preorder_traversal
from sympy.core.basic import Basic

from codegen.printers.factors import comparison, conjuncts, leads, numerator_denominator, signed_terms
from derive.calculus.expressions.bounds import proved_nonnegative
from derive.calculus.expressions.kinks import extreme
from derive.calculus.expressions.nodes import (
    Condition,
    Finite,
    FloorDiv,
    IsZero,
    Nonnegative,
    Opaque,
    Positive,
    Remainder,
    VectorMap,
    Where,
)
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, Size, refs
from derive.errors import DeriveError

TERNARY, OR, AND, EQUAL, LESS, SUM, PRODUCT, UNARY, POSTFIX = 1, 2, 3, 4, 5, 6, 7, 8, 9
LONGEST = 2**31
"""Integers below are printed as such; a longer one would not fit, or wrap around."""

FUNCTIONS: dict[str, str] = {
    "exp": "exp",
    "log": "log",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "erf": "erf",
    "erfc": "erfc",
    "Abs": "fabs",
    "log1p": "log1p",
    "expm1": "expm1",
}
COMPARISONS = {"==": EQUAL, ">": LESS, ">=": LESS, "<": LESS, "<=": LESS}


@dataclass
class Used:
    """What the expressions of a file need: libm functions, and functions of the file's own."""

    macros: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ToC:
    """Expressions in one place of a C file: how elements, sizes and functions are spelled there."""

    element: Callable[[Ref, ToC], str]
    sizes: Callable[[Expr], str | None]
    prefix: str
    used: Used
    extents: Mapping[Index, Expr] = field(default_factory=dict)
    proved: frozenset[Expr] = frozenset()
    order: tuple[Index, ...] = ()
    shapes: Callable[[str], tuple[Expr, ...] | None] = lambda _: None

    def real(self, node: Basic, level: int = TERNARY) -> str:
        """A real expression."""
        return _wrapped(*self._real(node), level)

    def integer(self, node: Basic, level: int = TERNARY) -> str:
        """An integer expression: an index or a size."""
        return _wrapped(*self._integer(node), level)

    def condition(self, node: Basic, level: int = TERNARY) -> str:
        """A condition."""
        return _wrapped(*self._condition(node), level)

    def _real(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, Where):
            return self._where(node)
        if node.is_number:
            return _number(node)
        if is_integer(node):
            return f"(real){self.integer(node, UNARY)}", UNARY
        if isinstance(node, Ref | Symbol):
            return self.element(node, self) if isinstance(node, Ref) else str(node.name), POSTFIX
        if isinstance(node, Add):
            return self._sum(node, self.real), SUM
        if isinstance(node, Mul) or (isinstance(node, Pow) and node.exp.could_extract_minus_sign()):
            return self._product(node)
        if isinstance(node, Pow):
            return self._power(node.base, node.exp)
        return self._call(node)

    def _sum(self, node: Add, write: Callable[[Basic, int], str]) -> str:
        pieces: list[str] = []
        for negative, term in signed_terms(node):
            sign = ("-" if negative else "") if not pieces else (" - " if negative else " + ")
            pieces.append(sign + write(term, PRODUCT if negative else SUM))
        return "".join(pieces)

    def _product(self, node: Expr) -> tuple[str, int]:
        sign, number, above, below = numerator_denominator(node, self.order)
        constant = Mul(number, *(factor for factor in above if factor.is_number))
        constant /= Mul(*(factor for factor in below if factor.is_number))
        above = [factor for factor in above if not factor.is_number]
        below = [factor for factor in below if not factor.is_number]
        first = leads(constant, (type(factor).__name__ for factor in above))
        top, bottom = self._constant(constant, first)
        top += [self.real(factor, UNARY if top or place else PRODUCT) for place, factor in enumerate(above)]
        bottom += [self.real(factor, UNARY) for factor in below]
        written = " * ".join(top) or "1"
        if bottom:
            written += " / " + (bottom[0] if len(bottom) == 1 else f"({' * '.join(bottom)})")
        minus = "-" if sign < 0 else ""
        return minus + written, PRODUCT if len(top) + len(bottom) > 1 else (UNARY if minus else POSTFIX)

    def _constant(self, constant: Expr, first: bool) -> tuple[list[str], list[str]]:
        """A constant factor as what stands above and below the fraction bar; above where it goes first."""
        if constant == 1:
            return [], []
        if (
            isinstance(constant, Rational)
            and 1 < constant.q <= 16
            and abs(constant.p) < LONGEST
            and not first
        ):
            return ([str(constant.p)] if constant.p != 1 else []), [str(constant.q)]
        return [_wrapped(*_number(constant), UNARY)], []

    def _power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        """x^2 as x * x, x^(3/2) as x * SQRT(x), anything else by POW."""
        whole, half = divmod(2 * exponent, 2) if (2 * exponent).is_Integer else (0, 0)
        if whole > 4 or (whole == 0 and half == 0):
            return f"{self._macro('pow')}({self.real(base)}, {self.real(exponent)})", POSTFIX
        root = [f"{self._macro('sqrt')}({self.real(base)})"] if half else []
        if whole > 1 and not isinstance(base, Ref):
            return self._repeated(base, int(whole), root)
        factors = [self.real(base, UNARY)] * int(whole) + root
        return " * ".join(factors), PRODUCT if len(factors) > 1 else POSTFIX

    def _repeated(self, base: Expr, whole: int, root: list[str]) -> tuple[str, int]:
        """A power of an expression, which is evaluated once."""
        name = {2: "square", 3: "cube", 4: "fourth_power"}[whole]
        self.used.own.add(name)
        factors = [f"{self.prefix}_{name}({self.real(base)})", *root]
        return " * ".join(factors), PRODUCT if root else POSTFIX

    def _call(self, node: Basic) -> tuple[str, int]:
        name = type(node).__name__
        if name == "sign":
            self.used.own.add("sign")
            return f"{self.prefix}_sign({self.real(node.args[0])})", POSTFIX
        if name not in FUNCTIONS:
            if isinstance(node, Opaque | VectorMap):
                what = f"{node.name} is undetermined; give it a formula"
            else:
                what = f"{name} is no function of libm; use {', '.join(sorted(FUNCTIONS))}"
            raise DeriveError(f"{self.prefix} has no C: {what}")
        (argument,) = node.args
        if name == "log" and isinstance(argument, Add) and Integer(1) in argument.args:
            name, argument = "log1p", argument - 1
        return f"{self._macro(FUNCTIONS[name])}({self.real(argument)})", POSTFIX

    def _macro(self, name: str) -> str:
        self.used.macros.add(name)
        return name.upper()

    def _where(self, node: Where) -> tuple[str, int]:
        chosen, other = node.chosen, node.other
        if chosen == 1 and other == 0:
            return f"(real)({self.condition(node.condition)})", UNARY
        if isinstance(node.condition, Positive) and chosen == node.condition.expression and other == 0:
            return f"{self.real(chosen, LESS + 1)} < 0 ? 0 : {self.real(chosen)}", TERNARY
        larger = extreme(node)
        if larger is not None and larger[2].is_number and other != 0:
            name = {"max": "larger", "min": "smaller"}[larger[0]]
            self.used.own.add(name)
            return f"{self.prefix}_{name}({self.real(larger[1])}, {self.real(larger[2])})", POSTFIX
        inner = self.assuming(node.condition)
        if self.reads_anyway(node):
            self.used.own.add("where")
            parts = (self.condition(node.condition), inner.real(chosen), self.real(other))
            return f"{self.prefix}_where({', '.join(parts)})", POSTFIX
        condition = self.condition(node.condition, OR)
        real = "(real)" if chosen.is_Integer and other.is_Integer else ""  # 1 / (c ? 2 : 1) is an int's
        return f"{condition} ? {real}{inner.real(chosen, OR)} : {self.real(other, TERNARY)}", TERNARY

    def reads_anyway(self, node: Where) -> bool:
        """Whether both values of a choice may be read and computed, whatever the condition says.

        Without calls that costs less than a branch. Compilers make a masked load of a conditional read, and
        gcc 11 and 12 confuse the masks of several (docs/decisions/0016-masked-loads.md).
        """
        values = (node.chosen, node.other)
        if any(_calls(part) for value in values for part in preorder_traversal(value)):
            return False
        read = refs(node.chosen) | refs(node.other)
        return bool(read) and (compares_reals(node.condition) or all(map(self._within_range, read)))

    def _within_range(self, ref: Ref) -> bool:
        """Whether an element is proved to exist for all values of its indices."""
        shape = self.shapes(ref.name)
        return shape is not None and all(
            proved_nonnegative(place, self.extents) and proved_nonnegative(size - 1 - place, self.extents)
            for place, size in zip(ref.indices, shape, strict=True)
        )

    def assuming(self, condition: Basic) -> ToC:
        """The same place where a condition is known to hold."""
        if condition == sympy.true:
            return self
        known = {part.expression for part in conjuncts(condition) if isinstance(part, Nonnegative)}
        return self.within(self.extents, self.proved | known)

    def within(self, extents: Mapping[Index, Expr], proved: frozenset[Expr] | None = None) -> ToC:
        """The same place inside of more loops."""
        facts = self.proved if proved is None else proved
        return replace(self, extents=extents, proved=facts)

    def ordered(self, target: Ref) -> ToC:
        """The same place with factors in the order of a target's indices."""
        return replace(self, order=tuple(index for index in target.indices if isinstance(index, Index)))

    def _condition(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, IsZero) and isinstance(node.expression, Remainder):
            dividend, divisor = node.expression.args  # the sign of a remainder does not matter here
            return f"{self.integer(dividend, PRODUCT)} % {self.integer(divisor, UNARY)} == 0", EQUAL
        if isinstance(node, Finite):
            return f"isfinite({self.real(node.expression)})", POSTFIX
        if isinstance(node, Condition):
            left, sign, right = comparison(node)
            write = self.integer if is_integer(node.expression) else self.real
            own = COMPARISONS[sign]
            return f"{write(left, own + 1)} {sign} {write(right, own + 1)}", own
        if isinstance(node, And):
            return " && ".join(self.condition(part, AND) for part in conjuncts(node)), AND
        if isinstance(node, Or):
            return " || ".join(self.condition(part, AND + 1) for part in node.args), OR
        if isinstance(node, Not) and isinstance(node.args[0], IsZero):
            text, own = self._condition(node.args[0])
            return text.replace(" == ", " != "), own
        if isinstance(node, Not):
            return f"!({self.condition(node.args[0])})", UNARY
        return ("1" if node == sympy.true else "0"), POSTFIX

    def _integer(self, node: Basic) -> tuple[str, int]:
        if isinstance(node, Index):
            return str(node.name), POSTFIX
        named = self.sizes(node)
        if named is not None:
            return named, POSTFIX
        if isinstance(node, Ref):
            return self.element(node, self), POSTFIX
        if node.is_Integer:
            return str(node.p), POSTFIX if node.is_nonnegative else UNARY
        if isinstance(node, Add):
            return self._sum(node, self.integer), SUM
        if isinstance(node, FloorDiv | Remainder):
            return self._divided(node)
        if isinstance(node, Pow):
            return " * ".join([self.integer(node.base, UNARY)] * int(node.exp)), PRODUCT
        sign, number, above, _ = numerator_denominator(node)
        factors = [str(number)] if number != 1 else []
        factors += [self.integer(factor, UNARY) for factor in above]
        return ("-" if sign < 0 else "") + " * ".join(factors), PRODUCT if len(factors) > 1 else UNARY

    def _divided(self, node: Basic) -> tuple[str, int]:
        """Division rounded down is C's own where the dividend cannot be negative."""
        dividend, divisor = node.args
        sign = "/" if isinstance(node, FloorDiv) else "%"
        if (
            not dividend.has(Index, Ref)
            or dividend in self.proved
            or proved_nonnegative(dividend, self.extents)
        ):
            return f"{self.integer(dividend, PRODUCT)} {sign} {self.integer(divisor, UNARY)}", PRODUCT
        name = "floor_divide" if isinstance(node, FloorDiv) else "remainder"
        self.used.own.add(name)
        return f"{self.prefix}_{name}({self.integer(dividend)}, {self.integer(divisor)})", POSTFIX


def is_integer(node: Basic) -> bool:
    """Whether an expression is made of indices, sizes and integers alone."""
    if isinstance(node, Index | Size | IntegerRef) or node.is_Integer:
        return True
    if isinstance(node, Pow):
        return is_integer(node.base) and bool(node.exp.is_Integer and node.exp > 0)
    return isinstance(node, Add | Mul | FloorDiv | Remainder) and all(map(is_integer, node.args))


def compares_reals(condition: Basic) -> bool:
    """Whether a condition guards no index."""
    return not any(is_integer(part.expression) for part in condition.atoms(Condition))


def _calls(node: Basic) -> bool:
    """Whether a node alone is a call of libm that costs more than a few operations."""
    if isinstance(node, Pow):
        return not (2 * node.exp).is_Integer or abs(node.exp) > Rational(9, 2)
    return type(node).__name__ in FUNCTIONS and type(node).__name__ != "Abs"


def _wrapped(written: str, own: int, level: int) -> str:
    return written if own >= level else f"({written})"


def _number(node: Basic) -> tuple[str, int]:
    """A constant that is exact, or rounded to `real` once."""
    if node.is_infinite:
        return ("(real)INFINITY", UNARY) if node.is_positive else ("-(real)INFINITY", UNARY)
    if isinstance(node, Integer) and abs(node.p) < LONGEST:
        return str(node.p), POSTFIX if node.is_nonnegative else UNARY
    digits = repr(float(node)) if isinstance(node, Float | Rational) else repr(float(node.evalf(25)))
    return f"(real){digits}", UNARY
