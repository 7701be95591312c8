"""Lines on the lower triangle of a square of places, where nothing reads what lies above the diagonal.

    np.exp(R[i], out=E)         for rows, columns in triangle_rows(T, 64):
    ...                             np.exp(R[i, rows, columns], out=E[rows, columns])

A mask of places, np.tri(T), is what says so: above the diagonal an array that was multiplied by it is 0, and
one filled with minus infinity has no maximum there. Sums over what is 0 and maxima stop at the diagonal,
products of matrices too; whatever else such a line writes above it is read by none. An array is cut so only
if every line that touches it is.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr

from codegen.buffers.operands import Line, axes_of, line_of, order_of_transpose
from codegen.buffers.slices import ELEMENTWISE
from codegen.buffers.values import ONE, Axes, Draft, Loop, Operand

ROWS, COLUMNS = "rows", "columns"
ZERO, LEAST = "0", "-np.inf"  # what an array is above the diagonal
KEEPING = frozenset({"negative", "abs", "sqrt", "square", "copyto"})  # 0 of 0

Roles = tuple[str | None, ...]


@dataclass(frozen=True)
class Cut:
    """The slice of each axis of each operand; the arrays of which a line reads rows besides its own."""

    loop: str | None
    roles: tuple[Roles, ...]
    size: Expr
    whole: frozenset[str] = frozenset()

    def within(self, loop: str) -> Cut:
        """A line of rows alone in the loop over the columns: its rows are theirs."""
        if self.loop is not None or loop == ROWS:
            return self
        return replace(self, roles=tuple(tuple(role and COLUMNS for role in roles) for roles in self.roles))


def cuts(
    draft: Draft, names: Mapping[str, Operand], eligible: Collection[int], kept: Collection[str]
) -> dict[int, Cut]:
    """The lines that can be computed on a triangle, by number; `kept` is what is read afterwards."""
    if any(isinstance(line.node, ast.If) for line in draft.instructions):
        return {}
    found: dict[int, Cut] = {}
    for size in {names[name].axes[0]: None for name in masks(draft) if name in names}:
        found |= _of_size(_Reader(draft, names, size), eligible, kept)
    return found


def masks(draft: Draft) -> dict[str, bool]:
    """The masks of places by name: whether it holds on and below the diagonal, or above."""
    texts = {name: ast.unparse(node) for name, node in draft.constants.items()}
    lower = {name for name, text in texts.items() if text.startswith("np.tri(")}
    above = {name for name, text in texts.items() if text.startswith("~np.tri(") or text[1:] in lower}
    return dict.fromkeys(lower, True) | dict.fromkeys(above, False)


def _of_size(reader: _Reader, eligible: Collection[int], kept: Collection[str]) -> dict[int, Cut]:
    """The lines of one square, without those on arrays that another line touches."""
    lines = reader.draft.instructions
    read = {number: reader.read(number) for number in range(len(lines))}
    if reader.is_in_doubt():
        return {}
    good = {number: cut for number, cut in read.items() if cut is not None and number in eligible}
    touched = [reader.squares(line.reads | line.writes) for line in lines]
    uncut = reader.squares(kept) | reader.mixed
    while True:
        uncut |= {name for number, found in enumerate(touched) if number not in good for name in found}
        bad = [number for number in good if reader.squares(lines[number].writes) & uncut]
        if not bad:
            return good if any(cut.loop for cut in good.values()) else {}
        for number in bad:
            del good[number]


@dataclass
class _Reader:
    """Reads the lines in order; `above` is what each array is above the diagonal after those read."""

    draft: Draft
    names: Mapping[str, Operand]
    size: Expr
    above: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    mixed: set[str] = field(default_factory=set)  # written part by part
    homes: dict[str, set[Loop | None]] = field(default_factory=dict)  # the loops that write an array
    relied: set[tuple[str, str, int]] = field(default_factory=set)
    number: int = 0

    def squares(self, arrays: Collection[str]) -> set[str]:
        """Those with a triangle as their last axes."""
        known = {name: self.names[name].axes for name in arrays if name in self.names}
        return {name for name, axes in known.items() if self.is_square(axes)}

    def is_in_doubt(self) -> bool:
        """Whether a later line undoes what one before relies on, and a loop may turn the two round."""
        return any(
            name in self.mixed or (self.above.get(name) != value and not self.is_at_home(name, number))
            for name, value, number in self.relied
        )

    def is_at_home(self, name: str, number: int) -> bool:
        """Whether a line is in the one loop that writes an array: from the first line on, each turn anew."""
        homes = self.homes[name]
        home = next(iter(homes))
        return len(homes) == 1 and (home is None or home.first <= number <= home.last)

    def loop(self, number: int) -> Loop | None:
        """The innermost loop around a line."""
        around = [loop for loop in self.draft.loops if loop.first <= number <= loop.last]
        return min(around, key=lambda loop: loop.last - loop.first, default=None)

    def is_square(self, axes: Axes) -> bool:
        return len(axes) > 2 and axes[-2:] == (self.size, self.size)

    def axes(self, node: ast.expr) -> Axes | None:
        return axes_of(node, self.names)

    def array(self, node: ast.expr) -> str:
        """The one array that an operand is a part of."""
        arrays = self.arrays(node)
        return next(iter(arrays)) if len(arrays) == 1 else ""

    def arrays(self, node: ast.expr) -> frozenset[str]:
        held = [self.names[n.id] for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in self.names]
        return frozenset[str]().union(*(operand.reads for operand in held))

    def mask(self, node: ast.expr | None) -> bool | None:
        """Whether an operand is the mask of the triangle, or of what is above it."""
        square = isinstance(node, ast.Name) and self.axes(node) == (self.size, self.size)
        return masks(self.draft).get(node.id) if square and isinstance(node, ast.Name) else None

    def read(self, number: int) -> Cut | None:
        """How a line is cut, before what it writes is noted."""
        self.number, instruction = number, self.draft.instructions[number]
        line = line_of(instruction.node)
        cut = None if line is None else self.cut(line)
        for name in self.squares(instruction.writes):
            self.above[name] = "" if line is None else self.left_above(line)
            self.homes.setdefault(name, set()).add(self.loop(number))
            target = "" if line is None else ast.unparse(line.place)
            if self.targets.setdefault(name, target) != target:
                self.mixed.add(name)
        return cut

    def has(self, node: ast.expr, value: str) -> bool:
        """Whether an operand is 0, or minus infinity, above the diagonal."""
        if ast.unparse(node) == value or (value == ZERO and self.mask(node)):
            return True
        name = self.array(node)
        if not self.is_square(self.axes(node) or ()) or self.above.get(name) != value:
            return False
        self.relied.add((name, value, self.number))
        return True

    def left_above(self, line: Line) -> str:
        """What the array that a line writes is above the diagonal afterwards."""
        if line.function == "copyto" and line.where is not None:
            return self.filled_above(line)
        if any(order_of_transpose(part) for part in line.parts):
            return ""
        zero = [self.has(part, ZERO) for part in line.parts]
        if line.function == "copyto" and self.has(line.parts[0], LEAST):
            return LEAST
        if line.function == "kept_where":
            return ZERO if self.mask(line.parts[1]) else ""
        if line.function in ("subtract", "exp") and self.has(line.parts[0], LEAST):
            rows = line.function == "subtract" and not self.is_square(self.axes(line.parts[1]) or ())
            return ZERO if line.function == "exp" else LEAST if rows else ""
        if line.function == "divide":
            return ZERO if zero[0] and not self.is_square(self.axes(line.parts[1]) or ()) else ""
        quantified = {"multiply": any, "add": all, "subtract": all}.get(line.function)
        if quantified is not None:
            return ZERO if quantified(zero) else ""
        return ZERO if line.function in KEEPING and zero[0] else ""

    def filled_above(self, line: Line) -> str:
        """What it is after a copy where a mask holds."""
        mask = self.mask(line.where)
        if mask is None:
            return ""
        if mask:
            return self.above.get(self.array(line.place), "")
        return next((value for value in (ZERO, LEAST) if ast.unparse(line.parts[0]) == value), "")

    def cut(self, line: Line) -> Cut | None:
        axes = [self.axes(operand) for operand in line.operands]
        found = [each for each in axes if each is not None]
        if len(found) < len(axes):
            return None
        if line.function == "matmul":
            return self.product(line, found)
        if line.axis is not None:
            return self.reduction(line, found)
        known = line.function in ELEMENTWISE or line.function == "kept_where"
        return self.elements(line, found) if known else None

    def elements(self, line: Line, axes: list[Axes]) -> Cut | None:
        """All operands along the last axes of the result."""
        place = axes[len(line.parts)]
        square = self.is_square(place)
        if len(place) < 3 or place[-2] != self.size or (place[-1] == self.size and not square):
            return None
        if any(order_of_transpose(operand) for operand in line.operands):
            return None
        filled = (
            line.where is not None and self.mask(line.where) is False
        )  # nothing left of the band's square
        last = (ROWS if filled else COLUMNS) if square else None
        roles = tuple(tuple(self.along(each, len(each) - 2, len(each) - 1, last)) for each in axes)
        return Cut(ROWS if square else None, roles, self.size)

    def along(self, axes: Axes, rows: int, columns: int, last: str | None = COLUMNS) -> Roles:
        """The slices of an operand with its rows and columns along these axes."""
        found = {rows: ROWS, columns: last}
        return tuple(found.get(k) if n != ONE else None for k, n in enumerate(axes))

    def reduction(self, line: Line, axes: list[Axes]) -> Cut | None:
        """A sum of what is 0, a maximum of what is least above the diagonal."""
        *parts, place = axes
        needed = {"sum": ZERO, "einsum": ZERO, "max": LEAST}.get(line.function)
        rows = len(parts[0]) - 2
        if not all(map(self.is_square, parts)) or line.axis != rows + 1:
            return None
        if needed is None or any(order_of_transpose(part) for part in line.parts):
            return None
        if not any(self.has(part, needed) for part in line.parts):
            return None
        summed = [self.along(part, rows, rows + 1) for part in parts]
        return Cut(ROWS, (*summed, self.along(place, rows, rows + 1, None)), self.size)

    def product(self, line: Line, axes: list[Axes]) -> Cut | None:
        """A B with a triangle as its result, or as its left factor, as it is or transposed."""
        a, b, place = axes
        if not len(a) == len(b) == len(place) > 2:
            return None
        row, column, k = (ROWS,), (COLUMNS,), (None,)
        lead: Roles = (None,) * (len(a) - 2)
        right = self.arrays(line.parts[1])
        if self.arrays(line.place) & (right | self.arrays(line.parts[0])):
            return None
        squares = [self.is_square(each) for each in axes]
        if squares == [False, False, True] and not order_of_transpose(line.place):
            roles = ((*lead, *row, *k), (*lead, *k, *column), (*lead, *row, *column))
            return Cut(ROWS, roles, self.size, right)
        if squares != [True, False, False] or not self.has(line.parts[0], ZERO):
            return None
        order = order_of_transpose(line.parts[0])
        if order is None:
            roles = ((*lead, *row, *column), (*lead, *column, *k), (*lead, *row, *k))
            return Cut(ROWS, roles, self.size, right)
        if order != [*range(len(a) - 2), len(a) - 1, len(a) - 2]:
            return None
        roles = ((*lead, *column, *row), (*lead, *row, *k), (*lead, *column, *k))
        return Cut(COLUMNS, roles, self.size, right | self.arrays(line.parts[0]))
