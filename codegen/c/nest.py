"""Loop nests: loops, guards, lines and comments, and their layout as C text.

for (int q = 0; q < N; q++)
    for (int j = 0; j < D; j++)
        A1[j] += X[q] * p->W1[q][j];
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

INDENT = "    "
WIDTH = 110
OPERATORS = ((", ", "; ", " ? ", " : ", " && "), (" + ", " - "), (" = ", " += ", " -= "), (" * ", " / "))
WORDS = (("; ", " + ", " - "), (" ",))


@dataclass(frozen=True)
class Line:
    """One statement or declaration."""

    text: str


@dataclass(frozen=True)
class Comment:
    """A comment above what follows, one entry a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Blank:
    """An empty line between paragraphs."""


@dataclass(frozen=True)
class Loop:
    """for (int index = start; index < stop; index++), closed with <=, or from its end to its start.

    `step` is there where it is not 1; `before` is a line of its own above the loop, as a pragma.
    """

    index: str
    stop: str
    body: tuple[Node, ...]
    start: str = "0"
    reverse: bool = False
    closed: bool = False
    step: str = ""
    before: str = ""

    @property
    def head(self) -> str:
        """The loop's first line."""
        if self.reverse:
            return f"for (int {self.index} = {self.stop} - 1; {self.index} >= {self.start}; {self.index}--)"
        until = "<=" if self.closed else "<"
        advance = f"{self.index} += {self.step}" if self.step else f"{self.index}++"
        return f"for (int {self.index} = {self.start}; {self.index} {until} {self.stop}; {advance})"


@dataclass(frozen=True)
class Guard:
    """if (condition) body."""

    condition: str
    body: tuple[Node, ...]

    @property
    def head(self) -> str:
        """The guard's first line."""
        return f"if ({self.condition})"


@dataclass(frozen=True)
class Block:
    """Statements in braces, under a head of their own."""

    head: str
    body: tuple[Node, ...]


Node: TypeAlias = Line | Comment | Blank | Loop | Guard | Block


def render(nodes: tuple[Node, ...] | list[Node], depth: int = 1) -> list[str]:
    """The lines of some nodes, indented."""
    lines: list[str] = []
    for node in nodes:
        lines += _lines(node, depth)
    return lines


def _lines(node: Node, depth: int) -> Iterator[str]:
    margin = INDENT * depth
    match node:
        case Blank():
            yield ""
        case Line(text):
            yield from wrapped(text, margin)
        case Comment(text):
            yield from comment(text, margin)
        case Block(head, body):
            yield from (margin + head, margin + "{", *render(body, depth + 1), margin + "}")
        case Loop() | Guard():
            yield from _block(node, depth)


def _block(node: Loop | Guard, depth: int) -> Iterator[str]:
    """Braces only around more than one statement."""
    margin = INDENT * depth
    braces = len(node.body) > 1
    if isinstance(node, Loop) and node.before:
        yield margin + node.before
    yield from wrapped(node.head + (" {" if braces else ""), margin)
    yield from render(node.body, depth + 1)
    if braces:
        yield margin + "}"


def comment(lines: tuple[str, ...], margin: str) -> Iterator[str]:
    """/* one line */, or several below each other."""
    flowing = [piece for line in lines for piece in _folded(line, WIDTH - len(margin) - 6, WORDS)]
    for number, line in enumerate(flowing):
        opening = "/* " if number == 0 else "   "
        closing = " */" if number + 1 == len(flowing) else ""
        yield f"{margin}{opening}{line}{closing}"


def wrapped(text: str, margin: str) -> Iterator[str]:
    """A statement, continued on a deeper line where it is too long."""
    for number, piece in enumerate(_folded(text, WIDTH - len(margin) - 8, OPERATORS)):
        yield f"{margin}{INDENT * 2 if number else ''}{piece}"


def _folded(text: str, width: int, ranks: tuple[tuple[str, ...], ...]) -> list[str]:
    """Pieces of a text no longer than a width, broken where the fewest brackets are open."""
    pieces = []
    while len(text) > width:
        place = _place(text, width, ranks)
        if place <= 0:
            break
        pieces.append(text[:place].rstrip())
        text = text[place:].lstrip()
    return [*pieces, text]


def _place(text: str, width: int, ranks: tuple[tuple[str, ...], ...]) -> int:
    """Where to break: before an operator that binds little, after a comma or an assignment."""
    depth, best, cost = 0, -1, (99, 99)
    first = {sign[0] for row in ranks for sign in row}
    for position, letter in enumerate(text[:width]):
        depth += (letter in "([{") - (letter in ")]}")
        if letter not in first:
            continue
        found = next(
            ((rank, s) for rank, row in enumerate(ranks) for s in row if text.startswith(s, position)), None
        )
        if found is None or position <= len(INDENT) or (depth, found[0]) > cost:
            continue
        rank, sign = found
        best = position + (1 if sign[0] in ",;" else len(sign) if sign.endswith("= ") else 0)
        cost = (depth, rank)
    return best
