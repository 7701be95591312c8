"""A layer's definition as on paper -> Program.

    linear(X[m,n], W[n,d], b[d]) -> Y
        Y[i,j] = sum_{p} X[i,p] W[p,j] + b[j]

Extents that are not written are found from use, and every use must agree. A read at a composite index
that may leave its axis restricts the nearest sum or maximum to the positions inside; outside of
any, it is 0. `for t < T:` opens a recurrence; its equations are indented. `fact sum_{j} P[i,j] = 1` declares
a law. A backslash continues a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Expr, SympifyError, expand, sympify

from derive.calculus.definition.declared import fact_of, require_consistent
from derive.calculus.definition.extents import infer_extents
from derive.calculus.definition.formula import Scope, read
from derive.calculus.definition.reads import guarded, require_inside
from derive.calculus.definition.syntax import parse
from derive.calculus.expressions.bounds import nonnegative_in_sizes
from derive.calculus.expressions.kinks import canonical_kinks
from derive.calculus.expressions.limits import FormulaError, NotDefined, excerpt
from derive.calculus.expressions.nodes import ArgLargest
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size, Tensor
from derive.calculus.program.program import Equation, Fact, Program, Recurrence, Statement
from derive.calculus.program.soundness import require_sound, unknown


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
    facts: list[Fact] = field(default_factory=list)

    def scope(self, indices: Mapping[str, Index]) -> Scope:
        tensors = {t.name: t for t in (*self.inputs, *self.locals.values())}
        return Scope(tensors, indices, {**self.sizes, **self.values}, {}, self.opaque)


def define(text: str, *, opaque: tuple[str, ...] = (), **values: Any) -> Program:
    """The program of a definition; `values` are its hyperparameters, `opaque` its undetermined functions."""
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.split("\n") if line.strip() and not line.strip().startswith("#")]
    if not lines:
        raise FormulaError(
            "the definition is empty; write a head, as softmax(Z[m,k]) -> S, and the equations below it"
        )
    head = parse(lines[0].strip(), "header")
    reader = _Reader(str(head.children[0]), _values(values), frozenset(opaque))
    outputs = []
    for child in head.children[1:]:
        if child is None:
            continue
        if child.data == "declaration":
            _declare(reader, child, lines[0])
        else:
            outputs.append(str(child.children[0]))
    try:
        _read_lines(reader, lines[1:])
    except NotDefined as error:
        raise _explained(error, lines[1:]) from None
    program = Program(
        reader.name,
        tuple(reader.inputs),
        tuple(reader.statements),
        tuple(outputs),
        tuple(reader.locals.values()),
        require_consistent(reader.name, reader.facts),
    )
    return require_sound(program)


def _explained(error: NotDefined, lines: list[str]) -> FormulaError:
    """What is read before its equation, or in a cycle, is said to be."""
    reads = {}
    for line in lines:
        if not line.strip().startswith(("for ", "fact ")):
            target, value = parse(line.strip(), "equation").children
            names = {str(node.children[0]) for kind in ("element", "name") for node in value.find_data(kind)}
            reads[str(target.children[0])] = (names, line.strip())
    if error.name not in reads:
        return error
    behind: set[str] = set()
    waiting = {error.name}
    while waiting:
        behind |= waiting
        waiting = {name for known in waiting for name in reads.get(known, (set(), ""))[0]} - behind
    own = {name for name, (_, line) in reads.items() if line == error.text}
    return FormulaError(unknown(error.name, error.text, [reads[error.name][1]], bool(own & behind)))


def _values(values: Mapping[str, Any]) -> dict[str, Expr]:
    """The hyperparameters as numbers or expressions; text is never evaluated."""
    found: dict[str, Expr] = {}
    for name, value in values.items():
        try:
            found[name] = sympify(value, strict=True)
        except SympifyError:
            found[name] = None
        if not isinstance(found[name], Expr):
            raise FormulaError(
                f"the value {name} = {excerpt(str(value))} is no number; give one, as {name}=2"
            )
    return found


def _declare(reader: _Reader, tree: Any, line: str) -> None:
    kind, name, *axes = tree.children
    for axis in (axis for axis in axes if axis is not None):
        for letter in (str(named.children[0]) for named in axis.find_data("name")):
            if letter not in reader.values:
                reader.sizes.setdefault(letter, Size(letter))
    sizes = [read(axis, reader.scope({}), line) for axis in axes if axis is not None]
    if str(name) in {t.name for t in reader.inputs}:
        raise FormulaError(f"{reader.name} declares {name} twice; give the second another name")
    if not sizes:
        _require_one_meaning(reader, str(name), "scalar")
    for size in sizes:
        if not size.is_integer or nonnegative_in_sizes(expand(-size)):
            raise FormulaError(
                f"{reader.name}: an axis of {name} has the size {size}; it must be an integer of at least 1"
            )
    reader.inputs.append(
        Tensor(
            str(name), tuple(Axis(str(size), size) for size in sizes), Kind(str(kind)) if kind else Kind.REAL
        )
    )


def _require_one_meaning(reader: _Reader, name: str, what: str) -> None:
    """A scalar is no size, an index no tensor; but an index c may run over a size c."""
    tensors = {tensor.name for tensor in (*reader.inputs, *reader.locals.values())}
    other = "tensor" if name in tensors else "size"
    if name in (tensors if what == "index" else {*reader.sizes, *reader.values}):
        raise FormulaError(f"{name} is both {other} and {what} in {reader.name}; rename one of them")


def _read_lines(reader: _Reader, lines: list[str]) -> None:
    position = 0
    while position < len(lines):
        line = lines[position]
        if line.strip().startswith("fact "):
            reader.facts.append(fact_of(reader.name, line.strip(), reader.scope({})))
            position += 1
            continue
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
    _require_one_meaning(reader, str(name), "index")
    index, extent = Index(str(name)), read(limit, reader.scope({}), head)
    outer = {index: extent}
    if not body:
        raise FormulaError(
            f"the recurrence {head!r} of {reader.name} has no equation; indent its equations below it"
        )
    for line in body:
        _require_start(reader, index, line.strip(), outer)
        _lengthen(reader, line.strip(), outer)
    equations = tuple(_equation(reader, line.strip(), outer) for line in body)
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
    _require_rank(known, slots, line)
    axes = list(known.axes)
    for place, slot in enumerate(slots):
        size = _slot_size(slot, outer) if slot.atoms(Index) <= outer.keys() else axes[place].size
        if size != axes[place].size and nonnegative_in_sizes(expand(size - axes[place].size)):
            axes[place] = Axis(str(size), size)
    reader.locals[known.name] = replace(known, axes=tuple(axes))


def _require_start(reader: _Reader, index: Index, line: str, outer: Mapping[Index, Expr]) -> None:
    """H[t+1] = ... needs H[0] before the loop."""
    target = parse(line, "equation").children[0]
    name = str(target.children[0])
    slots, _ = _slots(reader, target.children[1:], outer, line)
    for place, slot in enumerate(slots):
        shift = expand(slot - index)
        if shift.is_Integer and shift > 0 and name not in reader.locals:
            start = ",".join("0" if other == place else str(i) for other, i in enumerate(slots))
            raise FormulaError(
                f"the recurrence of {name} in {reader.name} has no start value; "
                f"define {name}[{start}] before the loop over {index}"
            )


def _equation(reader: _Reader, line: str, outer: Mapping[Index, Expr]) -> Equation:
    tree = parse(line, "equation")
    frozen = tree.data == "frozen_equation"
    target_tree, value_tree = tree.children
    name = str(target_tree.children[0])
    if any(tensor.name == name for tensor in reader.inputs):
        raise FormulaError(
            f"{name} is an input of {reader.name} and cannot be assigned in {excerpt(line)}; rename one"
        )
    if target_tree.children[1:] in ([], [None]):
        _require_one_meaning(reader, name, "scalar")
    slots, loops = _slots(reader, target_tree.children[1:], outer, line)
    indices = {str(i): i for i in (*outer, *loops)}
    value = read(value_tree, reader.scope(indices), line)
    integer = isinstance(value, ArgLargest)
    kind = Kind.INTEGER if integer else _kind(reader, name)
    known = reader.locals.get(name)
    _require_rank(known, slots, line)
    extents = dict(outer) | {i: n for i, n in loops.items() if n is not None}
    free = tuple(i for i, n in loops.items() if n is None)
    value, extents = infer_extents(
        reader.name, line, value, slots, known, extents, free, reader.scope({}).tensors
    )
    value = canonical_kinks(value)
    require_inside(value, extents, reader.scope({}).tensors, line)
    value = guarded(value, extents, reader.scope({}).tensors)
    if known is None:
        reader.locals[name] = _declared(name, slots, extents, outer, kind)
    return Equation(Ref(name, *slots, integer=integer), tuple((i, extents[i]) for i in loops), value, frozen)


def _require_rank(known: Tensor | None, slots: list[Expr], line: str) -> None:
    if known is not None and len(known.axes) != len(slots):
        raise FormulaError(
            f"{known} has {len(known.axes)} axes but {excerpt(line)} gives {len(slots)} indices; "
            "write one for each axis"
        )


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
            _require_one_meaning(reader, index.name, "index")
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
