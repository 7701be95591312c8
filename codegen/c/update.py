"""An optimizer's equations as a loop over one flat parameter, in place.

    v_new[i] = mu v[i] - lr (W_bar[i] + weight_decay W[i])        v[i] = mu * v[i] - lr * (..);
    W_new[i] = W[i] + v_new[i]                                    W[i] += v[i];

A new value is written over the old one at once where no later equation reads the old one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr
from sympy.core.basic import Basic

from codegen.c.nest import Line, render
from codegen.printers.to_c import ToC, Used
from codegen.printers.to_text import equation_text
from derive.calculus.expressions.tensor import Ref, TensorName
from derive.calculus.program.network import Update
from derive.calculus.program.program import Equation


@dataclass(frozen=True)
class UpdateText:
    """What the template needs of one optimizer."""

    step: str
    name: str
    states: tuple[str, ...]
    scalars: tuple[str, ...]
    comment: tuple[str, ...]
    index: str
    once: tuple[str, ...]
    lines: tuple[str, ...]


def update_text(update: Update, prefix: str, used: Used) -> UpdateText:
    """The loop body of an optimizer; its parameter is W, its gradient W_bar."""
    equations = [e for e in update.program.statements if isinstance(e, Equation)]
    comment = tuple(equation_text(equation) for equation in equations)
    numbers, elements = [e for e in equations if not e.ranges], [e for e in equations if e.ranges]
    lines = render([Line(text) for text in _statements(update, elements, prefix, used)], 2)
    once = render([Line(text) for text in _numbers(numbers, prefix, used)], 1)
    name = update.step.removesuffix("_step")
    index = str(elements[0].loops[0].name)
    return UpdateText(
        update.step, name, update.states, update.scalars, comment, index, tuple(once), tuple(lines)
    )


def _numbers(equations: list[Equation], prefix: str, used: Used) -> list[str]:
    """What is computed once a step: const real c1 = 1 - REAL(pow)(beta1, t);"""
    to_c = ToC(_element, lambda _: "n", prefix, used)
    return [f"const real {equation.name} = {to_c.real(equation.value)};" for equation in equations]


def _statements(update: Update, equations: list[Equation], prefix: str, used: Used) -> list[str]:
    tensors = [t.name for t in update.program.inputs if t.axes]
    olds = dict(zip(update.program.outputs, (tensors[0], *tensors[2:]), strict=True))
    to_c = ToC(_element, lambda _: "n", prefix, used)
    lines: list[str] = []
    stores: list[str] = []
    renamed: dict[Basic, Basic] = {}
    for number, equation in enumerate(equations):
        value = equation.value.xreplace(renamed)
        old = olds.get(equation.name)
        if old is None or _reads(equations[number + 1 :], old):
            lines.append(f"const real {equation.name} = {to_c.real(value)};")
            renamed[equation.target] = Ref(TensorName(equation.name))
            stores += [] if old is None else [f"{_at(old, equation)} = {equation.name};"]
        else:
            lines.append(_in_place(_at(old, equation), Ref(old, *equation.target.indices), value, to_c))
            renamed[equation.target] = Ref(old, *equation.target.indices)
    return [*lines, *stores]


def _reads(equations: list[Equation], name: str) -> bool:
    return any(ref.name == name for equation in equations for ref in equation.references)


def _at(name: str, equation: Equation) -> str:
    return f"{name}[{equation.target.indices[0].name}]"


def _in_place(target: str, old: Ref, value: Expr, to_c: ToC) -> str:
    """W[i] -= .. and W[i] += .. where the value is the old one and a change."""
    change = value - old
    if isinstance(value, Add) and old in value.args:
        if change.could_extract_minus_sign() and not isinstance(change, Add):
            return f"{target} -= {to_c.real(-change)};"
        return f"{target} += {to_c.real(change)};"
    return f"{target} = {to_c.real(value)};"


def _element(ref: Ref, to_c: ToC) -> str:
    return ref.name + "".join(f"[{to_c.integer(index)}]" for index in ref.indices)
