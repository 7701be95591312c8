"""An optimizer over whole vectors, as what becomes of a gradient.

W -= lr X^T G     has no gradient in memory
"""

from __future__ import annotations

from typing import Any

from codegen.c.source import identifiers
from codegen.c.update import UpdateText
from codegen.printers.to_c import ToC
from codegen.tuned.spelling.scene import Scene
from codegen.tuned.spelling.vector_text import ToVector
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.network import Update
from derive.calculus.program.program import Equation


def update_context(
    update: Update, text: UpdateText, scene: Scene, heads: tuple[str, str], inlined: bool
) -> dict[str, Any]:
    """What the template needs of an optimizer; where it is inlined whether a vector is whole is known."""
    states = list(text.states)
    once = [equation.name for equation in update.program.equations() if not equation.loops]
    scalars = [*text.scalars, *once]
    lines = _lines(update, states, scene, "part" if inlined else "row_part")
    tensor = next(t.name for t in update.program.inputs if t.axes)
    places = {tensor: "x->to", **{state: f"x->state[{place}]" for place, state in enumerate(states)}}
    return {
        "name": text.name,
        "comment": "; ".join(text.comment),
        "step_head": heads[1],
        "scalars": scalars,
        "once": list(text.once),
        "states": states,
        "vector_scalars": _scalars(scalars, identifiers(lines)),
        "vector_lines": lines,
        "rows": ", ".join(f"*{name}_row = {start} + at" for name, start in places.items()),
        "onward": ", ".join(f"{name}_row += ld" for name in places),
    }


def _scalars(scalars: list[str], words: set[str]) -> list[str]:
    """What an optimizer is given, as vectors and as numbers where its lines take it so."""
    vectors = [
        f"const vec {name}_ = all(x->scalar[{place}]);"
        for place, name in enumerate(scalars)
        if f"{name}_" in words
    ]
    numbers = [
        f"const real {name} = x->scalar[{place}];" for place, name in enumerate(scalars) if name in words
    ]
    return [*vectors, *numbers]


def _lines(update: Update, states: list[str], scene: Scene, part: str) -> list[str]:
    equations = [e for e in update.program.statements if isinstance(e, Equation) and e.loops]
    tensors = [t.name for t in update.program.inputs if t.axes]
    new = dict(zip(update.program.outputs, (tensors[0], *tensors[2:]), strict=True))
    lane = equations[0].loops[0]
    assert isinstance(lane, Index)

    def vector(ref: Ref) -> str:
        return f"{ref.name}_"

    def number(ref: Ref, _: ToC) -> str:
        return ref.name

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
        f"const vec {tensors[0]}_ = FN({part})({tensors[0]}_row, left);",
        f"const vec {tensors[1]}_ = *c;",
    ]
    lines += [f"const vec {state}_ = FN({part})({state}_row, left);" for state in states]
    lines += [f"const vec {e.name}_ = {to_c.vec(e.value)};" for e in equations]
    lines += [f"FN(put_{part})({old}_row, {name}_, left);" for name, old in new.items()]
    return lines
