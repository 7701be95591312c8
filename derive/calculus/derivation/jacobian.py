"""The Jacobian of one output by one input, by its structure: no entry of it is ever listed.

    S_bar -> Z_bar[a,q] = S[a,q] (S_bar[a,q] - sum_{j} S_bar[a,j] S[a,j])
    dS[i,j]/dZ[a,q] = [i = a] ([j = q] S[a,q] - S[a,j] S[a,q])        blocks: diagonal plus rank 1

The derived pullback is linear in the output's cotangent: each place at which it reads it is a term, with
links between axes of output and input, which are deltas, and a value. The structure is read off the terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import And, Expr, Integer
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from derive.calculus.arrays.matrix import inlined
from derive.calculus.derivation.partials import Partial, partials
from derive.calculus.derivation.vjp import BAR, axis_ranges, element_letters, vjp
from derive.calculus.expressions.deltas import Scatter, eliminate
from derive.calculus.expressions.deltas import Term as Delta
from derive.calculus.expressions.nodes import IsZero, Sum, Where
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import fresh, substitute
from derive.calculus.expressions.tensor import Index, Tensor
from derive.calculus.program.program import Equation, Program, Recurrence
from derive.errors import DeriveError


@dataclass(frozen=True)
class Term:
    """links: an axis of the output and the axis of the input that it equals; value: of what is left."""

    links: tuple[tuple[int, int], ...]
    value: Expr

    @property
    def guard(self) -> Boolean | None:
        """What the value stands under, where it is 0 elsewhere."""
        return self.value.condition if isinstance(self.value, Where) and self.value.other == 0 else None

    @property
    def factor(self) -> Expr:
        return self.value.chosen if isinstance(self.value, Where) and self.value.other == 0 else self.value


@dataclass(frozen=True)
class Jacobian:
    """d output[rows] / d by[columns], the sum of its terms."""

    output: Tensor
    by: Tensor
    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    terms: tuple[Term, ...]
    program: Program

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """The links that all terms share."""
        if not self.terms:
            return ()
        return tuple(link for link in self.terms[0].links if all(link in term.links for term in self.terms))

    def left(self, term: Term) -> tuple[tuple[Index, ...], tuple[Index, ...]]:
        """The row and column indices that no link of a term holds."""
        rows = tuple(i for place, i in enumerate(self.rows) if place not in {o for o, _ in term.links})
        columns = tuple(i for place, i in enumerate(self.columns) if place not in {a for _, a in term.links})
        return rows, columns

    def entry(self) -> Expr:
        """One entry, the links as deltas."""
        total: Expr = Integer(0)
        for term in self.terms:
            deltas = And(*(IsZero(self.rows[o] - self.columns[a]) for o, a in term.links))
            total += Where(deltas, term.value, 0)
        return total


def jacobian(program: Program, output: str, by: str) -> Jacobian:
    """The Jacobian of a program without recurrences, from its derived pullback."""
    require_known(program, output, by)
    if recurs(program):
        raise DeriveError(
            f"{program.name} has a recurrence: its Jacobian is one as well, of the Jacobians of one turn; "
            "recurrent_jacobian gives it"
        )
    joint = vjp(replace(program, outputs=(output,)), (by,))
    rows_of, columns_of = program.tensor(output), program.tensor(by)
    (equation,) = joint.defining(by + BAR)
    bars = frozenset(e.name for e in joint.equations() if e.name.endswith(BAR) and e.name != by + BAR)
    columns = element_letters(columns_of, [equation.target] if not equation.accumulates else [])
    value = inlined(equation.value, joint, bars)
    taken = {i.name for i in columns} | {i.name for i in value.atoms(Index)}
    rows: list[Index] = []
    for place in program.defining(output)[0].target.indices:
        rows.append(fresh(str(place), taken | {i.name for i in rows}))
    found = Jacobian(rows_of, columns_of, tuple(rows), columns, (), joint)
    loops = dict(equation.ranges)
    terms = [
        _term(partial, equation, found)
        for partial in partials(normal(value, loops))
        if partial.ref.name == output + BAR
    ]
    return replace(found, terms=tuple(terms))


def recurs(program: Program) -> bool:
    """Whether a program has a recurrence."""
    return any(isinstance(statement, Recurrence) for statement in program.statements)


def require_known(program: Program, output: str, by: str) -> None:
    """DeriveError for an output or an input that there is not."""
    for name, known in ((output, program.outputs), (by, [tensor.name for tensor in program.inputs])):
        if name not in known:
            raise DeriveError(f"{program.name} has no {name}; there is {', '.join(known)}")
    for name in program.tensors:
        if name.endswith(BAR):
            raise DeriveError(
                f"{program.name}: {name} has the name of a cotangent, of which a Jacobian is made; rename it"
            )


def _term(partial: Partial, equation: Equation, found: Jacobian) -> Term:
    """sum over ranges of [place = rows] * coefficient: bare loops are links, the others are solved."""
    loops = {index: place for place, index in enumerate(equation.target.indices) if isinstance(index, Index)}
    columns = dict(zip(equation.target.indices, found.columns, strict=True))
    links: list[tuple[int, int]] = []
    pending: list[int] = []
    for place, index in enumerate(partial.ref.indices):
        if index in loops and loops[index] not in {a for _, a in links}:
            links.append((place, loops[index]))
        else:
            pending.append(place)
    ranges = partial.ranges + (equation.ranges if equation.accumulates else ())
    condition: Boolean = partial.condition
    if equation.accumulates:
        links, pending = [], list(range(len(found.rows)))
        condition = And(condition, *(IsZero(i - a) for i, a in columns.items()))
    delta = Delta(
        tuple(partial.ref.indices[place] for place in pending), partial.coefficient, ranges, condition
    )
    solved = eliminate(
        delta,
        tuple(found.rows[place] for place in pending),
        tuple(found.output.axes[place] for place in pending),
    )
    if isinstance(solved, Scatter):  # as it stands: a window that moves by more than one place
        places = zip(delta.place, (found.rows[place] for place in pending), strict=True)
        reached = And(condition, *(IsZero(place - row) for place, row in places))
        solved = Sum(Where(reached, partial.coefficient, 0), *ranges)
    renaming = {index: columns[index] for index in loops} if not equation.accumulates else {}
    extents = dict((*axis_ranges(found.output, found.rows), *axis_ranges(found.by, found.columns)))
    return _linked(Term(tuple(links), normal(substitute(solved, renaming), extents)), found)


def _linked(term: Term, found: Jacobian) -> Term:
    """A guard that says that two indices are equal is a link."""
    guard = term.guard
    conditions = guard.args if isinstance(guard, And) else (guard,) if guard is not None else ()
    links, rest = list(term.links), []
    for condition in conditions:
        link = _equal(condition, found)
        if link is None or link[0] in {o for o, _ in links} or link[1] in {a for _, a in links}:
            rest.append(condition)
        else:
            links.append(link)
    same = {found.rows[o]: found.columns[a] for o, a in links}
    return Term(tuple(sorted(links)), substitute(Where(And(*rest), term.factor, 0), same))


def _equal(condition: Basic, found: Jacobian) -> tuple[int, int] | None:
    if isinstance(condition, IsZero):
        for o, row in enumerate(found.rows):
            for a, column in enumerate(found.columns):
                if condition.expression in (row - column, column - row):
                    return o, a
    return None
