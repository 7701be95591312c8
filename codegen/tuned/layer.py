"""One layer alone in tuned C: forward and derivatives on the caller's arrays, each complete in itself.

    contraction_forward: C[i,j] = sum_{p<k} A[i,p] B[p,j]      A, B and C where the caller has them

The passes are those of a network (`codegen.tuned.pipeline`) but for what they decide about steps of training:
nothing is kept between calls, no gradient is used up where it is computed, and rows may keep what they make
for themselves where their output is to lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from sympy import Expr

from codegen.c.sizes import CSizes
from codegen.extents import evaluated
from codegen.plan.plan import LayerPlan
from codegen.printers.to_c import Used
from codegen.tuned.arena.arena import Arena, constant
from codegen.tuned.arena.in_outputs import in_outputs
from codegen.tuned.arena.in_place import arena_in_place
from codegen.tuned.arena.lifetimes import lifetime, needed_of, panel_lives, panels_of, stacked
from codegen.tuned.functions import ITEMS
from codegen.tuned.groups.fusion import fused
from codegen.tuned.groups.groups import Step, groups_of, key_of, with_stored
from codegen.tuned.groups.rows import rowed
from codegen.tuned.groups.times import count
from codegen.tuned.phase import Phase
from codegen.tuned.phases.phases import in_turn, phase
from codegen.tuned.phases.row_nests import lane, vectorised
from codegen.tuned.pipeline import named
from codegen.tuned.products.contraction import contraction, zeros_of
from codegen.tuned.products.limits import regions
from codegen.tuned.spelling.scene import Scene
from codegen.tuned.storage import Stored
from derive.calculus.expressions.tensor import Kind, Size, Tensor
from derive.calculus.program.program import Program

Keyed = tuple[str, ...]


@dataclass(frozen=True)
class LayerSizes:
    """The sizes of a layer in numbers; none varies by call."""

    values: Mapping[str, int]

    def size(self, expression: Expr) -> int:
        """A size in numbers."""
        return evaluated(expression, self.values)

    @property
    def batch_size(self) -> Expr:
        """A size that no layer has."""
        return Size("")


@dataclass(frozen=True)
class TunedFunction:
    """forward, vjp or jvp: its steps, their phases, and where everything lies."""

    key: str
    program: Program
    steps: tuple[Step, ...]
    phases: Mapping[Keyed, Phase]
    scene: Scene
    arenas: Mapping[int, Arena]
    prefix: str

    def panels(self, one: Phase) -> str:
        """Where a phase's packed factors lie."""
        return f"x->w + {constant(panels_of(one), self.key)}"


def tuned_functions(plan: LayerPlan, sizes: CSizes) -> list[TunedFunction]:
    """Every function of a layer, phases named apart."""
    used, called = Used(), Used()
    made = []
    for key, program in plan.programs.items():
        stored = layer_places(key, program)
        scene = Scene(plan.name, sizes, stored, used, called)
        made.append(_function(key, program, scene))
    names = named({(one.key, *key): phase for one in made for key, phase in one.phases.items()})
    return [
        _laid_out(replace(one, phases={key[1:]: phase for key, phase in names.items() if key[0] == one.key}))
        for one in made
    ]


def layer_places(key: str, program: Program) -> dict[str, Stored]:
    """Where every tensor of a function lies: with the caller what is passed, all else in the arena."""
    found = {}
    for tensor in program.inputs:
        integer = tensor.kind not in (Kind.REAL, Kind.STATE)
        start, number = f"x->at.of_{tensor.name}", not tensor.axes
        found[tensor.name] = Stored(tensor, start, _order(tensor), False, integer, number=number)
    for tensor in program.locals:
        outside = tensor.name in program.outputs
        start = f"x->at.to_{tensor.name}" if outside else f"x->w + AT_{key}_{tensor.name}"
        found[tensor.name] = Stored(tensor, start, _order(tensor), bool(tensor.axes) and not outside)
    return found


def _order(tensor: Tensor) -> tuple[int, ...]:
    return tuple(range(len(tensor.axes)))


def _function(key: str, program: Program, scene: Scene) -> TunedFunction:
    """The steps of a function, and the phase of each group."""
    outputs = program.outputs
    steps = fused(program.statements, outputs)
    equations = [e for step in steps for e in step.equations]
    zeros = zeros_of(equations)
    products = any(contraction(one, scene.stored, zeros) is not None for one in equations)
    scene = replace(scene, rows_abreast=not products)
    region = regions(
        equations, frozenset(outputs), lambda one: contraction(one, scene.stored, zeros) is not None
    )
    along, fits = partial(lane, scene=scene, zeros=zeros), partial(vectorised, scene=scene, zeros=zeros)
    steps = with_stored(rowed(steps, along, fits), frozenset(outputs))
    scene = replace(scene, stored=in_outputs(program, steps, scene.stored, scene.whole))
    phases = {
        key_of(group): phase(group, in_turn(scene, step), frozenset(), zeros, region)
        for step in steps
        for group in groups_of(step)
    }
    return TunedFunction(key, program, steps, phases, scene, {}, scene.prefix)


def _laid_out(one: TunedFunction) -> TunedFunction:
    """The function with an arena for either real."""
    sizes = LayerSizes(one.scene.sizes.values)
    return replace(one, arenas={item: _arena(one, sizes, item) for item in ITEMS})


def _arena(one: TunedFunction, sizes: LayerSizes, item: int) -> Arena:
    """Offsets of what is neither given nor an output, and of packed factors."""
    scene, end = one.scene, count(one.steps, sizes.size)
    needs = needed_of((one.steps,), (0,), one.phases, scene.stored, sizes, end)
    lives = []
    for name, values in needs.values.items():
        stored = scene.stored[name]
        if name in needs.axes:
            lives.append(stacked(name, stored, values, sizes, item))
        elif stored.start.startswith("x->w"):
            (spans,) = values.values()
            lives.append(lifetime(name, stored.reals(sizes.size, item), spans))
    packed = panel_lives(needs.packed, sizes, item)
    return arena_in_place([*lives, *packed], needs.written, scene.stored, sizes.size)
