"""Updates in place: W' = W - lr (W_bar + weight_decay W) as

    L, g = gradients(p, X, y, lr)
    ...
        if weight_decay:
            W *= 1 - lr * weight_decay
        W -= W_bar

The pullback is linear: lr W_bar is what is pulled back from the seed lr, so where the gradient has one
scalar coefficient, no pass over its elements multiplies them. A term with a factor that is 0 by default is
left out where it is 0. Where a line makes an array, elements are taken in blocks that stay in cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sympy import Add, Expr, Integer, expand

from codegen.plan.plan import Plan
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import POWER, Code
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.network import Update
from derive.calculus.program.program import Equation
from derive.errors import DeriveError

WIDEST = 112
DEFAULTS = {"weight_decay": "0.0"}


@dataclass
class _InPlace:
    """The lines of one update; the gradient's scale is in the gradient."""

    gradient: str
    scale: Expr
    reuse: bool = False
    lines: list[str] = field(default_factory=list)
    spent: bool = False
    fresh: bool = False  # whether a line computes an array of its own

    def equation(self, value: Expr, old: str) -> None:
        """old = value, where the value is a multiple of old plus terms, as `old *= ..` and `old += ..`.

        To reuse the gradient's memory for what a term computes, the gradient is added first.
        """
        factor, terms = _split(value, old)
        if self.reuse:
            terms.sort(key=lambda term: not _reads(term, self.gradient))
        self._multiply(old, factor)
        for term in terms:
            self._add(old, term)

    def _multiply(self, target: str, factor: Expr) -> None:
        if factor == 1:
            return
        plain = factor.xreplace({ref: Integer(0) for ref in refs(factor) if ref.name in DEFAULTS})
        line = f"{target} *= {_text(factor)}"
        self.lines += [f"if {_optional(factor)}:", f"    {line}"] if plain == 1 else [line]

    def _add(self, target: str, term: Expr) -> None:
        coefficient = _coefficient(term, self.gradient)
        if coefficient is not None and coefficient != 0:
            term = term.xreplace({ref: ref / self.scale for ref in refs(term) if ref.name == self.gradient})
        sign, size = ("-=", -term) if is_negative(term) else ("+=", term)
        lines = self._through_gradient(target, sign, size)
        optional = _optional(term)
        self.fresh |= not (lines or optional or isinstance(size, Ref))
        lines = lines or [f"{target} {sign} {_text(size)}"]
        self.lines += [f"if {optional}:", *(f"    {line}" for line in lines)] if optional else lines
        self.spent |= _reads(term, self.gradient)

    def _through_gradient(self, target: str, sign: str, size: Expr) -> list[str]:
        """A multiple of an array, computed in the memory of the gradient that has been added."""
        arrays = [ref for ref in refs(size) if ref.indices]
        if not (self.reuse and self.spent) or len(arrays) != 1 or size == arrays[0]:
            return []
        factor = size / arrays[0]
        if refs(factor) & set(arrays):
            return []
        multiple = f"np.multiply({_text(factor)}, {_text(arrays[0])}, out={self.gradient})"
        return [multiple, f"{target} {sign} {self.gradient}"]


def _split(value: Expr, old: str) -> tuple[Expr, list[Expr]]:
    """The factor of the old value, and the other terms, one for each tensor that they are linear in."""
    factor = _coefficient(value, old)
    if factor is None:
        raise DeriveError(f"the new value of {old} is not a multiple of {old} plus terms, but {value}")
    rest = _without(value, old)
    terms = []
    for ref in sorted((ref for ref in refs(rest) if ref.indices), key=str):
        coefficient = _coefficient(rest, ref.name)
        if coefficient:
            terms.append(coefficient * ref)
            rest = _without(rest, ref.name)
    remainder = [] if expand(rest) == 0 else list(Add.make_args(rest))
    return factor, sorted([*terms, *remainder], key=lambda term: (not _optional(term), str(term)))


def _coefficient(value: Expr, name: str) -> Expr | None:
    """The scalar c of value = c X + rest, without axes; None where there is no such c."""
    others = _at(value, {ref: Integer(0) for ref in refs(value) if ref.indices and ref.name != name})
    own = next((ref for ref in refs(value) if ref.name == name), Integer(0))
    coefficient = _at(others, {own: Integer(1)}) - _at(others, {own: Integer(0)})
    linear = expand(value - _without(value, name) - coefficient * own) == 0
    return coefficient if linear and not any(ref.indices for ref in refs(coefficient)) else None


def _reads(value: Expr, name: str) -> bool:
    return any(ref.name == name for ref in refs(value))


def _without(value: Expr, name: str) -> Expr:
    return _at(value, {ref: Integer(0) for ref in refs(value) if ref.name == name})


def _at(value: Expr, values: Mapping[Expr, Expr]) -> Expr:
    return value.xreplace(values)


def _text(value: Expr) -> str:
    return Scalars(lambda ref: Code(ref.name)).code(value).text


def _optional(value: Expr) -> str:
    """The factor of a value that is 0 by default, if there is one."""
    return next((name for name in sorted(ref.name for ref in refs(value)) if name in DEFAULTS), "")


def is_negative(value: Expr) -> bool:
    """Whether a product's number is negative."""
    return bool(value.as_coeff_Mul()[0].is_negative)


def _scale(values: list[Expr], gradient: str) -> Expr:
    """The one positive coefficient of the gradient in an update, 1 where there is none."""
    read = [value for value in values if any(ref.name == gradient for ref in refs(value))]
    coefficient = _coefficient(read[0], gradient) if len(read) == 1 else None
    if coefficient is None or _optional(coefficient):
        return Integer(1)
    return -coefficient if is_negative(coefficient) else coefficient


def step_function(update: Update, plan: Plan, batch: str) -> str:
    """def sgd_step(p, X, y, lr, weight_decay=0.0)."""
    program, loss = update.program, plan.network.loss
    parameter, gradient = (tensor.name for tensor in program.inputs[:2])
    state = list(update.states)
    own = {name: f"{name}_{parameter}" for name in state}
    news = dict(zip(program.outputs, [parameter, *own.values()], strict=True)) | own
    once, equations = _parted(program.equations())
    values = [_renamed(equation.value, news) for equation in equations]
    own_memory = plan.network.buffers == "planned"
    writer = _InPlace(gradient, _scale(values, gradient), own_memory)
    for equation, value in zip(equations, values, strict=True):
        writer.equation(value, news[equation.name])
    scalars = [f"{name}={DEFAULTS[name]}" if name in DEFAULTS else name for name in update.scalars]
    arguments = ", ".join(["p", *state, batch, *scalars, *(["w=None"] if own_memory else [])])
    groups = ", ".join([_trained(plan), *state, "g"])
    alike = f"blocks({groups})" if writer.fresh else f"zip({groups}, strict=True)"
    loops = ", ".join([parameter, *own.values(), gradient])
    seeded, scaled = _seeded(writer.scale, gradient, loss)
    seeded += ", w=w" if own_memory else ""
    return "\n".join(
        [
            f"def {update.step}({arguments}):",
            *_docstring([*map(_formula, (*once, *equations))], loss),
            f"    {loss}, g = gradients(p, {batch}{seeded}){scaled}",
            f"    require_finite({loss}, g)",
            *(f"    {_formula(equation)}" for equation in once),
            f"    for {loops} in {alike}:",
            *(f"        {line}" for line in writer.lines),
            f"    return {loss}",
        ]
    )


def _parted(equations: Iterable[Equation]) -> tuple[list[Equation], list[Equation]]:
    """The equations of numbers, and those of elements."""
    listed = list(equations)
    return [e for e in listed if not e.ranges], [e for e in listed if e.ranges]


def _docstring(formulas: list[str], loss: str) -> list[str]:
    """The equations on one line where they fit, else one below the other."""
    line = f'    """{"; ".join(formulas)}. In place; return {loss}."""'
    if len(line) <= WIDEST:
        return [line]
    first, *others = formulas
    return [f'    """{first}', *(f"    {each}" for each in others), "", f'    In place; return {loss}."""']


def _seeded(scale: Expr, gradient: str, loss: str) -> tuple[str, str]:
    """The seed as an argument, a Python number, which widens no array; and what it means for the gradient."""
    if scale == 1:
        return "", ""
    seed = Scalars(lambda ref: Code(ref.name)).code(scale)
    means = f"  # g is {seed.at(POWER)} * {gradient}, for vjp is linear in {loss}_bar"
    return f", float({seed.text})", means


def _renamed(value: Expr, names: Mapping[str, str]) -> Expr:
    return value.xreplace(
        {ref: Ref(names[ref.name], *ref.indices) for ref in refs(value) if ref.name in names}
    )


def _formula(equation: Equation) -> str:
    return f"{equation.name} = {_text(equation.value)}"


def _trained(plan: Plan) -> str:
    names = [tensor.name for tensor in plan.trained]
    if len(names) == len(plan.parameters):
        return "p"
    return f"({', '.join(f'p.{name}' for name in names)}{',' if len(names) == 1 else ''})"
