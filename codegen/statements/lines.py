"""Statements as lines of NumPy: the equation itself, its shape in a comment.

    Z2 = np.maximum(X @ W1, 0)    # (m, d)

A sum with one-hot rows touches only the ones; a scatter accumulates; a recurrence is a loop over
arrays allocated before it, ragged ones as lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sympy import Expr

from codegen.printers.numpy_gather import indexing, label_rows
from codegen.printers.numpy_numbers import Scalars
from codegen.printers.numpy_text import PRODUCT, Code
from codegen.printers.numpy_thin import is_thin
from codegen.printers.to_numpy import NumpyPrinter, subscripted
from codegen.statements.alike import TARGET, Known, Text, Wanted, Written, bare_printer
from codegen.statements.in_place import VIEWS, arrays_of, in_place, occurrences
from derive.calculus.arrays.algebra import product, total
from derive.calculus.arrays.base import Array, Form, renamed
from derive.calculus.arrays.cover import Cover
from derive.calculus.arrays.forms import Broadcast, Diagonal, Gather, OneHot, Transpose
from derive.calculus.arrays.matrix import Alike, alike_form, choosing_loops, value_form
from derive.calculus.arrays.pointwise import Negative, Product, Quotient, Total
from derive.calculus.arrays.reads import gather_form
from derive.calculus.expressions.alike import Renaming
from derive.calculus.expressions.tensor import Index, Kind, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence, Statement
from derive.errors import DeriveError


@dataclass(frozen=True)
class Line:
    """A line of source, without its place in the block, and a comment."""

    text: str
    comment: str = ""
    depth: int = 0


@dataclass
class NumpyLines:
    """Writes the statements of one program."""

    program: Program
    printer: NumpyPrinter
    inlined: frozenset[str] = frozenset()
    allocated: set[str] = field(default_factory=set)
    known: Known = field(default_factory=Known)
    deaths: Mapping[str, frozenset[str]] | None = None
    owned: set[str] = field(default_factory=set)
    tensors: Mapping[str, Tensor] = field(init=False)
    parts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tensors = self.program.tensors
        self.parts = partly_filled(self.program, self.tensors)

    def statements(self, statements: Iterable[Statement]) -> Iterator[Line]:
        """The lines of statements, in order."""
        for statement in statements:
            if isinstance(statement, Recurrence):
                yield from self.recurrence(statement)
            elif statement.name not in self.inlined:
                yield from self.equation(statement)

    def recurrence(self, loop: Recurrence) -> Iterator[Line]:
        """for t in range(T): the equations, on arrays that are allocated first."""
        equations = [equation for equation in loop.equations if equation.name not in self.inlined]
        for name in (equation.name for equation in equations if equation.name in self.parts):
            yield from self.allocation(name)
        extent = f"range({self.printer.size(loop.extent)})"
        yield Line(f"for {loop.index} in {f'reversed({extent})' if loop.reverse else extent}:")
        for equation in equations:
            for line in self.equation(equation):
                yield Line(line.text, line.comment, line.depth + 1)

    def allocation(self, name: str) -> Iterator[Line]:
        """The array that several equations fill."""
        if name in self.allocated:
            return
        self.allocated.add(name)
        tensor = self.tensors[name]
        spelled = self.printer.name(name)
        if is_ragged(tensor):
            yield Line(f"{spelled} = [None] * {Code(self.printer.size(tensor.shape[0]), PRODUCT).atom}")
            return
        dtype = "np.int64"
        if tensor.kind is not Kind.INTEGER:
            dtype, self.printer.uses_dtype = self.printer.dtype, True
        yield Line(f"{spelled} = np.empty({self.printer.shape(tensor.shape)}, {dtype})")

    def equation(self, equation: Equation) -> Iterator[Line]:
        """The lines of one equation."""
        choosing = choosing_loops(equation)
        chosen = [index for index in equation.loops if index in choosing]
        if equation.accumulates:
            yield from self.scatter(equation)
            return
        if equation.name in self.parts:
            yield from self.allocation(equation.name)
        ranges = dict(equation.ranges)
        for depth, index in enumerate(chosen):
            yield Line(f"for {index} in range({self.printer.size(ranges[index])}):", "", depth)
        for line in self.assignment(equation, frozenset(chosen)):
            yield Line(line.text, line.comment, line.depth + len(chosen))

    def assignment(self, equation: Equation, chosen: frozenset[Index]) -> Iterator[Line]:
        """target = value."""
        whole = [i for i in equation.target.indices if i in equation.loops and i not in chosen]
        indices = equation.target.indices
        fixed = tuple((place, index) for place, index in enumerate(indices) if index not in whole)
        target = subscripted(self.printer, equation.name, len(whole), fixed)
        extents = tuple(dict(equation.ranges)[index] for index in whole)
        integer = self.tensors[equation.name].kind is Kind.INTEGER
        wanted = Wanted(extents, bool(fixed), integer, self.dead(equation.name))
        alike, renaming = self.found(equation)
        if fixed or integer or not renaming:
            lines = self.assigned(target, _named(alike, renaming), wanted)
        else:
            lines = self.alike(target, alike, renaming, wanted)
        if not fixed and not integer:
            self.own(equation.name, alike.form, renaming)
        comment = self.comment(extents)
        yield from (Line(text, comment if commented else "") for text, commented in lines)

    def alike(self, target: str, alike: Alike, renaming: Renaming, wanted: Wanted) -> list[Text]:
        """The lines of target = value, worked out once for all that differ in names only."""
        bare = bare_printer(self.printer, renaming)
        key = (alike, wanted.renamed(renaming), bare.examples, self.deaths is None, self.error_name())
        if key not in self.known.written:
            writer = copy(self)
            writer.printer = bare
            try:
                lines = writer.assigned(TARGET, alike.form, wanted.renamed(renaming))
            except DeriveError:  # once more, with the names that its message shall have
                return self.assigned(target, _named(alike, renaming), wanted)
            named = bare.constants is not None and bare.constants.uses
            self.known.written[key] = None if named else Written(tuple(lines), bare)
        written = self.known.written[key]
        if written is None:
            return self.assigned(target, _named(alike, renaming), wanted)
        return written.spelled(target, renaming, self.printer)

    def assigned(self, target: str, form: Form, wanted: Wanted) -> list[Text]:
        """The lines of target = value, and which has the shape for a comment."""
        if not wanted.into and not wanted.integer:
            lines = self.several(target, form, wanted.dead)
            if lines:
                return [(text, place == 0) for place, text in enumerate(lines)]
        inner, before = _inner_error(form), []
        if inner is not None:
            delta = self.error_name()
            before = [(text, False) for text in self.with_ones(delta, inner)]
            form = _with(form, inner, Array(delta, inner.axes))
        value = self.value(form, wanted.extents, wanted.into, wanted.integer)
        return [*before, (f"{target} = {value}", True)]

    def several(self, target: str, form: Form, dead: Set[str]) -> list[str]:
        """The lines of a value that is computed in place; none where one line is better."""
        lines = list(self.with_ones(target, form, dead))
        if self.deaths is not None and not lines:
            lines = in_place(self.printer, target, form, dead)
        return lines

    def dead(self, name: str) -> frozenset[str]:
        """The values whose memory the function owns, and which nothing reads after this one is computed."""
        if self.deaths is None:
            return frozenset()
        return self.deaths.get(name, frozenset()) & self.owned

    def own(self, name: str, form: Form, renaming: Renaming) -> None:
        """Note whose memory a value is: its own, or that of the values which it shows in another shape."""
        if not isinstance(form, VIEWS):
            self.owned.add(name)
            return
        names = {str(placeholder): str(own) for own, placeholder in renaming.items()}
        self.owned -= {names.get(shown, shown) for shown in arrays_of(form)}

    def found(self, equation: Equation) -> tuple[Alike, Renaming]:
        """The equation's array form; functions that share an equation share it."""
        folded = sorted(self.inlined & {ref.name for ref in refs(equation.value)})
        key = (equation, tuple(self.program.defining(name) for name in folded))
        equations, forms = self.known.equations, self.known.forms
        if key not in equations:
            equations[key] = alike_form(equation, self.program, self.inlined, self.tensors, forms)
        return equations[key]

    def value(self, form: Form, extents: tuple[Expr, ...], into: bool, integer: bool = False) -> str:
        """The right side: of the full shape, and an array of the data's dtype."""
        if not (integer or into or extents):
            return self.printer.held(form).text
        code = self.printer.code(form) if integer else self.printer.converted(form)
        if into or not extents or (form.rank and not is_thin(form)):
            return code.text
        shape = self.printer.shape(extents)
        if form.rank:
            return f"np.broadcast_to({code.text}, {shape})"
        self.printer.uses_dtype = True
        return f"np.full({shape}, {code.text}, {self.printer.dtype})"

    def with_ones(self, target: str, form: Form, dead: Set[str] = frozenset()) -> Iterator[str]:
        """(S - I_y) s as a copy of S, or S itself where it dies here, less 1 at the labels, times s."""
        inner, scale = _scaled_total(form)
        if inner is None:
            return
        ones = [(term, *_one_hot(term)) for term in inner.terms]
        found = [(term, hot, weight) for term, hot, weight in ones if hot is not None]
        if len(found) != 1 or len(inner.terms) < 2:
            return
        term, hot, weight = found[0]
        rows = label_rows(self.printer, hot)
        if rows is None:
            return
        rest = total(*(other for other in inner.terms if other is not term))
        taken = isinstance(rest, Array) and rest.name in dead and occurrences(form, rest.name) == 1
        yield f"{target} = {self.value(rest, inner.axes, False) if taken else self.copied(rest, inner.axes)}"
        sign = "-=" if isinstance(term, Negative) else "+="
        yield f"{target}[{rows}] {sign} {self.printer.code(weight).text}"
        if scale is not None:
            yield f"{target} *= {self.printer.code(scale).text}"

    def error_name(self) -> str:
        """delta, or delta with _ where the program has a tensor of that name."""
        name = "delta"
        while name in self.tensors:
            name += "_"
        return name

    def copied(self, form: Form, extents: tuple[Expr, ...]) -> str:
        """The value as an array of its own, to be changed in place."""
        is_view = isinstance(form, Array | Transpose | Diagonal | Gather | Broadcast)
        if is_view or (extents and form.rank and is_thin(form)):
            return f"{self.value(form, extents, False)}.copy()"
        return self.value(form, extents, False)

    def scatter(self, equation: Equation) -> Iterator[Line]:
        """np.add.at(target, places, values): several values may meet in one element."""
        tensor = self.tensors[equation.name]
        target = self.printer.name(equation.name)
        self.printer.uses_dtype = True
        if equation.name not in self.allocated:
            self.allocated.add(equation.name)
            zeros = f"np.zeros({self.printer.shape(tensor.shape)}, {self.printer.dtype})"
            yield Line(f"{target} = {zeros}", self.comment(tensor.shape))
        extents = dict(equation.ranges)
        cover = Cover(extents, self.tensors)
        places = gather_form(equation.target, tensor.shape, extents, cover)
        text, order = indexing(self.printer, places)
        loops = list(extents.items())
        values = value_form(equation.value, tuple(loops[k] for k in order), self.program, self.inlined)
        where = text if text.count(",") == 0 and ":" not in text else f"np.s_[{text}]"
        yield Line(f"np.add.at({target}, {where}, {self.printer.converted(values).text})")

    def comment(self, extents: tuple[Expr, ...]) -> str:
        """The shape: (m, d)."""
        if not extents:
            return ""
        plain = Scalars(self.printer.scalars.element)
        listed = ", ".join(plain.code(extent).text for extent in extents)
        return f"({listed},)" if len(extents) == 1 else f"({listed})"


def _named(alike: Alike, renaming: Renaming) -> Form:
    return renamed(alike.form, {placeholder: name for name, placeholder in renaming.items()})


def _inner_error(form: Form) -> Total | None:
    """A difference with one-hot rows somewhere inside: S - I_y."""
    for operand in form.operands:
        if isinstance(operand, Total) and any(_one_hot(term)[0] is not None for term in operand.terms):
            return operand if label_matrix(operand) else None
        found = _inner_error(operand)
        if found is not None:
            return found
    return None


def label_matrix(form: Total) -> bool:
    """Whether exactly one term is a one-hot matrix of a vector of labels."""
    found = [hot for hot, _ in map(_one_hot, form.terms) if hot is not None]
    return (
        len(found) == 1 and len(form.terms) > 1 and isinstance(found[0].labels, Array) and found[0].rank == 2
    )


def _with(form: Form, old: Form, new: Form) -> Form:
    """The form with one part replaced."""
    if form is old:
        return new
    changed: dict[str, Any] = {}
    for item in fields(form):
        value = getattr(form, item.name)
        if isinstance(value, Form):
            changed[item.name] = _with(value, old, new)
        elif isinstance(value, tuple) and value and isinstance(value[0], Form):
            changed[item.name] = tuple(_with(part, old, new) for part in value)
    return replace(form, **changed) if changed else form


def is_ragged(tensor: Tensor) -> bool:
    """Whether the size of one axis depends on the place along another."""
    letters = {Index(axis.name) for axis in tensor.axes}
    return any(axis.size.free_symbols & letters for axis in tensor.axes)


def partly_filled(program: Program, tensors: Mapping[str, Tensor]) -> frozenset[str]:
    """The tensors that several equations, or several turns of a loop, fill."""
    counts = Counter(equation.name for equation in program.equations())
    return frozenset(
        equation.name
        for equation in program.equations()
        if counts[equation.name] > 1
        or any(index not in equation.loops for index in equation.target.indices)
        or is_ragged(tensors[equation.name])
    )


def _scaled_total(form: Form) -> tuple[Total | None, Form | None]:
    """A total, or a scalar multiple of one."""
    if isinstance(form, Total):
        return form, None
    above, below = (form.numerator, form.denominator) if isinstance(form, Quotient) else (form, None)
    factors = above.factors if isinstance(above, Product) else (above,)
    totals = [factor for factor in factors if isinstance(factor, Total) and factor.rank]
    scalars = [factor for factor in factors if not factor.rank]
    if len(totals) != 1 or len(scalars) + 1 < len(factors) or (below is not None and below.rank):
        return None, None
    scale = product(*scalars)
    return totals[0], scale if below is None else Quotient(scale, below)


def _one_hot(term: Form) -> tuple[OneHot | None, Form]:
    """A one-hot matrix times a scalar."""
    inner = term.operand if isinstance(term, Negative) else term
    above, below = (inner.numerator, inner.denominator) if isinstance(inner, Quotient) else (inner, None)
    factors = above.factors if isinstance(above, Product) else (above,)
    hots = [factor for factor in factors if isinstance(factor, OneHot)]
    scalars = [factor for factor in factors if not factor.rank]
    if len(hots) != 1 or len(scalars) + 1 < len(factors) or (below is not None and below.rank):
        return None, inner
    weight = product(*scalars)
    return hots[0], weight if below is None else Quotient(weight, below)
