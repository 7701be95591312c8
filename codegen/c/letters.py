"""Letters of indices in C: the mathematics' own, unless a variable of the function has that name.

X[i,p] W1[p,j]  ->  X[i,q] W1[q,j]      where p is the pointer to the parameters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import cache

from sympy.core.basic import Basic

from codegen.names import RESERVED
from derive.calculus.expressions.nodes import Reduction
from derive.calculus.expressions.tensor import Index
from derive.calculus.program.program import Equation

LETTERS = "qrsuvhkacdefglxyznoijtpbwm"


def lettered(equation: Equation, taken: Set[str], fixed: Mapping[Index, Index] | None = None) -> Equation:
    """The equation with legal letters; `fixed` are those that the loops around it chose."""
    chosen: dict[Index, Index] = dict(fixed or {})
    used = {index.name for index in chosen.values()}
    mine = [index for index in _indices(equation) if index not in chosen]
    kept = {i.name for i in mine if len(i.name) == 1 and i.name not in used and _free(i.name, taken)}
    for index in mine:
        if index.name not in kept:
            chosen[index] = Index(_another(taken | used | kept, index.name[0]))
            used.add(chosen[index].name)
    renamed: dict[Basic, Basic] = {old: new for old, new in chosen.items() if old != new}
    if not renamed:
        return equation
    ranges = tuple((renamed.get(index, index), extent.xreplace(renamed)) for index, extent in equation.ranges)
    value, target = equation.value.xreplace(renamed), equation.target.xreplace(renamed)
    return replace(equation, ranges=ranges, value=value, target=target)


def free_letter(index: Index, taken: Set[str]) -> Index:
    """The index itself where its letter is free, else another."""
    plain = len(index.name) == 1 and _free(index.name, taken)
    return index if plain else Index(_another(taken, index.name[0]))


def _free(name: str, taken: Set[str]) -> bool:
    return name not in taken and name not in RESERVED


@cache
def _indices(equation: Equation) -> tuple[Index, ...]:
    """Every index of an equation: the loops, then the bound ones from the outside in."""
    return tuple(dict.fromkeys((*equation.loops, *_bound(equation.value))))


def _bound(node: Basic) -> Iterator[Index]:
    if isinstance(node, Reduction):
        yield from node.bound
    if node.args:
        for argument in node.args:
            yield from _bound(argument)


def _another(taken: Set[str], first: str = "") -> str:
    letters = (letter for letter in first + LETTERS if _free(letter, taken))
    numbered = (f"i{number}" for number in range(2, 1000) if _free(f"i{number}", taken))
    return next(letters, None) or next(numbered)
