"""Text to syntax trees: the grammar of `grammar.lark`, and the functions that a formula may call."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import sympy
from lark import Lark, Tree, UnexpectedInput, UnexpectedToken
from sympy import Expr
from sympy.codegen.cfunctions import expm1, log1p

from derive.calculus.expressions.functions import erfc
from derive.calculus.expressions.kinks import larger, smaller
from derive.calculus.expressions.limits import FormulaError, excerpt, require_length
from derive.calculus.expressions.nodes import Where

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
    "asinh": sympy.asinh,
    "acosh": sympy.acosh,
    "atanh": sympy.atanh,
    "erf": sympy.erf,
    "erfc": erfc,
    "log1p": log1p,
    "expm1": expm1,
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "max": larger,
    "min": smaller,
    "where": Where,
}
DEEPEST = 50
CHAINED = frozenset({"add", "subtract", "multiply", "divide"})
CONSTANTS = {"pi": sympy.pi}


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    starts = ["start", "equation", "header", "loop", "fact", "condition"]
    return Lark(grammar, parser="lalr", start=starts, maybe_placeholders=True)


def parse(text: str, start: str = "start") -> Any:
    """The syntax tree of one line; FormulaError with the offending place."""
    require_length(text)
    if not text.strip():
        raise FormulaError("the formula is empty; write one, as max(x, 0)")
    try:
        tree = _parser().parse(text, start=start)
    except UnexpectedInput as error:
        raise FormulaError(
            f"cannot read the formula {excerpt(text)} at {_place(error, text)}; a formula is made of names, "
            f"numbers, + - * / ^, elements X[i,p], functions ({', '.join(sorted(FUNCTIONS))}), "
            "sum_{p}, max_{q}, mean_{j} and conditions [a > b]"
        ) from None
    require_shallow(tree, text)
    return tree


def _place(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "its end, where more is expected"
    column = max(int(error.column), 1)
    return f"column {column}, from {excerpt(text[column - 1 :])} on"


def require_shallow(tree: Any, text: str) -> None:
    """FormulaError for brackets within brackets beyond what a recursion may follow.

    A sum or product of many terms is a chain to the left, not a depth.
    """
    level, waiting = 0, [tree]
    while waiting:
        if level > DEEPEST:
            raise FormulaError(
                f"the formula {excerpt(text)} is nested more than {DEEPEST} levels deep; "
                "give its inner parts names, as equations of their own"
            )
        level, waiting = level + 1, [child for node in waiting for child in _inner(node)]


def _inner(node: Any) -> list[Tree[Any]]:
    """What stands one level deeper, the left spine of a chain unrolled."""
    found: list[Tree[Any]] = []
    while isinstance(node, Tree):
        chained = node.data in CHAINED
        found += [child for child in node.children[chained:] if isinstance(child, Tree)]
        node = node.children[0] if chained else None
    return found
