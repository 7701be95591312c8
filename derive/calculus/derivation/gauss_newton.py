"""J^T H_L J v: the Gauss-Newton product, the Hessian without the curvature of what comes before the loss.

    H_dot = J v              the pushforward of v to what the loss reads
    H_bar = H_L H_dot        the Hessian-vector product of the loss alone
    W_bar = J^T H_bar        the pullback of that

All three are derived. Where no loss is given, H_L is the identity: the loss is |Y|^2/2 of the outputs.
Schraudolph, Fast Curvature Matrix-Vector Products, Neural Computation 14, 2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from derive.calculus.derivation.hvp import hvp
from derive.calculus.derivation.jvp import DOT, jvp
from derive.calculus.derivation.vjp import BAR, axis_ranges, element_letters, vjp
from derive.calculus.expressions.tensor import Kind, Ref, Tensor
from derive.calculus.program.activity import reads, varying
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Statement, equations_of
from derive.calculus.program.renaming import renamed
from derive.errors import DeriveError


@dataclass(frozen=True)
class Parts:
    """A program cut where its loss begins: what comes before, the loss, the moving tensors that it reads."""

    before: Program
    loss: Program
    read: tuple[str, ...]


def gauss_newton(program: Program, wrt: Sequence[str] | None = None, at: str | None = None) -> Program:
    """The joint program: inputs and tangents W_dot in; W_bar out, the product with W_dot.

    `at` names the tensor where the loss begins: all that depends on it is the loss, the one output.
    """
    names = tuple(wrt) if wrt is not None else tuple(t.name for t in program.inputs if t.kind is Kind.REAL)
    if at is None:
        outputs = tuple(n for n in program.outputs if program.tensor(n).kind is Kind.REAL)
        before = replace(program, outputs=outputs)
        pullback = renamed(vjp(before, names), {output + BAR: output + DOT for output in outputs})
        return _joined(program, names, (jvp(before, names), pullback))
    parts = parted(program, names, at)
    pushforward, pullback = jvp(parts.before, names), vjp(parts.before, names)
    product = _with_bars(parts, {*pushforward.tensors, *pullback.tensors})
    direct = [name for name in parts.read if name in names]
    pullback = renamed(pullback, {name + BAR: f"{name}{BAR}_1" for name in direct})
    product = renamed(product, {name + BAR: f"{name}{BAR}_2" for name in direct})
    return _joined(program, names, (pushforward, product, pullback), direct)


def parted(program: Program, wrt: Sequence[str], at: str) -> Parts:
    """The program cut at a tensor: what depends on it is the loss."""
    late: set[str] = set()
    tail: list[Statement] = []
    for statement in program.statements:
        if _reads(statement) & {at, *late}:
            late |= _names(statement)
            tail.append(statement)
    if not set(program.outputs) <= late:
        raise DeriveError(
            f"{program.name}: {', '.join(program.outputs)} does not depend on {at}, so no loss begins there; "
            "name the tensor of which the loss is computed"
        )
    needed = {name for statement in tail for name in _reads(statement)} - late
    inputs = tuple(tensor for tensor in program.tensors.values() if tensor.name in needed)
    moving = varying(program, wrt)
    read = tuple(tensor.name for tensor in inputs if tensor.name in moving)
    own, others = _divided(program.locals, late)
    cut = tuple(tensor.name for tensor in others if tensor.name in read)
    head = tuple(statement for statement in program.statements if statement not in tail)
    before = replace(program, statements=head, locals=others, outputs=cut)
    return Parts(before, replace(program, inputs=inputs, statements=tuple(tail), locals=own), read)


def _divided(tensors: Sequence[Tensor], names: set[str]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The tensors with these names, and the others."""
    own = tuple(tensor for tensor in tensors if tensor.name in names)
    return own, tuple(tensor for tensor in tensors if tensor.name not in names)


def _with_bars(parts: Parts, taken: set[str]) -> Program:
    """The loss's product, which gives H_bar; its first-order H_bar and all else that clashes is renamed."""
    product = hvp(parts.loss, parts.read, unit=True)
    shared = set(parts.loss.tensors) | {name + DOT for name in parts.read}
    given = {name + BAR + DOT: name + BAR for name in parts.read}
    used = taken | set(product.tensors) | set(given.values())
    clashing = [
        tensor.name
        for tensor in product.locals
        if tensor.name not in shared | set(given) and tensor.name in taken | set(given.values())
    ]
    apart: dict[str, str] = {}
    for name in clashing:
        apart[name] = free_name(name, used)
        used.add(apart[name])
    return renamed(product, {**apart, **given})


def _joined(
    program: Program, wrt: Sequence[str], parts: Sequence[Program], direct: Sequence[str] = ()
) -> Program:
    """The parts one after the other, what they share once; direct contributions are added at the end."""
    statements: list[Statement] = []
    tensors: dict[str, Tensor] = {}
    for part in parts:
        statements += [s for s in part.statements if not _names(s) <= set(tensors)]
        tensors |= {tensor.name: tensor for tensor in part.locals}
    for name in direct:
        tensor = replace(program.tensor(name), name=name + BAR)
        statements.append(_total(tensor))
        tensors[tensor.name] = tensor
    inputs = program.inputs + tuple(replace(program.tensor(n), name=n + DOT, kind=Kind.REAL) for n in wrt)
    outputs = tuple(name + BAR for name in wrt)
    name = program.name + "_gauss_newton"
    return Program(name, inputs, tuple(statements), outputs, tuple(tensors.values()), program.facts)


def _total(tensor: Tensor) -> Equation:
    """W_bar[p,j] = W_bar_1[p,j] + W_bar_2[p,j]."""
    indices = element_letters(tensor)
    value = Ref(f"{tensor.name}_1", *indices) + Ref(f"{tensor.name}_2", *indices)
    return Equation(Ref(tensor.name, *indices), axis_ranges(tensor, indices), value)


def _names(statement: Statement) -> set[str]:
    return {equation.name for equation in equations_of(statement)}


def _reads(statement: Statement) -> set[str]:
    return {name for equation in equations_of(statement) for name in reads(equation)}
