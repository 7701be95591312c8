"""A plan in C before layout: sizes, places, bodies of functions, names checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.c.alike import Nests
from codegen.c.functions import Function, arrangements, body_lines, functions, workspace
from codegen.c.sizes import CSizes, derived_sizes
from codegen.c.update import UpdateText, update_text
from codegen.names import require_apart, require_distinct, require_name, require_no_argument
from codegen.plan.plan import Plan
from codegen.plan.workspace import Member
from codegen.printers.to_c import Used

TAKEN_CONSTANTS = ("ok", "batch", "label", "nonfinite", "format", "double", "header")


@dataclass(frozen=True)
class CNetwork:
    """A network in C before layout."""

    plan: Plan
    sizes: CSizes
    functions: Mapping[str, Function]
    members: Mapping[str, Member]
    bodies: Mapping[str, tuple[str, ...]]
    updates: tuple[UpdateText, ...]
    used: Used

    @property
    def name(self) -> str:
        return self.plan.network.name


def c_network(plan: Plan) -> CNetwork:
    """Everything that C needs of a plan, its names checked."""
    require_names(plan)
    network = plan.network
    programs = (plan.loss, plan.vjp, plan.jvp, *plan.more.values())
    sizes = CSizes(
        network.name,
        {network.batch: network.most, **network.sizes},
        frozenset(name for program in programs for name in program.tensors),
        network.batch,
        derived_sizes(tensor for program in programs for tensor in program.tensors.values()),
    )
    found = functions(plan, sizes)
    sweeps = arrangements(found, plan)
    members = workspace(found, sweeps, plan)
    if network.task == "classification":
        members = {**members, network.output: Member(plan.output, False)}
    used, nests = Used(), Nests()
    bodies = {
        name: tuple(body_lines(function, sweeps[name], members, plan, sizes, used, nests))
        for name, function in found.items()
    }
    updates = tuple(update_text(update, network.name, used) for update in plan.updates)
    return CNetwork(plan, sizes, found, members, bodies, updates, used)


def require_names(plan: Plan) -> None:
    """NameRefused where a name that a person chose cannot stand in C, C++ and Python."""
    network = plan.network
    where = f"network {network.name!r}"
    require_name(network.name, "the network")
    sizes = [(name, "size") for name in (network.batch, *network.sizes)]
    tensors = [(t.name, "parameter") for t in (owned.tensor for owned in plan.parameters)]
    tensors += [(supplied.tensor.name, "tensor") for supplied in plan.batch]
    tensors += [(network.output, "output"), (network.loss, "loss")]
    for name, what in (*sizes, *tensors):
        require_name(name, f"{what} of {where}")
    steps = {name for update in plan.updates for name in (*update.states, *update.scalars)}
    for supplied in plan.batch:
        require_no_argument(supplied.tensor.name, steps, where)
    for size, _ in sizes:
        require_apart(size, dict(reversed(tensors)), where)
    require_distinct([*sizes, *((status.lower(), "the status") for status in TAKEN_CONSTANTS)], where)
