"""A function inside a formula has a name while it is differentiated, as if the author had given one.

    Y[i,j] = X[i,j]/(1 + exp(-X[i,j]))
becomes
    Y_sigma[i,j] = 1/(1 + exp(-X[i,j]))
    Y[i,j] = X[i,j] Y_sigma[i,j]
so that
    X_bar[i,j] = (Y_sigma[i,j] + Y[i,j] (1 - Y_sigma[i,j])) Y_bar[i,j]

reads the value that the forward pass has, instead of calling exp again. What a function takes is
named too where it has a sum of its own. A name that no derivative reads is taken out again. Nothing under a
guard is named: it may only be evaluated there. Nothing in a logarithm is: log(1 + exp(x)) has a stable
form only as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sympy import Abs, Add, Expr, Function, Pow, exp, log, sign
from sympy.core.basic import Basic

from derive.calculus.expressions.canonical import key
from derive.calculus.expressions.nodes import Largest, Range, Reduction, Sum, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import freshened, substitute
from derive.calculus.expressions.tensor import Axis, Index, Ref, Tensor, refs
from derive.calculus.expressions.terms import product
from derive.calculus.program.activity import reads
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of

CHEAP = (Abs, sign)
_NAMES = {"exp": "exp", "tanh": "tanh", "erf": "erf", "erfc": "erfc", "sin": "sin", "cos": "cos"}


@dataclass
class Naming:
    """The names given so far, by canonical key."""

    taken: set[str]
    known: dict[object, Ref] = field(default_factory=dict)
    locals: list[Tensor] = field(default_factory=list)


def with_kernels(program: Program) -> Program:
    """The program with a name for every function that stands inside a larger formula."""
    return with_names(program, _named)


def with_names(
    program: Program, named: Callable[[Equation, tuple[Range, ...], Naming], list[Equation]]
) -> Program:
    """The program with every equation preceded by what of it is given a name."""
    sizes = {str(s) for tensor in program.tensors.values() for n in tensor.shape for s in n.free_symbols}
    naming = Naming(set(program.tensors) | sizes)
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            outer = ((statement.index, statement.extent),)
            naming.known.clear()
            parts = [part for equation in statement.equations for part in named(equation, outer, naming)]
            statements.append(replace(statement, equations=tuple(parts)))
            naming.known.clear()
        else:
            statements += named(statement, (), naming)
    if not naming.locals:
        return program
    return replace(program, statements=tuple(statements), locals=(*program.locals, *naming.locals))


def without_idle(joint: Program, named: Program, program: Program) -> Program:
    """The joint program less the names of kernels that no derivative reads."""
    if named is program:
        return joint
    kernels = {tensor.name for tensor in named.locals} - {tensor.name for tensor in program.locals}
    forward = {tensor.name for tensor in named.locals}
    used = {name for e in joint.equations() if e.name not in forward for name in reads(e)}
    idle = kernels - used
    while True:
        definitions = {e.name: e for e in joint.equations() if e.name in idle}
        if not definitions:
            return joint
        name, equation = next(reversed(definitions.items()))
        idle.discard(name)
        joint = _put_back(joint, equation)


def forward_of(joint: Program, program: Program) -> Program:
    """The program as its pullback reads it, with the names of the kernels that are kept."""
    late = {tensor.name for tensor in joint.inputs} - {tensor.name for tensor in program.inputs}
    early: list[Statement] = []
    for statement in joint.statements:
        equations = equations_of(statement)
        if any(reads(equation) & late or equation.name in late for equation in equations):
            late |= {equation.name for equation in equations}
        else:
            early.append(statement)
    defined = {name for statement in early for name in _names(statement)}
    kept = tuple(tensor for tensor in joint.locals if tensor.name in defined)
    return replace(program, statements=tuple(early), locals=kept)


def _names(statement: Statement) -> set[str]:
    equations = equations_of(statement)
    return {equation.name for equation in equations}


def _put_back(joint: Program, kernel: Equation) -> Program:
    statements: list[Statement] = []
    for statement in joint.statements:
        if isinstance(statement, Recurrence):
            kept = tuple(_reading(e, kernel) for e in statement.equations if e.name != kernel.name)
            statements.append(replace(statement, equations=kept))
        elif statement.name != kernel.name:
            statements.append(_reading(statement, kernel))
    locals_ = tuple(tensor for tensor in joint.locals if tensor.name != kernel.name)
    return replace(joint, statements=tuple(statements), locals=locals_)


def _reading(equation: Equation, kernel: Equation) -> Equation:
    uses = [ref for ref in refs(equation.value) if ref.name == kernel.name]
    if not uses:
        return equation
    value = freshened(
        kernel.value, {str(s) for s in equation.value.free_symbols} | {i.name for i in equation.loops}
    )
    places = kernel.target.indices
    put = {ref: substitute(value, dict(zip(places, ref.indices, strict=True))) for ref in uses}
    return replace(equation, value=equation.value.xreplace(put))


def _named(equation: Equation, outer: tuple[Range, ...], naming: Naming) -> list[Equation]:
    """The equation, preceded by its kernels."""
    if equation.frozen or not holds(equation.value, Function, Pow) or equation.value.is_Atom:
        return [equation]
    if _rational_in_exponentials(equation.value):
        return [equation]
    found: dict[Basic, Expr] = {}
    before: list[Equation] = []
    for node, ranges in _kernels(equation.value, (*outer, *equation.ranges)):
        if node not in found:
            ref, new = name_of(node, equation, ranges, outer, naming)
            found |= {node: ref, -node: -ref}
            before += [part for each in new for part in _named(each, outer, naming)]
    return [*before, replace(equation, value=equation.value.xreplace(found))] if found else [equation]


def _rational_in_exponentials(value: Expr) -> bool:
    """Whether several exponentials meet in a fraction: it has a stable form only as a whole."""
    return any(
        node.exp.is_negative and len(nodes_of(node.base, exp)) > 1 and not holds(node.base, Sum)
        for node in nodes_of(value, Pow)
    )


def _kernels(value: Expr, ranges: tuple[Range, ...]) -> Iterator[tuple[Expr, tuple[Range, ...]]]:
    """What of a value deserves a name, with the ranges around it; of a value that is a kernel itself,
    what it takes.
    """
    alone = _alone(value)
    if alone is None:
        yield from _inside(value, ranges)
    else:
        yield from _arguments(alone, ranges)


def _alone(value: Expr) -> Expr | None:
    """The kernel that a value is, up to numbers: its name is the value's."""
    factors = [base**power for base, power in product(value).factors.items() if holds(base, Ref)]
    if isinstance(value, Where) or len(factors) != 1:
        return None
    (factor,) = factors
    if isinstance(factor, Add):
        _, factor = factor.as_independent(Ref, as_Add=True)
        _, factor = factor.as_independent(Ref, as_Add=False)
    return factor if _is_kernel(factor) else None


def _is_kernel(node: Basic) -> bool:
    if isinstance(node, Pow):
        return not node.exp.is_Integer or (
            node.exp == -1 and isinstance(node.base, Add) and holds(node.base, exp)
        )
    return isinstance(node, Function) and not isinstance(node, CHEAP)


def _inside(node: Basic, ranges: tuple[Range, ...]) -> Iterator[tuple[Expr, tuple[Range, ...]]]:
    if isinstance(node, (Ref, Where, Largest, log)) or not node.args or not holds(node, Ref):
        return
    if isinstance(node, Reduction) and not isinstance(node, Sum):
        return
    if _is_kernel(node):
        yield node, ranges
        return
    if isinstance(node, Pow) and node.exp.is_negative and holds(node.base, Sum):
        yield node.base, ranges
        return
    inner = (*ranges, *node.ranges) if isinstance(node, Sum) else ranges
    for argument in (node.body,) if isinstance(node, Sum) else node.args:
        yield from _inside(argument, inner)


def _arguments(kernel: Expr, ranges: tuple[Range, ...]) -> Iterator[tuple[Expr, tuple[Range, ...]]]:
    """What a kernel takes, where that has a sum."""
    argument = kernel.args[0]
    if isinstance(kernel, Pow) and isinstance(argument, Add) and holds(argument, exp):
        argument = max(nodes_of(argument, exp), key=str).args[0]
    if holds(argument, Sum) and not isinstance(argument, Ref):
        yield (-argument if argument.could_extract_minus_sign() else argument), ranges


def name_of(
    node: Expr,
    equation: Equation,
    ranges: tuple[Range, ...],
    outer: tuple[Range, ...],
    naming: Naming,
    kind: str = "",
) -> tuple[Ref, list[Equation]]:
    """A reference to the name of a node, and its equation where it is new."""
    needed = {s for s in node.free_symbols if isinstance(s, Index)} | {index for index, _ in outer}
    used = tuple(pair for pair in ranges if pair[0] in needed)
    indices = tuple(index for index, _ in used)
    identity = (key(node, indices), tuple(extent for _, extent in used))
    if identity in naming.known:
        return Ref(naming.known[identity].name, *indices), []
    name = free_name(f"{equation.name}_{kind or _kind(node)}", naming.taken)
    naming.taken.add(name)
    axes = tuple(Axis(str(n) if n.is_Symbol else str(i), n) for i, n in used)
    naming.locals.append(Tensor(name, axes))
    target = Ref(name, *indices)
    naming.known[identity] = target
    own = tuple(pair for pair in used if pair not in outer)
    return target, [replace(equation, target=target, ranges=own, value=node, given=False)]


def _kind(node: Expr) -> str:
    if isinstance(node, Pow):
        return "sigma" if holds(node.base, exp) else "root"
    return _NAMES.get(type(node).__name__, "argument")
