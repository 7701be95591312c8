"""Contractions with a place for the result: products of matrices, and every einsum of two that is one.

"ojlm,ijklmn->iokn"    o free left, i k n free right, j l m summed:
                       rows of windows, copied side by side, times the kernel as a matrix
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codegen.buffers import views
from codegen.buffers.expressions import UnplannedError, Writer, assigned
from codegen.buffers.stacks import as_columns
from codegen.buffers.values import REAL, Axes, Operand, broadcast, same

SMALL = 4  # times smaller than the smaller factor


def matmul(writer: Writer, left: Operand, right: Operand, into: Operand | None = None) -> Operand:
    """np.matmul(left, right, out=place); leading axes of the left are rows where the right is one matrix."""
    left, right = writer.settled(left), writer.settled(right)
    axes = _product_axes(left, right)
    plain = ast.BinOp(left.node, ast.MatMult(), right.node)
    if into is None and writer.small(axes):
        return writer.expression(plain, axes, REAL, [left, right])
    place = into if into is not None and same(into.axes, axes) else writer.array(axes, REAL, None, "product")
    right = as_columns(writer, left, right, axes)
    if (
        left.rank > 2
        and right.rank == 2
        and views.merged(left, _rows(left))
        and views.merged(place, _rows(place))
    ):
        rows, found = (writer.reshaped(part, _rows(part)) for part in (left, place))
        writer.emit(assigned("matmul", [rows.node, right.node], found.node), [left, right], place)
        return place
    writer.emit(assigned("matmul", [left.node, right.node], place.node), [left, right], place)
    return place


def _rows(operand: Operand) -> list[list[int]]:
    return [list(range(operand.rank - 1)), [operand.rank - 1]]


def _product_axes(left: Operand, right: Operand) -> Axes:
    if left.rank == 1 and right.rank == 1:
        return ()
    if left.rank == 1:
        return (*right.axes[:-2], right.axes[-1])
    if right.rank == 1:
        return left.axes[:-1]
    return (*broadcast(left.axes[:-2], right.axes[:-2]), left.axes[-2], right.axes[-1])


def product_of(writer: Writer, left: Operand, right: Operand, into: Operand | None = None) -> Operand:
    """dot_into(A, B, place)."""
    axes = (left.axes[0], right.axes[1])
    place = into if into is not None and same(into.axes, axes) else writer.array(axes, REAL, None, "product")
    node = ast.Call(ast.Name("dot_into"), [left.node, right.node, place.node], [])
    writer.emit(ast.Expr(node), [left, right], place)
    return place


def einsum(writer: Writer, spelled: str, parts: Sequence[Operand], into: Operand | None) -> Operand:
    """A contraction of two as a product of matrices, batched; any other as np.einsum with `out`."""
    inputs, output = spelled.split("->")
    letters = inputs.split(",")
    parts = [writer.settled(part) for part in parts]
    sizes = {
        letter: n
        for word, part in zip(letters, parts, strict=True)
        for letter, n in zip(word, part.axes, strict=True)
    }
    axes = tuple(sizes[letter] for letter in output)
    into = into if into is not None and same(into.axes, axes) else None
    if len(parts) == 2 and _is_product(letters, output) and not writer.small(axes):
        return _as_product(writer, letters, output, parts, into)
    node = ast.Call(
        ast.Attribute(ast.Name("np"), "einsum"), [ast.Constant(spelled), *(part.node for part in parts)], []
    )
    if len(parts) > 2:
        raise UnplannedError(spelled)
    if into is None and writer.small(axes):
        return writer.expression(node, axes, REAL, parts)
    place = (
        into if into is not None and same(into.axes, axes) else writer.array(axes, REAL, None, "contraction")
    )
    node.keywords.append(ast.keyword("out", place.node))
    writer.emit(ast.Expr(node), parts, place)
    return place


def _is_product(letters: Sequence[str], output: str) -> bool:
    """Whether each letter stands once in each word, and something is summed over both."""
    if any(len(set(word)) < len(word) for word in (*letters, output)):
        return False
    shared = set(letters[0]) & set(letters[1])
    return bool(shared - set(output)) and set(letters[0]) ^ set(letters[1]) <= set(output)


def _as_product(
    writer: Writer, letters: Sequence[str], output: str, parts: Sequence[Operand], into: Operand | None
) -> Operand:
    """The result of the product, its axes in the order of the output."""
    letters, parts = _sides(writer, letters, output, parts)
    first, second = letters
    left, right = parts
    batch = [letter for letter in first if letter in second and letter in output]
    summed = [letter for letter in first if letter in second and letter not in output]
    larger = 0 if writer.count(left.axes) >= writer.count(right.axes) else 1
    summed = _in_memory(writer, summed, letters[larger], parts[larger])
    rows = _in_memory(writer, [letter for letter in first if letter not in second], first, left)
    columns = _in_memory(writer, [letter for letter in second if letter not in first], second, right)
    a = _matrix(writer, left, first, batch, rows, summed)
    b = _matrix(writer, right, second, batch, summed, columns)
    wide = [left.axes[first.index(letter)] for letter in (*batch, *rows)]
    wide += [right.axes[second.index(letter)] for letter in columns]
    count = len(batch)
    ends = [count, count + len(rows), len(wide)]
    groups = [[k] for k in range(count)] + [list(range(ends[0], ends[1])), list(range(ends[1], ends[2]))]
    order = [*batch, *rows, *columns]
    permutation = [order.index(letter) for letter in output]
    straight = permutation == sorted(permutation)
    back = [output.index(letter) for letter in order]
    view = None if into is None else views.transposed(into, back)
    if into is not None and view is not None and views.merged(view, groups):
        out = writer.reshaped(view, groups)
        writer.emit(assigned("matmul", [a.node, b.node], out.node), [a, b], into)
        return into
    place = writer.array(tuple(wide), REAL, None, "product")
    out = writer.reshaped(place, groups)
    writer.emit(assigned("matmul", [a.node, b.node], out.node), [a, b], place)
    return place if straight else views.transposed(place, permutation)


def _sides(
    writer: Writer, letters: Sequence[str], output: str, parts: Sequence[Operand]
) -> tuple[Sequence[str], Sequence[Operand]]:
    """Which factor gives the rows and which the columns.

    Examples that lie innermost stay so, as columns. Of a result that is much smaller than both factors the
    larger one gives the rows, as BLAS is faster so; else the result lies in the order of its axes if it can.
    """
    swapped = letters[::-1], parts[::-1]
    counts = [writer.count(part.axes) for part in parts]
    inner = [writer.examples_innermost(part) for part in parts]
    sizes = {
        c: n for word, part in zip(letters, parts, strict=True) for c, n in zip(word, part.axes, strict=True)
    }
    result = writer.count(tuple(sizes[letter] for letter in output))
    free = [[letter for letter in word if letter in output] for word in letters]
    examples = [any(sizes[letter] == writer.batch for letter in part) for part in free]
    if any(inside and own for inside, own in zip(inner, examples, strict=True)):
        return swapped if inner[0] and examples[0] else (letters, parts)
    if SMALL * result < min(counts):
        return swapped if counts[0] < counts[1] else (letters, parts)
    own = [[letter for letter in word if letter not in other] for word, other in (letters, letters[::-1])]
    batch = [letter for letter in output if letter not in own[0] + own[1]]
    orders = [[*batch, *own[0], *own[1]], [*batch, *own[1], *own[0]]]
    straight = ["".join(sorted(order, key=output.index)) == "".join(order) for order in orders]
    if straight[0] != straight[1]:
        return (letters, parts) if straight[0] else swapped
    return swapped if counts[0] < counts[1] else (letters, parts)


def _in_memory(writer: Writer, letters: list[str], word: str, operand: Operand) -> list[str]:
    """Letters from the slowest axis to the fastest."""
    steps = {letter: float(operand.strides[word.index(letter)].subs(writer.sizes)) for letter in letters}
    return sorted(letters, key=lambda letter: -steps[letter])


def _matrix(
    writer: Writer, operand: Operand, word: str, batch: list[str], rows: list[str], columns: list[str]
) -> Operand:
    """The operand as matrices, rows by columns; a copy where no view is one."""
    view = views.transposed(operand, [word.index(letter) for letter in (*batch, *rows, *columns)])
    first, second = len(batch), len(batch) + len(rows)
    groups = [[k] for k in range(first)] + [list(range(first, second)), list(range(second, view.rank))]
    return writer.reshaped(view, groups)
