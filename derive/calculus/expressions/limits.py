"""What a formula may hold: numbers that a double holds, powers and depths that can be worked with.

    10^(10^10)     refused before it is computed
    x/0, log(0)    refused: no value
    sqrt(-1)       refused: not real
    (-2)^x         refused: not real for every x
    sqrt(-e^x)     refused: real for no x
    |x|^x          exp(x log|x|), the base of a computed exponent being 0 or more

So every formula is read in bounded time and space, whatever was typed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from sympy import Expr, Float, Integer, Pow, Rational, exp, log, nan, oo, zoo
from sympy.core.basic import Basic

from derive.errors import DeriveError

LONGEST = 10_000
LARGEST_TREE = 5_000
LARGEST_POWER = 100
DIGITS = 40
DECADES = 300
GROWING = {"exp": 690, "expm1": 690, "sinh": 690, "cosh": 690}


class FormulaError(DeriveError):
    """A formula that cannot be read: the text, the place and what was expected."""


class NotDefined(FormulaError):
    """A tensor that no line before this one defines."""

    def __init__(self, name: str, text: str, known: str) -> None:
        super().__init__(
            f"unknown name {name!r} in {excerpt(text)}; known here: {known or 'none'}; declare it or write "
            "its equation first"
        )
        self.name, self.text = name, text


def excerpt(text: str) -> str:
    """A text as a message shows it: its beginning, where it is long."""
    return repr(text if len(text) <= 200 else f"{text[:160]} ... ({len(text)} characters)")


def require_length(text: str) -> None:
    """FormulaError for a line that nobody typed."""
    if len(text) > LONGEST:
        raise FormulaError(
            f"the formula {excerpt(text)} is longer than {LONGEST} characters; "
            "give its parts names, as equations of their own"
        )


def literal(digits: str, text: str) -> Expr:
    """The number that the digits spell, exactly; with an exponent, in double."""
    mantissa, _, exponent = digits.lower().partition("e")
    whole = mantissa.partition(".")[0]
    if len(mantissa) > DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) + len(whole) > DECADES:
        raise FormulaError(
            f"the number {excerpt(digits)} in {excerpt(text)} is beyond what a double holds; "
            f"write at most {DIGITS} digits and an exponent within {DECADES}"
        )
    if digits.isdigit():
        return Integer(int(digits))
    return Float(digits) if exponent else Rational(digits)


def bounded(value: Expr, text: str) -> Expr:
    """The value, where it is a real number or small enough an expression to be worked with."""
    if value.is_number:
        _require_real(value, text)
    elif isinstance(value, Pow) and value.exp.is_number and abs(value.exp) > LARGEST_POWER:
        raise FormulaError(
            f"{excerpt(text)} holds the power {value.exp}, beyond {LARGEST_POWER}; "
            "write it by exp and log, or as the formula of a smaller power"
        )
    if weight(value) > LARGEST_TREE:
        raise FormulaError(
            f"{excerpt(text)} holds more than {LARGEST_TREE} operations when its maxima and moduli are "
            "written out; give its parts names, as equations of their own"
        )
    return value


def _require_real(value: Expr, text: str) -> None:
    number = value if value.is_Rational else value.evalf(17)
    if number in (zoo, nan, oo, -oo):
        raise FormulaError(
            f"{excerpt(text)} holds a part without a finite value, as log(0) or tan(pi/2); take it out"
        )
    if not number.is_real:
        raise FormulaError(f"{excerpt(text)} holds a number that is not real; keep sqrt and powers real")
    if abs(number) > Integer(10) ** DECADES:
        raise FormulaError(
            f"{excerpt(text)} holds a number beyond 1e{DECADES}, which no double holds; take it out"
        )


def require_plain_powers(value: Expr, text: str) -> None:
    """FormulaError for a power whose exponent is computed and whose base may be negative."""
    for node in sorted(value.atoms(Pow), key=str):
        if is_computed(node.exp) and not node.base.is_number:
            raise FormulaError(
                f"{excerpt(text)} raises {_as_typed(node.base)}, which may be negative, to "
                f"{_as_typed(node.exp)}, which varies: no real number then; write exp(a log(x)) of a base "
                "that is positive, or abs of it"
            )


@cache
def weight(value: Basic) -> int:
    """How many nodes an expression has, written out."""
    return 1 + sum(weight(argument) for argument in value.args)


def power(base: Expr, exponent: Expr, text: str) -> Expr:
    """base^exponent, refused before a number grows out of bounds or leaves the reals."""
    if base.is_number and exponent.is_number:
        _require_decades(base, exponent, text)
    if base.is_zero and not exponent.is_nonnegative:
        raise FormulaError(
            f"{excerpt(text)} raises 0 to a power that may be 0 or less, which has no value; take it out"
        )
    if base.is_number and base.is_negative and not exponent.is_integer:
        raise FormulaError(
            f"{excerpt(text)} raises {base} to {exponent}, which is not real; write it by exp, sin or cos"
        )
    if base.is_negative and exponent.is_Rational and not exponent.is_integer:
        _refuse_negative(f"the power {exponent} of", base, text)
    if base.is_nonnegative and not base.is_number and is_computed(exponent):
        return exp(exponent * log(base))
    return base**exponent


def is_computed(exponent: Expr) -> bool:
    """Whether an exponent is neither a number nor made of indices and sizes."""
    return not exponent.is_number and not exponent.is_integer


def _refuse_negative(what: str, argument: Expr, text: str) -> None:
    raise FormulaError(
        f"{excerpt(text)} takes {what} {_as_typed(argument)}, which is negative everywhere, so that it is "
        "no real number anywhere; take it out, or take that of the opposite"
    )


def _as_typed(value: Expr) -> str:
    """A part of a formula, with ^ and abs."""
    return str(value).replace("**", "^").replace("Abs(", "abs(")


def _require_decades(base: Expr, exponent: Expr, text: str) -> None:
    size = abs(float(base))
    if size > 0 and abs(float(exponent) * math.log10(size)) > DECADES:
        raise FormulaError(
            f"{excerpt(text)} holds {base}^{exponent}, beyond 1e{DECADES} or below its inverse, "
            "which no double holds; take it out"
        )


def quotient(a: Expr, b: Expr, text: str) -> Expr:
    """a/b, refused where b is 0."""
    if b.is_zero:
        raise FormulaError(f"{excerpt(text)} divides by 0; take the division out")
    return a / b


def called(name: str, function: Callable[..., Expr], arguments: list[Any], text: str) -> Expr:
    """function(arguments), refused before exp of a number grows out of bounds."""
    limit = GROWING.get(name)
    if limit and arguments and arguments[0].is_number and abs(arguments[0].evalf(17)) > limit:
        raise FormulaError(
            f"{excerpt(text)} holds {name} of a number beyond {limit}, which no double holds; take it out"
        )
    first = arguments[0] if arguments else None
    if name in ("sqrt", "log") and isinstance(first, Expr) and first.is_negative and not first.is_number:
        _refuse_negative(f"the {name} of", first, text)
    try:
        return function(*arguments)
    except TypeError:
        raise FormulaError(
            f"{name} in {excerpt(text)} does not take {len(arguments)} arguments; "
            f"{'where(condition, a, b) takes three' if name == 'where' else 'give it as many as it has'}"
        ) from None
