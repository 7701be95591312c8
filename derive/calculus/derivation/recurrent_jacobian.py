"""The Jacobian of what a recurrence computes: another recurrence, made of the Jacobians of one turn.

    H[t+1] = f(H[t], X[t], W)         dH[t+1] = J[t] dH[t] + D[t],   J = df/dH[t],  D = df/dW at H[t] fixed
    Y = g(H, W)                       dY = (dg/dH) dH + dg/dW

One turn, for every t at once and with H given, is a program without a recurrence (one_turn.py), whose
Jacobians are the ordinary ones; the chain rule over what it reads of others is the same recurrence again.
One that looks back further, or that feeds another, needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Add, And, Expr
from sympy.core.basic import Basic

from derive.calculus.derivation.jacobian import Jacobian, Term, jacobian, require_known
from derive.calculus.derivation.vjp import BAR, axis_ranges, element_letters
from derive.calculus.expressions.nodes import IsZero, Range, Sum, Where
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import fresh, substitute
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, TensorName, refs
from derive.calculus.program.activity import varying
from derive.calculus.program.compose import free_name
from derive.calculus.program.one_turn import NEXT, Part, result, starts, turns
from derive.calculus.program.program import Equation, Program, Recurrence, Statement

D = "d"


@dataclass(frozen=True)
class Link:
    """d target/d source of one turn, or of what is before or behind; all else that it reads is held fixed.

    `found` has the letters of the target, `plain` its own, as the Jacobian of `program`.
    """

    target: Ref
    source: str
    found: Jacobian
    plain: Jacobian
    program: Program


@dataclass(frozen=True)
class RecurrentJacobian:
    """d output[rows]/d by[columns] is the tensor d<output>[rows, columns] of a program.

    `chain` are the statements that define such tensors, `links` the Jacobians that they are made of; `added`
    defines what these read and the forward program has no name for.
    """

    output: Tensor
    by: Tensor
    columns: tuple[Index, ...]
    program: Program
    chain: tuple[Statement, ...]
    links: tuple[Link, ...]
    added: tuple[Equation, ...]


@dataclass
class _Work:
    """The chain rule so far: what has a d of its own, its equations, and what they read."""

    program: Program
    by: Tensor
    columns: tuple[Index, ...]
    names: dict[str, str] = field(default_factory=dict)
    locals: dict[str, Tensor] = field(default_factory=dict)
    added: dict[str, Equation] = field(default_factory=dict)
    chain: list[Statement] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def recurrent_jacobian(program: Program, output: str, by: str) -> RecurrentJacobian:
    """The Jacobian of a program with recurrences."""
    require_known(program, output, by)
    tensor = program.tensor(by)
    work = _Work(program, tensor, _columns(program, tensor))
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            _through(work, statement)
    if output not in work.names:
        _declare(work, output)
        work.chain.append(_equation(work, result(program, output, [n for n in work.names if n != output])))
    whole = Program(
        f"{program.name}_jacobian",
        program.inputs,
        (*program.statements, *work.added.values(), *work.chain),
        (work.names[output],),
        (*program.locals, *work.locals.values()),
    )
    lists = (tuple(work.chain), tuple(work.links), tuple(work.added.values()))
    return RecurrentJacobian(program.tensor(output), tensor, work.columns, whole, *lists)


def _columns(program: Program, by: Tensor) -> tuple[Index, ...]:
    """Letters for the axes of `by` that nothing else has."""
    taken = {axis.name for tensor in program.tensors.values() for axis in tensor.axes}
    for equation in program.equations():
        taken |= {i.name for part in (equation.value, equation.target) for i in part.atoms(Index)}
    taken |= {s.index.name for s in program.statements if isinstance(s, Recurrence)}
    chosen: list[Index] = []
    for letter in element_letters(by):
        chosen.append(fresh(letter.name, taken | {index.name for index in chosen}))
    return tuple(chosen)


def _declare(work: _Work, name: str) -> None:
    """The tensor d<name>: the axes of `by` behind its own."""
    tensor = work.program.tensor(name)
    letters = {Index(axis.name): i for axis, i in zip(work.by.axes, work.columns, strict=True)}
    sizes = (substitute(axis.size, letters) for axis in work.by.axes)
    axes = tuple(Axis(index.name, size) for index, size in zip(work.columns, sizes, strict=True))
    own = free_name(D + name, {*work.program.tensors, *work.locals})
    work.names[name] = own
    work.locals[own] = Tensor(own, (*tensor.axes, *axes))


def _through(work: _Work, recurrence: Recurrence) -> None:
    """d of all that a recurrence hands on: at its start, then turn by turn."""
    earlier = tuple(work.names)
    parts = turns(work.program, recurrence, earlier)
    for part in parts:
        _declare(work, part.target.name)
    for part in parts:
        work.chain += [_equation(work, start) for start in starts(work.program, part.target.name, earlier)]
    steps = tuple(_equation(work, part, recurrence.index) for part in parts)
    work.chain.append(replace(recurrence, equations=steps))


def _equation(work: _Work, part: Part, turn: Index | None = None) -> Equation:
    """d target = the sum over all that a part reads of d target/d source times d source."""
    model = part.equation
    rows = tuple(i for i in model.target.indices if isinstance(i, Index))
    given = {tensor.name for tensor in part.program.inputs}
    terms: list[Expr] = []
    for source in (work.by.name, *(name for name in work.names if name in given)):
        if part.output in varying(part.program, (source,)):
            plain = jacobian(part.program, part.output, source)
            found = _adopted(work, part, plain)
            work.links.append(Link(part.target, source, _lettered(found, rows), plain, part.program))
            terms += [_contracted(work, found, term, rows) for term in found.terms]
    ranges = (*model.ranges, *axis_ranges(work.by, work.columns))
    loops = tuple((index, extent) for index, extent in ranges if index != turn)
    target = Ref(work.names[part.target.name], *part.target.indices, *work.columns)
    return Equation(target, loops, normal(Add(*terms), dict(ranges)))


def _adopted(work: _Work, part: Part, found: Jacobian) -> Jacobian:
    """A part's Jacobian in the names of the whole; those that it has not are added to it."""
    turned = {name for name, _ in part.named}
    read = {ref.name for term in found.terms for ref in refs(term.value)}
    added: list[Equation] = []
    for equation in reversed(list(found.program.equations())):
        name = equation.name
        if name in read and name not in turned | set(work.program.tensors) and not name.endswith(BAR):
            read |= equation.reads
            added.insert(0, equation)
    heads: dict[Basic, Basic] = {}
    for equation in added:
        value = part.back(equation.value).xreplace(heads)
        name = _named(work, equation.name.replace(NEXT, ""), value)
        heads[TensorName(equation.name)] = TensorName(name)
        work.added[name] = replace(equation, target=equation.target.xreplace(heads), value=value)
        work.locals[name] = replace(found.program.tensor(equation.name), name=name)
    terms = (replace(term, value=part.back(term.value).xreplace(heads)) for term in found.terms)
    return replace(found, terms=tuple(terms))


def _named(work: _Work, name: str, value: Expr) -> str:
    """A name for a value: that of an equal one, or a free one."""
    if name in work.added and work.added[name].value == value:
        return name
    return free_name(name, {*work.program.tensors, *work.locals})


def _lettered(found: Jacobian, rows: tuple[Index, ...]) -> Jacobian:
    """A Jacobian with rows of these letters, which the columns that every term links to them have as well."""
    shared = {found.columns[a]: rows[o] for o, a in found.blocks}
    taken = {i.name for i in rows}
    for term in found.terms:
        taken |= {i.name for i in term.value.atoms(Index)}
    named = {**dict(zip(found.rows, rows, strict=True)), **shared}
    for column in found.columns:
        if column not in named:
            named[column] = fresh(column.name, taken - {column.name} | {i.name for i in rows})
            taken.add(named[column].name)
    ranges = dict((*axis_ranges(found.output, found.rows), *axis_ranges(found.by, found.columns)))
    for o, a in found.blocks:
        ranges[found.columns[a]] = ranges[found.rows[o]]
    extents = {named[index]: substitute(extent, named) for index, extent in ranges.items()}
    terms = tuple(replace(t, value=normal(substitute(t.value, named), extents)) for t in found.terms)
    columns = tuple(named[column] for column in found.columns)
    return replace(found, rows=rows, columns=columns, terms=terms)


def _contracted(work: _Work, found: Jacobian, term: Term, rows: tuple[Index, ...]) -> Expr:
    """One term of d target/d source times d source: the sum over the columns that no link holds."""
    linked = {found.columns[a]: rows[o] for o, a in term.links}
    named = dict(zip(found.rows, rows, strict=True))
    if found.by.name == work.by.name:
        named |= dict(zip(found.columns, work.columns, strict=True))
        same = And(*(IsZero(rows[o] - work.columns[a]) for o, a in term.links))
        return Where(same, substitute(term.value, named), 0)
    taken = {i.name for i in (*rows, *work.columns)} | {i.name for i in term.value.atoms(Index)}
    for column in found.columns:
        named[column] = linked.get(column) or fresh(column.name, taken)
        taken.add(named[column].name)
    moved = Ref(work.names[found.by.name], *(named[c] for c in found.columns), *work.columns)
    free: list[Range] = [
        (named[column], substitute(extent, named))
        for column, extent in axis_ranges(found.by, found.columns)
        if column not in linked
    ]
    return Sum(substitute(term.value, named) * moved, *free)
