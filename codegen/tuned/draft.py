"""What the planner knows of a network after each of its passes, and how that is printed.

loss                                                after fuse: groups, and what of them is stored
  A1[i,j] = sum_{p<n} X[i,p] W1[p,j]
  Z2[i,j] = max(A1[i,j], 0)                         stored: Z2
Z2 (m, d)    x->w + AT_Z2, order m d, padded        after layout: where each tensor lies
Z2           128 x 100 of 784 terms                 after phases: a function a group
Z2           1664 .. 14464, steps 0 to 11           after arena: the place, and from when to when
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from codegen.numpy.module import shape
from codegen.plan.plan import Plan
from codegen.printers.to_text import equation_text
from codegen.tuned.arena.arena import Arena
from codegen.tuned.groups.groups import Nest, Step, Turns
from codegen.tuned.phase import Phase
from codegen.tuned.storage import Stored

Key = tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """The plan, the steps of each pass over the network, and what is decided of them so far."""

    plan: Plan
    lists: Mapping[str, tuple[Step, ...]]
    stored: Mapping[str, Stored] = field(default_factory=dict)
    phases: Mapping[Key, Phase] = field(default_factory=dict)
    arenas: Mapping[int, Arena] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.plan.network.name} tuned"

    @property
    def statements(self) -> tuple[Step, ...]:
        """The steps of loss, pullback and tangents."""
        return tuple(step for key in ("loss", "vjp", "jvp") for step in self.lists[key])

    def __str__(self) -> str:
        """What the last pass added."""
        if self.arenas:
            return "\n".join(_arenas(self.arenas))
        if self.phases:
            return "\n".join(_phase(one, self.plan) for one in self.phases.values())
        if self.stored:
            return "\n".join(_place(one) for one in self.stored.values())
        return "\n".join(line for key in ("loss", "vjp", "jvp") for line in _list(key, self.lists[key]))


def _list(title: str, steps: tuple[Step, ...]) -> Iterator[str]:
    yield title
    for step in steps:
        if isinstance(step, Turns):
            yield f"  for {step.index}{' from the last' if step.reverse else ''}"
            for group in step.groups:
                yield from _group(group, "    ")
        else:
            yield from _group(step, "  ")


def _group(group: Nest, indent: str) -> Iterator[str]:
    for equation in group.equations:
        yield indent + equation_text(equation)
    yield f"{indent}  stored: {', '.join(sorted(group.stored)) or 'nothing'}"


def _place(one: Stored) -> str:
    order = " ".join(str(one.tensor.axes[axis]) for axis in one.order)
    rest = [f"order {order}"] if order else []
    rest += ["padded"] if one.padded else []
    rest += [f"zeros around {' '.join(map(str, one.halo))}"] if any(one.halo) else []
    single = " ".join(str(one.tensor.axes[axis]) for axis in one.single)
    rest += [f"one {single} at a time"] if single else []
    return f"{one.tensor.name} {shape(one.tensor)}    {', '.join([one.start, *rest])}"


def _phase(one: Phase, plan: Plan) -> str:
    if one.shape is None:
        return f"{one.name}    a nest of {len(one.lines)} lines"
    rows, columns = (plan.size(extent) for extent in one.shape)
    kind = "scalar products" if one.dots else "tiles"
    packed = ", packed" if one.panels else ""
    given = ", given to whoever asks" if one.gradient else ""
    return f"{one.name}    {kind} of {rows} x {columns}, {plan.size(one.terms)} terms{packed}{given}"


def _arenas(arenas: Mapping[int, Arena]) -> Iterator[str]:
    for item, found in arenas.items():
        yield f"{found.reals} reals of {item} bytes"
        for name, at in found.offsets.items():
            life = found.lifetimes[name]
            yield f"  {name}    {at} .. {at + life.reals}, steps {life.start} to {life.stop}"
