"""What every program of a person must be: each complaint names the tensor, the equation and the remedy.

each tensor is defined once, or by a start and a step, before it is read
each index is bound; each input, equation and output has its name once
each input is used by some output, wherever a program is emitted or becomes a layer
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sympy import Expr, Integer, expand

from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, Ref, refs
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of
from derive.errors import DeriveError


class UnsoundProgram(DeriveError):
    """Equations that define nothing, or not what they seem to."""


def require_sound(program: Program) -> Program:
    """The program itself; UnsoundProgram where it is not one."""
    for complaint in complaints(program):
        raise UnsoundProgram(f"{program.name}: {complaint}")
    return program


def complaints(program: Program) -> Iterator[str]:
    """Everything wrong with a program, in the order of its text."""
    yield from _named_twice(program)
    defined = {tensor.name for tensor in program.inputs}
    for position, statement in enumerate(program.statements):
        yield from _unknown(program, statement, defined, program.statements[position + 1 :])
        yield from _ahead(statement)
        for equation in equations_of(statement):
            yield from _unbound(equation, {statement.index} if isinstance(statement, Recurrence) else set())
        defined |= {equation.name for equation in equations_of(statement)}
    yield from _assigned_twice(program)
    for name in program.outputs:
        if name not in defined:
            yield f"the output {name} is promised but no equation defines it; write {name}[...] = ..."


def require_used(program: Program) -> Program:
    """The program itself; UnsoundProgram where an output needs no more than some of the inputs."""
    used = needed(program)
    for tensor in program.inputs:
        if tensor.name not in used:
            raise UnsoundProgram(
                f"{program.name}: {', '.join(program.outputs)} does not depend on the input {tensor}; "
                "use it in an equation or take it out"
            )
    return program


def needed(program: Program, outputs: Iterable[str] | None = None) -> frozenset[str]:
    """Every tensor that the outputs depend on, the outputs and the sizes of ragged axes included."""
    reads: dict[str, set[str]] = {}
    for statement in program.statements:
        extent = {ref.name for ref in refs(statement.extent)} if isinstance(statement, Recurrence) else set()
        for equation in equations_of(statement):
            reads.setdefault(equation.name, set()).update(_reads(equation), extent)
    for tensor in program.tensors.values():
        sizes = {ref.name for axis in tensor.axes for ref in refs(axis.size)}
        reads.setdefault(tensor.name, set()).update(sizes)
    found: set[str] = set()
    waiting = set(program.outputs if outputs is None else outputs)
    while waiting:
        found |= waiting
        waiting = {read for name in waiting for read in reads.get(name, ())} - found
    return frozenset(found)


def _reads(equation: Equation) -> set[str]:
    parts = (
        equation.value,
        *(extent for _, extent in equation.ranges),
        *(index for index in equation.target.indices if index.args),
    )
    return {ref.name for part in parts for ref in refs(part)}


def _named_twice(program: Program) -> Iterator[str]:
    for names, what in (([t.name for t in program.inputs], "input"), (list(program.outputs), "output")):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"the {what} {name} is named twice; name it once"


def _unknown(
    program: Program, statement: Statement, defined: set[str], rest: tuple[Statement, ...]
) -> Iterator[str]:
    own = {e.name for e in equations_of(statement)} if isinstance(statement, Recurrence) else set()
    for equation in equations_of(statement):
        for name in sorted(_reads(equation) - defined - own):
            later = [e for s in rest for e in equations_of(s) if e.name == name]
            yield unknown(
                name, str(equation), [str(e) for e in later], equation.name in _behind(program, name)
            )
        for ref in (equation.target, *refs(equation.value)):
            if ref.name in program.tensors and len(ref.indices) != len(program.tensor(ref.name).axes):
                yield (
                    f"{ref} has {len(ref.indices)} indices but {program.tensor(ref.name)} has "
                    f"{len(program.tensor(ref.name).axes)} axes; write one for each axis"
                )


def _behind(program: Program, name: str) -> frozenset[str]:
    return needed(program, [name])


def unknown(name: str, line: str, later: list[str], cyclic: bool) -> str:
    """What to say of a tensor that is read before it is defined, or never."""
    if cyclic:
        return (
            f"{name} is needed in {line!r} and needs it: the equations form a cycle; "
            "break it, or write a recurrence, for t < T: with a start value"
        )
    if later:
        return f"{name} is read in {line!r} before its equation {later[0]!r}; move that equation up"
    return f"{name} is read in {line!r} but never defined; declare it as an input or write its equation"


def _unbound(equation: Equation, outer: set[Index]) -> Iterator[str]:
    repeated = [i for i in equation.loops if equation.target.indices.count(i) > 1]
    if repeated:
        yield (
            f"{equation.target} has the index {repeated[0]} twice, so that only its diagonal is defined; "
            "use two indices and a condition [i == j]"
        )
    for index in sorted(free_indices(equation.value).difference(outer, equation.loops), key=str):
        yield f"index {index} of {str(equation)!r} runs over nothing; give it a sum or a place in the target"


def _ahead(statement: Statement) -> Iterator[str]:
    """Steps of a recurrence that are read before they are made."""
    if not isinstance(statement, Recurrence) or statement.reverse:
        return
    targets = {equation.name: (place, equation) for place, equation in enumerate(statement.equations)}
    for place, equation in enumerate(statement.equations):
        for ref in sorted(refs(equation.value), key=str):
            if ref.name not in targets:
                continue
            made, definition = targets[ref.name]
            steps = _steps_ahead(ref, definition, statement.index)
            if steps is not None and (steps > 0 or (steps == 0 and made >= place)):
                yield (
                    f"{ref} is read in {str(equation)!r} before the recurrence over {statement.index} has "
                    f"made it; read an earlier step, or move the equation of {ref.name} up"
                )


def _steps_ahead(ref: Ref, definition: Equation, index: Index) -> int | None:
    """How many steps after the one being made a read lies; None where that is no number."""
    for read, made in zip(ref.indices, definition.target.indices, strict=True):
        if made.has(index):
            difference = expand(read - made)
            return int(difference) if difference.is_Integer else None
    return None


def _assigned_twice(program: Program) -> Iterator[str]:
    inputs = {tensor.name for tensor in program.inputs}
    seen: dict[str, list[tuple[Equation, Index | None]]] = {}
    for statement in program.statements:
        loop = statement.index if isinstance(statement, Recurrence) else None
        for equation in equations_of(statement):
            if equation.name in inputs:
                yield f"{equation.name} is an input and cannot be assigned in {str(equation)!r}; rename one"
            for other, of in seen.setdefault(equation.name, []):
                if not equation.accumulates and not _apart(equation.target, other.target, {loop, of}):
                    yield (
                        f"{equation.name} is defined twice, by {str(other)!r} and by {str(equation)!r}; "
                        "keep one, or give the second another name"
                    )
            seen[equation.name].append((equation, loop))


def _apart(one: Ref, other: Ref, loops: set[Index | None]) -> bool:
    """Whether two targets share no element: 0 and t+1, or t+1 and t+2 of steps by 2."""
    if len(one.indices) != len(other.indices):
        return False
    return any(_never_equal(a, b, loops) for a, b in zip(one.indices, other.indices, strict=True))


def _never_equal(a: Expr, b: Expr, loops: set[Index | None]) -> bool:
    low, high = (a, b) if not a.atoms(Index) else (b, a)
    if not low.atoms(Index):
        start = high.xreplace(dict.fromkeys(high.atoms(Index), Integer(0)))
        return bool(expand(start - low).is_positive) or (
            not high.atoms(Index) and expand(high - low).is_nonzero is True
        )
    difference = expand(a - b)
    slopes: Mapping[Index, Expr] = {i: expand(a).coeff(i) for i in a.atoms(Index)}
    if not difference.is_Integer or set(slopes) - loops:
        return False
    return all(slope.is_Integer and difference % slope != 0 for slope in slopes.values())
