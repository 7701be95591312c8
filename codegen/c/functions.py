"""The C functions of a network: which tensor lies where in each, and what the workspace must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from codegen.c.alike import Nests
from codegen.c.body import function_body
from codegen.c.frame import Frame
from codegen.c.nest import render
from codegen.c.places import Place
from codegen.c.sizes import CSizes
from codegen.names import local_name
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import Plan
from codegen.plan.sweeps import Sweeps, arranged
from codegen.plan.workspace import Member, Used, members
from codegen.printers.to_c import Used as UsedNames
from derive.calculus.expressions.tensor import Index
from derive.calculus.program.program import Program

EXAMPLE = Index("example")


@dataclass(frozen=True)
class Function:
    """One C function: its program, where the tensors of its arguments lie, and the arguments' names."""

    program: Program
    given: Mapping[str, Place]
    arguments: frozenset[str]


def functions(plan: Plan, sizes: CSizes) -> dict[str, Function]:
    """forward, loss and every derivative with the places of their arguments."""
    network = plan.network
    common = {owned.tensor.name: Place(f"p->{owned.tensor.name}") for owned in plan.parameters}
    common |= {supplied.tensor.name: Place(f"b->{supplied.tensor.name}") for supplied in plan.batch}
    loss, bar, dot = network.loss, f"{network.loss}_bar", f"{network.loss}_dot"
    output = Place(network.output, plan.output.shape)
    pulled = {f"{t.name}_bar": Place(f"p_bar->{t.name}") for t in plan.trained}
    pushed = {f"{t.name}_dot": Place(f"p_dot->{t.name}") for t in plan.trained}
    number = {loss: Place(f"*{loss}")}
    base = {"p", "b", "w", *sizes.short_names}
    return {
        "forward": _function(plan.forward, {**common, network.output: output}, base, network.output),
        "loss": _function(plan.loss, {**common, **number}, base, loss),
        "vjp": _function(plan.vjp, {**common, **pulled, bar: Place(bar)}, base, bar, "p_bar"),
        "jvp": _function(
            plan.jvp, {**common, **pushed, **number, dot: Place(f"*{dot}")}, base, loss, dot, "p_dot"
        ),
        **{key: _on_request(key, plan, {**common, **pushed}, base) for key in plan.more},
    }


def _on_request(key: str, plan: Plan, given: Mapping[str, Place], base: Iterable[str]) -> Function:
    """A derivative that was asked for: it fills gradients, or an array of them, one an example."""
    derivative = ON_REQUEST[key]
    filled, direction = derivative.filled, ["p_dot"] if derivative.directed else []
    places = {
        tensor.name + derivative.suffix: Place(filled, member=tensor.name)
        if derivative.by_example
        else Place(f"{filled}->{tensor.name}")
        for tensor in plan.trained
    }
    return _function(plan.more[key], {**given, **places}, base, filled, *direction)


def _function(program: Program, given: Mapping[str, Place], base: Iterable[str], *arguments: str) -> Function:
    return Function(program, given, frozenset({*base, *arguments}))


def arrangements(functions: Mapping[str, Function], plan: Plan) -> dict[str, Sweeps]:
    """The sweeps of each function."""
    return {name: arranged(function.program, plan.batch_size) for name, function in functions.items()}


def workspace(
    functions: Mapping[str, Function], sweeps: Mapping[str, Sweeps], plan: Plan
) -> dict[str, Member]:
    """The arrays that the functions share, by name."""
    used_by = (
        Used(function.program, set(function.given), sweeps[key]) for key, function in functions.items()
    )
    return members(used_by, plan.residuals)


def body_lines(
    function: Function,
    sweeps: Sweeps,
    members: Mapping[str, Member],
    plan: Plan,
    sizes: CSizes,
    used: UsedNames,
    nests: Nests,
) -> list[str]:
    """The lines of a function's body; `nests` are those written before."""
    program = function.program
    places = {**function.given, **_own_places(function, members)}
    frame = Frame(
        program,
        sweeps,
        places,
        sizes.in_source,
        plan.network.name,
        used,
        set(function.arguments),
        plan.batch_size,
        nests,
    )
    return render(function_body(frame))


def _own_places(function: Function, members: Mapping[str, Member]) -> dict[str, Place]:
    """Members of the workspace, and local variables for single numbers."""
    places: dict[str, Place] = {}
    for tensor in (*function.program.inputs, *function.program.locals):
        if tensor.name in function.given:
            continue
        if tensor.name in members:
            row = EXAMPLE if members[tensor.name].one_example else None
            places[tensor.name] = Place(f"w->{tensor.name}", row=row)
        else:
            name = local_name(tensor.name, function.arguments)
            places[tensor.name] = Place(name, row=EXAMPLE if tensor.axes else None)
    return places
