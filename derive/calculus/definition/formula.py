"""Text to expressions: the grammar of `grammar.lark`, with an own reader and never evaluation of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy
from sympy import And, Expr, Symbol

from derive.calculus.definition.syntax import CHAINED, CONSTANTS, FUNCTIONS, parse
from derive.calculus.expressions.bounds import placeholder
from derive.calculus.expressions.kinks import canonical_kinks
from derive.calculus.expressions.limits import (
    FormulaError,
    NotDefined,
    bounded,
    called,
    excerpt,
    literal,
    power,
    quotient,
    require_plain_powers,
)
from derive.calculus.expressions.nodes import (
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
from derive.calculus.expressions.substitution import fresh
from derive.calculus.expressions.tensor import Index, IntegerRef, Tensor

_FACTORISE = (
    "it has no formula by elements; write the elimination as a recurrence over t < n, "
    "or declare what it gives as an input of its own"
)
MATRIX_FUNCTIONS = {
    **dict.fromkeys(("det", "logdet", "inv", "inverse", "solve"), _FACTORISE),
    **dict.fromkeys(("tr", "trace"), "write the sum over the diagonal, sum_{i} A[i,i]"),
    "norm": "write the root of the sum of squares, sqrt(sum_{i} x[i]^2)",
    "diag": "write the element, where(i == j, x[i], 0)",
}


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
    bound: frozenset[str] = frozenset()

    def with_bound(self, names: Iterable[str]) -> Scope:
        """The scope inside a reduction; the letter of an outer one, used again, is another index."""
        found: dict[str, Index] = {}
        for name in names:
            found[name] = fresh(name, {index.name for index in (*self.indices.values(), *found.values())})
        return replace(self, indices={**self.indices, **found}, bound=self.bound | found.keys())


def scalar_formula(text: str, variable: str = "x") -> Callable[[Expr], Expr]:
    """A function of one variable typed by a user: `x/(1+exp(-x))`."""
    placeholder = Symbol(variable, real=True)
    expression = canonical_kinks(read(parse(text), Scope(variables={variable: placeholder}), text))
    if expression.free_symbols - {placeholder}:
        raise FormulaError(
            f"the formula {excerpt(text)} has indices of its own; only {variable!r} varies, "
            "and a layer with sums is written by define"
        )
    require_plain_powers(expression, text)

    def function(argument: Expr) -> Expr:
        return expression.xreplace({placeholder: argument})

    return function


def read(tree: Any, scope: Scope, text: str) -> Expr:
    """The expression of a syntax tree in a scope; a chain a + b + c is followed without recursion."""
    chain = []
    while not isinstance(tree, str) and tree.data in CHAINED:
        chain.append((str(tree.data), tree.children[1]))
        tree = tree.children[0]
    value = _read_one(tree, scope, text)
    for operation, operand in reversed(chain):
        value = bounded(_OPERATIONS[operation](value, read(operand, scope, text), text), text)
    return value


def _read_one(tree: Any, scope: Scope, text: str) -> Expr:
    if isinstance(tree, str):  # a token
        raise FormulaError(f"a value is expected instead of {str(tree)!r} in {excerpt(text)}")
    if tree.data == "condition":
        raise FormulaError(
            f"{excerpt(text)} has a condition where a number is expected; write [a > b] for 1 or 0, "
            "or where(condition, a, b)"
        )
    return bounded(_READERS[str(tree.data)](tree.children, scope, text), text)


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
        raise FormulaError(
            f"{name!r} in {excerpt(text)} is a tensor {tensor}; write its indices, {name}[...]"
        )
    known = sorted({*scope.indices, *scope.values, *scope.variables, *scope.tensors})
    raise NotDefined(name, text, ", ".join(known))


def _element(children: list[Any], scope: Scope, text: str) -> Expr:
    name = str(children[0])
    if name not in scope.tensors:
        raise NotDefined(name, text, ", ".join(sorted(scope.tensors)))
    tensor, indices = scope.tensors[name], [sympy.expand(read(child, scope, text)) for child in children[1:]]
    if len(indices) != len(tensor.axes):
        raise FormulaError(
            f"{tensor} has {len(tensor.axes)} axes but {excerpt(text)} gives {len(indices)} indices; "
            "write one for each axis"
        )
    for axis, index in zip(tensor.axes, indices, strict=True):
        if not index.is_integer:
            raise FormulaError(
                f"axis {axis} of {tensor} is read at {index} in {excerpt(text)}, which is no integer; "
                "declare what it is made of as integer, or divide by (a//b)"
            )
    return tensor[tuple(indices)]


def _call(children: list[Any], scope: Scope, text: str) -> Expr:
    name, arguments = str(children[0]), children[1:]
    if name.split("_", maxsplit=1)[0] in scope.opaque:
        selectors = [scope.indices.get(part, Symbol(part)) for part in name.split("_")[1:]]
        if len(arguments) != 1:
            raise FormulaError(f"{name} in {excerpt(text)} is undetermined; give it one argument")
        return Opaque(name.split("_", maxsplit=1)[0], selectors, read(arguments[0], scope, text))
    if name not in FUNCTIONS and len(arguments) == 1 and _is_value(name, scope):
        return _name([name], scope, text) * read(arguments[0], scope, text)
    if name not in FUNCTIONS:
        remedy = MATRIX_FUNCTIONS.get(name, f"known: {', '.join(sorted(FUNCTIONS))}")
        raise FormulaError(f"unknown function {name!r} in {excerpt(text)}; {remedy}")
    if name == "where":
        return _where(arguments, scope, text)
    return called(name, FUNCTIONS[name], [read(argument, scope, text) for argument in arguments], text)


def _where(arguments: list[Any], scope: Scope, text: str) -> Expr:
    """where(condition, a, b): of the branches, only the one chosen is evaluated."""
    if len(arguments) not in (2, 3) or getattr(arguments[0], "data", "") != "condition":
        raise FormulaError(
            f"where in {excerpt(text)} takes a condition and two values; write where(a > b, c, d)"
        )
    condition = read_condition(arguments[0], scope, text)
    return Where(condition, *(read(argument, scope, text) for argument in arguments[1:]))


def _is_value(name: str, scope: Scope) -> bool:
    """Whether `m (a + b)` is a product, m being no function."""
    scalar = name in scope.tensors and not scope.tensors[name].axes
    return scalar or any(name in table for table in (scope.indices, scope.variables, scope.values, CONSTANTS))


def _reduce(children: list[Any], scope: Scope, text: str) -> Expr:
    kind, spans, body = str(children[0])[:-1], children[1:-1], children[-1]
    for span in spans:
        _require_fresh(kind, str(span.children[0]), scope, text)
    inner = scope.with_bound(str(span.children[0]) for span in spans)
    ranges, guards = [], []
    for span in spans:
        name, sign, bound = span.children
        index = inner.indices[str(name)]
        limit = None if bound is None else read(bound, inner, text)
        if limit is not None and sign == "<" and (isinstance(limit, IntegerRef) or not limit.atoms(Index)):
            ranges.append((index, limit))
        else:
            ranges.append((index, placeholder(index.name)))
            guards += [] if limit is None else [compare(index, str(sign), limit)]
    return _reduced(kind, read(body, inner, text), ranges, guards)


def _require_fresh(kind: str, name: str, scope: Scope, text: str) -> None:
    """FormulaError where one letter would be free and bound."""
    if name in scope.indices and name not in scope.bound:
        raise FormulaError(
            f"index {name} of {kind}_{{{name}}} in {excerpt(text)} runs already outside of it; "
            "name one of the two otherwise"
        )


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


def _number(children: list[Any], _scope: Scope, text: str) -> Expr:
    return literal(str(children[0]), text)


def _raised(children: list[Any], scope: Scope, text: str) -> Expr:
    return power(read(children[0], scope, text), read(children[1], scope, text), text)


def _of_integers(operation: Callable[[Expr, Expr], Expr]) -> Callable[[list[Any], Scope, str], Expr]:
    def reader(children: list[Any], scope: Scope, text: str) -> Expr:
        a, b = (read(child, scope, text) for child in children)
        if not (a.is_integer and b.is_integer):
            raise FormulaError(
                f"{a} // or % {b} in {excerpt(text)} is not of integers; they belong in indices"
            )
        if b.is_zero:
            raise FormulaError(f"{excerpt(text)} divides by 0; take the division out")
        return operation(a, b)

    return reader


_OPERATIONS: dict[str, Callable[[Expr, Expr, str], Expr]] = {
    "add": lambda a, b, _: a + b,
    "subtract": lambda a, b, _: a - b,
    "multiply": lambda a, b, _: a * b,
    "divide": quotient,
}
_READERS: dict[str, Callable[[list[Any], Scope, str], Expr]] = {
    "name": _name,
    "number": _number,
    "element": _element,
    "call": _call,
    "reduce": _reduce,
    "raised": _raised,
    "floor_divide": _of_integers(FloorDiv),
    "remainder": _of_integers(Remainder),
    "negative": lambda children, scope, text: -read(children[0], scope, text),
    "indicator": lambda children, scope, text: Where(read_condition(children[0], scope, text), 1, 0),
}
