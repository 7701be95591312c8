"""Vectors abreast, where the operations of one wait for each other for long.

    for (int j_first = 0; j_first < D; j_first += 8 * LANES) {
        vec E_[8], Y_[8];
        EACH(j) E_[v] = FN(exp)(load(X + i * D + j));
        EACH(j) Y_[v] = 1 / (E_[v] + 1);
        EACH(j) put(Y + i * D + j, Y_[v]);
    }

A processor looks about 128 operations ahead. An exponential and a division are 30, each of which waits 3 to 4
cycles for the one before: of vectors one after the other, four are under way, and half of the units idle. Of
eight that take every step together, eight operations never wait for each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr, preorder_traversal
from sympy.core.basic import Basic

from codegen.c.nest import Line, Loop
from codegen.extents import evaluated
from codegen.tuned.spelling.scene import WIDEST, Scene
from codegen.tuned.spelling.vector_text import divides
from derive.calculus.expressions.nodes import Range, free_indices
from derive.calculus.expressions.tensor import Index

ABREAST = 8
FIRST = "_first"
LOOP = f"for (int v = 0, j = j##{FIRST}; v < {ABREAST}; v++, j += LANES)"
EACH = f"""
/* For each of {ABREAST} vectors side by side, which so take every step together. */
#ifdef __clang__
#define EACH(j) {LOOP}
#else
#define EACH(j) _Pragma("GCC unroll {ABREAST}") {LOOP}
#endif
"""
WAITS = {"exp": 1, "expm1": 1, "log": 1, "log1p": 1, "sin": 1, "cos": 1, "erf": 1, "tanh": 2}
"""What makes an operation wait for long: polynomials, and divisions, of which tanh has one."""
CHAIN = range(2, 5)
"""So many of them are one chain, longer than what a processor looks ahead for. More are several, as the
gates of a recurrence: abreast they take 1 to 2 % less time, and three times as long to compile."""
DECLARED = re.compile(r"const vec (\w+) = ")
ADDED = re.compile(r"\w+ \+= ")
STORED = re.compile(r"(put|FN\(put_part\))\(")


def waits(values: Iterable[Basic], lane: Index) -> int:
    """Polynomials and divisions of some expressions that vary by lane; 0 where all are divisions.

    An optimizer alone divides twice, and waits for memory.
    """
    nodes = [node for value in values for node in preorder_traversal(value)]
    polynomials = sum(WAITS.get(type(node).__name__, 0) for node in nodes if lane in free_indices(node))
    divisions = sum(divides(node) and lane in free_indices(node.base) for node in nodes)
    return polynomials and polynomials + divisions


def abreast(loop: Loop, lane: Range, values: Iterable[Basic], scene: Scene) -> Loop:
    """The loop over vectors, eight at a time where that is worth it and comes out even."""
    first = f"{loop.index}{FIRST}"
    if waits(values, lane[0]) not in CHAIN or first in scene.stored or not _even(lane[1], scene):
        return loop
    lines = [line for line in loop.body if isinstance(line, Line) and _taken_together(line.text)]
    names = [found[1] for line in lines if (found := DECLARED.match(line.text))]
    if not names or len(lines) < len(loop.body):
        return loop
    scene.called.own.add("each")
    declared = ", ".join(f"{name}[{ABREAST}]" for name in names)
    body = [Line(f"vec {declared};"), *(_each(line, loop.index, names) for line in lines)]
    return replace(loop, index=first, step=f"{ABREAST} * LANES", body=tuple(body))


def _even(extent: Expr, scene: Scene) -> bool:
    """Whether an extent is, at every call and in every kernel set, a number of whole groups of vectors."""
    return scene.whole(extent) and evaluated(extent, scene.sizes.values) % (ABREAST * WIDEST) == 0


def _taken_together(text: str) -> bool:
    """Whether a line is a value, a sum's next term or what is stored."""
    return any(one.match(text) for one in (DECLARED, ADDED, STORED))


def _each(line: Line, index: str, names: list[str]) -> Line:
    own = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
    text = own.sub(lambda name: f"{name[1]}[v]", line.text.removeprefix("const vec "))
    return Line(f"EACH({index}) {text}")
