"""One spelling for expressions that differ in the names of their bound indices only.

sum_{p<n} X[i,p] W[p,j]   and   sum_{q<n} W[q,j] X[i,q]   have one spelling
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from sympy import Add, And, Mul
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Range, Reduction
from derive.calculus.expressions.tensor import Index

Letters: TypeAlias = Mapping[Basic, str]


@cache
def spelling(value: Basic, ranges: tuple[Range, ...]) -> str:
    """A value over loops, with the loops named by position and the bound indices by depth."""
    letters = {index: f"loop{n}" for n, (index, _) in enumerate(ranges)}
    extents = ",".join(_spelled(extent, letters, 0) for _, extent in ranges)
    return f"{_spelled(value, letters, 0)} [{extents}]"


def _spelled(node: Basic, letters: Letters, depth: int) -> str:
    if isinstance(node, Index):
        return letters.get(node, str(node.name))
    if not node.args:
        return str(node)
    head = type(node).__name__
    if isinstance(node, Reduction):
        inner = {**letters, **{index: f"bound{depth + n}" for n, index in enumerate(node.bound)}}
        deeper = depth + len(node.bound)
        return f"{head}({','.join(_spelled(argument, inner, deeper) for argument in node.args)})"
    parts = [_spelled(argument, letters, depth) for argument in node.args]
    return f"{head}({','.join(sorted(parts) if isinstance(node, Add | Mul | And) else parts)})"
