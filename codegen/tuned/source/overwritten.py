"""Which outputs of a layer's function may lie where an input lies in tuned C too.

`codegen.overwriting` says it of the equations in their order; groups have an order of their own, and what is
cheap may be computed again. The group that stores the output is to be the last that reads the input, and to
read each element before it stores that element.
"""

from __future__ import annotations

from codegen.overwriting import Hosts, overwriting
from codegen.tuned.arena.in_place import takes
from codegen.tuned.groups.groups import Nest, Step, Turns, groups_of
from codegen.tuned.layer import TunedFunction


def overwritten(one: TunedFunction) -> Hosts:
    """The outputs that may lie where an input lies, each with these inputs."""
    found = {
        output: tuple(name for name in hosts if _last_read(output, name, one))
        for output, hosts in overwriting(one.program).items()
    }
    return {output: hosts for output, hosts in found.items() if hosts}


def _last_read(output: str, given: str, one: TunedFunction) -> bool:
    """Whether an input is read for the last time where an output is made, element by element."""
    groups = [(group, step) for step in one.steps for group in groups_of(step)]
    storing = [place for place, (group, _) in enumerate(groups) if output in group.stored]
    reading = [place for place, (group, _) in enumerate(groups) if given in group.reads]
    last = len(storing) == 1 and storing == reading[-1:]
    return last and _takes(*groups[storing[0]], output, given, one)


def _takes(group: Nest, step: Step, output: str, given: str, one: TunedFunction) -> bool:
    return not isinstance(step, Turns) and takes(group, output, given, one.scene.stored)
