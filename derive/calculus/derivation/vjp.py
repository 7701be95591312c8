"""X_bar[a] = sum over equations of sum_loops Y_bar[target] * d value/d X[g] * [g = a].

The sweep goes backwards over the named equations: each partial of an equation, times the cotangent
of its target, is a contribution to what it reads; its delta is eliminated at once. A recurrence is
swept as one statement: its adjoint is the reversed recurrence. Nothing is inlined, so names survive.
Griewank and Walther, Evaluating Derivatives, 2nd ed., section 3.2; Laue et al., AAAI 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sympy import Add, Expr

from derive.calculus.derivation.kernels import with_kernels, without_idle
from derive.calculus.derivation.maxima import named_maximum, tie_count, with_bodies
from derive.calculus.derivation.partials import partials
from derive.calculus.derivation.parts import with_parts
from derive.calculus.expressions.deltas import Scatter, Term, eliminate
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.substitution import fresh, freshened, substitute
from derive.calculus.expressions.tensor import Index, Kind, Ref, Tensor
from derive.calculus.program.activity import active
from derive.calculus.program.carried import carried
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.calculus.program.renaming import renamed
from derive.calculus.simplification.simplify import simplified
from derive.errors import DeriveError

BAR = "_bar"


@dataclass
class _Sweep:
    """What has been found so far: contributions by tensor, and the adjoint statements."""

    program: Program
    outputs: tuple[str, ...]
    live: frozenset[str]
    terms: dict[str, list[tuple[Ref, Term]]] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    locals: dict[str, Tensor] = field(default_factory=dict)

    def cotangent(self, name: str) -> str:
        """The name of the complete cotangent: an output that is read again adds to what comes in."""
        return name + BAR + ("_total" if name in self.outputs and name in self.terms else "")


def adjoints(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """The joint program: the forward statements, then the adjoints; cotangents in, X_bar out."""
    wrt = tuple(wrt) if wrt is not None else _real_inputs(program)
    outputs = tuple(name for name in program.outputs if program.tensor(name).kind is Kind.REAL)
    _require_real(program, wrt)
    _require_free_names(program, (*wrt, *outputs))
    sweep = _Sweep(program, outputs, active(program, wrt, outputs))
    for statement in reversed(program.statements):
        _sweep_statement(sweep, statement)
    for name in wrt:
        _define_cotangent(sweep, program.tensor(name))
    seeds = tuple(replace(program.tensor(name), name=name + BAR, kind=Kind.REAL) for name in outputs)
    return Program(
        program.name + "_vjp",
        program.inputs + seeds,
        program.statements + tuple(sweep.statements),
        tuple(name + BAR for name in wrt),
        program.locals + tuple(sweep.locals.values()),
        program.facts,
    )


def _real_inputs(program: Program) -> tuple[str, ...]:
    return tuple(tensor.name for tensor in program.inputs if tensor.kind is Kind.REAL)


def _require_real(program: Program, wrt: Sequence[str]) -> None:
    inputs = {tensor.name: tensor for tensor in program.inputs}
    for name in wrt:
        if name not in inputs:
            raise DeriveError(f"{program.name} has no input {name!r}; its inputs are {', '.join(inputs)}")
        if inputs[name].kind not in (Kind.REAL, Kind.STATE):
            raise DeriveError(
                f"{name} of {program.name} is {inputs[name].kind.value}: only real tensors have cotangents"
            )


def _earlier(program: Program) -> dict[str, str]:
    """Names for the cotangents of a pullback that is pulled back itself: z_bar is that of z once more."""
    taken = set(program.tensors)
    return {name + BAR: free_name(f"{name}{BAR}1", taken) for name in program.tensors if name + BAR in taken}


def _require_free_names(program: Program, names: Sequence[str]) -> None:
    """X_bar must be free, the cotangent of X."""
    defined = (*names, *(tensor.name for tensor in program.locals))
    for name in defined:
        if name + BAR in program.tensors:
            raise DeriveError(
                f"{program.name} has {name} and {name + BAR} already, so that the cotangent of {name} "
                f"has no name; rename {name + BAR}"
            )


def _sweep_statement(sweep: _Sweep, statement: Statement) -> None:
    if isinstance(statement, Equation):
        if statement.name in sweep.live:
            _define_cotangent(sweep, sweep.program.tensor(statement.name), statement)
            _contribute(sweep, statement, ())
        return
    for equation in statement.equations:
        if equation.name in sweep.live:
            sweep.terms.setdefault(equation.name, [])
    for equation in reversed(statement.equations):
        if equation.name in sweep.live:
            _contribute(sweep, equation, ((statement.index, statement.extent),))
    _reversed_recurrence(sweep, statement)


def _contribute(sweep: _Sweep, equation: Equation, outer: tuple[tuple[Index, Expr], ...]) -> None:
    """Add what one equation contributes to the cotangents of all it reads."""
    if equation.frozen or not _has_cotangent(sweep, equation.name):
        return
    loops = outer + equation.ranges
    value = freshened(equation.value, {index.name for index, _ in loops})
    seed = Ref(sweep.cotangent(equation.name), *equation.target.indices)
    counted = tie_count(equation, sweep.program.tensor(equation.name))
    if counted is not None and counted[1].name not in sweep.program.tensors:
        sweep.statements.append(counted[0])
        sweep.locals[counted[1].name] = counted[1]
    for partial in partials(value, named_maximum(equation)):
        if partial.ref.name in sweep.live:
            term = Term(
                partial.ref.indices,
                seed * partial.coefficient,
                loops + partial.ranges,
                partial.condition,
                len(loops),
            )
            sweep.terms.setdefault(partial.ref.name, []).append((partial.ref, term))


def _has_cotangent(sweep: _Sweep, name: str) -> bool:
    return name in sweep.outputs or bool(sweep.terms.get(name))


def _define_cotangent(sweep: _Sweep, tensor: Tensor, equation: Equation | None = None) -> None:
    """X_bar[a] = the sum of all contributions, once everything that reads X has been swept."""
    if tensor.name in sweep.outputs and tensor.name not in sweep.terms:
        return
    name = sweep.cotangent(tensor.name)
    if name in sweep.locals:
        if equation is not None:
            _boundary_cotangent(sweep, tensor, equation)
        return
    indices = element_indices(sweep, tensor, equation)
    ranges = axis_ranges(tensor, indices)
    _collect(sweep, tensor, name, indices, ranges)


def _collect(
    sweep: _Sweep,
    tensor: Tensor,
    name: str,
    indices: tuple[Index, ...],
    ranges: tuple[tuple[Index, Expr], ...],
) -> None:
    gathered, scatters = _contributions(sweep, tensor, indices)
    value = normal(Add(*gathered), dict(ranges))
    parts: list[Ref] = []
    for scatter in scatters:
        alone = len(scatters) == 1 and value == 0
        part = name if alone else f"{name}_{len(parts) + 1}"
        inner = normal(scatter.value, dict(scatter.ranges))
        sweep.statements.append(Equation(Ref(part, *scatter.place), scatter.ranges, inner))
        sweep.locals[part] = replace(tensor, name=part, kind=Kind.REAL)
        if alone:
            return
        parts.append(Ref(part, *indices))
    given = all(equation.given for equation in sweep.program.defining(tensor.name))
    sweep.statements.append(Equation(Ref(name, *indices), ranges, Add(value, *parts), given=given))
    sweep.locals[name] = replace(tensor, name=name, kind=Kind.REAL)


def _contributions(
    sweep: _Sweep, tensor: Tensor, indices: tuple[Index, ...]
) -> tuple[list[Expr], list[Scatter]]:
    gathered: list[Expr] = []
    scatters: list[Scatter] = []
    if tensor.name in sweep.outputs:
        gathered.append(Ref(tensor.name + BAR, *indices))
    for _, term in sweep.terms.get(tensor.name, []):
        found = eliminate(term, indices, tensor.axes)
        if isinstance(found, Scatter):
            scatters.append(found)
        else:
            gathered.append(found)
    return gathered, scatters


def element_indices(sweep: _Sweep, tensor: Tensor, equation: Equation | None) -> tuple[Index, ...]:
    """The letters of an element: those of its definition, or of its first use, or of its axes."""
    uses = [ref for ref, _ in sweep.terms.get(tensor.name, [])]
    models = ([equation.target] if equation is not None else []) + uses
    return element_letters(tensor, models)


def element_letters(tensor: Tensor, models: Sequence[Ref] = ()) -> tuple[Index, ...]:
    """A letter for each axis: as in the first of some references that has one, else the axis's own."""
    chosen: list[Index] = []
    sizes = {str(symbol) for axis in tensor.axes for symbol in axis.size.free_symbols}
    for position, axis in enumerate(tensor.axes):
        letters = [m.indices[position] for m in models if isinstance(m.indices[position], Index)]
        letter = str(letters[0]) if letters else _letter(axis.name, sizes)
        chosen.append(fresh(letter, {index.name for index in chosen}))
    return tuple(chosen)


def _letter(axis: str, sizes: set[str]) -> str:
    """The axis's own letter in lower case, i where that is a size."""
    letter = next((c.lower() for c in axis if c.isalpha()), "i")
    return "i" if letter in sizes else letter


def axis_ranges(tensor: Tensor, indices: Sequence[Index]) -> tuple[tuple[Index, Expr], ...]:
    """Each index with the size of its axis, ragged sizes by the indices they depend on."""
    letters = {Index(axis.name): index for axis, index in zip(tensor.axes, indices, strict=True)}
    return tuple(
        (index, substitute(axis.size, letters)) for index, axis in zip(indices, tensor.axes, strict=True)
    )


def _reversed_recurrence(sweep: _Sweep, statement: Recurrence) -> None:
    """The cotangents of what a recurrence defines, computed from its end to its start."""
    adjoints = [
        _adjoint_step(sweep, statement, equation)
        for equation in reversed(statement.equations)
        if equation.name in sweep.live and _has_cotangent(sweep, equation.name)
    ]
    if adjoints:
        sweep.statements.append(
            Recurrence(statement.index, statement.extent, tuple(adjoints), not statement.reverse)
        )


def _adjoint_step(sweep: _Sweep, statement: Recurrence, equation: Equation) -> Equation:
    """The cotangent of one equation's target, at the target's own place."""
    tensor = sweep.program.tensor(equation.name)
    at = dict(zip(_places(equation), equation.target.indices, strict=True))
    indices = tuple(at)
    gathered, scatters = _contributions(sweep, tensor, indices)
    if scatters:
        raise DeriveError(f"{tensor} is read at data-dependent places inside the recurrence that defines it")
    name = sweep.cotangent(tensor.name)
    sweep.locals[name] = replace(tensor, name=name, kind=Kind.REAL)
    ranges = {statement.index: statement.extent, **dict(equation.ranges)}
    value = normal(substitute(Add(*gathered), at), ranges)
    return Equation(Ref(name, *equation.target.indices), equation.ranges, value, given=equation.given)


def _places(equation: Equation) -> tuple[Index, ...]:
    """One index an axis: the target's own letters where they are bare loops of the equation."""
    taken = {index.name for index in equation.loops} | {
        str(s) for i in equation.target.indices for s in i.free_symbols
    }
    chosen: list[Index] = []
    for place in equation.target.indices:
        own = isinstance(place, Index) and place in equation.loops
        chosen.append(place if own else fresh("a", taken | {index.name for index in chosen}))
    return tuple(chosen)


def _boundary_cotangent(sweep: _Sweep, tensor: Tensor, equation: Equation) -> None:
    """The cotangent at a boundary, which the reversed recurrence does not reach."""
    at = dict(zip(_places(equation), equation.target.indices, strict=True))
    gathered, _ = _contributions(sweep, tensor, tuple(at))
    value = normal(substitute(Add(*gathered), at), dict(equation.ranges))
    name = sweep.cotangent(tensor.name)
    sweep.statements.append(Equation(Ref(name, *equation.target.indices), equation.ranges, value))


def vjp(program: Program, wrt: Sequence[str] | None = None) -> Program:
    """The joint program of adjoints, in closed form. Of a pullback, whose own z_bar is called z_bar1 then."""
    names = _earlier(program)
    program, wrt = renamed(program, names), None if wrt is None else [names.get(name, name) for name in wrt]
    named = with_parts(with_kernels(with_bodies(program)))
    return without_idle(simplified(carried(adjoints(named, wrt)), named), named, program)
