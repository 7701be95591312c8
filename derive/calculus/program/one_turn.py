"""One turn of a recurrence as a program without one: every turn at once, what other turns computed given.

for t < T:                                     A[t,j] = sum_p H[t,p] U[p,j]             [t < T]
    A[t,j] = sum_p H[t,p] U[p,j]         ->    H_next[t,j] = tanh(A[t,j])               [t < T]
    H[t+1,j] = tanh(A[t,j])                    H (T+1, d) is an input
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr

from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.calculus.program.soundness import needed

NEXT = "_next"


@dataclass(frozen=True)
class Part:
    """A program without recurrences that computes `output`, which stands for `target` of the whole."""

    program: Program
    output: str
    target: Ref
    named: tuple[tuple[str, Ref], ...] = ()

    @property
    def equation(self) -> Equation:
        return self.program.defining(self.output)[0]

    def back(self, value: Any) -> Any:
        """A value of the part in the names of the whole: H_next[t,j] is H[t+1,j]."""
        found = {}
        for ref in refs(value):
            for name, target in self.named:
                if ref.name == name:
                    own = dict(zip(self.program.defining(name)[0].target.indices, ref.indices, strict=True))
                    found[ref] = Ref(target.name, *(substitute(i, own) for i in target.indices))
        return value.xreplace(found)


def turns(program: Program, recurrence: Recurrence, earlier: Iterable[str]) -> list[Part]:
    """For each name that a recurrence hands on, to other turns or to what follows: one turn that computes it.

    `earlier` names are computed before, by other recurrences, and given.
    """
    defined = {equation.name: equation.target for equation in recurrence.equations}
    inside: set[Ref] = set()
    handed = _read_by_others(program, recurrence)
    seen: dict[str, Ref] = {}
    for equation in recurrence.equations:
        for ref in equation.references:
            target = seen.get(ref.name)
            if target is not None and _now(ref, target, recurrence):
                inside.add(ref)
            elif ref.name in defined:
                handed.add(ref.name)
        seen[equation.name] = equation.target
    taken = set(program.tensors)
    names = {name: free_name(name + NEXT, taken) if name in handed else name for name in defined}
    body = [_parallel(equation, recurrence, names, defined, inside) for equation in recurrence.equations]
    tensors = tuple(
        _tensor(program.tensor(e.name), names[e.name], e, recurrence) for e in recurrence.equations
    )
    given = tuple(program.tensor(name) for name in (*earlier, *handed))
    before = _plain(program, recurrence, {*earlier, *defined})
    back = tuple((names[name], target) for name, target in defined.items() if name in handed)
    whole = Program(
        program.name, program.inputs + given, (*before, *body), (), (*_declared(program, before), *tensors)
    )
    return [
        Part(_pruned(whole, names[e.name]), names[e.name], e.target, back)
        for e in recurrence.equations
        if e.name in handed
    ]


def _read_by_others(program: Program, recurrence: Recurrence) -> set[str]:
    """What a recurrence defines and another statement or the caller reads."""
    defined = {equation.name for equation in recurrence.equations}
    found = set(program.outputs) & defined
    for statement in program.statements:
        if statement is not recurrence:
            parts = statement.equations if isinstance(statement, Recurrence) else (statement,)
            found |= {name for equation in parts for name in equation.reads & defined}
    return found


def starts(program: Program, name: str, given: Iterable[str]) -> list[Part]:
    """For each equation that starts a recurrence's tensor: what computes it."""
    found = []
    for statement in program.statements:
        if isinstance(statement, Equation) and statement.name == name:
            before = _plain(program, statement, {*given, name})
            own = free_name(name + "_start", set(program.tensors))
            kept = tuple(i for i in statement.target.indices if i in statement.loops)
            axes = tuple(Axis(i.name, dict(statement.ranges)[i]) for i in kept)
            part = replace(statement, target=Ref(own, *kept))
            local = (*_declared(program, before), Tensor(own, axes))
            inputs = program.inputs + tuple(program.tensor(n) for n in given)
            whole = Program(program.name, inputs, (*before, part), (), local)
            found.append(Part(_pruned(whole, own), own, statement.target))
    return found


def result(program: Program, output: str, earlier: Iterable[str]) -> Part:
    """What computes an output, all that recurrences compute given."""
    given = tuple(program.tensor(name) for name in earlier)
    before = _plain(program, None, set(earlier))
    whole = Program(program.name, program.inputs + given, before, (), _declared(program, before))
    return Part(_pruned(whole, output), output, program.defining(output)[0].target)


def _plain(program: Program, until: Statement | None, without: set[str]) -> tuple[Equation, ...]:
    """The equations outside of recurrences before a statement, but for those of some names."""
    found: list[Equation] = []
    for statement in program.statements:
        if statement is until:
            break
        if isinstance(statement, Equation) and statement.name not in without:
            found.append(statement)
    return tuple(found)


def _declared(program: Program, equations: Iterable[Equation]) -> tuple[Tensor, ...]:
    return tuple(program.tensor(name) for name in dict.fromkeys(e.name for e in equations))


def _pruned(program: Program, output: str) -> Program:
    """The program with what one output needs."""
    needs = needed(program, (output,))
    kept = tuple(e for e in program.equations() if e.name in needs)
    local = tuple(t for t in program.locals if t.name in needs)
    return replace(program, statements=kept, locals=local, outputs=(output,))


def _place(target: Ref, recurrence: Recurrence) -> int:
    """The axis along which a recurrence goes."""
    return next(k for k, index in enumerate(target.indices) if index.has(recurrence.index))


def _now(ref: Ref, target: Ref, recurrence: Recurrence) -> bool:
    """Whether a read is of what this turn has computed."""
    place = _place(target, recurrence)
    return bool(ref.indices[place] == target.indices[place])


def _parallel(
    equation: Equation,
    recurrence: Recurrence,
    names: dict[str, str],
    defined: dict[str, Ref],
    inside: set[Ref],
) -> Equation:
    """An equation of a recurrence for every turn at once."""

    def turned(ref: Ref) -> Ref:
        indices = list(ref.indices)
        place = _place(defined[ref.name], recurrence)
        if names[ref.name] != ref.name:
            indices[place] = recurrence.index
        return Ref(names[ref.name], *indices)

    value: Expr = equation.value.xreplace({ref: turned(ref) for ref in inside if ref in equation.references})
    ranges = ((recurrence.index, recurrence.extent), *equation.ranges)
    return replace(equation, target=turned(equation.target), ranges=ranges, value=value)


def _tensor(tensor: Tensor, name: str, equation: Equation, recurrence: Recurrence) -> Tensor:
    """A tensor with an axis of turns: ragged sizes are those of what the turn computes."""
    if name == tensor.name:
        return tensor
    place = _place(equation.target, recurrence)
    letter = Index(tensor.axes[place].name)
    moved = {letter: substitute(equation.target.indices[place], {recurrence.index: letter})}
    axes = [Axis(axis.name, substitute(axis.size, moved)) for axis in tensor.axes]
    axes[place] = Axis(tensor.axes[place].name, recurrence.extent)
    return replace(tensor, name=name, axes=tuple(axes))
