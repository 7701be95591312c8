"""Programs: equations in single assignment over named tensors, recurrences, and their verifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from sympy import Expr

from derive.calculus.expressions.nodes import Range, free_indices
from derive.calculus.expressions.tensor import Index, Kind, Ref, Tensor, refs


@dataclass(frozen=True)
class Equation:
    """target = value for every value of the ranges.

    Y[i,j] = sum_{p<n}(X[i,p]*W[p,j])      the target's indices are the loop indices: assigned
    E_bar[x[t],d] += A_bar[t,d]            any other target index: accumulated from zero (a scatter)

    A frozen equation has no derivative: it is a shift proved not to change the value.
    `given` marks a name that the author gave; the others were found by naming parts.
    """

    target: Ref
    ranges: tuple[Range, ...]
    value: Expr
    frozen: bool = False
    given: bool = True
    layer: str = ""

    @cached_property
    def name(self) -> str:
        return self.target.name

    @cached_property
    def loops(self) -> tuple[Index, ...]:
        return tuple(index for index, _ in self.ranges)

    @cached_property
    def references(self) -> frozenset[Ref]:
        """Every element that it reads: in its value, its ranges and its target's indices."""
        extents = (extent for _, extent in self.ranges)
        return frozenset[Ref]().union(*map(refs, (self.value, *self.target.indices, *extents)))

    @cached_property
    def reads(self) -> frozenset[str]:
        """The tensors of its references."""
        return frozenset(ref.name for ref in self.references)

    @cached_property
    def open_indices(self) -> frozenset[Index]:
        """The indices that neither its loops nor a reduction binds."""
        parts = (self.value, *self.target.indices)
        return frozenset[Index]().union(*map(free_indices, parts)).difference(self.loops)

    @cached_property
    def accumulates(self) -> bool:
        """Whether several loop values can meet in one element."""
        return any(index not in self.target.indices for index in self.loops) or any(
            refs(index) for index in self.target.indices
        )

    @cached_property
    def text(self) -> str:
        """A[i,j] = X[i,q]*W[q,j]    [i<m, j<n]."""
        loops = ", ".join(f"{i}<{n}" for i, n in self.ranges)
        sign = "+=" if self.accumulates else "="
        return f"{self.target} {sign} {self.value}" + (f"    [{loops}]" if loops else "")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Recurrence:
    """for t < T (or backwards): the equations in order; targets carry t or t+1 as an index."""

    index: Index
    extent: Expr
    equations: tuple[Equation, ...]
    reverse: bool = False

    def __str__(self) -> str:
        head = f"for {self.index}<{self.extent}{' reversed' if self.reverse else ''}:"
        return "\n".join([head, *(f"    {equation}" for equation in self.equations)])


Statement: TypeAlias = Equation | Recurrence


def equations_of(statement: Statement) -> tuple[Equation, ...]:
    """The equations of a step, or the equation itself."""
    return statement.equations if isinstance(statement, Recurrence) else (statement,)


@dataclass(frozen=True)
class Program:
    """inputs -> statements in order -> outputs."""

    name: str
    inputs: tuple[Tensor, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]
    locals: tuple[Tensor, ...] = ()
    facts: tuple[Fact, ...] = field(default=())

    def tensor(self, name: str) -> Tensor:
        """The declaration of a name; KeyError where there is none."""
        return self.tensors[name]

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in (*self.inputs, *self.locals)}

    def equations(self) -> Iterator[Equation]:
        """Every equation in order, those of recurrences included."""
        for statement in self.statements:
            yield from equations_of(statement)

    def defining(self, name: str) -> tuple[Equation, ...]:
        """The equations that define a name: one, or boundary and step of a recurrence."""
        return self._definitions.get(name, ())

    @cached_property
    def _definitions(self) -> dict[str, tuple[Equation, ...]]:
        found: dict[str, tuple[Equation, ...]] = {}
        for equation in self.equations():
            found[equation.name] = (*found.get(equation.name, ()), equation)
        return found

    def with_statements(self, statements: tuple[Statement, ...], declared: Iterable[Tensor] = ()) -> Program:
        """The program of these statements and locals more; itself, where they are its own."""
        more, own = tuple(declared), self.statements
        if not more and list(map(id, own)) == list(map(id, statements)):
            return self
        return replace(self, statements=statements, locals=self.locals + more)

    def __str__(self) -> str:
        inputs = ", ".join(str(tensor) for tensor in self.inputs)
        head = f"{self.name}({inputs}) -> {', '.join(self.outputs)}"
        lines = (line for statement in self.statements for line in str(statement).split("\n"))
        return "\n".join([head, *(f"    {line}" for line in lines)])


@dataclass(frozen=True)
class Fact:
    """A declared law: left = right for all index values, as sum_j P[i,j] = 1."""

    left: Expr
    right: Expr
    source: str = "declared"


def real_names(program: Program) -> frozenset[str]:
    """The tensors that have cotangents."""
    return frozenset(t.name for t in program.tensors.values() if t.kind in (Kind.REAL, Kind.STATE))


def map_equations(program: Program, change: Callable[[Equation], Equation]) -> Program:
    """The program with `change(equation)` in place of each equation."""
    return program.with_statements(expanded(program, lambda equation, _: (change(equation),)))


def expanded(
    program: Program, parts: Callable[[Equation, tuple[Range, ...]], Iterable[Equation]]
) -> tuple[Statement, ...]:
    """The statements with `parts(equation, outer)` in place of each equation.

    `outer` is the loop around it: the index and extent of its recurrence, or nothing. A statement of which no
    equation is replaced stays the same object.
    """
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            outer = ((statement.index, statement.extent),)
            inner = tuple(part for equation in statement.equations for part in parts(equation, outer))
            same = list(map(id, inner)) == list(map(id, statement.equations))
            statements.append(statement if same else replace(statement, equations=inner))
        else:
            statements += parts(statement, ())
    return tuple(statements)
