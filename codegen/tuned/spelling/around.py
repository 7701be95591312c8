"""The loops around a group that others of its block share, and the lines that name their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from codegen.c.nest import Line, Loop, Node
from codegen.c.source import identifiers
from derive.calculus.expressions.nodes import Range

OUTER = re.compile(r" *const int (\w+) = x->outer\[\d\];")


def block_indices(outer: Iterable[Range]) -> list[Node]:
    """The values of the loops that a block has around all its groups."""
    return [Line(f"const int {index.name} = x->outer[{place}];") for place, (index, _) in enumerate(outer)]


def needed(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines, without outer indices that no other names: what has room for a single value needs none."""
    found = tuple(lines)
    words = Counter(word for line in found for word in identifiers((line,)))
    outer = {line: OUTER.fullmatch(line) for line in found}
    return tuple(line for line in found if not (named := outer[line]) or words[named[1]] > 1)


def loops_around(nodes: list[Node], ranges: tuple[Range, ...]) -> int:
    """How many of the ranges are loops around all else, in order."""
    depth, inner = 0, tuple(nodes)
    while depth < len(ranges) and len(inner) == 1:
        (loop,) = inner
        if not isinstance(loop, Loop) or loop.index != ranges[depth][0].name:
            break
        if loop.start != "0" or loop.step or loop.reverse or loop.closed:
            break
        depth, inner = depth + 1, loop.body
    return depth


def within(nodes: list[Node], outer: tuple[Range, ...]) -> list[Node]:
    """What is in the loops of a block, for the values that they have."""
    inner = tuple(nodes)
    for _ in outer:
        (loop,) = inner
        assert isinstance(loop, Loop)
        inner = loop.body
    return [*block_indices(outer), *inner]
