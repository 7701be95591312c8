"""What does not change when all scores are moved together reads their distances from the maximum.

    M[i] = max_q Z[i,q],  E[i,q] = exp(Z[i,q] - M[i]),  H_bar[i,j] = S[i,j] (M[i] - L[i] - Z[i,j] + log(T[i]))
    becomes
    M[i] = max_q Z[i,q],  D[i,j] = Z[i,j] - M[i],  E[i,q] = exp(D[i,q]),
    H_bar[i,j] = S[i,j] (-L[i] - D[i,j] + log(T[i]))

Scores of 1e4 have steps of 1e-3 in float32, and so has what is added to one of them. D has all digits, and is
exact where Z > M/2 > 0 (Sterbenz, Floating-Point Computation, 1974). Let f(Z, M) be what an equation says,
names that do not move aside. Where f(D + c, c) does not depend on c, modulo definitions (sum_q S = 1),
f(Z, M) is f(D, 0). A loss that reads M - Z and logarithms alone is right as it stands, elements first, and
stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from sympy import Add, Expr, Mul, S, exp, log
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Finite, Largest, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Index, Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Statement, map_equations
from derive.calculus.simplification.cheapest import best
from derive.calculus.simplification.folding import Folder
from derive.calculus.simplification.simplify import folder_of
from derive.calculus.stable.logform import definition


@dataclass(frozen=True)
class Shift:
    """The maximum of a tensor of scores over one of its axes, and the name for what is left."""

    equation: Equation
    scores: Ref
    distance: str

    @property
    def largest(self) -> Ref:
        return self.equation.target

    def at(self, ref: Ref) -> tuple[Ref, Ref]:
        """The distance and the maximum at the indices of a score."""
        places = dict(zip(self.scores.indices, ref.indices, strict=True))
        rows = (places[index] for index in self.largest.indices)
        return Ref(self.distance, *ref.indices), Ref(self.largest.name, *rows)


def centred(program: Program) -> Program:
    """The program with such equations by distances; last before emission."""
    for shift in list(_shifts(program)):
        program = _by_distances(program, shift)
    return program


def _shifts(program: Program) -> Iterator[Shift]:
    """The frozen maxima of whole rows of a tensor, no index of it computed, outside of recurrences."""
    taken = set(program.tensors)
    for statement in program.statements:
        scores = _scores(statement, program) if isinstance(statement, Equation) else None
        if scores is not None:
            assert isinstance(statement, Equation)
            name = free_name("D", taken)
            taken.add(name)
            yield Shift(statement, scores, name)


def _scores(equation: Equation, program: Program) -> Ref | None:
    value = equation.value
    if not equation.frozen or equation.given or not isinstance(value, Largest) or len(value.ranges) != 1:
        return None
    body = value.body.chosen if isinstance(value.body, Where) else value.body
    if not isinstance(body, Ref) or len(set(body.indices)) != len(body.indices):
        return None
    ranges = {**dict(equation.ranges), **dict(value.ranges)}
    tensor = program.tensor(body.name)
    whole = tuple(ranges.get(index) for index in body.indices) == tensor.shape
    return body if whole and set(body.indices) == set(ranges) else None


def _by_distances(program: Program, shift: Shift) -> Program:
    folder: Folder | None = None
    changed: dict[Equation, Expr] = {}
    for equation in _behind(program, shift):
        value = _opened(equation.value, program, shift)
        if value == equation.value and not _is_exposed(value, shift):
            continue
        folder = folder or folder_of(map_equations(program, lambda e: replace(e, value=_finite(e.value))))
        if _is_unmoved(value, shift, folder, dict(equation.ranges)):
            changed[equation] = _moved(value, shift, S.Zero)
    if not changed:
        return program
    tensor = program.tensor(shift.scores.name)
    statements = tuple(
        part
        for statement in map_equations(program, lambda e: _renamed(e, changed, shift)).statements
        for part in _with_distance(statement, shift, tensor)
    )
    return program.with_statements(statements, (Tensor(shift.distance, tensor.axes),))


def _behind(program: Program, shift: Shift) -> tuple[Equation, ...]:
    """The equations that come after the maximum: those before it have no distances to read."""
    equations = tuple(program.equations())
    names = [equation.name for equation in equations]
    return equations[names.index(shift.largest.name) + 1 :]


def _renamed(equation: Equation, changed: Mapping[Equation, Expr], shift: Shift) -> Equation:
    """The equation by distances; exp(Z - M) is exp(D) wherever it stands."""
    value = changed.get(equation)
    if value is None:
        decays = {n: exp(_moved(n.args[0], shift, S.Zero)) for n in nodes_of(equation.value, exp)}
        plain = {n: new for n, new in decays.items() if _moved(n, shift, shift.largest) == new != n}
        value = equation.value.xreplace(plain) if plain else equation.value
    return equation if value == equation.value else replace(equation, value=value)


def _with_distance(statement: Statement, shift: Shift, tensor: Tensor) -> tuple[Statement, ...]:
    """The statement, the distances behind the maximum."""
    if not isinstance(statement, Equation) or statement.name != shift.largest.name:
        return (statement,)
    ranges = tuple(zip(shift.scores.indices, tensor.shape, strict=True))
    assert all(isinstance(index, Index) for index, _ in ranges)
    distance, largest = shift.at(shift.scores)
    return statement, Equation(
        distance, ranges, shift.scores - largest, given=False, layer=shift.equation.layer
    )


def _opened(value: Expr, program: Program, shift: Shift) -> Expr:
    """The value with M + log(T) for a name of it, where the scores are read beside the name."""
    names = {ref: definition(ref, program) for ref in refs(value) if ref.name != shift.distance}
    found = {
        ref: meaning
        for ref, meaning in names.items()
        if isinstance(meaning, Add)
        and any(_is_among(term, {shift.largest.name}) for term in meaning.args)
        and not any(r.name == shift.scores.name for r in refs(meaning))
    }
    return value.xreplace(found) if found and any(r.name == shift.scores.name for r in names) else value


def _is_exposed(value: Expr, shift: Shift) -> bool:
    """Whether a score is added to more than the maximum and logarithms."""
    if not any(ref.name == shift.scores.name for ref in refs(value)):
        return False
    if _reads(_moved(value, shift, shift.largest), shift.largest.name):
        return True
    own = {shift.scores.name, shift.largest.name}
    sums = [node for node in nodes_of(value, Add) if any(_is_among(term, own) for term in node.args)]
    return any(
        refs(term) and not (_is_among(term, own) or holds(term, log)) for node in sums for term in node.args
    )


def _is_among(term: Expr, names: Set[str]) -> bool:
    """Whether a term is an element of one of these, or a multiple of one."""
    return any(isinstance(factor, Ref) and factor.name in names for factor in Mul.make_args(term))


def _reads(value: Expr, name: str) -> bool:
    return any(ref.name == name for ref in refs(value))


def _moved(value: Expr, shift: Shift, by: Expr) -> Expr:
    """The value with D + M for the scores, or with D for them and 0 for M."""
    found: dict[Basic, Basic] = {node: node for node in nodes_of(value, Finite)}  # it is, wherever M is
    for ref in refs(value):
        if ref.name == shift.scores.name:
            distance, largest = shift.at(ref)
            found[ref] = distance + (largest if by != 0 else 0)
        elif ref.name == shift.largest.name and by == 0:
            found[ref] = S.Zero
    return value.xreplace(found)


def _is_unmoved(value: Expr, shift: Shift, folder: Folder, ranges: Mapping[Index, Expr]) -> bool:
    """Whether f(D + M, M) = f(D, 0), modulo definitions, where M is any number and has none."""
    difference = _moved(value, shift, shift.largest) - _moved(value, shift, S.Zero)
    free = {ref: Ref("moved", *ref.indices) for ref in refs(difference) if ref.name == shift.largest.name}
    return bool(best(_finite(difference).xreplace(free), folder, ranges) == 0)


def _finite(value: Expr) -> Expr:
    """The value where every maximum is finite: where one is not, its guards stay as they are."""
    guards = {node: node.chosen for node in nodes_of(value, Where) if isinstance(node.condition, Finite)}
    return value.xreplace(guards) if guards else value
