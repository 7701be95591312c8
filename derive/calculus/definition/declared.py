"""Facts that a definition declares: laws that no equation gives.

    fact sum_{j} P[i,j] = 1        the rows of P sum to 1
    fact A[i,j] = A[j,i]           A is symmetric

A fact holds for all values of its free indices. Derivatives are simplified by facts, never taken along
them: P_bar is the gradient by P as if P were free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Tuple

from derive.calculus.definition.extents import infer_extents
from derive.calculus.definition.formula import Scope, read
from derive.calculus.definition.syntax import CONSTANTS, parse
from derive.calculus.expressions.canonical import same
from derive.calculus.expressions.limits import FormulaError, excerpt
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Fact


def fact_of(owner: str, line: str, scope: Scope) -> Fact:
    """The fact of one line; FormulaError for one that names no tensor, or whose sizes disagree."""
    left_tree, right_tree = parse(line, "fact").children
    free = tuple(Index(name) for name in _free(left_tree, scope))
    inner = Scope(scope.tensors, {str(i): i for i in free}, scope.values, scope.variables, scope.opaque)
    left, right = (read(tree, inner, line) for tree in (left_tree, right_tree))
    if not refs(left):
        raise FormulaError(
            f"{owner}: the fact {excerpt(line)} says nothing of a tensor; write its law on the left"
        )
    both, _ = infer_extents(owner, line, Tuple(left, right), list(free), None, {}, free, scope.tensors)
    return Fact(both[0], both[1], f"declared: {line}")


def _free(tree: Any, scope: Scope) -> Iterable[str]:
    """The letters of the left side that are no tensor, no size and bound by no sum."""
    known: set[str] = {*scope.tensors, *scope.values, *scope.variables, *CONSTANTS}
    bound = {str(node.children[0]) for node in tree.find_data("span")}
    found = [str(node.children[0]) for node in tree.find_data("name")]
    return dict.fromkeys(letter for letter in sorted(found) if letter not in known | bound)


def require_consistent(owner: str, facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts; FormulaError where two say different things of the same."""
    listed = tuple(facts)
    for position, fact in enumerate(listed):
        for other in listed[:position]:
            if same(fact.left, other.left) and not same(fact.right, other.right):
                raise FormulaError(
                    f"{owner}: {fact.left} is {other.right} by one fact and {fact.right} by another; "
                    "take one out"
                )
    return listed


def symmetries(facts: Iterable[Fact]) -> Mapping[str, tuple[int, ...]]:
    """Tensors that equal themselves with axes exchanged: A[i,j] = A[j,i] is A -> (1, 0)."""
    found: dict[str, tuple[int, ...]] = {}
    for fact in facts:
        left, right = fact.left, fact.right
        if isinstance(left, Ref) and isinstance(right, Ref) and left.name == right.name:
            places = left.indices
            if len(set(places)) == len(places) and set(places) == set(right.indices):
                found[left.name] = tuple(places.index(index) for index in right.indices)
    return found
