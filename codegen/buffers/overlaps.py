"""The transpose of reading windows: products of places with a kernel, added where they overlap.

    P1_bar[i,c,h] = sum_{o,u} A2_bar[i,o,h - u] K2[o,c,u]        windows of A2_bar, padded on both sides, or

    terms[u,i,c,s] = sum_o A2_bar[i,o,s] K2[o,c,u]               one product, each place once
    P1_bar[i,c,s + u] += terms[u,i,c,s]

The second where its terms are fewer than the elements of the windows.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Max, expand

from codegen.buffers import views
from codegen.buffers.contractions import einsum
from codegen.buffers.expressions import Writer
from codegen.buffers.values import Axes, Operand, order_of
from codegen.buffers.windows import Window, read


@dataclass(frozen=True)
class Overlap:
    """One axis of the result: step place + reach offset, less start; letters of places and offsets."""

    axis: int
    place: str
    offset: str
    step: Expr
    reach: Expr
    start: Expr


def overlapped(writer: Writer, spelled: str, nodes: Sequence[ast.expr]) -> Operand | None:
    """The contraction by its terms; None where it is no such one, or windows are fewer."""
    read_here = [k for k, node in enumerate(nodes) if _is_windows(node)]
    if len(nodes) != 2 or len(read_here) != 1:
        return None
    inputs, output = spelled.split("->")
    words = inputs.split(",")
    node = nodes[read_here[0]]
    assert isinstance(node, ast.Call)
    word, other = words[read_here[0]], words[1 - read_here[0]]
    source, specs = read(writer, node)
    kernel = writer.visit(nodes[1 - read_here[0]])
    letters, found = _letters(source, specs, word, other, output)
    if found is None or not _fewer(writer, source, specs, kernel, (letters, other)):
        return None
    offsets = "".join(overlap.offset for overlap in found)
    terms = einsum(writer, f"{letters},{other}->{offsets}{output}", [source, kernel], None)
    return _added(writer, terms, output, found, _sizes(source, specs, word))


def _is_windows(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "windows"


def _letters(
    source: Operand, specs: Sequence[Window], word: str, other: str, output: str
) -> tuple[str, list[Overlap] | None]:
    """The letters of the array itself, those of a result's axis for its places; the axes that overlap."""
    windowed = {spec.axis: spec for spec in specs}
    rest, letters, found = list(word), "", []
    for axis in range(source.rank):
        if axis not in windowed:
            letters += rest.pop(0)
            continue
        spec, pair = windowed[axis], (rest.pop(0), rest.pop(0))
        overlap = _overlap(spec, pair, other, output)
        if overlap is None:
            return "", None
        letters += overlap.place
        found.append(overlap)
    return letters, found


def _overlap(spec: Window, pair: tuple[str, str], other: str, output: str) -> Overlap | None:
    """place = (i - reach j + start)/step, i in the result and j summed with the kernel's."""
    slopes = dict(zip(pair, (spec.step, spec.reach), strict=True))
    for place, offset in (pair, pair[::-1]):
        summed = offset in other and offset not in output and place in output and place not in other
        zero = isinstance(spec.outside, ast.Constant) and spec.outside.value == 0
        if summed and zero and slopes[place] == 1 and slopes[offset].is_negative:
            axis = output.index(place)
            return Overlap(axis, place, offset, spec.spread, -slopes[offset], spec.start)
    return None


def _sizes(source: Operand, specs: Sequence[Window], word: str) -> dict[str, Expr]:
    """The extent of each letter of the windows."""
    windowed = {spec.axis: spec for spec in specs}
    axes: list[Expr] = []
    for axis, size in enumerate(source.axes):
        axes += [windowed[axis].count, windowed[axis].size] if axis in windowed else [size]
    return dict(zip(word, axes, strict=True))


def _fewer(
    writer: Writer, source: Operand, specs: Sequence[Window], kernel: Operand, words: tuple[str, str]
) -> bool:
    """Whether the terms are fewer than the elements of all windows."""
    windowed = {spec.axis: spec for spec in specs}
    gathered = writer.count(
        tuple(
            windowed[k].count * windowed[k].size if k in windowed else size
            for k, size in enumerate(source.axes)
        )
    )
    shared = set(words[0]) & set(words[1])
    free: Axes = (*source.axes, *(n for n, c in zip(kernel.axes, words[1], strict=True) if c not in shared))
    summed = tuple(n for n, letter in zip(source.axes, words[0], strict=True) if letter in shared)
    return writer.count(free) / writer.count(summed) < gathered


def _added(
    writer: Writer, terms: Operand, output: str, found: Sequence[Overlap], sizes: dict[str, Expr]
) -> Operand | None:
    """overlap_add(place, terms, axes, steps, reaches), and the part of the place that the result is."""
    count = len(found)
    axes, inside = list(terms.axes[count:]), [ast.Slice() for _ in output]
    for number, overlap in enumerate(found):
        places = terms.axes[count + overlap.axis]
        reached = overlap.step * (places - 1) + overlap.reach * (terms.axes[number] - 1) + 1
        end = expand(overlap.start + sizes[overlap.place])
        whole = expand(reached + Max(0, expand(end - reached)))
        if overlap.start.is_negative or not overlap.start.is_number or whole.has(Max):
            return None
        axes[overlap.axis] = whole
        if overlap.start != 0 or expand(end - whole) != 0:
            inside[overlap.axis] = ast.Slice(writer.size_node(overlap.start), writer.size_node(end))
    like = replace(terms, axes=terms.axes[count:], strides=terms.strides[count:])
    place = writer.laid(tuple(axes), order_of(like, writer.sizes), "overlaps")
    numbers = [
        ast.Tuple([writer.size_node(Integer(getattr(overlap, name))) for overlap in found])
        for name in ("axis", "step", "reach")
    ]
    writer.functions.add("overlap_add")
    call = ast.Call(ast.Name("overlap_add"), [place.node, terms.node, *numbers], [])
    writer.emit(ast.Expr(call), [terms], place)
    if all(part.upper is None for part in inside):
        return place
    return views.subscripted(place, ast.Subscript(place.node, ast.Tuple(list(inside))), writer.sized)
