"""Array forms as NumPy expressions: X @ W1, np.maximum(A1, 0), E.sum(axis=1, keepdims=True)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Integer, Mul, Rational

from codegen.printers.numpy_constants import Constants, is_constant
from codegen.printers.numpy_gather import gather_code, one_hot_code
from codegen.printers.numpy_kinds import Element, adds_truths, element_of, is_python
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_products import multiplied
from codegen.printers.numpy_repeats import repeated_quotient
from codegen.printers.numpy_select import compare_code, logic_code, select_code
from codegen.printers.numpy_text import COMPARISON, POWER, PRODUCT, SIGN, SUM, Code, call
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
from derive.calculus.expressions.tensor import Ref
from derive.errors import DeriveError

FUNCTIONS = {
    name: f"np.{name}"
    for name in ("exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "tan", "sign", "expm1")
}
FUNCTIONS |= {f"a{name}": f"np.arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
FUNCTIONS["Abs"] = "np.abs"
INTO = frozenset({"log1p"})  # emitted functions that take out=
EMITTED = INTO | {"erf", "erfc"}
FUNCTIONS |= {name: name for name in EMITTED}
HALF = Rational(1, 2)


@dataclass
class NumpyPrinter:
    """Prints forms with the given spellings of tensor names; collects what the text relies on.

    A sum over `examples` is a call of `dot`, for it may be one.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    dtype: str = "dtype"
    examples: Expr | None = None
    uses_dtype: bool = False
    discards: bool = False  # a branch that is not taken is computed, and may be no number
    functions: set[str] = field(default_factory=set)
    constants: Constants | None = field(default_factory=Constants)
    scalars: Scalars = field(init=False)

    def __post_init__(self) -> None:
        self.scalars = Scalars(self._element)

    def code(self, form: Form) -> Code:
        """The text of a form, or the name of a constant."""
        if self.constants is None or not is_constant(form):
            return self.spelled(form)
        name = self.constants.name(form)
        return Code(name) if name else self.whole(form)

    def spelled(self, form: Form) -> Code:
        """The text of a form, whether it has a name or not."""
        return _PRINTERS[type(form)](self, form)

    def whole(self, form: Form) -> Code:
        """The text of a constant; its parts have no names."""
        constants, self.constants = self.constants, None
        code = self.spelled(form)
        self.constants = constants
        return code

    def atom(self, form: Form) -> str:
        return self.code(form).atom

    def name(self, tensor: str) -> str:
        """How a tensor is spelled."""
        return self.names.get(tensor, tensor)

    def size(self, extent: Expr) -> str:
        """The text of a size."""
        return self.scalars.code(extent).text

    def shape(self, axes: tuple[Expr, ...]) -> str:
        """The text of a shape: (m, d)."""
        listed = ", ".join(self.size(extent) for extent in axes)
        return f"({listed},)" if len(axes) == 1 else f"({listed})"

    def converted(self, form: Form) -> Code:
        """The text with integers and truths made reals of the data's dtype."""
        if element_of(form) not in (Element.INTEGER, Element.TRUTH):
            return self.code(form)
        if element_of(form) is Element.TRUTH and not form.rank:
            return Code(f"float({self.code(form).text})")
        self.uses_dtype = True
        if is_python(form):
            return Code(f"{self.dtype}.type({self.code(form).text})")
        return Code(f"{self.atom(form)}.astype({self.dtype})")

    def held(self, form: Form) -> Code:
        """The text of a scalar or an array that has the data's dtype, whichever branch is taken."""
        if not is_python(form):
            return self.converted(form)
        self.uses_dtype = True
        return call("np.asarray", self.code(form).text, self.dtype)

    def operands(self, form: Form, parts: tuple[Form, ...]) -> list[Code]:
        """The operands of an arithmetic form: integers among reals are converted, and truths that add up."""
        if element_of(form) is not Element.REAL:
            return [self.code(part) for part in parts]
        alone = all(element_of(part) is not Element.REAL for part in parts)
        widening = (Element.INTEGER, Element.TRUTH) if alone or adds_truths(form) else (Element.INTEGER,)
        return [
            self.converted(part)
            if element_of(part) in widening or (element_of(part) is Element.TRUTH and not part.rank)
            else self.code(part)
            for part in parts
        ]

    def function(self, name: str) -> str:
        """The text of a function; one that NumPy lacks is collected."""
        self.functions |= EMITTED & {name}
        return FUNCTIONS[name]

    def _element(self, ref: Ref) -> Code:
        indices = ", ".join(self.scalars.code(index).text for index in ref.indices)
        return Code(f"{self.name(ref.name)}[{indices}]" if indices else self.name(ref.name))


def subscripted(printer: NumpyPrinter, name: str, rank: int, subscripts: tuple[tuple[int, Expr], ...]) -> str:
    """A tensor at its fixed indices: W[i], A[t, :, 0]."""
    spelled = printer.name(name)
    if not subscripts:
        return spelled
    fixed = dict(subscripts)
    last = max(fixed)
    listed = [printer.size(fixed[k]) if k in fixed else ":" for k in range(min(last + 1, rank + len(fixed)))]
    return f"{spelled}[{', '.join(listed)}]"


def _array(printer: NumpyPrinter, form: Array) -> Code:
    return Code(subscripted(printer, form.name, form.rank, form.subscripts))


def _transpose(printer: NumpyPrinter, form: Transpose) -> Code:
    inner = printer.atom(form.operand)
    return Code(f"{inner}.T" if form.order == (1, 0) else f"{inner}.transpose{form.order}")


def _broadcast(printer: NumpyPrinter, form: Broadcast) -> Code:
    """Trailing dimensions align by themselves; a reduced dimension is kept; others are inserted."""
    operand, rank = form.operand, form.rank
    if form.kept == tuple(range(rank - operand.rank, rank)):
        return printer.code(operand)
    dropped = tuple(k for k in range(rank) if k not in form.kept)
    if isinstance(operand, Reduced) and operand.over == dropped:
        return _reduced(printer, operand, keepdims=True)
    if isinstance(operand, Quotient):
        mean = _mean(printer, operand, keepdims=True)
        if mean is not None and isinstance(operand.numerator, Reduced) and operand.numerator.over == dropped:
            return mean
    first = form.kept[0]
    marks = ", ".join(":" if k in form.kept else "None" for k in range(first, rank))
    return Code(f"{printer.atom(operand)}[{marks}]")


def _matmul(printer: NumpyPrinter, form: MatMul) -> Code:
    left, right = printer.operands(form, (form.left, form.right))
    if form.rank == 2 and form.left.rank == 2 and form.left.axes[1] == printer.examples:
        printer.functions.add("dot")
        return call("dot", left.text, right.text)
    first = left.text if isinstance(form.left, MatMul) else left.atom
    return Code(f"{first} @ {right.atom}", PRODUCT)


def _outer(printer: NumpyPrinter, form: Outer) -> Code:
    return call("np.outer", *(part.text for part in printer.operands(form, (form.left, form.right))))


def _quotient(printer: NumpyPrinter, form: Quotient) -> Code:
    mean = _mean(printer, form)
    if mean is not None:
        return mean
    above, below = form.numerator, form.denominator
    if not below.rank:
        return multiplied(printer, form, above.factors if isinstance(above, Product) else (above,), below)
    repeated = repeated_quotient(printer, above, below)
    if repeated is not None:
        return repeated
    top, bottom = printer.operands(form, (above, below))
    return Code(f"{top.at(PRODUCT)} / {bottom.at(POWER)}", PRODUCT)


def _mean(printer: NumpyPrinter, form: Quotient, keepdims: bool = False) -> Code | None:
    """A sum over the number of its terms."""
    total, count = form.numerator, form.denominator
    if not isinstance(total, Reduced) or total.operator != "sum" or not isinstance(count, Number):
        return None
    if Mul(*(total.operand.axes[k] for k in total.over)) != count.value or total.operand.integral:
        return None
    if len(total.over) == total.operand.rank:
        return None  # of everything, sum()/m is several times faster than mean()
    return _reduced(printer, total, keepdims, "mean")


def _total(printer: NumpyPrinter, form: Total) -> Code:
    parts = tuple(term.operand if isinstance(term, Negative) else term for term in form.terms)
    codes = printer.operands(form, parts)
    text = ""
    for term, part, code in zip(form.terms, parts, codes, strict=True):
        negative = isinstance(term, Negative)
        binding = _negated(part) if negative and not text else PRODUCT if text else SUM
        operand = code.at(binding)
        text += (" - " if negative else " + ") + operand if text else ("-" if negative else "") + operand
    return Code(text, SUM)


def _negative(printer: NumpyPrinter, form: Negative) -> Code:
    return Code(f"-{printer.converted(form.operand).at(_negated(form.operand))}", SIGN)


def _negated(operand: Form) -> int:
    """How strong what is negated has to bind: -(X @ W), for -X would be an array of its own."""
    return POWER if isinstance(operand, MatMul) else PRODUCT


def _power(printer: NumpyPrinter, form: Power) -> Code:
    (base,) = printer.operands(form, (form.base,))
    exponent = form.exponent
    if exponent.could_extract_minus_sign():
        inner = printer.code(Power(form.base, -exponent) if exponent != -1 else form.base)
        return Code(f"1 / {inner.at(POWER)}", PRODUCT)
    if exponent == HALF:
        whole = form.rank or isinstance(form.base, Array)
        return call("np.sqrt", base.text) if whole else Code(f"{base.atom}**0.5", POWER)
    if isinstance(exponent, Integer) and 2 < exponent <= 4 and isinstance(form.base, Array):
        return Code(" * ".join([base.text] * int(exponent)), PRODUCT)
    return Code(f"{base.atom}**{printer.scalars.code(exponent).at(POWER)}", POWER)


def _apply(printer: NumpyPrinter, form: Apply) -> Code:
    if not form.known or form.order or form.function not in FUNCTIONS:
        raise DeriveError(f"the function {form.function} has no NumPy spelling; give its formula")
    if (
        form.function == "log"
        and isinstance(form.operand, Total)
        and Number(Integer(1)) in form.operand.terms
    ):
        rest = tuple(term for term in form.operand.terms if term != Number(Integer(1)))
        inner = _argument(printer, form, Total(rest) if len(rest) > 1 else rest[0])
        return call(printer.function("log1p"), inner.text)
    inner = _argument(printer, form, form.operand)
    return call(printer.function(form.function), inner.text)


def _argument(printer: NumpyPrinter, form: Apply, operand: Form) -> Code:
    """A function makes float64 of a Python number."""
    (inner,) = (printer.held(operand),) if is_python(operand) else printer.operands(form, (operand,))
    return inner


def _reduced(printer: NumpyPrinter, form: Reduced, keepdims: bool = False, operator: str = "") -> Code:
    arguments = []
    operator = operator or form.operator
    if len(form.over) < form.operand.rank or keepdims:
        axis = form.over[0] if len(form.over) == 1 else form.over
        arguments.append(f"axis={axis}")
    if keepdims:
        arguments.append("keepdims=True")
    if operator == "sum" and element_of(form.operand) is Element.TRUTH:
        printer.uses_dtype = True
        arguments.append(f"dtype={printer.dtype}")
    inner = printer.code(form.operand)
    return Code(f"{inner.atom}.{operator}({', '.join(arguments)})")


def _einsum(printer: NumpyPrinter, form: Einsum) -> Code:
    inputs = ",".join("".join(_letter(k) for k in letters) for letters in form.inputs)
    output = "".join(_letter(k) for k in form.output)
    operands = (code.text for code in printer.operands(form, form.factors))
    return call("np.einsum", f'"{inputs}->{output}"', *operands, "optimize=True")


def _letter(place: int) -> str:
    return "ijklmnopqrstuvwxyzabcdefgh"[place]


def _divided(printer: NumpyPrinter, form: Divided) -> Code:
    sign = " % " if form.remainder else " // "
    left, right = printer.code(form.left), printer.code(form.right)
    return Code(f"{left.at(POWER)}{sign}{right.at(POWER)}", PRODUCT)


def _undetermined(_: NumpyPrinter, form: VectorApply) -> Code:
    raise DeriveError(
        f"the undetermined function {form.function} of vectors cannot be emitted; give its equations"
    )


_PRINTERS: dict[type[Form], Callable[[NumpyPrinter, Any], Code]] = {
    Number: lambda printer, form: printer.scalars.code(form.value),
    Array: _array,
    Positions: lambda printer, form: call("np.arange", printer.size(form.extent)),
    Transpose: _transpose,
    Broadcast: _broadcast,
    Diagonal: lambda printer, form: Code(f"{printer.atom(form.operand)}.diagonal()"),
    MatMul: _matmul,
    Outer: _outer,
    Product: lambda printer, form: multiplied(printer, form, form.factors),
    Quotient: _quotient,
    Total: _total,
    Negative: _negative,
    Power: _power,
    Apply: _apply,
    VectorApply: _undetermined,
    Divided: _divided,
    Reduced: _reduced,
    OneHot: one_hot_code,
    Compare: compare_code,
    Logic: logic_code,
    Indicator: lambda printer, form: Code(printer.code(form.condition).text, COMPARISON),
    Select: select_code,
    Gather: gather_code,
    Einsum: _einsum,
}
