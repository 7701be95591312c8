"""The chain of partials from a loss to a parameter, as a lecture writes it before sizes are made to match.

    dL/dW1 = dL/dH . dH/dZ2 . dZ2/dA1 . dA1/dW1

Each link is the partial of one named equation by one name that it reads, indices and all. Names that
the author did not give (a shift, its exponentials) are passed through: their link is the pullback of
what lies between, its cotangent 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sympy import Add, Expr, Integer

from derive.calculus.derivation.maxima import named_maximum
from derive.calculus.derivation.partials import partials
from derive.calculus.derivation.vjp import BAR, vjp
from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.substitution import freshened
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.activity import active, reads
from derive.calculus.program.program import Equation, Program

MOST_PATHS = 16


@dataclass(frozen=True)
class Link:
    """d above / d below = partial, an expression in the indices of the equation of `above`."""

    above: str
    below: str
    partial: Expr


def chains(program: Program, output: str, wrt: str) -> tuple[tuple[Link, ...], ...]:
    """Every path of links from an output to an input, the shortest first."""
    live = active(program, (wrt,), (output,))
    found = islice(_paths(program, output, wrt, live), MOST_PATHS)
    return tuple(sorted(found, key=len))


def _paths(program: Program, above: str, wrt: str, live: frozenset[str]) -> Iterator[tuple[Link, ...]]:
    for below in _next_names(program, above, live):
        link = _link(program, above, below)
        if below == wrt:
            yield (link,)
            continue
        for rest in _paths(program, below, wrt, live):
            yield (link, *rest)


def _next_names(program: Program, above: str, live: frozenset[str]) -> list[str]:
    """The given names that a name depends on, through names that were not given."""
    found: list[str] = []
    for equation in program.defining(above):
        for name in sorted(reads(equation) & live - {above}):
            own = [name] if _given(program, name) else _next_names(program, name, live)
            found += [inner for inner in own if inner not in found]
    return found


def _given(program: Program, name: str) -> bool:
    return all(equation.given for equation in program.defining(name))


def _link(program: Program, above: str, below: str) -> Link:
    (equation, *_) = program.defining(above)
    if all(_given(program, name) for name in reads(equation)):
        return Link(above, below, _partial(equation, below))
    (derived,) = vjp(_between(program, above), (below,)).defining(below + BAR)
    seeds = {ref: Integer(1) for ref in refs(derived.value) if ref.name == above + BAR}
    return Link(above, below, derived.value.xreplace(seeds))


def _between(program: Program, above: str) -> Program:
    """What defines a name, down to the given names that it is a function of: they are its inputs. What is
    defined by these alone comes along: E/T is S.
    """
    inner, open_ = {above}, [above]
    while open_:
        read = {name for equation in program.defining(open_.pop()) for name in reads(equation)}
        hidden = {name for name in read - inner if not _given(program, name) and program.defining(name)}
        inner |= hidden
        open_ += sorted(hidden)
    equations = [s for s in program.statements if isinstance(s, Equation)]
    outer = {ref.name for e in equations if e.name in inner for ref in refs(e.value)} - inner
    statements: list[Equation] = []
    for equation in equations:
        if equation.name not in outer and {ref.name for ref in refs(equation.value)} <= inner | outer:
            statements.append(equation)
            inner.add(equation.name)
    return replace(
        program,
        inputs=tuple(tensor for name, tensor in program.tensors.items() if name in outer),
        statements=tuple(statements),
        outputs=(above,),
        locals=tuple(tensor for tensor in program.locals if tensor.name in inner),
    )


def _partial(equation: Equation, below: str) -> Expr:
    value = freshened(equation.value, {index.name for index in equation.loops})
    terms = [
        Where(partial.condition, partial.coefficient, 0)
        for partial in partials(value, named_maximum(equation))
        if partial.ref.name == below
    ]
    return Add(*dict.fromkeys(terms))
