"""Loops around statements, each guard as far out as its indices allow.

sum_{s<=t}                         for (int s = 0; s < t + 1; s++)       a guard that is a bound
where(2 h + u >= 1, .., 0)         for (int u = 0; u < U; u++)
                                       if (2 * h + u >= 1)                a guard that is not
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr, Integer, true
from sympy.core.basic import Basic

from codegen.c.nest import Guard, Loop, Node
from codegen.passes.verify import unbound
from codegen.printers.factors import conjuncts
from codegen.printers.to_c import ToC
from derive.calculus.expressions.bounds import proved_nonnegative
from derive.calculus.expressions.nodes import Nonnegative, Range
from derive.calculus.expressions.tensor import Index, Ref
from derive.errors import DeriveError


@dataclass(frozen=True)
class _Loops:
    """What is still to be opened, and what guards it."""

    ranges: tuple[Range, ...]
    guards: tuple[Basic, ...]
    to_c: ToC

    @property
    def scope(self) -> set[Basic]:
        return set(self.to_c.extents)


def nested(
    ranges: tuple[Range, ...],
    body: list[Node],
    to_c: ToC,
    condition: Basic = true,
    outer: Iterable[Range] = (),
) -> list[Node]:
    """The body in its loops, where the condition holds; `outer` are loops already open."""
    guards = () if condition == true else tuple(conjuncts(condition))
    opened = dict(outer)
    around = to_c.within({**to_c.extents, **opened}) if opened else to_c
    inside = around.assuming(condition)
    return _opened(_Loops(ranges, guards, inside), body)


def _opened(loops: _Loops, body: list[Node]) -> list[Node]:
    ready = [guard for guard in loops.guards if not unbound(guard, loops.scope)]
    waiting = tuple(guard for guard in loops.guards if guard not in ready)
    if waiting and not loops.ranges:
        raise DeriveError(f"the guard {waiting[0]} speaks of an index of which no loop is open")
    inner: list[Node] = [_loop(replace(loops, guards=waiting), body)] if loops.ranges else body
    if not ready:
        return inner
    written = " && ".join(loops.to_c.condition(guard, 4) for guard in ready)
    return [Guard(written, tuple(inner))]


def _loop(loops: _Loops, body: list[Node]) -> Loop:
    (index, extent), *rest = loops.ranges
    start, stop, used = _bounds(index, extent, loops)
    guards = tuple(guard for guard in loops.guards if guard not in used)
    inner = loops.to_c.within({**loops.to_c.extents, index: extent})
    opened = _opened(_Loops(tuple(rest), guards, inner), body)
    closed = stop != extent
    last = loops.to_c.integer(stop - 1 if closed else stop)
    return Loop(str(index.name), last, tuple(opened), loops.to_c.integer(start), closed=closed)


def _bounds(index: Index, extent: Expr, loops: _Loops) -> tuple[Expr, Expr, set[Basic]]:
    """Start and stop of a loop, tightened by the guards that are no more than that."""
    start, stop, used = Integer(0), extent, set()
    for guard in loops.guards:
        if not isinstance(guard, Nonnegative) or guard.has(Ref) or unbound(guard, {*loops.scope, index}):
            continue
        slope = guard.expression.coeff(index, 1)
        rest = guard.expression - slope * index
        if slope == 1 and start == 0 and proved_nonnegative(-rest, loops.to_c.extents):
            start = -rest
        elif slope == -1 and stop == extent and proved_nonnegative(extent - rest - 1, loops.to_c.extents):
            stop = rest + 1
        else:
            continue
        used.add(guard)
    return start, stop, used
