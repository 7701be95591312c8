"""Text to expressions: the grammar of `grammar.lark`, with an own reader and never evaluation of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sympy
from lark import Lark, Token, UnexpectedInput
from sympy import And, Expr, Float, Integer, Symbol
from sympy.codegen.cfunctions import expm1, log1p

from derive.calculus.bounds import placeholder
from derive.calculus.kinks import canonical_kinks, larger, smaller
from derive.calculus.nodes import (
    ArgLargest,
    FloorDiv,
    IsZero,
    Largest,
    Nonnegative,
    Opaque,
    Positive,
    Remainder,
    Sum,
    Where,
)
from derive.calculus.tensor import Index, IntegerRef, Tensor
from derive.errors import DeriveError

FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "atan": sympy.atan,
    "erf": sympy.erf,
    "log1p": log1p,
    "expm1": expm1,
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "max": larger,
    "min": smaller,
    "where": Where,
}
CONSTANTS = {"pi": sympy.pi}


class FormulaError(DeriveError):
    """A formula that cannot be read: the text, the place and what was expected."""


@dataclass(frozen=True)
class Scope:
    """What the names of a formula mean.

    `unresolved` holds the extents that a reader finds later from use: index -> None.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    indices: Mapping[str, Index] = field(default_factory=dict)
    values: Mapping[str, Expr] = field(default_factory=dict)
    variables: Mapping[str, Expr] = field(default_factory=dict)
    opaque: frozenset[str] = frozenset()

    def with_indices(self, found: Mapping[str, Index]) -> Scope:
        return Scope(self.tensors, {**self.indices, **found}, self.values, self.variables, self.opaque)


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    starts = ["start", "equation", "header", "loop", "condition"]
    return Lark(grammar, parser="lalr", start=starts, maybe_placeholders=True)


def parse(text: str, start: str = "start") -> Any:
    """The syntax tree of one line; FormulaError with a caret under the offending place."""
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        column = max(getattr(error, "column", 1) or 1, 1)
        raise FormulaError(
            f"cannot read the formula at column {column}:\n    {text}\n    {' ' * (column - 1)}^\n"
            "a formula is made of names, numbers, + - * / ^, elements X[i,p], functions "
            f"({', '.join(sorted(FUNCTIONS))}), sum_{{p}}, max_{{q}}, mean_{{j}} and conditions [a > b]"
        ) from None


def scalar_formula(text: str, variable: str = "x") -> Callable[[Expr], Expr]:
    """A function of one variable typed by a user: `x/(1+exp(-x))`."""
    placeholder = Symbol("placeholder", real=True)
    expression = canonical_kinks(read(parse(text), Scope(variables={variable: placeholder}), text))
    free = expression.free_symbols - {placeholder}
    if free:
        raise FormulaError(
            f"the formula {text!r} has unknown names {sorted(map(str, free))}; only {variable!r} varies"
        )

    def applied(argument: Expr) -> Expr:
        return expression.xreplace({placeholder: argument})

    return applied


def read(tree: Any, scope: Scope, text: str) -> Expr:
    """The expression of a syntax tree in a scope."""
    if isinstance(tree, Token):
        raise FormulaError(f"a value is expected instead of {str(tree)!r} in {text!r}")
    return _READERS[str(tree.data)](tree.children, scope, text)


def read_condition(tree: Any, scope: Scope, text: str) -> Any:
    """The condition of a syntax tree: comparisons, all of which hold."""
    return And(*(_comparison(child, scope, text) for child in tree.children))


def compare(left: Expr, sign: str, right: Expr) -> Any:
    """left < right as a comparison with zero; of integers, strict becomes closed."""
    if sign in ("<", "<="):
        return compare(right, ">" if sign == "<" else ">=", left)
    difference = sympy.expand(left - right)
    if sign == "==":
        return IsZero(difference)
    if sign == ">=":
        return Nonnegative(difference)
    return Nonnegative(difference - 1) if difference.is_integer else Positive(difference)


def _comparison(tree: Any, scope: Scope, text: str) -> Any:
    left, sign, right = tree.children
    return compare(read(left, scope, text), str(sign), read(right, scope, text))


def _name(children: list[Any], scope: Scope, text: str) -> Expr:
    name = str(children[0])
    for table in (scope.indices, scope.variables, scope.values, CONSTANTS):
        if name in table:
            return table[name]
    if name in scope.tensors and not scope.tensors[name].axes:
        return scope.tensors[name][()]
    if name in scope.tensors:
        tensor = scope.tensors[name]
        raise FormulaError(f"{name!r} in {text!r} is a tensor {tensor}; write its indices, {name}[...]")
    known = sorted({*scope.indices, *scope.values, *scope.variables, *scope.tensors})
    raise FormulaError(f"unknown name {name!r} in {text!r}; known here: {', '.join(known) or 'none'}")


def _element(children: list[Any], scope: Scope, text: str) -> Expr:
    name = str(children[0])
    if name not in scope.tensors:
        raise FormulaError(
            f"unknown tensor {name!r} in {text!r}; declared: {', '.join(sorted(scope.tensors)) or 'none'}"
        )
    tensor, indices = scope.tensors[name], [sympy.expand(read(child, scope, text)) for child in children[1:]]
    if len(indices) != len(tensor.axes):
        raise FormulaError(f"{tensor} has {len(tensor.axes)} axes but {text!r} gives {len(indices)} indices")
    return tensor[tuple(indices)]


def _call(children: list[Any], scope: Scope, text: str) -> Expr:
    name, arguments = str(children[0]), children[1:]
    if name.split("_", maxsplit=1)[0] in scope.opaque:
        selectors = [scope.indices.get(part, Symbol(part)) for part in name.split("_")[1:]]
        return Opaque(name.split("_", maxsplit=1)[0], selectors, read(arguments[0], scope, text))
    if name not in FUNCTIONS and len(arguments) == 1 and _is_value(name, scope):
        return _name([name], scope, text) * read(arguments[0], scope, text)
    if name not in FUNCTIONS:
        raise FormulaError(f"unknown function {name!r} in {text!r}; known: {', '.join(sorted(FUNCTIONS))}")
    values = [
        read_condition(argument, scope, text) if argument.data == "condition" else read(argument, scope, text)
        for argument in arguments
    ]
    try:
        return FUNCTIONS[name](*values)
    except TypeError:
        raise FormulaError(f"{name} in {text!r} does not take {len(values)} arguments") from None


def _is_value(name: str, scope: Scope) -> bool:
    """Whether `m (a + b)` is a product, m being no function."""
    scalar = name in scope.tensors and not scope.tensors[name].axes
    return scalar or any(name in table for table in (scope.indices, scope.variables, scope.values, CONSTANTS))


def _reduce(children: list[Any], scope: Scope, text: str) -> Expr:
    kind, spans, body = str(children[0])[:-1], children[1:-1], children[-1]
    inner = scope.with_indices({str(span.children[0]): Index(str(span.children[0])) for span in spans})
    ranges, guards = [], []
    for span in spans:
        name, sign, bound = span.children
        index = inner.indices[str(name)]
        limit = None if bound is None else read(bound, inner, text)
        if limit is not None and sign == "<" and (isinstance(limit, IntegerRef) or not limit.atoms(Index)):
            ranges.append((index, limit))
        else:
            ranges.append((index, placeholder(str(name))))
            guards += [] if limit is None else [compare(index, str(sign), limit)]
    return _reduced(kind, read(body, inner, text), ranges, guards)


def _reduced(kind: str, body: Expr, ranges: list[Any], guards: list[Any]) -> Expr:
    guard = And(*guards)
    if kind == "max":
        return Largest(Where(guard, body, -sympy.oo), *ranges)
    if kind == "argmax":
        return ArgLargest(Where(guard, body, -sympy.oo), *ranges)
    total: Expr = Sum(Where(guard, body, 0), *ranges)
    if kind == "mean":
        for _, extent in ranges:
            total = total / extent
    return total


def _number(children: list[Any], _scope: Scope, _text: str) -> Expr:
    digits = str(children[0])
    return (
        Integer(int(digits))
        if digits.isdigit()
        else sympy.Rational(digits)
        if "e" not in digits.lower()
        else Float(digits)
    )


def _binary(operation: Callable[[Expr, Expr], Expr]) -> Callable[[list[Any], Scope, str], Expr]:
    return lambda children, scope, text: operation(
        read(children[0], scope, text), read(children[1], scope, text)
    )


_READERS: dict[str, Callable[[list[Any], Scope, str], Expr]] = {
    "name": _name,
    "number": _number,
    "element": _element,
    "call": _call,
    "reduce": _reduce,
    "add": _binary(lambda a, b: a + b),
    "subtract": _binary(lambda a, b: a - b),
    "multiply": _binary(lambda a, b: a * b),
    "divide": _binary(lambda a, b: a / b),
    "raised": _binary(lambda a, b: a**b),
    "floor_divide": _binary(FloorDiv),
    "remainder": _binary(Remainder),
    "negative": lambda children, scope, text: -read(children[0], scope, text),
    "indicator": lambda children, scope, text: Where(read_condition(children[0], scope, text), 1, 0),
}
