"""A layer's definition as on paper -> Program.

    linear(X[m,n], W[n,d], b[d]) -> Y
        Y[i,j] = sum_{p} X[i,p] W[p,j] + b[j]

Extents that are not written are found from use, and every use must agree. A read at a composite index
that may leave its axis restricts the nearest sum or maximum to the positions inside; outside of
any, it is 0. `for t < T:` opens a recurrence; its equations are indented. A backslash continues a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy
from sympy import And, Expr, Integer, expand, sympify

from derive.calculus.bounds import inside, negated, nonnegative_in_sizes, proved_nonnegative
from derive.calculus.extents import infer_extents
from derive.calculus.formula import FormulaError, Scope, parse, read
from derive.calculus.kinks import canonical_kinks
from derive.calculus.nodes import ArgLargest, Nonnegative, Reduction, Sum, VectorMap, Where
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.tensor import Axis, Index, Kind, Ref, Size, Tensor, refs


@dataclass
class _Reader:
    """The state of reading one definition, line by line."""

    name: str
    values: dict[str, Expr]
    opaque: frozenset[str]
    sizes: dict[str, Expr] = field(default_factory=dict)
    inputs: list[Tensor] = field(default_factory=list)
    locals: dict[str, Tensor] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)

    def scope(self, indices: Mapping[str, Index]) -> Scope:
        tensors = {t.name: t for t in (*self.inputs, *self.locals.values())}
        return Scope(tensors, indices, {**self.sizes, **self.values}, {}, self.opaque)


def define(text: str, *, opaque: tuple[str, ...] = (), **values: Any) -> Program:
    """The program of a definition; `values` are its hyperparameters, `opaque` its undetermined functions."""
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.split("\n") if line.strip() and not line.strip().startswith("#")]
    head = parse(lines[0].strip(), "header")
    reader = _Reader(
        str(head.children[0]), {k: sympify(v, strict=True) for k, v in values.items()}, frozenset(opaque)
    )
    outputs = []
    for child in head.children[1:]:
        if child is None:
            continue
        if child.data == "declaration":
            _declare(reader, child)
        else:
            outputs.append(str(child.children[0]))
    _read_lines(reader, lines[1:])
    program = Program(
        reader.name,
        tuple(reader.inputs),
        tuple(reader.statements),
        tuple(outputs),
        tuple(reader.locals.values()),
    )
    missing = [name for name in outputs if name not in program.tensors]
    if missing:
        raise FormulaError(f"{reader.name} promises {', '.join(missing)} but no equation defines it")
    return program


def _declare(reader: _Reader, tree: Any) -> None:
    kind, name, *axes = tree.children
    for axis in (axis for axis in axes if axis is not None):
        for letter in (str(named.children[0]) for named in axis.find_data("name")):
            if letter not in reader.values:
                reader.sizes.setdefault(letter, Size(letter))
    sizes = [read(axis, reader.scope({}), "a declaration") for axis in axes if axis is not None]
    if str(name) in {t.name for t in reader.inputs}:
        raise FormulaError(f"{reader.name} declares {name} twice")
    reader.inputs.append(
        Tensor(
            str(name), tuple(Axis(str(size), size) for size in sizes), Kind(str(kind)) if kind else Kind.REAL
        )
    )


def _read_lines(reader: _Reader, lines: list[str]) -> None:
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.strip().startswith("for "):
            reader.statements.append(_equation(reader, line.strip(), {}))
            position += 1
            continue
        depth = len(line) - len(line.lstrip())
        end = position + 1
        while end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > depth:
            end += 1
        reader.statements.append(_recurrence(reader, line.strip(), lines[position + 1 : end]))
        position = end


def _recurrence(reader: _Reader, head: str, body: list[str]) -> Recurrence:
    tree = parse(head, "loop")
    name, limit = _strictly_below(tree, head)
    index, extent = Index(str(name)), read(limit, reader.scope({}), head)
    outer = {index: extent}
    for line in body:
        _lengthen(reader, line.strip(), outer)
    equations = tuple(_equation(reader, line.strip(), outer) for line in body)
    if not equations:
        raise FormulaError(
            f"the recurrence {head!r} of {reader.name} has no equation; indent its equations below it"
        )
    _require_boundary(reader, index, equations)
    return Recurrence(index, extent, equations)


def _strictly_below(tree: Any, line: str) -> tuple[Any, Any]:
    """The two sides of a range i < n; the sign is no other."""
    place, sign, limit = tree.children
    if sign is not None and sign != "<":
        raise FormulaError(f"a range is written i < n, not with {sign!s}, in {line!r}")
    return place, limit


def _lengthen(reader: _Reader, line: str, outer: Mapping[Index, Expr]) -> None:
    """H[0] gives H one step; the loop's H[t+1] gives it T + 1."""
    target = parse(line, "equation").children[0]
    known = reader.locals.get(str(target.children[0]))
    if known is None:
        return
    slots, _ = _slots(reader, target.children[1:], outer, line)
    axes = list(known.axes)
    for place, slot in enumerate(slots):
        size = _slot_size(slot, outer) if slot.atoms(Index) <= outer.keys() else axes[place].size
        if size != axes[place].size and nonnegative_in_sizes(expand(size - axes[place].size)):
            axes[place] = Axis(str(size), size)
    reader.locals[known.name] = replace(known, axes=tuple(axes))


def _require_boundary(reader: _Reader, index: Index, equations: tuple[Equation, ...]) -> None:
    defined = {
        e.name for s in reader.statements for e in (s.equations if isinstance(s, Recurrence) else (s,))
    }
    for equation in equations:
        shifted = [i for i in equation.target.indices if expand(i - index) == 1]
        if shifted and equation.name not in defined:
            place = equation.target.indices.index(shifted[0])
            start = ",".join("0" if n == place else str(i) for n, i in enumerate(equation.target.indices))
            raise FormulaError(
                f"the recurrence of {equation.name} in {reader.name} has no start value; "
                f"define {equation.name}[{start}] before the loop over {index}"
            )


def _equation(reader: _Reader, line: str, outer: Mapping[Index, Expr]) -> Equation:
    tree = parse(line, "equation")
    frozen = tree.data == "frozen_equation"
    target_tree, value_tree = tree.children
    name = str(target_tree.children[0])
    if any(tensor.name == name for tensor in reader.inputs):
        raise FormulaError(f"{name} is an input of {reader.name} and cannot be assigned in {line!r}")
    slots, loops = _slots(reader, target_tree.children[1:], outer, line)
    indices = {str(i): i for i in (*outer, *loops)}
    value = read(value_tree, reader.scope(indices), line)
    integer = isinstance(value, ArgLargest)
    kind = Kind.INTEGER if integer else _kind(reader, name)
    known = reader.locals.get(name)
    extents = dict(outer) | {i: n for i, n in loops.items() if n is not None}
    free = tuple(i for i, n in loops.items() if n is None)
    value, extents = infer_extents(
        reader.name, line, value, slots, known, extents, free, reader.scope({}).tensors
    )
    value = _guarded(canonical_kinks(value), extents, reader.scope({}).tensors)
    if known is None:
        reader.locals[name] = _declared(name, slots, extents, outer, kind)
    return Equation(Ref(name, *slots, integer=integer), tuple((i, extents[i]) for i in loops), value, frozen)


def _slots(
    reader: _Reader, trees: list[Any], outer: Mapping[Index, Expr], line: str
) -> tuple[list[Expr], dict[Index, Expr | None]]:
    slots: list[Expr] = []
    loops: dict[Index, Expr | None] = {}
    for tree in trees:
        if tree is None:
            continue
        place, limit = _strictly_below(tree, line)
        if place.data == "name" and str(place.children[0]) not in {str(i) for i in outer}:
            index = Index(str(place.children[0]))
            scope = reader.scope({str(i): i for i in outer})
            loops[index] = None if limit is None else sympify(read(limit, scope, line), strict=True)
            slots.append(index)
        else:
            slots.append(expand(read(place, reader.scope({str(i): i for i in outer}), line)))
    return slots, loops


def _kind(reader: _Reader, name: str) -> Kind:
    """R_new of a declared state R is its next value, and state itself."""
    states = {tensor.name + "_new" for tensor in reader.inputs if tensor.kind is Kind.STATE}
    return Kind.STATE if name in states else Kind.REAL


def _declared(
    name: str, slots: list[Expr], extents: Mapping[Index, Expr], outer: Mapping[Index, Expr], kind: Kind
) -> Tensor:
    axes = []
    for slot in slots:
        if isinstance(slot, Index):
            size = extents[slot]
        else:
            loops = sorted(slot.atoms(Index), key=str)
            size = _slot_size(slot, {i: {**outer, **extents}[i] for i in loops})
        axes.append(Axis(str(size) if size.is_Symbol else str(slot), size))
    return Tensor(name, tuple(axes), kind)


def _slot_size(slot: Expr, extents: Mapping[Index, Expr]) -> Expr:
    """One more than the largest value of a target's index: t+1 over t < T needs T + 1."""
    return expand(slot.xreplace({index: extent - 1 for index, extent in extents.items()}) + 1)


def _guarded(value: Expr, extents: Mapping[Index, Expr], tensors: Mapping[str, Tensor]) -> Expr:
    """The value with every read that may leave its axis restricted to the positions inside."""
    rebuilt, condition = _guard(value, dict(extents), tensors)
    return Where(condition, rebuilt, 0)


def _guard(node: Any, extents: dict[Index, Expr], tensors: Mapping[str, Tensor]) -> tuple[Any, Any]:
    if isinstance(node, Ref):
        parts = (
            [
                inside(index, axis.size, extents)
                for index, axis in zip(node.indices, tensors[node.name].axes, strict=True)
                if not isinstance(index, Index) and not refs(index)
            ]
            if node.name in tensors
            else []
        )
        return node, And(*parts)
    if isinstance(node, Reduction) and not isinstance(node, VectorMap):
        body, condition = _guard(node.body, extents | dict(node.ranges), tensors)
        neutral = Integer(0) if isinstance(node, Sum) else -sympy.oo
        return node.func(Where(condition, body, neutral), *node.ranges), sympy.true
    if isinstance(node, Where):
        # a branch that a condition selects is read only where the condition holds
        chosen, inner = _guard(node.chosen, extents, tensors)
        other, outer = _guard(node.other, extents, tensors)
        outer = _beyond(outer, negated(node.condition), extents)
        return Where(And(node.condition, inner), chosen, Where(outer, other, 0)), sympy.true
    if not isinstance(node, Expr) or not node.args or not refs(node):
        return node, sympy.true
    pairs = [_guard(argument, extents, tensors) for argument in node.args]
    return node.func(*(argument for argument, _ in pairs)), And(*(condition for _, condition in pairs))


def _beyond(condition: Any, known: Any, extents: Mapping[Index, Expr]) -> Any:
    """The conjuncts of a condition that `known` does not imply."""
    if not isinstance(known, Nonnegative):
        return condition
    parts = condition.args if isinstance(condition, And) else (condition,)
    return And(
        *(
            part
            for part in parts
            if not isinstance(part, Nonnegative)
            or not proved_nonnegative(expand(part.expression - known.expression), extents)
        )
    )
