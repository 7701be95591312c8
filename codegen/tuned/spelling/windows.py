"""Windows: what is the same for all elements of a window is read and computed once for them.

A[h] = where(Z[h] == P[h//2], B[h//2]/n[h//2], 0)

    for (int k = 0; k < H / 2; k++) {
        const real P_ = P[k], A_once = B[k] / n[k];
        for (int h = 2 * k; h < 2 * k + 2; h++)
            A[h] = Z[h] == P_ ? A_once : 0;
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from sympy import Expr, Integer, Symbol
from sympy.core.basic import Basic

from codegen.c.letters import free_letter
from codegen.c.nest import Loop, Node
from codegen.tuned.small_windows import is_small
from codegen.tuned.spelling.scene import TAKEN, Scene, pointer, value
from derive.calculus.expressions.nodes import FloorDiv, Range, Reduction, free_indices
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation


@dataclass(frozen=True)
class Windows:
    """Loops `outer` in which an index k counts the windows of an index h; what is computed `once` for one."""

    outer: tuple[Range, ...]
    inside: Mapping[Index, tuple[Index, Integer]] = field(default_factory=dict)
    once: Mapping[Expr, Symbol] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """What is computed once for a window."""
        return frozenset(symbol.name for symbol in self.once.values())

    def within(self, found: Expr) -> Expr:
        """A value where h//2 is k, and what is the same for all of the window is there."""
        return _within(found, self.inside).xreplace(dict(self.once))

    def nodes(self, before: list[Node], body: list[Node], scene: Scene) -> list[Node]:
        """The body for each element of a window, after what is computed once for it."""
        if not self.inside:
            return body
        for h, (k, wide) in reversed(list(self.inside.items())):
            start, stop = (scene.scalar().integer(wide * k + more) for more in (0, wide))
            body = [Loop(h.name, stop, tuple(body), start=start)]
        return [*before, *body]


def windows(equations: Iterable[Equation], outer: tuple[Range, ...], lane: Index, scene: Scene) -> Windows:
    """The windows that some equations go through in their loops; none where nothing is the same for one."""
    values = [equation.value for equation in equations]
    own = frozenset(equation.name for equation in equations)
    taken = {*TAKEN, *map(pointer, scene.stored), *map(value, scene.stored)}
    taken |= {index.name for one in values for index in one.atoms(Index)} | {i.name for i, _ in outer}
    counted: list[Range] = []
    inside: dict[Index, tuple[Index, Integer]] = {}
    for index, extent in outer:
        wide, many = _wide(index, values), extent
        if wide is not None and not (many := FloorDiv(extent, wide)).has(FloorDiv):
            inside[index] = free_letter(index, taken | {index.name}), wide
            taken.add(inside[index][0].name)
        counted.append((inside[index][0], many) if index in inside else (index, extent))
    found = [part for one in values for part in _same(_within(one, inside), lane, set(inside), own)]
    once = _named(dict.fromkeys(found), next(iter(own)), scene)
    return Windows(tuple(counted), inside, once) if inside and once else Windows(outer)


def _within(found: Expr, inside: Mapping[Index, tuple[Index, Integer]]) -> Expr:
    return found.xreplace({FloorDiv(h, wide): k for h, (k, wide) in inside.items()})


def _wide(index: Index, values: Iterable[Expr]) -> Integer | None:
    """How wide the windows of an index are."""
    found = {node.args[1] for one in values for node in one.atoms(FloorDiv) if node.args[0] == index}
    return next(iter(found)) if len(found) == 1 and all(isinstance(one, Integer) for one in found) else None


def _same(found: Basic, lane: Index, inside: Set[Index], own: Set[str]) -> Iterator[Expr]:
    """The parts of a value that vary by lane, but not within a window."""
    read = {ref for ref in refs(found) if not isinstance(ref, IntegerRef)}
    small = all(is_small(one) for one in found.atoms(Reduction))
    if not read or isinstance(found, Reduction):
        return
    scaled = found.is_Mul and found.args[0].is_number
    free = free_indices(found)
    outside = lane in free and not free & inside and not any(ref.name in own for ref in read)
    if isinstance(found, Expr) and outside and not scaled and small:
        yield found
    else:
        for argument in found.args:
            yield from _same(argument, lane, inside, own)


def _named(parts: Iterable[Expr], name: str, scene: Scene) -> dict[Expr, Symbol]:
    """A local variable for each part."""
    taken, named = set(scene.stored), {}
    for part in parts:
        wanted = value(part.name) if isinstance(part, Ref) else f"{name}_once"
        symbol = Symbol(free_name(wanted, taken), real=True)
        taken.add(symbol.name)
        named[part] = symbol
    return named
