"""What is alike but for the names of tensors and sizes is worked out once.

    A1[i,j] = sum_{p<n} X[i,p] W1[p,j]          A7[i,j] = sum_{p<d6} Z7[i,p] W7[p,j]

A deep network says few things many times. The work is done under placeholders and the result is renamed,
so it does not depend on what was seen before. A placeholder keeps the first letter of its name, and the
placeholders the order of the names, so that factors, terms and references are sorted as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from sympy.core.basic import Basic

from derive.calculus.expressions.tensor import Size, TensorName

Renaming = dict[Basic, Basic]
MOST_NAMES = 100  # two digits each
PLACEHOLDER = re.compile(r"[A-Za-z]~(?:\d\d|~)")


@cache
def names_in(expression: Basic) -> frozenset[Basic]:
    """The names of tensors and the sizes inside an expression."""
    if isinstance(expression, TensorName | Size):
        return frozenset((expression,))
    return frozenset[Basic]().union(*map(names_in, expression.args))


def placeholders(expressions: Iterable[Basic]) -> Renaming:
    """The names in some expressions, each with its placeholder; empty where a tensor and a size have one
    name, or where no order can be kept: Z2 is before Z21, but Z21[i] before Z2[i].
    """
    found = frozenset[Basic]().union(*map(names_in, expressions))
    names = {str(name): name for name in found}
    listed = sorted(names)
    if len(found) > min(len(names), MOST_NAMES) or listed != sorted(names, key=lambda text: f"{text}["):
        return {}
    return {names[text]: type(names[text])(f"{text[0]}~{place:02}") for place, text in enumerate(listed)}


def skeleton(node: Basic, renaming: Renaming) -> object:
    """The expression under its placeholders, as nested tuples: quicker than to build it, and as telling."""
    if not node.args:
        return renaming.get(node, node)
    return (type(node), *[skeleton(argument, renaming) for argument in node.args])
