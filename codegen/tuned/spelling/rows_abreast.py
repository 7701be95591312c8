"""Rows abreast, where a row waits for its own sums and there is nothing else to do meanwhile.

    for (int i_first = 0; i_first < M; i_first += 4) {
        vec T_sum[4], E_[4];
        real T_[4];
        ROWS(i) T_sum[r] = all(0);
        for (int q = 0; q < K; q += LANES) {
            ROWS(i) E_[r] = FN(exp)(load(Z + i * K + q));
            ROWS(i) T_sum[r] += E_[r];
        }
        ROWS(i) T_[r] = FN(total)(T_sum[r], K);

The lanes of a row's sum come together in four steps, each of which waits for the one before, and so does
all that needs the sum: about 112 cycles of a row of 16 vectors. Of four rows that take every step together,
three work while one waits. Each row does what it did, in the same order.

It costs up to four times the code of these loops. Beside products they are a few per cent of the work, and
wait for memory: a GPT gained nothing and was 16 KB larger. So it is done in functions without any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from codegen.c.nest import Line, Loop, Node
from codegen.c.source import identifiers
from codegen.extents import evaluated
from codegen.tuned.spelling.abreast import ADDED, FIRST, STORED
from codegen.tuned.spelling.scene import Scene
from derive.calculus.expressions.nodes import Range

ABREAST = 4
LOOP = f"for (int r = 0, i = i##{FIRST}; r < {ABREAST}; r++, i++)"
ROWS = f"""
/* For each of {ABREAST} rows side by side, which so take every step together. */
#ifdef __clang__
#define ROWS(i) {LOOP}
#else
#define ROWS(i) _Pragma("GCC unroll {ABREAST}") {LOOP}
#endif
"""
LOCAL = re.compile(r"(?:const )?(vec|real) (\w+) = ")
LINES = (LOCAL, ADDED, STORED, re.compile(r"\w+(\[.*\])? = "))


def rows_abreast(body: list[Node], row: Range, scene: Scene) -> Loop | None:
    """The loop over rows, four at a time; None where there is more to do or their number comes out uneven."""
    index = row[0].name
    first = f"{index}{FIRST}"
    if not scene.rows_abreast or first in scene.stored or not _even(row, scene) or not _plain(body, index):
        return None
    scene.called.own.add("rows")
    found = [LOCAL.match(line.text) for line in _lines(body)]
    kinds = {one[2]: one[1] for one in found if one}
    declared = [
        Line(f"{kind} {', '.join(f'{name}[{ABREAST}]' for name, own in kinds.items() if own == kind)};")
        for kind in dict.fromkeys(kinds.values())
    ]
    together = [_together(node, index, list(kinds)) for node in body]
    return Loop(first, scene.extent(row[1]), (*declared, *together), step=str(ABREAST))


def _even(row: Range, scene: Scene) -> bool:
    """Whether there are, at every call, so many rows that none are left over."""
    fixed = scene.sizes.batch not in map(str, row[1].free_symbols)
    return fixed and evaluated(row[1], scene.sizes.values) % ABREAST == 0


def _plain(body: list[Node], index: str) -> bool:
    """Whether every line is a value, a sum's next term or what is stored, in loops that all rows share."""
    loops = [node for node in body if isinstance(node, Loop)]
    inner = [node for loop in loops for node in loop.body]
    shared = all(index not in identifiers((loop.start, loop.stop)) for loop in loops)
    flat = all(isinstance(node, Line) for node in (*inner, *(one for one in body if one not in loops)))
    return flat and shared and all(any(one.match(line.text) for one in LINES) for line in _lines(body))


def _lines(body: Iterable[Node]) -> Iterator[Line]:
    for node in body:
        if isinstance(node, Line):
            yield node
        elif isinstance(node, Loop):
            yield from _lines(node.body)


def _together(node: Node, index: str, names: list[str]) -> Node:
    if isinstance(node, Loop):
        return replace(node, body=tuple(_together(one, index, names) for one in node.body))
    assert isinstance(node, Line)
    own = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
    text = LOCAL.sub(lambda found: f"{found[2]} = ", node.text, count=1)
    return Line(f"ROWS({index}) {own.sub(lambda name: f'{name[1]}[r]', text)}")
