"""Sweeps: the statements of a program, arranged around one loop over the examples.

    for (int i = 0; i < b->m; i++) { every equation of example i, in order }

An equation with the batch index in its target belongs to the sweep as soon as all it reads of other
rows is there. A sum over the batch into few numbers, as a loss, is added to in the sweep; one into
a matrix, as a weight's cotangent, is a contraction like any other and has its own nest after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from codegen.accumulation import accumulation
from derive.calculus.expressions.nodes import Sum
from derive.calculus.expressions.tensor import Index, Ref, Size
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of


class Kind(Enum):
    """How a statement stands to the loop over the examples."""

    WHOLE = 0
    ROW = 1
    ROW_SUM = 2


@dataclass(frozen=True)
class Placed:
    """A statement, its kind, its index of the example, and its stage: even ones are whole, odd are sweeps."""

    statement: Statement
    kind: Kind
    row: Index | None
    stage: int


@dataclass(frozen=True)
class Sweeps:
    """The statements of a program by stage, and the tensors that never leave their example."""

    placed: tuple[Placed, ...]
    one_example: frozenset[str]

    @property
    def stages(self) -> tuple[tuple[Placed, ...], ...]:
        numbers = sorted({placed.stage for placed in self.placed})
        return tuple(tuple(p for p in self.placed if p.stage == number) for number in numbers)


def arranged(program: Program, batch: Size | None) -> Sweeps:
    """The program around its loop over the examples; without a batch, every statement alone."""
    placed: list[Placed] = []
    producers: dict[str, list[Placed]] = {}
    for statement in program.statements:
        kind, row = _kind(statement, batch)
        found = Placed(statement, kind, row, _stage(statement, kind, row, producers))
        placed.append(found)
        for equation in equations_of(statement):
            producers.setdefault(equation.name, []).append(found)
    return Sweeps(tuple(placed), frozenset(_staying(program, producers, placed)))


def _kind(statement: Statement, batch: Size | None) -> tuple[Kind, Index | None]:
    if batch is None or isinstance(statement, Recurrence):
        return Kind.WHOLE, None
    rows = [index for index, extent in statement.ranges if extent == batch]
    if rows and statement.target.indices[:1] == (rows[0],):
        return Kind.ROW, rows[0]
    if statement.accumulates:
        scattered = bool(rows) and rows[0] not in statement.target.indices
        return (Kind.ROW_SUM, rows[0]) if scattered else (Kind.WHOLE, None)
    return _summed_over_rows(statement, batch)


def _summed_over_rows(equation: Equation, batch: Size) -> tuple[Kind, Index | None]:
    """A sum over the batch into at most one axis."""
    form = accumulation(equation.value)
    if form is None or form.kind != Sum.operator or len(equation.ranges) > 1:
        return Kind.WHOLE, None
    rows = {next((i for i, n in term.ranges if n == batch), None) for term in form.terms}
    row = rows.pop() if len(rows) == 1 else None
    return (Kind.WHOLE, None) if row is None else (Kind.ROW_SUM, row)


def _stage(statement: Statement, kind: Kind, row: Index | None, producers: Mapping[str, list[Placed]]) -> int:
    """The first stage at which everything that a statement reads is complete."""
    stage = 0 if kind is Kind.WHOLE else 1
    for equation in equations_of(statement):
        for ref in (*equation.references, equation.target):
            for producer in producers.get(ref.name, []):
                stage = max(stage, _after(producer, ref, kind, row))
    return stage


def _after(producer: Placed, ref: Ref, kind: Kind, row: Index | None) -> int:
    if kind is Kind.WHOLE and producer.kind is Kind.WHOLE:
        return producer.stage
    aligned = producer.kind is Kind.ROW and kind is not Kind.WHOLE and ref.indices[:1] == (row,)
    if aligned:
        return producer.stage
    same_parity = (kind is Kind.WHOLE) == (producer.kind is Kind.WHOLE)
    return producer.stage + (2 if same_parity else 1)


def _staying(program: Program, producers: Mapping[str, list[Placed]], placed: list[Placed]) -> Iterator[str]:
    """The tensors that are defined and read in one sweep, each row by its own example."""
    uses: dict[str, list[tuple[Placed, Ref]]] = {}
    for one in placed:
        for equation in equations_of(one.statement):
            for ref in equation.references:
                uses.setdefault(ref.name, []).append((one, ref))
    for name, makers in producers.items():
        stage = makers[0].stage
        own = all(maker.kind is Kind.ROW and maker.stage == stage for maker in makers)
        read = uses.get(name, [])
        if (
            own
            and name not in program.outputs
            and all(one.stage == stage and ref.indices[:1] == (one.row,) for one, ref in read)
        ):
            yield name
