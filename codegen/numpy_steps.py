"""Updates in place: W' = W - lr (W_bar + weight_decay W) as

    W_bar += weight_decay * W
    W_bar *= lr
    W -= W_bar

The gradient is the step's own, so its memory holds what is computed from it; a term with a factor that is 0
by default is left out where it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Add, Expr, Mul

from codegen.plan import Plan
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import Code
from derive.calculus.network import Update
from derive.calculus.program import Equation
from derive.calculus.tensor import Ref, refs

DEFAULTS = {"weight_decay": "0.0"}


@dataclass
class _InPlace:
    """The lines of one update: `scratch` may be overwritten, `kept` maps a new value to its old name."""

    scratch: set[str]
    lines: list[str] = field(default_factory=list)
    done: dict[Expr, Expr] = field(default_factory=dict)

    def text(self, value: Expr) -> Code:
        return Scalars(lambda ref: Code(ref.name)).code(value)

    def add(self, target: str, term: Expr) -> None:
        """target += term, skipped where a factor is 0 by default."""
        optional = sorted(f.name for f in Mul.make_args(term) if isinstance(f, Ref) and f.name in DEFAULTS)
        sign, size = ("-=", -term) if is_negative(term) else ("+=", term)
        line = f"{target} {sign} {self.text(size).text}"
        self.lines += [f"if {optional[0]}:", f"    {line}"] if optional else [line]

    def multiply(self, target: str, factor: Expr) -> None:
        if factor != 1:
            self.lines.append(f"{target} *= {self.text(factor).text}")

    def reduced(self, value: Expr) -> Expr:
        """The value with what scratch memory can hold computed there."""
        if not isinstance(value, Add | Mul):
            return value
        if value in self.done:
            return self.done[value]
        rebuilt = value.func(*(self.reduced(argument) for argument in value.args))
        own = next((a for a in rebuilt.args if isinstance(a, Ref) and a.name in self.scratch), None)
        if own is None:
            return rebuilt
        rest = [argument for argument in rebuilt.args if argument != own]
        if any(set(refs(argument)) & {own} for argument in rest) or not self._fits(rebuilt, rest):
            return rebuilt
        self.done[value] = self._overwritten(own, rebuilt, rest)
        return self.done[value]

    def _overwritten(self, own: Ref, rebuilt: Expr, rest: list[Expr]) -> Expr:
        """What the scratch memory stands for after the lines that compute the value in it."""
        if isinstance(rebuilt, Add):
            for term in rest:
                self.add(own.name, term)
            return own
        factor = Mul(*rest)
        negative = is_negative(factor)
        self.multiply(own.name, -factor if negative else factor)
        return -own if negative else own

    def _fits(self, rebuilt: Expr, rest: list[Expr]) -> bool:
        """Scalars may multiply in place; anything may be added."""
        return isinstance(rebuilt, Add) or all(not _has_axes(argument) for argument in rest)

    def equation(self, equation: Equation, old: str, names: dict[str, str]) -> None:
        """old = value, where the value is a multiple of old plus terms."""
        terms = [self.reduced(term) for term in Add.make_args(_renamed(equation.value, names))]
        own = [term for term in terms if any(ref.name == old for ref in refs(term))]
        (scaled,) = own
        reference = next(ref for ref in refs(scaled) if ref.name == old)
        self.multiply(old, scaled / reference)
        for term in terms:
            if term is not scaled:
                self.add(old, term)


def is_negative(value: Expr) -> bool:
    """Whether a product's number is negative."""
    return bool(value.as_coeff_Mul()[0].is_negative)


def _has_axes(value: Expr) -> bool:
    return any(ref.indices for ref in refs(value))


def step_function(update: Update, plan: Plan, batch: str) -> str:
    """def sgd_step(p, X, y, lr, weight_decay=0.0)."""
    program, loss = update.program, plan.network.loss
    parameter, gradient = (tensor.name for tensor in program.inputs[:2])
    state = [update.state] if update.state else []
    own = {name: f"{name}_{parameter}" for name in state}
    news = dict(zip(program.outputs, [parameter, *own.values()], strict=True)) | own
    writer = _InPlace({gradient})
    for equation in program.equations():
        writer.equation(equation, news[equation.name], news)
    scalars = [f"{name}={DEFAULTS[name]}" if name in DEFAULTS else name for name in update.scalars]
    arguments = ", ".join(["p", *state, batch, *scalars])
    zipped = ", ".join([_trained(plan), *state, "g"])
    loops = ", ".join([parameter, *own.values(), gradient])
    head = f"def {update.step}({arguments}):"
    formulas = "; ".join(_formula(equation) for equation in program.equations())
    return "\n".join(
        [
            head,
            f'    """{formulas}. In place; return {loss}."""',
            f"    {loss}, g = finite_gradients(p, {batch})",
            f"    for {loops} in zip({zipped}, strict=True):",
            *(f"        {line}" for line in writer.lines),
            f"    return {loss}",
        ]
    )


def _renamed(value: Expr, names: Mapping[str, str]) -> Expr:
    return value.xreplace(
        {ref: Ref(names[ref.name], *ref.indices) for ref in refs(value) if ref.name in names}
    )


def _formula(equation: Equation) -> str:
    return f"{equation.name} = {Scalars(lambda ref: Code(ref.name)).code(equation.value).text}"


def _trained(plan: Plan) -> str:
    names = [tensor.name for tensor in plan.trained]
    if len(names) == len(plan.parameters):
        return "p"
    return f"({', '.join(f'p.{name}' for name in names)}{',' if len(names) == 1 else ''})"
