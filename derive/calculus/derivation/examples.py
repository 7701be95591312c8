"""Each example's own program: the axis of the examples is kept, and every example has its own parameters.

    Y[i,j] = sum_{p} X[i,p] W[p,j]        Y[i,j] = sum_{p} X[i,p] W[i,p,j]
    L = sum_{i<m} l(Y[i,:])/m             L[i] = l(Y[i,:])

L[i] is the loss of a batch that holds example i alone: m = 1 in it. W[i,p,j] = W[p,j] for every i, so that
the derivative of L[i] by it is the gradient of that example's own loss: no sum over examples is ever formed.
What couples examples has no such program and is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from sympy import Add, Expr, Integer, Mul

from derive.calculus.derivation.partials import partials
from derive.calculus.expressions.nodes import Range, Reduction, Sum
from derive.calculus.expressions.substitution import bound_names, fresh, substitute
from derive.calculus.expressions.tensor import Axis, Index, Kind, Ref, Size, Tensor, refs
from derive.calculus.program.activity import reaching, reads, varying
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of
from derive.errors import DeriveError


class Coupled(DeriveError):
    """A program whose examples depend on each other: none has a gradient of its own."""


@dataclass(frozen=True)
class Examples:
    """What is known of a program's examples: their axis in each tensor, and which tensors receive one.

    `copied` are parameters and what follows from them alone, `closed` what sums over the examples.
    """

    program: Program
    size: Size
    places: dict[str, int]
    copied: frozenset[str]
    closed: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name in self.copied or name in self.closed

    def refuse(self, reason: str) -> NoReturn:
        """Coupled, by name and with the reason."""
        raise coupled(self.program, reason)


def coupled(program: Program, reason: str) -> Coupled:
    """The refusal of a program whose examples are not separate."""
    return Coupled(
        f"{program.name}: {reason}, so that no example has a gradient of its own; leave that part out, or "
        "derive no gradients by example"
    )


def separated(program: Program, wrt: Sequence[str], size: Size) -> tuple[Program, Examples]:
    """The program with an axis of examples in every tensor; Coupled where examples depend on each other."""
    outputs = tuple(name for name in program.outputs if program.tensor(name).kind is Kind.REAL)
    needed = reaching(program, outputs)
    examples = _examples(program, needed, wrt, size)
    _require_shares(program, examples, wrt)
    statements = [_statement(statement, needed, examples) for statement in program.statements]
    inputs = tuple(_tensor(tensor, examples) for tensor in program.inputs)
    kept = _defined(statements, {tensor.name for tensor in inputs})
    own = replace(program, inputs=inputs, statements=kept, outputs=outputs)
    defined = {equation.name for equation in own.equations()}
    declared = tuple(_tensor(tensor, examples) for tensor in program.locals if tensor.name in defined)
    facts = tuple(
        f for f in program.facts if not any(r.name in examples for r in refs(f.left) | refs(f.right))
    )
    return replace(own, locals=declared, facts=facts), examples


def _defined(statements: Sequence[Statement | None], known: set[str]) -> tuple[Statement, ...]:
    """The statements that are there, without those that read what is not."""
    kept: list[Statement] = []
    for statement in statements:
        if statement is not None:
            equations = equations_of(statement)
            own = {equation.name for equation in equations}
            if {name for equation in equations for name in reads(equation)} <= known | own:
                known |= own
                kept.append(statement)
    return tuple(kept)


def _examples(program: Program, needed: frozenset[str], wrt: Sequence[str], size: Size) -> Examples:
    places: dict[str, int] = {}
    for tensor in program.tensors.values():
        if tensor.name not in needed and not any(axis.size == size for axis in tensor.axes):
            continue
        found = [place for place, axis in enumerate(tensor.axes) if axis.size == size]
        if len(found) > 1:
            raise coupled(program, f"{tensor} relates the examples of axis {size} to each other")
        if any(axis.size != size and axis.size.has(size) for axis in tensor.axes):
            raise coupled(program, f"an axis of {tensor} mixes the examples of axis {size}")
        places |= {tensor.name: found[0]} if found else {}
    if not any(tensor.name in places for tensor in program.inputs):
        inputs = ", ".join(map(str, program.inputs))
        raise Coupled(
            f"{program.name} has no axis {size} of examples: its inputs are {inputs}; "
            f"name the axis of the examples {size}"
        )
    closed = _following(program, places, {e.name for e in program.equations() if _sums(e.value, size)})
    copied = _following(program, places, {name for name in wrt if name not in places})
    return Examples(program, size, places, frozenset(copied - closed), frozenset(closed))


def _following(program: Program, places: dict[str, int], names: set[str]) -> set[str]:
    """The names and all without an axis of examples that are computed of them."""
    found, before = {name for name in names if name not in places}, -1
    while before < len(found):
        before = len(found)
        found |= {e.name for e in program.equations() if e.name not in places and reads(e) & found}
    return found


def _sums(value: Expr, size: Size) -> list[Reduction]:
    """The reductions over the examples."""
    return [node for node in value.atoms(Reduction) if any(extent == size for _, extent in node.ranges)]


def _tensor(tensor: Tensor, examples: Examples) -> Tensor:
    own = Axis(str(examples.size), examples.size)
    return replace(tensor, axes=(own, *tensor.axes)) if tensor.name in examples else tensor


def _statement(statement: Statement, needed: frozenset[str], examples: Examples) -> Statement | None:
    if isinstance(statement, Recurrence):
        inner = tuple(
            e for e in (_kept(one, needed, examples) for one in statement.equations) if e is not None
        )
        if inner and statement.extent.has(examples.size):
            examples.refuse(f"the recurrence over {statement.index} runs through the examples")
        return replace(statement, equations=inner) if inner else None
    return _kept(statement, needed, examples)


def _kept(equation: Equation, needed: frozenset[str], examples: Examples) -> Equation | None:
    """The equation at one example; one that no output needs is a name to fold by, where there is such."""
    if equation.name in needed:
        return _equation(equation, examples)
    if any(axis.size.has(examples.size) for axis in examples.program.tensor(equation.name).axes):
        try:
            return _equation(equation, examples)
        except Coupled:
            return None
    return None


def _equation(equation: Equation, examples: Examples) -> Equation:
    loops = [index for index, extent in equation.ranges if extent == examples.size]
    if equation.name in examples.places:
        return _of_example(equation, loops, examples)
    if loops:
        examples.refuse(f"{equation.name} adds up over the examples")
    if equation.name not in examples.closed and equation.value.has(examples.size):
        _refuse_number(equation, examples)
    if equation.name in examples:
        return _given_an_axis(equation, examples)
    _require_read_at(equation, None, equation.value, examples)
    return equation


def _of_example(equation: Equation, loops: list[Index], examples: Examples) -> Equation:
    """An equation of example i reads example i alone."""
    own = equation.target.indices[examples.places[equation.name]]
    if loops != [own]:
        examples.refuse(f"{equation.target} is not one example's")
    for name in sorted({n for n in reads(equation) if n in examples.closed}):
        examples.refuse(f"{name} sums over the examples and {equation.name} of each reads it")
    if _sums(equation.value, examples.size):
        examples.refuse(f"{equation.name} of one example sums over all")
    if equation.value.has(examples.size):
        _refuse_number(equation, examples)
    _require_read_at(equation, own, equation.value, examples)
    return replace(equation, value=_copied(equation.value, own, examples))


def _refuse_number(equation: Equation, examples: Examples) -> NoReturn:
    examples.refuse(f"{equation.name} depends on the number of examples, {examples.size}")


def _given_an_axis(equation: Equation, examples: Examples) -> Equation:
    """What has no axis of examples receives one in front: a loss, and what follows from parameters alone."""
    taken = {i.name for i in equation.loops} | {str(s) for s in equation.target.free_symbols}
    sums = _sums(equation.value, examples.size)
    letters = [i.name for node in sums for i, extent in node.ranges if extent == examples.size]
    own = fresh(letters[0] if letters else "i", taken | (bound_names(equation.value) - set(letters)))
    _require_linear(equation, examples)
    value = Add(*(_alone(term, own, equation, examples) for term in Add.make_args(equation.value)))
    target = Ref(equation.name, own, *equation.target.indices)
    return replace(equation, target=target, ranges=((own, examples.size), *equation.ranges), value=value)


def _alone(term: Expr, own: Index, equation: Equation, examples: Examples) -> Expr:
    """A term at one example: c(m) sum_{i<m} f(i) is c(1) f(i)."""
    factors = [factor for factor in Mul.make_args(term) if _sums(factor, examples.size)]
    value = term
    if factors:
        if len(factors) > 1 or not isinstance(factors[0], Sum):
            examples.refuse(f"{equation.name} is no sum over the examples")
        value = (term / factors[0]) * _without_sum(factors[0], own, examples.size)
    if _sums(value, examples.size):
        examples.refuse(f"{equation.name} relates examples to each other")
    _require_read_at(equation, own, value, examples)
    return _copied(value.xreplace({examples.size: Integer(1)}), own, examples)


def _without_sum(node: Sum, own: Index, size: Size) -> Expr:
    """The body at one example, under the other sums."""
    (index,) = [i for i, extent in node.ranges if extent == size] or [own]
    others: tuple[Range, ...] = tuple((i, extent) for i, extent in node.ranges if i != index)
    return Sum(substitute(node.body, {index: own}), *others)


def _require_linear(equation: Equation, examples: Examples) -> None:
    """What is computed of a sum over the examples is linear in it, or it is of no single example."""
    for partial in partials(equation.value):
        if partial.ref.name in examples.closed:
            parts = refs(partial.coefficient) | refs(partial.condition)
            if any(r.name in examples.closed for r in parts) or _sums(partial.coefficient, examples.size):
                examples.refuse(
                    f"{equation.name} is not linear in {partial.ref.name}, which sums over the examples"
                )


def _require_read_at(equation: Equation, own: Index | None, value: Expr, examples: Examples) -> None:
    for ref in sorted(refs(value), key=str):
        place = examples.places.get(ref.name)
        if place is not None and ref.indices[place] != own:
            examples.refuse(f"{equation.name} reads {ref}, which is of another example")


def _copied(value: Expr, own: Index, examples: Examples) -> Expr:
    """W[p,j] is example i's own W[i,p,j]."""
    return value.xreplace(
        {ref: ref.func(ref.args[0], own, *ref.indices) for ref in refs(value) if ref.name in examples}
    )


def _require_shares(program: Program, examples: Examples, wrt: Sequence[str]) -> None:
    """The examples' own gradients, each with one weight, add up to the batch's."""
    moving = varying(program, wrt)
    weights: dict[Expr, str] = {}
    for equation in program.equations():
        if equation.name in examples.closed:
            for term in Add.make_args(equation.value):
                weight = _weight(term, moving, examples)
                if weight is not None:
                    weights.setdefault(weight, equation.name)
    if len(weights) > 1:
        parts = " and ".join(f"{weight} in {name}" for weight, name in sorted(weights.items(), key=str))
        raise Coupled(
            f"{program.name}: the terms of the loss weigh an example differently, {parts}, so that the "
            "examples' own gradients would not add up to the batch's; make every sum over the examples a "
            "mean, or leave out what is no example's"
        )


def _weight(term: Expr, moving: frozenset[str], examples: Examples) -> Expr | None:
    """What a term of m examples gives to each, against what it gives to one alone; a shared term 1/m."""
    names = {ref.name for ref in refs(term)}
    sums = _sums(term, examples.size)
    if sums or names & examples.closed:
        whole = term / sums[0] * sums[0].body if len(sums) == 1 and term.has(Mul) else term
        ratio = whole / whole.xreplace({examples.size: Integer(1)})
        return ratio if sums or ratio != 1 else None
    return 1 / examples.size if names & moving else None
