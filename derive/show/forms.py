"""Array forms as a person writes them: Xᵀ(((S - I_y) W2ᵀ) ∘ σ'(X W1))."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derive.calculus.arrays.algebra import ONE, ZERO, negative, total
from derive.calculus.arrays.base import Array, Form, Number, Positions
from derive.calculus.arrays.forms import (
    Broadcast,
    Diagonal,
    Einsum,
    Gather,
    MatMul,
    OneHot,
    Outer,
    Reduced,
    Transpose,
)
from derive.calculus.arrays.pointwise import (
    Apply,
    Compare,
    Divided,
    Indicator,
    Logic,
    Negative,
    Power,
    Product,
    Quotient,
    Select,
    Total,
    VectorApply,
)
from derive.show.expressions import scalar, sides
from derive.show.notation import LATEX, TEXT, Notation

SUM, HADAMARD, FRACTION, PRODUCT, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Written:
    """A text and how tightly it binds."""

    text: str
    level: int = ATOM


def form_text(form: Form) -> str:
    """The form for a terminal."""
    return Writer(TEXT)(form)


def form_latex(form: Form) -> str:
    """The form in LaTeX."""
    return Writer(LATEX)(form)


@dataclass(frozen=True)
class Writer:
    """Writes forms in one notation."""

    notation: Notation

    def __call__(self, form: Form) -> str:
        return self.written(form).text

    def written(self, form: Form) -> Written:
        return _WRITERS[type(form)](self, form)

    def at(self, form: Form, level: int) -> str:
        """The text as an operand that binds at least so tightly."""
        found = self.written(form)
        return found.text if found.level >= level else self.notation.bracketed(found.text)

    def power(self, form: Form, exponent: str) -> str:
        return (
            f"{self.at(form, ATOM)}^{{{exponent}}}"
            if self.notation.latex
            else f"{self.at(form, ATOM)}^{exponent}"
        )

    def scalar(self, value: Any) -> str:
        return scalar(value, self.notation)


def _number(write: Writer, form: Number) -> Written:
    value = form.value
    if value.is_Symbol or (value.is_Integer and value >= 0):
        return Written(write.scalar(value))
    return Written(write.scalar(value), SUM if value.is_Add else PRODUCT)


def _array(write: Writer, form: Array) -> Written:
    subscripts = (write.scalar(index) for _, index in form.subscripts)
    return Written(write.notation.subscripted(write.notation.name(form.name), *subscripts))


def _transpose(write: Writer, form: Transpose) -> Written:
    if form.order == (1, 0):
        return Written(write.at(form.operand, ATOM) + write.notation.transposed)
    return Written(
        write.notation.call(write.notation.function("transpose"), f"{write(form.operand)}, {form.order}")
    )


def _broadcast(write: Writer, form: Broadcast) -> Written:
    """c 1ᵀ repeats a column, 1 bᵀ a row."""
    operand, ones, mark = form.operand, write.notation.ones, write.notation.transposed
    if isinstance(operand, Positions):
        return Written("ijklmn"[form.kept[0]])
    if form.rank == 2 and operand.rank == 1:
        if form.kept == (0,):
            return Written(f"{write.at(operand, PRODUCT)} {ones}{mark}", PRODUCT)
        return Written(f"{ones} {write.at(operand, ATOM)}{mark}", PRODUCT)
    return Written(write.at(operand, ATOM))


def _matmul(write: Writer, form: MatMul) -> Written:
    """Vectors are columns: x W of a vector is Wᵀ x."""
    left, right, mark = form.left, form.right, write.notation.transposed
    if left.rank == 1 and right.rank == 1:
        return Written(f"{write.at(left, ATOM)}{mark} {write.at(right, ATOM)}", PRODUCT)
    if left.rank == 1 and right.rank == 2:
        turned = (
            write.at(right.operand, ATOM) if isinstance(right, Transpose) else write.at(right, ATOM) + mark
        )
        return Written(f"{turned} {write.at(left, ATOM)}", PRODUCT)
    return Written(f"{write.at(left, PRODUCT)} {write.at(right, POWER)}", PRODUCT)


def _product(write: Writer, form: Product) -> Written:
    scalars = [write.at(factor, POWER) for factor in form.factors if not factor.rank]
    arrays = [factor for factor in form.factors if factor.rank]
    texts = [write.at(factor, FRACTION if len(arrays) > 1 else PRODUCT) for factor in arrays]
    texts = (
        [_clear(write, factor, text) for factor, text in zip(arrays, texts, strict=True)]
        if len(arrays) > 1
        else texts
    )
    joined = write.notation.hadamard.join(texts)
    if not scalars:
        return Written(joined, HADAMARD)
    if len(arrays) > 1:
        joined = write.notation.bracketed(joined)
    return Written(" ".join([*scalars, joined] if joined else scalars), PRODUCT)


def _clear(write: Writer, factor: Form, text: str) -> str:
    """A product or quotient beside ∘ is bracketed, though it need not be."""
    return write.notation.bracketed(text) if isinstance(factor, MatMul | Quotient) else text


def _quotient(write: Writer, form: Quotient) -> Written:
    latex = write.notation.latex
    above = write(form.numerator) if latex else write.at(form.numerator, PRODUCT)
    below = write(form.denominator) if latex else write.at(form.denominator, POWER)
    return Written(write.notation.fraction(above, below), ATOM if latex else FRACTION)


def _total(write: Writer, form: Total) -> Written:
    text = ""
    for term in form.terms:
        minus = isinstance(term, Negative)
        inner = term.operand if isinstance(term, Negative) else term
        operand = write.at(inner, HADAMARD if not minus else FRACTION)
        text += (" - " if minus else " + ") + operand if text else ("-" if minus else "") + operand
    return Written(text, SUM)


def _power(write: Writer, form: Power) -> Written:
    if form.exponent.could_extract_minus_sign():
        below = form.base if form.exponent == -1 else Power(form.base, -form.exponent)
        return _quotient(write, Quotient(ONE, below))
    if form.exponent * 2 == 1:
        root = "\\sqrt{" + write(form.base) + "}" if write.notation.latex else f"√({write(form.base)})"
        return Written(root)
    return Written(write.power(form.base, write.scalar(form.exponent)), POWER)


def _apply(write: Writer, form: Apply) -> Written:
    if form.function == "Abs":
        return Written(f"|{write(form.operand)}|")
    function = write.notation.function(form.function)
    function = (
        write.notation.subscripted(function, *(write.scalar(s) for s in form.selectors)) + "'" * form.order
    )
    return Written(write.notation.call(function, write(form.operand)))


def _vector(write: Writer, form: VectorApply) -> Written:
    function = write.notation.function(form.function)
    function = write.notation.subscripted(function, *(write.scalar(s) for s in form.selectors))
    if form.order:
        function = write.notation.subscripted("J", function)
    return Written(write.notation.call(function, write(form.operand)))


def _reduced(write: Writer, form: Reduced) -> Written:
    """Xᵀ 1 sums columns, X 1 rows, 1ᵀ X 1 everything."""
    operand, ones, mark = form.operand, write.notation.ones, write.notation.transposed
    if form.operator == "sum" and operand.rank <= 2:
        if operand.rank == 1:
            return Written(f"{ones}{mark} {write.at(operand, PRODUCT)}", PRODUCT)
        if form.over == (0,):
            return Written(f"{write.at(operand, ATOM)}{mark} {ones}", PRODUCT)
        inner = f"{write.at(operand, PRODUCT)} {ones}"
        return Written(inner if form.over == (1,) else f"{ones}{mark} {inner}", PRODUCT)
    axes = [write.scalar(operand.axes[k]) for k in form.over]
    sign = {"sum": "\\sum" if write.notation.latex else "Σ"}.get(
        form.operator, write.notation.function(form.operator)
    )
    return Written(f"{write.notation.subscripted(sign, *axes)} {write.at(operand, PRODUCT)}", PRODUCT)


def _one_hot(write: Writer, form: OneHot) -> Written:
    return Written(write.notation.subscripted("I", write(form.labels)))


def _compare(write: Writer, form: Compare) -> Written:
    """A difference compared side by side."""
    if form.relation == "finite":
        return Written(write.notation.finite(write(form.operand)), SUM)
    if isinstance(form.operand, Number):
        sign = write.notation.relation(form.relation)
        left, right = sides(form.operand.value)
        return Written(f"{write.scalar(left)} {sign} {write.scalar(right)}", SUM)
    terms = form.operand.terms if isinstance(form.operand, Total) else (form.operand,)
    left = total(*(term for term in terms if not isinstance(term, Negative)))
    right = total(*(negative(term) for term in terms if isinstance(term, Negative)))
    return Written(f"{write(left)} {write.notation.relation(form.relation)} {write(right)}", SUM)


def _logic(write: Writer, form: Logic) -> Written:
    parts = [write(part) for part in form.parts]
    if form.operator == "not":
        return Written(f"not {parts[0]}", SUM)
    return Written((", " if form.operator == "and" else " or ").join(parts), SUM)


def _select(write: Writer, form: Select) -> Written:
    condition = form.condition
    if isinstance(condition, Compare) and condition.operand == form.chosen and form.other == ZERO:
        return Written(write.notation.call(write.notation.function("max"), f"{write(form.chosen)}, 0"))
    if form.other == ZERO and form.chosen.rank:
        chosen = _clear(write, form.chosen, write.at(form.chosen, FRACTION))
        return Written(f"{chosen}{write.notation.hadamard}[{write(condition)}]", HADAMARD)
    listed = ", ".join((write(condition), write(form.chosen), write(form.other)))
    return Written(write.notation.call(write.notation.function("where"), listed))


def _gather(write: Writer, form: Gather) -> Written:
    """H at the labels is (H ∘ I_y) 1; any other place is written out."""
    name = write.notation.name(form.name)
    places = form.selectors
    if (
        form.rank == 1
        and len(places) == 2
        and isinstance(places[0], Positions)
        and isinstance(places[1], Array)
    ):
        hot = write.notation.subscripted("I", write(places[1]))
        return Written(
            f"{write.notation.bracketed(name + write.notation.hadamard + hot)} {write.notation.ones}", PRODUCT
        )
    return Written(f"{name}[{', '.join(write(_core(place)) for place in places)}]")


def _core(form: Form) -> Form:
    return form.operand if isinstance(form, Broadcast) else form


def _einsum(write: Writer, form: Einsum) -> Written:
    inputs = ",".join("".join("ijklmnopqrst"[k] for k in letters) for letters in form.inputs)
    output = "".join("ijklmnopqrst"[k] for k in form.output)
    listed = ", ".join(write(factor) for factor in form.factors)
    return Written(write.notation.call(write.notation.function("einsum"), f"{inputs}→{output}; {listed}"))


def _divided(write: Writer, form: Divided) -> Written:
    sign = "mod" if form.remainder else "//"
    return Written(f"{write.at(form.left, POWER)} {sign} {write.at(form.right, POWER)}", PRODUCT)


_WRITERS: dict[type[Form], Callable[[Writer, Any], Written]] = {
    Number: _number,
    Array: _array,
    Positions: lambda write, form: Written(f"0..{write.scalar(form.extent - 1)}"),
    Transpose: _transpose,
    Broadcast: _broadcast,
    Diagonal: lambda write, form: Written(
        write.notation.call(write.notation.function("diag"), write(form.operand))
    ),
    MatMul: _matmul,
    Outer: lambda write, form: Written(
        f"{write.at(form.left, POWER)} {write.at(form.right, ATOM)}{write.notation.transposed}", PRODUCT
    ),
    Product: _product,
    Quotient: _quotient,
    Total: _total,
    Negative: lambda write, form: Written(f"-{write.at(form.operand, FRACTION)}", SUM),
    Power: _power,
    Apply: _apply,
    VectorApply: _vector,
    Divided: _divided,
    Reduced: _reduced,
    OneHot: _one_hot,
    Compare: _compare,
    Logic: _logic,
    Indicator: lambda write, form: Written(f"[{write(form.condition)}]"),
    Select: _select,
    Gather: _gather,
    Einsum: _einsum,
}
