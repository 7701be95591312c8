"""Programs that share one workspace: a name means one shape in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Program
from derive.calculus.program.renaming import renamed


def apart(programs: Mapping[str, Program], others: Sequence[Program] = ()) -> dict[str, Program]:
    """The programs, a name of theirs changed where another has it for a tensor of another shape.

    So that one workspace holds what all of them keep. Inputs and outputs stay as they are.
    """
    shapes = {t.name: t.shape for other in others for t in other.tensors.values()}
    found: dict[str, Program] = {}
    for key, program in programs.items():
        taken = set(shapes) | set(program.tensors)
        names: dict[str, str] = {}
        for tensor in program.locals:
            if tensor.name not in program.outputs and shapes.get(tensor.name, tensor.shape) != tensor.shape:
                names[tensor.name] = free_name(tensor.name, taken)
                taken.add(names[tensor.name])
        found[key] = renamed(program, names)
        shapes |= {t.name: t.shape for t in found[key].locals if t.name not in program.outputs}
    return found
