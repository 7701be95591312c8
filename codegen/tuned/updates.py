"""An optimizer over whole vectors, as what becomes of a gradient.

W -= lr X^T G     has no gradient in memory
"""

from __future__ import annotations

from typing import Any

from codegen.c_update import UpdateText
from codegen.tuned.scene import Scene
from codegen.tuned.vector_text import ToVector
from derive.calculus.network import Update
from derive.calculus.program import Equation
from derive.calculus.tensor import Index, Ref


def update_context(update: Update, text: UpdateText, scene: Scene, heads: tuple[str, str]) -> dict[str, Any]:
    """What the template needs of an optimizer."""
    states = list(text.states)
    once = [equation.name for equation in update.program.equations() if not equation.loops]
    return {
        "name": text.name,
        "comment": "; ".join(text.comment),
        "step_head": heads[1],
        "scalars": [*text.scalars, *once],
        "once": list(text.once),
        "states": states,
        "vector_lines": _lines(update, states, [*text.scalars, *once], scene),
    }


def _lines(update: Update, states: list[str], scalars: list[str], scene: Scene) -> list[str]:
    equations = [e for e in update.program.statements if isinstance(e, Equation) and e.loops]
    tensors = [t.name for t in update.program.inputs if t.axes]
    new = dict(zip(update.program.outputs, (tensors[0], *tensors[2:]), strict=True))
    lane = equations[0].loops[0]
    assert isinstance(lane, Index)

    def vector(ref: Ref) -> str:
        return f"all(x->scalar[{scalars.index(ref.name)}])" if ref.name in scalars else f"{ref.name}_"

    to_c = ToVector(
        lambda ref, _: vector(ref), lambda _: None, scene.prefix, scene.called, lane=lane, vector=vector
    )
    lines = [
        f"const vec {tensors[0]}_ = FN(part)(x->to + at, left);",
        f"const vec {tensors[1]}_ = c[r * vectors + v];",
    ]
    lines += [f"const vec {state}_ = FN(part)(x->state[{n}] + at, left);" for n, state in enumerate(states)]
    lines += [f"const vec {e.name}_ = {to_c.vec(e.value)};" for e in equations]
    for name, old in new.items():
        place = "x->to" if old == tensors[0] else f"x->state[{states.index(old)}]"
        lines.append(f"FN(put_part)({place} + at, {name}_, left);")
    return lines
