"""An optimizer over whole vectors, as what becomes of a gradient.

W -= lr X^T G     has no gradient in memory
"""

from __future__ import annotations

from typing import Any

from codegen.c_source import identifiers
from codegen.c_update import UpdateText
from codegen.printers.to_c import ToC
from codegen.tuned.scene import Scene
from codegen.tuned.vector_text import ToVector
from derive.calculus.network import Update
from derive.calculus.program import Equation
from derive.calculus.tensor import Index, Ref


def update_context(update: Update, text: UpdateText, scene: Scene, heads: tuple[str, str]) -> dict[str, Any]:
    """What the template needs of an optimizer."""
    states = list(text.states)
    once = [equation.name for equation in update.program.equations() if not equation.loops]
    scalars = [*text.scalars, *once]
    lines = _lines(update, states, scene, scalars)
    return {
        "name": text.name,
        "comment": "; ".join(text.comment),
        "step_head": heads[1],
        "scalars": scalars,
        "once": list(text.once),
        "states": states,
        "vector_scalars": [
            f"const vec {name}_ = all(t.scalar[{place}]);"
            for place, name in enumerate(scalars)
            if any(f"{name}_" in identifiers([line]) for line in lines)
        ],
        "vector_lines": lines,
    }


def _lines(update: Update, states: list[str], scene: Scene, scalars: list[str]) -> list[str]:
    equations = [e for e in update.program.statements if isinstance(e, Equation) and e.loops]
    tensors = [t.name for t in update.program.inputs if t.axes]
    new = dict(zip(update.program.outputs, (tensors[0], *tensors[2:]), strict=True))
    lane = equations[0].loops[0]
    assert isinstance(lane, Index)

    def vector(ref: Ref) -> str:
        return f"{ref.name}_"

    def number(ref: Ref, _: ToC) -> str:
        return f"t.scalar[{scalars.index(ref.name)}]"

    to_c = ToVector(
        lambda ref, _: vector(ref),
        lambda _: None,
        scene.prefix,
        scene.called,
        lane=lane,
        scalar=ToC(number, lambda _: None, scene.prefix, scene.used),
        vector=vector,
    )
    lines = [
        f"const vec {tensors[0]}_ = FN(part)(t.to + at, left);",
        f"const vec {tensors[1]}_ = *c;",
    ]
    lines += [f"const vec {state}_ = FN(part)(t.state[{n}] + at, left);" for n, state in enumerate(states)]
    lines += [f"const vec {e.name}_ = {to_c.vec(e.value)};" for e in equations]
    for name, old in new.items():
        place = "t.to" if old == tensors[0] else f"t.state[{states.index(old)}]"
        lines.append(f"FN(put_part)({place} + at, {name}_, left);")
    return lines
